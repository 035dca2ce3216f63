"""Parts of shapes beyond leaves and nests.

``Flag`` is an element without content, ``Child`` an element with a value class of its own, ``Choice`` exactly one of
several parts.
"""

from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from trustcell.duis.names import sr
from trustcell.duis.shape import MISSING, Content, Elements, Field, Shape, check_many, malformed, run


def hold_empty(element: etree._Element, path: str) -> None:
    """Raise ``WireError`` unless an element has no content at all, not even white space."""
    if len(element) or element.keys() or element.text is not None:
        raise malformed(path, "an element without content was expected")


@dataclass(frozen=True, slots=True)
class Flag(Field):
    """An element without content that may stand there or not: ``True`` or ``False``."""

    tag: str = field(init=False)

    def __post_init__(self) -> None:
        """Keep the lxml tag ready."""
        object.__setattr__(self, "tag", sr(self.element))

    def read(self, kids: Elements, at: int, path: str, found: dict[str, Any]) -> int:
        """``True`` for an element with nothing in it."""
        here = at < len(kids) and kids[at].tag == self.tag
        if here:
            hold_empty(kids[at], f"{path}.{self.element}")
        found[self.attribute] = here
        return at + here

    def absent(self, found: dict[str, Any]) -> None:
        """``False``."""
        found[self.attribute] = False

    def given(self, value: object) -> bool:
        """Whether the flag is set."""
        return bool(getattr(value, self.attribute))

    def write(self, value: object, into: list[str]) -> None:
        """The empty element, in canonical form."""
        if getattr(value, self.attribute):
            into.append(f"<sr:{self.element}></sr:{self.element}>")

    def check(self, value: object) -> None:
        """A boolean."""
        if not isinstance(getattr(value, self.attribute), bool):
            raise ValueError(f"{self.attribute}: a boolean was expected")


@dataclass(frozen=True, slots=True)
class Child(Field):
    """An element with a value class of its own: 1, with ``optional`` 0..1, or with ``most`` a tuple."""

    kind: type[Content]
    optional: bool = False
    most: int = 1
    least: int = 1
    tag: str = field(init=False)

    def __post_init__(self) -> None:
        """Keep the lxml tag ready."""
        object.__setattr__(self, "tag", sr(self.element))

    def read(self, kids: Elements, at: int, path: str, found: dict[str, Any]) -> int:
        """One value, or a tuple."""
        inner = f"{path}.{self.element}"
        end = run(kids, at, self.tag, self.most, path, self.element)
        if end - at < self.least and not self.optional:
            raise malformed(inner, MISSING)
        values = tuple(self.kind.read_content(kid, inner) for kid in kids[at:end])
        found[self.attribute] = values if self.most > 1 else values[0] if values else None
        return end

    def write(self, value: object, into: list[str]) -> None:
        """One element for each value."""
        given = getattr(value, self.attribute)
        if given is not None:
            into += [item.write_as(self.element) for item in (given if self.most > 1 else (given,))]

    def check(self, value: object) -> None:
        """By type: a value of the class has checked itself."""
        given = getattr(value, self.attribute)
        if given is None and self.optional:
            return
        if self.most > 1:
            check_many(given, self.attribute, self.most, self.least)
        if not all(isinstance(item, self.kind) for item in (given if self.most > 1 else (given,))):
            raise ValueError(f"{self.attribute}: {self.kind.__name__} was expected")


@dataclass(frozen=True, slots=True)
class Choice:
    """Exactly one of several parts; with ``optional`` at most one. The others are ``None`` (flags ``False``)."""

    parts: Shape
    optional: bool = False

    def begins(self, element: etree._Element) -> bool:
        """Whether any part does."""
        return any(part.begins(element) for part in self.parts)

    def read(self, kids: Elements, at: int, path: str, found: dict[str, Any]) -> int:
        """The part that is there."""
        chosen = next((part for part in self.parts if at < len(kids) and part.begins(kids[at])), None)
        if chosen is None and not self.optional:
            raise malformed(path, "one element of a choice is missing or out of order")
        for part in self.parts:
            if part is not chosen:
                part.absent(found)
        return at if chosen is None else chosen.read(kids, at, path, found)

    def absent(self, found: dict[str, Any]) -> None:
        """None of the parts is there."""
        for part in self.parts:
            part.absent(found)

    def given(self, value: object) -> bool:
        """Whether one of the parts is."""
        return any(part.given(value) for part in self.parts)

    def write(self, value: object, into: list[str]) -> None:
        """The part that is given."""
        for part in self.parts:
            if part.given(value):
                part.write(value, into)

    def check(self, value: object) -> None:
        """One part, and that one right."""
        given = [part for part in self.parts if part.given(value)]
        if len(given) > 1 or not (given or self.optional):
            raise ValueError("exactly one of the fields of a choice was expected")
        for part in given:
            part.check(value)
