"""Values of the inner rooms as JSON can hold them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from trustcell import certs, gbcs
from trustcell.vocab import Eui64, WireError

_EXACT = 2**53


def plain(value: Any) -> Any:
    """Plain values; octets in hex, and integers as text where readers of JSON would round them."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, Enum):
        return plain(value.value) if isinstance(value.value, str) else value.name
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if -_EXACT <= value <= _EXACT else str(value)
    if isinstance(value, Eui64):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Sequence | set | frozenset):
        return [plain(each) for each in value]
    return str(value)


def decoded(octets: bytes) -> dict[str, Any]:
    """A GBCS message as plain values; one that does not decode is shown in hex with the reason."""
    try:
        shown: dict[str, Any] = plain(gbcs.as_plain(gbcs.decode(octets), _certificate))
    except WireError as error:
        return {"octets": octets.hex(), "error": str(error)}
    return shown


def _certificate(octets: bytes) -> Mapping[str, Any] | None:
    try:
        read = certs.Certificate.from_der(octets)
    except WireError:
        return None
    return {"serial": f"{read.serial:X}", "entity": None if read.entity_id is None else str(read.entity_id)}
