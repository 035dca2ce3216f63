"""Request bodies to payloads, judged by foreign bytes: DUIS templates against RTDS messages (gbcs.md 4.3, 5)."""

import base64
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trustcell import certs, duis, gbcs
from trustcell.dsp.rules import completion, transform
from trustcell.dsp.rules.services import credential_details
from trustcell.vocab import MAX_SEQ_NUMBER, CellUsage, DeviceType, Eui64, KeyUsage, Refused, RemotePartyRole

BROKER, OPERATOR = Eui64.parse("90-B3-D5-1F-30-00-00-02"), Eui64.parse("90-B3-D5-1F-30-02-00-00")
GPF = Eui64.parse("00-DB-12-34-56-78-90-A3")
DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT

# template -> RTDS command; every pair of 6.15.1 and 6.21 in the corpus whose template exists
UPDATES = (
    "CS02bNOByNO_6.15.1_SUCCESS",
    "CS02bSupplierBySupplier_6.15.1_IMMEDIATE_SUCCESS",
    "CS02bSupplierBySupplier_6.15.1_FUTURE_DATED_SUCCESS",
    "CS02bSupplierBySupplier_6.15.1_CANCELLATION_SUCCESS",
    "CS02gLoadControllerBySupplier_6.15.1_IMMEDIATE_SUCCESS",
    "CS02gLoadControllerBySupplier_6.15.1_FUTURE_DATED_SUCCESS",
    "CS02gLoadControllerBySupplier_6.15.1_CANCELLATION_SUCCESS",
    "CS02bNOByNOHandover_6.21_SUCCESS",
    "CS02bSupplierBySupplierHandover_6.21_SUCCESS",
)
OWN = tuple(name for name in UPDATES if "_6.15.1_" in name)
HANDOVERS = tuple(name for name in UPDATES if "_6.21_" in name)
READS = ("CS02aMAC_6.24.1_SUCCESS", "CS02fMAC_6.24.1_SUCCESS")


def template(shared: Path, name: str) -> duis.Request:
    return duis.parse_request((shared / "duis-templates" / f"{name}_REQUEST_DUIS.XML").read_bytes()).request


def octets(shared: Path, name: str) -> bytes:
    (path,) = (shared / "rtds" / "messages").glob(f"*/{name}_GBCS.HEX")
    return bytes.fromhex(path.read_text())


def command(shared: Path, name: str) -> tuple[gbcs.Message, gbcs.UpdateSecurityCredentials]:
    message = gbcs.decode(octets(shared, f"{name}_COMMAND"))
    return message, gbcs.decode_payload(message)


def key_id(der: bytes) -> bytes | None:
    return certs.Certificate.from_der(der).subject_key_identifier


def without_certificates(payload: gbcs.UpdateSecurityCredentials) -> gbcs.UpdateSecurityCredentials:
    cells = tuple(replace(entry, certificate=b"") for entry in payload.replacements)
    return replace(payload, replacements=cells, path_certificates=())


def with_certificates_of(
    made: gbcs.UpdateSecurityCredentials, real: gbcs.UpdateSecurityCredentials
) -> gbcs.UpdateSecurityCredentials:
    return replace(made, replacements=real.replacements, path_certificates=real.path_certificates)


@pytest.mark.parametrize("name", UPDATES)
def test_a_template_becomes_the_payload_of_its_command(name: str, shared: Path) -> None:
    request, (message, real) = template(shared, name), command(shared, name)
    made = transform.update_credentials(request.body, message.originator_counter)
    assert without_certificates(made) == without_certificates(real)
    assert made.control.mode.message_code == message.message_code
    if "_6.15.1_" in name:
        assert request.request_id.counter == message.originator_counter
    else:
        assert request.request_id.counter != message.originator_counter


@pytest.mark.parametrize("name", [name for name in UPDATES if "LoadController" not in name])
def test_certificates_are_reissues_of_the_same_keys(name: str, shared: Path) -> None:
    request, (_message, real) = template(shared, name), command(shared, name)
    made = transform.update_credentials(request.body, 1)
    ours, theirs = ([key_id(entry.certificate) for entry in payload.replacements] for payload in (made, real))
    assert ours == theirs
    assert [key_id(der) for der in made.path_certificates] == [key_id(der) for der in real.path_certificates]
    assert [entry.certificate for entry in made.replacements] != [entry.certificate for entry in real.replacements]


def test_the_load_controller_command_installs_what_it_is_given(shared: Path) -> None:
    name = "CS02gLoadControllerBySupplier_6.15.1_IMMEDIATE_SUCCESS"
    request, (_message, real) = template(shared, name), command(shared, name)
    made = transform.update_credentials(request.body, 1000)
    roles = [[certs.Certificate.from_der(e.certificate).role for e in p.replacements] for p in (made, real)]
    assert roles == [[RemotePartyRole.LOAD_CONTROLLER] * 2, [RemotePartyRole.SUPPLIER] * 2]
    assert [e.cell.role for e in made.replacements] == [RemotePartyRole.LOAD_CONTROLLER] * 2


@pytest.mark.parametrize("name", OWN)
def test_with_the_certificates_of_rtds_the_pre_command_is_theirs_octet_by_octet(name: str, shared: Path) -> None:
    request, (message, real) = template(shared, name), command(shared, name)
    ids = request.request_id
    payload = with_certificates_of(transform.update_credentials(request.body, ids.counter), real)
    made = transform.command(ids.originator, ids.target, ids.counter, payload.control.mode.message_code, payload)
    theirs = octets(shared, f"{name}_PRECOMMAND")
    assert gbcs.inner_octets(made) == theirs
    assert completion.offered_octets(made) == theirs + b"\0"
    assert gbcs.signed_octets(made) == gbcs.signed_octets(message)


@pytest.mark.parametrize("name", OWN)
def test_the_signature_of_rtds_completes_the_pre_command(name: str, shared: Path) -> None:
    message = command(shared, name)[0]
    offered = octets(shared, f"{name}_PRECOMMAND") + b"\0"
    keys = [
        certs.Certificate.from_der(base64.b64decode(entry["certificate_der_b64"])).public_key
        for entry in json.loads((shared / "rtds" / "keys.json").read_text())
        if entry["eui64"] == message.originator.hex() and entry["usage"] == "DS" and "certificate_der_b64" in entry
    ]
    returned = gbcs.encode(replace(message, mac=None))

    def complete(octets: bytes) -> gbcs.Message:
        signed = completion.returned(offered, octets)
        completion.require_signature(offered, signed, keys)
        return signed

    assert complete(returned).signature == message.signature
    for spoiled, code in (
        (returned[:-1] + bytes([returned[-1] ^ 1]), "pre_command_signature"),
        (returned[:15] + bytes([returned[15] ^ 1]) + returned[16:], "pre_command_changed"),
        (octets(shared, f"{name}_COMMAND"), "pre_command_changed"),
        (returned + b"\0", "pre_command_malformed"),
    ):
        with pytest.raises(Refused) as refused:
            complete(spoiled)
        assert refused.value.code == code
    with pytest.raises(Refused, match="pre_command_signature"):
        completion.require_signature(offered, message, [])


@pytest.mark.parametrize("name", HANDOVERS)
def test_a_6_21_is_theirs_octet_by_octet_before_its_signature(name: str, shared: Path) -> None:
    request, (message, real) = template(shared, name), command(shared, name)
    assert message.originator == BROKER
    assert message.supplementary is None
    payload = with_certificates_of(transform.update_credentials(request.body, message.originator_counter), real)
    made = transform.command(
        BROKER, request.request_id.target, message.originator_counter, payload.control.mode.message_code, payload
    )
    assert gbcs.signed_octets(made) == gbcs.signed_octets(message)


@pytest.mark.parametrize("name", READS)
def test_a_6_24_1_is_theirs_octet_by_octet_before_its_mac(name: str, shared: Path) -> None:
    request, message = template(shared, name), gbcs.decode(octets(shared, f"{name}_COMMAND"))
    body = request.body
    assert isinstance(body, duis.RetrieveDeviceSecurityCredentialsKRP)
    code = credential_details.details_message_code(body)
    made = transform.command(
        BROKER, request.request_id.target, message.originator_counter, code, credential_details.details(body)
    )
    assert gbcs.inner_octets(made) == gbcs.inner_octets(replace(message, signature=None, mac=None))
    assert code == message.message_code == (0x011B if "CS02f" in name else 0x0008)


# ---- the worked examples: gbcs.md 5.4 to 5.6 ----


def body_of(role: RemotePartyRole, shared: Path, party: Eui64, kind: Any) -> Any:
    """A body with the key file's certificates of a party, and the issuing certificate of the first example."""
    found = {
        (entry["eui64"], entry["usage"]): base64.b64decode(entry["certificate_der_b64"])
        for entry in json.loads((shared / "rtds" / "keys.json").read_text())
        if "certificate_der_b64" in entry and not entry["prepayment"]
    }
    path = command(shared, "CS02bNOByNO_6.15.1_SUCCESS")[1].path_certificates
    return kind(
        remote_party_role=role,
        path_certificates=path,
        apply_time_based_cpv_checks=True,
        digital_signing_certificate=found[party.hex(), "DS"],
        key_agreement_certificate=found[party.hex(), "KA"],
        floor_seq_number=0,
    )


def digest(message: gbcs.Message) -> str:
    return hashlib.sha256(gbcs.inner_octets(replace(message, signature=None, mac=None))).hexdigest()


def test_worked_example_5_4(shared: Path) -> None:
    message, _payload = command(shared, "CS02bNOByNO_6.15.1_SUCCESS")
    request = template(shared, "CS02bNOByNO_6.15.1_SUCCESS")
    real = gbcs.decode_payload(message)
    payload = with_certificates_of(transform.update_credentials(request.body, 1200), real)
    made = transform.command(OPERATOR, request.request_id.target, 1200, 0x0103, payload)
    signed = gbcs.signed_octets(made)
    assert len(signed) == 1327
    assert hashlib.sha256(signed).hexdigest().startswith("55d49bd5be824a23850a89c27290487c")


@pytest.mark.parametrize(
    ("counter", "length", "expected"),
    [
        (1301, 1329, "f504e7a2d8691e55a5b782d6ab4315873e723d2ac4c152b2228071c487ed58a2"),
        (5000, 1329, "7a6b9e208cdf142d545ae1a823989c6fcf5a6cd30c3a084e722c7c44bd658220"),
        (5001, 1329, "737fee7ce7ae5f1d09384a30f2a1bcad895e44e300d8bf5b65162c794e95be8b"),
    ],
)
def test_worked_examples_5_5_and_5_6_of_the_6_21(counter: int, length: int, expected: str, shared: Path) -> None:
    body = body_of(RemotePartyRole.NETWORK_OPERATOR, shared, OPERATOR, duis.RequestHandoverOfDCCControlledDevice)
    made = transform.command(BROKER, GPF, counter, 0x0103, transform.update_credentials(body, counter))
    assert len(gbcs.inner_octets(made)) == length
    assert digest(made) == expected
    if counter == 1301:
        real = gbcs.decode(octets(shared, "CS02bNOByNOHandover_6.21_SUCCESS_COMMAND"))
        assert digest(made) == digest(real)


def test_worked_example_5_6_of_the_departing_operator(shared: Path) -> None:
    body = body_of(RemotePartyRole.NETWORK_OPERATOR, shared, BROKER, duis.UpdateSecurityCredentialsKRP)
    made = transform.command(OPERATOR, GPF, 5000, 0x0103, transform.update_credentials(body, 5000))
    assert len(gbcs.inner_octets(made)) == 1328
    assert digest(made) == "3490d0c3ed21d449b3627a0b71d705eb4f8c61ac092f17857e93f4dfedaa6885"


# ---- what a transform refuses ----


def plain(kind: Any, **change: Any) -> Any:
    fields: dict[str, Any] = {
        "remote_party_role": RemotePartyRole.NETWORK_OPERATOR,
        "path_certificates": (b"0\x00",),
        "apply_time_based_cpv_checks": True,
        "digital_signing_certificate": b"0\x00",
    }
    return kind(**{**fields, **change})


UPDATE, HANDOVER = duis.UpdateSecurityCredentialsKRP, duis.RequestHandoverOfDCCControlledDevice


@pytest.mark.parametrize(
    ("body", "counter", "codes"),
    [
        (plain(UPDATE), MAX_SEQ_NUMBER + 1, ["counter_above_seq_number"]),
        (plain(UPDATE, digital_signing_certificate=None), 1, ["no_replacement"]),
        (plain(UPDATE, key_agreement_top_up_certificate=b"0\x00"), 1, ["no_top_up_cell"]),
        (plain(UPDATE, top_up_floor_seq_number=1), 1, ["no_top_up_cell"]),
        (
            plain(HANDOVER, top_up_floor_seq_number=1),
            MAX_SEQ_NUMBER + 1,
            ["counter_above_seq_number", "no_top_up_cell"],
        ),
        (plain(HANDOVER, remote_party_role=RemotePartyRole.LOAD_CONTROLLER), 1, ["role_not_replaceable"]),
        (plain(UPDATE, remote_party_role=RemotePartyRole.ACCESS_CONTROL_BROKER), 1, ["role_not_replaceable"]),
    ],
)
def test_refusals_name_everything_that_is_wrong(body: Any, counter: int, codes: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        transform.update_credentials(body, counter)
    assert [finding.code for finding in refused.value.findings] == codes
    assert all(finding.remedy and finding.clause and finding.field for finding in refused.value.findings)


def test_the_rule_is_for_the_operator_slot_of_a_smets2_gpf_only() -> None:
    cases = [
        (kind, generation, role, body)
        for kind in DeviceType
        for generation in ("SMETS1", "SMETS2")
        for role in (RemotePartyRole.NETWORK_OPERATOR, RemotePartyRole.SUPPLIER)
        for body in (UPDATE, HANDOVER)
        if transform.raises_above_stored(plain(body, remote_party_role=role), kind, generation)
    ]
    assert cases == [(DeviceType.GPF, "SMETS2", RemotePartyRole.NETWORK_OPERATOR, HANDOVER)]


FLOORS = st.one_of(st.none(), st.integers(0, MAX_SEQ_NUMBER))


@settings(deadline=None)
@given(
    counter=st.integers(0, MAX_SEQ_NUMBER),
    floor=FLOORS,
    top_up=FLOORS,
    kind=st.sampled_from((UPDATE, HANDOVER)),
    when=st.one_of(st.none(), st.just(duis.CANCEL), st.datetimes().map(lambda at: at.astimezone(duis.CANCEL.tzinfo))),
    checks=st.booleans(),
)
def test_every_accepted_body_becomes_a_payload_that_reads_back(
    counter: int, floor: int | None, top_up: int | None, kind: Any, when: Any, checks: bool
) -> None:
    body = plain(
        kind,
        remote_party_role=RemotePartyRole.SUPPLIER,
        key_agreement_top_up_certificate=b"0\x00",
        floor_seq_number=floor,
        top_up_floor_seq_number=top_up,
        execution_date_time=when,
        apply_time_based_cpv_checks=checks,
    )
    made = transform.update_credentials(body, counter)
    message = transform.command(OPERATOR, GPF, counter, made.control.mode.message_code, made)
    assert gbcs.decode_payload(gbcs.decode(gbcs.encode(message))) == made
    assert made.control.seq_number == message.originator_counter == counter
    # the DSP holds a 6.21 until its date, so the device sees none
    assert (made.execution_date_time == gbcs.NEVER) is (when == duis.CANCEL and kind is UPDATE)
    assert kind is UPDATE or made.execution_date_time is None
    assert made.replacements[1].cell.cell_usage is CellUsage.PRE_PAYMENT_TOP_UP
    assert (made.control.time_based_checks is gbcs.TimeBasedChecks.APPLY) is checks
