"""Refusals by code, and every packaged request as it is: an answer the client can read, whatever is asked."""

import base64
import http.client
import re
from collections import Counter
from pathlib import Path

import pytest

from clients.user import BROKER, DOORS, ESME, GPF, OPERATOR, SUPPLIER, Users
from trustcell import duis
from trustcell.app.lab import key_pair
from trustcell.dsp.rules.services import SERVICES

NOBODY = "00-DB-12-34-56-78-90-EE"
SIGNERS = {
    SUPPLIER: "xml-sign-90B3D51F30010000-ds",
    OPERATOR: "xml-sign-90B3D51F30020000-ds",
    "90-B3-D5-1F-30-03-00-00": "Z1-supplier2-ds",
    "90-B3-D5-1F-30-00-00-02": "dsp-xml-sign-90B3D51F30000002-ds",
}
_ID = re.compile(rb"<sr:RequestID>([^:<]*):([^:<]*):[0-9]+<")
_SIGNATURE = re.compile(rb"<(?:ds:)?Signature[ >].*</(?:ds:)?Signature>", re.DOTALL)


def code(world: Users, octets: bytes, door: str) -> str:
    """Send octets as they are; the response code of what comes back, which follows DUIS 5.4, or the status."""
    host, _, port = world.server.told["duis"].removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.request("POST", f"/api/v1/{door}", octets, {"Content-Type": "application/xml"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        return f"HTTP {answer.status}"
    assert answer.getheader("Content-Type").partition(";")[0] == "application/xml"
    world.check(body.decode())
    document = duis.parse_document(body)
    duis.verify(document, lambda reference: key_pair(world.files, SIGNERS[BROKER]).certificate.public_key)
    return duis.parse_response(body).response.response_code


def signed(world: Users, xml: bytes, signer: str = "", ids: bytes = b"") -> bytes:
    """A request under a new counter (or these IDs), signed by its originator or by this key."""
    originator, target = _ID.search(xml).groups()
    ids = ids or b"%s:%s:%d" % (originator, target, world.next())
    xml = _ID.sub(b"<sr:RequestID>" + ids + b"<", _SIGNATURE.sub(b"", xml))
    name = signer or SIGNERS.get(originator.decode().upper(), SIGNERS[SUPPLIER])
    return key_pair(world.files, name).sign_xml(xml)


def packaged(shared: Path, name: str) -> bytes:
    """A request of the published set."""
    (path,) = (shared / "duis-templates").glob(f"{name}_*REQUEST_DUIS.XML")
    return path.read_bytes()


def asks_for(xml: bytes, device: str) -> bytes:
    """The same of another device."""
    return _ID.sub(lambda found: b"<sr:RequestID>%s:%s:1<" % (found[1], device.encode()), xml)


READ = "ECS52_11.2"


@pytest.mark.parametrize("door", ["serviceD", "serviceT"])
def test_the_wrong_door_is_e13(world: Users, shared: Path, door: str) -> None:
    assert code(world, signed(world, packaged(shared, READ)), door) == "E13"


def test_a_used_id_is_refused_again_and_again(world: Users, shared: Path) -> None:
    octets = signed(world, packaged(shared, READ))
    assert code(world, octets, "serviceS") == "I99"
    assert {code(world, octets, "serviceS") for _ in range(2)} == {"E62"}
    lower = _ID.search(octets).group(0)[len(b"<sr:RequestID>") : -1].lower()
    assert code(world, signed(world, packaged(shared, READ), ids=lower), "serviceS") == "E62"


def test_a_changed_request_is_e48(world: Users, shared: Path) -> None:
    octets = signed(world, packaged(shared, READ))
    assert code(world, octets.replace(b"-A0:", b"-A2:", 1), "serviceS") == "E48"


def test_who_signs_for_somebody_else_is_e49(world: Users, shared: Path) -> None:
    for signer in (SIGNERS[OPERATOR], SIGNERS[BROKER], "Z1-supplier-ds", "Z1-networkOperator-ds"):
        assert code(world, signed(world, packaged(shared, READ), signer), "serviceS") == "E49"


def test_an_unsigned_request_is_refused(world: Users, shared: Path) -> None:
    assert code(world, _SIGNATURE.sub(b"", packaged(shared, READ)), "serviceS") in {"E48", "HTTP 400"}


def test_who_is_no_user_is_e1(world: Users, shared: Path) -> None:
    assert code(world, signed(world, packaged(shared, "GCS16b_4.14_URP")), "serviceS") == "E1"


def test_an_unknown_device_is_e19_and_a_wrong_type_e11(world: Users, shared: Path) -> None:
    assert code(world, signed(world, asks_for(packaged(shared, READ), NOBODY)), "serviceS") == "E19"
    assert code(world, signed(world, asks_for(packaged(shared, READ), GPF)), "serviceS") == "E11"


def test_a_role_that_may_not_ask_is_e2(world: Users, shared: Path) -> None:
    octets = packaged(shared, "CS02bNOByNOHandover_6.21").replace(SUPPLIER.encode(), OPERATOR.encode(), 1)
    assert code(world, signed(world, octets), "serviceS") == "E2"


@pytest.mark.parametrize("variant", [2, 4, 5, 8])
def test_a_variant_that_does_not_fit_is_an_error(world: Users, shared: Path, variant: int) -> None:
    octets = packaged(shared, READ).replace(b"CommandVariant>1<", b"CommandVariant>%d<" % variant)
    expected = "E17" if variant == 2 else "E12"
    assert code(world, signed(world, octets), DOORS.get(variant, "serviceD")) == expected


def test_a_pre_command_that_was_never_offered_or_changed_is_refused(world: Users, shared: Path) -> None:
    request = world.request("CS02bNOByNO_6.15.1", target=ESME)
    offered = world.post(request)["message"]
    pre_command = next(iter(offered["body"].values()))["PreCommand"]["GBCSPayload"]
    own = world.keys.sign(OPERATOR, pre_command)
    octets = base64.b64decode(own)
    changed = base64.b64encode(octets[:60] + bytes((octets[60] ^ 1,)) + octets[61:]).decode()
    assert world.code(world.post(world.signed(offered, changed))).startswith("E")
    others = world.keys.sign(SUPPLIER, pre_command)
    assert world.code(world.post(world.signed(offered, others))).startswith("E")
    offered["header"]["requestId"]["counter"] = str(world.next())
    assert world.code(world.post(world.signed(offered, own))).startswith("E")


@pytest.mark.parametrize("body", [b"", b"hello", b"<a/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"])
def test_what_is_no_request_is_400(world: Users, body: bytes) -> None:
    assert code(world, body, "serviceS") == "HTTP 400"


def test_every_packaged_request_has_an_answer(world: Users, shared: Path) -> None:
    """Run last: among them are requests that decommission a meter and return the hub."""
    found: Counter[tuple[bool, str]] = Counter()
    for path in sorted((shared / "duis-templates").glob("*.XML")):
        xml = path.read_bytes()
        variant = re.search(rb"ServiceReferenceVariant>([^<]*)<", xml)[1].decode()
        command = int(re.search(rb"CommandVariant>([0-9])<", xml)[1])
        answer = code(world, signed(world, xml), DOORS.get(command, "serviceD"))
        offered = variant in SERVICES
        assert re.fullmatch("I0|I99|E[0-9]+", answer), (path.name, answer)
        if not offered:
            assert answer in {"E12", "E1", "E49", "E17", "E13"}, (path.name, answer)
        found[offered, answer] += 1
    assert found[False, "E12"] > 200
    assert found[True, "I0"]
    assert found[True, "I99"]
