"""Use cases with DLMS and GBZ payloads as typed values: foreign bytes read, and built again from what they say.

Payloads quoted here stand in dlms-gbz.md 2.9, 3.5 and 4, which took them from visible RTDS 4.5.0 messages; those of
ECS52, ECS100, GNCA of a gas meter and CCS06 are written from its prose, since no visible message has them.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell import gbcs
from trustcell.gbcs import Cra, Message, PayloadKind, decode_payload, dlms, encode_payload, gbz
from trustcell.gbcs.usecases.frame_table import FRAME_USE_CASES
from trustcell.vocab import Eui64, WireError
from wire.gbcs.rtds import PARTIES, vectors
from wire.gbcs.test_gbcs_dlms_data import values

C, R, A = Cra.COMMAND, Cra.RESPONSE, Cra.ALERT
NEW_YEAR = datetime(2015, 1, 1, tzinfo=UTC)
METER, GAS, HUB = PARTIES["A0"], PARTIES["A1"], PARTIES["A2"]
KEY = b"0123456789ABCDEF"
FIRST = gbcs.JoinedDevice(METER, bytes.fromhex("83FED3407A939723A5C639B26916D506"))
SECOND = gbcs.JoinedDevice(GAS, bytes.fromhex("83FED3407A939723A5C639B26916D505"))
LOG = gbcs.HubLog(NEW_YEAR, bytes(range(8)), (FIRST, SECOND))
LOG_OCTETS = (
    "0203 090C 07DF0101FF000000008000FF 0908 0001020304050607 0102 0202 0908 00DB1234567890A0"
    "0910 83FED3407A939723A5C639B26916D506 0202 0908 00DB1234567890A1 0910 83FED3407A939723A5C639B26916D505"
)
STATUS = gbcs.HubDevice(
    METER,
    0xC8,
    (-35, -50, -100),
    (2, 39, 247),
    datetime(2014, 12, 31, 23, 50, tzinfo=UTC),
    1,
    1,
    100,
    17,
    1,
)

PAYLOADS: list[tuple[int, Cra, int, Any, str]] = [
    (
        0x0062,
        C,
        1000,
        gbcs.SetClock(NEW_YEAR - timedelta(seconds=50), NEW_YEAR + timedelta(seconds=10)),
        "D9 200003E8 00 05  02 0008 0000010000FF 09  03 0008 0000010000FF 05  03 0008 0000010000FF 04"
        "01 0008 0000010000FF 02  01 0008 0000010000FF 04 05 1605 0203 090C FFFFFFFFFFFFFFFFFF8000FF"
        "090C 07DE0C1FFF173B0A008000FF 090C 07DF0101FF00000A008000FF  0F00  00  00",
    ),
    (
        0x0062,
        R,
        1000,
        gbcs.ClockSet(NEW_YEAR, 0),
        "DA 200003E8 00 00 05 00 00 00 090C 07DF0101FF000000008000FF 1100 05 0200 0300 0300 0100 0100",
    ),
    (
        0x0062,
        R,
        1002,
        gbcs.InstructionFailed(3),
        "DA 200003EA 00 00 05 00 00 00 00 00 05 0200 0300 0300 0101 01FA",
    ),
    (
        0x0062,
        R,
        1002,
        gbcs.InstructionFailed(4, 2, (*[dlms.NULL] * 3, dlms.octet_string(bytes.fromhex("07DF0101FF000000008000FF")))),
        "DA 200003EA 00 00 05 00 00 00 090C 07DF0101FF000000008000FF 00 05 0200 0300 0300 0100 0102",
    ),
    (0x0028, C, 1200, gbcs.ReadActivePower(), "D9 200004B0 00 01 01 0001 00005E2C2214 02 01 00"),
    (
        0x0028,
        R,
        1200,
        gbcs.ActivePower(10, 0, 27, 10),
        "DA 200004B0 00 00 01 0203 06 0000000A 0202 0F00 161B 06 0000000A 01 0100",
    ),
    (0x0028, R, 1201, gbcs.InstructionFailed(), "DA 200004B1 00 00 01 00 01 0101"),
    (0x0059, C, 1000, gbcs.ReadFirmwareVersion(), "D9 200003E8 00 01 01 0001 0000000201FF 02 01 00"),
    (
        0x0059,
        R,
        1000,
        gbcs.FirmwareVersionRead(bytes.fromhex("0123ABCD")),
        "DA 200003E8 00 00 01 0904 0123ABCD 01 0100",
    ),
    (0x0059, R, 1002, gbcs.InstructionFailed(), "DA 200003EA 00 00 01 00 01 0101"),
    (0x0084, C, 1000, gbcs.ReadFirmwareVersion(), "0109 01 01 0702 0005 00 00 00 0602"),
    (
        0x0084,
        R,
        1000,
        gbcs.FirmwareVersionRead(bytes.fromhex("0123ABCD")),
        "0109 01 01 0702 000C 08 00 01 0602 00 41 04 0123ABCD",
    ),
    (0x0084, R, 1002, gbcs.InstructionFailed(0, 0xC0), "0109 01 01 0702 0006 08 00 01 0602 C0"),
    (
        0x0001,
        C,
        1302,
        gbcs.AddToWhitelist(METER, KEY, 90),
        "D9 20000516 00 03 03 0068 00001E0300FF 01 02 0068 00001E0300FF 03 02 0068 00001E0300FF 02"
        "03 0204 0908 00DB1234567890A0 1601 0910 30313233343536373839414243444546 1600  12 005A  03 FF",
    ),
    (0x0001, R, 1302, gbcs.InstructionsSucceeded(), "DA 20000516 00 00 03 00 00 00 03 0300 0200 0200"),
    (0x0001, R, 1303, gbcs.InstructionFailed(1), "DA 20000517 00 00 03 00 00 00 03 0300 0201 02FA"),
    (
        0x0002,
        C,
        1302,
        gbcs.RemoveFromWhitelist(METER),
        "D9 20000516 00 01 03 0068 00001E0300FF 02 01 0908 00DB1234567890A0",
    ),
    (0x0002, R, 1302, gbcs.InstructionsSucceeded(), "DA 20000516 00 00 01 00 01 0300"),
    (0x0002, R, 1303, gbcs.InstructionFailed(), "DA 20000517 00 00 01 00 01 0301"),
    (
        0x0003,
        C,
        1302,
        gbcs.RestoreWhitelist(bytes.fromhex("0000000000000140"), (FIRST, SECOND)),
        "D9 20000516 00 01 03 0068 00001E0300FF 05 01 0202 0908 0000000000000140 0102 0202 0908 00DB1234567890A0"
        "0910 83FED3407A939723A5C639B26916D506 0202 0908 00DB1234567890A1 0910 83FED3407A939723A5C639B26916D505",
    ),
    (0x0003, R, 1302, gbcs.InstructionsSucceeded(), "DA 20000516 00 00 01 00 01 0300"),
    (0x010F, C, 1300, gbcs.ReadHubDevices(), "D9 20000514 00 01 01 0068 00001E0300FF 04 01 00"),
    (
        0x010F,
        R,
        1300,
        gbcs.HubDevices((STATUS, replace(STATUS, last_communication=None))),
        "DA 20000514 00 00 01 0102 020E 0908 00DB1234567890A0 0408 C8 0FDD 0FCE 0F9C 1102 1127 11F7"
        "090C 07DE0C1F0317320000 8000FF 1101 1101 1164 1111 1101 020E 0908 00DB1234567890A0 0408 C8 0FDD 0FCE 0F9C"
        "1102 1127 11F7 090C FFFFFFFFFFFFFFFFFF8000FF 1101 1101 1164 1111 1101 01 0100",
    ),
    (0x0004, R, 1301, gbcs.InstructionFailed(), "DA 20000515 00 00 01 00 01 0101"),
    (
        0x00FE,
        C,
        1300,
        gbcs.ReadHubLogs(),
        "D9 20000514 00 02 03 0068 00001E0300FF 04 03 0068 00001E0301FF 04 02 00 00",
    ),
    (
        0x00FE,
        R,
        1300,
        gbcs.HubLogs(LOG, LOG),
        f"DA 20000514 00 00 02 {LOG_OCTETS} {LOG_OCTETS} 02 0300 0300",
    ),
    (0x00FE, R, 1301, gbcs.InstructionFailed(), "DA 20000515 00 00 02 00 00 02 0301 03FA"),
    (
        0x0018,
        A,
        4000,
        gbcs.HubLogAlert(0x8F12, NEW_YEAR, LOG),
        f"0F 20000FA0 00 0203 12 8F12 090C 07DF0101FF000000008000FF {LOG_OCTETS}",
    ),
    (0x1000, A, 2000, gbcs.GenericAlert(0x8F30, NEW_YEAR), "0F 200007D0 00 0202 12 8F30 090C 07DF0101FF000000008000FF"),
    (0x1001, A, 2000, gbcs.GenericAlert(0x810E, NEW_YEAR), "0F 200007D0 00 0202 12 810E 090C 07DF0101FF000000008000FF"),
    (0x1000, A, 3000, gbcs.GenericAlert(0x8F30, NEW_YEAR, PayloadKind.GBZ), "0109 00 8F30 1C374A80"),
    (
        0x00CC,
        A,
        2014,
        gbcs.FutureDatedOutcome(
            0x8F66,
            datetime(2030, 1, 15, 9, tzinfo=UTC),
            0x0019,
            1008,
            9000,
            bytes.fromhex("00005E2C0200"),
            6,
        ),
        "0F 200007DE 00 0203 12 8F66 090C 07EE010FFF090000008000FF 0913 0019 00000000000003F0 2328 00005E2C0200 06",
    ),
    (
        0x00CD,
        A,
        3000,
        gbcs.FutureDatedGasOutcome(0x8F66, datetime(2030, 1, 15, 9, tzinfo=UTC), 0x006C, 1001, 0x0705, 0x01, 0x06),
        "0109 01 8F66 38818890 0E 006C 00000000000003E9 0705 01 06",
    ),
    (
        0x00CE,
        A,
        2000,
        gbcs.FirmwareReceiptAlert(0x8F72, NEW_YEAR, b"\x01" * 32),
        "0F 200007D0 00 0203 12 8F72 090C 07DF0101FF000000008000FF 0920" + "01" * 32,
    ),
    (
        0x00CF,
        A,
        3000,
        gbcs.FirmwareReceiptAlert(0x8F72, NEW_YEAR, b"\xa1" * 32),
        "0109 01 8F72 1C374A80 09 20" + "A1" * 32,
    ),
    (
        0x0114,
        A,
        4000,
        gbcs.MessageDiscardedAlert(0x8F2C, NEW_YEAR, PARTIES["Sup"], METER, C, 1000),
        "0F 20000FA0 00 0203 12 8F2C 090C 07DF0101FF000000008000FF 0919 90B3D51F30010000 00DB1234567890A0 01"
        "00000000000003E8",
    ),
    (
        0x0120,
        A,
        2000,
        gbcs.CommandRejectedAlert(0x8F85, NEW_YEAR, 0x0103, 1200),
        "0F 200007D0 00 0203 12 8F85 090C 07DF0101FF000000008000FF 090A 0103 00000000000004B0",
    ),
]
EXAMPLES = [*PAYLOADS, (0x0004, C, 1300, gbcs.ReadHubDevices(), "D9 20000514 00 01 01 0068 00001E0300FF 04 01 00")]
IDS = [f"{code:04X}-{cra.name}-{type(value).__name__}" for code, cra, _, value, _ in PAYLOADS]


def carrying(code: int, cra: Cra, octets: bytes, counter: int = 1000) -> Message:
    return Message(cra, counter, PARTIES["Sup"], METER, code, octets)


@pytest.mark.parametrize(("code", "cra", "counter", "value", "octets"), PAYLOADS, ids=IDS)
def test_payloads_of_the_digest_both_ways(code: int, cra: Cra, counter: int, value: Any, octets: str) -> None:
    payload = bytes.fromhex(octets)
    assert encode_payload(code, cra, value, counter) == payload
    assert decode_payload(carrying(code, cra, payload, counter)) == value
    # The header's counter is wider than the invoke id.
    assert encode_payload(code, cra, value, counter | 1 << 32) == payload


def test_every_direction_of_the_table_has_a_payload_here() -> None:
    hub_devices = {(0x0004, C)}  # as 0x010F
    assert {(code, cra) for code, row in FRAME_USE_CASES.items() for cra in row} == (
        {(code, cra) for code, cra, *_ in PAYLOADS} | hub_devices
    )


def test_every_visible_message_of_these_use_cases_is_typed_and_comes_back(shared: Path) -> None:
    typed: dict[int, int] = {}
    for each in vectors(shared).values():
        message = each.message
        if message.message_code not in FRAME_USE_CASES:
            continue
        value = decode_payload(message)
        assert value != gbcs.decode_frame(message), each.name
        typed[message.message_code] = typed.get(message.message_code, 0) + 1
        octets = encode_payload(message.message_code, message.cra, value, message.originator_counter)
        assert octets == message.payload, each.name
    assert typed == {
        0x0001: 4, 0x0002: 4, 0x0003: 4, 0x0004: 4, 0x0018: 1, 0x0028: 4, 0x0062: 6, 0x0084: 4, 0x00CC: 23, 0x00CD: 4,
        0x00CE: 1, 0x00CF: 1, 0x00FE: 4, 0x0114: 1, 0x1000: 1, 0x1001: 1,
    }  # fmt: skip


@pytest.mark.parametrize(("code", "cra", "counter", "value", "octets"), PAYLOADS, ids=IDS)
def test_bent_payloads_come_back_typed_or_as_frames(code: int, cra: Cra, counter: int, value: Any, octets: str) -> None:
    payload = bytes.fromhex(octets)
    for at in range(len(payload)):
        for changed in (payload[:at], payload[:at] + bytes((payload[at] ^ 0x11,)) + payload[at + 1 :]):
            try:
                found = decode_payload(carrying(code, cra, changed, counter))
            except WireError as error:
                right = error.code.startswith(("dlms_", "gbz_")) and 0 <= error.offset <= max(len(changed), 2)
            else:
                right = encode_payload(code, cra, found, counter) == changed
            assert right, at


def test_another_form_is_left_as_its_frame() -> None:
    request = dlms.AccessRequest(1000, (dlms.Instruction(dlms.Service.GET, 1, bytes(6), 2),))
    for code in (0x0001, 0x0059, 0x0062, 0x00FE, 0x010F):
        assert decode_payload(carrying(code, C, request.encode())) == request
    # Another counter than the header's, and another priority.
    read = bytes.fromhex("D9 200003E8 00 01 01 0001 0000000201FF 02 01 00")
    assert decode_payload(carrying(0x0059, C, read)) == gbcs.ReadFirmwareVersion()
    assert isinstance(decode_payload(carrying(0x0059, C, read, 1001)), dlms.AccessRequest)
    other = read[:1] + b"\x60" + read[2:]
    assert isinstance(decode_payload(carrying(0x0059, C, other)), dlms.AccessRequest)
    # A GBZ answer under the code of a DLMS use case, and the other way round.
    gas = bytes.fromhex("0109 01 01 0702 0005 00 00 00 0602")
    assert isinstance(decode_payload(carrying(0x0059, C, gas)), gbz.Components)
    assert isinstance(decode_payload(carrying(0x0084, C, read)), dlms.AccessRequest)
    assert isinstance(decode_payload(carrying(0x0084, R, read)), dlms.AccessRequest)


def test_a_value_of_another_kind_is_a_value_error() -> None:
    for code, cra, counter, value, _ in PAYLOADS:
        for wrong in (None, object(), 5, gbcs.CellDetails, gbcs.ReadHubLogs() if code != 0x00FE else 1):
            with pytest.raises(ValueError):
                encode_payload(code, cra, wrong, counter)
        if decode_kind(code, cra, value, counter) is PayloadKind.DLMS:
            with pytest.raises(ValueError, match="Originator Counter"):
                encode_payload(code, cra, value)
        else:
            assert encode_payload(code, cra, value) == encode_payload(code, cra, value, counter)
    with pytest.raises(ValueError, match="0059 does not carry"):
        encode_payload(0x0059, A, gbcs.ReadFirmwareVersion(), 1)


def decode_kind(code: int, cra: Cra, value: Any, counter: int) -> PayloadKind | None:
    return gbcs.payload_kind(carrying(code, cra, encode_payload(code, cra, value, counter), counter))


@pytest.mark.parametrize(
    ("code", "cra", "value"),
    [
        (0x0062, C, gbcs.SetClock(NEW_YEAR.replace(tzinfo=None), NEW_YEAR)),
        (0x0062, C, gbcs.SetClock(NEW_YEAR, NEW_YEAR.replace(microsecond=1))),
        (0x0062, R, gbcs.ClockSet(NEW_YEAR.astimezone(timezone(timedelta(hours=1))), 0)),
        (0x0062, R, gbcs.ClockSet(NEW_YEAR, 256)),
        (0x0062, R, gbcs.InstructionFailed(5)),
        (0x0001, C, gbcs.AddToWhitelist(METER, KEY, 1 << 16)),
        (0x0001, C, gbcs.AddToWhitelist(METER, "key", 1)),
        (0x010F, R, gbcs.HubDevices((replace(STATUS, status=256),))),
        (0x010F, R, gbcs.HubDevices((replace(STATUS, hops=256),))),
        (0x00CC, A, gbcs.FutureDatedOutcome(0x8F66, NEW_YEAR, 1 << 16, 1, 1, bytes(6), 1)),
        (0x00CD, A, gbcs.FutureDatedGasOutcome(0x8F66, NEW_YEAR, 1, 1 << 64, 1, 1, 1)),
        (0x00CF, A, gbcs.FirmwareReceiptAlert(0x8F72, NEW_YEAR, bytes(31))),
        (0x1000, A, gbcs.GenericAlert(1 << 16, NEW_YEAR)),
        (0x1000, A, gbcs.GenericAlert(1, datetime(1999, 1, 1, tzinfo=UTC), PayloadKind.GBZ)),
        (0x1000, A, gbcs.GenericAlert(1, NEW_YEAR.replace(microsecond=1), PayloadKind.GBZ)),
    ],
)
def test_values_out_of_range_are_value_errors(code: int, cra: Cra, value: Any) -> None:
    with pytest.raises(ValueError):
        encode_payload(code, cra, value, 1)


def test_values_that_cannot_be_are_refused_when_made() -> None:
    makers: list[Any] = [
        lambda: gbcs.InstructionFailed(-1),
        lambda: gbcs.InstructionFailed(0, 0),
        lambda: gbcs.InstructionFailed(0, 256),
        lambda: gbcs.InstructionFailed(2, 1, (dlms.unsigned(1),)),
        lambda: gbcs.JoinedDevice(METER, bytes(15)),
        lambda: gbcs.HubLog(NEW_YEAR, bytes(7), ()),
        lambda: gbcs.RestoreWhitelist(bytes(9), ()),
        lambda: gbcs.GenericAlert(0x8F30, NEW_YEAR, PayloadKind.ASN1),
        lambda: gbcs.FutureDatedOutcome(0x8F66, NEW_YEAR, 1, 1, 1, bytes(5), 1),
        lambda: replace(STATUS, signal_strength=(1, 2)),
        lambda: replace(STATUS, link_quality=(1, 2, 3, 4)),
    ]
    for make in makers:
        with pytest.raises(ValueError):
            make()
    assert gbcs.InstructionFailed(2, 1, (dlms.NULL, dlms.NULL)) == gbcs.InstructionFailed(2)


def test_an_install_code_does_not_show_in_text() -> None:
    assert "0123456789" not in repr(gbcs.AddToWhitelist(METER, KEY, 90))


def test_alert_00d5_stays_octets() -> None:
    """Its only known layout ends in DER, which no A-XDR reader passes (dlms-gbz.md 2.9)."""
    octets = bytes.fromhex("0F 200007D0 00 0203 12 8F85 090C 07DF0101FF000000008000FF 3003 020101")
    message = carrying(0x00D5, A, octets)
    assert decode_payload(message) == gbcs.UnknownPayload(octets)
    assert gbcs.payload_kind(message) is None
    assert gbcs.decode_frame(message) is None


FORMS = [(code, cra) for code, row in FRAME_USE_CASES.items() for cra in row]


@pytest.mark.parametrize("key", FORMS, ids=[f"{code:04X}-{cra.name}" for code, cra in FORMS])
@given(data=st.data())
def test_any_values_in_the_right_places_come_back_typed_or_as_a_frame(
    key: tuple[int, Cra], data: st.DataObject
) -> None:
    """Addresses and services of the use case, and data of any type where its own belong."""
    code, cra, counter, _, octets = next(each for each in EXAMPLES if each[:2] == key)
    frame = gbcs.decode_frame(carrying(code, cra, bytes.fromhex(octets), counter))
    changed: Any = frame
    if isinstance(frame, dlms.AccessRequest):
        drawn = [dlms.Instruction(*each.address, data.draw(values | st.just(each.data))) for each in frame.instructions]
        changed = replace(frame, instructions=tuple(drawn))
    elif isinstance(frame, dlms.AccessResponse):
        results = [
            dlms.Outcome(each.service, each.result, data.draw(values | st.just(each.data))) for each in frame.outcomes
        ]
        changed = replace(frame, outcomes=tuple(results))
    elif isinstance(frame, dlms.DataNotification):
        members = [data.draw(st.just(member) | values) for member in frame.data.value]
        changed = replace(
            frame, data=data.draw(st.sampled_from([dlms.structure(*members), dlms.array(*members)]) | values)
        )
    elif isinstance(frame, gbz.Alert):
        changed = replace(frame, specific=data.draw(st.binary(max_size=40)))
    payload = changed.encode()
    found = decode_payload(carrying(code, cra, payload, counter))
    assert encode_payload(code, cra, found, counter) == payload


instants = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)
entities = st.binary(min_size=8, max_size=8).map(Eui64)
joined = st.builds(gbcs.JoinedDevice, entities, st.binary(min_size=16, max_size=16))
logs = st.builds(gbcs.HubLog, instants, st.binary(min_size=8, max_size=8), st.lists(joined, max_size=5).map(tuple))
octet = st.integers(0, 255)
signed = st.tuples(*[st.integers(-128, 127)] * 3)
hub_device = st.builds(
    gbcs.HubDevice, entities, octet, signed, st.tuples(octet, octet, octet), st.none() | instants, *[octet] * 5
)
u16, u32, u64 = st.integers(0, 0xFFFF), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
VALUES: dict[tuple[int, Cra], st.SearchStrategy[Any]] = {
    (0x0001, C): st.builds(gbcs.AddToWhitelist, entities, st.binary(max_size=20), u16),
    (0x0002, C): st.builds(gbcs.RemoveFromWhitelist, entities),
    (0x0003, C): st.builds(
        gbcs.RestoreWhitelist, st.binary(min_size=8, max_size=8), st.lists(joined, max_size=200).map(tuple)
    ),
    (0x0018, A): st.builds(gbcs.HubLogAlert, u16, instants, logs),
    (0x0028, R): st.builds(gbcs.ActivePower, u32, st.integers(-128, 127), octet, u32),
    (0x0059, R): st.builds(gbcs.FirmwareVersionRead, st.binary(max_size=200)),
    (0x0062, C): st.builds(gbcs.SetClock, instants, instants),
    (0x0062, R): st.builds(gbcs.ClockSet, instants, octet)
    | st.builds(gbcs.InstructionFailed, st.integers(0, 4), st.integers(1, 255)),
    (0x0084, R): st.builds(gbcs.FirmwareVersionRead, st.binary(max_size=200)),
    (0x00CC, A): st.builds(
        gbcs.FutureDatedOutcome, u16, instants, u16, u64, u16, st.binary(min_size=6, max_size=6), octet
    ),
    (0x00CD, A): st.builds(gbcs.FutureDatedGasOutcome, u16, instants, u16, u64, u16, octet, octet).filter(
        lambda alert: alert.alert_code != 0x8F0A
    ),
    (0x00CE, A): st.builds(gbcs.FirmwareReceiptAlert, u16, instants, st.binary(max_size=32)),
    (0x00FE, R): st.builds(gbcs.HubLogs, logs, logs),
    (0x010F, R): st.builds(gbcs.HubDevices, st.lists(hub_device, max_size=5).map(tuple)),
    (0x0114, A): st.builds(gbcs.MessageDiscardedAlert, u16, instants, entities, entities, st.sampled_from(Cra), u64),
    (0x0120, A): st.builds(gbcs.CommandRejectedAlert, u16, instants, u16, u64),
    (0x1000, A): st.builds(gbcs.GenericAlert, u16, instants, st.sampled_from([PayloadKind.DLMS, PayloadKind.GBZ])),
}


@pytest.mark.parametrize("key", VALUES, ids=[f"{code:04X}-{cra.name}" for code, cra in VALUES])
@given(data=st.data(), counter=u64)
def test_values_we_make_read_back(key: tuple[int, Cra], data: st.DataObject, counter: int) -> None:
    value = data.draw(VALUES[key])
    octets = encode_payload(*key, value, counter)
    assert decode_payload(carrying(*key, octets, counter)) == value
