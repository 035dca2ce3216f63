"""A GBCS or DUIS message as lines for people: each field with the octets it was read from, where that is sure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from trustcell import duis
from trustcell.app.plain import decoded, plain
from trustcell.gbcs import as_tree, message_octets
from trustcell.gbcs.render import Node
from trustcell.vocab import Eui64, WireError

_EUI = re.compile(r"([0-9A-F]{2}-){7}[0-9A-F]{2}")
_SHORTEST = 2
"""A field of one octet may stand anywhere: such a place would be a guess."""


@dataclass(frozen=True, slots=True)
class Line:
    """One field: how deep it stands, its name and value, and where in the message it begins and ends."""

    depth: int
    label: str
    text: str
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A message with its fields, and its octets cut where fields begin and end; ``octets`` is empty for XML."""

    octets: bytes
    lines: tuple[Line, ...]

    @property
    def pieces(self) -> Iterator[tuple[int, str, bool]]:
        """Where each piece begins, in hex, and whether a field is told of it."""
        at = 0
        for start, end in sorted((each.start, each.end) for each in self.lines if each.start is not None and each.end):
            if start > at:
                yield at, self.octets[at:start].hex(), False
            yield start, self.octets[start:end].hex(), True
            at = end
        if at < len(self.octets):
            yield at, self.octets[at:].hex(), False


def read_message(text: str) -> list[Read]:
    """A message as somebody pasted it, hex, base64 or XML; an XML message is followed by the GBCS messages in it.

    ``WireError`` when it is none of these.
    """
    stripped = text.strip()
    if stripped.startswith("<"):
        return _xml(stripped.encode())
    return [read_octets(message_octets(stripped.encode()))]


def read_octets(octets: bytes) -> Read:
    """One GBCS message. ``WireError`` when nothing in it can be read."""
    shown = decoded(octets)
    if set(shown) == {"octets", "error"}:
        raise WireError(-1, "message", str(shown["error"]), "message_unreadable")
    return Read(octets, tuple(_placed(_flat(as_tree(shown)), octets)))


def _xml(octets: bytes) -> list[Read]:
    try:
        read: object = duis.parse_request(octets, max_octets=len(octets)).request
    except WireError as first:
        try:
            read = duis.parse_response(octets, max_octets=len(octets)).response
        except WireError:
            raise first from None
    shown = plain(read)
    found = [Read(b"", tuple(_flat(as_tree(shown, type(read).__name__))))]
    for line in found[0].lines:
        if len(line.text) > 40 and re.fullmatch("(?:[0-9a-f]{2})+", line.text):
            try:
                found.append(read_octets(bytes.fromhex(line.text)))
            except WireError:
                continue  # octets of something else, an image for example
    return found


def _flat(node: Node, depth: int = 0) -> Iterator[Line]:
    for child in node.children:
        yield Line(depth, child.label, child.text)
        yield from _flat(child, depth + 1)


def _placed(lines: Iterator[Line], octets: bytes) -> list[Line]:
    """Header fields stand in another order than people read them; later ones come in the order of their octets."""
    told = list(lines)
    begins = next((place for place, line in enumerate(told) if line.depth == 0 and line.label != "header"), len(told))
    found: dict[int, Line] = {}
    for place in sorted(range(begins), key=lambda place: -len(_octets_of(told[place]))):  # a short one may be in a long
        _place(found, place, told[place], octets, 0)
    at = max((line.end or 0 for line in found.values()), default=0)
    for place in range(begins, len(told)):
        at = _place(found, place, told[place], octets, at)
    return [found[place] for place in range(len(told))]


def _place(found: dict[int, Line], place: int, line: Line, octets: bytes, at: int) -> int:
    """Find the octets of a field from ``at`` on, where no other field is; where to look for the next one."""
    wanted = _octets_of(line)
    start = octets.find(wanted, at) if len(wanted) >= _SHORTEST else -1
    while start >= 0 and _overlaps(found.values(), start, start + len(wanted)):
        start = octets.find(wanted, start + 1)
    if start < 0:
        found[place] = line
        return at
    end = start + len(wanted)
    found[place] = Line(line.depth, line.label, line.text, start, end)
    return end


def _overlaps(lines: Iterable[Line], start: int, end: int) -> bool:
    return any(
        line.start is not None and line.end is not None and line.start < end and start < line.end for line in lines
    )


def _octets_of(line: Line) -> bytes:
    if _EUI.fullmatch(line.text):
        return bytes(Eui64.parse(line.text))
    if line.label == "originator_counter" and line.text.isdigit():
        return int(line.text).to_bytes(8, "big")
    if line.label == "message_code" and len(line.text) == 4:
        return bytes.fromhex(line.text)
    if re.fullmatch("(?:[0-9A-Fa-f]{2})+", line.text) and not line.text.isdigit():
        return bytes.fromhex(line.text)
    return b""
