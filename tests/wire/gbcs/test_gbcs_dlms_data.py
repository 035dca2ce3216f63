"""A-XDR values: each type both ways, compact arrays, and what is no value, whatever its size and depth."""

import copy
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell.gbcs import dlms
from trustcell.gbcs.dlms import MAX_DEPTH, NULL, Bits, CompactArray, Data, DataType, RowType, decode_data
from trustcell.vocab import WireError

U32 = RowType(DataType.DOUBLE_LONG_UNSIGNED)
EVENT = RowType(DataType.STRUCTURE, (U32, RowType(DataType.LONG_UNSIGNED), RowType(DataType.OCTET_STRING)))


def refusal(octets: str) -> WireError:
    with pytest.raises(WireError) as caught:
        decode_data(bytes.fromhex(octets))
    return caught.value


@pytest.mark.parametrize(
    ("octets", "kind", "value"),
    [
        ("00", DataType.NULL, None),
        ("FF", DataType.DONT_CARE, None),
        ("03FF", DataType.BOOLEAN, True),
        ("0300", DataType.BOOLEAN, False),
        ("040380", DataType.BIT_STRING, Bits(3, b"\x80")),
        ("0400", DataType.BIT_STRING, Bits(0, b"")),
        ("05FFFFFFFE", DataType.DOUBLE_LONG, -2),
        ("06FFFFFFFE", DataType.DOUBLE_LONG_UNSIGNED, 0xFFFFFFFE),
        ("0900", DataType.OCTET_STRING, b""),
        ("09021234", DataType.OCTET_STRING, b"\x12\x34"),
        ("0A0241E9", DataType.VISIBLE_STRING, "Aé"),
        ("0C03E282AC", DataType.UTF8_STRING, "€"),
        ("0D25", DataType.BCD, 0x25),
        ("0FFE", DataType.INTEGER, -2),
        ("10FFFE", DataType.LONG, -2),
        ("11FE", DataType.UNSIGNED, 0xFE),
        ("12FFFE", DataType.LONG_UNSIGNED, 0xFFFE),
        ("14FFFFFFFFFFFFFFFE", DataType.LONG64, -2),
        ("15FFFFFFFFFFFFFFFE", DataType.LONG64_UNSIGNED, 2**64 - 2),
        ("1605", DataType.ENUM, 5),
        ("177FC00001", DataType.FLOAT32, bytes.fromhex("7FC00001")),
        ("183FF0000000000000", DataType.FLOAT64, bytes.fromhex("3FF0000000000000")),
        ("19" + "00" * 12, DataType.DATE_TIME, bytes(12)),
        ("1A0102030405", DataType.DATE, bytes(range(1, 6))),
        ("1B01020304", DataType.TIME, bytes(range(1, 5))),
        ("0100", DataType.ARRAY, ()),
        ("0202 0900 1101", DataType.STRUCTURE, (dlms.octet_string(b""), dlms.unsigned(1))),
    ],
)
def test_each_type_both_ways(octets: str, kind: DataType, value: Any) -> None:
    data = decode_data(bytes.fromhex(octets))
    assert data == Data.of(kind, value)
    assert (data.kind, data.value) == (kind, value)
    assert data.encode() == bytes.fromhex(octets)
    assert copy.deepcopy(data) == data
    assert kind.name in repr(data)


def test_a_type_is_part_of_a_value() -> None:
    assert len({dlms.unsigned(5), dlms.enum(5), dlms.integer(5), dlms.long_unsigned(5)}) == 4
    assert dlms.array(NULL) != dlms.structure(NULL)
    assert dlms.boolean(True) != dlms.unsigned(1)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (DataType.NULL, 0),
        (DataType.BOOLEAN, 1),
        (DataType.UNSIGNED, True),
        (DataType.UNSIGNED, 256),
        (DataType.UNSIGNED, -1),
        (DataType.UNSIGNED, 1.0),
        (DataType.INTEGER, 128),
        (DataType.LONG, 0x8000),
        (DataType.ENUM, None),
        (DataType.OCTET_STRING, "text"),
        (DataType.OCTET_STRING, bytes(0x10000)),
        (DataType.VISIBLE_STRING, b"octets"),
        (DataType.VISIBLE_STRING, "€"),
        (DataType.UTF8_STRING, "\ud800"),
        (DataType.BIT_STRING, b"\x80"),
        (DataType.DATE, bytes(4)),
        (DataType.FLOAT32, 1.0),
        (DataType.ARRAY, [NULL]),
        (DataType.STRUCTURE, (None,)),
        (DataType.STRUCTURE, NULL.value),
        (DataType.COMPACT_ARRAY, ()),
        (7, None),
    ],
)
def test_a_value_that_its_type_cannot_carry_is_refused(kind: Any, value: Any) -> None:
    with pytest.raises(ValueError):
        Data.of(kind, value)


@pytest.mark.parametrize(("size", "octets"), [(-1, b""), (3, b""), (3, b"\x90"), (8, b"\x00\x00"), (8, "x")])
def test_bits_fill_their_octets(size: int, octets: Any) -> None:
    with pytest.raises(ValueError):
        Bits(size, octets)


def test_bits_read_as_digits() -> None:
    assert str(Bits(5, b"\xa8")) == "10101"


@pytest.mark.parametrize(
    ("octets", "offset", "code"),
    [
        ("", 0, "dlms_truncated"),
        ("07", 0, "dlms_type"),
        ("0301", 1, "dlms_boolean"),
        ("0401", 2, "dlms_truncated"),
        ("040390", 2, "dlms_bits"),
        ("0905 00", 3, "dlms_truncated"),
        ("0981 05 0000000000", 1, "dlms_length"),
        ("0980", 1, "dlms_length"),
        ("0984FFFFFFFF", 1, "dlms_length"),
        ("0982FFFF00", 5, "dlms_truncated"),
        ("0C01FF", 1, "dlms_text"),
        ("12 00", 2, "dlms_truncated"),
        ("02 02 00", 3, "dlms_truncated"),
        ("02 01 07", 2, "dlms_type"),
        ("01 82FFFF 00", 5, "dlms_truncated"),
        ("0000", 1, "dlms_trailing"),
    ],
)
def test_what_is_no_value_is_refused(octets: str, offset: int, code: str) -> None:
    error = refusal(octets)
    assert (error.offset, error.code) == (offset, code)


def test_an_event_log_of_the_digest() -> None:
    """The rows of ECS35a as dlms-gbz.md 2.6 quotes them from a visible RTDS 4.5.0 response, the first three of them."""
    rows = "1C35F900 8F01 00 1C3602FD 8145 00 1C361064 8154 02009B"
    octets = bytes.fromhex("13 020306 12 09 17" + rows.replace(" ", "").lower())
    data = decode_data(octets)
    array = CompactArray(
        EVENT, ((0x1C35F900, 0x8F01, b""), (0x1C3602FD, 0x8145, b""), (0x1C361064, 0x8154, b"\x00\x9b"))
    )
    assert data == Data.of(DataType.COMPACT_ARRAY, array)
    assert data.encode() == octets


def test_matrices_inside_rows() -> None:
    row = RowType(DataType.STRUCTURE, (U32, RowType(DataType.ARRAY, (RowType(DataType.LONG),), 2)))
    array = CompactArray(row, ((1, (2, -3)), (4, (5, 6))))
    octets = bytes.fromhex("13 0202 06 01 0002 10 10 00000001 0002 FFFD 00000004 0005 0006")
    assert Data.of(DataType.COMPACT_ARRAY, array).encode() == octets
    assert decode_data(octets).value == array


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        ("13 07 00", "dlms_type"),
        ("13 00 00", "dlms_type"),
        ("13 FF 00", "dlms_type"),
        ("13 13 00", "dlms_type"),
        ("13 0200 00", "dlms_type"),
        ("13 010000 11 00", "dlms_type"),
        ("13 02", "dlms_truncated"),
        ("13 0202 06", "dlms_truncated"),
        ("13 0202 0606 05 0000000000", "dlms_compact_array"),
        ("13 11 05 00", "dlms_truncated"),
        ("13 09 02 05 00", "dlms_compact_array"),
        ("13 03 01 01", "dlms_boolean"),
        ("13" + "0201" * 9 + "11 00", "dlms_depth"),
        ("13 01 FFFF 11 02 0000", "dlms_compact_array"),
    ],
)
def test_what_is_no_compact_array_is_refused(octets: str, code: str) -> None:
    assert refusal(octets).code == code


@pytest.mark.parametrize(
    ("kind", "members", "count"),
    [
        (DataType.NULL, (), 0),
        (DataType.STRUCTURE, (), 0),
        (DataType.STRUCTURE, (U32,), 2),
        (DataType.ARRAY, (U32,), 0),
        (DataType.ARRAY, (U32, U32), 2),
        (DataType.UNSIGNED, (U32,), 0),
        (DataType.COMPACT_ARRAY, (), 0),
    ],
)
def test_rows_need_a_type_that_cuts_them(kind: DataType, members: tuple[RowType, ...], count: int) -> None:
    with pytest.raises(ValueError):
        RowType(kind, members, count)


@pytest.mark.parametrize("rows", [[], (1,), ((1, 2),), ((1, 2, 3),), ((1, 2, b"", 4),)])
def test_rows_have_the_shape_of_their_type(rows: Any) -> None:
    with pytest.raises(ValueError):
        CompactArray(EVENT, rows)


def test_nesting_is_bounded_both_ways() -> None:
    deepest = b"\x01\x01" * MAX_DEPTH + b"\x00"
    data = decode_data(deepest)
    assert data.encode() == deepest
    assert refusal((b"\x01\x01" + deepest).hex()).code == "dlms_depth"
    with pytest.raises(ValueError):
        dlms.array(data).encode()


@pytest.mark.parametrize(
    "octets",
    [
        b"\x01\x01" * 1000 + b"\x00",
        b"\x02\x7f" * 30_000,
        b"\x01\x82\xff\xff" + bytes(60_000),
        b"\x13" + b"\x02\x7f" * 2045,
        b"\x13" + b"\x02\x82\xff\xff" + b"\x11" * 60_000,
        b"\x13" + b"\x01\xff\xff" * 7 + b"\x11\x82\xf0\x00" + bytes(0xF000),
        b"\x01\x84\x00\x0f\x42\x40" + bytes(1_000_000),
        b"\x09\x84\xff\xff\xff\xff",
        b"\x01\x81\xff" + b"\x13\x01\xff\xff\x01\xff\xff\x11\x02\x00\x00" * 255,
    ],
    ids=["depth", "width", "endless", "types", "type", "arrays", "million", "length", "many"],
)
def test_hostile_sizes_cost_nothing(octets: bytes) -> None:
    began = time.process_time()
    with pytest.raises(WireError):
        decode_data(octets)
    assert time.process_time() - began < 1


def numbers(kind: DataType, least: int, most: int) -> st.SearchStrategy[Data]:
    return st.integers(least, most).map(lambda value: Data.of(kind, value))


cells = st.sampled_from([U32, RowType(DataType.LONG), RowType(DataType.BOOLEAN), RowType(DataType.OCTET_STRING)])
row_types = st.recursive(
    cells,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda members: RowType(DataType.STRUCTURE, tuple(members)))
        | st.builds(lambda member, count: RowType(DataType.ARRAY, (member,), count), inner, st.integers(1, 3))
    ),
    max_leaves=4,
).filter(lambda row: row.depth < 6)


def cells_of(row: RowType) -> st.SearchStrategy[Any]:
    if row.kind is DataType.STRUCTURE:
        return st.tuples(*(cells_of(member) for member in row.members))
    if row.kind is DataType.ARRAY:
        return st.tuples(*[cells_of(row.members[0])] * row.count)
    return {
        DataType.DOUBLE_LONG_UNSIGNED: st.integers(0, 2**32 - 1),
        DataType.LONG: st.integers(-(2**15), 2**15 - 1),
        DataType.BOOLEAN: st.booleans(),
        DataType.OCTET_STRING: st.binary(max_size=20),
    }[row.kind]


compact_arrays = row_types.flatmap(
    lambda row: st.lists(cells_of(row), max_size=4).map(lambda rows: CompactArray(row, tuple(rows)))
)
scalars = (
    st.just(NULL)
    | st.booleans().map(dlms.boolean)
    | numbers(DataType.UNSIGNED, 0, 255)
    | numbers(DataType.LONG, -(2**15), 2**15 - 1)
    | numbers(DataType.DOUBLE_LONG, -(2**31), 2**31 - 1)
    | numbers(DataType.LONG64_UNSIGNED, 0, 2**64 - 1)
    | numbers(DataType.ENUM, 0, 255)
    | st.binary(max_size=300).map(dlms.octet_string)
    | st.text(st.characters(max_codepoint=255), max_size=20).map(lambda text: Data.of(DataType.VISIBLE_STRING, text))
    | st.text(max_size=20).map(lambda text: Data.of(DataType.UTF8_STRING, text))
    | st.binary(max_size=9).map(lambda octets: Data.of(DataType.BIT_STRING, Bits(8 * len(octets), octets)))
    | st.binary(min_size=12, max_size=12).map(lambda octets: Data.of(DataType.DATE_TIME, octets))
    | compact_arrays.map(lambda array: Data.of(DataType.COMPACT_ARRAY, array))
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5).flatmap(
        lambda members: st.sampled_from([dlms.array(*members), dlms.structure(*members)])
    ),
    max_leaves=30,
)


@given(values)
def test_any_value_comes_back(value: Data) -> None:
    assert decode_data(value.encode()) == value
