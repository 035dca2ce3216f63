"""What the objects of a meter and their attributes and methods are called, from ``objects.csv`` and ``elements.csv``.

In an instance, ``11..15`` stands for five objects, and ``{}`` in the name for the place of each among them.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

from trustcell.gbcs.dlms.frames import Service


@dataclass(frozen=True, slots=True)
class Names:
    """Names of what an instruction is about; ``None`` for what is in no table."""

    class_name: str | None
    object: str | None
    element: str | None


def names_of(class_id: int, instance: bytes, element: int, service: Service) -> Names:
    """The names for one address."""
    kind = "method" if service is Service.ACTION else "attribute"
    class_name, name = _elements().get((class_id, kind, element), (_class_names().get(class_id), None))
    return Names(class_name, _objects().get((class_id, instance)), name)


def obis_text(instance: bytes) -> str:
    """The usual writing of an OBIS code, for example ``0-0:1.0.0.255``."""
    a, b, c, d, e, f = instance
    return f"{a}-{b}:{c}.{d}.{e}.{f}"


@cache
def _objects() -> Mapping[tuple[int, bytes], str]:
    found: dict[tuple[int, bytes], str] = {}
    for row in _rows("objects.csv"):
        for place, instance in enumerate(_instances(row["instance"]), start=1):
            found[int(row["class"]), instance] = row["name"].format(place)
    return MappingProxyType(found)


@cache
def _elements() -> Mapping[tuple[int, str, int], tuple[str, str]]:
    rows = _rows("elements.csv")
    return MappingProxyType(
        {(int(row["class"]), row["kind"], int(row["number"])): (row["class_name"], row["name"]) for row in rows}
    )


@cache
def _class_names() -> Mapping[int, str]:
    return MappingProxyType({class_id: names[0] for (class_id, _, _), names in _elements().items()})


def _instances(text: str) -> Iterator[bytes]:
    """The instances that an entry of the table stands for."""
    groups = text.replace("..", "~").replace("-", ".").replace(":", ".").split(".")
    spans = [range(int(first), int(last or first) + 1) for first, _, last in (group.partition("~") for group in groups)]
    for place in range(max(len(span) for span in spans)):
        yield bytes(span[place] if len(span) > 1 else span[0] for span in spans)


def _rows(name: str) -> Iterator[dict[str, str]]:
    with resources.files(__package__).joinpath(name).open(encoding="utf-8") as lines:
        yield from csv.DictReader(lines)
