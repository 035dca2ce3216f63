"""The ASN.1 codec: what it reads and writes, and the hostile inputs of G9; constructed by hand from X.690 and GBCS."""

import base64
import json
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell.gbcs import decode
from trustcell.gbcs.der import LIST_LIMIT, Asn1, Choice, Field, Implicit, Sequence, SequenceOf, camel_case, write_length
from trustcell.gbcs.der_types import Enumeration, Integer, KeyUsageBits, Null, Octets, Time, Verbatim
from trustcell.gbcs.usecases.common import CELL, ROLE, SEQ_NUMBER, STATUS, StatusCode
from trustcell.gbcs.usecases.table import ASN1_USE_CASES
from trustcell.vocab import CellId, CellUsage, Eui64, KeyUsage, RemotePartyRole, WireError


class Colour(IntEnum):
    RED = 0
    GREEN = 200


@dataclass(frozen=True)
class Pair:
    second: int = 0
    first_of_all: int | None = None
    third: Colour = Colour.RED

    def __post_init__(self) -> None:
        if self.second == 99:
            raise ValueError("99 is taken")


PAIR = Sequence(
    Pair,
    Field("first_of_all", Implicit(0, Integer(1000)), absent=None),
    Field("second", Integer(1000), "number"),
    Field("third", Enumeration(Colour), absent=Colour.RED),
)
CHOICE = Choice(Null(), Enumeration(Colour), PAIR)
CODECS: dict[str, Asn1[Any]] = {
    f"{code:04X}-{cra.name}": asn1 for code, row in ASN1_USE_CASES.items() for cra, asn1 in row.items()
}


def refusal(asn1: Asn1[Any], octets: bytes) -> WireError:
    with pytest.raises(WireError) as caught:
        asn1.decode(octets)
    assert 0 <= caught.value.offset <= len(octets)
    assert caught.value.path
    assert caught.value.code.startswith("asn1_")
    return caught.value


@pytest.mark.parametrize(
    ("asn1", "value", "octets"),
    [
        (Integer(127), 0, "020100"),
        (Integer(1000), 128, "02020080"),
        (SEQ_NUMBER, 2**63 - 1, "02087FFFFFFFFFFFFFFF"),
        (Enumeration(Colour), Colour.GREEN, "020200C8"),
        (STATUS, StatusCode.OTHER, "0A017F"),
        (Octets(2), b"ab", "04026162"),
        (Octets(8, Eui64), Eui64(b"12345678"), "04083132333435363738"),
        (Null(), None, "0500"),
        (KeyUsageBits(), KeyUsage.DIGITAL_SIGNATURE, "03020780"),
        (KeyUsageBits(), KeyUsage.KEY_AGREEMENT, "03020308"),
        (KeyUsageBits(), KeyUsage.KEY_CERT_SIGN, "03020204"),
        (KeyUsageBits(), KeyUsage.KEY_CERT_SIGN | KeyUsage.CRL_SIGN, "03020106"),
        (KeyUsageBits(), KeyUsage.DECIPHER_ONLY, "0303070080"),
        (Time(), datetime(2030, 1, 15, tzinfo=UTC), "180F32303330303131353030303030305A"),
        (Verbatim(), bytes.fromhex("30020500"), "30020500"),
        (SequenceOf(Integer(9)), (), "3000"),
        (SequenceOf(Integer(9)), (1, 2), "3006020101020102"),
        (Implicit(3, SEQ_NUMBER), 1200, "830204B0"),
        (Implicit(2, CELL), CellId(RemotePartyRole(3), KeyUsage.DIGITAL_SIGNATURE), "A20702010303020780"),
        (PAIR, Pair(5), "3003020105"),
        (PAIR, Pair(5, 6, Colour.GREEN), "300A800106020105020200C8"),
        (CHOICE, None, "0500"),
        (CHOICE, Colour.RED, "020100"),
        (CHOICE, Pair(5), "3003020105"),
        (
            CELL,
            CellId(RemotePartyRole.SUPPLIER, KeyUsage.KEY_AGREEMENT, CellUsage.PRE_PAYMENT_TOP_UP),
            "300A02010203020308020101",
        ),
    ],
)
def test_values_and_octets(asn1: Asn1[Any], value: object, octets: str) -> None:
    assert asn1.encode(value) == bytes.fromhex(octets)
    assert asn1.decode(bytes.fromhex(octets)) == value


@pytest.mark.parametrize(
    ("asn1", "octets", "offset", "code"),
    [
        (Integer(127), "", 0, "asn1_truncated"),
        (Integer(127), "02", 1, "asn1_truncated"),
        (Integer(127), "0201", 2, "asn1_truncated"),
        (Integer(127), "0200", 2, "asn1_integer"),
        (Integer(127), "0101FF", 0, "asn1_tag"),
        (Integer(127), "010101", 0, "asn1_tag"),
        (Integer(127), "0201FF", 2, "asn1_integer"),
        (Integer(127), "02020001", 2, "asn1_integer"),
        (Integer(127), "02020080", 2, "asn1_integer"),
        (Integer(127), "020100 00", 3, "asn1_trailing"),
        (Integer(127), "02810101", 1, "asn1_length"),
        (Integer(127), "0282000101", 1, "asn1_length"),
        (Integer(127), "0280010000", 1, "asn1_length"),
        (Integer(127), "02830000017F", 1, "asn1_length"),
        (Integer(127), "0281", 2, "asn1_truncated"),
        (Integer(127), "0282 01", 3, "asn1_truncated"),
        (SEQ_NUMBER, "0209008000000000000000", 2, "asn1_integer"),
        (SEQ_NUMBER, "020A00FFFFFFFFFFFFFFFFFF", 2, "asn1_integer"),
        (Enumeration(Colour), "020101", 2, "asn1_value"),
        (Enumeration(Colour), "0201C8", 2, "asn1_value"),
        (Enumeration(Colour), "0203000000", 2, "asn1_value"),
        (Enumeration(Colour), "0200", 2, "asn1_value"),
        (STATUS, "020100", 0, "asn1_tag"),
        (ROLE, "02020087", 2, "asn1_value"),
        (ROLE, "020109", 2, "asn1_value"),
        (Octets(2), "0403616263", 2, "asn1_size"),
        (Octets(2), "240461626364", 0, "asn1_tag"),
        (Null(), "050100", 2, "asn1_size"),
        (KeyUsageBits(), "0300", 2, "asn1_bit_string"),
        (KeyUsageBits(), "030100", 2, "asn1_bit_string"),
        (KeyUsageBits(), "03020080", 2, "asn1_bit_string"),
        (KeyUsageBits(), "03020781", 2, "asn1_bit_string"),
        (KeyUsageBits(), "03020880", 2, "asn1_bit_string"),
        (KeyUsageBits(), "0303078000", 2, "asn1_bit_string"),
        (KeyUsageBits(), "0303060040", 2, "asn1_bit_string"),
        (KeyUsageBits(), "030406004000", 2, "asn1_bit_string"),
        (Time(), "180D3330303131353030303030305A", 2, "asn1_time"),
        (Time(), "180F32303330303231353030303036305A", 2, "asn1_time"),
        (Time(), "180F32303330303231353030303030302B", 2, "asn1_time"),
        (Time(), "180F30303030303130313030303030305A", 2, "asn1_time"),
        (Time(), "180FB2B3303330303135303030303030" + "5A", 2, "asn1_time"),
        (Verbatim(), "040100", 0, "asn1_tag"),
        (Verbatim(), "30", 1, "asn1_truncated"),
        (Verbatim(), "300001", 2, "asn1_trailing"),
        (PAIR, "3000", 2, "asn1_truncated"),
        (PAIR, "3006 020105 800106", 5, "asn1_trailing"),
        (PAIR, "3009 800106 800106 020105", 5, "asn1_tag"),
        (PAIR, "3006 020105 020100", 8, "asn1_default"),
        (PAIR, "3006 020105 020105", 7, "asn1_value"),
        (PAIR, "3003 020163", 2, "asn1_value"),
        (PAIR, "3005 020105", 5, "asn1_truncated"),
        (PAIR, "3002 0201 05", 4, "asn1_truncated"),
        (CELL, "300A 020102 03020308 020100", 12, "asn1_default"),
        (CELL, "3007 03020308 020102", 2, "asn1_tag"),
        (CHOICE, "", 0, "asn1_truncated"),
        (CHOICE, "040100", 0, "asn1_tag"),
    ],
)
def test_misfits_are_named(asn1: Asn1[Any], octets: str, offset: int, code: str) -> None:
    error = refusal(asn1, bytes.fromhex(octets))
    assert (error.offset, error.code) == (offset, code)


def test_the_path_uses_the_names_of_gbcs() -> None:
    nested = SequenceOf(PAIR)
    assert refusal(nested, bytes.fromhex("3008 3003020105 30010201")).path == "[1].number"
    assert refusal(PAIR, bytes.fromhex("3004 80020102")).path == "number"
    assert refusal(PAIR, bytes.fromhex("3004 8002FFFF")).path == "firstOfAll"
    assert refusal(PAIR, b"").path == "payload"
    assert camel_case("execution_date_time") == "executionDateTime"


def test_lengths_from_128_to_255_are_read_in_both_forms_and_written_in_the_longer() -> None:
    contents = bytes(200)
    for head in ("0481C8", "048200C8"):
        assert Octets().decode(bytes.fromhex(head) + contents) == contents
    assert Octets().encode(contents) == bytes.fromhex("048200C8") + contents
    assert [write_length(n).hex() for n in (0, 127, 128, 255, 256, 65535)] == [
        "00", "7f", "820080", "8200ff", "820100", "82ffff",
    ]  # fmt: skip
    with pytest.raises(ValueError):
        write_length(65536)


@pytest.mark.parametrize(
    ("asn1", "value"),
    [
        (Integer(127), 128),
        (Integer(127), -1),
        (Integer(127), "1"),
        (Integer(127), None),
        (ROLE, RemotePartyRole.XML_SIGN),
        (ROLE, 3),
        (Octets(2), b"abc"),
        (Octets(2), "ab"),
        (Octets(), bytes(65536)),
        (Null(), 0),
        (KeyUsageBits(), KeyUsage(0)),
        (KeyUsageBits(), KeyUsage(1 << 9)),
        (KeyUsageBits(), 1),
        (Time(), datetime(2030, 1, 15)),
        (Time(), datetime(2030, 1, 15, tzinfo=timezone(timedelta(hours=1)))),
        (Time(), datetime(2030, 1, 15, 0, 0, 0, 1, tzinfo=UTC)),
        (Verbatim(), b""),
        (Verbatim(), b"\x30"),
        (Verbatim(), b"\x30\x01"),
        (Verbatim(), b"\x30\x00\x00"),
        (Verbatim(), b"\x04\x00"),
        (Verbatim(), "30"),
        (SequenceOf(Null()), (None,) * (LIST_LIMIT + 1)),
        (SequenceOf(Null()), None),
        (PAIR, None),
        (PAIR, Colour.RED),
        (PAIR, Pair(1001)),
        (CHOICE, b""),
    ],
)
def test_what_has_no_octets_is_a_value_error(asn1: Asn1[Any], value: object) -> None:
    with pytest.raises(ValueError):
        asn1.encode(value)


def test_a_value_error_names_the_field() -> None:
    with pytest.raises(ValueError, match="number: 0 to 1000 expected, 1001 given"):
        PAIR.encode(Pair(1001))


def test_a_list_has_a_limit() -> None:
    full = b"\x05\x00" * LIST_LIMIT
    assert len(SequenceOf(Null()).decode(b"\x30" + write_length(len(full)) + full)) == LIST_LIMIT
    error = refusal(SequenceOf(Null()), b"\x30" + write_length(len(full) + 2) + full + b"\x05\x00")
    assert (error.code, error.path) == ("asn1_too_many", f"[{LIST_LIMIT}]")


def nested(depth: int, tag: int = 0x30) -> bytes:
    octets = b""
    for _ in range(depth):
        octets = bytes((tag,)) + write_length(len(octets)) + octets
    return octets


HOSTILE: dict[str, bytes] = {
    "depth 1,000": nested(1000),
    "depth 1,000, context tags": nested(1000, 0xA6),
    "4 KiB of openings": b"\x30\x80" * 2048,
    "a million list entries": b"\x30\x83\x2d\xc6\xc0" + b"\x02\x01\x02" * 1_000_000,
    "20,000 list entries": b"\x30\x82\xea\x60" + b"\x02\x01\x02" * 20_000,
    "1 MB INTEGER": b"\x02\x83\x10\x00\x00" + b"\x7f" * (1 << 20),
    "60 kB INTEGER": b"\x30\x82\xea\x64\x02\x82\xea\x60" + b"\x7f" * 60_000,
    "NULs": bytes(4096),
    "FFs": b"\xff" * 4096,
    "empty lists": b"\x30\x82\x0f\xfc" + b"\x30\x00" * 2046,
    "NULLs": b"\x30\x82\x0f\xfc" + b"\x05\x00" * 2046,
    "cells": b"\x30\x82\x0f\xed" + bytes.fromhex("300702010303020780") * 453,
}


CARRIED = ("000A-RESPONSE", "000B-COMMAND", "000C-RESPONSE")
NOT_WHOLE = ("4 KiB of openings", "a million list entries")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_octets_are_refused_quickly_by_every_use_case(name: str) -> None:
    octets = HOSTILE[name]
    for key, asn1 in CODECS.items():
        began = time.process_time()
        # A certificate or request is carried unread, so there any whole SEQUENCE will do.
        if key in CARRIED and octets[:1] == b"\x30" and name not in NOT_WHOLE:
            assert asn1.decode(octets) == octets
        else:
            refusal(asn1, octets)
        assert time.process_time() - began < 0.1


def settle(asn1: Asn1[Any], octets: bytes) -> object:
    """The value or the code of the refusal."""
    try:
        return asn1.decode(octets)
    except WireError as error:
        return error.code


def costs(work: Callable[[], object]) -> tuple[float, int]:
    """Seconds and octets at the peak."""
    tracemalloc.start()
    began = time.process_time()
    work()
    elapsed, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return elapsed, peak


def test_4_kib_cost_less_than_16_mib() -> None:
    for octets in (octets for octets in HOSTILE.values() if len(octets) <= 4096):
        for asn1 in CODECS.values():
            elapsed, peak = costs(partial(settle, asn1, octets))
            assert elapsed < 0.5  # tracing memory takes several times as long
            assert peak < 16 << 20


def test_fuzzing_inputs_of_openssl_get_a_verdict_and_the_same_one_twice(shared: Path) -> None:
    """openssl/fuzz-corpora ce77180, all three kinds, through the envelope and every ASN.1 use case."""
    lines = (shared / "conformance" / "der-fuzz" / "inputs.jsonl").read_text().splitlines()
    inputs = [base64.b64decode(json.loads(line)["b64"]) for line in lines]
    assert len(inputs) == 181
    for octets in inputs:
        with pytest.raises(WireError):
            decode(octets)
        for asn1 in CODECS.values():
            began = time.process_time()
            assert settle(asn1, octets) == settle(asn1, octets)
            assert time.process_time() - began < 0.2


@given(st.binary(max_size=200), st.sampled_from(sorted(CODECS)))
def test_arbitrary_octets_are_a_value_that_reads_back_or_a_refusal(octets: bytes, name: str) -> None:
    asn1 = CODECS[name]
    for candidate in (octets, b"\x30" + write_length(len(octets)) + octets):
        try:
            value = asn1.decode(candidate)
        except WireError:
            continue
        assert asn1.decode(asn1.encode(value)) == value
