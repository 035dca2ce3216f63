"""A device's own keys: made (CS02c), certified and taken into use (CS02d), shown (CS02e)."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from devices.devices_lab import A0, A1, DS, KA, NOW, SEED, SUP, Lab, check_signed, refused
from trustcell.certs import CertificationRequest, DeviceTemplate, Name, authority_name, issue
from trustcell.devices import Device, DeviceState, Fleet, advance, derive_private_key, receive
from trustcell.devices.memory import OwnKey
from trustcell.gbcs import frame, protect
from trustcell.gbcs.frame import Cra
from trustcell.gbcs.payload import decode_payload, encode_payload
from trustcell.gbcs.usecases.cs02cde import DeviceCredentialRequest
from trustcell.vocab import DeviceType, Eui64, KeyUsage

AUTHORITY = ec.derive_private_key(4711, ec.SECP256R1())
BOTH = pytest.mark.parametrize("usage", [DS, KA])


def certificate(eui: Eui64, usage: KeyUsage, point: bytes) -> bytes:
    template = DeviceTemplate(
        serial=4711,
        issuer=issuer(),
        not_before=datetime(2016, 1, 1, tzinfo=UTC),
        entity_id=eui,
        key_usage=usage,
        public_key_point=point,
        policy="1.2.3",
        issuer_key_identifier=bytes(8),
    )
    return issue(template, lambda octets: protect.sign(AUTHORITY, octets)).der


def issuer() -> Name:
    return authority_name("an issuing DCA")


def ask(lab: Lab, device: Device, code: int, value: object, counter: int) -> tuple[Device, object]:
    octets = lab.send(device, SUP, code, counter, encode_payload(code, Cra.COMMAND, value), signer=lab.of(SUP, "DS"))
    after, (answer,) = receive(device, octets, NOW)
    check_signed(after, answer)
    return after, decode_payload(frame.decode(answer))


def requested(lab: Lab, device: Device, usage: KeyUsage, counter: int) -> tuple[Device, CertificationRequest]:
    device, answer = ask(lab, device, 0x000A, DeviceCredentialRequest(usage), counter)
    request = CertificationRequest.from_der(answer)
    assert request.proves_possession()
    assert (request.entity_id, request.key_usage) == (device.eui, usage)
    return device, request


@BOTH
def test_a_new_key_pair_is_in_use_from_its_certificate_on(lab: Lab, usage: KeyUsage):
    old = lab.esme()
    device, request = requested(lab, old, usage, 1)
    assert device.public_point(usage) == old.public_point(usage)
    assert receive(device, lab.resend("CS02aMAC_6.24.1_SUCCESS_COMMAND", old), NOW).answers
    new = certificate(A0, usage, request.public_key_point)
    device, result = ask(lab, device, 0x000B, new, 2)
    assert result == 0
    assert device.public_point(usage) == request.public_key_point != old.public_point(usage)
    assert device.public_point(usage) == protect_point(derive_private_key(SEED, A0, usage, 1))
    assert ask(lab, device, 0x000C, DeviceCredentialRequest(usage), 1)[1] == new
    assert DeviceState.decode(device.state.encode()) == device.state
    if usage is KA:
        refused(device, lab.resend("CS02aMAC_6.24.1_SUCCESS_COMMAND", old), "mac_wrong")
    assert receive(device, lab.resend("CS02aMAC_6.24.1_SUCCESS_COMMAND", device), NOW).answers
    assert advance(device, NOW) == (device, ())


def protect_point(private: ec.EllipticCurvePrivateKey) -> bytes:
    numbers = private.public_key().public_numbers()
    return b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def test_the_latest_key_pair_counts(lab: Lab):
    device, first = requested(lab, lab.esme(), DS, 1)
    device, second = requested(lab, device, DS, 2)
    device, result = ask(lab, device, 0x000B, certificate(A0, DS, first.public_key_point), 3)
    assert result == 5
    device, result = ask(lab, device, 0x000B, certificate(A0, DS, second.public_key_point), 4)
    assert result == 0
    assert (device.key(DS).in_use, device.key(DS).waiting) == (2, None)
    device, result = ask(lab, device, 0x000B, certificate(A0, DS, second.public_key_point), 5)
    assert result == 4
    assert requested(lab, device, DS, 6)[0].key(DS).made == 3


def test_what_a_device_says_to_certificates(lab: Lab):
    device, request = requested(lab, lab.esme(), DS, 10)
    point = request.public_key_point
    expected = {
        b"\x30\x00": 1,
        certificate(A1, DS, point): 2,
        lab.of(SUP, "DS").der: 2,
        lab.payload("CS02d_6.15.2_ERROR_COMMAND"): 3,
        certificate(A0, KA, point): 4,
        certificate(A0, DS, device.public_point(DS)): 5,
        certificate(A0, DS, point): 0,
    }
    for at, (der, result) in enumerate(expected.items()):
        after, answer = ask(lab, device, 0x000B, der, 11 + at)
        assert answer == result, at
        assert (after.state.keys != device.state.keys) == (result == 0)
        assert after.log[-1].code == 0x8F70
    broken = device.with_state(DeviceState(keys=device.state.keys, failing=(0x000B,)))
    assert ask(lab, broken, 0x000B, certificate(A0, DS, point), 30)[1] == 6


@pytest.mark.parametrize("usage", [KeyUsage.KEY_CERT_SIGN, DS | KA])
def test_other_key_usages_have_no_keys(lab: Lab, usage: KeyUsage):
    for code in (0x000A, 0x000C):
        device, answer = ask(lab, lab.esme(), code, DeviceCredentialRequest(usage), 5)
        assert answer == 1
        assert device.state.keys == ()


def test_certificates_a_device_was_made_with(lab: Lab):
    def made(eui: Eui64, usage: KeyUsage) -> bytes | None:
        return bytes(eui) + b"DS" if usage is DS else None

    fleet = Fleet(SEED, lab.pack(True), certificates=made)
    device = fleet.device(A0, DeviceType.ESME)
    assert device.certificate(DS) == A0 + b"DS"
    assert device.certificate(KA) is None
    assert ask(lab, lab.esme(), 0x000C, DeviceCredentialRequest(KA), 1)[1] == 2
    device, request = requested(lab, device, DS, 1)
    assert device.certificate(DS) == A0 + b"DS"
    device, _ = ask(lab, device, 0x000B, certificate(A0, DS, request.public_key_point), 2)
    assert device.certificate(DS) == certificate_in(device)


def certificate_in(device: Device) -> bytes | None:
    return device.key(DS).certificate


def test_generations_end(lab: Lab):
    device = lab.esme().with_state(DeviceState(keys=(OwnKey(DS, 0, 2**32 - 1),)))
    after, answer = ask(lab, device, 0x000A, DeviceCredentialRequest(DS), 1)
    assert answer == 2
    assert after.state.keys == device.state.keys
