"""Acts through the service: one statement and one audit entry each, or nothing at all."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from governance.governance_world import (
    DRAFTED,
    ENTITY,
    KEY,
    NOW,
    SCOPE,
    Key,
    certificate_of,
    credential,
    ica_of,
    key_of,
    serial_of,
)
from trustcell.governance import Governance, audited
from trustcell.governance.rules.canonical import digest, moment
from trustcell.governance.rules.credentials import verify_statement
from trustcell.governance.rules.parties import Capacity, PartyKind
from trustcell.governance.rules.register import Register
from trustcell.governance.rules.statements import SignedStatement
from trustcell.vocab import Clause, Eui64, Refused, RemotePartyRole


def test_an_act_is_one_statement_and_one_audit_entry(world):
    said, entries = len(world.books.said), len(world.books.entries)
    world.draft()
    assert (len(world.books.said), len(world.books.entries)) == (said + 1, entries + 1)
    kind, subject, body = world.books.entries[-1]
    assert (kind, subject, body["actor"]) == ("approval.draft", "A-1", "ada")
    assert body["statement"] == world.books.said[-1].digest


def test_every_statement_verifies_offline(world):
    world.approve()
    for signed in world.books.said:
        assert verify_statement(signed, ica_of().der) == []


def test_a_changed_octet_is_found_offline(world):
    signed = world.books.said[-1]
    other = replace(signed, statement=replace(signed.statement, at=signed.statement.at + timedelta(seconds=1)))
    assert [each.code for each in verify_statement(other, ica_of().der)] == ["statement_signature_wrong"]
    flipped = replace(signed, signature=signed.signature[:-1] + bytes([signed.signature[-1] ^ 1]))
    assert [each.code for each in verify_statement(flipped, ica_of().der)] == ["statement_signature_wrong"]


def test_a_statement_is_verified_against_its_ica_alone(world):
    codes = [each.code for each in verify_statement(world.books.said[-1], ica_of("other").der)]
    assert codes == ["credential_of_other_ica"]
    codes = [each.code for each in verify_statement(world.books.said[-1], b"\x30\x00")]
    assert codes == ["credential_malformed"]


def _party(world, who, name="s2"):
    return world.refused(who, "add_party", name, title="S", kind=PartyKind.SUPPLIER, entities={})


@pytest.mark.parametrize(
    ("key", "codes"),
    [
        (Key("nobody", certificate_of("registrar"), "registrar"), ["credential_not_of_person", "person_unknown"]),
        (Key("registrar", certificate_of("ada"), "ada"), ["credential_not_of_person"]),
        (Key("registrar", certificate_of("registrar"), "ada"), ["statement_signature_wrong"]),
        (Key("registrar", b"\x30\x03\x02\x01\x01", "registrar"), ["credential_not_of_person"]),
    ],
    ids=["stranger", "certificate of another", "key of another", "no certificate"],
)
def test_a_credential_that_is_not_the_persons_own(world, key, codes):
    assert _party(world, key) == codes


def _with_credential(world, certificate: bytes) -> Key:
    world.act("registrar", "add_credential", "registrar", certificate=digest(certificate))
    return Key("registrar", certificate, "registrar")


def test_a_credential_out_of_its_period(world):
    begin, end = world.now + timedelta(days=1), world.now + timedelta(days=2)
    key = _with_credential(world, certificate_of("later", period=(begin.replace(microsecond=0), end), key="registrar"))
    assert _party(world, key) == ["credential_period"]
    world.now = begin
    assert world.act(key, "add_party", "s2", title="S", kind=PartyKind.SUPPLIER, entities={}).name == "s2"
    world.now = end
    assert _party(world, key, "s3") == ["credential_period"]


def test_a_credential_of_another_ica(world):
    key = _with_credential(world, certificate_of("registrar", ica="other"))
    assert _party(world, key) == ["credential_of_other_ica"]


def test_an_authority_is_no_credential(world):
    key = _with_credential(world, ica_of().der)
    assert "credential_of_other_ica" in _party(world, Key("registrar", key.certificate, "ica"))


def test_a_revoked_credential(world):
    world.books.revoked.add(serial_of("registrar"))
    assert _party(world, "registrar") == ["credential_revoked"]


def test_a_withdrawn_credential(world):
    other = certificate_of("second", key="registrar")
    world.act("registrar", "add_credential", "registrar", certificate=digest(other))
    world.act("registrar", "withdraw_credential", "registrar", certificate=digest(certificate_of("registrar")))
    assert _party(world, "registrar") == ["credential_not_of_person"]
    assert world.act(
        Key("registrar", other, "registrar"), "add_party", "s2", title="S", kind=PartyKind.SUPPLIER, entities={}
    )


@pytest.mark.parametrize(
    "kind", ["csr.submit", "certificate.issue", "pack.publish", "revocation.request", "list.issue"]
)
def test_an_auditor_states_nothing(world, kind):
    assert world.refused("otto", "state", kind, "x", {}) == ["auditor_states_nothing"]


def test_an_auditor_with_another_capacity_states_nothing_either(world):
    world.act("registrar", "grant", "otto", Capacity.ISSUER)
    assert world.refused("otto", "state", "certificate.issue", "x", {}) == ["auditor_states_nothing"]


@pytest.mark.parametrize(
    ("who", "kind", "allowed"),
    [
        ("ada", "csr.submit", True),
        ("ian", "csr.submit", False),
        ("ian", "certificate.issue", True),
        ("ada", "certificate.issue", False),
        ("pat", "certificate.issue", False),
        ("pat", "revocation.request", True),
        ("sue", "revocation.request", False),
        ("ian", "pack.publish", False),
    ],
)
def test_kinds_of_other_rooms_need_their_capacity(world, who, kind, allowed):
    if allowed:
        signed = world.act(who, "state", kind, "x", {"free": [1, "text"]})
        assert world.books.last() == signed
    else:
        assert world.refused(who, "state", kind, "x", {}) == ["capacity_missing"]


def test_an_unknown_kind(world):
    assert world.refused("ada", "state", "approval.decree", "x", {}) == ["statement_kind_unknown"]


def test_a_capacity_that_was_withdrawn_or_has_not_begun(world):
    world.act("registrar", "withdraw_capacity", "ian", Capacity.ISSUER, reason="left")
    assert world.refused("ian", "state", "certificate.issue", "x", {}) == ["capacity_missing"]
    world.act("registrar", "grant", "ian", Capacity.ISSUER)
    assert world.act("ian", "state", "certificate.issue", "x", {})
    early = Register.fold(world.books.said, NOW)
    assert not early.people


def test_the_clock_may_go_back_a_little_but_no_statement_is_dated_before_the_last(world):
    last = world.books.last().statement.at
    world.now = last - timedelta(minutes=4)
    signed = world.act("ada", "state", "csr.submit", "x", {})
    assert signed.statement.at == last
    world.now = last - timedelta(minutes=7)
    assert world.refused("ada", "state", "csr.submit", "y", {}) == ["clock_went_back"]


def test_the_rule_book_cannot_be_set_back(world):
    world.now = datetime(2024, 2, 28, tzinfo=UTC)
    assert world.refused("ada", "state", "csr.submit", "y", {}) == ["clock_went_back"]


def test_the_register_is_founded_once_by_the_first_registrar(world):
    assert set(world.refused("registrar", "found", title="R", identity="r", ica=ica_of().der)) == {"register_founded"}
    ica = base64.b64encode(ica_of().der).decode()
    body = {"certificate": digest(certificate_of("ada")), "identity": "a", "title": "A", "ica": ica}
    assert "register_founded" in world.refused("ada", "state", "register.founded", "ada", body)
    assert world.register.ica == ica_of().der
    assert world.register.environment == "test"


@pytest.mark.parametrize("body", [{}, {"ica": 5}, {"ica": "no base64"}])
def test_founding_with_nothing_in_it(world, body):
    world.books.said.clear()
    codes = ["credential_malformed", "statement_malformed"]
    assert world.refused("registrar", "state", "register.founded", "registrar", body) == codes


def test_founding_needs_a_credential_of_the_ica_it_names(world):
    world.books.said.clear()
    assert world.refused("registrar", "found", title="R", identity="r", ica=ica_of("other").der) == [
        "credential_of_other_ica"
    ]


def test_the_register_is_read_once_per_number_of_statements(world):
    assert world.register.people
    world.books.reads = 0
    assert world.register.people
    assert world.books.reads == 0
    world.act("ada", "state", "csr.submit", "x", {})
    assert world.register.people
    assert world.books.reads == 0
    world.draft()
    assert world.register.approvals
    assert world.books.reads == 1


def test_what_was_rolled_back_is_not_remembered(world):
    def stopped():
        with world.transaction(world.now) as books:
            world.governance.draft_approval(books, credential("ada"), "A-1", **DRAFTED, now=world.now)
            assert "A-1" in world.governance.register(books).approvals
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        stopped()
    assert "A-1" not in world.register.approvals
    world.draft("A-2")
    assert set(world.register.approvals) == {"A-2"}


def test_a_refusal_is_one_audit_entry(world):
    with (
        pytest.raises(Refused),
        audited(world, "approval.refused", "A-1", "ian", world.now),
        world.transaction(world.now) as books,
    ):
        world.governance.draft_approval(books, credential("ian"), "A-1", **DRAFTED, now=world.now)
    assert world.books.entries[-1] == (
        "approval.refused",
        "A-1",
        {
            "actor": "ian",
            "findings": [{"clause": "approval record", "code": "capacity_missing", "field": "actor"}],
        },
    )


def test_a_draft_names_the_requests_it_is_for_where_the_environment_says_so(world):
    scope = replace(SCOPE, requests=frozenset())
    assert world.refused("ada", "draft_approval", "A-1", **(DRAFTED | {"scope": scope})) == [
        "approval_names_no_request"
    ]
    world.governance = Governance("test", approvals_bind_requests=False)
    assert world.draft(scope=scope).scope == scope


def test_statements_of_another_environment_are_refused_and_not_read(world):
    world.governance = Governance("other")
    assert world.refused("ada", "state", "csr.submit", "x", {}) == ["environment_differs"]


class _Files:
    def __init__(self, **kept: bytes) -> None:
        self.kept = {digest(octets): octets for octets in kept.values()}

    def keep(self, octets: bytes) -> str:
        self.kept[digest(octets)] = octets
        return digest(octets)

    def read(self, sha256: str) -> bytes:
        clause = Clause("test", "test")
        if sha256 not in self.kept:
            raise Refused([clause.breach("evidence_missing", sha256, "it is not there")])
        if digest(self.kept[sha256]) != sha256:
            raise Refused([clause.breach("evidence_hash_mismatch", sha256, "it is not what was kept")])
        return self.kept[sha256]


def test_documents_behind_an_approval_are_what_was_cited(world):
    files = _Files()
    cited = [files.keep(octets) for octets in (b"case", b"minutes", b"views")]
    world.draft(evidence=[cited[0]])
    world.view(document=cited[2])
    approval = world.decide(document=cited[1])
    findings = world.governance.evidence_findings
    assert findings(approval, files) == []
    files.kept[cited[1]] = b"other minutes"
    del files.kept[cited[0]]
    assert [each.code for each in findings(approval, files)] == ["evidence_missing", "evidence_hash_mismatch"]


def test_no_key_is_in_what_is_written(world):
    world.approve()
    secret = key_of("ada").private_numbers().d
    assert str(secret) not in repr(world.books) + repr(world.register)
    assert world.books.said[-1].signature.hex() not in repr(world.books.said[-1])


def test_parties(world):
    supplier = Eui64.parse("90-B3-D5-1F-30-01-00-00")
    roles = {supplier: {RemotePartyRole.SUPPLIER}}
    world.act("registrar", "add_party", "s1", title="S", kind=PartyKind.SUPPLIER, entities=roles, subscribes=["device"])
    assert world.register.party_of(supplier).name == "s1"
    assert world.refused("registrar", "add_party", "s1", title="S", kind=PartyKind.SUPPLIER, entities={}) == [
        "party_known"
    ]
    taken = world.refused("registrar", "add_party", "s2", title="S", kind=PartyKind.SUPPLIER, entities=roles)
    assert taken == ["entity_taken"]
    changed = world.act("registrar", "change_party", "s1", title="S1", entities={}, subscribes=["organisation"])
    assert (changed.title, changed.kind, changed.entities) == ("S1", PartyKind.SUPPLIER, {})
    assert world.refused("registrar", "change_party", "s9", title="S", entities={}, subscribes=[]) == ["party_unknown"]
    assert world.refused("ada", "change_party", "dcc", title="S", entities={}, subscribes=[]) == ["capacity_missing"]
    taken = world.refused("registrar", "change_party", "s1", title="S", entities={ENTITY: {4}}, subscribes=[])
    assert taken == ["entity_taken"]


def test_user_status_over_time(world):
    first, second = NOW - timedelta(days=30), NOW - timedelta(days=10)
    world.act("registrar", "set_user_status", "gas", user=True, since=first)
    party = world.act("registrar", "set_user_status", "gas", user=False, since=second)
    asked = (first - timedelta(1), first, second - timedelta(seconds=1), second)
    assert [party.is_user(at) for at in asked] == [False, True, True, False]
    assert world.refused("registrar", "set_user_status", "gas", user=True, since=first) == ["user_status_order"]
    assert world.refused("gwen", "set_user_status", "gas", user=True, since=NOW) == ["capacity_missing"]


def test_notice_of_leaving_and_staying_are_both_on_record(world):
    assert world.refused("ada", "give_notice", "gas", reference="letter") == ["acts_for_other"]
    assert world.refused("gwen", "withdraw_notice", "gas", reference="letter") == ["notice_missing"]
    party = world.act("gwen", "give_notice", "gas", reference="letter")
    assert party.leaving_since == world.now
    assert world.refused("registrar", "give_notice", "gas", reference="letter") == ["notice_stands"]
    assert world.act("registrar", "withdraw_notice", "gas", reference="letter 2").leaving_since is None
    assert [each.statement.kind for each in world.books.said[-2:]] == ["party.leaving", "party.staying"]
    assert world.refused("ada", "give_notice", "dcc", reference="letter") == ["party_is_dcc"]
    assert world.refused("pat", "give_notice", "gas", reference="letter") == ["capacity_missing"]


def test_people(world):
    name, body = "eve", {"title": "Eve", "identity": "eve", "certificate": digest(certificate_of("eve"))}
    add = lambda **more: world.refused("registrar", "add_person", name, **(body | more))  # noqa: E731
    assert add(capacities=[Capacity.ARO]) == ["acts_for_wrong"]
    assert add(capacities=[Capacity.PMA], acts_for=["dcc"]) == ["acts_for_wrong"]
    assert add(capacities=[Capacity.ARO], acts_for=["nobody"]) == ["party_unknown"]
    assert add(delegate_of="nobody") == ["person_unknown"]
    assert add(certificate=digest(certificate_of("ada"))) == ["credential_in_use"]
    assert add(certificate=KEY[:-1]) == ["statement_malformed"]
    assert add(capacities=[Capacity.PMA], identity="registrar in person") == ["separation_of_duties"]
    assert add(capacities=[Capacity.PMA], delegate_of="registrar") == ["separation_of_duties"]
    person = world.act("registrar", "add_person", name, **body)
    assert person.capacities == {}
    assert add() == ["person_known", "credential_in_use"]


def test_capacities_come_and_go(world):
    assert world.refused("registrar", "grant", "registrar", Capacity.PMA) == ["separation_of_duties"]
    assert world.refused("registrar", "grant", "pat", Capacity.PMA) == ["capacity_held"]
    assert world.refused("registrar", "grant", "nobody", Capacity.PMA) == ["person_unknown"]
    assert world.act("registrar", "grant", "ada", Capacity.ARO, acts_for=["gas"]).acts_for == {"dcc", "gas"}
    gone = world.act("registrar", "withdraw_capacity", "ada", Capacity.ARO, reason="left")
    assert not gone.holds(Capacity.ARO, world.now)
    assert gone.acts_for == frozenset()
    assert world.refused("registrar", "withdraw_capacity", "ada", Capacity.ARO, reason="left") == ["capacity_missing"]
    back = world.act("registrar", "grant", "ada", Capacity.ARO, acts_for=["dcc"])
    assert back.holds(Capacity.ARO, world.now)
    assert not back.holds(Capacity.ARO, world.now - timedelta(seconds=1))


def test_the_last_registrar_stays(world):
    leaves = ("withdraw_capacity", "registrar", Capacity.REGISTRAR)
    assert world.refused("registrar", *leaves, reason="x") == ["last_registrar"]
    world.add_person("rita", Capacity.REGISTRAR)
    assert not world.act("rita", *leaves, reason="left").holds(Capacity.REGISTRAR, world.now)
    assert world.refused("registrar", "grant", "ian", Capacity.PMA) == ["capacity_missing"]


def test_statements_read_back_from_octets_are_the_same(world):
    world.approve()
    again = [
        SignedStatement(type(each.statement).from_octets(each.statement.octets), each.signature, each.certificate)
        for each in world.books.said
    ]
    assert Register.fold(again) == world.register
    assert moment(world.register.approvals["A-1"].drafted_at)
