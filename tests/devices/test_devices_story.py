"""gbcs.md 5.3 and 5.6: the departing network operator, byte for byte."""

import hashlib

from devices.devices_lab import ACB, NO, NO_DS, NO_KA, NOW, Lab, check_signed, refused
from trustcell.devices import receive
from trustcell.gbcs import frame
from trustcell.gbcs.frame import Cra
from trustcell.vocab import RemotePartyRole

EXPECTED = bytes.fromhex(
    "308200830500307f0202138802010330083006020103020100306c30343007020103030207800a0100040890b3d51f30020000040848cf97fa9f827fb5"
    "040890b3d51f30000002040842693535d3dde10130343007020103030203080a0100040890b3d51f3002000004084bc9d38d1cb49f2a040890b3d51f30"
    "00000204084a9ce02c39ab910b"
)


def unsigned_sha256(octets: bytes) -> str:
    return hashlib.sha256(b"\xdf" + frame.signed_octets(frame.decode(octets))).hexdigest()


def test_the_constructed_messages_are_those_of_the_digest(lab: Lab):
    device = lab.gpf_of_no()
    assert unsigned_sha256(lab.give_back(device)) == "3490d0c3ed21d449b3627a0b71d705eb4f8c61ac092f17857e93f4dfedaa6885"
    for counter, digest in (
        (1301, "f504e7a2d8691e55a5b782d6ab4315873e723d2ac4c152b2228071c487ed58a2"),
        (5000, "7a6b9e208cdf142d545ae1a823989c6fcf5a6cd30c3a084e722c7c44bd658220"),
        (5001, "737fee7ce7ae5f1d09384a30f2a1bcad895e44e300d8bf5b65162c794e95be8b"),
    ):
        assert unsigned_sha256(lab.hand_over(device, counter)) == digest


def test_the_departing_operator_and_the_handover(lab: Lab):
    device = lab.gpf_of_no()
    device, (answer,) = receive(device, lab.give_back(device), NOW)
    message = check_signed(device, answer)
    assert message.payload == EXPECTED
    assert (message.cra, message.originator_counter, message.message_code) == (Cra.RESPONSE, 5000, 0x0103)
    assert (message.originator, message.target) == (device.eui, NO)
    assert message.date_time.hex() == "07e00601ff000000008000ff"
    assert device.usc(RemotePartyRole.NETWORK_OPERATOR) == 5000
    assert {device.cell(NO_DS).entity, device.cell(NO_KA).entity} == {ACB}

    device = refused(device, lab.hand_over(device, 1301), "counter_not_greater")
    device = refused(device, lab.hand_over(device, 5000), "counter_not_greater")
    device, (answer,) = receive(device, lab.hand_over(device, 5001), NOW)
    check_signed(device, answer)
    assert device.usc(RemotePartyRole.NETWORK_OPERATOR) == 5001
    assert device.cell(NO_DS).entity == NO
    assert [entry.reason for entry in device.log] == [
        "credentials_updated",
        "counter_not_greater",
        "counter_not_greater",
        "credentials_updated",
    ]
