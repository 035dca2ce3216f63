"""Facts for the rules of issuing, written down as literals: the DCC and a supplier, an approval, an existing key."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from authority_world import BROKER, DS, ENVIRONMENT, GAS_NETWORK, SUPPLIER, organisation_csr
from trustcell import certs
from trustcell.governance.rules.approvals import Approval, ApprovalKind, PmaDecision, Position, Scope, SscView
from trustcell.governance.rules.parties import Capacity, Party, PartyKind, Person
from trustcell.governance.rules.rulebook import rule_set
from trustcell.smki.rules.ask import Ask
from trustcell.smki.rules.checks import judge
from trustcell.smki.rules.facts import Application, Cited, Facts, IssuerFacts
from trustcell.smki.rules.records import CertificateRecord, Family
from trustcell.vocab import RemotePartyRole, Severity

ACB, ROLE = RemotePartyRole.ACCESS_CONTROL_BROKER, RemotePartyRole
FOUNDED = datetime(2016, 9, 1, tzinfo=UTC)
NOW = datetime(2024, 3, 5, 12, tzinfo=UTC)
ISSUER = IssuerFacts("T1", FOUNDED, datetime(2041, 8, 31, 23, 59, 59, tzinfo=UTC))
BEFORE = datetime(2024, 2, 28, 12, tzinfo=UTC)


def person(name, capacity, acts_for=(), **more):
    return Person(name, name, more.pop("identity", name), {capacity: FOUNDED}, acts_for=frozenset(acts_for), **more)


PEOPLE = {
    each.name: each
    for each in (
        person("ada", Capacity.ARO, ["dcc"]),
        person("sam", Capacity.ARO, ["supplier"]),
        person("gwen", Capacity.ARO, ["gas"]),
        person("pat", Capacity.PMA),
        person("sue", Capacity.SSC),
        person("ian", Capacity.ISSUER),
    )
}
DCC = Party("dcc", "the DCC", PartyKind.DCC, {BROKER: frozenset({ACB, ROLE.OTHER})}, frozenset({"organisation"}))
SUPPLIES = Party(
    "supplier",
    "a supplier",
    PartyKind.SUPPLIER,
    {SUPPLIER: frozenset({ROLE.SUPPLIER, ROLE.XML_SIGN})},
    frozenset({"organisation"}),
    ((FOUNDED, True),),
)
GAS = Party(
    "gas",
    "a gas network",
    PartyKind.GAS_NETWORK,
    {GAS_NETWORK: frozenset({ROLE.NETWORK_OPERATOR})},
    frozenset({"organisation"}),
    ((FOUNDED, True),),
)


def application(role=ACB, entity=BROKER, usage=DS, label="key", name=None, csr=None, **ask):
    der = csr or organisation_csr(role, entity, usage, label, name)
    return Application(certs.CertificationRequest.from_der(der), Ask(**ask))


def facts(now=NOW, **more):
    given = {"party": DCC, "requester": PEOPLE["ada"], "people": PEOPLE, "statement": "0" * 64, **more}
    return Facts(now, rule_set(now), ENVIRONMENT, given.pop("issuer", ISSUER), **given)


def of_supplier(**more):
    return facts(party=SUPPLIES, requester=PEOPLE["sam"], **more)


def of_gas(party=GAS, **more):
    return facts(party=party, requester=PEOPLE["gwen"], **more)


def holder(asked, serial=0x7A << 120, **changes):
    """A certificate over the key of a request, of the same role, subject and usage, issued in 2016."""
    csr = asked.csr
    record = CertificateRecord(
        "T1", serial, Family.ORGANISATION, "organisation", str(csr.subject), csr.role, csr.entity_id, csr.key_usage,
        b"", asked.key, FOUNDED, FOUNDED + timedelta(days=3652), b"", FOUNDED, "earlier", lodged_at=FOUNDED,
    )  # fmt: skip
    return replace(record, **changes)


def approval(asked, kind=ApprovalKind.KEY_REUSE, name="A1", view=timedelta(0), decided=True, **scope):
    """An approval for exactly this request, decided on 2024-03-02; the SSC's view ``view`` before or after it."""
    decided_at = datetime(2024, 3, 2, tzinfo=UTC)
    given = {"roles": frozenset({asked.csr.role}), "requests": frozenset({asked.name}), **scope}
    if kind is ApprovalKind.KEY_REUSE:
        given.setdefault("keys", frozenset({asked.key_hex}))
    seen = None if view is None else SscView(decided_at + view, "SSC 12", Position.SUPPORT, "", "", "sue", "1" * 64)
    decision = PmaDecision(decided_at, "PMA 7", "7.1", True, "q", True, "yes", "", "", "pat", "2" * 64)
    return Approval(
        name, 1, kind, "L11.4B", decided_at, NOW + timedelta(days=365), "dora", decided_at, "because", Scope(**given),
        "3" * 64, ssc_view=seen, decision=decision if decided else None,
    )  # fmt: skip


def cited(*approvals, uses=0):
    return tuple(Cited(each.name, each, uses) for each in approvals)


def found(asked, known):
    """Code and clause of every error, in the order of the checks."""
    return [(each.code, each.clause) for each in all_findings(asked, known) if each.severity is Severity.ERROR]


def codes(asked, known):
    return [code for code, _ in found(asked, known)]


def all_findings(asked, known):
    return [each for checked in judge(asked, known) for each in checked.findings]
