"""What SMKI keeps: certificates with all that is known of them, requests, decisions, lists."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole


class Family(StrEnum):
    """The three families of certificates in which L11.4 lets a Public Key stand once."""

    DEVICE = "device"
    """Device and DCA Certificates: L11.4(a)."""
    ORGANISATION = "organisation"
    """Organisation and OCA Certificates: L11.4(b)."""
    IKI = "iki"
    """IKI and ICA Certificates: L11.4(c)."""


class RequestState(StrEnum):
    """States of a Certificate Signing Request (SEC Appendix M 2.3.1; smki.md 3.3)."""

    SUBMITTED = "SUBMITTED"
    REJECTED_FORMAT = "REJECTED_FORMAT"
    ACCEPTED = "ACCEPTED"
    REJECTED_CONTENT = "REJECTED_CONTENT"
    APPROVED = "APPROVED"
    ISSUED = "ISSUED"
    LODGED = "LODGED"
    ACCEPTED_BY_SUBSCRIBER = "ACCEPTED_BY_SUBSCRIBER"
    REJECTED_BY_SUBSCRIBER = "REJECTED_BY_SUBSCRIBER"


class Status(StrEnum):
    """CertificateStatus of the repository (smki.md 5.2)."""

    PENDING = "P"
    IN_USE = "I"
    NOT_IN_USE = "N"
    EXPIRED = "E"
    REVOKED = "R"


ABANDONED = "abandoned"
"""``kind`` of what may have been signed but was never stored: its twin stands for it, its serial is revoked (K39)."""


@dataclass(frozen=True, slots=True)
class CertificateRecord:
    """One certificate and what is known of it. Its identity is (``issuer``, ``serial``), never its SKI (smki.md 5.3).

    ``issuer`` is the CN of the issuer. ``key`` is the SHA-256 of the SubjectPublicKeyInfo. ``key_use`` is 0 for the
    first certificate of a key within its family and rises by one for each that repeats it under an approval.
    ``purpose`` names what it was issued for, a manufacturing pack for example. ``imported`` marks what another
    authority issued, to which the rule of unique keys does not apply (trap T2).
    """

    issuer: str
    serial: int
    family: Family
    kind: str
    subject: str
    role: int | None
    entity_id: Eui64 | None
    key_usage: KeyUsage
    ski: bytes
    key: bytes
    not_before: datetime
    not_after: datetime
    der: bytes = field(repr=False)
    issued_at: datetime
    request: str = ""
    key_use: int = 0
    approvals: tuple[str, ...] = ()
    purpose: str = ""
    imported: bool = False
    lodged_at: datetime | None = None
    accepted: bool | None = None
    superseded_at: datetime | None = None
    revoked_at: datetime | None = None
    revocation_reason: int | None = None
    revocation_circumstance: str = ""

    def status(self, now: datetime) -> Status:
        """R, E, P, N or I, the first that holds (smki.md 5.2)."""
        if self.revoked_at is not None:
            return Status.REVOKED
        if now > self.not_after:
            return Status.EXPIRED
        if self.lodged_at is None:
            return Status.PENDING
        if self.superseded_at is not None:
            return Status.NOT_IN_USE
        return Status.IN_USE


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A Certificate Signing Request as it was submitted, and how far it came.

    ``name`` is the SHA-256 of what was asked (CSR, validity, purpose): approvals bind to it. ``requester`` is a person;
    ``statement`` is the digest of the signed statement with which it was submitted. ``ask`` holds validity, cited
    approvals and purpose as JSON values.
    """

    name: str
    csr: bytes = field(repr=False)
    family: Family
    party: str
    role: int | None
    entity_id: Eui64 | None
    key_usage: KeyUsage
    key: bytes
    requester: str
    statement: str
    at: datetime
    state: RequestState
    ask: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """Why a request was issued or refused: rule set, checks C1 to C11 with facts and verdicts, approvals, decider."""

    request: str
    number: int
    at: datetime
    rule_set: str
    granted: bool
    checks: tuple[Mapping[str, Any], ...]
    approvals: tuple[str, ...]
    decider: str
    statement: str = ""
    certificate: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class IntentRecord:
    """What is about to be signed: stored before the authority's key is used, gone for good only with its certificate.

    ``twin`` is the whole certificate with the signature of a throw-away key, which passed the lint; ``tbs`` is what
    the real key signs, octet for octet.
    """

    issuer: str
    serial: int
    request: str
    tbs: bytes = field(repr=False)
    twin: bytes = field(repr=False)
    at: datetime
    settled: str = ""
    """Empty while open, then ``issued`` or ``abandoned``."""


@dataclass(frozen=True, slots=True)
class ListRecord:
    """One revocation list (CRL or ARL) of an issuer; ``served`` is true once it is the one given out."""

    issuer: str
    number: int
    this_update: datetime
    next_update: datetime
    der: bytes = field(repr=False)
    served: bool


class Revoked(NamedTuple):
    """What a list says of one certificate, and until when it would have held."""

    serial: int
    revoked_at: datetime
    reason: int | None
    not_after: datetime


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    """What became of one CSR of a batch: ``number`` from 1, SUCCESS with the certificate, or the code of the refusal.

    ``status`` is one of SEC Appendix M: SUCCESS, ISSUANCE_ANOMALY, INELIGIBLE, CSR_ERROR, CA_ERROR, WORKFLOW_ERROR.
    """

    number: int
    status: str
    code: str = ""
    message: str = ""
    serial: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for among certificates; every field that is not ``None`` narrows. ``now`` decides the status."""

    entity_id: Eui64 | None = None
    role: RemotePartyRole | int | None = None
    key_usage: KeyUsage | None = None
    key: bytes | None = None
    ski: bytes | None = None
    issuer: str | None = None
    serial: int | None = None
    family: Family | None = None
    kind: str | None = None
    status: Status | None = None
    expires_from: datetime | None = None
    expires_to: datetime | None = None
    purpose: str | None = None
    approval: str | None = None
    limit: int | None = None
