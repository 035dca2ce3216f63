"""One declarative helper for element content: a table of parts reads, writes and checks it.

A shape is a tuple of parts in the order of the schema: ``Leaf`` (an element with a value), ``Nest`` (an element that
groups others), and those of ``parts``. Fields land flat, under the attribute name of their leaf, so a value class needs
no groups.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self, TypeVar

from lxml import etree

from trustcell.duis.lexical import Codec
from trustcell.duis.names import sr
from trustcell.vocab import WireError

T = TypeVar("T")
Elements = Sequence[etree._Element]

_NO_ATTRIBUTES = "no attribute is allowed here"
MISSING = "this element is missing or out of order"


class Part(Protocol):
    """One entry of a shape."""

    def read(self, kids: Elements, at: int, path: str, found: dict[str, Any]) -> int:
        """Take what stands at ``at`` into ``found`` and say where the next part begins; raises ``WireError``."""

    def begins(self, element: etree._Element) -> bool:
        """Whether this part begins with an element."""

    def absent(self, found: dict[str, Any]) -> None:
        """Note that this part is not there."""

    def given(self, value: object) -> bool:
        """Whether a value has this part."""

    def write(self, value: object, into: list[str]) -> None:
        """The elements of this part as canonical XML."""

    def check(self, value: object) -> None:
        """Check the fields of this part; raises ``ValueError`` or ``WireError`` naming the field."""


Shape = tuple[Part, ...]


def malformed(path: str, reason: str) -> WireError:
    """The error for a message that does not follow the schema."""
    return WireError(-1, path, reason, "schema_invalid")


def local(element: etree._Element) -> str:
    """The name of an element without its namespace, for paths in errors."""
    return str(etree.QName(element).localname)[:80]


def children(parent: etree._Element, path: str, *, attributes: bool = False) -> list[etree._Element]:
    """The child elements; white space between them is tolerated, text and (unless said) attributes are not."""
    kids = list(parent)
    if not attributes and parent.keys():
        raise malformed(path, _NO_ATTRIBUTES)
    text = parent.text
    if text is not None and text.strip(" \t\r\n"):
        raise malformed(path, "there is text between elements")
    for kid in kids:
        text = kid.tail
        if text is not None and text.strip(" \t\r\n"):
            raise malformed(path, "there is text between elements")
    return kids


def read_shape(kids: Elements, shape: Shape, path: str) -> dict[str, Any]:
    """Read child elements, all of them, in the order of the shape; raises ``WireError``."""
    found: dict[str, Any] = {}
    at = 0
    for part in shape:
        at = part.read(kids, at, path, found)
    if at < len(kids):
        raise malformed(f"{path}.{local(kids[at])}", "this element is not expected here")
    return found


def read_leaf(element: etree._Element, leaf: "Leaf", path: str) -> Any:
    """The value of one element without attributes and children."""
    if len(element) or element.keys():
        raise malformed(f"{path}.{leaf.element}", "a plain value without attributes was expected")
    try:
        return leaf.codec.read(element.text or "")
    except WireError as error:
        raise error.moved(0, f"{path}.{leaf.element}") from None
    except ValueError as error:
        raise malformed(f"{path}.{leaf.element}", str(error)) from None


def write_shape(value: object, shape: Shape) -> str:
    """The elements of a value as canonical XML with prefix ``sr``, on one line."""
    parts: list[str] = []
    for part in shape:
        part.write(value, parts)
    return "".join(parts)


def check_shape(value: object, shape: Shape) -> None:
    """Check every field of a value; raises ``ValueError`` or ``WireError`` naming the field."""
    for part in shape:
        part.check(value)


def trusted(cls: type[T], fields: Mapping[str, Any]) -> T:
    """A value of fields that codecs have just read: what a codec reads it has checked, so nothing is checked twice."""
    value = object.__new__(cls)
    for name, content in fields.items():
        object.__setattr__(value, name, content)
    return value


class Single:
    """What the parts that begin with one element of a fixed name share."""

    __slots__ = ()
    element: str
    tag: str

    def begins(self, element: etree._Element) -> bool:
        """By the tag."""
        return bool(element.tag == self.tag)


@dataclass(frozen=True, slots=True)
class Field(Single):
    """An element with a value: ``optional`` means 0..1, ``most`` above 1 means a tuple of ``least``..``most``."""

    element: str
    attribute: str

    def absent(self, found: dict[str, Any]) -> None:
        """``None`` stands for what is not there."""
        found[self.attribute] = None

    def given(self, value: object) -> bool:
        """``None`` stands for what is not there."""
        return getattr(value, self.attribute) is not None


@dataclass(frozen=True, slots=True)
class Leaf(Field):
    """An element with text: ``optional`` means 0..1, ``most`` above 1 means a tuple of 1..``most``."""

    codec: Codec
    optional: bool = False
    most: int = 1
    tag: str = field(init=False)

    def __post_init__(self) -> None:
        """Keep the lxml tag ready."""
        object.__setattr__(self, "tag", sr(self.element))

    def read(self, kids: Elements, at: int, path: str, found: dict[str, Any]) -> int:
        """One value, or a tuple."""
        count = len(kids)
        if at >= count or kids[at].tag != self.tag:
            if not self.optional:
                raise malformed(f"{path}.{self.element}", MISSING)
            found[self.attribute] = None
            return at
        if self.most == 1:
            found[self.attribute] = read_leaf(kids[at], self, path)
            return at + 1
        end = run(kids, at, self.tag, self.most, path, self.element)
        found[self.attribute] = tuple(read_leaf(kid, self, path) for kid in kids[at:end])
        return end

    def write(self, value: object, into: list[str]) -> None:
        """One element for each value."""
        given = getattr(value, self.attribute)
        if given is None:
            return
        write = self.codec.write
        name = self.element
        if self.most == 1:
            into.append(f"<sr:{name}>{write(given)}</sr:{name}>")
        else:
            into += [f"<sr:{name}>{write(item)}</sr:{name}>" for item in given]

    def check(self, value: object) -> None:
        """By the codec."""
        given = getattr(value, self.attribute)
        if given is None and self.optional:
            return
        if self.most > 1:
            check_many(given, self.attribute, self.most)
        try:
            for item in given if self.most > 1 else (given,):
                self.codec.check(item)
        except WireError as error:
            raise error.moved(0, self.attribute) from None
        except (ValueError, TypeError) as error:
            raise ValueError(f"{self.attribute}: {error}") from None


@dataclass(frozen=True, slots=True)
class Nest(Single):
    """An element that holds other elements, always present."""

    element: str
    shape: Shape
    tag: str = field(init=False)

    def __post_init__(self) -> None:
        """Keep the lxml tag ready."""
        object.__setattr__(self, "tag", sr(self.element))

    def read(self, kids: Elements, at: int, path: str, found: dict[str, Any]) -> int:
        """The parts inside."""
        if at >= len(kids) or kids[at].tag != self.tag:
            raise malformed(f"{path}.{self.element}", MISSING)
        inner = f"{path}.{self.element}"
        found.update(read_shape(children(kids[at], inner), self.shape, inner))
        return at + 1

    def absent(self, found: dict[str, Any]) -> None:
        """Nothing inside is there."""
        for part in self.shape:
            part.absent(found)

    def given(self, value: object) -> bool:
        """Whether anything inside is."""
        return any(part.given(value) for part in self.shape)

    def write(self, value: object, into: list[str]) -> None:
        """The element around its parts."""
        into.append(f"<sr:{self.element}>")
        for part in self.shape:
            part.write(value, into)
        into.append(f"</sr:{self.element}>")

    def check(self, value: object) -> None:
        """Every part inside."""
        check_shape(value, self.shape)


def run(kids: Elements, at: int, tag: str, most: int, path: str, name: str) -> int:
    """Where a run of elements with one tag ends; raises ``WireError`` if it is too long."""
    end = at
    while end < len(kids) and kids[end].tag == tag:
        end += 1
    if end - at > most:
        raise malformed(f"{path}.{name}", f"there are at most {most} of these")
    return end


def check_many(given: object, attribute: str, most: int, least: int = 1) -> None:
    """Hold a tuple of so many values; raises ``ValueError``."""
    if not (isinstance(given, tuple) and least <= len(given) <= most):
        raise ValueError(f"{attribute}: a tuple of {least} to {most} values was expected")


@dataclass(frozen=True, slots=True)
class Content:
    """Base of values whose fields are one shape: checked on construction, read from and written to one element."""

    SHAPE: ClassVar[Shape]

    def __post_init__(self) -> None:
        """Check every field; raises ``ValueError``, or ``WireError`` for a certificate that is not one."""
        check_shape(self, self.SHAPE)
        self.check_rule()

    def check_rule(self) -> None:
        """What a class asks for beyond its fields; raises ``ValueError``."""

    @classmethod
    def read_content(cls, element: etree._Element, path: str) -> Self:
        """Read an element with this content, whatever its name; raises ``WireError`` beginning with ``path``."""
        value = trusted(cls, read_shape(children(element, path), cls.SHAPE, path))
        try:
            value.check_rule()
        except ValueError as error:
            raise malformed(path, str(error)) from None
        return value

    def write_as(self, name: str) -> str:
        """The element ``name`` with this content as canonical XML with prefix ``sr``, on one line."""
        return f"<sr:{name}>{write_shape(self, self.SHAPE)}</sr:{name}>"


@dataclass(frozen=True, slots=True)
class Shaped(Content):
    """Base of contents that belong to one element."""

    ELEMENT: ClassVar[str]

    @classmethod
    def read(cls, element: etree._Element, path: str) -> Self:
        """Read the element of this value; raises ``WireError`` whose path begins with ``path``."""
        return cls.read_content(element, f"{path}.{cls.ELEMENT}")

    def write(self) -> str:
        """The element as canonical XML with prefix ``sr``, on one line."""
        return self.write_as(self.ELEMENT)
