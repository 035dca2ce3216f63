"""General block transfer: split and join in any order, and row G13 of the hostile inputs."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell.gbcs.blocks import (
    MAX_BLOCK_NUMBER,
    MAX_BLOCK_OCTETS,
    Assembly,
    Block,
    Limits,
    RoutingHeader,
    decode_block,
    encode_block,
    split,
)
from trustcell.vocab import MAX_COUNTER, Eui64, WireError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HEADER = RoutingHeader(1, 1000, Eui64.parse("90B3D51F30010000"), Eui64.parse("00DB1234567890A0"), 0x0108)
MESSAGE = bytes(range(250))
BLOCK_HEX = (
    "DD 09 01 00000000000003E8 08 90B3D51F30010000 08 00DB1234567890A0 00 02 0108 00 10"
    "01 00000000 E0 C3 0002 0001 04 DF090100"
)


def assembly(**limits: Any) -> Assembly:
    return Assembly(HEADER, NOW, Limits(**limits))


def joined(blocks: list[Block], into: Assembly) -> Assembly:
    for block in blocks:
        into = into.add(block, NOW)
    return into


def refusal(into: Assembly, block: Block, now: datetime = NOW) -> str:
    before = replace(into)
    with pytest.raises(WireError) as caught:
        into.add(block, now)
    assert into == before
    return caught.value.code


def test_the_octets_of_one_block() -> None:
    block = decode_block(bytes.fromhex(BLOCK_HEX))
    assert block == Block(HEADER, 2, bytes.fromhex("DF090100"), True, True, window=3, number_ack=1)
    assert encode_block(block) == bytes.fromhex(BLOCK_HEX)
    assert not block.acknowledgement


def test_an_empty_block_acknowledges() -> None:
    block = Block(HEADER, 0, b"", number_ack=7)
    assert decode_block(encode_block(block)) == block
    assert block.acknowledgement
    assert assembly().add(block, NOW) == assembly()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("DD 09", "DD 00", "block_header"),
        ("DD 09 01", "DB 09 01", "block_header"),
        ("DD 09 01", "DD 09 00", "block_cra"),
        ("DD 09 01", "DD 09 04", "block_cra"),
        ("00 02 0108", "00 12 0108", "block_header"),
        ("0108 00 10", "0108 01 10", "block_header"),
        ("0108 00 10", "0108 00 0F", "block_trailing"),
        ("0108 00 10", "0108 00 11", "block_truncated"),
        ("0108 00 10", "0108 00 8110", "block_length"),
        ("0108 00 10", "0108 00 820010", "block_length"),
        ("0108 00 10", "0108 00 8400000010", "block_length"),
        ("0108 00 10", "0108 00 80", "block_length"),
        ("E0 C3", "E1 C3", "block_tag"),
        ("0002 0001", "0000 0001", "block_number"),
        ("04 DF090100", "03 DF090100", "block_trailing"),
        ("04 DF090100", "05 DF090100", "block_truncated"),
    ],
)
def test_a_malformed_block_is_refused(old: str, new: str, code: str) -> None:
    assert old in BLOCK_HEX
    with pytest.raises(WireError) as caught:
        decode_block(bytes.fromhex(BLOCK_HEX.replace(old, new)))
    assert caught.value.code == code


def test_a_content_without_room_is_refused() -> None:
    head = bytes.fromhex(BLOCK_HEX)[:34]
    for content in ("00", "05 01 00000000", "0A 01 00000000 E0 01 0001 00"):
        with pytest.raises(WireError) as caught:
            decode_block(head + bytes.fromhex(content))
        assert caught.value.code == "block_truncated"


def test_every_prefix_is_refused() -> None:
    octets = bytes.fromhex(BLOCK_HEX)
    for size in range(len(octets)):
        with pytest.raises(WireError) as caught:
            decode_block(octets[:size])
        assert caught.value.code == "block_truncated"
        assert caught.value.offset <= size


@pytest.mark.parametrize("block_size", [1, 49, 50, 249, 250, 1000])
def test_split_cuts_and_marks_the_last(block_size: int) -> None:
    blocks = split(MESSAGE, HEADER, block_size, window=5, streaming=True)
    assert b"".join(block.octets for block in blocks) == MESSAGE
    assert [block.number for block in blocks] == list(range(1, len(blocks) + 1))
    assert [block.last for block in blocks] == [False] * (len(blocks) - 1) + [True]
    assert all((block.window, block.streaming) == (5, True) for block in blocks)


def test_split_refuses_what_block_numbers_cannot_count() -> None:
    assert len(split(bytes(MAX_BLOCK_NUMBER), HEADER, 1)) == 65_535
    for message, block_size in ((bytes(65_536), 1), (b"", 10), (MESSAGE, 0), (MESSAGE, MAX_BLOCK_OCTETS + 1)):
        with pytest.raises(ValueError):
            split(message, HEADER, block_size)


def test_the_largest_message_of_the_set_survives(shared: Path) -> None:
    files = (shared / "rtds" / "messages").glob("*/*.HEX")
    message = max((bytes.fromhex(file.read_text()) for file in files), key=len)
    assert len(message) == 3986
    octets = [encode_block(block) for block in split(message, HEADER, 256)]
    assert joined([decode_block(o) for o in octets], assembly()).complete == message


@given(st.binary(min_size=1, max_size=200), st.integers(1, 60), st.data())
def test_any_order_with_repeats_gives_the_message(message: bytes, block_size: int, data: st.DataObject) -> None:
    blocks = split(message, HEADER, block_size)
    repeats = data.draw(st.lists(st.sampled_from(blocks), max_size=5))
    order = data.draw(st.permutations(blocks + repeats))
    into = assembly(window=len(blocks), max_octets=len(message), max_blocks=len(blocks))
    for position, block in enumerate(order):
        into = into.add(decode_block(encode_block(block)), NOW)
        arrived = {seen.number for seen in order[: position + 1]}
        assert into.complete == (message if len(arrived) == len(blocks) else None)
        assert into.octets_held == sum(len(b.octets) for b in blocks if b.number in arrived)
        assert not set(into.missing) & arrived
    assert (into.acknowledged, into.missing) == (len(blocks), ())


@given(st.integers(1, 20), st.data())
def test_order_within_the_window_is_accepted(window: int, data: st.DataObject) -> None:
    waiting, into = split(MESSAGE, HEADER, 7), assembly(window=window)
    while waiting:
        ahead = data.draw(st.integers(0, min(window, len(waiting)) - 1))
        block = waiting[ahead]
        if block.number > into.acknowledged + window:
            assert refusal(into, block) == "block_window"
            block = waiting[0]
        into = into.add(block, NOW)
        waiting.remove(block)
    assert into.complete == MESSAGE


def test_a_missing_block_keeps_the_message_open_until_the_timer() -> None:
    blocks = split(MESSAGE, HEADER, 50)
    into = joined([blocks[0], blocks[2], blocks[4]], assembly(timeout=timedelta(seconds=60)))
    assert into.complete is None
    assert (into.acknowledged, into.missing) == (1, (2, 4))
    assert not into.expired(NOW + timedelta(seconds=59))
    assert into.expired(NOW + timedelta(seconds=60))
    assert refusal(into, blocks[1], NOW + timedelta(seconds=60)) == "block_expired"
    # Blocks that keep coming do not extend the timer; completeness ends it.
    late = into.add(blocks[1], NOW + timedelta(seconds=59))
    assert late.expired(NOW + timedelta(seconds=60))
    whole = late.add(blocks[3], NOW + timedelta(seconds=59))
    assert whole.complete == MESSAGE
    assert not whole.expired(NOW + timedelta(days=1))


def test_a_repeat_is_idempotent_and_a_contradiction_refused() -> None:
    blocks = split(MESSAGE, HEADER, 50)
    into = joined([blocks[0], blocks[2]], assembly())
    for block in (blocks[0], blocks[2], replace(blocks[0], window=9, number_ack=3)):
        assert into.add(block, NOW) == into
    for block in (blocks[0], blocks[2]):
        assert refusal(into, replace(block, octets=b"other")) == "block_conflict"
        assert refusal(into, replace(block, octets=block.octets + b"overlap")) == "block_conflict"
        assert refusal(into, replace(block, last=True)) == "block_conflict"
    whole = joined(blocks, into)
    assert joined(blocks, whole) == whole
    assert refusal(whole, replace(blocks[4], last=False)) == "block_conflict"
    assert refusal(whole, replace(blocks[4], octets=b"other")) == "block_conflict"


def test_one_block_is_the_last() -> None:
    blocks = split(MESSAGE, HEADER, 50)
    into = joined([blocks[4]], assembly())
    assert into.missing == (1, 2, 3, 4)
    assert refusal(into, replace(blocks[4], number=6)) == "block_after_last"
    assert refusal(into, replace(blocks[4], number=6, last=False)) == "block_after_last"
    assert refusal(into, replace(blocks[1], last=True)) == "block_conflict"
    assert refusal(joined([blocks[3]], assembly()), replace(blocks[1], last=True)) == "block_conflict"


@pytest.mark.parametrize(
    "change",
    [{"cra": 2}, {"counter": 1001}, {"originator": HEADER.target}, {"target": HEADER.originator}, {"message_code": 1}],
)
def test_a_block_of_another_message_is_refused(change: dict[str, Any]) -> None:
    block = Block(replace(HEADER, **change), 1, b"octets")
    assert refusal(assembly(), block) == "block_other_message"


def test_limits_hold() -> None:
    blocks = split(MESSAGE, HEADER, 50)
    assert refusal(assembly(max_blocks=4), blocks[4]) == "block_number"
    assert refusal(assembly(window=3), blocks[3]) == "block_window"
    assert refusal(joined(blocks[:4], assembly(max_octets=249)), blocks[4]) == "block_too_large"
    assert refusal(joined(blocks[1:], assembly(max_octets=249)), blocks[0]) == "block_too_large"
    assert joined(blocks, assembly(max_octets=250, max_blocks=5, window=5)).complete == MESSAGE


def test_as_many_blocks_as_numbers_allow_end_at_the_limit() -> None:
    began = time.process_time()
    into = assembly()
    for block in split(bytes(1025), HEADER, 1)[:1024]:
        into = into.add(block, NOW)
    assert into.octets_held == 1024
    assert refusal(into, Block(HEADER, 1025, b"x")) == "block_number"
    assert refusal(into, Block(HEADER, MAX_BLOCK_NUMBER, b"x", last=True)) == "block_number"
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "limits",
    [{"max_octets": 0}, {"max_blocks": 0}, {"max_blocks": 65_536}, {"window": 0}, {"timeout": timedelta(0)}],
)
def test_impossible_limits_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Limits(**limits)


@pytest.mark.parametrize(
    "change",
    [
        {"cra": 0},
        {"cra": 4},
        {"counter": -1},
        {"counter": MAX_COUNTER + 1},
        {"message_code": 0x10000},
        {"security_control": 256},
        {"invocation_counter": 1 << 32},
    ],
)
def test_an_impossible_header_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        replace(HEADER, **change)


@pytest.mark.parametrize(
    "change",
    [{"number": 0}, {"number": 65_536}, {"number_ack": -1}, {"window": 64}, {"octets": bytes(MAX_BLOCK_OCTETS + 1)}],
)
def test_an_impossible_block_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        replace(Block(HEADER, 1, b"octets"), **change)


@given(
    st.builds(
        Block,
        st.builds(
            RoutingHeader,
            st.integers(1, 3),
            st.integers(0, MAX_COUNTER),
            st.binary(min_size=8, max_size=8).map(Eui64),
            st.binary(min_size=8, max_size=8).map(Eui64),
            st.integers(0, 0xFFFF),
            st.integers(0, 0xFF),
            st.integers(0, 0xFFFFFFFF),
        ),
        st.integers(1, MAX_BLOCK_NUMBER),
        st.binary(max_size=300) | st.integers(0, MAX_BLOCK_OCTETS).map(bytes),
        st.booleans(),
        st.booleans(),
        st.integers(0, 63),
        st.integers(0, MAX_BLOCK_NUMBER),
    )
)
def test_a_block_we_build_reads_back(block: Block) -> None:
    assert decode_block(encode_block(block)) == block


@given(st.binary(max_size=100), st.lists(st.integers(0, 8 * 51 - 1), max_size=4), st.integers(0, 51))
def test_any_octets(tail: bytes, flips: list[int], keep: int) -> None:
    octets = bytearray(bytes.fromhex(BLOCK_HEX))
    for bit in flips:
        octets[bit // 8] ^= 1 << bit % 8
    for candidate in (bytes(octets), bytes(octets[:keep]) + tail, tail):
        refused = None
        try:
            block = decode_block(candidate)
        except WireError as error:
            refused = error
        if refused is None:
            assert encode_block(block) == candidate
        else:
            assert refused.code.startswith("block_")
            assert 0 <= refused.offset <= len(candidate)
