"""RTDS exchanges of own keys, joining, device logs, clocks and versions: the virtual device answers as the real one.

Commands are RTDS payloads protected again for derived keys; what is compared is everything a signature covers. RTDS
errors are those of a device that is broken in one place, so ours is told to be.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from devices.devices_lab import A0, A1, A2, A3, ACB, DS, KA, NO, NOW, SEED, SUP, Lab, check_signed, refused
from trustcell.certs import CertificationRequest
from trustcell.devices import DerivedKeys, Device, DeviceState, Fleet, receive
from trustcell.devices.memory import HubMemory, OwnKey, Partner, WhitelistEntry
from trustcell.devices.rules import whitelist
from trustcell.devices.rules.device_log import changed
from trustcell.gbcs import frame, protect
from trustcell.gbcs.frame import Shape
from trustcell.gbcs.payload import decode_payload
from trustcell.vocab import DeviceType, Eui64, KeyUsage, RemotePartyRole

A4, A5 = (Eui64.parse(f"00DB1234567890A{n}") for n in (4, 5))
RTDS_TIME = datetime(2015, 1, 1, tzinfo=UTC)
KINDS = {
    A0: DeviceType.ESME,
    A1: DeviceType.GSME,
    A2: DeviceType.CHF,
    A3: DeviceType.GPF,
    A4: DeviceType.PPMID,
    A5: DeviceType.HCALCS,
}


def partner(text: str, kind: DeviceType) -> Partner:
    return Partner(Eui64.parse(text), kind)


LOG = (
    partner("0102030405060708", DeviceType.GPF),
    partner("00DB123456789099", DeviceType.GPF),
    partner("00DB123456789097", DeviceType.PPMID),
)
MADE = DeviceState()


def member(device: Eui64, link_key_hash: str, band: int) -> WhitelistEntry:
    return WhitelistEntry(device, b"", bytes.fromhex(link_key_hash), band, RTDS_TIME)


NETWORK = HubMemory(
    (
        member(A0, "83FED3407A939723A5C639B26916D506", 0),
        member(A1, "83FED3407A939723A5C639B26916D505", 0),
        member(A3, "00112233445566778899A1A2A3A4A5A6", 1),
        member(A4, "A1A2A3A4A5A600112233445566778899", 1),
    ),
    pan=bytes(range(8)),
)
EXCHANGES = {
    "CS02c_6.17_ERROR": DeviceState(failing=(0x000A,)),
    "CS02d_6.15.2_ERROR": MADE,
    "CS02e_6.24.2_ERROR": DeviceState(failing=(0x000C,)),
    "CS03A2Critical_8.7.1_SUCCESS": MADE,
    "CS03CCritical_8.7.1_SUCCESS": MADE,
    "CS03A2NonCritical_8.7.2_SUCCESS": MADE,
    "CS03B_8.7.2_SUCCESS": MADE,
    "CS03B_8.7.2_ERROR": MADE,
    "CS03CNonCritical_8.7.2_SUCCESS": MADE,
    "CS03CNonCritical_8.7.2_ERROR": MADE,
    "CS04ACNonCritical_8.8.2_SUCCESS": DeviceState(partners=LOG[:1]),
    "CS07_8.9_SUCCESS": DeviceState(partners=LOG),
    "CS07_8.9_ERROR": DeviceState(failing=(0x0013,)),
    "GCS38_11.2_SUCCESS": DeviceState(firmware_version=bytes.fromhex("0123abcd")),
    "GCS38_11.2_ERROR": DeviceState(failing=(0x0084,)),
    "GCS59_8.12.2_SUCCESS": MADE,
    "ECS17c_4.16_ERROR": DeviceState(failing=(0x0028,)),
    "ECS70_6.11_SUCCESS": MADE,
    "ECS70_6.11_ERROR": DeviceState(failing=(0x0062,)),
    "CCS01_8.11_SUCCESS": MADE,
    "CCS01_8.11_ERROR": DeviceState(failing=(0x0001,)),
    "CCS02_8.11_SUCCESS": DeviceState(hub=HubMemory((WhitelistEntry(A0),))),
    "CCS02_8.11_ERROR": MADE,
    "CCS03_8.12.1_SUCCESS": MADE,
    "CCS03_8.12.1_ERROR": DeviceState(failing=(0x0003,)),
    "CCS05CCS04_8.9_ERROR": DeviceState(failing=(0x0004,)),
    "CCS07_8.9_SUCCESS": DeviceState(hub=NETWORK),
    "CCS07_8.9_ERROR": DeviceState(failing=(0x00FE,)),
}


def device_for(lab: Lab, target: Eui64, state: DeviceState) -> Device:
    kind = KINDS[target]
    return Fleet(SEED, lab.pack(kind is not DeviceType.GPF)).device(target, kind, state)


def answered(lab: Lab, device: Device, exchange: str) -> Device:
    """The device after the command; its answer equals the real one and is protected as it is."""
    expected = lab.message(f"{exchange}_RESPONSE")
    after, (answer, *_) = receive(device, lab.resend(f"{exchange}_COMMAND", device), RTDS_TIME)
    found = frame.decode(answer)
    assert frame.signed_octets(found) == frame.signed_octets(expected)
    assert found.shape == expected.shape
    if found.shape is Shape.SIGNED:
        check_signed(after, answer)
    else:
        private = lab.of(found.target, "KA").private
        secret = protect.agree(private, protect.public_key_from_point(device.public_point(KA)))
        assert protect.check_mac(found, secret)
    return after


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_response_equals_the_real_one(lab: Lab, exchange: str):
    command = lab.message(f"{exchange}_COMMAND")
    before = device_for(lab, command.target, EXCHANGES[exchange])
    after = answered(lab, before, exchange)
    assert DeviceState.decode(after.state.encode()) == after.state
    if exchange.startswith(("CS02e", "CS07", "GCS38", "CCS05", "CCS07", "ECS17c")):
        assert after == before
        return
    role = RemotePartyRole.ACCESS_CONTROL_BROKER if command.originator == ACB else RemotePartyRole.SUPPLIER
    assert after.exec(role) == command.originator_counter
    assert after.usc(role) == 0
    refused(after, lab.resend(f"{exchange}_COMMAND", after), "counter_not_greater")


def test_joining_and_parting_change_the_device_log(lab: Lab):
    device = answered(lab, device_for(lab, A4, MADE), "CS03A2NonCritical_8.7.2_SUCCESS")
    assert device.state.partners == (partner("00DB123456789093", DeviceType.ESME),)
    device = answered(lab, device, "CS03CNonCritical_8.7.2_SUCCESS")
    assert [entry.device_type for entry in device.state.partners] == [DeviceType.ESME, DeviceType.GSME]
    assert [entry.code for entry in device.log] == [0x8F49, 0x8F49]
    device = answered(lab, device_for(lab, A4, DeviceState(partners=LOG)), "CS04ACNonCritical_8.8.2_SUCCESS")
    assert device.state.partners == LOG[1:]


@dataclass(frozen=True)
class RealKeys:
    """A device whose next Digital Signature key is the published one of A0."""

    point: bytes
    other: DerivedKeys

    def sign(self, eui: Eui64, octets: bytes, generation: int = 0, usage: KeyUsage = DS) -> bytes:
        return self.other.sign(eui, octets, 0, usage)

    def agree(self, eui: Eui64, peer_point: bytes, generation: int = 0) -> bytes:
        return self.other.agree(eui, peer_point, generation)

    def public_point(self, eui: Eui64, usage: KeyUsage, generation: int = 0) -> bytes:
        return self.point if (usage, generation) == (DS, 1) else self.other.public_point(eui, usage)


def test_a_request_for_a_certificate_has_the_form_of_the_real_one(lab: Lab):
    real = CertificationRequest.from_der(lab.payload("CS02c_6.17_SUCCESS_RESPONSE"))
    device = device_for(lab, A0, MADE)
    after, (answer,) = receive(device, lab.resend("CS02c_6.17_SUCCESS_COMMAND", device), RTDS_TIME)
    check_signed(device, answer)
    found = CertificationRequest.from_der(decode_payload(frame.decode(answer)))
    assert found.info.replace(found.public_key_point, real.public_key_point) == real.info
    assert found.proves_possession()
    assert after.public_point(DS) == device.public_point(DS) != found.public_key_point
    assert after.key(DS).waiting == 1


def test_the_real_certificate_is_taken_by_who_has_its_key(lab: Lab):
    certificate = lab.payload("CS02d_6.15.2_SUCCESS_COMMAND")
    point = lab.of(A0, "DS").certificate.public_key_point
    fleet = Fleet(SEED, lab.pack(True), keys=RealKeys(point, DerivedKeys(SEED)))
    device = fleet.device(A0, DeviceType.ESME, DeviceState(keys=(OwnKey(DS, 0, 1),)))
    command = lab.resend("CS02d_6.15.2_SUCCESS_COMMAND", device)
    after, (answer,) = receive(device, command, RTDS_TIME)
    assert frame.decode(answer).payload == lab.payload_octets("CS02d_6.15.2_SUCCESS_RESPONSE")
    assert after.public_point(DS) == point
    assert after.certificate(DS) == certificate
    assert after.log[-1].code == 0x8F70
    answered_with = receive(after, lab.resend("CS02e_6.24.2_SUCCESS_COMMAND", after), RTDS_TIME).answers
    assert frame.decode(answered_with[0]).payload == lab.payload_octets("CS02e_6.24.2_SUCCESS_RESPONSE")


def test_a_gpf_backs_up_its_log_when_it_changes(lab: Lab):
    expected = lab.message("GCS62_NA_8071_ALERT")
    device = device_for(lab, A3, DeviceState(alert_counter=1001))
    after, (alert,) = changed(device, lab.payload("GCS62_NA_8071_ALERT").entries, RTDS_TIME)
    assert frame.signed_octets(frame.decode(alert)) == frame.signed_octets(expected)
    assert protect.check_mac(frame.decode(alert), lab.secret(device))
    assert changed(after, after.state.partners, NOW) == (after, ())

    restored, answers = receive(device, lab.resend("GCS59_8.12.2_SUCCESS_COMMAND", device), RTDS_TIME)
    assert [frame.decode(octets).message_code for octets in answers] == [0x008C, 0x00B2]
    assert decode_payload(frame.decode(answers[1])).entries == restored.state.partners
    assert len(restored.state.partners) == 2


def test_a_party_without_a_cell_asks_through_the_broker(lab: Lab):
    gsme = device_for(lab, A1, MADE)
    command = lab.message("GCS38_11.2_SUCCESS_COMMAND")
    refused(gsme, lab.send(gsme, NO, 0x0084, 7, command.payload), "originator_not_in_cell")
    through = frame.Supplementary(NO, 77)
    octets = lab.send(gsme, ACB, 0x0084, 7, command.payload, supplementary=through)
    answer = frame.decode(receive(gsme, octets, NOW).answers[0])
    assert (answer.target, answer.supplementary) == (ACB, through)
    assert protect.check_mac(answer, lab.secret(gsme))
    assert SUP not in answer.payload


def test_a_state_keeps_nothing_of_a_read(lab: Lab):
    device = device_for(lab, A1, replace(MADE, partners=LOG))
    assert receive(device, lab.resend("CS07_8.9_SUCCESS_COMMAND", device), NOW).device is device


def test_a_hub_backs_up_its_log_when_it_changes(lab: Lab):
    expected = lab.message("CS14_NA_8F12_ALERT")
    device = device_for(lab, A2, DeviceState(alert_counter=4000))
    after, (alert,) = whitelist.changed(device, replace(NETWORK, whitelist=NETWORK.whitelist[:2]), RTDS_TIME)
    assert frame.signed_octets(frame.decode(alert)) == frame.signed_octets(expected)
    assert protect.check_mac(frame.decode(alert), lab.secret(device))
    assert whitelist.changed(after, after.hub, NOW) == (after, ())
    answers = receive(device, lab.resend("CCS01_8.11_SUCCESS_COMMAND", device), RTDS_TIME).answers
    assert [frame.decode(octets).message_code for octets in answers] == [0x0001, 0x0018]


def test_devices_of_a_hub_are_told_in_the_form_of_the_real_answer(lab: Lab):
    expected = lab.payload("CCS05CCS04_8.9_SUCCESS_RESPONSE")
    device = device_for(lab, A2, DeviceState(hub=replace(NETWORK, whitelist=NETWORK.whitelist[:2])))
    _, (answer,) = receive(device, lab.resend("CCS05CCS04_8.9_SUCCESS_COMMAND", device), RTDS_TIME)
    found = decode_payload(frame.decode(answer))
    assert type(found) is type(expected)
    assert [each.device for each in found.devices] == [each.device for each in expected.devices] == [A0, A1]
    assert found.devices[0].last_communication == RTDS_TIME
