"""Taking in certificates that another authority issued: what each trap of real data means (smki.md 2.10; hostile C15).

Nothing is put right on the way in. A certificate is kept as it came, with every finding beside it, or left out.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from trustcell.certs import Certificate, check_profile, same_name
from trustcell.smki.rules.integrity import (
    FAMILIES,
    ImportNote,
    Issuers,
    is_self_signed,
    issuer_of,
    signed_by,
    ski_of,
)
from trustcell.smki.rules.records import CertificateRecord, Family
from trustcell.vocab import Clause, Eui64, Finding, KeyUsage, Severity, WireError

IMPORT = Clause("trustcell import", "our rule for certificates of other authorities; facts of smki.md 2.10")
SERIAL_LIMIT = 1 << 160
SELF_SIGNED = "self_signed_claims_issuer"


@dataclass(frozen=True, slots=True)
class ForeignItem:
    """One entry of what is imported: where it stood, its octets if it has any, and what its label says of it."""

    where: str
    der: bytes | None = field(repr=False)
    entity_id: Eui64 | None = None
    key_usage: KeyUsage | None = None


class Outcome(StrEnum):
    """What became of an item."""

    KEPT = "kept"
    PINNED = "pinned"
    """Kept although the issuer it names did not sign it, because somebody named this very certificate."""
    HELD = "held"
    """Here already, octet for octet."""
    LEFT_OUT = "left-out"


@dataclass(frozen=True, slots=True)
class ForeignVerdict:
    """What became of one item, and every finding about it; ``certificate`` when it could be read."""

    item: ForeignItem
    outcome: Outcome
    certificate: Certificate | None
    findings: tuple[Finding, ...]

    @property
    def taken(self) -> bool:
        """Whether it goes into the repository."""
        return self.outcome in (Outcome.KEPT, Outcome.PINNED)

    @property
    def note(self) -> ImportNote | None:
        """What to note beside the record; nothing for a certificate without a flaw."""
        if self.certificate is None or not self.findings:
            return None
        findings = tuple(each.as_json() for each in self.findings)
        return ImportNote(self.certificate.sha256.hex(), self.outcome is Outcome.PINNED, findings)

    def as_json(self) -> dict[str, Any]:
        """Plain values for the manifest of the import and ``--json``."""
        read = self.certificate
        return {
            "where": self.item.where,
            "outcome": self.outcome.value,
            "issuer": issuer_of(read) if read else None,
            "serial": f"{read.serial:X}" if read else None,
            "entity": str(read.entity_id) if read and read.entity_id else None,
            "sha256": read.sha256.hex() if read else None,
            "findings": [each.as_json() for each in self.findings],
        }


def read_item(item: ForeignItem) -> tuple[Certificate | None, list[Finding]]:
    """The certificate of an item, and what keeps it from being one (traps T7, T10)."""
    if item.der is None:
        text = "the entry has no certificate"
        return None, [IMPORT.breach("certificate_missing", item.where, text, "leave the entry away, or add it")]
    try:
        certificate = Certificate.from_der(item.der)
    except WireError as error:
        text, remedy = f"the certificate cannot be read: {error.reason}", "ask its issuer for one in strict DER"
        return None, [IMPORT.breach(error.code, item.where, text, remedy)]
    return certificate, []


def judge(
    item: ForeignItem,
    certificate: Certificate,
    *,
    issuers: Issuers,
    ours: Collection[str],
    held: CertificateRecord | None,
    pins: Collection[str],
) -> ForeignVerdict:
    """What becomes of a certificate that could be read.

    ``issuers`` are all authorities known, ``ours`` the names of our own, ``held`` what the repository has under the
    same issuer and serial, ``pins`` SHA-256 digests (hex) of self-signed certificates somebody takes responsibility
    for.
    """
    if held is not None and held.der == certificate.der:
        return ForeignVerdict(item, Outcome.HELD, certificate, tuple(_label(item, certificate)))
    pinned = certificate.sha256.hex() in pins
    findings = [
        *_blocking(certificate, issuers=issuers, ours=ours, held=held, pinned=pinned),
        *_label(item, certificate),
        *check_profile(certificate),
        *_issuer_unknown(certificate, issuers),
    ]
    blocked = any(each.clause == IMPORT.ref and each.severity is Severity.ERROR for each in findings)
    outcome = Outcome.LEFT_OUT if blocked else Outcome.KEPT
    if outcome is Outcome.KEPT and any(each.code == SELF_SIGNED for each in findings):
        outcome = Outcome.PINNED
    return ForeignVerdict(item, outcome, certificate, tuple(findings))


def record_of(verdict: ForeignVerdict, now: datetime, key_use: int) -> CertificateRecord:
    """The record of a certificate that is taken in; ``key_use`` counts certificates over its key (trap T2)."""
    read = verdict.certificate
    if read is None or not verdict.taken:
        raise ValueError("only what is taken in has a record")
    return CertificateRecord(
        issuer=issuer_of(read),
        serial=read.serial,
        family=FAMILIES.get(read.kind, Family.ORGANISATION),
        kind=read.kind.value,
        subject=str(read.subject),
        role=read.role,
        entity_id=read.entity_id,
        key_usage=read.key_usage,
        ski=ski_of(read),
        key=read.spki_sha256,
        not_before=read.not_before,
        not_after=read.not_after,
        der=read.der,
        issued_at=read.not_before,
        key_use=key_use,
        imported=True,
        lodged_at=now,
    )


def _blocking(
    certificate: Certificate, *, issuers: Issuers, ours: Collection[str], held: CertificateRecord | None, pinned: bool
) -> Iterator[Finding]:
    name = issuer_of(certificate)
    field = f"{name}/{certificate.serial:X}"
    if certificate.kind not in FAMILIES:
        text = "neither an Organisation, Device, IKI nor authority certificate"
        yield IMPORT.breach("certificate_kind_unknown", field, text, "leave it away")
    if certificate.serial >= SERIAL_LIMIT:
        yield IMPORT.breach(
            "serial_too_long", field, "a serial has at most 20 octets (RFC 5280 4.1.2.2)", "leave it away"
        )
    if name in ours:
        text = f"{name} is an authority of this environment, which issues here and nowhere else"
        yield IMPORT.breach("claims_our_issuer", field, text, "leave it away; restore lost certificates from a backup")
    if held is not None:
        text = "another certificate of this issuer and serial is held"
        yield IMPORT.breach("serial_in_use", field, text, "find out which of the two is genuine")
    keys = issuers.get(name, ())
    if any(signed_by(certificate, key) for key in keys):
        return
    own_key = is_self_signed(certificate)
    if own_key and not keys and same_name(certificate.issuer, certificate.subject):
        return  # a root, for which whoever imports it answers
    if not own_key:
        if keys or same_name(certificate.issuer, certificate.subject):
            text, remedy = f"the signature is not one of {name}", "ask the issuer for the certificate as it signed it"
            yield IMPORT.breach("signature_not_by_issuer", field, text, remedy)
    elif pinned:
        text = f"it names {name} but is self-signed; kept because this very certificate was pinned (trap T4)"
        yield IMPORT.breach(SELF_SIGNED, field, text, severity=Severity.WARNING)
    else:
        text = f"it names {name} but is self-signed (trap T4)"
        remedy = f"pin {certificate.sha256.hex()} if you know where it comes from"
        yield IMPORT.breach(SELF_SIGNED, field, text, remedy)


def _label(item: ForeignItem, certificate: Certificate) -> Iterator[Finding]:
    """What the certificate says counts (trap T9)."""
    if item.entity_id is not None and item.entity_id != certificate.entity_id:
        text = f"the label says {item.entity_id}, the certificate says {certificate.entity_id}"
        yield IMPORT.breach("label_differs", f"{item.where}.eui64", text, severity=Severity.WARNING)
    if item.key_usage is not None and item.key_usage != certificate.key_usage:
        text = f"the label says {item.key_usage.title}, the certificate says {certificate.key_usage.title}"
        yield IMPORT.breach("label_differs", f"{item.where}.usage", text, severity=Severity.WARNING)


def _issuer_unknown(certificate: Certificate, issuers: Issuers) -> Iterator[Finding]:
    name = issuer_of(certificate)
    if name in issuers or is_self_signed(certificate):
        return
    text = f"no certificate or key of {name} is known, so its signature was not checked"
    yield IMPORT.breach("issuer_unknown", f"{name}/{certificate.serial:X}", text, "import its issuer", Severity.WARNING)
