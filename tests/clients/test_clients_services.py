"""What a user's script begins with: certificates, inventory, readings with their MACs."""

import http.client

import pytest

from clients.user import BROKER, CHF, ESME, GPF, SUPPLIER, Users
from trustcell import certs, gbcs
from trustcell.vocab import RemotePartyRole as Role

NEW = "00-DB-12-34-56-78-90-C7"
ARCHIVE = "/assets/crypto/org-crypto.zip"


def devices(answer: dict) -> list[dict]:
    """The devices of an inventory answer."""
    found = answer["message"]["body"]["ResponseMessage"]["DSPInventory"]["Device"]
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("usage", ["digitalSignature", "keyAgreement"])
@pytest.mark.parametrize("device", [ESME, CHF, GPF])
def test_every_device_has_one_certificate_in_use(world: Users, device: str, usage: str) -> None:
    certificate = world.keys.certificate(device, usage)
    assert str(certificate.entity_id) == device
    assert certs.check_profile(certificate) == []


def test_the_archive_is_announced_before_it_is_fetched(world: Users) -> None:
    host, _, port = world.server.address.partition(":")
    found = []
    for method in ("HEAD", "GET"):
        connection = http.client.HTTPConnection(host, int(port), timeout=5)
        connection.request(method, ARCHIVE, headers={"Accept-Encoding": "identity"})
        response = connection.getresponse()
        found.append((response.status, response.getheader("Content-Type"), response.getheader("Content-Length")))
        body = response.read()
        connection.close()
    assert found[0] == found[1] == (200, "application/zip", str(len(body)))


# ---- inventory ----


def test_a_device_is_found_by_its_id_in_either_case(world: Users) -> None:
    for eui in (GPF, GPF.lower()):
        answer = world.send("8.2_READ_INVENTORY", DeviceID=eui)
        assert world.code(answer) == "I0"
        (gpf,) = [each for each in devices(answer) if each["DeviceID"].upper() == GPF]
        assert (gpf["DeviceType"], gpf["DeviceStatus"]) == ("GPF", "Commissioned")


@pytest.mark.parametrize(("number", "device"), [("1312345678111", ESME), ("1234567890", GPF)])
def test_a_device_is_found_by_its_metering_point(world: Users, number: str, device: str) -> None:
    answer = world.send("8.2_READ_INVENTORY", DeviceID=None, MPxN=number)
    assert world.code(answer) == "I0"
    assert device in [each["DeviceID"].upper() for each in devices(answer)]


def test_an_unknown_device_is_an_error(world: Users) -> None:
    assert world.code(world.send("8.2_READ_INVENTORY", DeviceID="00-DB-12-34-56-78-90-EE")).startswith("E")


def test_a_pre_notified_device_is_pending_until_it_is_deleted(world: Users) -> None:
    world.accepted(world.send("12.2_DEVICE_PRE_NOTIFICATION", DeviceID=NEW))
    (device,) = devices(world.send("8.2_READ_INVENTORY", DeviceID=NEW))
    assert (device["DeviceID"].upper(), device["DeviceType"], device["DeviceStatus"]) == (NEW, "ESME", "Pending")
    again = world.send("12.2_DEVICE_PRE_NOTIFICATION", DeviceID=NEW)
    assert world.code(again).startswith("E1202")
    world.accepted(world.send("8.4_UPDATE_INVENTORY", DeviceID=NEW))
    assert world.code(world.send("8.2_READ_INVENTORY", DeviceID=NEW)).startswith("E")


# ---- readings ----


@pytest.mark.parametrize(
    ("device", "code", "key"),
    [(ESME, 0x0059, "Z1-supplier-ka"), (CHF, 0x0059, "Z1-accessControlBroker-ka")],
)
def test_a_firmware_version_comes_back_under_a_mac(world: Users, device: str, code: int, key: str) -> None:
    request_id = world.accepted(world.send("ECS52_11.2", target=device))
    callback = world.response(request_id)
    assert world.code(callback) == "I0"
    ids = callback["message"]["header"]["responseId"]
    assert (ids["originatorId"].upper(), ids["targetId"].upper()) == (device, SUPPLIER)
    message = world.message(callback)
    assert (message.message_code, str(message.originator)) == (code, device)
    world.check_mac(message, key)


@pytest.mark.parametrize("device", [GPF, ESME, CHF])
def test_credentials_held_come_back_under_the_brokers_mac(world: Users, device: str) -> None:
    roles = ["ACB"] if device == CHF else ["Supplier", "NetworkOperator"]
    request_id = world.accepted(world.send("CS02aMAC_6.24.1", target=device, RemotePartyRole=roles))
    message = world.message(world.response(request_id))
    assert (message.message_code, str(message.target)) == (0x0008, BROKER)
    world.check_mac(message, "Z1-accessControlBroker-ka")
    held = {each.role for each in gbcs.decode_payload(message)}
    assert held == ({Role.ACCESS_CONTROL_BROKER} if device == CHF else {Role.SUPPLIER, Role.NETWORK_OPERATOR})


@pytest.mark.parametrize(
    ("named", "usage"), [("Digital Signature", "digitalSignature"), ("Key Agreement", "keyAgreement")]
)
def test_a_device_gives_its_own_certificate(world: Users, named: str, usage: str) -> None:
    """6.24.2 is critical: the response is signed, and holds what the repository has."""
    request = world.request("CS02e_6.24.2", CredentialType=named)
    message = world.message(world.response(world.accepted(world.critical(request))))
    world.check_signature(message)
    assert gbcs.decode_payload(message) == world.keys.certificate(ESME, usage).der
