"""One declarative helper for element content: a table of fields reads, writes and checks it.

A shape is a tuple of ``Leaf`` (an element with a value) and ``Nest`` (an element that groups others). Order is the
order of the schema. Fields land flat, under the attribute name of their leaf, so a value class needs no groups.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeVar

from lxml import etree

from trustcell.duis.lexical import Codec
from trustcell.duis.names import sr
from trustcell.vocab import WireError


@dataclass(frozen=True, slots=True)
class Leaf:
    """An element with text: ``optional`` means 0..1, ``most`` above 1 means a tuple of 1..``most``."""

    element: str
    attribute: str
    codec: Codec
    optional: bool = False
    most: int = 1
    tag: str = field(init=False)

    def __post_init__(self) -> None:
        """Keep the lxml tag ready."""
        object.__setattr__(self, "tag", sr(self.element))


@dataclass(frozen=True, slots=True)
class Nest:
    """An element that holds other elements, always present."""

    element: str
    shape: "Shape"
    tag: str = field(init=False)

    def __post_init__(self) -> None:
        """Keep the lxml tag ready."""
        object.__setattr__(self, "tag", sr(self.element))


Shape = tuple[Leaf | Nest, ...]

T = TypeVar("T")

_NO_ATTRIBUTES = "no attribute is allowed here"


def malformed(path: str, reason: str) -> WireError:
    """The error for a message that does not follow the schema."""
    return WireError(-1, path, reason, "schema_invalid")


def local(element: etree._Element) -> str:
    """The name of an element without its namespace, for paths in errors."""
    return str(etree.QName(element).localname)[:80]


def children(parent: etree._Element, path: str) -> list[etree._Element]:
    """The child elements; white space between them is tolerated, text and attributes are not."""
    kids = list(parent)
    if parent.keys():
        raise malformed(path, _NO_ATTRIBUTES)
    text = parent.text
    if text is not None and text.strip(" \t\r\n"):
        raise malformed(path, "there is text between elements")
    for kid in kids:
        text = kid.tail
        if text is not None and text.strip(" \t\r\n"):
            raise malformed(path, "there is text between elements")
    return kids


def read_shape(kids: Sequence[etree._Element], shape: Shape, path: str) -> dict[str, Any]:
    """Read child elements, all of them, in the order of the shape; raises ``WireError``."""
    found: dict[str, Any] = {}
    end = _read(kids, shape, path, found)
    if end < len(kids):
        raise malformed(f"{path}.{local(kids[end])}", "this element is not expected here")
    return found


def _read(kids: Sequence[etree._Element], shape: Shape, path: str, found: dict[str, Any]) -> int:
    at = 0
    count = len(kids)
    for part in shape:
        here = at < count and kids[at].tag == part.tag
        if isinstance(part, Nest):
            if not here:
                raise malformed(f"{path}.{part.element}", "this element is missing or out of order")
            inner = f"{path}.{part.element}"
            found.update(read_shape(children(kids[at], inner), part.shape, inner))
            at += 1
            continue
        if not here:
            if not part.optional:
                raise malformed(f"{path}.{part.element}", "this element is missing or out of order")
            found[part.attribute] = None
            continue
        if part.most == 1:
            found[part.attribute] = read_leaf(kids[at], part, path)
            at += 1
            continue
        values = []
        while at < count and kids[at].tag == part.tag:
            values.append(read_leaf(kids[at], part, path))
            at += 1
            if len(values) > part.most:
                raise malformed(f"{path}.{part.element}", f"there are at most {part.most} of these")
        found[part.attribute] = tuple(values)
    return at


def read_leaf(element: etree._Element, leaf: Leaf, path: str) -> Any:
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
        if isinstance(part, Nest):
            parts.append(f"<sr:{part.element}>{write_shape(value, part.shape)}</sr:{part.element}>")
            continue
        given = getattr(value, part.attribute)
        if given is None:
            continue
        write = part.codec.write
        texts = [write(item) for item in given] if part.most > 1 else [write(given)]
        parts += [f"<sr:{part.element}>{text}</sr:{part.element}>" for text in texts]
    return "".join(parts)


def check_shape(value: object, shape: Shape) -> None:
    """Check every field of a value; raises ``ValueError`` or ``WireError`` naming the field."""
    for part in shape:
        if isinstance(part, Nest):
            check_shape(value, part.shape)
            continue
        given = getattr(value, part.attribute)
        if given is None and part.optional:
            continue
        if part.most > 1 and not (isinstance(given, tuple) and 1 <= len(given) <= part.most):
            raise ValueError(f"{part.attribute}: a tuple of 1 to {part.most} values was expected")
        try:
            if part.most == 1:
                part.codec.check(given)
                continue
            for item in given:
                part.codec.check(item)
        except WireError as error:
            raise error.moved(0, part.attribute) from None
        except (ValueError, TypeError) as error:
            raise ValueError(f"{part.attribute}: {error}") from None


def trusted(cls: type[T], fields: Mapping[str, Any]) -> T:
    """A value of fields that codecs have just read: what a codec reads it has checked, so nothing is checked twice."""
    value = object.__new__(cls)
    for name, content in fields.items():
        object.__setattr__(value, name, content)
    return value


@dataclass(frozen=True, slots=True)
class Shaped:
    """Base of values whose content is one shape: checked on construction, read from and written to one element."""

    ELEMENT: ClassVar[str]
    SHAPE: ClassVar[Shape]

    def __post_init__(self) -> None:
        """Check every field; raises ``ValueError``, or ``WireError`` for a certificate that is not one."""
        check_shape(self, self.SHAPE)
        self.check_rule()

    def check_rule(self) -> None:
        """What a class asks for beyond its fields; raises ``ValueError``."""

    @classmethod
    def read(cls, element: etree._Element, path: str) -> Self:
        """Read the element of this value; raises ``WireError`` whose path begins with ``path``."""
        inner = f"{path}.{cls.ELEMENT}"
        value = trusted(cls, read_shape(children(element, inner), cls.SHAPE, inner))
        try:
            value.check_rule()
        except ValueError as error:
            raise malformed(inner, str(error)) from None
        return value

    def write(self) -> str:
        """The element as canonical XML with prefix ``sr``, on one line."""
        return f"<sr:{self.ELEMENT}>{write_shape(self, self.SHAPE)}</sr:{self.ELEMENT}>"
