"""What may stand in the fields of a statement: each reader gives the value or raises ``ValueError``."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from trustcell.governance.rules.canonical import read_moment
from trustcell.vocab import Eui64, RemotePartyRole

Reader = Callable[[Any], Any]

MAX_TEXT = 4096
"""Characters of one text; longer papers are evidence, cited by hash."""

FAMILIES = frozenset({"device", "organisation", "iki"})
"""Certificate families a party can be an Authorised Subscriber for."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def text(value: Any) -> str:
    """Text that may be empty."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError(f"a text of at most {MAX_TEXT} characters was expected")
    return value


def words(value: Any) -> str:
    """Text that says something."""
    if not text(value).strip():
        raise ValueError("it is empty")
    return str(value)


def name(value: Any) -> str:
    """Up to 64 letters, digits, dots, dashes and underscores, as names of people, parties and approvals are."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError("a name of up to 64 letters, digits, dots, dashes and underscores was expected")
    return value


def optional_name(value: Any) -> str:
    """A name, or nothing."""
    return "" if value == "" else name(value)


def sha256(value: Any) -> str:
    """A SHA-256 digest in lower-case hex."""
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise ValueError("a SHA-256 digest in lower-case hex was expected")
    return value


def optional_sha256(value: Any) -> str:
    """A digest, or nothing."""
    return "" if value == "" else sha256(value)


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("true or false was expected")
    return value


def number(low: int, high: int) -> Reader:
    """A whole number within these bounds."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high} was expected")
        return value

    return read


def moment(value: Any) -> datetime:
    """A moment as ``canonical.moment`` writes it."""
    if not isinstance(value, str):
        raise ValueError("a moment such as 2024-03-01T12:00:00Z was expected")
    return read_moment(value)


def optional(reader: Reader) -> Reader:
    """What the reader reads, or ``None``."""
    return lambda value: None if value is None else reader(value)


def choice(values: type[StrEnum]) -> Reader:
    """One of these."""

    def read(value: Any) -> StrEnum:
        try:
            return values(value)
        except ValueError:
            raise ValueError(f"one of {', '.join(values)} was expected") from None

    return read


def distinct(reader: Reader) -> Reader:
    """A list in order, nothing twice, as a tuple."""

    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise ValueError("a list was expected")
        found = tuple(reader(each) for each in value)
        if len(set(found)) != len(found):
            raise ValueError("something stands in it twice")
        return found

    return read


def role(value: Any) -> RemotePartyRole:
    """The number of a Remote Party Role."""
    if isinstance(value, bool) or not isinstance(value, int) or value not in list(RemotePartyRole):
        raise ValueError("the number of a Remote Party Role was expected")
    return RemotePartyRole(value)


def eui64(value: Any) -> Eui64:
    """An EUI-64 in the form with dashes and capitals, the one form it has in statements."""
    if not isinstance(value, str) or str(Eui64.parse(value)) != value:
        raise ValueError("an EUI-64 such as 90-B3-D5-1F-30-00-00-02 was expected")
    return Eui64.parse(value)


def entities(value: Any) -> dict[Eui64, frozenset[RemotePartyRole]]:
    """EUI-64s, each with the numbers of its Remote Party Roles."""
    if not isinstance(value, Mapping):
        raise ValueError("EUI-64s with lists of roles were expected")
    return {eui64(each): frozenset(distinct(role)(roles)) for each, roles in value.items()}


def family(value: Any) -> str:
    """A certificate family."""
    if not isinstance(value, str) or value not in FAMILIES:
        raise ValueError(f"one of {', '.join(sorted(FAMILIES))} was expected")
    return value


def octets(value: Any) -> bytes:
    """Octets in base64 with one spelling."""
    try:
        found = base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise ValueError("base64 was expected") from None
    if base64.b64encode(found).decode() != value:
        raise ValueError("base64 with one spelling was expected")
    return found
