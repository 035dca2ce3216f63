"""Certificates as rows, and queries for them as conditions that an index answers."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from trustcell.adapters.store.schema import CERTIFICATE, CERTIFICATE_APPROVAL, FOREVER, RARE
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
from trustcell.smki.rules.records import CertificateRecord, Family, Query, Status
from trustcell.vocab import Eui64, KeyUsage

_C = CERTIFICATE.c


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


def as_record(row: sa.Row[Any]) -> CertificateRecord:
    """The record of a whole row."""
    (
        _place, issuer, serial, family, kind, subject, role, entity, usage, ski, key, begins, ends, der, issued,
        request, key_use, approvals, purpose, imported, lodged, accepted, superseded, revoked, reason, circumstance,
    ) = tuple(row)  # fmt: skip
    return CertificateRecord(
        issuer, number(serial), Family(family), kind, subject, role, None if entity is None else Eui64(entity),
        KeyUsage(usage), ski, key, when(begins), when(ends), der, when(issued), request, key_use, unlisted(approvals),
        purpose, bool(imported), when_or_none(lodged), None if accepted is None else bool(accepted),
        when_or_none(superseded), when_or_none(revoked), reason, circumstance,
    )  # fmt: skip


def conditions(query: Query, issuers: list[str], now: datetime) -> Iterator[Any]:
    """What a row must satisfy; ``issuers`` are all there are, so that a serial alone is looked up under each."""
    if query.issuer is not None:
        yield _C.issuer == query.issuer
    elif query.serial is not None:
        yield _C.issuer.in_(issuers)
    if query.serial is not None:
        yield _C.serial == wide(query.serial)
    if query.key is not None:
        chosen = sa.select(_C.number).where(_C.key == query.key)  # each half has an index of its own
        yield _C.number.in_(chosen.where(sa.text("imported = 0")).union_all(chosen.where(sa.text("imported = 1"))))
    if query.ski is not None:
        yield _C.ski == query.ski
    if query.entity_id is not None:
        yield _C.entity_id == bytes(query.entity_id)
    if query.role is not None:
        yield _C.role == int(query.role)
    if query.purpose is not None:
        yield from (_C.purpose == query.purpose, sa.text("purpose <> ''") if query.purpose else sa.true())
    if query.approval is not None:
        chosen = sa.select(CERTIFICATE_APPROVAL.c.certificate).where(CERTIFICATE_APPROVAL.c.approval == query.approval)
        yield _C.number.in_(chosen)
    yield from _sorts(query)
    yield from _expiry(query)
    if query.status is not None:
        yield from _status(query.status, micros(now))


def in_order(query: Query, *, sqlite: bool) -> tuple[Any, Any]:
    """By issuer and serial: read in that order when most rows match, sorted when an index finds a few.

    SQLite, which has no statistics here, would always read all rows in order; a plus sign stops it. PostgreSQL knows.
    """
    named = (query.entity_id, query.role, query.key, query.ski, query.expires_from, query.expires_to, query.approval)
    few = any(each is not None for each in named) or bool(query.purpose) or _is_rare(query)
    few = few or query.status not in (None, Status.IN_USE)
    if sqlite and few:
        return sa.literal_column("+issuer"), sa.literal_column("+serial")
    return _C.issuer, _C.serial


def _sorts(query: Query) -> Iterator[Any]:
    if _is_rare(query):
        yield from (sa.text(RARE), _C.family.in_([each.value for each in Family]))
    if query.family is not None:
        yield _C.family == str(query.family)
    if query.kind is not None:
        yield _C.kind == query.kind
    if query.key_usage is not None:
        yield _C.key_usage == int(query.key_usage)


def _is_rare(query: Query) -> bool:
    """Whether few match; what is common needs no index, for half of all rows do."""
    return (
        query.family not in (None, Family.DEVICE)
        or query.kind not in (None, "device")
        or query.key_usage not in (None, KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT)
    )


def _expiry(query: Query) -> Iterator[Any]:
    if query.expires_from is not None:
        yield _C.not_after >= micros(query.expires_from)
    if query.expires_to is not None:
        yield _C.not_after <= micros(query.expires_to)
        if micros(query.expires_to) < FOREVER:
            yield sa.text(f"not_after < {FOREVER}")  # in the words of the index, so that it is used


def _status(status: Status, now: int) -> Iterator[Any]:
    """The first of R, E, P, N, I that holds, as ``CertificateRecord.status`` has it."""
    if status is Status.REVOKED:
        yield _C.revoked_at.is_not(None)
        return
    yield _C.revoked_at.is_(None)
    if status is Status.EXPIRED:
        yield from (_C.not_after < now, sa.text(f"not_after < {FOREVER}"))
        return
    yield _C.not_after >= now
    if status is Status.PENDING:
        yield _C.lodged_at.is_(None)
        return
    yield _C.lodged_at.is_not(None)
    yield _C.superseded_at.is_(None) if status is Status.IN_USE else _C.superseded_at.is_not(None)
