"""The envelope against RTDS 4.5.0 octets, cut, bent and made up (hostile-inputs.md G1, G3, G4; gbcs.md 1)."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell.gbcs import (
    Cra,
    Message,
    Shape,
    Supplementary,
    attach_mac,
    attach_signature,
    decode,
    encode,
    inner_octets,
    signed_octets,
    transaction_id,
)
from trustcell.vocab import MAX_COUNTER, Eui64, WireError
from wire.gbcs.rtds import NO_BY_NO, NO_BY_NO_RESPONSE, PARTIES, vector, vectors

HEADER = bytes.fromhex("DF 09 01 00000000000003E8 08 90B3D51F30010000 08 00DB1234567890A0 00")
WRAPPER = bytes.fromhex("DD000000000000")
CERTIFICATE = bytes.fromhex("30820005") + b"12345"
POSSIBLE: dict[str, Any] = {
    "cra": Cra.COMMAND,
    "originator_counter": 1000,
    "originator": PARTIES["Sup"],
    "target": PARTIES["A0"],
    "message_code": 0x0103,
    "payload": b"\x05\x00",
}


def refusal(octets: bytes) -> WireError:
    with pytest.raises(WireError) as caught:
        decode(octets)
    assert 0 <= caught.value.offset <= len(octets)
    assert caught.value.path
    assert caught.value.reason
    assert caught.value.code.startswith("gbcs_")
    return caught.value


def read(octets: bytes) -> Message | None:
    """The message, or ``None`` after a refusal that keeps its promises."""
    try:
        return decode(octets)
    except WireError:
        refusal(octets)
        return None


def wrapped(inner: bytes, security: bytes = bytes.fromhex("1100000000"), mac: bytes = bytes(12)) -> bytes:
    """A general-ciphering message under 128 octets."""
    content = security + inner + mac
    return WRAPPER + bytes((len(content),)) + content


def test_every_visible_message_comes_back_octet_for_octet(shared: Path) -> None:
    for each in vectors(shared).values():
        assert encode(decode(each.octets)) == each.octets, each.name


def test_every_prefix_of_a_command_is_truncated_at_its_end(shared: Path) -> None:
    octets = vector(shared, NO_BY_NO).octets
    assert len(octets) == 1420
    for size in range(len(octets)):
        error = refusal(octets[:size])
        assert (error.code, error.offset) == ("gbcs_truncated", size)


def test_every_prefix_of_a_response_is_truncated_except_the_one_without_its_signature_field(shared: Path) -> None:
    octets = vector(shared, NO_BY_NO_RESPONSE).octets
    for size in range(len(octets)):
        if size == len(octets) - 65:
            assert decode(octets[:size]).signature is None
        else:
            error = refusal(octets[:size])
            assert (error.code, error.offset) == ("gbcs_truncated", size)


@pytest.mark.parametrize("name", [NO_BY_NO, NO_BY_NO_RESPONSE, "ECS21b_4.14_URP_SUCCESS_RESPONSE"])
def test_every_octet_changed_gives_another_value_or_a_refusal(shared: Path, name: str) -> None:
    octets = vector(shared, name).octets
    original = decode(octets)
    for at in range(len(octets)):
        for bit in (0x01, 0x80, 0xFF):
            changed = bytearray(octets)
            changed[at] ^= bit
            message = read(bytes(changed))
            assert message != original
            assert message is None or encode(message) == bytes(changed)


@pytest.mark.parametrize("more", [b"\x00", b"\x40", bytes(64), b"\xdf"])
def test_octets_after_the_end_are_refused(shared: Path, more: bytes) -> None:
    for name in (NO_BY_NO, NO_BY_NO_RESPONSE):
        octets = vector(shared, name).octets
        error = refusal(octets + more)
        assert (error.code, error.offset) == ("gbcs_trailing", len(octets))


def test_a_pre_command_may_end_in_an_empty_signature(shared: Path) -> None:
    octets = vector(shared, "CS02bNOByNO_6.15.1_SUCCESS_PRECOMMAND").octets
    plain, ended = decode(octets), decode(octets + b"\x00")
    assert (plain.signature, ended.signature) == (None, b"")
    assert plain.shape is ended.shape is Shape.PRE_COMMAND
    assert encode(ended) == octets + b"\x00"
    assert signed_octets(plain) == signed_octets(ended) == octets[1:]
    signed = bytes(64)
    assert attach_signature(plain, signed) == attach_signature(ended, signed)
    assert attach_mac(plain, bytes(12)) == attach_mac(ended, bytes(12))


def test_a_mac_needs_a_signature_field(shared: Path) -> None:
    octets = vector(shared, "CS02bNOByNO_6.15.1_SUCCESS_PRECOMMAND").octets
    content = bytes.fromhex("1100000000") + octets + bytes(12)
    assert refusal(WRAPPER + b"\x82" + len(content).to_bytes(2, "big") + content).path == "signature"


@pytest.mark.parametrize(
    ("octets", "offset", "path", "code"),
    [
        (b"", 0, "tag", "gbcs_truncated"),
        (b"\xde" + HEADER[1:], 0, "tag", "gbcs_tag"),
        (b"\xdb" + bytes(40), 0, "tag", "gbcs_tag"),
        (b"\xdd\x09" + bytes(40), 1, "routing-header", "gbcs_block"),
        (b"\xdd\x00\x01" + bytes(40), 2, "mac-header", "gbcs_mac_header"),
        (HEADER.replace(b"\x09\x01", b"\x08\x01", 1) + b"\x02\x01\x03\x00", 1, "transaction-id", "gbcs_transaction_id"),
        (HEADER.replace(b"\x09\x01", b"\x09\x00", 1) + b"\x02\x01\x03\x00", 1, "transaction-id", "gbcs_transaction_id"),
        (HEADER.replace(b"\x09\x01", b"\x09\x04", 1) + b"\x02\x01\x03\x00", 1, "transaction-id", "gbcs_transaction_id"),
        (HEADER.replace(b"\x09\x01", b"\x09\xff", 1) + b"\x02\x01\x03\x00", 1, "transaction-id", "gbcs_transaction_id"),
        (HEADER.replace(b"\x08\x90", b"\x07\x90") + b"\x02\x01\x03\x00", 11, "originator", "gbcs_length"),
        (HEADER.replace(b"\x08\x00", b"\x09\x00") + b"\x02\x01\x03\x00", 20, "target", "gbcs_length"),
        (HEADER.replace(b"\x08\x00", b"\x07\x00") + b"\x02\x01\x03\x00", 20, "target", "gbcs_length"),
        (HEADER[:-1] + b"\x0b\x02\x01\x03\x00", 29, "date-time", "gbcs_length"),
        (HEADER[:-1] + b"\x0c\x02\x01\x03\x00", 34, "date-time", "gbcs_truncated"),
        (HEADER, 30, "other-information", "gbcs_truncated"),
        (HEADER + b"\x00\x00", 31, "other-information", "gbcs_other_information"),
        (HEADER + b"\x01\x01\x00", 31, "other-information", "gbcs_other_information"),
        (HEADER + b"\x02\x01", 32, "other-information", "gbcs_truncated"),
        (HEADER + b"\x02\x01\x03", 33, "payload", "gbcs_truncated"),
        (HEADER + b"\x02\x01\x03\x03\x05\x00", 36, "payload", "gbcs_truncated"),
        (HEADER + b"\x02\x01\x03\x01\x05\x00\x00", 36, "signature", "gbcs_trailing"),
        (HEADER + b"\x02\x01\x03\x01\x05\x41" + bytes(65), 35, "signature", "gbcs_length"),
        (HEADER + b"\x02\x01\x03\x01\x05\x3f" + bytes(63), 35, "signature", "gbcs_length"),
        (HEADER + b"\x02\x01\x03\x01\x05\x40" + bytes(63), 99, "signature", "gbcs_truncated"),
        (HEADER + b"\x02\x01\x03\x80\x05\x00\x00\x00", 33, "payload", "gbcs_length"),
        (HEADER + b"\x02\x01\x03\x81\x02\x05\x00", 33, "payload", "gbcs_length"),
        (HEADER + b"\x02\x01\x03\x82\x00\x80" + bytes(128), 33, "payload", "gbcs_length"),
        (HEADER + b"\x02\x01\x03\x82\x01", 35, "payload", "gbcs_truncated"),
        (HEADER + b"\x02\x01\x03\x84\xff\xff\xff\xff" + bytes(9), 33, "payload", "gbcs_length"),
        (HEADER + b"\x81\x02\x01\x03\x00", 30, "other-information", "gbcs_length"),
        (WRAPPER + b"\x84\xff\xff\xff\xff" + HEADER, 7, "length", "gbcs_length"),
        (WRAPPER + b"\x80" + HEADER, 7, "length", "gbcs_length"),
        (WRAPPER + b"\x04" + bytes(4), 8, "security-header", "gbcs_security_header"),
        (wrapped(HEADER, bytes.fromhex("1100000001")), 8, "security-header", "gbcs_security_header"),
        (wrapped(HEADER, bytes.fromhex("3100000000")), 8, "security-header", "gbcs_security_header"),
        (wrapped(b""), 25, "mac", "gbcs_truncated"),
        (wrapped(b"\x00"), 13, "tag", "gbcs_tag"),
        (wrapped(b"\xdf"), 14, "transaction-id", "gbcs_truncated"),
        (wrapped(wrapped(HEADER)), 13, "tag", "gbcs_tag"),
    ],
)
def test_misfits_are_named_with_their_offset(octets: bytes, offset: int, path: str, code: str) -> None:
    error = refusal(octets)
    assert (error.offset, error.path, error.code) == (offset, path, code)


@pytest.mark.parametrize(
    ("extra", "length"),
    [
        (None, 2),
        (Supplementary(PARTIES["Sup"]), 10),
        (Supplementary(PARTIES["Sup"], 1002), 18),
        (Supplementary(PARTIES["Sup"], 1002, 2002), 26),
        (Supplementary(PARTIES["Sup"], 1002, None, CERTIFICATE), 27),
    ],
)
def test_the_five_forms_of_other_information(extra: Supplementary | None, length: int) -> None:
    message = Message(**POSSIBLE | {"supplementary": extra})
    octets = encode(message)
    assert octets[30] == length
    assert decode(octets) == message


def test_no_other_length_of_other_information_is_a_form() -> None:
    for length in range(2, 27):
        octets = HEADER + bytes((length,)) + b"\x01\x03" + bytes(length - 2) + b"\x00"
        if length in (2, 10, 18, 26):
            assert encode(decode(octets)) == octets
        else:
            assert refusal(octets).code == "gbcs_other_information"


@pytest.mark.parametrize(
    "certificate", ["308200060000000000", "3007000000000000", "3180040000000000", "30830000040000"]
)
def test_after_18_octets_only_one_whole_sequence_may_follow(certificate: str) -> None:
    other = b"\x01\x03" + bytes(16) + bytes.fromhex(certificate) + bytes(2)
    assert refusal(HEADER + bytes((len(other),)) + other + b"\x00").code == "gbcs_other_information"


@pytest.mark.parametrize(
    "fields",
    [
        {"originator_counter": -1},
        {"originator_counter": MAX_COUNTER + 1},
        {"message_code": 0x10000},
        {"message_code": -1},
        {"date_time": bytes(11)},
        {"signature": bytes(63)},
        {"signature": bytes(65)},
        {"mac": bytes(12)},
        {"mac": bytes(12), "signature": None},
        {"mac": bytes(11), "signature": b""},
        {"mac": bytes(16), "signature": b""},
        {"payload": bytes(0x10000)},
        {"payload": bytes(0xFFFF), "signature": b"", "mac": bytes(12)},
    ],
)
def test_an_impossible_message_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Message(**POSSIBLE | fields)


def test_the_largest_messages_still_read_back() -> None:
    largest = Message(**POSSIBLE | {"payload": bytes(0xFFFF)})
    assert decode(encode(largest)) == largest
    # 16 bits of length hold security header, MAC, 33 octets of header, a long length, and an empty signature.
    with_mac = Message(
        **POSSIBLE | {"payload": bytes(0xFFFF - 5 - 12 - 33 - 3 - 1), "signature": b"", "mac": bytes(12)}
    )
    assert decode(encode(with_mac)) == with_mac
    with pytest.raises(ValueError):
        dataclasses.replace(with_mac, payload=with_mac.payload + b"\x00")


@pytest.mark.parametrize(
    "fields",
    [
        {"originator_counter": 1},
        {"certificate": CERTIFICATE},
        {"counter": 1, "originator_counter": 1, "certificate": CERTIFICATE},
        {"counter": -1},
        {"counter": 1, "originator_counter": MAX_COUNTER + 1},
        {"counter": 1, "certificate": CERTIFICATE + b"\x00"},
        {"counter": 1, "certificate": b"\x04" + CERTIFICATE[1:]},
        {"counter": 1, "certificate": b"\x30\x82\xff\xf0" + bytes(0xFFF0)},
        # Eight octets would be taken for a supplementary originator counter, fewer for nothing at all.
        {"counter": 1, "certificate": bytes.fromhex("3006000000000000")},
        {"counter": 1, "certificate": bytes.fromhex("30020500")},
    ],
)
def test_impossible_supplementary_fields_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Supplementary(**{"party": PARTIES["Sup"]} | fields)


def test_attaching_refuses_wrong_sizes() -> None:
    message = Message(**POSSIBLE)
    with pytest.raises(ValueError):
        attach_signature(message, b"")
    with pytest.raises(ValueError):
        attach_mac(message, bytes(16))
    assert transaction_id(message) == bytes.fromhex("0100000000000003E8")


COUNTERS = st.integers(0, MAX_COUNTER)
EUIS = st.binary(min_size=8, max_size=8).map(Eui64)
CERTIFICATES = st.binary(min_size=7, max_size=500).map(lambda body: b"\x30\x82" + len(body).to_bytes(2, "big") + body)
SUPPLEMENTARY = st.one_of(
    st.none(),
    st.builds(Supplementary, EUIS),
    st.builds(Supplementary, EUIS, COUNTERS),
    st.builds(Supplementary, EUIS, COUNTERS, COUNTERS),
    st.builds(Supplementary, EUIS, COUNTERS, st.none(), CERTIFICATES),
)
SIGNATURES = st.one_of(st.just(b""), st.binary(min_size=64, max_size=64))
PROTECTIONS = st.one_of(
    st.tuples(st.none(), st.none()),
    st.tuples(SIGNATURES, st.none()),
    st.tuples(SIGNATURES, st.binary(min_size=12, max_size=12)),
)


@given(
    st.sampled_from(Cra),
    COUNTERS,
    EUIS,
    EUIS,
    st.integers(0, 0xFFFF),
    st.one_of(st.binary(max_size=300), st.integers(0, 0xFF00).map(bytes)),
    st.one_of(st.just(b""), st.binary(min_size=12, max_size=12)),
    SUPPLEMENTARY,
    PROTECTIONS,
)
def test_a_message_we_build_reads_back(
    cra: Cra,
    counter: int,
    originator: Eui64,
    target: Eui64,
    code: int,
    payload: bytes,
    date_time: bytes,
    supplementary: Supplementary | None,
    protection: tuple[bytes | None, bytes | None],
) -> None:
    message = Message(cra, counter, originator, target, code, payload, date_time, supplementary, *protection)
    octets = encode(message)
    assert decode(octets) == message
    assert inner_octets(message) in octets


@given(st.binary(max_size=300))
def test_arbitrary_octets_are_a_message_or_a_refusal(octets: bytes) -> None:
    for candidate in (octets, b"\xdf" + octets, HEADER + octets, wrapped((HEADER + octets)[:100])):
        message = read(candidate)
        assert message is None or encode(message) == candidate


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_of_octets_is_read(shared: Path, kind: Any) -> None:
    octets = vector(shared, NO_BY_NO_RESPONSE).octets
    assert isinstance(decode(kind(octets)).payload, bytes)
