"""DLMS frames: every visible payload comes back octet for octet, encrypted parts are found, nothing else gets out."""

import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell.gbcs.dlms import MAX_DEPTH, DlmsFrame, DlmsKind, read_frame, walk
from trustcell.gbcs.encrypted import EncryptedPart
from trustcell.gbcs.frame import Message, decode
from trustcell.vocab import WireError

ECS66_RESPONSE = bytes.fromhex(
    "DA200003E9 0000 01 0202 0101 0202 1602 0205 0909 0400000000000003E9 0908 00DB1234567890A0 0908 90B3D51F30010000"
    "0900 0202 1602 0202 0901 02 0900 0939 31 00000000"
    "377B761FF79E94D4B3881E4373499557568C707EF181250A4173736D14A5C4AEB5E989BB8B841558 0AA8EB408225CC5ECF58E358 01 0300"
)
PROTECTION = ECS66_RESPONSE[10:62]
PART = bytes.fromhex("3100000000") + b"ciphertext" + b"tag" * 4


@cache
def corpus(shared: Path) -> tuple[tuple[str, Message], ...]:
    """Every visible message with a DLMS payload, by file name."""
    files = sorted((shared / "rtds" / "messages").glob("*/*.HEX"))
    messages = ((file.name, decode(bytes.fromhex(file.read_text()))) for file in files)
    return tuple((name, message) for name, message in messages if message.payload[0] in (0x0F, 0xD9, 0xDA))


def octet_string(octets: bytes) -> bytes:
    return bytes((0x09, len(octets))) + octets


def notification(data: bytes) -> bytes:
    return bytes.fromhex("0F200007D000") + data


def refusal(payload: bytes) -> WireError:
    with pytest.raises(WireError) as caught:
        read_frame(payload)
    return caught.value


def test_every_visible_payload_comes_back_and_carries_the_counter(shared: Path) -> None:
    assert len(corpus(shared)) == 448
    for name, message in corpus(shared):
        frame = read_frame(message.payload)
        assert frame.encode() == message.payload, name
        assert frame.invoke_id == message.originator_counter & 0xFFFFFF, name
        assert frame.priority == 0x20, name
        assert walk(message.payload) == frame.encrypted, name


def test_kind_follows_the_direction_of_the_message(shared: Path) -> None:
    for name, message in corpus(shared):
        kinds = {1: DlmsKind.REQUEST, 2: DlmsKind.RESPONSE, 3: DlmsKind.NOTIFICATION}
        assert read_frame(message.payload).kind is kinds[message.cra], name


def test_encrypted_parts_are_found_where_the_vectors_have_them(shared: Path) -> None:
    found = {(m.message_code, name): read_frame(m.payload).encrypted for name, m in corpus(shared)}
    with_parts = {key: parts for key, parts in found.items() if parts}
    assert len(with_parts) == 10
    assert {code for code, _ in with_parts} == {0x2A, 0x30, 0x34, 0x37, 0x60, 0x61}
    for name, message in corpus(shared):
        for part in read_frame(message.payload).encrypted:
            assert message.payload[part.offset - 5 : part.offset] == bytes.fromhex("3100000000"), name
            assert message.payload[part.offset : part.end] == part.ciphertext + part.tag, name


def test_a_response_with_an_encrypted_part() -> None:
    frame = read_frame(ECS66_RESPONSE)
    assert (frame.kind, frame.invoke_id, frame.count) == (DlmsKind.RESPONSE, 0x3E9, 1)
    assert frame.outcomes == ((3, 0),)
    (part,) = frame.encrypted
    assert (part.offset, len(part.ciphertext), part.component) == (69, 40, 0)
    assert part.tag.hex() == "0aa8eb408225cc5ecf58e358"


def test_a_failing_response_tells_its_outcomes() -> None:
    frame = read_frame(bytes.fromhex("DA200003EA 00 00 05 00 00 00 00 00 05 0200 0300 0300 0101 01FA"))
    assert frame.outcomes == ((2, 0), (3, 0), (3, 0), (1, 1), (1, 0xFA))
    assert frame.body == bytes(5)


def test_the_flat_form_of_the_billing_alert_and_the_ordinal_of_a_later_datum() -> None:
    alert = notification(b"\x02\x04\x12\x8f\x0a" + octet_string(bytes(12)) + PROTECTION + octet_string(PART))
    assert [part.ciphertext for part in read_frame(alert).encrypted] == [b"ciphertext"]
    datum = b"\x02\x02" + PROTECTION + octet_string(PART)
    payload = bytes.fromhex("DA200003E90000") + b"\x03" + b"\x00" + datum + datum + b"\x03" + bytes.fromhex("0300") * 3
    assert [part.component for part in read_frame(payload).encrypted] == [1, 2]


@pytest.mark.parametrize(
    "data",
    [
        octet_string(PART),
        b"\x02\x02" + octet_string(PROTECTION) + octet_string(PART),
        b"\x02\x01" + octet_string(b"\x02\x02" + PROTECTION + octet_string(PART)),
        b"\x01\x02" + PROTECTION + octet_string(PART),
        b"\x02\x03" + PROTECTION + b"\x00" + octet_string(PART),
        b"\x02\x02" + b"\x02\x01" + PROTECTION + octet_string(PART),
        b"\x02\x02" + PROTECTION.replace(bytes.fromhex("090102"), bytes.fromhex("090103")) + octet_string(PART),
        b"\x02\x02" + PROTECTION + b"\x0a" + octet_string(PART)[1:],
        # A top-up counter ends in 32 zero bits, so any record of a rejected top-up may look like a security header.
        b"\x02\x03\x12\x8f\x85" + octet_string(bytes(12)) + octet_string(bytes.fromhex("00070000003100000000")),
    ],
    ids=["alone", "no array", "inside a string", "in an array", "not next", "nested", "other key", "text", "counter"],
)
def test_look_alikes_are_not_encrypted_parts(data: bytes) -> None:
    payload = notification(b"\x02\x02" + octet_string(bytes(80)) + data)
    assert bytes.fromhex("3100000000") in payload
    assert read_frame(payload).encrypted == ()
    assert read_frame(payload).encode() == payload


@pytest.mark.parametrize(
    ("payload", "offset", "code"),
    [
        ("", 0, "dlms_truncated"),
        ("30", 0, "dlms_kind"),
        ("D9200003E8", 5, "dlms_truncated"),
        ("D9200003E8 0C 00", 5, "dlms_date_time"),
        ("DA200003E8 00 01 00 00", 6, "dlms_specification"),
        ("DA200003E8 00 00", 7, "dlms_truncated"),
        ("DA200003E8 00 00 01 00 02 0300", 9, "dlms_count"),
        ("DA200003E8 00 00 01 00", 8, "dlms_count"),
        ("DA200003E8 00 00 82FFFF 00", 10, "dlms_count"),
        ("D9200003E8 00 8105 00", 6, "dlms_length"),
        ("D9200003E8 00 820080", 6, "dlms_length"),
        ("D9200003E8 00 83010000", 6, "dlms_length"),
        ("D9200003E8 00 80", 6, "dlms_length"),
        ("D9200003E8 00 8201", 8, "dlms_truncated"),
    ],
)
def test_a_malformed_head_is_refused(payload: str, offset: int, code: str) -> None:
    error = refusal(bytes.fromhex(payload))
    assert (error.offset, error.code) == (offset, code)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ("0F200007D000", "dlms_truncated"),
        ("0F200007D000 0000", "dlms_trailing"),
        ("0F200007D000 0202 00", "dlms_truncated"),
        ("0F200007D000 0905 00", "dlms_truncated"),
        ("0F200007D000 12 00", "dlms_truncated"),
        ("0F200007D000 07", "dlms_type"),
        ("0F200007D000 13 07 00", "dlms_type"),
        ("0F200007D000 13 02", "dlms_truncated"),
        ("0F200007D000 13 0202 06", "dlms_truncated"),
        ("D9200003E800 01 05 0001 000060010 0FF 02 01 00".replace("010 0FF", "0100FF"), "dlms_spec"),
        ("D9200003E800 01 01 0001 000060", "dlms_truncated"),
        ("D9200003E800 01 01 0001 0000600100FF 02 02 0000", "dlms_count"),
        ("DA200003E80000 01 00 02 01000100", "dlms_count"),
        ("DA200003E80000 01 00 01 01", "dlms_truncated"),
        ("DA200003E80000 01 00 01 010000", "dlms_trailing"),
        ("DA20", "dlms_truncated"),
    ],
)
def test_a_walk_refuses_what_does_not_end_with_the_payload(payload: str, code: str) -> None:
    with pytest.raises(WireError) as caught:
        walk(bytes.fromhex(payload))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "data",
    [
        "13 020306120 9 07 00000001 0002 00".replace("120 9", "1209"),
        "13 0202 06 01 0003 11 00",
        "04 09 FF80",
        "01 00",
        "0202 FF 03FF",
        "19" + "00" * 12,
    ],
)
def test_a_walk_passes_every_kind_of_value(data: str) -> None:
    assert walk(notification(bytes.fromhex(data))) == ()


def test_a_top_up_counter_in_a_body_that_is_no_data_stays_opaque() -> None:
    # Alert 00D5 ends in DER (dlms-gbz.md 2.9), which no A-XDR walk would pass.
    payload = notification(b"\x00" + bytes.fromhex("3081 02 08 0007000031 00000000") + bytes(60))
    assert bytes.fromhex("3100000000") in payload
    assert read_frame(payload).encode() == payload


def test_an_encrypted_part_needs_room_for_its_tag() -> None:
    short = PART[: 5 + 12]
    assert refusal(notification(b"\x02\x02" + PROTECTION + octet_string(short) + bytes(40))).code == "dlms_protected"
    cut = notification(b"\x02\x02" + PROTECTION + octet_string(PART))[:-1]
    assert refusal(cut).code == "dlms_truncated"


def test_nesting_is_bounded() -> None:
    deepest = notification(b"\x01\x01" * MAX_DEPTH + b"\x00")
    assert walk(deepest) == ()
    with pytest.raises(WireError) as caught:
        walk(notification(b"\x01\x01" * (MAX_DEPTH + 1) + b"\x00"))
    assert caught.value.code == "dlms_depth"


@pytest.mark.parametrize(
    "data",
    [b"\x01\x01" * 2045, b"\x01\x7f" * 2045, b"\x13" + b"\x02\x7f" * 2045, b"\x01\x82\xff\xff" + bytes(4080)],
    ids=["deep", "wide and deep", "wide type", "endless array"],
)
def test_hostile_nesting_costs_nothing(data: bytes) -> None:
    began = time.process_time()
    for payload in (notification(data), notification(data + bytes.fromhex("3100000000"))):
        with pytest.raises(WireError):
            walk(payload)
    assert time.process_time() - began < 1


def test_every_prefix_of_a_walked_frame_is_refused() -> None:
    for size in range(len(ECS66_RESPONSE)):
        with pytest.raises(WireError) as caught:
            walk(ECS66_RESPONSE[:size])
        assert caught.value.code.startswith("dlms_")
        assert caught.value.offset <= size
    assert refusal(ECS66_RESPONSE + b"\x00").code == "dlms_trailing"


@pytest.mark.parametrize(
    "fields",
    [
        {"invoke_id": 1 << 24},
        {"invoke_id": -1},
        {"priority": 256},
        {"count": None},
        {"count": -1},
        {"count": 0x10000},
        {"results": b"\x01\x00"},
        {"kind": DlmsKind.NOTIFICATION},
        {"kind": DlmsKind.RESPONSE},
    ],
)
def test_an_impossible_frame_is_refused(fields: dict[str, Any]) -> None:
    possible: dict[str, Any] = {"kind": DlmsKind.REQUEST, "invoke_id": 1000, "count": 1, "body": b""}
    with pytest.raises(ValueError):
        DlmsFrame(**(possible | fields))


@pytest.mark.parametrize("fields", [{"offset": 4}, {"component": -1}, {"ciphertext": b""}, {"tag": b"short"}])
def test_an_impossible_part_is_refused(fields: dict[str, Any]) -> None:
    possible: dict[str, Any] = {"offset": 5, "ciphertext": b"c", "tag": bytes(12), "component": 0}
    with pytest.raises(ValueError):
        EncryptedPart(**(possible | fields))


@given(st.integers(0, 0xFFFFFF), st.integers(0, 300), st.binary(max_size=40))
def test_a_frame_we_build_reads_back(invoke_id: int, count: int, body: bytes) -> None:
    request = DlmsFrame(DlmsKind.REQUEST, invoke_id, count, body)
    response = DlmsFrame(DlmsKind.RESPONSE, invoke_id, count, body, b"\x02\x00" * count)
    note = DlmsFrame(DlmsKind.NOTIFICATION, invoke_id, None, body + b"\x00")
    for frame in (request, response, note):
        assert read_frame(frame.encode()) == frame


def total(payload: bytes) -> None:
    """Reading and walking give a value that comes back, or a ``WireError`` inside the payload; nothing else."""
    began = time.process_time()
    for read in (read_frame, walk):
        refused = None
        try:
            value = read(payload)
        except WireError as error:
            refused = error
        if refused is None:
            assert not isinstance(value, DlmsFrame) or value.encode() == payload
        else:
            assert refused.code.startswith("dlms_")
            assert 0 <= refused.offset <= len(payload)
    assert time.process_time() - began < 1


@given(st.binary(max_size=200), st.sampled_from([b"", b"\xd9\x20\0\0\1\0", b"\xda\x20\0\0\1\0\0", b"\x0f\x20\0\0\1\0"]))
def test_any_octets(octets: bytes, head: bytes) -> None:
    total(head + octets)


@given(st.data())
def test_flipped_and_cut_payloads(shared: Path, data: st.DataObject) -> None:
    _, message = data.draw(st.sampled_from(corpus(shared)))
    octets = bytearray(message.payload)
    for bit in data.draw(st.lists(st.integers(0, 8 * len(octets) - 1), min_size=1, max_size=4)):
        octets[bit // 8] ^= 1 << bit % 8
    total(bytes(octets))
    total(bytes(octets[: data.draw(st.integers(0, len(octets)))]))
