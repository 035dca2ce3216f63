"""GBZ frames: every visible payload becomes values and comes back octet for octet, and nothing else gets out."""

import copy
import pickle
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell.gbcs import gbz
from trustcell.gbcs.frame import Cra, Message, decode
from trustcell.gbcs.gbz import (
    Alert,
    Attribute,
    AttributeValues,
    Ciphered,
    CommandFields,
    Component,
    Components,
    DefaultResponse,
    Frame,
    ReadAttributes,
    UnknownCommand,
    command_fields,
    read_frame,
)
from trustcell.vocab import WireError

HIDDEN = Ciphered(0, b"ciphertext", b"tag" * 4)
PROTECTED = HIDDEN.encode()


@cache
def corpus(shared: Path) -> tuple[tuple[str, Message], ...]:
    """Every visible message with a GBZ payload, by file name."""
    files = sorted((shared / "rtds" / "messages").glob("*/*.HEX"))
    messages = ((file.name, decode(bytes.fromhex(file.read_text()))) for file in files)
    return tuple((name, message) for name, message in messages if message.payload[:2] == b"\x01\x09")


def read(message: Message) -> Frame:
    return read_frame(message.payload, alert=message.cra is Cra.ALERT)


def refusal(payload: bytes, *, alert: bool = False) -> WireError:
    with pytest.raises(WireError) as caught:
        read_frame(payload, alert)
    return caught.value


def test_every_visible_payload_becomes_values_and_comes_back(shared: Path) -> None:
    assert len(corpus(shared)) == 216 + 5
    for name, message in corpus(shared):
        frame = read(message)
        assert frame.encode() == message.payload, name
        assert isinstance(frame, Alert) is (message.cra is Cra.ALERT), name
        assert not any(isinstance(each.content, UnknownCommand) for each in frame.components), name


def test_what_is_read_passes_the_checks_of_what_is_built(shared: Path) -> None:
    for name, message in corpus(shared):
        for component in read(message).components:
            assert Component(*component) == component, name
            content = component.content
            if isinstance(content, CommandFields):
                named = command_fields(component.cluster, component.from_server, component.command, **content.named())
                assert named == content, name
                assert all(content.field(each) == value for each, value in content.named().items()), name
            if isinstance(content, AttributeValues):
                assert tuple(Attribute(*each) for each in content.records) == content.records, name


def test_a_command_numbers_its_components(shared: Path) -> None:
    for name, message in corpus(shared):
        if message.cra is Cra.COMMAND:
            components = read(message).components
            assert [each.sequence for each in components] == list(range(len(components))), name
            assert all(each.last is (each is components[-1]) for each in components), name


def test_after_a_failure_nothing_more_is_executed(shared: Path) -> None:
    """Status C0, then FF 01 for every later component (dlms-gbz.md 3.3)."""
    failed = 0
    for name, message in corpus(shared):
        contents = [each.content for each in read(message).components]
        answers = [each for each in contents if isinstance(each, DefaultResponse)]
        hardware = [at for at, each in enumerate(contents) if isinstance(each, DefaultResponse) and each.status == 0xC0]
        if hardware:
            failed += 1
            assert contents[hardware[0] + 1 :] == [DefaultResponse(0xFF, 0x01)] * (len(contents) - hardware[0] - 1), (
                name
            )
        assert {each.status for each in answers} <= {0x00, 0x01, 0x8B, 0xC0}, name
    assert failed > 20


def test_encrypted_parts_are_found_where_the_vectors_have_them(shared: Path) -> None:
    codes = set()
    counted = 0
    for name, message in corpus(shared):
        frame = read(message)
        found = gbz.encrypted_parts(frame)
        for place, part in enumerate(found):
            content = frame.components[part.ordinal].content
            assert content == Ciphered(place, part.ciphertext, part.tag), name
            assert content.encode() in message.payload, name
            counted += 1
            codes.add(message.message_code)
        assert bool(found) is (bytes.fromhex("3100000000") in message.payload), name
    assert counted == 15
    assert codes == {0x75, 0x77, 0x78, 0x79, 0xB6, 0xC4}


def test_a_read_of_one_attribute() -> None:
    """GCS38 of dlms-gbz.md 4.1, question, answer and failure."""
    (component,) = read_frame(bytes.fromhex("0109 01 01 0702 0005 00 00 00 0602")).components
    assert component == Component(0x01, 0x0702, 0, 0, 0, ReadAttributes((0x0206,)))
    assert (component.last, component.from_server, component.cluster_specific) == (True, False, False)
    (answer,) = read_frame(bytes.fromhex("0109 01 01 0702 000C 08 00 01 0602 00 41 04 0123ABCD")).components
    assert answer.content == AttributeValues((Attribute(0x0206, 0, 0x41, bytes.fromhex("0123ABCD")),))
    (failure,) = read_frame(bytes.fromhex("0109 01 01 0702 0006 08 00 01 0602 C0")).components
    assert failure.content == AttributeValues((Attribute(0x0206, 0xC0),))


def test_a_read_of_the_event_log() -> None:
    """CS10a of dlms-gbz.md 4.4."""
    payload = bytes.fromhex("0109 01 01 0709 0011 01 00 00 13 0000 00F9351C 00956E38 00 0000")
    asked = command_fields(
        0x0709, False, 0x00, control_and_log=0x13, event=0, start=473299200, end=946771200, number=0, offset=0
    )
    assert Components((Component(0x01, 0x0709, 0x01, 0, 0x00, asked),)).encode() == payload
    (component,) = read_frame(payload).components
    assert isinstance(component.content, CommandFields)
    assert component.content.layout.name == "Get Event Log"
    assert component.content.field("start") == 473299200
    with pytest.raises(KeyError):
        component.content.field("beginning")


def test_rows_of_an_event_log() -> None:
    """The answer to CS10a of dlms-gbz.md 4.4, cut to its last two rows."""
    payload = bytes.fromhex("0109 01 01 0709 001A 19 00 01 0200 00 01 00 03 4581 2101361C 00 03 5481 D109361C 02 009B")
    (component,) = read_frame(payload).components
    assert isinstance(component.content, CommandFields)
    assert component.content.field("entries") == (
        (3, 0x8145, 0x1C360121, b""),
        (3, 0x8154, 0x1C3609D1, bytes.fromhex("009B")),
    )


def test_a_dated_component() -> None:
    payload = bytes.fromhex("0109 01 11 0705 000B FFFFFFFF 01 00 09 01020304")
    (component,) = read_frame(payload).components
    assert (component.from_date_time, component.command) == (gbz.NEVER, 9)
    assert component.content == command_fields(0x0705, False, 9, level=0x04030201)
    assert read_frame(payload).encode() == payload


def test_a_clear_component_before_an_encrypted_one() -> None:
    clear = Component(0x00, 0x0702, 0x08, 0, 0x0B, DefaultResponse(0x00, 0x8B))
    level = command_fields(0x0705, False, 9, level=5)
    dated = Component(0x10, 0x0705, 0x01, 1, 0x09, level, 7)
    hidden = Component(0x03, 0x0702, 0x18, 2, 0x01, HIDDEN)
    frame = Components((clear, dated, hidden))
    assert read_frame(frame.encode()) == frame
    (part,) = gbz.encrypted_parts(frame)
    assert (part.ordinal, part.ciphertext, part.tag) == (2, b"ciphertext", b"tag" * 4)


def test_a_command_of_no_table_stays_octets() -> None:
    payload = bytes.fromhex("0109 01 01 0704 0006 01 00 05 010203")
    (component,) = read_frame(payload).components
    assert component.content == UnknownCommand(bytes.fromhex("010203"))
    assert read_frame(payload).encode() == payload
    (general,) = read_frame(bytes.fromhex("0109 01 01 0702 0004 00 00 02 FF")).components
    assert general.content == UnknownCommand(b"\xff")


def test_the_alert_form() -> None:
    frame = read_frame(bytes.fromhex("0109 01 8F66 38818890 0E 006C 00000000000003E9 0705 01 06"), alert=True)
    assert frame == Alert(0x8F66, 0x38818890, bytes.fromhex("0E006C00000000000003E907050106"))
    bare = bytes.fromhex("0109 00 8F30 1C374A80")
    assert read_frame(bare, alert=True) == Alert(0x8F30, 0x1C374A80)
    assert read_frame(bare, alert=True).encode() == bare


def test_the_billing_alert_has_components() -> None:
    hidden = Component(0x03, 0x0702, 0x19, 0, 0x06, HIDDEN)
    frame = Alert(0x8F0A, 0x1C374A80, b"", (hidden,))
    payload = bytes.fromhex("0109 01 8F0A 1C374A80") + hidden.encode()
    assert read_frame(payload, alert=True) == frame
    assert frame.encode() == payload
    assert len(gbz.encrypted_parts(frame)) == 1
    # Its last flag has no public vector, so either value is kept.
    unflagged = payload[:9] + b"\x02" + payload[10:]
    assert read_frame(unflagged, alert=True).encode() == unflagged


HIDDEN_FRAME = "0109 01 03 0702 0022 00 00 18 00 01 001B " + PROTECTED.hex()


def test_the_hidden_example_is_whole() -> None:
    assert read_frame(bytes.fromhex(HIDDEN_FRAME)).encode() == bytes.fromhex(HIDDEN_FRAME)


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
        ("0109 01 01 0702 0004 00 00 00 06", 12, "gbz_length"),
        ("0109 01 01 0702 0004 08 00 0B 06", 11, "gbz_length"),
        ("0109 01 01 0702 0005 00 00 00 0602 00", 13, "gbz_trailing"),
        ("0109 01 00 0702 0005 00 00 00 0602", 3, "gbz_last"),
        ("0109 02 01 0702 0003 00 00 00 01 0702 0003 00 00 00", 3, "gbz_last"),
        ("0109 02 00 0702 0003 00 00 00", 11, "gbz_truncated"),
        ("0109 01 01 0702 0003 04 00 00", 8, "gbz_frame_control"),
        ("0109 01 01 0702 0003 02 00 00", 8, "gbz_frame_control"),
        ("0109 01 05 0702 0003 00 00 00", 3, "gbz_control"),
        ("0109 01 13 0702 0003 00 00 00", 3, "gbz_control"),
        ("0109 01 11 0702 0006 00000000 00 00", 8, "gbz_length"),
        ("0109 01 11 0702 0007 00000000 04 00 00", 12, "gbz_frame_control"),
        (HIDDEN_FRAME.replace("0022 00", "0022 01"), 8, "gbz_additional_header"),
        (HIDDEN_FRAME.replace("001B 31", "001B 11"), 15, "gbz_security_header"),
        (HIDDEN_FRAME.replace("001B", "001A"), 13, "gbz_length"),
        ("0109 01 03 0702 0018 00 00 18 00 01 0011 3100000000" + "00" * 12, 13, "gbz_length"),
        ("0109 01 03 0702 0005 00 00 18 00 01", 13, "gbz_length"),
        ("0109 01 01 0702 0005 08 00 01 0602", 13, "gbz_truncated"),
        ("0109 01 01 0702 0007 08 00 01 0602 00 99", 14, "gbz_type"),
        ("0109 01 01 0702 0009 08 00 01 0602 00 41 04 01", 17, "gbz_truncated"),
        ("0109 01 01 0702 0008 08 00 01 0602 00 10 02", 15, "gbz_boolean"),
        ("0109 01 01 0709 0003 01 00 01", 11, "gbz_truncated"),
        ("0109 01 01 0709 0005 01 00 01 03 03", 12, "gbz_trailing"),
    ],
)
def test_a_malformed_frame_is_refused(payload: str, offset: int, code: str) -> None:
    error = refusal(bytes.fromhex(payload))
    assert (error.offset, error.code) == (offset, code)
    assert error.path


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ("0109 01 8F66 388188", "gbz_truncated"),
        ("0109 01 8F66 38818890", "gbz_count"),
        ("0109 00 8F66 38818890 0E", "gbz_count"),
        ("0109 02 8F66 38818890 0E", "gbz_count"),
        ("0109 01 8F0A 38818890", "gbz_truncated"),
        ("0109 00 8F0A 38818890 00", "gbz_trailing"),
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
        {"frame_control": 2},
        {"frame_control": 4},
        {"sequence": -1},
        {"command": 256},
        {"content": UnknownCommand(bytes(0x10000)), "frame_control": 1, "command": 0xEE},
        {"content": UnknownCommand(bytes(2))},
        {"content": DefaultResponse(0, 256), "command": 0x0B},
        {"content": DefaultResponse(0, 0)},
        {"content": ReadAttributes((0x10000,))},
        {"content": command_fields(0x0709, False, 1, log=3)},
        {"content": HIDDEN},
        {"control": 0x03},
        {"from_date_time": 0},
        {"control": 0x11},
        {"control": 0x11, "from_date_time": 1 << 32},
    ],
)
def test_an_impossible_component_is_refused(fields: dict[str, Any]) -> None:
    possible: dict[str, Any] = {"control": 1, "cluster": 0x702, "frame_control": 0, "sequence": 0, "command": 0}
    with pytest.raises(ValueError):
        Component(**(possible | {"content": ReadAttributes(())} | fields))


@pytest.mark.parametrize(
    "fields", [(256, b"c", bytes(12)), (-1, b"c", bytes(12)), (0, b"", bytes(12)), (0, b"c", bytes(11))]
)
def test_an_impossible_ciphertext_is_refused(fields: tuple[int, bytes, bytes]) -> None:
    with pytest.raises(ValueError):
        Ciphered(*fields)


@pytest.mark.parametrize(
    "fields",
    [
        (0x10000,),
        (0, 256),
        (0, 0, None),
        (0, 0, 0x99, 1),
        (0, 0, 0x20, 256),
        (0, 0, 0x20, True),
        (0, 0, 0x28, 128),
        (0, 0, 0x41, "text"),
        (0, 0, 0x41, bytes(255)),
        (0, 0, 0x10, 2),
        (0, 0, 0xF0, bytes(7)),
        (0, 1, 0x20, 1),
    ],
)
def test_an_impossible_attribute_is_refused(fields: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError):
        Attribute(*fields)


def test_a_string_without_value_comes_back() -> None:
    records = (Attribute(1, 0, 0x42, None), Attribute(2, 0, 0x43, b"\x00" * 300), Attribute(3, 0, 0x44, None))
    frame = Components((Component(1, 0x0702, 0x08, 0, 1, AttributeValues(records)),))
    assert read_frame(frame.encode()) == frame


def test_an_impossible_frame_is_refused() -> None:
    last = Component(1, 0x702, 0, 0, 0, ReadAttributes(()))
    inner = Component(0, 0x702, 0, 0, 0, ReadAttributes(()))
    for components in ((), (inner,), (last, last), (inner,) * 255 + (last,)):
        with pytest.raises(ValueError):
            Components(components)
    for alert in (
        (0x8F0A, 0, b"specific", (last,)),
        (0x8F0A, 0, b"specific"),
        (0x8F66, 0, b"", (last,)),
        (0x10000, 0),
        (0, 1 << 32),
    ):
        with pytest.raises(ValueError):
            Alert(*alert)


def test_values_copy_and_travel(shared: Path) -> None:
    for name, message in corpus(shared)[::20]:
        frame = read(message)
        assert copy.deepcopy(frame) == frame, name
        assert pickle.loads(pickle.dumps(frame)) == frame, name


def component(cluster: int, frame_control: int, command: int, body: bytes) -> bytes:
    """A whole payload of one component."""
    head = b"\x01\x09\x01\x01" + cluster.to_bytes(2, "big") + (len(body) + 3).to_bytes(2, "big")
    return head + bytes((frame_control, 0, command)) + body


@pytest.mark.parametrize(
    ("payload", "refused"),
    [
        (component(0x0709, 0x19, 0x01, bytes(5) + bytes(8) * 8000), False),
        (component(0x0709, 0x19, 0x01, bytes(5) + (bytes(7) + b"\xff") * 8000), True),
        (component(0x0702, 0x08, 0x01, b"\x01\x00\xc0" * 21_000), False),
        (component(0x0702, 0x00, 0x00, bytes(0xFF00)), False),
        (component(0x0702, 0x19, 0x07, bytes(9) + b"\xff\xff" + bytes(0xFF00)), True),
        (component(0x0700, 0x09, 0x06, bytes(19) + b"\x0f" * 0xFF00), True),
        (component(0x0708, 0x09, 0x04, bytes(10) + b"\xff" + bytes(100)), True),
        (b"\x01\x09\xff" + (b"\x00\x07\x02\x00\x03\x00\x00\x00" * 254) + b"\x01\x07\x02\x00\x03\x00\x00\x00", False),
    ],
    ids=["rows", "long rows", "attributes", "identifiers", "samples", "thresholds", "events", "components"],
)
def test_hostile_sizes_cost_nothing(payload: bytes, refused: bool) -> None:
    began = time.process_time()
    if refused:
        assert refusal(payload).code in ("gbz_truncated", "gbz_trailing")
    else:
        assert read_frame(payload).encode() == payload
    assert time.process_time() - began < 1


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
