"""Canonical octets of a message without its signature: what the one reference of a DUIS signature digests.

Inclusive C14N 1.0 without comments (duis-dsp.md 2, point 1). Real messages stand on one line and are canonical but for
the root tag, so a few scans prove that the octets as received can be used; everything else goes through lxml. Both ways
give the same octets, and the tests hold them to it.
"""

import copy
import functools
from typing import NamedTuple

from lxml import etree

from trustcell.duis.names import DS, SIGNATURE_TAG
from trustcell.duis.shape import malformed
from trustcell.duis.xml import Document

_SPACE = b" \t\r\n"
_NAME_END = frozenset(b" \t\r\n/>")
_UNPLAIN = ("&", "<", ">", '"', "\t", "\r", "\n")
_SIGNATURE = b"<ds:Signature"
_END = b"</ds:Signature>"


class Cut(NamedTuple):
    """A message cut in two: the canonical octets less the signature, and the rest from the signature on as received.

    ``tail`` is ``None`` where the canonical octets had to be made rather than found.
    """

    canonical: bytes
    tail: bytes | None


class _Root(NamedTuple):
    opening: bytes
    closing: bytes


def cut_signature(document: Document, signature: etree._Element | None) -> Cut:
    """Cut ``signature``, the last child of the root and the only one, off the document; raises ``WireError``."""
    return _as_received(document.octets, signature is not None) or Cut(_by_lxml(document, signature), None)


def _as_received(octets: bytes, signed: bool) -> Cut | None:
    """The canonical octets cut out of well-formed received ones, or ``None`` where that is not proven to be right.

    Proof: between root tag and signature there is no white space, so no tag has attributes or declares a namespace;
    no reference, comment (``!``), CDATA section (``!``), instruction (``?``) or empty-element tag (``/>``); and no
    ``>`` in text, as there are as many as ``<``. The prefix ``ds`` means signatures at the root or nothing. The
    message ends with the end tags of signature and root, so no text follows the signature; the last start tag
    ``ds:Signature`` begins it, unless it stands in a comment or CDATA, whose start would be in the part just scanned.
    """
    start = octets.find(b"<", octets.find(b"?>") if octets.startswith(b"<?xml ") else 0)
    begin = octets.find(b">", start) + 1
    root = _root(octets[start:begin])
    if root is None:
        return None
    ending = _END + root.closing if signed else root.closing
    if not octets.endswith(ending):
        octets = octets.rstrip(_SPACE)
        if not octets.endswith(ending):
            return None
    end = octets.rfind(_SIGNATURE, begin) if signed else len(octets) - len(ending)
    while end >= 0 and signed and octets[end + len(_SIGNATURE)] not in _NAME_END:
        end = octets.rfind(_SIGNATURE, begin, end)
    if end < 0:
        return None
    content = octets[begin:end]
    if (
        b" " in content
        or b"\n" in content
        or b"\t" in content
        or b"\r" in content
        or b"&" in content
        or b"!" in content
        or b"?" in content
        or b"/>" in content
        or content.count(b"<") != content.count(b">")
    ):
        return None
    return Cut(root.opening + content + root.closing, octets[end:])


@functools.lru_cache(maxsize=64)
def _root(tag: bytes) -> _Root | None:
    """Canonical start and end tag for a root tag as received; ``None`` unless it is as plain as tags of clients are.

    Plain: ``sr:`` something, no attribute but ``schemaVersion``, prefix ``ds`` bound to signatures or not at all, and
    nothing in the values that canonical XML would write differently or that could hide the end of the tag.
    """
    try:
        root = etree.fromstring(tag[:-1] + b"/>", etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        return None
    nsmap = root.nsmap
    version = root.get("schemaVersion")
    name = f"sr:{str(root.tag).rpartition('}')[2]}"
    values = (version or "", *nsmap.values())
    if (
        root.prefix != "sr"
        or len(root.attrib) != 1
        or version is None
        or "xml" in nsmap
        or nsmap.get("ds", DS) != DS
        or any(unplain in value for value in values for unplain in _UNPLAIN)
        or len(root)
        or root.text is not None
    ):
        return None
    parts = sorted((prefix or "", uri) for prefix, uri in nsmap.items())
    text = "".join(f' xmlns:{prefix}="{uri}"' if prefix else f' xmlns="{uri}"' for prefix, uri in parts)
    return _Root(f'<{name}{text} schemaVersion="{version}">'.encode(), f"</{name}>".encode())


def _by_lxml(document: Document, signature: etree._Element | None) -> bytes:
    root = document.root
    if signature is not None:
        root = copy.deepcopy(root)
        _cut(root, next(root.iter(SIGNATURE_TAG)))
    try:
        return etree.tostring(root, method="c14n", exclusive=False, with_comments=False)
    except (etree.LxmlError, ValueError):
        raise malformed("", "this document has no canonical form") from None


def _cut(root: etree._Element, signature: etree._Element) -> None:
    """Remove the signature but keep the text that follows it, which the digest covers."""
    tail = signature.tail or ""
    before = signature.getprevious()
    if before is None:
        root.text = (root.text or "") + tail
    else:
        before.tail = (before.tail or "") + tail
    root.remove(signature)
