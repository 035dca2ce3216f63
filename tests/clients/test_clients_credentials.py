"""Credentials change hands: renewal, departure with a huge counter, the supplier's 6.21, the return."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clients.user import BROKER, ESME, GPF, Users, id_of, path_certificates, users
from trustcell import duis, gbcs

HUGE = 2**62
NEVER = "3000-12-31T00:00:00.00Z"
RENEWAL = "CS02bNOByNO_6.15.1"
HANDOVER = "CS02bNOByNOHandover_6.21"
SUPPLIER_RENEWAL = "CS02bSupplierBySupplier_6.15.1_IMMEDIATE"


@pytest.fixture
def story(shared: Path, tmp_path: Path) -> Iterator[Users]:
    """A lab of its own for each story."""
    with users(shared, tmp_path) as everybody:
        yield everybody


def put(world: Users, holder: str, wrapped: bool = True) -> dict[str, Any]:
    """Fields of a request that puts the certificates of this name into the operator's cells."""
    certificates: dict[str, Any] = {
        "DigitalSigningCertificate": world.certificate(f"{holder}-ds"),
        "KeyAgreementCertificate": world.certificate(f"{holder}-ka"),
    }
    replacement = {"SupplierOrNetworkOperatorCertificates": certificates} if wrapped else certificates
    return {
        "RemotePartyRole": "NetworkOperator",
        "ReplacementCertificates": replacement,
        "CertificationPathCertificates": path_certificates(),
    }


def replaced(world: Users, callback: dict) -> gbcs.ExecutionOutcome:
    """The outcome of an update that succeeded, its signature checked."""
    world.check_signature(world.message(callback))
    outcome = world.outcome(callback)
    assert {each.status for each in outcome.replacement_outcomes} == {gbcs.StatusCode.SUCCESS}
    return outcome


def later(seconds: float) -> str:
    """An execution time."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.00Z")


def test_an_operator_leaves_with_a_huge_counter_and_comes_back(story: Users) -> None:
    leaving = story.request(RENEWAL, HUGE, GPF, **put(story, "Z1-accessControlBroker"))
    left = story.response(story.accepted(story.critical(leaving)))
    assert id_of(left["message"]["header"]["requestId"]).endswith(f":{HUGE}")
    assert story.message(left).originator_counter == HUGE
    assert replaced(story, left).seq_number == HUGE

    handover = story.send(HANDOVER, target=GPF, **put(story, "Z1-networkOperator", wrapped=False))
    arrived = story.response(story.accepted(handover))
    assert story.message(arrived).originator_counter == HUGE + 1
    assert replaced(story, arrived).seq_number == HUGE + 1
    assert str(story.message(arrived).target) == BROKER
    alert = story.until(lambda each: "DCCAlertMessage" in each["message"]["body"])
    assert story.code(alert) == "I0", "anything else is an error for the client"
    assert "SecurityCredentialsUpdated" in str(alert["message"]["body"])

    renewing = story.request(RENEWAL, HUGE + 2, GPF, **put(story, "Z1b-networkOperator"))
    renewed = story.response(story.accepted(story.critical(renewing)))
    assert replaced(story, renewed).seq_number == HUGE + 2


@pytest.mark.parametrize("device", [ESME, GPF])
def test_credentials_are_renewed_as_packaged(story: Users, device: str) -> None:
    """Operator and supplier, each to the certificates in the packaged request."""
    for template, cells in ((RENEWAL, 2), (SUPPLIER_RENEWAL, 3)):
        if device == GPF and cells == 3:
            continue
        callback = story.response(story.accepted(story.critical(story.request(template, target=device))))
        assert len(replaced(story, callback).replacement_outcomes) == cells


def test_the_templates_of_today_are_taken_by_devices(story: Users, shared: Path) -> None:
    """The re-issued certificates of 2025 are over the same keys; a device whose clock runs takes them."""
    octets = (shared / "duis-templates" / "CS02bNOByNO_6.15.1_SUCCESS_REQUEST_DUIS.XML").read_bytes()
    today = duis.parse_request(octets).request.body

    def text(der: bytes) -> str:
        return base64.b64encode(der).decode()

    fields = put(story, "Z1b-networkOperator")
    fields["ReplacementCertificates"]["SupplierOrNetworkOperatorCertificates"] = {
        "DigitalSigningCertificate": text(today.digital_signing_certificate),
        "KeyAgreementCertificate": text(today.key_agreement_certificate),
    }
    callback = story.response(story.accepted(story.critical(story.request(RENEWAL, **fields))))
    replaced(story, callback)


def test_a_command_for_later_is_answered_and_then_announced(story: Users) -> None:
    request = story.request(SUPPLIER_RENEWAL, ExecutionDateTime=later(20))
    request_id = story.accepted(story.critical(request))
    accepted = story.response(request_id)
    payload = gbcs.decode_payload(story.message(accepted))
    assert payload.outcome is None
    done = story.until(lambda each: "FutureDatedDeviceAlertMessage" in str(each["message"]["body"]))
    body = done["message"]["body"]["ResponseMessage"]["FutureDatedDeviceAlertMessage"]
    assert body["FutureDatedAlertCode"] == "8F66"
    story.check_signature(story.message(done))


def test_a_command_for_later_can_be_cancelled(story: Users) -> None:
    waiting = story.request(SUPPLIER_RENEWAL, ExecutionDateTime=later(3600))
    story.response(story.accepted(story.critical(waiting)))
    cancelling = story.request(SUPPLIER_RENEWAL, ExecutionDateTime=NEVER)
    callback = story.response(story.accepted(story.critical(cancelling)))
    assert story.code(callback) == "I0"


def test_a_handover_for_later_is_held_by_the_dsp(story: Users) -> None:
    leaving = story.request(RENEWAL, target=GPF, **put(story, "Z1-accessControlBroker"))
    replaced(story, story.response(story.accepted(story.critical(leaving))))
    fields = put(story, "Z1-networkOperator", wrapped=False)
    far = story.request(HANDOVER, target=GPF, ExecutionDateTime=later(3600), **fields)
    story.accepted(story.post(far))
    story.accepted(story.send(HANDOVER, target=GPF, ExecutionDateTime=NEVER, **fields))
    near = story.request(HANDOVER, target=GPF, ExecutionDateTime=later(15), **fields)
    request_id = story.accepted(story.post(near))
    assert not [each for each in story.waiting if request_id in str(each)], "it is not due yet"
    replaced(story, story.response(request_id))


def test_what_was_kept_is_there_after_a_restart(shared: Path, tmp_path: Path) -> None:
    home = ("--home", str(tmp_path / "home"))
    with users(shared, tmp_path, *home) as first:
        leaving = first.request(RENEWAL, HUGE, GPF, **put(first, "Z1-accessControlBroker"))
        replaced(first, first.response(first.accepted(first.critical(leaving))))
        first.accepted(first.send("12.2_DEVICE_PRE_NOTIFICATION", DeviceID="00-DB-12-34-56-78-90-C8"))
    with users(shared, tmp_path, *home) as second:
        again = second.request(RENEWAL, HUGE, GPF, **put(second, "Z1-accessControlBroker"))
        assert second.code(second.post(again)).startswith("E"), "the ID was used before"
        assert second.code(second.send("8.2_READ_INVENTORY", DeviceID="00-DB-12-34-56-78-90-C8")) == "I0"
        handover = second.send(HANDOVER, target=GPF, **put(second, "Z1-networkOperator", wrapped=False))
        arrived = second.response(second.accepted(handover))
        assert replaced(second, arrived).seq_number == HUGE + 1
