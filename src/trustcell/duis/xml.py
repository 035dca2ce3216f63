"""The hardened XML parser: octets in, a tree without surprises out.

What is refused: everything but UTF-8, any DOCTYPE, processing instructions, undefined entities, documents beyond the
bounds below. What is tolerated: one UTF-8 byte order mark directly before the document, comments (they are dropped,
as the canonical form of the digest drops them), CDATA sections (they are text). Nothing is ever fetched or opened.
"""

import functools
import re
from dataclasses import dataclass

from lxml import etree

from trustcell.vocab import WireError

MAX_OCTETS = 2 * 1024 * 1024
"""Default bound on the size of one message, in octets."""

MAX_MARKUP = 20_000
"""Most tags, comments and CDATA sections in one message; the largest published template has 659.

Elements nest at most 256 deep: that bound is libxml2's own, in force as long as ``huge_tree`` is off.
"""

_MAX_EQUALS = 8_192  # every attribute and every namespace declaration needs one
_MAX_NAMESPACES = 64
_TINY = 8 * 1024
_SMALL = 64 * 1024
_MAX_NAMES = 512

_SPACES = frozenset((b" ", b"\t", b"\r", b"\n"))
_FIRST = _SPACES | {b"<"}
_BOM = b"\xef\xbb\xbf"
_DECLARATION = re.compile(
    rb"<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*([\"'])1\.0\1"
    rb"(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*([\"'])([A-Za-z][A-Za-z0-9._-]*)\2)?"
    rb"(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*([\"'])(?:yes|no)\4)?[ \t\r\n]*\?>"
)
_BEFORE_ROOT = re.compile(rb"(?:[ \t\r\n]+|<!--.*?-->|<\?.*?\?>)*", re.DOTALL)
_LONG_TAG = re.compile(rb"<[^<>]{2048}")
_TAG_NAME = re.compile(rb"<([^!?/\s<>][^\s<>/]*)")
_LIMIT_WORDS = ("depth", "huge", "amplification", "too long", "too big", "too large", "limit")


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One parsed message: the octets that came in (without byte order mark) and the tree made from just these.

    The tree belongs to this value: read it, never change it, because signature checks digest it.
    """

    octets: bytes
    root: etree._Element


def parse_document(octets: bytes, *, max_octets: int = MAX_OCTETS) -> Document:
    """Parse one XML document of at most ``max_octets`` octets; raises ``WireError``.

    Codes: ``xml_limit_exceeded``, ``xml_encoding_unsupported``, ``xml_dtd_forbidden``, ``xml_pi_forbidden``,
    ``xml_not_well_formed``.
    """
    if len(octets) > max_octets:
        raise WireError(max_octets, "", f"a message has at most {max_octets} octets", "xml_limit_exceeded")
    octets = _utf8(bytes(octets))
    body_at = _after_declaration(octets)
    root_first = octets[body_at : body_at + 1] == b"<" and octets[body_at + 1 : body_at + 2] not in (b"!", b"?")
    if not root_first:
        _refuse_doctype(octets, body_at)
    if len(octets) > _TINY:
        _refuse_excess(octets)
    root = _parse(octets)
    if not root_first and root.getroottree().docinfo.internalDTD is not None:
        raise _dtd(body_at)
    if octets.find(b"?", body_at) >= 0:
        _refuse_instructions(root)
    return Document(octets, root)


def _utf8(octets: bytes) -> bytes:
    """Hold UTF-8 and drop one byte order mark; a zero octet is the mark of UTF-16 and UTF-32."""
    if octets.startswith(_BOM):
        octets = octets[3:]
    if octets[:2] in (b"\xfe\xff", b"\xff\xfe") or b"\0" in octets[:2] or octets[:4] == b"\x4c\x6f\xa7\x94":
        raise WireError(0, "", "the only encoding of a message is UTF-8", "xml_encoding_unsupported")
    if octets[:1] not in _FIRST:
        raise WireError(0, "", "a message begins with a tag", "xml_not_well_formed")
    if not octets.isascii():
        try:
            octets.decode("utf-8")
        except UnicodeDecodeError as error:
            raise WireError(error.start, "", "this octet is not UTF-8", "xml_not_well_formed") from None
    return octets


def _after_declaration(octets: bytes) -> int:
    """Where the document goes on after its XML declaration, 0 if it has none."""
    if not octets.startswith(b"<?xml") or octets[5:6] not in _SPACES:
        return 0
    end = octets.find(b"?>", 5, 256) + 2
    _check_declaration(octets[:end])
    return end


@functools.lru_cache(maxsize=64)
def _check_declaration(octets: bytes) -> None:
    match = _DECLARATION.fullmatch(octets)
    if match is None:
        raise WireError(0, "", "the XML declaration is not one of XML 1.0", "xml_not_well_formed")
    if match[3] is not None and match[3].upper() != b"UTF-8":
        raise WireError(match.start(3), "", "the only encoding of a message is UTF-8", "xml_encoding_unsupported")


def _refuse_doctype(octets: bytes, at: int) -> None:
    """A DOCTYPE can stand only before the root; elsewhere these octets are text of a comment or CDATA, or an error."""
    match = _BEFORE_ROOT.match(octets, at)
    end = match.end() if match else at
    if octets.startswith(b"<!DOCTYPE", end):
        raise _dtd(end)


def _dtd(at: int) -> WireError:
    return WireError(at, "", "a message has no document type declaration", "xml_dtd_forbidden")


def _refuse_excess(octets: bytes) -> None:
    """Bound what the parser has to build; names in particular, because libxml2 keeps every name it has ever seen.

    Smaller messages are bounded by their size; namespaces cost elements times declarations later on.
    """
    if octets.count(b"xmlns") > _MAX_NAMESPACES or (
        len(octets) > _SMALL
        and (
            octets.count(b"<") > MAX_MARKUP
            or octets.count(b"=") > _MAX_EQUALS
            or _LONG_TAG.search(octets) is not None
            or len(set(_TAG_NAME.findall(octets))) > _MAX_NAMES
        )
    ):
        raise WireError(-1, "", "more or longer markup than any message needs", "xml_limit_exceeded")


@functools.cache
def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        recover=False,
    )


def _parse(octets: bytes) -> etree._Element:
    try:
        root = etree.fromstring(octets, _parser())
    except etree.XMLSyntaxError as error:
        words = str(error)
        if any(word in words for word in _LIMIT_WORDS):
            raise WireError(-1, "", "the message exceeds a bound of the XML parser", "xml_limit_exceeded") from None
        line, column = error.position
        raise WireError(-1, "", f"not well-formed XML at line {line}, column {column}", "xml_not_well_formed") from None
    except ValueError:
        raise WireError(-1, "", "not well-formed XML", "xml_not_well_formed") from None
    if root is None:
        raise WireError(-1, "", "there is no root element", "xml_not_well_formed")
    return root


def _refuse_instructions(root: etree._Element) -> None:
    """Refuse processing instructions inside the root and beside it."""
    inside = next(root.iter(etree.ProcessingInstruction), None)
    if inside is not None or root.getprevious() is not None or root.getnext() is not None:
        raise WireError(-1, "", "a message has no processing instructions", "xml_pi_forbidden")
