"""General block transfer: a large message in numbered blocks, and back again (gbcs.md 1.4).

```
DD 09 CRA counter[8] 08 originator[8] 08 target[8] 00 02 message-code[2] 00 len     routing header
   security-control[1] invocation-counter[4]
E0 control[1] number[2] number-ack[2] len block                                      one block
control: bit 7 last, bit 6 streaming, bits 5..0 window
```
The routing header is not authenticated: it says where a block goes, and nothing about what is true. The joined octets
are one complete message, which the caller decodes and authenticates like any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, NoReturn

from trustcell.vocab import MAX_COUNTER, Eui64, WireError

ROUTING_HEADER: Final = b"\xdd\x09"
"""What a block begins with; a whole message has 00 after DD."""

MAX_BLOCK_NUMBER: Final = 0xFFFF
"""Block numbers have 16 bits and start at 1, so no message has 65,536 blocks."""

MAX_BLOCK_OCTETS: Final = 0xFFFF - 14
"""What leaves the length of the whole block, 14 octets more, within two octets."""

MAX_WINDOW: Final = 0x3F
"""The window field has six bits."""


@dataclass(frozen=True, slots=True)
class RoutingHeader:
    """Whose message the blocks belong to; ``cra`` is 1 command, 2 response, 3 alert (gbcs.md 1.4).

    The default ``security_control`` (suite 1, no protection) is an assumption: there is no vector, and the header
    is clear by its description.
    """

    cra: int
    counter: int
    originator: Eui64
    target: Eui64
    message_code: int
    security_control: int = 0x01
    invocation_counter: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that do not fit their fields."""
        if not (1 <= self.cra <= 3 and 0 <= self.counter <= MAX_COUNTER and 0 <= self.message_code <= 0xFFFF):
            raise ValueError("CRA is 1 to 3, a counter has 64 bits and a message code 16")
        if not (0 <= self.security_control <= 0xFF and 0 <= self.invocation_counter <= 0xFFFFFFFF):
            raise ValueError("security control has 8 bits and an invocation counter 32")


@dataclass(frozen=True, slots=True)
class Block:
    """One block behind its routing header; without octets it only acknowledges ``number_ack``."""

    header: RoutingHeader
    number: int
    octets: bytes
    last: bool = False
    streaming: bool = False
    window: int = 1
    number_ack: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that do not fit their fields, and a block of data without a number."""
        if not (0 <= self.number <= MAX_BLOCK_NUMBER and 0 <= self.number_ack <= MAX_BLOCK_NUMBER):
            raise ValueError("block numbers have 16 bits")
        if not 0 <= self.window <= MAX_WINDOW:
            raise ValueError("a window has 6 bits")
        if self.octets and not self.number:
            raise ValueError("blocks with octets are numbered from 1")
        if len(self.octets) > MAX_BLOCK_OCTETS:
            raise ValueError(f"a block has at most {MAX_BLOCK_OCTETS} octets")

    @property
    def acknowledgement(self) -> bool:
        """Whether the block carries no octets of the message."""
        return not self.octets


def encode_block(block: Block) -> bytes:
    """The octets of one block with its routing header."""
    header = block.header
    control = block.last << 7 | block.streaming << 6 | block.window
    numbers = block.number.to_bytes(2, "big") + block.number_ack.to_bytes(2, "big")
    content = (
        bytes((header.security_control,))
        + header.invocation_counter.to_bytes(4, "big")
        + bytes((0xE0, control))
        + numbers
        + _length_octets(len(block.octets))
        + block.octets
    )
    return b"".join(
        (
            b"\xdd\x09",
            bytes((header.cra,)),
            header.counter.to_bytes(8, "big"),
            b"\x08",
            header.originator,
            b"\x08",
            header.target,
            b"\x00\x02",
            header.message_code.to_bytes(2, "big"),
            b"\x00",
            _length_octets(len(content)),
            content,
        )
    )


def decode_block(octets: bytes) -> Block:
    """Read one block; raises ``WireError`` with a ``block_`` code for anything else."""
    for at, value, path in _FIXED:
        if at >= len(octets):
            raise WireError(len(octets), path, "the block ends inside its routing header", "block_truncated")
        if octets[at] != value:
            raise WireError(at, path, f"{value:02X} was expected", "block_header")
    if not 1 <= octets[2] <= 3:
        raise WireError(2, "cra", "1 command, 2 response or 3 alert was expected", "block_cra")
    length, at = _length(octets, 34, "length")
    if at + length != len(octets):
        code = "block_truncated" if at + length > len(octets) else "block_trailing"
        raise WireError(min(at + length, len(octets)), "length", "the length must reach the end", code)
    if length < 11:
        raise WireError(at, "length", "no room for a security header and a block", "block_truncated")
    header = RoutingHeader(
        cra=octets[2],
        counter=int.from_bytes(octets[3:11], "big"),
        originator=Eui64(octets[12:20]),
        target=Eui64(octets[21:29]),
        message_code=octets[31] << 8 | octets[32],
        security_control=octets[at],
        invocation_counter=int.from_bytes(octets[at + 1 : at + 5], "big"),
    )
    if octets[at + 5] != 0xE0:
        raise WireError(at + 5, "tag", "general block transfer (E0) was expected", "block_tag")
    control = octets[at + 6]
    number = octets[at + 7] << 8 | octets[at + 8]
    number_ack = octets[at + 9] << 8 | octets[at + 10]
    size, start = _length(octets, at + 11, "octets")
    if start + size != len(octets):
        code = "block_truncated" if start + size > len(octets) else "block_trailing"
        raise WireError(min(start + size, len(octets)), "octets", "the block must reach the end", code)
    if size and not number:
        raise WireError(at + 7, "number", "blocks are numbered from 1", "block_number")
    return Block(
        header=header,
        number=number,
        octets=octets[start:],
        last=bool(control & 0x80),
        streaming=bool(control & 0x40),
        window=control & MAX_WINDOW,
        number_ack=number_ack,
    )


def split(
    message: bytes, header: RoutingHeader, block_size: int, *, window: int = 1, streaming: bool = False
) -> list[Block]:
    """Cut a complete message into blocks of at most ``block_size`` octets, numbered from 1, the last one marked."""
    if not message or not 1 <= block_size <= MAX_BLOCK_OCTETS:
        raise ValueError(f"a message has octets, and a block 1 to {MAX_BLOCK_OCTETS} of them")
    count = -(-len(message) // block_size)
    if count > MAX_BLOCK_NUMBER:
        raise ValueError(f"{count} blocks are more than block numbers can count")
    return [
        Block(
            header, number, message[(number - 1) * block_size : number * block_size], number == count, streaming, window
        )
        for number in range(1, count + 1)
    ]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one unfinished message may cost: its octets, its blocks, how far ahead a block may come, how long."""

    max_octets: int = 0x10000
    max_blocks: int = 1024
    window: int = MAX_WINDOW
    timeout: timedelta = timedelta(minutes=5)

    def __post_init__(self) -> None:
        """Refuse limits under which nothing could ever be complete."""
        if self.max_octets < 1 or not 1 <= self.max_blocks <= MAX_BLOCK_NUMBER or self.window < 1:
            raise ValueError("at least one octet, one to 65,535 blocks and a window of one are needed")
        if self.timeout <= timedelta(0):
            raise ValueError("the timeout is a positive time")


@dataclass(frozen=True, slots=True)
class Assembly:
    """An unfinished message: what arrived in order, what came ahead of a gap, and when it was begun.

    ``add`` gives a new value and leaves this one as it was, also when it refuses. The timer runs from ``begun`` and
    is not extended by further blocks, so a message that is never finished ends after ``limits.timeout``. One ``add``
    costs time in proportion to the blocks held, at most ``limits.max_blocks``.
    """

    header: RoutingHeader
    begun: datetime
    limits: Limits = Limits()
    octets_held: int = 0
    _joined: tuple[bytes, ...] = ()
    _ahead: Mapping[int, bytes] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    _last: int | None = None

    @property
    def acknowledged(self) -> int:
        """The number up to which every block arrived: what ``number_ack`` would say, 0 for none."""
        return len(self._joined)

    @property
    def missing(self) -> tuple[int, ...]:
        """Numbers of the blocks known to exist that have not arrived."""
        highest = self._last or max(self._ahead, default=0)
        return tuple(n for n in range(len(self._joined) + 1, highest + 1) if n not in self._ahead)

    @property
    def complete(self) -> bytes | None:
        """The whole message once every block arrived, otherwise ``None``."""
        return b"".join(self._joined) if len(self._joined) == self._last else None

    def expired(self, now: datetime) -> bool:
        """Whether the timer has run out on a message that is not complete; the caller then drops this value."""
        return len(self._joined) != self._last and now - self.begun >= self.limits.timeout

    def add(self, block: Block, now: datetime) -> "Assembly":
        """Take one block of this message, in or out of order; repeats and acknowledgements change nothing.

        Raises ``WireError``: ``block_expired``, ``block_other_message``, ``block_number`` (beyond the limit),
        ``block_after_last``, ``block_conflict`` (the number was seen with other octets, or another block was the
        last), ``block_window`` (too far ahead), ``block_too_large``.
        """
        if self.expired(now):
            _refuse("now", "the timer of this message has run out", "block_expired")
        if block.header != self.header:
            _refuse("header", "the block belongs to another message", "block_other_message")
        if block.acknowledgement:
            return self
        number, in_order = block.number, len(self._joined)
        if number > self.limits.max_blocks:
            _refuse("number", f"at most {self.limits.max_blocks} blocks were expected", "block_number")
        last = self._last_number(block)
        held = self._joined[number - 1] if number <= in_order else self._ahead.get(number)
        if held is not None:
            if held != block.octets:
                _refuse("octets", f"block {number} arrived before with other octets", "block_conflict")
            return self
        if number > in_order + self.limits.window:
            _refuse("number", f"block {number} is too far ahead of {in_order + 1}", "block_window")
        octets_held = self.octets_held + len(block.octets)
        if octets_held > self.limits.max_octets:
            _refuse("octets", f"at most {self.limits.max_octets} octets were expected", "block_too_large")
        ahead = dict(self._ahead)
        if number != in_order + 1:
            ahead[number] = block.octets
            return replace(self, octets_held=octets_held, _ahead=MappingProxyType(ahead), _last=last)
        joined = [block.octets]
        while in_order + len(joined) + 1 in ahead:
            joined.append(ahead.pop(in_order + len(joined) + 1))
        return replace(
            self,
            octets_held=octets_held,
            _joined=(*self._joined, *joined),
            _ahead=MappingProxyType(ahead),
            _last=last,
        )

    def _last_number(self, block: Block) -> int | None:
        """The number of the last block, once ``block`` is taken into account."""
        number, seen = block.number, max(self._ahead, default=len(self._joined))
        if self._last is not None:
            if number > self._last:
                _refuse("number", f"block {self._last} was the last one", "block_after_last")
            if block.last is not (number == self._last):
                _refuse("last", f"block {self._last} is the last one", "block_conflict")
        elif block.last:
            if number < seen:
                _refuse("last", f"block {seen} arrived before", "block_conflict")
            if number <= len(self._joined) or number in self._ahead:
                _refuse("last", f"block {number} arrived before and was not the last", "block_conflict")
            return number
        return self._last


def _refuse(path: str, reason: str, code: str) -> NoReturn:
    """Raise the error of a block that is well-formed but does not fit the message so far."""
    raise WireError(-1, path, reason, code)


# Octets of the routing header that never vary: offset, value, field.
_FIXED: Final = (
    (0, 0xDD, "tag"),
    (1, 0x09, "transaction_id"),
    (11, 0x08, "originator"),
    (20, 0x08, "target"),
    (29, 0x00, "date_time"),
    (30, 0x02, "other_information"),
    (33, 0x00, "key_info"),
)


def _length(octets: bytes, at: int, path: str) -> tuple[int, int]:
    """A definite length in its shortest form, and the offset behind it (gbcs.md 1)."""
    if at >= len(octets):
        raise WireError(len(octets), path, "a length was expected, the block ends", "block_truncated")
    first = octets[at]
    if first < 0x80:
        return first, at + 1
    if first not in (0x81, 0x82):
        raise WireError(at, path, "a definite length of at most two octets was expected", "block_length")
    end = at + 1 + (first & 0x7F)
    if end > len(octets):
        raise WireError(len(octets), path, "the block ends inside a length", "block_truncated")
    value = int.from_bytes(octets[at + 1 : end], "big")
    if _length_octets(value) != octets[at:end]:
        raise WireError(at, path, "a length is written in its shortest form", "block_length")
    return value, end


def _length_octets(value: int) -> bytes:
    """The shortest form of a definite length."""
    if value < 0x80:
        return bytes((value,))
    octets = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets
