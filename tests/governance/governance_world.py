"""A small world for governance: an ICA, people with credentials of their own, and books in memory."""

import functools
import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustcell import certs
from trustcell.governance import Governance
from trustcell.governance.rules.approvals import ApprovalKind, Position, Scope
from trustcell.governance.rules.canonical import digest
from trustcell.governance.rules.parties import Capacity, PartyKind
from trustcell.governance.rules.statements import SignedStatement
from trustcell.vocab import Clause, Eui64, KeyUsage, Refused, RemotePartyRole

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
MP261 = datetime(2024, 2, 29, tzinfo=UTC)
POLICY = "1.2.826.0.1.8641679.1.2.3.4"
ENTITY = Eui64.parse("90-B3-D5-1F-30-00-00-02")
KEY, OTHER_KEY = "11" * 32, "22" * 32
REQUEST, OTHER_REQUEST = "aa" * 32, "bb" * 32
PERIOD = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2033, 12, 31, 23, 59, 59, tzinfo=UTC))


@functools.cache
def key_of(label: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def info_of(label: str) -> bytes:
    return key_of(label).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def rsa_sign(label: str, octets: bytes) -> bytes:
    return key_of(label).sign(octets, padding.PKCS1v15(), hashes.SHA256())


def serial_of(label: str) -> int:
    return int.from_bytes(b"\x11" + hashlib.sha256(label.encode()).digest()[:15], "big")


@functools.cache
def ica_of(label: str = "ica", cn: str = "TI") -> certs.Certificate:
    period = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2048, 12, 31, 23, 59, 59, tzinfo=UTC))
    template = certs.IkiAuthorityTemplate(
        serial_of(label), certs.authority_name(cn, None), *period, info_of(label), POLICY
    )
    tbs = certs.iki_tbs(template)
    return certs.Certificate.from_der(certs.assemble_rsa(tbs, rsa_sign(label, tbs)))


@functools.cache
def certificate_of(label: str, ica: str = "ica", cn: str = "TI", period=PERIOD, key: str = "") -> bytes:
    issuer = ica_of(ica, cn)
    template = certs.IkiTemplate(
        serial_of(label), issuer.subject, *period, certs.iki_name("Sample", 4, label), info_of(key or label), POLICY,
        issuer.subject_key_identifier or b"",
    )  # fmt: skip
    tbs = certs.iki_tbs(template)
    return certs.assemble_rsa(tbs, rsa_sign(ica, tbs))


@dataclass(frozen=True)
class Key:
    """A credential; ``key`` signs, which need not be the one of the certificate."""

    person: str
    certificate: bytes
    key: str

    def sign(self, octets: bytes) -> bytes:
        return rsa_sign(self.key, octets)


def credential(name: str) -> Key:
    return Key(name, certificate_of(name), name)


@dataclass
class Books:
    """Statements, audit entries and the certificates that are revoked, as lists."""

    said: list[SignedStatement] = field(default_factory=list)
    entries: list[tuple[str, str, Any]] = field(default_factory=list)
    revoked: set[int] = field(default_factory=set)
    reads: int = 0

    @property
    def statements(self):
        return self

    @property
    def audit(self):
        return SimpleNamespace(append=lambda kind, subject, body, at: self.entries.append((kind, subject, body)))

    @property
    def certificates(self):
        return SimpleNamespace(
            get=lambda _, serial: SimpleNamespace(revoked_at=NOW) if serial in self.revoked else None
        )

    def add(self, signed: SignedStatement) -> SignedStatement:
        if self.get(signed.digest):
            raise Refused([Clause("test", "test").breach("statement_repeated", "statement", "it is kept")])
        self.said.append(replace(signed, number=len(self.said) + 1))
        return self.said[-1]

    def get(self, wanted: str) -> SignedStatement | None:
        return next((each for each in self.said if each.digest == wanted), None)

    def of(self, *kinds: str) -> list[SignedStatement]:
        return self.after(0, *kinds)

    def last(self) -> SignedStatement | None:
        return self.said[-1] if self.said else None

    def after(self, number: int, *kinds: str) -> list[SignedStatement]:
        found = [each for each in self.said[number:] if not kinds or each.statement.kind in kinds]
        self.reads += len(found)
        return found


@dataclass
class World:
    """``books`` and a clock; ``act`` runs one act as somebody, a minute later."""

    governance: Governance = field(default_factory=lambda: Governance("test"))
    books: Books = field(default_factory=Books)
    now: datetime = NOW

    @property
    def register(self):
        return self.governance.register(self.books)

    @contextmanager
    def transaction(self, now):
        kept = (list(self.books.said), list(self.books.entries))
        try:
            yield self.books
        except BaseException:
            self.books.said[:], self.books.entries[:] = kept
            raise

    def act(self, who: str | Key, what: str, *args, **named):
        self.now += timedelta(minutes=1)
        key = credential(who) if isinstance(who, str) else who
        with self.transaction(self.now) as books:
            return getattr(self.governance, what)(books, key, *args, **named, now=self.now)

    def refused(self, who: str | Key, what: str, *args, **named) -> list[str]:
        """The codes of a refusal, which has changed nothing."""
        before = (list(self.books.said), list(self.books.entries))
        try:
            self.act(who, what, *args, **named)
        except Refused as refusal:
            assert (self.books.said, self.books.entries) == before
            return [finding.code for finding in refusal.findings]
        raise AssertionError("it was not refused")

    def add_person(self, name: str, *capacities: Capacity, acts_for=(), identity="", delegate_of="", by="registrar"):
        return self.act(
            by, "add_person", name, title=name.title(), identity=identity or f"{name} in person",
            certificate=digest(certificate_of(name)), capacities=capacities, acts_for=acts_for, delegate_of=delegate_of,
        )  # fmt: skip

    def draft(self, name="A-1", who="ada", **changes):
        return self.act(who, "draft_approval", name, **(DRAFTED | changes))

    def view(self, name="A-1", who="sue", **changes):
        draft = self.register.newest(name)
        said = VIEWED | {"digest": draft.digest if draft else KEY, "date": self.now} | changes
        return self.act(who, "ssc_view", name, **said)

    def decide(self, name="A-1", who="pat", **changes):
        draft = self.register.newest(name)
        said = DECIDED | {"digest": draft.digest if draft else KEY, "date": self.now} | changes
        return self.act(who, "decide", name, **said)

    def approve(self, name="A-1", **draft):
        self.draft(name, **draft)
        self.view(name)
        return self.decide(name)


ACB = RemotePartyRole.ACCESS_CONTROL_BROKER
SCOPE = Scope(frozenset({ACB}), requests=frozenset({REQUEST}), years=17)
REUSE = Scope(frozenset({ACB}), keys=frozenset({KEY}), requests=frozenset({REQUEST}))
DRAFTED = {
    "kind": ApprovalKind.VALIDITY,
    "scope": SCOPE,
    "effective_from": MP261,
    "expires": datetime(2025, 1, 1, tzinfo=UTC),
    "rationale": "the pack ends with the Issuing OCA",
}
VIEWED = {"reference": "SSC 24/03", "position": Position.SUPPORT, "text": "no objection"}
DECIDED = {
    "meeting": "PMA 24/04",
    "minute": "4.2",
    "approved": True,
    "quorum": "five of seven",
    "considered": True,
    "considered_text": "the view of the SSC was read out",
}


def world() -> World:
    """The register founded, two parties, and one person of each capacity."""
    made = World()
    made.act("registrar", "found", title="Registrar", identity="registrar in person", ica=ica_of().der)
    made.act(
        "registrar", "add_party", "dcc", title="DCC", kind=PartyKind.DCC, entities={ENTITY: {ACB}},
        subscribes=["organisation"],
    )  # fmt: skip
    made.act(
        "registrar", "add_party", "gas", title="Gas Network", kind=PartyKind.GAS_NETWORK,
        entities={Eui64.parse("90-B3-D5-1F-30-02-00-00"): {RemotePartyRole.NETWORK_OPERATOR}},
        subscribes=["organisation"],
    )  # fmt: skip
    made.add_person("ada", Capacity.ARO, acts_for=["dcc"])
    made.add_person("gwen", Capacity.ARO, acts_for=["gas"])
    made.add_person("sue", Capacity.SSC)
    made.add_person("pat", Capacity.PMA)
    made.add_person("ian", Capacity.ISSUER)
    made.add_person("otto", Capacity.AUDITOR)
    return made


USAGE = KeyUsage.DIGITAL_SIGNATURE
