"""Cluster commands: every row of the table both ways with drawn values, and the notation the rows are written in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell.gbcs.gbz import CommandFields, Layout, command_fields, read_content, write_content
from trustcell.gbcs.gbz.commands import layouts
from trustcell.gbcs.gbz.layouts import Field
from trustcell.gbcs.gbz.names import attribute_name, cluster_name, command_name
from trustcell.vocab import WireError

WIDTHS = {"u8": 8, "u16": 16, "u24": 24, "u32": 32, "u48": 48, "time": 32}


def of_type(field: Field) -> st.SearchStrategy[Any]:
    """One value of a field, without its repetitions."""
    if field.type in WIDTHS:
        return st.integers(0, 2 ** WIDTHS[field.type] - 1)
    if field.type == "i32":
        return st.integers(-(2**31), 2**31 - 1)
    if field.type == "string":
        return st.binary(max_size=40)
    width = 4 if field.type == "date" else int(field.type.removeprefix("octets"))
    return st.binary(min_size=width, max_size=width)


@st.composite
def values_of(draw: st.DrawFn, layout: Layout) -> tuple[Any, ...]:
    values: dict[str, Any] = {}
    counts = {field.times: field.mask for field in layout.fields if isinstance(field.times, str)}
    for field in layout.fields:
        one = of_type(field) if field.rows is None else values_of(field.rows)
        if field.rows is not None:
            values[field.name] = tuple(draw(st.lists(one, max_size=3)))
        elif field.name in counts:
            # A small count, so that what it counts stays small.
            values[field.name] = draw(st.integers(0, 3)) | (0xF0 if counts[field.name] == 15 else 0)
        elif field.times is None:
            values[field.name] = draw(st.none() | one if field.optional else one)
        else:
            times = field.times if isinstance(field.times, int) else values[field.times] & field.mask
            values[field.name] = tuple(draw(st.lists(one, min_size=times, max_size=times)))
    return tuple(values.values())


@given(st.data())
def test_every_command_both_ways(data: st.DataObject) -> None:
    number = data.draw(st.sampled_from(sorted(layouts())))
    layout = layouts()[number]
    values = data.draw(values_of(layout))
    octets = layout.write(values)
    assert layout.read(octets) == values
    cluster, frame_control, command = number >> 16, number >> 8 & 0xFF | 1, number & 0xFF
    content = read_content(cluster, frame_control, command, octets)
    assert content == CommandFields(layout, values)
    assert write_content(content) == octets


@given(st.data())
def test_cut_commands_are_refused_or_shorter_commands(data: st.DataObject) -> None:
    layout = data.draw(st.sampled_from(sorted(layouts().items())).map(lambda item: item[1]))
    octets = layout.write(data.draw(values_of(layout)))
    cut = octets[: data.draw(st.integers(0, len(octets)))]
    try:
        values = layout.read(cut)
    except WireError as error:
        named = error.code == "gbz_truncated" and error.offset == len(cut)
    else:
        named = layout.write(values) == cut
    assert named
    longer = octets + b"\x00" * 20
    try:
        values = layout.read(longer)
    except WireError as error:
        named = error.code in ("gbz_trailing", "gbz_truncated")
    else:
        named = layout.fields[-1].rows is not None and layout.write(values) == longer
    assert named


def test_fields_are_given_by_name() -> None:
    fields = command_fields(0x0709, False, 0x01, log=3)
    assert (fields.layout.name, fields.values, fields.named()) == ("Clear Event Log Request", (3,), {"log": 3})
    assert "Clear Event Log Request" in repr(fields)
    message = {"message": 1, "control": 0, "start": 0, "minutes": 5, "text": b"hello"}
    assert command_fields(0x0703, True, 0x00, **message).field("extended_control") is None
    for cluster, from_server, command, wrong in (
        (0x0709, False, 0x01, {}),
        (0x0709, False, 0x01, {"log": 3, "more": 1}),
        (0x0709, False, 0x01, {"log": 256}),
        (0x0709, False, 0x01, {"log": "3"}),
        (0x0709, False, 0x01, {"log": None}),
        (0x0709, False, 0x07, {"log": 3}),
        (0x0709, True, 0x00, {"log": 3}),
    ):
        with pytest.raises(ValueError):
            command_fields(cluster, from_server, command, **wrong)


@pytest.mark.parametrize(
    ("layout", "values"),
    [
        ("a:u8", ()),
        ("a:u8", (1, 2)),
        ("a:string", (None,)),
        ("a:string", (bytes(256),)),
        ("a:string", ()),
        ("a:u24", (1 << 24,)),
        ("a:u48", (-1,)),
        ("a:u48", (b"",)),
        ("a:date", ("text",)),
        ("a:u8*2", ((1,),)),
        ("a:u8*2", ([1, 2],)),
        ("a:u8*2", ()),
        ("n:u8 a:u16*n", (2, (1,))),
        ("n:u8 a:u16*n&15", (0xF2, (1,))),
        ("a:(b:u8,c:u8)*", (((1, 2), [3, 4]),)),
        ("a:(b:u8,c:u8)*", (((1,),),)),
        ("a:(b:u8,c:u8)*", ()),
        ("a:u8 b:u8?", (1,)),
    ],
)
def test_values_that_do_not_fit_their_fields(layout: str, values: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError):
        Layout("test", layout).write(values)


@pytest.mark.parametrize("text", ["a", "a:u7", "a:u8*", "a:(b:u8)", "A:u8", "a:u8 a:u8", "a:(b:u9)*"])
def test_the_notation_is_checked(text: str) -> None:
    with pytest.raises(ValueError):
        Layout("test", text)


def test_octets_of_another_kind_are_not_given_up_as_numbers() -> None:
    layout = Layout("test", "d:date o:octets19 n:u24")
    values = (b"\x80\x01\x02\x03", bytes(19), 0x030201)
    assert layout.write(values) == values[0] + values[1] + b"\x01\x02\x03"
    assert layout.read(layout.write(values)) == values
    with pytest.raises(ValueError):
        layout.write((b"\x80", bytes(19), 1))


def test_names_of_what_the_tables_hold() -> None:
    assert cluster_name(0x0705) == "Prepayment"
    assert cluster_name(0x0704) is None
    assert attribute_name(0x0702, 0x0206) == "CurrentMeterID (firmware version)"
    assert attribute_name(0x0702, 0xFFFF) is None
    assert command_name(0x0702, False, 0x06) == "Get Snapshot"
    assert command_name(0x0702, True, 0x06) == "Publish Snapshot"
    assert command_name(0x0702, True, 0x99) is None
    assert len(layouts()) == 59
