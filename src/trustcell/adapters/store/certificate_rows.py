"""Certificates as rows."""

from collections.abc import Sequence
from typing import Any

from trustcell.adapters.store.schema import CERTIFICATE
from trustcell.adapters.store.values import (
    listed,
    micros,
    micros_or_none,
    number,
    unlisted,
    when,
    when_or_none,
    wide,
)
from trustcell.smki.rules.records import CertificateRecord, Family
from trustcell.vocab import Eui64, KeyUsage

RECORD = tuple(column for column in CERTIFICATE.columns if column.name != "number")
"""The columns that a record is made of."""
COLUMNS = ", ".join(column.name for column in RECORD)
"""The same, for a SELECT in text."""
_FAMILIES = {each.value: each for each in Family}
_USAGES = {usage: KeyUsage(usage) for usage in range(512)}


def as_row(place: int, record: CertificateRecord) -> tuple[Any, ...]:
    """The values of a record in the order of the columns."""
    return (
        place, record.issuer, wide(record.serial), record.family.value, record.kind, record.subject, record.role,
        record.entity_id, record.key_usage.value, record.ski, record.key, micros(record.not_before),
        micros(record.not_after), record.der, micros(record.issued_at), record.request, record.key_use,
        listed(record.approvals), record.purpose, int(record.imported), *changing(record),
    )  # fmt: skip


def changing(record: CertificateRecord) -> tuple[Any, ...]:
    """The values that may change, in the order of the columns."""
    return (
        micros_or_none(record.lodged_at),
        None if record.accepted is None else int(record.accepted),
        micros_or_none(record.superseded_at),
        micros_or_none(record.revoked_at),
        record.revocation_reason,
        record.revocation_circumstance,
    )


def as_record(row: Sequence[Any]) -> CertificateRecord:
    """The record of a row of ``RECORD``."""
    (
        issuer, serial, family, kind, subject, role, entity, usage, ski, key, begins, ends, der, issued, request,
        key_use, approvals, purpose, imported, lodged, accepted, superseded, revoked, reason, circumstance,
    ) = row  # fmt: skip
    return CertificateRecord(
        issuer, number(serial), _FAMILIES[family], kind, subject, role, None if entity is None else Eui64(entity),
        _USAGES[usage], ski, key, when(begins), when(ends), der, when(issued), request, key_use, unlisted(approvals),
        purpose, bool(imported), when_or_none(lodged), None if accepted is None else bool(accepted),
        when_or_none(superseded), when_or_none(revoked), reason, circumstance,
    )  # fmt: skip
