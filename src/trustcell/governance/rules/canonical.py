"""One way to write a record as octets, so that a digest or signature means the same everywhere.

JSON with sorted keys, no white space, UTF-8, whole numbers only: what RFC 8785 gives for such values.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Json = None | bool | int | str | Sequence["Json"] | Mapping[str, "Json"]

_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
quoted: Callable[[str], str] = json.encoder.encode_basestring
_WHOLE = frozenset({int})
_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def canonical(value: Mapping[str, Any]) -> bytes:
    """The octets of a record; raises ``TypeError`` for a fraction or a value JSON has no form for."""
    return text(value).encode()


def text(value: Mapping[str, Any]) -> str:
    """The same as text. Texts, whole numbers and lists of those, which nearly all are, are put together here."""
    if not isinstance(value, Mapping):  # a list of records
        refuse_fractions(value)
        return _ENCODE(value)
    parts = []
    for name in sorted(value):
        each = value[name]
        if type(each) is str:
            parts.append(f"{quoted(name)}:{quoted(each)}")
        elif type(each) is int:
            parts.append(f"{quoted(name)}:{each}")
        elif type(each) is list and _WHOLE.issuperset(map(type, each)):
            parts.append(f"{quoted(name)}:[{','.join(map(str, each))}]")
        else:
            refuse_fractions(value)
            return _ENCODE(dict(value))
    return f"{{{','.join(parts)}}}"


def digest(octets: bytes) -> str:
    """SHA-256 in lower-case hex, the name of a record or file wherever one is cited."""
    return hashlib.sha256(octets).hexdigest()


def moment(at: datetime) -> str:
    """``2026-11-24T11:15:00Z``: whole seconds, UTC; raises ``ValueError`` for a time without a zone."""
    if at.tzinfo is None:
        raise ValueError("a moment has a time zone")
    at = at.astimezone(UTC)
    return f"{at.year:04}{at.strftime(_FORMAT[2:])}"


def read_moment(text: str) -> datetime:
    """What ``moment`` wrote; raises ``ValueError`` for any other form."""
    return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)


def refuse_fractions(value: Any) -> None:
    """Raise ``TypeError`` for a fraction anywhere in a value."""
    kind = type(value)
    if kind is dict:  # nearly always: said apart, because batches write one record an item
        for each in value.values():
            if type(each) is not str and type(each) is not int:
                refuse_fractions(each)
        return
    match value:
        case float():
            raise TypeError("a record has whole numbers only")
        case str() | bytes():
            return
        case Mapping():
            for each in value.values():
                refuse_fractions(each)
        case list() | tuple():
            for each in value:
                refuse_fractions(each)
