"""Reading JSON of which every octet counts: one form for each value, nothing twice, no fractions."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO

from trustcell_audit.findings import Malformed, Problem

MAX_LINE_OCTETS = 64 * 1024 * 1024
"""No line of an export or bundle is longer."""

_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def canonical(value: Any) -> bytes:
    """The one form: sorted keys, no white space, UTF-8."""
    return _ENCODE(value).encode()


def read_object(octets: bytes, place: str, start: int = 0) -> dict[str, Any]:
    """A JSON object in its one form; ``Malformed`` names the first octet that is not. ``start``: where it begins."""

    def wrong(message: str, octet: int) -> Malformed:
        return Malformed(Problem("not_canonical", place, message, octet=start + octet))

    try:
        text = octets.decode()
        value = json.loads(text, object_pairs_hook=_once, parse_float=_no_fraction, parse_constant=_no_fraction)
        again = canonical(value)
    except UnicodeDecodeError as error:
        raise wrong("UTF-8 was expected", error.start) from None
    except json.JSONDecodeError as error:
        raise wrong(f"JSON was expected: {error.msg}", len(text[: error.pos].encode())) from None
    except (ValueError, RecursionError) as error:
        raise wrong(str(error) or "nested too deep", 0) from None
    if again != octets:
        first = next((at for at, (a, b) in enumerate(zip(again, octets, strict=False)) if a != b), len(again))
        raise wrong("the value has another form than the one it is signed in", min(first, len(octets)))
    if not isinstance(value, dict):
        raise wrong("an object was expected", 0)
    return value


def lines_of(file: BinaryIO, title: str) -> Iterator[tuple[int, int, bytes]]:
    """Number (from 1), first octet and octets of each line, without its end; ``Malformed`` without a line end."""
    number = start = 0
    while line := file.readline(MAX_LINE_OCTETS + 1):
        number += 1
        if not line.endswith(b"\n"):
            message = "the line does not end" if len(line) <= MAX_LINE_OCTETS else "the line is too long"
            place = f"line {number} of the {title}"
            raise Malformed(Problem("line_cut", place, message, octet=start + len(line)))
        yield number, start, line[:-1]
        start += len(line)


def octets_of(value: Any, size: int | None = None) -> bytes | None:
    """The octets of lower-case hex, of this size if one is given; ``None`` for anything else."""
    try:
        octets = bytes.fromhex(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if octets is None or octets.hex() != value or (size is not None and len(octets) != size):
        return None
    return octets


def moment_of(value: Any) -> datetime | None:
    """The time of ``2026-11-24T11:15:00Z``; ``None`` for anything else."""
    try:
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (TypeError, ValueError):
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _no_fraction(text: str) -> Any:
    raise ValueError(f"whole numbers only, not {text[:20]}")
