"""Whether a certificate is what its record in the repository says, and what its request asked for."""

from collections.abc import Iterator
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustcell_audit import der
from trustcell_audit import profiles as p
from trustcell_audit.certificate import Parsed
from trustcell_audit.findings import Problem
from trustcell_audit.keys import sha256
from trustcell_audit.lint import hardware_module


def entity_of(found: Parsed) -> str:
    """The EUI-64 in hex: of the subject, or of the hardwareModuleName; empty for none."""
    identifiers = found.attributes(p.UNIQUE_IDENTIFIER)
    if identifiers and isinstance(identifiers[0], bytes):
        return identifiers[0][1:].hex()
    module = hardware_module(found)
    return "" if module is None else module[1].hex()


def role_of(found: Parsed) -> int | None:
    """The role of two hex digits in the OU."""
    units = found.attributes(p.UNIT)
    unit = units[0] if len(units) == 1 else ""
    return int(unit, 16) if isinstance(unit, str) and len(unit) == 2 and set(unit) <= set("0123456789ABCDEF") else None


def usage_of(found: Parsed) -> int:
    """Key usage as a number: bit n of the BIT STRING is 1 << n."""
    extension = found.extension(p.KEY_USAGE)
    return 0 if extension is None else _bits(extension.value)


def match_record(found: Parsed, record: dict[str, Any], place: str) -> list[Problem]:
    """Fields of the record that do not agree with the certificate, each by name."""
    ski = found.extension(p.SKI)
    entity = entity_of(found)
    facts: dict[str, Any] = {
        "serial": f"{found.serial:032X}",
        "key": sha256(found.key_info),
        "ski": "" if ski is None else ski.value[2:].hex(),
        "key_usage": usage_of(found),
        "role": role_of(found),
        "entity_id": entity,
        "not_before": found.not_before.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "not_after": f"{found.not_after.year:04}{found.not_after.strftime('-%m-%dT%H:%M:%SZ')}",
    }
    return [
        Problem("record_differs", place, f"the record says {record.get(name)!r}, the certificate {value!r}", name)
        for name, value in facts.items()
        if record.get(name) != value
    ]


def match_request(found: Parsed, csr: bytes, kind: str, place: str) -> list[Problem]:
    """What in the certificate was not asked for in its CSR, and whether the CSR proves possession of the key."""
    try:
        asked = x509.load_der_x509_csr(csr)
        faults = list(_asked(found, asked, kind))
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        return [Problem("csr_unreadable", place, str(error) or type(error).__name__)]
    return [Problem("csr_differs", place, message, name) for name, message in faults]


def _asked(found: Parsed, asked: x509.CertificateSigningRequest, kind: str) -> Iterator[tuple[str, str]]:
    if not asked.is_signature_valid:
        yield "signature", "it is not signed with the key it holds"
    info = asked.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if info != found.key_info:
        yield "subjectPublicKeyInfo", "another key was asked for"
    extensions = {each.oid.dotted_string: each.value.public_bytes() for each in asked.extensions}
    if _bits(extensions.get(p.KEY_USAGE, b"")) != usage_of(found):
        yield "keyUsage", "another key usage was asked for"
    if kind == "device":
        module = hardware_module(found)
        if module is None or not extensions.get(p.ALTERNATIVE_NAME, b"").endswith(der.tlv(der.OCTET_STRING, module[1])):
            yield "subjectAltName", "another device was asked for"
    elif _values(asked.subject) != _values(found.library.subject):
        yield "subject", "another subject was asked for"


def _values(name: x509.Name) -> list[tuple[str, str | bytes]]:
    return [(each.oid.dotted_string, each.value) for each in name]


def _bits(value: bytes) -> int:
    """The BIT STRING of a keyUsage as a number."""
    body = value[3:] if len(value) > 3 and value[0] == der.BIT_STRING else b""
    return sum(1 << (8 * at + bit) for at, octet in enumerate(body) for bit in range(8) if octet & (0x80 >> bit))
