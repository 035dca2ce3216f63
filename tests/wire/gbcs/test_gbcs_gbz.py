"""GBZ frames: every visible payload comes back octet for octet, encrypted parts are found, nothing else gets out."""

import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell.gbcs.frame import Cra, Message, decode
from trustcell.gbcs.gbz import GbzAlert, GbzComponent, GbzFrame, read_frame
from trustcell.vocab import WireError

PROTECTED = bytes.fromhex("3100000000") + b"ciphertext" + b"tag" * 4


@cache
def corpus(shared: Path) -> tuple[tuple[str, Message], ...]:
    """Every visible message with a GBZ payload, by file name."""
    files = sorted((shared / "rtds" / "messages").glob("*/*.HEX"))
    messages = ((file.name, decode(bytes.fromhex(file.read_text()))) for file in files)
    return tuple((name, message) for name, message in messages if message.payload[:2] == b"\x01\x09")


def read(message: Message) -> GbzFrame:
    return read_frame(message.payload, alert=message.cra is Cra.ALERT)


def refusal(payload: bytes, *, alert: bool = False) -> WireError:
    with pytest.raises(WireError) as caught:
        read_frame(payload, alert)
    return caught.value


def test_every_visible_payload_comes_back(shared: Path) -> None:
    assert len(corpus(shared)) == 216 + 5
    for name, message in corpus(shared):
        frame = read(message)
        assert frame.encode() == message.payload, name
        assert (frame.alert is None) is not (message.cra is Cra.ALERT), name


def test_a_command_numbers_its_components(shared: Path) -> None:
    for name, message in corpus(shared):
        if message.cra is Cra.COMMAND:
            components = read(message).components
            assert [c.sequence for c in components] == list(range(len(components))), name
            assert all(c.last is (c is components[-1]) for c in components), name


def test_encrypted_parts_are_found_where_the_vectors_have_them(shared: Path) -> None:
    codes = set()
    counted = 0
    for name, message in corpus(shared):
        frame = read(message)
        for ordinal, part in enumerate(frame.encrypted):
            assert message.payload[part.offset - 5 : part.offset] == bytes.fromhex("3100000000"), name
            assert message.payload[part.offset : part.end] == part.ciphertext + part.tag, name
            assert frame.components[part.component].frame_counter == ordinal, name
            counted += 1
            codes.add(message.message_code)
        assert bool(frame.encrypted) is (bytes.fromhex("3100000000") in message.payload), name
    assert counted == 15
    assert codes == {0x75, 0x77, 0x78, 0x79, 0xB6, 0xC4}


def test_a_read_of_one_attribute() -> None:
    (component,) = read_frame(bytes.fromhex("0109 01 01 0702 0005 00 00 00 0602")).components
    assert component == GbzComponent(0x01, 0x0702, 0, 0, 0, bytes.fromhex("0602"))
    assert (component.last, component.encrypted) == (True, False)


def test_a_dated_component() -> None:
    payload = bytes.fromhex("0109 01 11 0705 000B FFFFFFFF 01 00 09 01020304")
    (component,) = read_frame(payload).components
    assert (component.from_date_time, component.command, component.body.hex()) == (0xFFFFFFFF, 9, "01020304")
    assert read_frame(payload).encode() == payload


def test_a_clear_component_before_an_encrypted_one() -> None:
    clear = GbzComponent(0x00, 0x0702, 0x08, 0, 0x0B, b"\x00\x8b")
    dated = GbzComponent(0x10, 0x0702, 0x01, 1, 0x06, b"", from_date_time=7)
    hidden = GbzComponent(0x03, 0x0702, 0x18, 2, 0x01, PROTECTED, frame_counter=0)
    frame = GbzFrame((clear, dated, hidden))
    payload = frame.encode()
    assert read_frame(payload) == frame
    (part,) = frame.encrypted
    assert (part.component, part.ciphertext, part.tag) == (2, b"ciphertext", b"tag" * 4)
    assert payload[part.offset : part.end] == PROTECTED[5:]


def test_the_alert_form() -> None:
    frame = read_frame(bytes.fromhex("0109 01 8F66 38818890 0E 006C 00000000000003E9 0705 01 06"), alert=True)
    assert frame == GbzFrame((), GbzAlert(0x8F66, 0x38818890, bytes.fromhex("0E006C00000000000003E907050106")))
    bare = bytes.fromhex("0109 00 8F30 1C374A80")
    assert read_frame(bare, alert=True).encode() == bare


def test_the_billing_alert_has_components() -> None:
    hidden = GbzComponent(0x03, 0x0702, 0x19, 0, 0x06, PROTECTED, frame_counter=0)
    payload = bytes.fromhex("0109 01 8F0A 1C374A80") + hidden.encode()
    frame = read_frame(payload, alert=True)
    assert frame == GbzFrame((hidden,), GbzAlert(0x8F0A, 0x1C374A80))
    assert frame.encode() == payload
    (part,) = frame.encrypted
    assert payload[part.offset : part.end] == PROTECTED[5:]
    # Its last flag has no public vector, so either value is kept.
    unflagged = payload[:9] + b"\x02" + payload[10:]
    assert read_frame(unflagged, alert=True).encode() == unflagged


HIDDEN = "0109 01 03 0702 0022 00 00 18 00 01 001B " + PROTECTED.hex()


def test_the_hidden_example_is_whole() -> None:
    assert read_frame(bytes.fromhex(HIDDEN)).encode() == bytes.fromhex(HIDDEN)


@pytest.mark.parametrize(
    ("payload", "offset", "code"),
    [
        ("", 0, "gbz_profile"),
        ("0108 01", 0, "gbz_profile"),
        ("0109", 2, "gbz_truncated"),
        ("0109 00", 2, "gbz_count"),
        ("0109 01 01 0702", 6, "gbz_truncated"),
        ("0109 01 01 0702 0006 00 00 00 0602", 6, "gbz_truncated"),
        ("0109 01 01 0702 0002 00 00", 8, "gbz_length"),
        ("0109 01 01 0702 0005 00 00 00 0602 00", 13, "gbz_trailing"),
        ("0109 01 00 0702 0005 00 00 00 0602", 3, "gbz_last"),
        ("0109 02 01 0702 0003 00 00 00 01 0702 0003 00 00 00", 3, "gbz_last"),
        ("0109 02 00 0702 0003 00 00 00", 11, "gbz_truncated"),
        ("0109 01 01 0702 0003 04 00 00", 8, "gbz_manufacturer"),
        ("0109 01 05 0702 0003 00 00 00", 3, "gbz_control"),
        ("0109 01 13 0702 0003 00 00 00", 3, "gbz_control"),
        ("0109 01 11 0702 0006 00000000 00 00", 8, "gbz_length"),
        ("0109 01 11 0702 0007 00000000 04 00 00", 12, "gbz_manufacturer"),
        (HIDDEN.replace("0022 00", "0022 01"), 8, "gbz_additional_header"),
        (HIDDEN.replace("001B 31", "001B 11"), 15, "gbz_security_header"),
        (HIDDEN.replace("001B", "001A"), 13, "gbz_length"),
        ("0109 01 03 0702 0018 00 00 18 00 01 0011 3100000000" + "00" * 12, 13, "gbz_length"),
        ("0109 01 03 0702 0005 00 00 18 00 01", 13, "gbz_length"),
    ],
)
def test_a_malformed_frame_is_refused(payload: str, offset: int, code: str) -> None:
    error = refusal(bytes.fromhex(payload))
    assert (error.offset, error.code) == (offset, code)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ("0109 01 8F66 388188", "gbz_truncated"),
        ("0109 01 8F66 38818890", "gbz_count"),
        ("0109 00 8F66 38818890 0E", "gbz_count"),
        ("0109 02 8F66 38818890 0E", "gbz_count"),
        ("0109 01 8F0A 38818890", "gbz_truncated"),
        ("0109 00 8F0A 38818890 00", "gbz_count"),
    ],
)
def test_a_malformed_alert_is_refused(payload: str, code: str) -> None:
    assert refusal(bytes.fromhex(payload), alert=True).code == code


def test_every_prefix_is_refused(shared: Path) -> None:
    seen = set()
    for _, message in corpus(shared):
        if message.cra is Cra.ALERT or message.message_code in seen or len(message.payload) > 400:
            continue
        seen.add(message.message_code)
        for size in range(len(message.payload)):
            assert refusal(message.payload[:size]).code.startswith("gbz_")
        assert refusal(message.payload + b"\x00").code == "gbz_trailing"
    assert len(seen) == 37


@pytest.mark.parametrize(
    "fields",
    [
        {"control": 4},
        {"control": 0x12},
        {"control": -1},
        {"cluster": 0x10000},
        {"cluster": -1},
        {"frame_control": 256},
        {"sequence": -1},
        {"command": 256},
        {"body": bytes(0xFFFD)},
        {"from_date_time": 0},
        {"control": 0x11},
        {"control": 0x11, "from_date_time": 1 << 32},
        {"control": 0x11, "from_date_time": 1, "body": bytes(0xFFFA)},
        {"frame_counter": 0},
        {"control": 0x03, "body": PROTECTED},
        {"control": 0x03, "frame_counter": 256, "body": PROTECTED},
        {"control": 0x03, "frame_counter": 0, "body": PROTECTED[1:]},
        {"control": 0x03, "frame_counter": 0, "body": PROTECTED[:17]},
    ],
)
def test_an_impossible_component_is_refused(fields: dict[str, Any]) -> None:
    possible: dict[str, Any] = {"cluster": 0x702, "frame_control": 0, "sequence": 0, "command": 0, "body": b""}
    with pytest.raises(ValueError):
        GbzComponent(**(possible | {"control": 1} | fields))


def test_an_impossible_frame_is_refused() -> None:
    last = GbzComponent(1, 0x702, 0, 0, 0, b"")
    inner = GbzComponent(0, 0x702, 0, 0, 0, b"")
    for components in ((), (inner,), (last, last), (inner,) * 255 + (last,)):
        with pytest.raises(ValueError):
            GbzFrame(components)
    with pytest.raises(ValueError):
        GbzFrame((last,), GbzAlert(0x8F0A, 0, b"specific"))
    with pytest.raises(ValueError):
        GbzAlert(0x10000, 0)
    with pytest.raises(ValueError):
        GbzAlert(0, 1 << 32)


def test_the_largest_components_come_back() -> None:
    plain = GbzComponent(0x01, 0x702, 0, 0, 0, bytes(0xFFFC))
    hidden = GbzComponent(0x03, 0x702, 0, 0, 0, PROTECTED[:5] + bytes(0xFFF3), frame_counter=0)
    for component in (plain, hidden):
        assert read_frame(GbzFrame((component,)).encode()).components == (component,)


def total(payload: bytes, *, alert: bool) -> None:
    """Reading gives a value that comes back, or a ``WireError`` inside the payload; nothing else."""
    began = time.process_time()
    refused = None
    try:
        frame = read_frame(payload, alert)
    except WireError as error:
        refused = error
    if refused is None:
        assert frame.encode() == payload
        assert all(payload[part.offset : part.end] == part.ciphertext + part.tag for part in frame.encrypted)
    else:
        assert refused.code.startswith("gbz_")
        assert 0 <= refused.offset <= max(len(payload), 2)
    assert time.process_time() - began < 1


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x01\x09", b"\x01\x09\x01\x01", b"\x01\x09\x01\x8f\x0a"]),
    st.booleans(),
)
def test_any_octets(octets: bytes, head: bytes, alert: bool) -> None:
    total(head + octets, alert=alert)


@given(st.data())
def test_flipped_and_cut_payloads(shared: Path, data: st.DataObject) -> None:
    _, message = data.draw(st.sampled_from(corpus(shared)))
    octets = bytearray(message.payload)
    for bit in data.draw(st.lists(st.integers(0, 8 * len(octets) - 1), min_size=1, max_size=4)):
        octets[bit // 8] ^= 1 << bit % 8
    for alert in (False, True):
        total(bytes(octets), alert=alert)
        total(bytes(octets[: data.draw(st.integers(0, len(octets)))]), alert=alert)
