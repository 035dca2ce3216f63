"""G14 in short, for every use case besides CS02b: any turned bit of a command, and nothing happens but a log line."""

from datetime import timedelta

import pytest

from devices.devices_lab import A0, A1, A2, A3, ACB, DS, NOW, SUP, Lab, refused
from devices.han_world import A4, A5, KEY, World
from trustcell.devices import Device, receive, workshop
from trustcell.gbcs.frame import Cra
from trustcell.gbcs.payload import encode_payload
from trustcell.gbcs.usecases.active_power import ReadActivePower
from trustcell.gbcs.usecases.clock import SetClock
from trustcell.gbcs.usecases.common import LogEntry
from trustcell.gbcs.usecases.cs02cde import DeviceCredentialRequest
from trustcell.gbcs.usecases.device_logs import RestoreDeviceLog
from trustcell.gbcs.usecases.firmware_version import ReadFirmwareVersion
from trustcell.gbcs.usecases.gcs28 import SetTime
from trustcell.gbcs.usecases.hub_devices import ReadHubDevices
from trustcell.gbcs.usecases.joining import JoinDevice, JoinMethodAndRole
from trustcell.gbcs.usecases.whitelist import (
    AddToWhitelist,
    JoinedDevice,
    ReadHubLogs,
    RemoveFromWhitelist,
    RestoreWhitelist,
)
from trustcell.vocab import DeviceType, Eui64

BEFORE, AFTER = NOW - timedelta(seconds=9), NOW + timedelta(seconds=9)
JOIN_A1 = JoinDevice(JoinMethodAndRole.METHOD_A_INITIATOR, A4, DeviceType.PPMID)
JOIN_A2 = JoinDevice(JoinMethodAndRole.METHOD_A_RESPONDER, A0, DeviceType.ESME)
JOIN_B = JoinDevice(JoinMethodAndRole.METHOD_B, A3, DeviceType.GPF)

COMMANDS: dict[str, tuple[Eui64, int, object, Eui64]] = {
    "CS02c": (A0, 0x000A, DeviceCredentialRequest(DS), SUP),
    "CS02d": (A0, 0x000B, None, SUP),
    "CS02e": (A0, 0x000C, DeviceCredentialRequest(DS), SUP),
    "CS03A1": (A0, 0x000D, JOIN_A1, SUP),
    "CS03A2": (A4, 0x00AB, JOIN_A2, ACB),
    "CS03B": (A1, 0x000E, JOIN_B, SUP),
    "CS03C": (A1, 0x00AF, JoinDevice(JoinMethodAndRole.METHOD_C, A4, DeviceType.PPMID), SUP),
    "CS04AC": (A0, 0x000F, A4, SUP),
    "CS04B": (A1, 0x0010, A3, SUP),
    "CS07": (A1, 0x0013, None, SUP),
    "CS08": (A5, 0x0129, None, ACB),
    "CCS01": (A2, 0x0001, AddToWhitelist(A0, KEY, 60), ACB),
    "CCS02": (A2, 0x0002, RemoveFromWhitelist(A0), ACB),
    "CCS03": (A2, 0x0003, RestoreWhitelist(bytes(8), (JoinedDevice(A0, bytes(16)),)), ACB),
    "CCS06": (A2, 0x010F, ReadHubDevices(), ACB),
    "CCS07": (A2, 0x00FE, ReadHubLogs(), ACB),
    "ECS17c": (A0, 0x0028, ReadActivePower(), SUP),
    "ECS52": (A0, 0x0059, ReadFirmwareVersion(), SUP),
    "ECS70": (A0, 0x0062, SetClock(BEFORE, AFTER), SUP),
    "GCS28": (A1, 0x007F, SetTime(BEFORE, AFTER), SUP),
    "GCS38": (A1, 0x0084, ReadFirmwareVersion(), SUP),
    "GCS59": (A3, 0x008C, RestoreDeviceLog((LogEntry(A4, DeviceType.PPMID),)), ACB),
}
SIGNED = {"CS02c", "CS02d", "CS02e", "CS03A1", "CS03A2", "CS03C", "CS04AC", "ECS70", "GCS28"}


@pytest.fixture(scope="module")
def world(lab: Lab) -> World:
    world = World(lab)
    world.everybody()
    world.estate.add(A5, DeviceType.HCALCS, A2)
    return world


def command(world: World, name: str, counter: int = 9, **how) -> tuple[Device, bytes]:
    eui, code, value, who = COMMANDS[name]
    if name == "CS02d":
        value = world.lab.payload("CS02d_6.15.2_SUCCESS_COMMAND")
    payload = encode_payload(code, Cra.COMMAND, value, counter)
    device = world.device(eui)
    signer = how.pop("signer", world.lab.of(who, "DS") if name in SIGNED else None)
    return device, world.lab.send(device, how.pop("who", who), code, counter, payload, signer=signer, **how)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_is_answered_and_no_other_octets_are(world: World, name: str):
    device, octets = command(world, name)
    assert receive(device, octets, NOW).answers
    before = device.state.encode()
    step = 1 if len(octets) < 160 else 7
    for bit in range(0, len(octets) * 8, step):
        flipped = bytearray(octets)
        flipped[bit // 8] ^= 0x80 >> bit % 8
        after, answers = receive(device, bytes(flipped), NOW)
        assert answers == (), bit
        assert len(after.log) == len(device.log) + 1, bit
        assert after.state is device.state or after.state.encode() == before, bit
    for cut in range(0, len(octets), 3):
        refused(device, octets[:cut])


@pytest.mark.parametrize("name", COMMANDS)
def test_protection_and_party_must_fit(world: World, name: str):
    lab, (eui, _, _, who) = world.lab, COMMANDS[name]
    wrong_shape = {"signer": None} if name in SIGNED else {"signer": lab.of(who, "DS")}
    device, octets = command(world, name, **wrong_shape)
    refused(device, octets, "signature_missing" if name in SIGNED else "protection_not_expected")
    device, octets = command(world, name, who=Eui64(b"somebody"))
    refused(device, octets, "originator_not_in_cell")
    device, octets = command(world, name, target=A4 if eui != A4 else A0)
    refused(device, octets, "target_other_device")
    if name in SIGNED:
        device, octets = command(world, name, signer=lab.of(SUP if who != SUP else ACB, "DS"))
        refused(device, octets, "signature_wrong")
        refused(*command(world, name, mac=False), "mac_missing")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_broken_device_says_so_and_uses_up_the_number(world: World, name: str):
    eui, code, *_ = COMMANDS[name]
    device, octets = command(world, name)
    broken = workshop.failing(device, code)
    after, answers = receive(broken, octets, NOW)
    assert len(answers) == 1
    good = receive(device, octets, NOW)
    assert answers[0] != good.answers[0] or name in ("CS02d", "CCS02", "CS04AC", "CS04B")
    assert after.state.exec == good.device.state.exec
    assert workshop.mended(broken).state == device.state
    assert eui == after.eui
