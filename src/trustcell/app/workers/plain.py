"""Frozen values as plain JSON and back, by the types of their fields: for messages between our own processes."""

import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from trustcell.vocab import Eui64

_T = TypeVar("_T")


def to_plain(value: Any) -> Any:
    """A value as JSON has it."""
    if is_dataclass(value):
        return {each.name: to_plain(getattr(value, each.name)) for each in fields(value) if each.init}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (tuple, list)):
        return [to_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {key: to_plain(each) for key, each in value.items()}
    return value


def from_plain(kind: type[_T], plain: Any) -> _T:
    """The value of this type; ``ValueError``, ``TypeError`` or ``KeyError`` for anything else."""
    result: _T = _read(kind, plain)
    return result


def _read(kind: Any, plain: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        (known,) = (each for each in inner if each is not type(None))
        return None if plain is None else _read(known, plain)
    if origin is tuple:
        return tuple(_read(inner[0], each) for each in plain)
    if origin is not None or kind is Any:  # a mapping of plain values
        return plain
    if is_dataclass(kind):
        hints, make = get_type_hints(kind), cast(Callable[..., Any], kind)
        return make(**{name: _read(hints[name], each) for name, each in plain.items()})
    if issubclass(kind, Enum):
        return kind(plain)
    if issubclass(kind, Eui64):
        return kind(bytes.fromhex(plain))
    if issubclass(kind, bytes):
        return bytes.fromhex(plain)
    if issubclass(kind, datetime):
        return datetime.fromisoformat(plain)
    if not isinstance(plain, kind):
        raise ValueError(f"{kind.__name__} was expected")
    return plain
