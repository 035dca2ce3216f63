"""Certificates of the repository as plain values, and as the octets of a file."""

import hashlib
import ssl
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from trustcell.app.certificate_facts import role_title
from trustcell.smki.rules.export_rows import row
from trustcell.smki.rules.integrity import ImportNote
from trustcell.smki.rules.records import CertificateRecord
from trustcell.vocab import KeyUsage

USAGES: Mapping[KeyUsage, tuple[str, ...]] = {
    KeyUsage.DIGITAL_SIGNATURE: ("DS", "digitalSignature"),
    KeyUsage.KEY_AGREEMENT: ("KA", "keyAgreement"),
}


def facts(record: CertificateRecord, now: datetime) -> dict[str, Any]:
    """What an export says of it, without the names of files, and a few words for people."""
    values = row(record, now, (), hashlib.sha256(record.der).hexdigest(), "")
    del values["changes"], values["file"]
    short = USAGES.get(record.key_usage)
    return {
        **values,
        "role_title": role_title(record.role),
        "usage": short[0] if short else record.key_usage.title,
        "request": record.request,
    }


def same_to_a_device(one: CertificateRecord, other: CertificateRecord) -> bool:
    """Whether a device reports both alike: subject, key identifier, use (smki.md 2.1)."""
    return (one.entity_id, one.ski, one.key_usage) == (other.entity_id, other.ski, other.key_usage)


def noted(note: ImportNote | None) -> dict[str, Any] | None:
    """What was noted at the import."""
    return None if note is None else {"pinned": note.pinned, "findings": [dict(each) for each in note.findings]}


def octets_for(record: CertificateRecord, file: Path) -> bytes:
    """DER, or PEM for a name that ends in ``.pem``."""
    return ssl.DER_cert_to_PEM_cert(record.der).encode() if file.suffix.lower() == ".pem" else record.der
