"""Everything the rules of issuing may know, gathered once and frozen: a rule never fetches."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from trustcell import certs
from trustcell.governance.rules.approvals import Approval
from trustcell.governance.rules.canonical import digest
from trustcell.governance.rules.parties import Party, Person
from trustcell.governance.rules.rulebook import RuleSet
from trustcell.smki.rules.ask import Ask, request_name
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.records import CertificateRecord
from trustcell.vocab import Finding


@dataclass(frozen=True)
class Application:
    """One CSR with what is asked for it. ``name`` is what approvals and decisions call it."""

    csr: certs.CertificationRequest
    ask: Ask

    @cached_property
    def name(self) -> str:
        """SHA-256 of what is asked."""
        return request_name(self.csr.der, self.ask)

    @cached_property
    def key(self) -> bytes:
        """SHA-256 of the SubjectPublicKeyInfo, 32 octets."""
        return bytes.fromhex(self.key_hex)

    @cached_property
    def key_hex(self) -> str:
        """The same in hex, as approvals name keys."""
        return digest(self.csr.spki)

    @cached_property
    def form(self) -> tuple[Finding, ...]:
        """What is wrong with the CSR whoever asks (checks C1 to C3)."""
        return tuple(certs.check_csr(self.csr))


@dataclass(frozen=True, slots=True)
class IssuerFacts:
    """The authority that would sign: its CN, its period, whether it is revoked."""

    name: str
    not_before: datetime
    not_after: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cited:
    """An approval the request relies on; ``approval`` is ``None`` if there is no such one. ``uses`` were counted.

    ``altered`` holds SHA-256 and code of each file of evidence behind it that is not what was kept.
    """

    name: str
    approval: Approval | None
    uses: int = 0
    altered: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PendingUse:
    """A certificate over the same key that is being made, or may have been made: the key counts as used (K39)."""

    issuer: str
    serial: int
    request: str


@dataclass(frozen=True)
class Facts:
    """What was the case when a request was judged.

    ``party`` is the party the EUI-64 belongs to, ``requester`` the ARO, ``statement`` the digest of what he signed.
    ``operator`` is the ISSUER, ``None`` at submission. ``holders`` are all certificates of all three families that hold
    the key. ``people`` is the register of people. ``serial`` is the one chosen, ``None`` at submission;
    ``serial_taken`` says whether the issuer has used it.
    """

    now: datetime
    rules: RuleSet
    environment: Environment
    issuer: IssuerFacts
    party: Party | None = None
    requester: Person | None = None
    holders: tuple[CertificateRecord, ...] = ()
    pending: tuple[PendingUse, ...] = ()
    barred: str | None = None
    approvals: tuple[Cited, ...] = ()
    people: Mapping[str, Person] = field(default_factory=dict)
    statement: str = ""
    operator: Person | None = None
    serial: int | None = None
    serial_taken: bool = False
