"""The signature element of DUIS: one fixed profile, read strictly, written in one way.

Accepted is exactly: ``Signature { SignedInfo { CanonicalizationMethod SignatureMethod Reference { Transforms {
Transform } DigestMethod DigestValue } } SignatureValue KeyInfo { X509Data { X509IssuerSerial { X509IssuerName
X509SerialNumber } } } }`` with the algorithms below, ``URI=""`` and no other attribute. Tolerated: any prefix, white
space between elements and inside the base64 of DigestValue and SignatureValue (clients send ``&#13;`` and a line feed
there), comments. Nothing else is, not even an explicit canonicalisation transform or an ``Id``.
"""

import binascii
import functools
import re
from dataclasses import dataclass

from lxml import etree

from trustcell.duis.encodings import read_base64
from trustcell.duis.lexical import escape, free_text
from trustcell.duis.names import DS, SIGNATURE_TAG, signature_finding
from trustcell.duis.shape import malformed
from trustcell.duis.xml import Document
from trustcell.vocab import Finding, Refused

EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"

_SPACE = " \t\r\n"
_ISSUER_NAME = free_text(1, 256)
_MAX_SERIAL_DIGITS = 49  # 20 octets, RFC 5280 4.1.2.2


def _ds(name: str) -> str:
    return f"{{{DS}}}{name}"


_PROFILE: tuple[tuple[str, int, list[tuple[str, str]]], ...] = (
    (_ds("Signature"), 3, []),
    (_ds("SignedInfo"), 3, []),
    (_ds("CanonicalizationMethod"), 0, [("Algorithm", EXCLUSIVE_C14N)]),
    (_ds("SignatureMethod"), 0, [("Algorithm", ECDSA_SHA256)]),
    (_ds("Reference"), 3, [("URI", "")]),
    (_ds("Transforms"), 1, []),
    (_ds("Transform"), 0, [("Algorithm", ENVELOPED)]),
    (_ds("DigestMethod"), 0, [("Algorithm", SHA256)]),
    (_ds("DigestValue"), 0, []),
    (_ds("SignatureValue"), 0, []),
    (_ds("KeyInfo"), 1, []),
    (_ds("X509Data"), 1, []),
    (_ds("X509IssuerSerial"), 2, []),
    (_ds("X509IssuerName"), 0, []),
    (_ds("X509SerialNumber"), 0, []),
)
"""Tag, number of children and attributes of each element in document order: together they fix the whole tree."""

_HEAD_END = b"<ds:DigestValue>"
_MIDDLE = b"</ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue>"
_VALUE_END = b"</ds:SignatureValue>"
_USUAL_HEAD = re.compile(
    rb'<ds:Signature(?: xmlns:ds="http://www\.w3\.org/2000/09/xmldsig#")?><ds:SignedInfo>'
    rb'<ds:CanonicalizationMethod Algorithm="http://www\.w3\.org/2001/10/xml-exc-c14n#"'
    rb"(?:/>|></ds:CanonicalizationMethod>)"
    rb'<ds:SignatureMethod Algorithm="http://www\.w3\.org/2001/04/xmldsig-more#ecdsa-sha256"'
    rb"(?:/>|></ds:SignatureMethod>)"
    rb'<ds:Reference URI=""><ds:Transforms>'
    rb'<ds:Transform Algorithm="http://www\.w3\.org/2000/09/xmldsig#enveloped-signature"(?:/>|></ds:Transform>)'
    rb"</ds:Transforms>"
    rb'<ds:DigestMethod Algorithm="http://www\.w3\.org/2001/04/xmlenc#sha256"(?:/>|></ds:DigestMethod>)'
)
_USUAL_KEY = re.compile(
    rb"<ds:KeyInfo><ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>([A-Za-z0-9=, ]{1,64})</ds:X509IssuerName>"
    rb"<ds:X509SerialNumber>([0-9]{1,49})</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data></ds:KeyInfo>"
    rb"</ds:Signature></sr:(?:Request|Response)>[ \t\r\n]*"
)
"""With the names above, the signature as clients write it, up to the end of the message, character by character."""

_VALUES = frozenset({8, 9, 13, 14})
_SIGNED_INFO = range(1, 9)


@dataclass(frozen=True, slots=True)
class SignatureClaim:
    """What a signature says, before anything is proven: who signed, the digest, and the value over ``signed_info``.

    ``digest`` has 32 octets, ``value`` 64 (r and s), ``signed_info`` is the canonical SignedInfo that was signed.
    """

    issuer_name: str
    serial: int
    digest: bytes
    value: bytes
    signed_info: bytes

    def __post_init__(self) -> None:
        """Hold the sizes; raises ``ValueError``."""
        if len(self.digest) != 32 or len(self.value) != 64 or self.serial < 0:
            raise ValueError("a digest of 32 octets, a value of 64 and a serial number were expected")


def find_signature(document: Document) -> etree._Element:
    """The one signature, last child of the root.

    Raises ``Refused`` with ``signature_missing`` or ``signature_misplaced``.
    """
    root = document.root
    signatures = list(root.iter(SIGNATURE_TAG))
    if not signatures:
        raise _refused("signature_missing", "Signature", "the message has no signature")
    if len(signatures) > 1 or len(root) == 0 or root[-1] is not signatures[0]:
        findings = [
            signature_finding("signature_misplaced", "Signature", "one signature, last child of the root, was expected")
        ]
        raise Refused(findings + _diagnose(signatures[0]))
    return signatures[0]


def read_claim(signature: etree._Element, tail: bytes | None = None) -> SignatureClaim:
    """Read a signature element strictly; raises ``Refused`` with every finding, or ``WireError``.

    ``tail`` are the octets the element was parsed from, up to the end of the message. If they are the usual ones
    character by character they are read without a walk through the tree.
    """
    claim = None if tail is None else _usual(tail)
    return _walk(signature) if claim is None else claim


def _usual(tail: bytes) -> SignatureClaim | None:
    """The claim of a signature written as clients do, ``None`` for any other way, right or wrong."""
    head = tail.find(_HEAD_END)
    digest_at = head + len(_HEAD_END)
    value_at = digest_at + 44 + len(_MIDDLE)
    value_end = tail.find(_VALUE_END, value_at)
    if head < 0 or value_end < 0 or not tail.startswith(_MIDDLE, digest_at + 44) or not _usual_head(tail[:head]):
        return None
    key = _usual_key(tail[value_end + len(_VALUE_END) :])
    if key is None:
        return None
    try:
        digest = tail[digest_at : digest_at + 44].decode("ascii")
        value = read_base64(tail[value_at:value_end].replace(b"&#13;", b"").decode("ascii"))
        return SignatureClaim(key[0], key[1], read_base64(digest), value, signed_info_octets(digest))
    except ValueError:
        return None


@functools.lru_cache(maxsize=64)
def _usual_head(head: bytes) -> bool:
    return _USUAL_HEAD.fullmatch(head) is not None


@functools.lru_cache(maxsize=1024)
def _usual_key(octets: bytes) -> tuple[str, int] | None:
    match = _USUAL_KEY.fullmatch(octets)
    return None if match is None else (match[1].decode("ascii").strip(" "), int(match[2]))


def _walk(signature: etree._Element) -> SignatureClaim:
    parts = list(signature.iter())
    if len(parts) != len(_PROFILE) or any(
        (part.tag, len(part), part.items()) != expected for part, expected in zip(parts, _PROFILE, strict=True)
    ):
        raise Refused(
            _diagnose(signature)
            or [signature_finding("signature_malformed", "Signature", "not the signature profile of DUIS")]
        )
    texts = [part.text for part in parts]
    if any(texts[at] is not None and at not in _VALUES for at in range(len(parts))) or any(
        part.tail is not None for part in parts[1:]
    ):
        spaced = True
        _refuse_text(parts)
    else:
        spaced = False
    findings = _value_findings(texts[8], texts[9])
    if findings:
        raise Refused(findings)
    serial = (texts[14] or "").strip(_SPACE)
    if not (serial.isascii() and serial.isdigit() and len(serial) <= _MAX_SERIAL_DIGITS):
        raise malformed("Signature.X509SerialNumber", "a decimal serial number was expected")
    digest = texts[8] or ""
    if spaced or digest.strip(_SPACE) != digest or len(digest) != 44 or parts[1].prefix is None:
        signed_info = _by_lxml(parts[1])
    else:
        prefixes = {part.prefix for part in parts[1:9]}
        signed_info = _by_lxml(parts[1]) if len(prefixes) > 1 else signed_info_octets(digest, str(parts[1].prefix))
    return SignatureClaim(
        (texts[13] or "").strip(_SPACE), int(serial), read_base64(digest), read_base64(texts[9] or ""), signed_info
    )


def signed_info_octets(digest: str, prefix: str = "ds") -> bytes:
    """Exclusive C14N of the one SignedInfo this profile allows, for a digest in base64."""
    before, after = _signed_info_parts(prefix)
    return before + digest.encode("ascii") + after


@functools.lru_cache(maxsize=16)
def _signed_info_parts(p: str) -> tuple[bytes, bytes]:
    before = (
        f'<{p}:SignedInfo xmlns:{p}="{DS}">'
        f'<{p}:CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"></{p}:CanonicalizationMethod>'
        f'<{p}:SignatureMethod Algorithm="{ECDSA_SHA256}"></{p}:SignatureMethod>'
        f'<{p}:Reference URI=""><{p}:Transforms>'
        f'<{p}:Transform Algorithm="{ENVELOPED}"></{p}:Transform></{p}:Transforms>'
        f'<{p}:DigestMethod Algorithm="{SHA256}"></{p}:DigestMethod><{p}:DigestValue>'
    )
    return before.encode(), f"</{p}:DigestValue></{p}:Reference></{p}:SignedInfo>".encode()


def signature_octets(digest: str, value: bytes, issuer_name: str, serial: int) -> bytes:
    """The whole signature element on one line; raises ``ValueError`` for a wrong issuer name or serial."""
    before, after = signature_parts(issuer_name, serial)
    return b"".join(
        (before, digest.encode("ascii"), _MIDDLE, binascii.b2a_base64(value, newline=False), _VALUE_END, after)
    )


@functools.lru_cache(maxsize=64, typed=True)
def signature_parts(issuer_name: str, serial: int) -> tuple[bytes, bytes]:
    """What a signature by one signer says before its digest and after its value; raises ``ValueError``."""
    _ISSUER_NAME.check(issuer_name)
    if isinstance(serial, bool) or not 0 <= serial < 1 << 160:
        raise ValueError("a serial number of at most 20 octets was expected")
    info = _signed_info_parts("ds")[0].replace(f' xmlns:ds="{DS}"'.encode(), b"", 1)
    key = (
        "<ds:KeyInfo><ds:X509Data><ds:X509IssuerSerial>"
        f"<ds:X509IssuerName>{escape(issuer_name)}</ds:X509IssuerName>"
        f"<ds:X509SerialNumber>{serial}</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data></ds:KeyInfo>"
        "</ds:Signature>"
    )
    return f'<ds:Signature xmlns:ds="{DS}">'.encode() + info, key.encode()


def _refuse_text(parts: list[etree._Element]) -> None:
    for at, part in enumerate(parts):
        texts = [part.tail if at else None, None if at in _VALUES else part.text]
        if any(text is not None and text.strip(_SPACE) for text in texts):
            raise malformed("Signature", "there is text between elements")


def _by_lxml(signed_info: etree._Element) -> bytes:
    try:
        return etree.tostring(signed_info, method="c14n", exclusive=True, with_comments=False, with_tail=False)
    except (etree.LxmlError, ValueError):
        raise malformed("Signature.SignedInfo", "this element has no canonical form") from None


def _value_findings(digest: str | None, value: str | None) -> list[Finding]:
    if value is None or not value.strip(_SPACE):
        return [signature_finding("signature_missing", "Signature.SignatureValue", "the signature value is empty")]
    findings = []
    for field, text, size, what in (
        ("SignatureValue", value, 64, "r and s in base64, 32 octets each,"),
        ("DigestValue", digest or "", 32, "32 octets in base64"),
    ):
        try:
            fits = len(read_base64(text)) == size
        except ValueError:
            fits = False
        if not fits:
            findings.append(
                signature_finding("signature_invalid", f"Signature.{field}", f"{what} were expected", defect="encoding")
            )
    return findings


def _diagnose(signature: etree._Element) -> list[Finding]:
    """Name every departure from the profile in a signature that does not follow it."""
    findings: list[Finding] = []
    info = signature.find(_ds("SignedInfo"))
    if info is None:
        return [signature_finding("signature_malformed", "Signature.SignedInfo", "SignedInfo is missing")]
    for name, allowed, code in (
        ("SignatureMethod", ECDSA_SHA256, "algorithm_forbidden"),
        ("DigestMethod", SHA256, "algorithm_forbidden"),
        ("CanonicalizationMethod", EXCLUSIVE_C14N, "canonicalization_forbidden"),
    ):
        findings += [
            signature_finding(code, f"Signature.{name}", f"only {allowed} is allowed")
            for element in info.iter(_ds(name))
            if element.get("Algorithm") != allowed or len(element)
        ]
    references = info.findall(_ds("Reference"))
    uris = [reference.get("URI") for reference in references]
    transforms = [element.get("Algorithm") for element in info.iter(_ds("Transform"))]
    if uris != [""] or any(uri is not None and "xpointer" in uri for uri in uris):
        findings.append(
            signature_finding(
                "reference_not_whole_document", "Signature.Reference", 'exactly one reference URI="" is allowed'
            )
        )
    if transforms != [ENVELOPED] or any(len(element) for element in info.iter(_ds("Transform"))):
        findings.append(
            signature_finding(
                "transform_forbidden", "Signature.Transforms", f"exactly one transform, {ENVELOPED}, is allowed"
            )
        )
    value = signature.find(_ds("SignatureValue"))
    digest = next(info.iter(_ds("DigestValue")), None)
    findings += _value_findings(None if digest is None else digest.text, None if value is None else value.text)
    return findings


def _refused(code: str, field: str, message: str) -> Refused:
    return Refused([signature_finding(code, field, message)])
