"""What an export of the repository says of each certificate, and what a daily delta has to hold (smki.md 5.1)."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from trustcell.governance.rules.canonical import moment
from trustcell.smki.rules.records import CertificateRecord

COLUMNS = (
    "issuer",
    "serial",
    "family",
    "kind",
    "subject",
    "entity_id",
    "role",
    "key_usage",
    "ski",
    "key_sha256",
    "not_before",
    "not_after",
    "status",
    "changes",
    "issued_at",
    "lodged_at",
    "superseded_at",
    "revoked_at",
    "revocation_reason",
    "imported",
    "purpose",
    "approvals",
    "sha256",
    "file",
)
"""The columns of ``certificates.csv``, which are the fields of each line of ``certificates.jsonl``."""

_SPREADSHEET = ("=", "+", "-", "@", "\t", "\r")


def changes(record: CertificateRecord, since: datetime) -> tuple[str, ...]:
    """What happened to a certificate at ``since`` or later: issued, lodged, superseded, revoked."""
    moments = (
        ("issued", record.issued_at if not record.imported else record.lodged_at),
        ("lodged", record.lodged_at),
        ("superseded", record.superseded_at),
        ("revoked", record.revoked_at),
    )
    return tuple(name for name, at in moments if at is not None and at >= since)


def row(record: CertificateRecord, now: datetime, happened: Sequence[str], sha256: str, file: str) -> dict[str, Any]:
    """One certificate as JSON values; serial, digests and identifiers in hex, moments in UTC."""
    values: tuple[Any, ...] = (
        record.issuer,
        f"{record.serial:X}",
        record.family.value,
        record.kind,
        record.subject,
        str(record.entity_id) if record.entity_id is not None else None,
        record.role,
        record.key_usage.title,
        record.ski.hex(),
        record.key.hex(),
        moment(record.not_before),
        moment(record.not_after),
        record.status(now).value,
        list(happened),
        moment(record.issued_at),
        *(moment(at) if at else None for at in (record.lodged_at, record.superseded_at, record.revoked_at)),
        record.revocation_reason,
        record.imported,
        record.purpose,
        list(record.approvals),
        sha256,
        file,
    )
    return dict(zip(COLUMNS, values, strict=True))


def csv_line(values: Sequence[Any]) -> str:
    """One line of CSV; a text that a spreadsheet would run as a formula begins with an apostrophe (hostile P12)."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([_cell(value) for value in values])
    return text.getvalue()


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            return " ".join(value)
    written = str(value)
    return f"'{written}" if written.startswith(_SPREADSHEET) else written
