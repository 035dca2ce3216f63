"""The tally over the visible RTDS 4.5.0 messages, and the three ways in which a message may be written."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell import gbcs
from trustcell.gbcs import KeyEntry, KeyRing, Tally, message_octets
from trustcell.vocab import KeyUsage, WireError
from wire.gbcs.rtds import NO_BY_NO, agreement_key, asn1, ring, vector, vectors


def report(shared: Path, *inputs: tuple[str, bytes], keys: KeyRing | None = None) -> dict[str, Any]:
    tally = Tally(keys if keys is not None else ring(shared))
    for name, data in inputs:
        tally.add(name, data)
    plain = tally.as_plain()
    assert tally.clean == (plain["failures"] == [])
    return json.loads(json.dumps(plain))


def test_the_report_over_all_visible_messages(shared: Path) -> None:
    inputs = [(each.name, each.octets.hex().encode()) for each in vectors(shared).values()]
    assert report(shared, *inputs) == {
        "messages": 806,
        "parsed": 806,
        "reencoded": 806,
        "signatures": {"valid": 300, "invalid": 0, "no_key": 0, "absent": 506},
        "macs": {"valid": 511, "invalid": 0, "no_key": 4, "absent": 291},
        "asn1": {"payloads": 137, "decoded": 137, "reencoded": 137},
        "dlms": {"payloads": 448, "decoded": 448, "reencoded": 448},
        "gbz": {"payloads": 221, "decoded": 221, "reencoded": 221},
        "encrypted": {"parts": 25, "opened": 25, "reencrypted": 25},
        "failures": [],
    }


def test_files_are_read_as_they_lie_in_the_folder(shared: Path) -> None:
    files = sorted((shared / "rtds" / "messages").glob("*/*.HEX"))[:20]
    assert all(file.suffix.lower() in gbcs.MESSAGE_SUFFIXES for file in files)
    assert report(shared, *((file.name, file.read_bytes()) for file in files))["reencoded"] == 20


def test_a_wrong_key_is_an_invalid_verdict_and_a_failure(shared: Path) -> None:
    message = vector(shared, NO_BY_NO)
    wrong = [key for key in ring(shared).entries if key.entity != message.message.originator]
    operator = agreement_key(shared, message.message.originator)
    impostor = gbcs.KeyEntry(operator.entity, KeyUsage.DIGITAL_SIGNATURE, operator.public_key)
    found = report(shared, (message.name, message.octets), keys=KeyRing([*wrong, impostor]))
    assert found["signatures"] == {"valid": 0, "invalid": 1, "no_key": 0, "absent": 0}
    assert found["macs"]["valid"] == 1
    (failure,) = found["failures"]
    assert failure["file"] == NO_BY_NO
    assert "90-B3-D5-1F-30-02-00-00" in failure["reason"]


def test_what_fails_is_listed_and_counted_as_far_as_it_came(shared: Path) -> None:
    good = vector(shared, NO_BY_NO).octets
    response = vector(shared, "CS07_8.9_SUCCESS_RESPONSE").octets
    at = response.index(bytes.fromhex("020100"))
    found = report(
        shared,
        ("empty", b" \r\n"),
        ("cut", good[:-1]),
        ("mac", good[:-1] + bytes((good[-1] ^ 1,))),
        ("payload", response[:at] + b"\x02\x01\x07" + response[at + 3 :]),
        ("good", good),
    )
    assert (found["messages"], found["parsed"], found["reencoded"]) == (5, 3, 3)
    assert found["asn1"] == {"payloads": 3, "decoded": 2, "reencoded": 2}
    assert found["macs"] == {"valid": 1, "invalid": 2, "no_key": 0, "absent": 0}
    failures = [(each["file"], each["reason"]) for each in found["failures"]]
    assert [name for name, _ in failures] == ["empty", "cut", "mac", "payload", "payload"]
    assert "[input_empty]" in failures[0][1]
    assert "[gbcs_truncated]" in failures[1][1]
    assert failures[2][1].startswith("the MAC from 90-B3-D5-1F-30-02-00-00 to 00-DB-12-34-56-78-90-A0")
    assert "[asn1_value]" in failures[3][1]


def test_a_short_form_of_a_length_is_read_and_reported(shared: Path) -> None:
    """``81 xx`` is legal to read; the report says that our own octets would differ (gbcs.md 4.1)."""
    each = next(each for each in asn1(shared) if each.message.payload[:3] == bytes.fromhex("308200"))
    message = each.message
    shorter = b"\x30\x81" + message.payload[3:]
    changed = gbcs.Message(
        message.cra, message.originator_counter, message.originator, message.target, message.message_code, shorter
    )
    assert gbcs.decode_payload(changed) == gbcs.decode_payload(message)
    found = report(shared, ("short", gbcs.encode(changed)))
    assert found["asn1"] == {"payloads": 1, "decoded": 1, "reencoded": 0}
    assert found["failures"] == [{"file": "short", "reason": "the payload re-encodes to other octets"}]


ENCRYPTED = [
    "ECS66_4.17_SUCCESS_RESPONSE",
    "GCS13c_4.1.2_SUCCESS_UNRELIABLE_RESPONSE",
    "ECS21b_4.14_URP_SUCCESS_RESPONSE",
]


@pytest.mark.parametrize("name", ENCRYPTED)
def test_a_part_that_its_readers_key_does_not_open_is_a_failure(shared: Path, name: str) -> None:
    each = vector(shared, name)
    device = [key for key in ring(shared).entries if key.entity == each.message.originator]
    reader = each.message.supplementary.party if each.message.supplementary else each.message.target
    readers = [key for key in ring(shared).agreement_keys(reader) if not key.prepayment]
    found = report(shared, (name, each.octets), keys=KeyRing([*device, *readers]))
    assert (found["encrypted"]["parts"], found["encrypted"]["opened"]) == (1, 1)
    nobody = report(shared, (name, each.octets), keys=KeyRing([]))
    assert nobody["encrypted"] == {"parts": 1, "opened": 0, "reencrypted": 0}
    assert nobody["failures"] == []
    other = next(key for key in ring(shared).entries if key.private_key is not None and key.entity != reader)
    wrong = KeyEntry(reader, KeyUsage.KEY_AGREEMENT, other.public_key, other.private_key)
    failing = report(shared, (name, each.octets), keys=KeyRing([*device, wrong]))
    assert failing["encrypted"] == {"parts": 1, "opened": 0, "reencrypted": 0}
    assert "encrypted part 0: no key of its reader opens it" in [each["reason"] for each in failing["failures"]]


WRITINGS: dict[str, Callable[[bytes], bytes]] = {
    "binary": lambda octets: octets,
    "hex": lambda octets: octets.hex().encode(),
    "upper case": lambda octets: octets.hex().upper().encode(),
    "spaced": lambda octets: octets.hex(" ").encode() + b"\n",
    "CRLF lines": lambda octets: b"\r\n".join(octets.hex(" ", 16).encode().split(b" ")) + b"\r\n",
    "tabs around": lambda octets: b"\t " + octets.hex().encode() + b"\x0c\x0b\n",
    "base64": base64.b64encode,
    "base64 lines": base64.encodebytes,
    "base64 CRLF": lambda octets: base64.encodebytes(octets).replace(b"\n", b"\r\n"),
}


@pytest.mark.parametrize("writing", WRITINGS)
def test_hex_base64_and_binary_are_told_apart(shared: Path, writing: str) -> None:
    for each in vectors(shared).values():
        assert message_octets(WRITINGS[writing](each.octets)) == each.octets, each.name


@pytest.mark.parametrize(
    ("data", "offset", "code"),
    [
        (b"", 0, "input_empty"),
        (b" \t\r\n", 0, "input_empty"),
        (b"DF0", 3, "input_hex"),
        (b"D F 0 1 2", 5, "input_hex"),
        (b"3w==3", 1, "input_format"),
        (b"DF09*", 4, "input_format"),
        (b"\xef\xbb\xbfDF09", 0, "input_format"),
        ("DF 09 \u00a0 01".encode(), 6, "input_format"),
        (b"\x00\x01", 0, "input_format"),
        (b"<xml/>", 0, "input_format"),
    ],
)
def test_other_inputs_are_refused(data: bytes, offset: int, code: str) -> None:
    with pytest.raises(WireError) as caught:
        message_octets(data)
    assert (caught.value.offset, caught.value.path, caught.value.code) == (offset, "input", code)


@given(st.binary(max_size=200))
def test_any_input_is_octets_or_a_refusal(data: bytes) -> None:
    try:
        octets = message_octets(data)
    except WireError as error:
        octets = error.code.encode()
    assert octets or not data.strip()


def test_base64_of_something_else_is_no_message(shared: Path) -> None:
    found = report(shared, ("text", base64.b64encode(b"just a text")))
    assert found["parsed"] == 0
    assert "[gbcs_tag]" in found["failures"][0]["reason"]
