"""What governance needs from outside: statements, evidence, the audit chain, and the credentials of people."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from trustcell.governance.rules.audit import AuditEntry, AuditHead
from trustcell.governance.rules.statements import SignedStatement


class Credential(Protocol):
    """A person's IKI credential: a key file or a token. The private key has no way out."""

    @property
    def person(self) -> str:
        """The name of the person in the register."""

    @property
    def certificate(self) -> bytes:
        """The DER of the IKI certificate."""

    def sign(self, octets: bytes) -> bytes:
        """RSA PKCS#1 v1.5 with SHA-256."""


class StatementLog(Protocol):
    """Signed statements in the order they were made; nothing is changed or taken away."""

    def add(self, signed: SignedStatement) -> SignedStatement:
        """Keep it and give it its number; a digest that is already there is ``Refused`` (``statement_repeated``)."""

    def get(self, digest: str) -> SignedStatement | None:
        """The statement with this digest."""

    def about(self, subject: str, *kinds: str) -> list[SignedStatement]:
        """Those about ``subject``, oldest first; of these kinds, or of any."""

    def of(self, *kinds: str) -> list[SignedStatement]:
        """All of these kinds, oldest first."""

    def last(self) -> SignedStatement | None:
        """The newest statement of any kind."""

    def after(self, number: int, *kinds: str) -> list[SignedStatement]:
        """Those with a higher number, oldest first; of these kinds, or of any."""


class AuditLog(Protocol):
    """The audit chain of this store. Entries are numbered from 1 without gaps."""

    def append(self, kind: str, subject: str, body: Mapping[str, Any], at: datetime) -> AuditEntry:
        """Add one entry at the end."""

    def append_many(self, at: datetime, items: Sequence[tuple[str, str, Mapping[str, Any]]]) -> tuple[int, int]:
        """Add an entry for each (kind, subject, body); the first and last number given."""

    def head(self) -> AuditHead | None:
        """The newest signed head."""

    def heads(self) -> Iterator[AuditHead]:
        """All signed heads, oldest first."""

    def entries(self, first: int = 1, last: int | None = None) -> Iterator[AuditEntry]:
        """Entries from ``first`` to ``last``, in order."""

    def about(self, subject: str) -> list[AuditEntry]:
        """Entries about ``subject``, oldest first."""


class Evidence(Protocol):
    """Files of evidence, kept under the SHA-256 of their octets."""

    def keep(self, octets: bytes) -> str:
        """Store the file durably and give its SHA-256 in hex; the same octets twice are one file."""

    def read(self, sha256: str) -> bytes:
        """The octets; ``Refused`` (``evidence_missing``, ``evidence_hash_mismatch``) if they are not what was kept."""


class IssuedCertificate(Protocol):
    """What governance asks of an issued certificate."""

    @property
    def revoked_at(self) -> datetime | None:
        """When it was revoked, if it was."""


class IssuedCertificates(Protocol):
    """Certificates by issuer (CN) and serial; the books of SMKI have more of them to tell."""

    def get(self, issuer: str, serial: int) -> IssuedCertificate | None:
        """The certificate with this identity."""


class Books(Protocol):
    """What one transaction sees. Work that adds nothing to ``audit`` is not committed."""

    @property
    def certificates(self) -> IssuedCertificates:
        """Issued certificates: whether a credential is revoked."""

    @property
    def statements(self) -> StatementLog:
        """Signed statements."""

    @property
    def audit(self) -> AuditLog:
        """The audit chain."""


class Store(Protocol):
    """A store of books. One ``transaction`` is one commit: everything in it or nothing."""

    def transaction(self, now: datetime) -> AbstractContextManager[Books]:
        """Open the books for writing; ``now`` dates the signed audit head. An exception leaves everything as it was."""

    def reading(self) -> AbstractContextManager[Books]:
        """Open the books for reading one consistent state."""
