"""Holds opaque elements to what the schema says of them: names, order, number, attributes and values.

The product does not contain the official schema. ``opaque_types.csv`` and ``opaque_elements.csv`` state its facts for
the elements this room does not type: the children of a type as a regular expression over their names, each followed by
a semicolon, and for each child a type (``=Name``) or a value. ``tools/duis_facts.py`` writes them.
"""

import calendar
import csv
import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files

from lxml import etree

from trustcell.duis.encodings import read_base64
from trustcell.duis.lexical import EUI, REQUEST_ID
from trustcell.duis.shape import children, local, malformed
from trustcell.vocab import WireError

_SPACE = " \t\r\n"
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})", re.ASCII)
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*", re.ASCII)
_ZONE = r"(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))?"
_DATE = r"(-?(?:[1-9]\d{4,8}|\d{4}))-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_CLOCK = r"(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,40})?|24:00:00(?:\.0{1,40})?)"
_TIMES = {
    "date": re.compile(_DATE + _ZONE, re.ASCII),
    "dateTime": re.compile(_DATE + "T" + _CLOCK + _ZONE, re.ASCII),
    "time": re.compile(_CLOCK + _ZONE, re.ASCII),
}
_BOOLEANS = frozenset({"true", "false", "1", "0"})

Check = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class _Type:
    """What an element may hold: children by name, or a text, and attributes that all have to be there."""

    order: re.Pattern[str]
    text: Check | None
    attributes: Mapping[str, Check]
    elements: Mapping[str, "Check | str"]


def judge(element: etree._Element, path: str) -> None:
    """Raise ``WireError`` with ``schema_invalid`` if an element of the tables does not follow them.

    An element that the tables do not name is left to the closed list of whoever holds it.
    """
    content = _tables()[""].elements.get(local(element))
    if content is not None:
        _hold(element, content, f"{path}.{local(element)}")


def _hold(element: etree._Element, content: "Check | str", path: str) -> None:
    if not isinstance(content, str):
        if len(element) or element.keys() or not content(element.text or ""):
            raise malformed(path, "this is not a value the schema allows here")
        return
    kind = _tables()[content]
    if set(element.keys()) != set(kind.attributes) or not all(
        check(str(element.get(name))) for name, check in kind.attributes.items()
    ):
        raise malformed(path, "these are not the attributes the schema asks for")
    if kind.text is not None:
        if len(element) or not kind.text(element.text or ""):
            raise malformed(path, "this is not a value the schema allows here")
        return
    if not kind.elements and (len(element) or element.text is not None):
        raise malformed(path, "an element without content was expected")
    kids = children(element, path, attributes=True)
    names = [local(kid) for kid in kids]
    if not kind.order.fullmatch("".join(f"{name};" for name in names)):
        raise malformed(path, "an element is missing, out of order or not expected here")
    for name, kid in zip(names, kids, strict=True):
        _hold(kid, kind.elements[name], f"{path}.{name}")


@functools.cache
def _tables() -> Mapping[str, _Type]:
    elements: dict[str, dict[str, Check | str]] = {}
    for row in _rows("opaque_elements.csv"):
        content = row["content"]
        held = content[1:] if content.startswith("=") else _check(content)
        elements.setdefault(row["inside"], {})[row["element"]] = held
    types = {
        row["type"]: _Type(
            re.compile(row["children"]),
            _check(row["text"]) if row["text"] else None,
            {name: _check(f"integer {rest.replace(':', ' ')}") for name, rest in _attributes(row["attributes"])},
            elements.get(row["type"], {}),
        )
        for row in _rows("opaque_types.csv")
    }
    return types | {"": _Type(re.compile(""), None, {}, elements[""])}


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(files("trustcell.duis").joinpath(name).read_text("utf-8").splitlines()))


def _attributes(text: str) -> list[tuple[str, str]]:
    return [(name, rest) for name, _, rest in (part.partition(":") for part in text.split())]


@functools.cache
def _check(value: str) -> Check:
    """The check of one value of the tables, such as ``integer 1 48`` or ``list GBP|ECB``."""
    word, _, rest = value.partition(" ")
    if word == "list":
        return frozenset(rest.split("|")).__contains__
    if word in ("eui", "request_id"):
        return _codec(EUI.read if word == "eui" else REQUEST_ID.read)
    if word == "boolean":
        return lambda text: text.strip(_SPACE) in _BOOLEANS
    if word in _TIMES:
        return functools.partial(_time, _TIMES[word])
    if word in ("integer", "decimal"):
        least, most, *digits = rest.split()
        return functools.partial(_number, Decimal(least), Decimal(most), int(digits[0]) if digits else -1)
    least, most, *pattern = rest.split(" ", 2)
    form = re.compile(pattern[0] if pattern else r"(?s:.*)", re.ASCII)
    return functools.partial({"base64": _base64, "hex": _hex}.get(word, _text), int(least), int(most), form)


def _codec(read: Callable[[str], object]) -> Check:
    def check(text: str) -> bool:
        try:
            read(text)
        except (ValueError, WireError):
            return False
        return True

    return check


def _number(least: Decimal, most: Decimal, fraction: int, text: str) -> bool:
    text = text.strip(_SPACE)
    form = _INTEGER if fraction < 0 else _DECIMAL
    if not form.fullmatch(text) or not least <= Decimal(text) <= most:
        return False
    return fraction < 0 or len(text.partition(".")[2].rstrip("0")) <= fraction


def _time(form: re.Pattern[str], text: str) -> bool:
    match = form.fullmatch(text.strip(_SPACE))
    if match is None or not match.groups():
        return match is not None
    year, month, day = (int(part) for part in match.groups())
    return day <= calendar.monthrange(2000 + year % 400, month)[1]


def _text(least: int, most: int, form: re.Pattern[str], text: str) -> bool:
    return least <= len(text) <= most and form.fullmatch(text) is not None


def _hex(least: int, most: int, _: re.Pattern[str], text: str) -> bool:
    text = text.strip(_SPACE)
    return _HEX.fullmatch(text) is not None and least <= len(text) // 2 <= most


def _base64(least: int, most: int, _: re.Pattern[str], text: str) -> bool:
    try:
        return least <= len(read_base64(text)) <= most
    except ValueError:
        return False
