"""An environment as plain values: the same names in ``environment.toml`` and in the books, nothing left out."""

import dataclasses
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from trustcell.governance.rules.canonical import moment, read_moment
from trustcell.smki.rules.environment import Environment
from trustcell.vocab import RemotePartyRole, WireError

_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1), "s": timedelta(seconds=1)}
_PERIOD = re.compile(r"([0-9]{1,6})([dhms])")
_FIELDS = {field.name: field for field in dataclasses.fields(Environment)}
_REQUIRED = ("identifier", "name")
_ROLES = {role.title: role for role in RemotePartyRole}


def environment_values(environment: Environment) -> dict[str, Any]:
    """Every field: text, whole numbers, truth values, moments (``2024-03-01T00:00:00Z``), periods (``48h``)."""
    return {name: _plain(getattr(environment, name)) for name in _FIELDS}


def read_environment(values: Mapping[str, Any], begins: datetime | None = None) -> Environment:
    """The environment of such values; fields left out have their defaults, ``begins`` the one given.

    Raises ``WireError`` naming the field: ``environment_field_unknown``, ``_missing`` or ``_value``.
    """
    for name in values:
        if name not in _FIELDS:
            raise WireError(-1, str(name), "no environment has this field", "environment_field_unknown")
    found: dict[str, Any] = {} if begins is None else {"begins": begins}
    found |= {name: _read(name, value) for name, value in values.items()}
    for name in (*_REQUIRED, "begins"):
        if name not in found:
            raise WireError(-1, name, "every environment has this field", "environment_field_missing")
    try:
        return Environment(**found)
    except ValueError as error:
        raise WireError(-1, "environment", str(error), "environment_field_value") from None


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return moment(value)
        case timedelta():
            return _period(value)
        case frozenset():
            return [role.title for role in sorted(value)]
    return value


def _period(value: timedelta) -> str:
    for unit, size in _UNITS.items():
        if value % size == timedelta(0):
            return f"{value // size}{unit}"
    raise ValueError("a period has whole seconds")


def _read(name: str, value: Any) -> Any:
    kind = _FIELDS[name].type
    try:
        if kind is datetime:
            return read_moment(value)
        if kind is timedelta:
            number, unit = _PERIOD.fullmatch(value).groups()  # type: ignore[union-attr] # AttributeError is caught
            return int(number) * _UNITS[unit]
        if name == "dcc_only":
            return frozenset(_ROLES[each] for each in value)
        if type(value) is kind:
            return value
    except (ValueError, TypeError, AttributeError, KeyError):
        pass
    expected = {datetime: "a moment such as 2024-03-01T00:00:00Z", timedelta: "a period such as 48h"}
    wanted = "a list of role names" if name == "dcc_only" else expected.get(kind, f"a value of type {_title(kind)}")  # type: ignore[arg-type]
    raise WireError(-1, name, f"{wanted} was expected", "environment_field_value")


def _title(kind: Any) -> str:
    return getattr(kind, "__name__", str(kind))
