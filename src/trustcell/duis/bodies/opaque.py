"""Everything this room carries without reading it: an element by name, held to the schema, as canonical octets."""

import functools
import re

from lxml import etree

from trustcell.duis.bodies.judge import judge
from trustcell.duis.names import SR, sr
from trustcell.duis.shape import local, malformed
from trustcell.duis.xml import parse_document
from trustcell.vocab import WireError

_AFTER_END_TAG = re.compile(rb"(</[^<>]*>)[ \t\r\n]+(?=<)")
_BEFORE_START_TAG = re.compile(rb">[ \t\r\n]+(?=<[^/])")
_PREFIX = sr("")
_DECLARED = f' xmlns:sr="{SR}"'.encode()


@functools.cache
def _foreign() -> etree.XPath:
    """Whether something comes from another namespace: elements outside DUIS, or attributes in any namespace."""
    return etree.XPath(
        "boolean(descendant::*[not(self::sr:*)]) or boolean(descendant-or-self::*/@*[namespace-uri()])",
        namespaces={"sr": SR},
    )


class OpaqueBody:
    """An element ``element_name`` of the DUIS namespace: ``octets`` is its exclusive C14N without ignorable space.

    Two values are equal when their canonical octets are. White space between elements is not content in DUIS. A value
    that was read makes its octets when they are first asked for.
    """

    __slots__ = ("_element", "_octets", "element_name")

    element_name: str

    def __init__(self, element_name: str, octets: bytes) -> None:
        """Hold that the octets are this element in canonical form; raises ``ValueError``."""
        try:
            root = parse_document(octets, max_octets=len(octets)).root
            if root.tag != sr(element_name) or _foreign()(root) or canonical_element(root) != octets:
                raise ValueError(f"canonical octets of one element {element_name} were expected")
            judge(root, "")
        except WireError as error:
            raise ValueError(str(error)) from None
        self.element_name = element_name
        self._octets: bytes | None = octets
        self._element = root

    @classmethod
    def read(cls, element: etree._Element, path: str) -> "OpaqueBody":
        """Take an element of a parsed message; raises ``WireError`` if something foreign stands in it."""
        tag = str(element.tag)
        if not tag.startswith(_PREFIX) or _foreign()(element):
            raise malformed(f"{path}.{local(element)}", "DUIS elements with plain attributes were expected")
        judge(element, path)
        taken = cls.__new__(cls)
        taken.element_name = tag[len(_PREFIX) :]
        taken._octets = None
        taken._element = element
        return taken

    @property
    def octets(self) -> bytes:
        """The canonical octets of the element."""
        if self._octets is None:
            self._octets = canonical_element(self._element)
        return self._octets

    def write(self) -> str:
        """The element as it stands inside a message whose root declares the prefix ``sr``."""
        return self.octets.replace(_DECLARED, b"", 1).decode("utf-8")

    def __eq__(self, other: object) -> bool:
        """Equal names and canonical octets."""
        return isinstance(other, OpaqueBody) and self.octets == other.octets

    def __hash__(self) -> int:
        """By canonical octets."""
        return hash(self.octets)

    def __repr__(self) -> str:
        """Readable in test output."""
        return f"OpaqueBody({self.element_name!r}, {self.octets!r})"


def canonical_element(element: etree._Element) -> bytes:
    """Exclusive C14N of one element, without the white space between elements."""
    try:
        octets = etree.tostring(element, method="c14n", exclusive=True, with_comments=False, with_tail=False)
    except (etree.LxmlError, ValueError):
        raise malformed(local(element), "this element has no canonical form") from None
    return _BEFORE_START_TAG.sub(b">", _AFTER_END_TAG.sub(rb"\1", octets))
