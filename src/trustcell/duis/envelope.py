"""What requests and responses share: the root with its schema version, one Header, one Body, at most one Signature."""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from lxml import etree

from trustcell.duis.names import DS, SIGNATURE_TAG, SR, XSI, sr
from trustcell.duis.shape import children, local, malformed
from trustcell.duis.xml import Document
from trustcell.vocab import WireError

DECLARATION = b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>'
"""What real clients begin a message with."""

SCHEMA_VERSION = Decimal("5.4")
"""The version this room writes unless told otherwise."""

_LEAST, _BEYOND = Decimal(5), Decimal(6)
_VERSION = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,6})?", re.ASCII)
_SCHEMA_LOCATION = f"{{{XSI}}}schemaLocation"
_HEADER = sr("Header")
_ROOTS = MappingProxyType({name: sr(name) for name in ("Request", "Response")})
_PLAIN = [_HEADER, sr("Body")]
_SIGNED = [*_PLAIN, SIGNATURE_TAG]


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """The parts of a message before anything in them is read."""

    schema_version: Decimal
    header: Sequence[etree._Element]
    body: etree._Element


def read_envelope(document: Document, name: str) -> Envelope:
    """Take a document apart whose root is ``name``; raises ``WireError``.

    The root may carry ``xsi:schemaLocation``, which is ignored. Codes: ``schema_invalid``,
    ``schema_version_unsupported``.
    """
    root = document.root
    if root.tag != _ROOTS[name]:
        raise malformed(local(root), f"the root element {name} of the DUIS namespace was expected")
    for attribute in map(str, root.attrib):
        if attribute not in ("schemaVersion", _SCHEMA_LOCATION):
            raise malformed(f"{name}.{attribute[:80]}", "this attribute is not expected here")
    version = read_version(root.get("schemaVersion"), name)
    kids = list(root)
    tags = [kid.tag for kid in kids]
    if tags != _SIGNED and tags != _PLAIN:
        raise malformed(name, "one Header, one Body and at most one Signature in this order were expected")
    for text in (root.text, *[kid.tail for kid in kids]):
        if text is not None and text.strip(" \t\r\n"):
            raise malformed(name, "there is text between elements")
    header = children(kids[0], f"{name}.Header")
    body = children(kids[1], f"{name}.Body")
    if len(body) != 1:
        raise malformed(f"{name}.Body", "exactly one element was expected")
    return Envelope(version, header, body[0])


def read_version(text: str | None, name: str) -> Decimal:
    """The schema version, compared as a decimal number: 5.0 <= version < 6.0, so ``5.40`` is 5.4."""
    version = None if text is None else _supported_version(text)
    if version is None:
        raise WireError(
            -1,
            f"{name}.schemaVersion",
            "a schema version from 5.0 to below 6.0 was expected",
            "schema_version_unsupported",
        )
    return version


@functools.lru_cache(maxsize=16)
def _supported_version(text: str) -> Decimal | None:
    if not _VERSION.fullmatch(text):
        return None
    version = Decimal(text)
    return version if supported(version) else None


def supported(version: Decimal) -> bool:
    """Whether this room reads and writes a schema version."""
    return version is SCHEMA_VERSION or (
        isinstance(version, Decimal) and version.is_finite() and _LEAST <= version < _BEYOND
    )


class Written(bytes):
    """A message this room wrote: unsigned, on one line, canonical from the root on; ``sign`` need not parse it."""

    __slots__ = ()

    @property
    def canonical(self) -> bytes:
        """The message without its declaration."""
        return self[len(DECLARATION) :]


def write_envelope(name: str, version: Decimal, header: str, body: str) -> Written:
    """A whole unsigned message on one line, canonical from the root on, as real clients send it (duis-dsp.md 2)."""
    message = (
        f'<sr:{name} xmlns:ds="{DS}" xmlns:sr="{SR}" xmlns:xsi="{XSI}" schemaVersion="{version:f}">'
        f"<sr:Header>{header}</sr:Header><sr:Body>{body}</sr:Body></sr:{name}>"
    )
    return Written(DECLARATION + message.encode())
