"""What SMKI needs from outside: books for certificates and requests, and keys that sign without being seen."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from trustcell.governance import ports as governance
from trustcell.smki.rules.records import (
    CertificateRecord,
    DecisionRecord,
    Family,
    IntentRecord,
    ItemVerdict,
    ListRecord,
    Query,
    RequestRecord,
    RequestState,
    Revoked,
)
from trustcell.vocab import Eui64


class KeyKind(StrEnum):
    """The kinds of key an authority or person has."""

    P256 = "ec-p256"
    RSA2048 = "rsa-2048"


class Signer(Protocol):
    """One private key that signs and is never given out; a file or a token."""

    @property
    def label(self) -> str:
        """Its name in the keystore."""

    @property
    def kind(self) -> KeyKind:
        """What kind of key it is."""

    @property
    def deterministic(self) -> bool:
        """Whether the same octets always get the same signature (RFC 6979, PKCS#1 v1.5)."""

    @property
    def public_key(self) -> bytes:
        """The SubjectPublicKeyInfo in DER."""

    def sign(self, octets: bytes) -> bytes:
        """P-256: r||s of ECDSA with SHA-256, 64 octets; RSA: PKCS#1 v1.5 with SHA-256."""


class Keystore(Protocol):
    """Where authorities keep their keys. ``Unavailable`` when it cannot be opened or the PIN is wrong."""

    def generate(self, label: str, kind: KeyKind) -> Signer:
        """Make a key under a label; ``Refused`` (``key_label_in_use``) when there is one."""

    def signer(self, label: str) -> Signer:
        """The key with this label; ``Unavailable`` when there is none."""

    def labels(self) -> list[str]:
        """The labels of all keys."""


class CertificateBook(Protocol):
    """All certificates. (issuer, serial) and (family, key, key_use) are unique behind an index."""

    def add(self, record: CertificateRecord) -> None:
        """Keep it; ``Refused`` with ``public_key_in_use`` or ``serial_in_use`` when an index says so."""

    def add_many(self, records: Sequence[CertificateRecord]) -> None:
        """Keep all of them or, refused as ``add``, none."""

    def get(self, issuer: str, serial: int) -> CertificateRecord | None:
        """The certificate with this identity."""

    def with_key(self, key: bytes, family: Family | None = None) -> list[CertificateRecord]:
        """Every certificate that holds this key, whatever its status, oldest first."""

    def keys_in_use(self, family: Family, keys: Sequence[bytes]) -> set[bytes]:
        """Which of these keys a certificate of the family holds."""

    def holders(self, keys: Sequence[bytes]) -> dict[bytes, list[tuple[Family, str]]]:
        """Of each of these keys that any certificate holds: family and request of every one that does."""

    def serials_in_use(self, issuer: str, serials: Sequence[int]) -> set[int]:
        """Which of these serials the issuer has used."""

    def issued_counts(self, entities: Sequence[bytes], family: Family) -> dict[bytes, int]:
        """``issued_to`` for many subjects, without what was given up; those that had none are left out."""

    def search(self, query: Query, now: datetime) -> list[CertificateRecord]:
        """Those that match, ordered by issuer and serial."""

    def ends(self, family: Family, now: datetime) -> list[tuple[int | None, datetime]]:
        """Role and end of each that is neither revoked nor at its end; its octets are not read."""

    def all(self, after: tuple[str, int] | None = None) -> Iterator[CertificateRecord]:
        """Every certificate by issuer and serial, read in chunks."""

    def issued_to(self, entity_id: bytes, family: Family) -> int:
        """How many certificates this subject has had."""

    def update(self, record: CertificateRecord) -> None:
        """Write the fields that may change: lodged, accepted, superseded, revoked. Never octets, key or dates."""


class RequestBook(Protocol):
    """Requests, what was decided about them, and what was about to be signed."""

    def add(self, record: RequestRecord) -> None:
        """Keep a new request; ``Refused`` (``request_repeated``) when it is there and was not refused."""

    def get(self, name: str) -> RequestRecord | None:
        """The request of this name; a unique beginning of eight digits or more will do."""

    def search(self, state: RequestState | None = None) -> list[RequestRecord]:
        """Requests, oldest first."""

    def move(self, name: str, state: RequestState) -> None:
        """Write its state."""

    def decide(self, decision: DecisionRecord) -> DecisionRecord:
        """Keep a decision and number it; nothing is ever changed in one."""

    def decisions(self, name: str) -> list[DecisionRecord]:
        """What was decided about a request, oldest first."""

    def intend(self, intents: Sequence[IntentRecord]) -> None:
        """Store what is about to be signed."""

    def intents(self, *, open_only: bool = True) -> list[IntentRecord]:
        """What is, or ever was, about to be signed."""

    def intent(self, issuer: str, serial: int) -> IntentRecord | None:
        """The intent of this certificate, settled or not."""

    def abandoned(self, issuer: str) -> list[IntentRecord]:
        """Intents of this issuer settled ``abandoned``: the key may have signed them, so its lists name them."""

    def settle(self, issuer: str, serial: int, how: str) -> None:
        """``issued`` or ``abandoned``."""

    def settle_many(self, issuer: str, serials: Sequence[int], how: str) -> None:
        """``settle`` for many of one issuer."""


class ApprovalUses(Protocol):
    """How often each approval was used; (approval, number) is unique, so two cannot take the last use."""

    def take(self, approval: str, limit: int, issuer: str, serial: int, at: datetime) -> int:
        """Count one use and give its number; ``Refused`` (``approval_used_up``) beyond ``limit``."""

    def uses(self, approval: str) -> list[tuple[int, str, int, datetime]]:
        """Number, issuer, serial, time of each use."""


class RevocationBook(Protocol):
    """Barred keys and revocation lists."""

    def bar(self, key: bytes, reason: str, at: datetime) -> None:
        """No certificate is issued over this key any more."""

    def barred(self, key: bytes) -> str | None:
        """Why this key is barred."""

    def barred_many(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """Which of these keys are barred, and why."""

    def add_list(self, record: ListRecord) -> None:
        """Keep a list; ``Refused`` (``crl_number_fell``) unless its number is above every other of the issuer."""

    def serve(self, issuer: str, number: int) -> None:
        """Give this list out from now on; ``Refused`` (``crl_number_fell``) for one below that served."""

    def served(self, issuer: str) -> ListRecord | None:
        """The list given out."""

    def newest(self, issuer: str) -> ListRecord | None:
        """The list with the highest number, served or not."""

    def revoked(self, issuer: str, since: datetime | None = None) -> Iterator[CertificateRecord]:
        """The certificates of the issuer revoked at or after ``since``, or ever, by time and serial."""

    def gone(self, issuer: str, since: datetime | None = None) -> Iterator[Revoked]:
        """The same, and of each only what lists need."""

    def gone_before(self, issuer: str, moment: datetime) -> int:
        """How many certificates of the issuer were revoked before ``moment``."""

    def ended(self, issuer: str, since: datetime, until: datetime) -> list[Revoked]:
        """Those revoked before ``until`` that ended before it, when one or the other happened at or after ``since``."""


class BatchBook(Protocol):
    """Verdicts on the items of a batch of CSRs, so that a restart goes on where it was stopped."""

    def record(self, batch: str, verdicts: Sequence[ItemVerdict]) -> None:
        """Keep verdicts; each item of a batch has one, for good."""

    def done(self, batch: str) -> int:
        """How many items have a verdict; they are the first ones of the batch."""

    def verdicts(self, batch: str) -> Iterator[ItemVerdict]:
        """All verdicts in the order of the items."""


class Books(governance.Books, Protocol):
    """One transaction over everything SMKI keeps."""

    @property
    def certificates(self) -> CertificateBook:
        """Certificates."""

    @property
    def requests(self) -> RequestBook:
        """Requests, decisions, intents."""

    @property
    def approval_uses(self) -> ApprovalUses:
        """Uses of approvals."""

    @property
    def revocations(self) -> RevocationBook:
        """Barred keys and lists."""

    @property
    def batches(self) -> BatchBook:
        """Verdicts on batches."""

    @property
    def documents(self) -> "DocumentBook":
        """Everything else that has a name and a body."""


class DocumentBook(Protocol):
    """Named JSON records: environment, authorities, packs, batches. A write replaces the record of that name."""

    def put(self, kind: str, name: str, body: dict[str, object], octets: bytes = b"") -> None:
        """Write a record, with octets beside it if any."""

    def get(self, kind: str, name: str) -> tuple[dict[str, object], bytes] | None:
        """Read a record."""

    def names(self, kind: str) -> list[str]:
        """Names of this kind in order."""


class Store(Protocol):
    """See ``governance.Store``."""

    def transaction(self, now: datetime) -> AbstractContextManager[Books]:
        """Open the books for writing."""

    def reading(self) -> AbstractContextManager[Books]:
        """Open the books for reading."""


class Deployments(Protocol):
    """Where certificates are in use; whoever keeps an inventory of Trust Anchor Cells can tell."""

    def devices_with(self, record: CertificateRecord) -> frozenset[Eui64]:
        """The devices that hold it, or its key for the same subject, in a cell."""


class Relint(Protocol):
    """Another program that judges certificates by code of its own, in turns: a lot goes in, its problems come out."""

    def ask(self, lot: Sequence[Mapping[str, Any]]) -> None:
        """Send a lot: ``der`` and ``kind`` of each, ``record`` and ``csr`` if they are to be held against it."""

    def answer(self) -> list[dict[str, Any]]:
        """The problems of the lot sent last, each with the ``number`` of its certificate in the lot, from 0."""
