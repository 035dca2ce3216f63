"""DLMS frames: every visible payload becomes values and comes back octet for octet, and nothing else gets out."""

import copy
import pickle
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell.gbcs import dlms
from trustcell.gbcs.dlms import (
    NULL,
    AccessRequest,
    AccessResponse,
    DataNotification,
    Instruction,
    Outcome,
    Selection,
    Service,
    read_frame,
)
from trustcell.gbcs.encrypted import EncryptedPart
from trustcell.gbcs.frame import Message, decode
from trustcell.vocab import Eui64, WireError

# Worked examples of dlms-gbz.md 2.3 to 2.9, which quotes them from visible RTDS 4.5.0 messages.
ECS66_RESPONSE = bytes.fromhex(
    "DA200003E9 0000 01 0202 0101 0202 1602 0205 0909 0400000000000003E9 0908 00DB1234567890A0 0908 90B3D51F30010000"
    "0900 0202 1602 0202 0901 02 0900 0939 31 00000000"
    "377B761FF79E94D4B3881E4373499557568C707EF181250A4173736D14A5C4AEB5E989BB8B841558 0AA8EB408225CC5ECF58E358 01 0300"
)
ECS21B_REQUEST = bytes.fromhex(
    "D9 200003EB 00 01 03 001E 00002B0206FF 01 01 0202 0101 0205 120007 0906 0000620108FF 0F02 120000 0202 1601 0202"
    "090C 07DE0C19FF171E00008000FF 090C 07DF0101FF000000008000FF 0101 0202 1602 0205 0909 0400000000000003EB"
    "0908 90B3D51F30010000 0908 00DB1234567890A0 0900 0202 1602 0202 0901 02 0900"
)
ECS35A_REQUEST = bytes.fromhex(
    "D9 200003E8 00 01 04 0007 0000636200FF 02 01 02040204120001090600005E2C64FF0F02120000 06 1C35F900 06 1C374A80"
    "0100 01 00"
)
PROTECTION = ECS66_RESPONSE[10:62]
PART = bytes.fromhex("3100000000") + b"ciphertext" + b"tag" * 4


@cache
def corpus(shared: Path) -> tuple[tuple[str, Message], ...]:
    """Every visible message with a DLMS payload, by file name."""
    files = sorted((shared / "rtds" / "messages").glob("*/*.HEX"))
    messages = ((file.name, decode(bytes.fromhex(file.read_text()))) for file in files)
    return tuple((name, message) for name, message in messages if message.payload[0] in dlms.TAGS)


def octet_string(octets: bytes) -> bytes:
    return bytes((0x09, len(octets))) + octets


def notification(data: bytes) -> bytes:
    return bytes.fromhex("0F200007D000") + data


def refusal(payload: bytes) -> WireError:
    with pytest.raises(WireError) as caught:
        read_frame(payload)
    return caught.value


def parts(payload: bytes) -> tuple[EncryptedPart, ...]:
    frame = read_frame(payload)
    assert not isinstance(frame, AccessRequest)
    return dlms.encrypted_parts(frame)


def test_every_visible_payload_comes_back_and_carries_the_counter(shared: Path) -> None:
    assert len(corpus(shared)) == 448
    kinds = {1: AccessRequest, 2: AccessResponse, 3: DataNotification}
    for name, message in corpus(shared):
        frame = read_frame(message.payload)
        assert type(frame) is kinds[message.cra], name
        assert frame.encode() == message.payload, name
        assert frame.invoke_id == message.originator_counter & 0xFFFFFF, name
        assert frame.priority == 0x20, name


def rebuilt(data: dlms.Data) -> dlms.Data:
    """The same value through the checking constructors."""
    kind, value = data
    members = kind in (dlms.DataType.ARRAY, dlms.DataType.STRUCTURE)
    return dlms.Data.of(kind, tuple(rebuilt(member) for member in value) if members else value)


def test_what_is_read_passes_the_checks_of_what_is_built(shared: Path) -> None:
    for name, message in corpus(shared):
        frame: Any = read_frame(message.payload)
        if isinstance(frame, AccessRequest):
            built: Any = AccessRequest(frame.invoke_id, tuple(Instruction(*each) for each in frame.instructions))
            assert all(rebuilt(each.data) == each.data for each in frame.instructions), name
        elif isinstance(frame, AccessResponse):
            built = AccessResponse(frame.invoke_id, tuple(Outcome(*each) for each in frame.outcomes))
            assert all(rebuilt(each.data) == each.data for each in frame.outcomes), name
        else:
            built = DataNotification(frame.invoke_id, rebuilt(frame.data))
        assert built == frame, name


def test_results_answer_the_instructions_of_their_command(shared: Path) -> None:
    """Services of a response are those of its command, in order; a failure ends the execution (dlms-gbz.md 2.4)."""
    frames = {name.removesuffix("_GBCS.HEX"): read_frame(message.payload) for name, message in corpus(shared)}
    seen = failed = 0
    for name, command in frames.items():
        response = frames.get(name.removesuffix("COMMAND") + "RESPONSE") if name.endswith("_COMMAND") else None
        if not isinstance(command, AccessRequest) or not isinstance(response, AccessResponse):
            continue
        assert [each.service for each in command.instructions] == [each.service for each in response.outcomes], name
        results = [each.result for each in response.outcomes]
        if any(results):
            at = next(at for at, result in enumerate(results) if result)
            assert results[at + 1 :] == [0xFA] * (len(results) - at - 1), name
            failed += 1
        seen += 1
    assert seen > 150
    assert failed > 50


def test_a_set_of_the_clock_in_values() -> None:
    payload = bytes.fromhex(
        "D9 200003E8 00 05  02 0008 0000010000FF 09  03 0008 0000010000FF 05  03 0008 0000010000FF 04"
        "01 0008 0000010000FF 02  01 0008 0000010000FF 04 05 1605 0203 090C FFFFFFFFFFFFFFFFFF8000FF"
        "090C 07DE0C1FFF173B0A008000FF 090C 07DF0101FF00000A008000FF  0F00  00  00"
    )
    frame = read_frame(payload)
    assert isinstance(frame, AccessRequest)
    first, second, third, *_ = frame.instructions
    assert first == Instruction(Service.SET, 8, bytes.fromhex("0000010000FF"), 9, dlms.enum(5))
    assert (second.service, second.class_id, second.element) == (Service.ACTION, 8, 5)
    assert second.data.kind is dlms.DataType.STRUCTURE
    assert [member.value[:2] for member in second.data.value] == [b"\xff\xff", b"\x07\xde", b"\x07\xdf"]
    assert third.data == dlms.integer(0)
    assert third.data != dlms.unsigned(0)
    assert frame.instructions[3].data == NULL
    assert frame.encode() == payload


def test_a_read_with_selection() -> None:
    frame = read_frame(ECS35A_REQUEST)
    assert isinstance(frame, AccessRequest)
    (instruction,) = frame.instructions
    assert instruction.service is Service.GET
    assert instruction.selection is not None
    assert instruction.selection.selector == 1
    _, start, end, columns = instruction.selection.parameters.value
    assert (start.value, end.value, columns) == (0x1C35F900, 0x1C374A80, dlms.array())
    assert frame.encode() == ECS35A_REQUEST


def test_a_failing_response_tells_its_outcomes() -> None:
    frame = read_frame(bytes.fromhex("DA200003EA 00 00 05 00 00 00 00 00 05 0200 0300 0300 0101 01FA"))
    assert isinstance(frame, AccessResponse)
    assert [(each.service, each.result) for each in frame.outcomes] == [(2, 0), (3, 0), (3, 0), (1, 1), (1, 0xFA)]
    assert {each.data for each in frame.outcomes} == {NULL}


def test_a_protected_read_names_its_objects_and_keys(shared: Path) -> None:
    frame = read_frame(ECS21B_REQUEST)
    assert isinstance(frame, AccessRequest)
    (instruction,) = frame.instructions
    read = dlms.ProtectedRead.of(instruction.data)
    assert read is not None
    log = dlms.ProtectedObject(
        7,
        bytes.fromhex("0000620108FF"),
        2,
        (bytes.fromhex("07DE0C19FF171E00008000FF"), bytes.fromhex("07DF0101FF000000008000FF")),
    )
    supplier, meter = Eui64.parse("90B3D51F30010000"), Eui64.parse("00DB1234567890A0")
    assert read == dlms.ProtectedRead((log,), dlms.Protection(0x3EB, supplier, meter))
    built = Instruction(Service.ACTION, 30, bytes.fromhex("00002B0206FF"), 1, read.as_data())
    assert AccessRequest(0x3EB, (built,)).encode() == ECS21B_REQUEST
    found = [dlms.ProtectedRead.of(each.data) for each in _protected(shared)]
    assert len(found) > 10
    assert None not in found


def _protected(shared: Path) -> list[Instruction]:
    frames = [read_frame(message.payload) for _, message in corpus(shared)]
    requests = [frame for frame in frames if isinstance(frame, AccessRequest)]
    return [each for request in requests for each in request.instructions if each.class_id == 30]


@pytest.mark.parametrize(
    "data",
    [
        NULL,
        dlms.unsigned(1),
        dlms.structure(),
        dlms.structure(NULL, NULL),
        dlms.structure(dlms.array(NULL), dlms.Protection(1, Eui64(bytes(8)), Eui64(bytes(8))).as_data()),
        dlms.structure(
            dlms.array(dlms.structure(*[dlms.double_long_unsigned(0xFFFFFFFF)] * 5)),
            dlms.Protection(1, Eui64(bytes(8)), Eui64(bytes(8))).as_data(),
        ),
        dlms.Protection(1, Eui64(bytes(8)), Eui64(bytes(8))).as_data(),
    ],
)
def test_other_parameters_are_no_protected_read(data: dlms.Data) -> None:
    assert dlms.ProtectedRead.of(data) is None
    assert dlms.Protection.of(dlms.structure(data)) is None


def test_encrypted_parts_are_found_where_the_vectors_have_them(shared: Path) -> None:
    codes = {}
    for name, message in corpus(shared):
        if message.payload[0] == 0xD9:
            continue
        found = parts(message.payload)
        if found:
            codes[name] = message.message_code
        for part in found:
            assert bytes.fromhex("3100000000") + part.ciphertext + part.tag in message.payload, name
    assert len(codes) == 10
    assert {*codes.values()} == {0x2A, 0x30, 0x34, 0x37, 0x60, 0x61}


def test_a_response_with_an_encrypted_part() -> None:
    (part,) = parts(ECS66_RESPONSE)
    assert (part.ordinal, len(part.ciphertext)) == (0, 40)
    assert part.tag.hex() == "0aa8eb408225cc5ecf58e358"
    frame = read_frame(ECS66_RESPONSE)
    assert isinstance(frame, AccessResponse)
    protection = dlms.Protection.of(frame.outcomes[0].data.value[0])
    assert protection is not None
    sealed = dlms.sealed_data(protection, part.ciphertext, part.tag)
    assert AccessResponse(0x3E9, (Outcome(Service.ACTION, 0, sealed),)).encode() == ECS66_RESPONSE


def test_the_flat_form_of_the_billing_alert_and_the_ordinal_of_a_later_datum() -> None:
    alert = notification(b"\x02\x04\x12\x8f\x0a" + octet_string(bytes(12)) + PROTECTION + octet_string(PART))
    assert [part.ciphertext for part in parts(alert)] == [b"ciphertext"]
    datum = b"\x02\x02" + PROTECTION + octet_string(PART)
    payload = bytes.fromhex("DA200003E90000") + b"\x03" + b"\x00" + datum + datum + b"\x03" + bytes.fromhex("0300") * 3
    assert [part.ordinal for part in parts(payload)] == [1, 2]


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
        b"\x02\x02" + PROTECTION + octet_string(PART[: 5 + 12]),
        # A top-up counter ends in 32 zero bits, so any record of a rejected top-up may look like a security header.
        b"\x02\x03\x12\x8f\x85" + octet_string(bytes(12)) + octet_string(bytes.fromhex("00070000003100000000")),
    ],
    ids=["alone", "no array", "inside", "in an array", "not next", "nested", "other key", "text", "short", "counter"],
)
def test_look_alikes_are_not_encrypted_parts(data: bytes) -> None:
    payload = notification(data)
    assert bytes.fromhex("3100000000") in payload
    assert parts(payload) == ()
    assert read_frame(payload).encode() == payload


@pytest.mark.parametrize(
    ("payload", "offset", "code"),
    [
        ("", 0, "dlms_truncated"),
        ("30", 0, "dlms_kind"),
        ("DA20", 2, "dlms_truncated"),
        ("D9200003E8", 5, "dlms_truncated"),
        ("D9200003E8 0C 00", 5, "dlms_date_time"),
        ("DA200003E8 00 01 00 00", 6, "dlms_specification"),
        ("DA200003E8 00 00", 7, "dlms_truncated"),
        ("DA200003E8 00 00 01 00 02 0300", 9, "dlms_count"),
        ("DA200003E8 00 00 02 01000100", 12, "dlms_truncated"),
        ("DA200003E8 00 00 01 00", 9, "dlms_truncated"),
        ("DA200003E8 00 00 01 00 01 01", 11, "dlms_truncated"),
        ("DA200003E8 00 00 01 00 01 010000", 12, "dlms_trailing"),
        ("DA200003E8 00 00 01 00 01 0400", 10, "dlms_spec"),
        ("DA200003E8 00 00 82FFFF 00", 11, "dlms_truncated"),
        ("D9200003E8 00 8105 00", 6, "dlms_length"),
        ("D9200003E8 00 820080", 6, "dlms_length"),
        ("D9200003E8 00 83010000", 6, "dlms_length"),
        ("D9200003E8 00 84FFFFFFFF", 6, "dlms_length"),
        ("D9200003E8 00 80", 6, "dlms_length"),
        ("D9200003E8 00 8201", 8, "dlms_truncated"),
        ("D9200003E8 00 01 05 0001 0000600100FF 02 01 00", 7, "dlms_spec"),
        ("D9200003E8 00 01 01 0001 000060", 13, "dlms_truncated"),
        ("D9200003E8 00 01 01 0001 0000600100FF 02 02 0000", 17, "dlms_count"),
        ("D9200003E8 00 01 04 0001 0000600100FF 02", 17, "dlms_truncated"),
    ],
)
def test_a_malformed_frame_is_refused(payload: str, offset: int, code: str) -> None:
    error = refusal(bytes.fromhex(payload))
    assert (error.offset, error.code) == (offset, code)
    assert error.path


def test_every_prefix_is_refused(shared: Path) -> None:
    seen = set()
    for _, message in corpus(shared):
        if (message.message_code, message.cra) in seen or len(message.payload) > 300:
            continue
        seen.add((message.message_code, message.cra))
        for size in range(len(message.payload)):
            error = refusal(message.payload[:size])
            assert error.code.startswith("dlms_")
            assert error.offset <= size
        assert refusal(message.payload + b"\x00").code == "dlms_trailing"
    assert len(seen) > 150


@pytest.mark.parametrize(
    ("field", "value"),
    [("invoke_id", 1 << 24), ("invoke_id", -1), ("priority", 256), ("priority", -1)],
)
def test_an_impossible_head_is_refused(field: str, value: int) -> None:
    for kind, content in ((AccessRequest, ()), (AccessResponse, ()), (DataNotification, NULL)):
        head: dict[str, Any] = {"invoke_id": 1, "priority": 0x20, field: value}
        with pytest.raises(ValueError):
            kind(head["invoke_id"], content, head["priority"])


def test_an_impossible_instruction_is_refused() -> None:
    good: tuple[Any, ...] = (Service.GET, 1, bytes(6), 2, NULL)
    assert Instruction(*good).address == good[:4]
    for place, wrong in ((0, 4), (1, 1 << 16), (1, -1), (2, bytes(5)), (3, 256)):
        with pytest.raises(ValueError):
            Instruction(*good[:place], wrong, *good[place + 1 :])
    with pytest.raises(ValueError):
        Instruction(Service.SET, 1, bytes(6), 2, NULL, Selection(1, NULL))
    with pytest.raises(ValueError):
        Selection(256, NULL)
    wrong: Any
    for wrong in ((4, 0), (1, 256), (1, -1)):
        with pytest.raises(ValueError):
            Outcome(*wrong)


@pytest.mark.parametrize("fields", [{"ordinal": -1}, {"ciphertext": b""}, {"tag": b"short"}])
def test_an_impossible_part_is_refused(fields: dict[str, Any]) -> None:
    possible: dict[str, Any] = {"ordinal": 0, "ciphertext": b"c", "tag": bytes(12)}
    with pytest.raises(ValueError):
        EncryptedPart(**(possible | fields))


def test_values_copy_and_travel() -> None:
    for payload in (ECS66_RESPONSE, ECS21B_REQUEST, ECS35A_REQUEST):
        frame = read_frame(payload)
        assert copy.deepcopy(frame) == frame
        assert pickle.loads(pickle.dumps(frame)) == frame


@given(st.integers(0, 0xFFFFFF), st.integers(0, 300))
def test_a_frame_we_build_reads_back(invoke_id: int, count: int) -> None:
    instruction = Instruction(Service.GET, 7, bytes(6), 2, NULL, Selection(1, dlms.array(NULL)))
    request = AccessRequest(invoke_id, (instruction,) * count)
    response = AccessResponse(invoke_id, (Outcome(Service.SET),) * count)
    for frame in (request, response, DataNotification(invoke_id, dlms.array(*[dlms.unsigned(7)] * count))):
        assert read_frame(frame.encode()) == frame


def total(payload: bytes) -> None:
    """Reading gives a value that comes back, or a ``WireError`` inside the payload; nothing else."""
    began = time.process_time()
    refused = None
    try:
        frame = read_frame(payload)
    except WireError as error:
        refused = error
    if refused is None:
        assert frame.encode() == payload
    else:
        assert refused.code.startswith("dlms_")
        assert 0 <= refused.offset <= len(payload)
        assert refused.path
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
