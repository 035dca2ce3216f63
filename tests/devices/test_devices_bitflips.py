"""G14: every single-bit flip of a real 6.21 command is refused by the device it was made for (RTDS A3)."""

from dataclasses import dataclass

import pytest

from devices.devices_lab import A3, ACB, KA, NO, NO_DS, NO_KA, NOW, SEED, Lab, refused
from trustcell.devices import DerivedKeys, Device, Fleet, receive
from trustcell.gbcs import frame, protect
from trustcell.vocab import DeviceType, Eui64, KeyUsage, RemotePartyRole

NAME = "CS02bNOByNOHandover_6.21_SUCCESS_COMMAND"


@dataclass(frozen=True)
class AgreedKeys:
    """The real device's private key is not published; its shared secret with the broker can be computed."""

    secret: bytes
    peer: bytes
    other: DerivedKeys

    def sign(
        self, eui: Eui64, octets: bytes, generation: int = 0, usage: KeyUsage = KeyUsage.DIGITAL_SIGNATURE
    ) -> bytes:
        return self.other.sign(eui, octets)

    def agree(self, eui: Eui64, peer_point: bytes, generation: int = 0) -> bytes:
        return self.secret if peer_point == self.peer else self.other.agree(eui, peer_point)

    def public_point(self, eui: Eui64, usage: KeyUsage, generation: int = 0) -> bytes:
        return self.other.public_point(eui, usage)


@pytest.fixture
def real(lab: Lab) -> Device:
    broker = lab.of(ACB, "KA")
    secret = protect.agree(broker.private, lab.of(A3, "KA").certificate.public_key)
    keys = AgreedKeys(secret, broker.certificate.public_key_point, DerivedKeys(SEED))
    return Fleet(SEED, lab.pack(False), keys=keys).device(A3, DeviceType.GPF)


def test_the_real_command_is_accepted_and_answered_like_the_real_device(lab: Lab, real: Device):
    after, (answer,) = receive(real, lab.octets(NAME), NOW)

    expected = lab.message("CS02bNOByNOHandover_6.21_SUCCESS_RESPONSE")
    assert frame.decode(answer).payload == expected.payload
    assert after.usc(RemotePartyRole.NETWORK_OPERATOR) == 1301
    assert (after.cell(NO_DS).entity, after.cell(NO_KA).entity) == (NO, NO)
    assert after.cell(NO_KA).certificate == lab.of(NO, "KA").der
    refused(after, lab.octets(NAME), "originator_not_in_cell")


def test_every_bit_flip_is_refused(lab: Lab, real: Device):
    octets = lab.octets(NAME)
    before = real.state.encode()
    for bit in range(len(octets) * 8):
        flipped = bytearray(octets)
        flipped[bit // 8] ^= 0x80 >> bit % 8
        after, answers = receive(real, bytes(flipped), NOW)
        assert answers == (), bit
        assert len(after.log) == 1, bit
        assert after.state is real.state or after.state.encode() == before, bit


def test_every_cut_is_refused(lab: Lab, real: Device):
    octets = lab.octets(NAME)
    for end in range(len(octets)):
        after = refused(real, octets[:end])
        assert after.log[0].code == 0x8F1E
    refused(real, octets + b"\0", "gbcs_trailing")


@pytest.mark.parametrize("mac", [bytes(12), b"\xff" * 12])
def test_other_macs_are_refused(lab: Lab, real: Device, mac: bytes):
    octets = lab.octets(NAME)
    refused(real, octets[:-12] + mac, "mac_wrong")
    other = lab.octets("CS02bSupplierBySupplierHandover_6.21_SUCCESS_COMMAND")
    refused(real, octets[:-12] + other[-12:], "mac_wrong")
    refused(real, octets[:-1])
    refused(real, octets + bytes(4))


def test_the_sister_command_is_accepted_too(lab: Lab, real: Device):
    after, (answer,) = receive(real, lab.octets("CS02bSupplierBySupplierHandover_6.21_SUCCESS_COMMAND"), NOW)

    expected = lab.message("CS02bSupplierBySupplierHandover_6.21_SUCCESS_RESPONSE")
    assert frame.decode(answer).payload == expected.payload
    assert after.usc(RemotePartyRole.SUPPLIER) == 1300
    assert KA in {cell.key_usage for cell in after.cells()}
