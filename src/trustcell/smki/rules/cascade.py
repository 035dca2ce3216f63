"""The cascade: which certificates fall together because they hold one compromised key (smki.md 3.7; features N16)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from trustcell.governance.rules.canonical import moment
from trustcell.smki.rules.records import CertificateRecord
from trustcell.smki.rules.revocation import (
    GROUNDS,
    REASON_TITLES,
    RevocationAsk,
    Standing,
    bars,
    identity,
    reason_of,
    revocable,
)


class Fate(StrEnum):
    """What becomes of one certificate over the key."""

    REVOKED = "revoked"
    WAS_REVOKED = "was revoked before"
    NOT_REVOCABLE = "not revocable"


@dataclass(frozen=True, slots=True)
class Fallen:
    """One certificate over the key, as it is afterwards, and what became of it."""

    record: CertificateRecord
    fate: Fate

    def as_json(self) -> dict[str, Any]:
        """Plain values: which certificate, what became of it, and where it is used."""
        record = self.record
        return {
            "certificate": identity(record.issuer, record.serial),
            "fate": self.fate.value,
            "family": record.family.value,
            "kind": record.kind,
            "subject": record.subject,
            "entity": str(record.entity_id) if record.entity_id else None,
            "role": record.role,
            "key_usage": record.key_usage.title,
            "not_after": moment(record.not_after),
            "revoked_at": moment(record.revoked_at) if record.revoked_at else None,
            "reason": REASON_TITLES.get(record.revocation_reason, "") if record.revoked_at else None,
            "used_for": record.purpose or None,
            "approvals": list(record.approvals),
        }


@dataclass(frozen=True, slots=True)
class Cascade:
    """All certificates over one key, the named one first. ``bars`` tells that the key is barred for ever."""

    key: bytes
    standing: Standing | None
    fallen: tuple[Fallen, ...]

    @property
    def bars(self) -> bool:
        """Whether the key is barred for ever."""
        return bars(self.standing)

    @property
    def revoked(self) -> tuple[CertificateRecord, ...]:
        """Those that are revoked by it."""
        return tuple(each.record for each in self.fallen if each.fate is Fate.REVOKED)

    def as_json(self) -> dict[str, Any]:
        """Plain values; ``uses`` lists every purpose, such as a pack, that one of them served."""
        return {
            "key": self.key.hex(),
            "standing": self.standing.value if self.standing else None,
            "key_barred": self.bars,
            "certificates": [each.as_json() for each in self.fallen],
            "uses": sorted({each.record.purpose for each in self.fallen if each.record.purpose}),
        }


def cascade(
    ask: RevocationAsk,
    named: CertificateRecord,
    same_key: Sequence[CertificateRecord],
    how: Standing | None,
    at: datetime,
    *,
    device_certificates_revocable: bool,
) -> Cascade:
    """What is revoked at ``at``: the named certificate, and for a compromise every other with its key.

    ``same_key`` holds all certificates over the key, of any family and status; the named one may be among them.
    """
    others = [each for each in same_key if (each.issuer, each.serial) != (named.issuer, named.serial)]
    chosen = [named, *others] if GROUNDS[ask.circumstance].cascades else [named]
    return Cascade(named.key, how, tuple(_fall(ask, each, at, device_certificates_revocable) for each in chosen))


def _fall(ask: RevocationAsk, record: CertificateRecord, at: datetime, device_certificates_revocable: bool) -> Fallen:
    if record.revoked_at is not None:
        return Fallen(record, Fate.WAS_REVOKED)
    if revocable(record, device_certificates_revocable) is not None:
        return Fallen(record, Fate.NOT_REVOCABLE)
    revoked = replace(
        record,
        revoked_at=at,
        revocation_reason=reason_of(ask, record),
        revocation_circumstance=ask.circumstance.value,
    )
    return Fallen(revoked, Fate.REVOKED)
