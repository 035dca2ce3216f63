"""When a certificate is revoked: the circumstances of 4.9.1, who may ask, and what bars a key (smki.md 3.7).

A claim of compromise by anyone who may ask revokes every certificate over the key. The key itself is barred for ever
only when the compromise is proven (a signature made with it) or found by the DCC or the SMKI PMA: a claim can be
mistaken or malicious, and a bar has no way back.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from trustcell.certs import Certificate, same_name, verify_ecdsa_der
from trustcell.governance.rules.canonical import canonical
from trustcell.governance.rules.duties import humans
from trustcell.governance.rules.parties import Capacity, Party, PartyKind, Person
from trustcell.governance.rules.rulebook import RuleSet
from trustcell.smki.rules.clauses import COMPROMISE, DUTIES, LEAVING
from trustcell.smki.rules.records import CertificateRecord, Family
from trustcell.vocab import Clause, Finding, KeyUsage, WireError

GROUNDS_CLAUSE = Clause("SEC Appendix B 4.9.1(A)", "Organisation Certificate Policy; grounds (i) and (ii) recalled")
WHO_CLAUSE = Clause("SEC Appendix B 4.9.2", "Organisation Certificate Policy, who can request revocation (recalled)")
PROCEDURE_CLAUSE = Clause("SEC Appendix B 4.9.3", "Organisation Certificate Policy, procedure (recalled)")
REJECTION_CLAUSE = Clause("SEC Appendix M 2.3.1", "SMKI Interface Design Specification, rejection of a certificate")
DEVICE_CLAUSE = Clause("SEC Appendix A 4.9", "Device Certificate Policy; no list is known for it (recalled)")
REASON_CLAUSE = Clause("RFC 5280 5.3.1", "RFC 5280")

KEY_COMPROMISE, CA_COMPROMISE, SUPERSEDED, CESSATION, PRIVILEGE_WITHDRAWN = 1, 2, 4, 5, 9
COMPROMISE_REASONS = frozenset({KEY_COMPROMISE, CA_COMPROMISE})
REASON_TITLES: Mapping[int | None, str] = {
    None: "unspecified",
    1: "keyCompromise",
    2: "cACompromise",
    3: "affiliationChanged",
    4: "superseded",
    5: "cessationOfOperation",
    9: "privilegeWithdrawn",
}
"""CRLReason as RFC 5280 spells it. Holds are not supported, and 10 is for attribute authorities."""


class Circumstance(StrEnum):
    """Why a certificate is revoked; the first three are the sub-bullets of 4.9.1(A)."""

    COMPROMISE = "4.9.1(A)(i)"
    NOT_ELIGIBLE = "4.9.1(A)(ii)"
    NOT_A_USER = "4.9.1(A)(iii)"
    REJECTED = "rejected-by-subscriber"
    PMA_DIRECTION = "pma-direction"
    ERROR = "error-found"


class Asker(StrEnum):
    """In what standing somebody asks."""

    SUBSCRIBER = "subscriber"
    DCC = "DCC"
    PMA = "SMKI PMA"


class Standing(StrEnum):
    """How sure a compromise is."""

    CLAIMED = "claimed"
    PROVEN = "proven"
    FOUND = "found"


@dataclass(frozen=True, slots=True)
class Ground:
    """One row of the table of circumstances: who may ask, the reason that is written, and what else it needs.

    ``reasons`` are those the asker may choose from; the first one is written when none is chosen. ``reference`` tells
    that a minute or report must be cited. ``modification`` names what brought the ground into force.
    """

    circumstance: Circumstance
    title: str
    clause: Clause
    askers: frozenset[Asker]
    reasons: tuple[int | None, ...]
    cascades: bool = False
    reference: bool = False
    modification: str = ""


_ANYONE = frozenset(Asker)
_CHOICE = (None, *(reason for reason in REASON_TITLES if reason not in {None, *COMPROMISE_REASONS}))

GROUNDS: Mapping[Circumstance, Ground] = {
    ground.circumstance: ground
    for ground in (
        Ground(
            Circumstance.COMPROMISE,
            "private key compromised or suspected of it",
            COMPROMISE,
            _ANYONE,
            (KEY_COMPROMISE,),
            cascades=True,
        ),
        Ground(
            Circumstance.NOT_ELIGIBLE,
            "ceases to be an Eligible Subscriber",
            GROUNDS_CLAUSE,
            _ANYONE,
            (PRIVILEGE_WITHDRAWN,),
        ),
        Ground(
            Circumstance.NOT_A_USER,
            "no longer intends to be a DCC User",
            LEAVING,
            frozenset({Asker.SUBSCRIBER, Asker.DCC}),
            (CESSATION,),
            modification="MP128A",
        ),
        Ground(
            Circumstance.REJECTED,
            "rejected by its subscriber",
            REJECTION_CLAUSE,
            frozenset({Asker.SUBSCRIBER, Asker.DCC}),
            (None, SUPERSEDED),
        ),
        Ground(
            Circumstance.PMA_DIRECTION,
            "directed by the SMKI PMA",
            GROUNDS_CLAUSE,
            frozenset({Asker.PMA}),
            _CHOICE,
            reference=True,
        ),
        Ground(
            Circumstance.ERROR,
            "error found by the authority",
            GROUNDS_CLAUSE,
            frozenset({Asker.DCC, Asker.PMA}),
            _CHOICE,
            reference=True,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class RevocationAsk:
    """What is asked: this certificate, for this circumstance.

    ``reference`` cites the minute, report or finding. ``proof`` is an ECDSA signature in DER over ``proof_challenge``,
    made with the private key that is said to be known. ``reason`` is a CRLReason, ``None`` to take the ground's own.
    """

    issuer: str
    serial: int
    circumstance: Circumstance
    explanation: str
    reference: str = ""
    reason: int | None = None
    proof: bytes = field(default=b"", repr=False)

    def body(self) -> dict[str, Any]:
        """As it stands in the signed statement."""
        return {
            "certificate": identity(self.issuer, self.serial),
            "circumstance": self.circumstance.value,
            "explanation": self.explanation,
            "issuer": self.issuer,
            "proof": self.proof.hex(),
            "reason": self.reason,
            "reference": self.reference,
            "serial": f"{self.serial:X}",
        }

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> "RevocationAsk":
        """Read back what ``body`` wrote; raises ``ValueError`` or ``KeyError`` for anything else."""
        return cls(
            body["issuer"],
            int(body["serial"], 16),
            Circumstance(body["circumstance"]),
            body["explanation"],
            body["reference"],
            body["reason"],
            bytes.fromhex(body["proof"]),
        )


@dataclass(frozen=True, slots=True)
class RevocationFacts:
    """What the rule needs to know besides the request itself. ``barred`` is why the key is barred already, if it is.

    ``asker`` is who asks, as the register had him at that time; ``people`` are all of the register.
    """

    environment: str
    certificate: CertificateRecord
    subscriber: Party | None
    asker: Person
    parties: Mapping[str, Party]
    people: Mapping[str, Person]
    rules: RuleSet
    now: datetime
    barred: str | None = None
    device_certificates_revocable: bool = False


def identity(issuer: str, serial: int) -> str:
    """How records name a certificate: ``T1/A3F``, the CN of the issuer and the serial in hex."""
    return f"{issuer}/{serial:X}"


def is_authority(record: CertificateRecord) -> bool:
    """Whether it is the certificate of an authority."""
    return KeyUsage.KEY_CERT_SIGN in record.key_usage


def standings(facts: RevocationFacts) -> frozenset[Asker]:
    """In which standings this person can ask for this certificate."""
    asker, found = facts.asker, set()
    if asker.holds(Capacity.PMA, facts.now):
        found.add(Asker.PMA)
    if asker.holds(Capacity.ARO, facts.now):
        if facts.subscriber is not None and facts.subscriber.name in asker.acts_for:
            found.add(Asker.SUBSCRIBER)
        kinds = {facts.parties[name].kind for name in asker.acts_for if name in facts.parties}
        if PartyKind.DCC in kinds:
            found.add(Asker.DCC)
    return frozenset(found)


def proof_challenge(environment: str, key: bytes) -> bytes:
    """The octets whose signature proves that a private key is known; ``key`` is the SHA-256 of its public key.

    The same for everybody and at any time: whoever can sign it at all has shown that the key must not be used.
    """
    return canonical({"environment": environment, "key": key.hex(), "says": "whoever signs this knows the private key"})


def proves(environment: str, record: CertificateRecord, proof: bytes) -> bool:
    """Whether ``proof`` was made with the private key of this certificate; P-256 keys only."""
    try:
        public_key = Certificate.from_der(record.der).public_key
    except WireError:
        return False
    return verify_ecdsa_der(public_key, proof, proof_challenge(environment, record.key))


def standing(ask: RevocationAsk, facts: RevocationFacts) -> Standing | None:
    """How sure the compromise is; ``None`` when none is reported."""
    if ask.circumstance is not Circumstance.COMPROMISE:
        return None
    if ask.proof and proves(facts.environment, facts.certificate, ask.proof):
        return Standing.PROVEN
    found = ask.reference and standings(facts) & {Asker.DCC, Asker.PMA}
    return Standing.FOUND if found else Standing.CLAIMED


def bars(how: Standing | None) -> bool:
    """Whether the key is barred for ever."""
    return how in (Standing.PROVEN, Standing.FOUND)


def reason_of(ask: RevocationAsk, record: CertificateRecord) -> int | None:
    """The CRLReason to write for this certificate; ``None`` is left out of the list, as RFC 5280 wants."""
    if ask.circumstance is Circumstance.COMPROMISE:
        return CA_COMPROMISE if is_authority(record) else KEY_COMPROMISE
    return ask.reason if ask.reason is not None else GROUNDS[ask.circumstance].reasons[0]


def revocable(record: CertificateRecord, device_certificates_revocable: bool) -> Finding | None:
    """Why this kind of certificate is never revoked, or nothing."""
    if record.family is Family.DEVICE and not device_certificates_revocable:
        return DEVICE_CLAUSE.breach(
            "certificate_not_revocable",
            "certificate",
            "Device and DCA Certificates are not revoked",
            "replace it on the device, or set device_certificates_revocable in the environment",
        )
    if record.imported:
        return PROCEDURE_CLAUSE.breach(
            "certificate_of_another_authority",
            "certificate",
            f"{identity(record.issuer, record.serial)} was imported, another authority issued it",
            "ask the authority that issued it",
        )
    if is_authority(record) and _self_issued(record):
        return PROCEDURE_CLAUSE.breach(
            "root_not_revocable",
            "certificate",
            "a Root is on no list: nobody stands above it to sign one",
            "the SMKI Recovery Procedure replaces a Root",
        )
    return None


def request_findings(ask: RevocationAsk, facts: RevocationFacts) -> list[Finding]:
    """Everything that stands against this request when it is made."""
    how = standing(ask, facts)
    return [*_certificate(facts, how), *_ground(ask, facts), *_who(ask, facts), *_contents(ask, facts)]


def decision_findings(
    ask: RevocationAsk, facts: RevocationFacts, how: Standing | None, revoker: Person
) -> list[Finding]:
    """What stands against doing now what was asked: it must still be open, on a ground that still holds.

    ``how`` is the standing the compromise had when it was reported. Whether the asker still is who he was does not
    matter: a claim of compromise outlives its claimant's office.
    """
    return [*_certificate(facts, how), *_ground(ask, facts), *_separated(revoker, facts)]


def already_revoked(record: CertificateRecord, how: Standing | None, barred: str | None) -> bool:
    """Whether nothing is left to do: it is revoked, and the request does not bring what bars its key."""
    return record.revoked_at is not None and not (bars(how) and barred is None)


def already_revoked_finding(record: CertificateRecord) -> Finding:
    """It cannot be revoked twice."""
    return PROCEDURE_CLAUSE.breach(
        "certificate_already_revoked",
        "certificate",
        f"{identity(record.issuer, record.serial)} was revoked at {record.revoked_at:%Y-%m-%dT%H:%M:%SZ}",
        "nothing is to be done, unless its key is now proven or found to be compromised",
        circumstance=record.revocation_circumstance,
    )


def _certificate(facts: RevocationFacts, how: Standing | None) -> Iterator[Finding]:
    record = facts.certificate
    finding = revocable(record, facts.device_certificates_revocable)
    if finding is not None and not (bars(how) and facts.barred is None):
        yield finding  # what bars the key is taken all the same: it may stand in certificates that can be revoked
    if already_revoked(record, how, facts.barred):
        yield already_revoked_finding(record)


def _ground(ask: RevocationAsk, facts: RevocationFacts) -> Iterator[Finding]:
    ground, subscriber = GROUNDS[ask.circumstance], facts.subscriber
    if ground.modification and not facts.rules.has(ground.modification):
        yield ground.clause.breach(
            "circumstance_not_in_force",
            "circumstance",
            f"{ask.circumstance} came with {ground.modification}; the rules are those of {facts.rules.name}",
            "ask for another circumstance, or once it is in force",
            rule_set=facts.rules.name,
        )
    if ask.circumstance is Circumstance.NOT_A_USER and (subscriber is None or subscriber.leaving_since is None):
        yield ground.clause.breach(
            "notice_missing",
            "circumstance",
            f"no notice stands that {subscriber.name if subscriber else 'the subscriber'} will not be a DCC User",
            "record the notice of the party first",
        )
    if ask.circumstance is Circumstance.REJECTED and facts.certificate.accepted is not False:
        yield ground.clause.breach(
            "certificate_not_rejected",
            "circumstance",
            "its subscriber has not rejected this certificate",
            "record the rejection first",
        )


def _who(ask: RevocationAsk, facts: RevocationFacts) -> Iterator[Finding]:
    ground, subscriber = GROUNDS[ask.circumstance], facts.subscriber
    if not standings(facts) & ground.askers:
        whose = subscriber.name if subscriber else "the subscriber"
        who = ", ".join(sorted(_TELL[each].format(whose) for each in ground.askers))
        yield WHO_CLAUSE.breach(
            "revocation_not_authorised",
            "asker",
            f"{facts.asker.name} may not ask for this ({ground.title})",
            f"asked by {who}",
        )


def _separated(revoker: Person, facts: RevocationFacts) -> Iterator[Finding]:
    if humans(facts.asker, facts.people) & humans(revoker, facts.people):
        message = f"{facts.asker.name} asked and {revoker.name} revokes: they act as one person"
        yield DUTIES.breach("separation_of_duties", "people", message, "another person")


def _contents(ask: RevocationAsk, facts: RevocationFacts) -> Iterator[Finding]:
    ground = GROUNDS[ask.circumstance]
    if not ask.explanation.strip():
        yield PROCEDURE_CLAUSE.breach("explanation_missing", "explanation", "it is empty", "say what happened")
    if ground.reference and not ask.reference.strip():
        yield PROCEDURE_CLAUSE.breach("reference_missing", "reference", "it is empty", "cite the minute or report")
    if ask.reason is not None and ask.reason not in ground.reasons:
        allowed = ", ".join(REASON_TITLES[each] for each in ground.reasons)
        yield REASON_CLAUSE.breach(
            "reason_not_allowed",
            "reason",
            f"{REASON_TITLES.get(ask.reason, str(ask.reason))} is not written for {ground.title}",
            f"one of: {allowed}",
        )
    if ask.proof and ask.circumstance is not Circumstance.COMPROMISE:
        yield GROUNDS_CLAUSE.breach("proof_unasked", "proof", "nothing is to be proven here", "leave it out")
    elif ask.proof and not proves(facts.environment, facts.certificate, ask.proof):
        yield GROUNDS_CLAUSE.breach(
            "proof_wrong",
            "proof",
            "it was not made with the private key of this certificate",
            "an ECDSA signature (SHA-256, DER) over the challenge, or none: a claim revokes as well",
        )


def _self_issued(record: CertificateRecord) -> bool:
    certificate = Certificate.from_der(record.der)
    return same_name(certificate.issuer, certificate.subject)


_TELL = {
    Asker.SUBSCRIBER: "an ARO of {}",
    Asker.DCC: "an ARO of the DCC",
    Asker.PMA: "the SMKI PMA",
}
