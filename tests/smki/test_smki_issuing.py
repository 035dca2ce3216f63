"""Organisation Certificates from the CSR to the repository, on a real store with real keys: smki.md 3.2 to 3.5."""

import base64
import json
import subprocess
import textwrap
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from authority_world import (
    BROKER,
    DS,
    ENVIRONMENT,
    GAS_NETWORK,
    KA,
    NOW,
    SUPPLIER,
    device_csr,
    make_world,
    point,
    signing,
)
from smki.issuing_world import (
    ACB,
    approve,
    codes,
    count,
    decide,
    draft,
    issue,
    longer,
    refused,
    reuse,
    scope_for,
    supplier_csr,
    view,
)
from trustcell import certs
from trustcell.governance.rules.approvals import ApprovalKind
from trustcell.governance.rules.canonical import digest
from trustcell.governance.rules.parties import Capacity
from trustcell.governance.rules.rulebook import rule_set
from trustcell.smki.rules.ask import Ask, request_name
from trustcell.smki.rules.facts import Application, Facts, IssuerFacts
from trustcell.smki.rules.records import RequestState, Status
from trustcell.smki.service.clock import decision_moment
from trustcell.smki.service.issuing import Authority
from trustcell.smki.service.making import draft as draft_certificate
from trustcell.smki.service.making import organisation_tbs, serial_of
from trustcell.vocab import Refused, RemotePartyRole

ROLE = RemotePartyRole
DAY = timedelta(days=1)


@pytest.fixture
def world(tmp_path):
    made = make_world(tmp_path)
    yield made
    made.close()


def armours(der):
    text = base64.b64encode(der).decode()
    pem = "-----BEGIN {0}-----\n{1}\n-----END {0}-----\n"
    wide = "\n".join(textwrap.wrap(text, 76))
    return {
        "der": der,
        "pem": pem.format("CERTIFICATE REQUEST", "\n".join(textwrap.wrap(text, 64))).encode(),
        "new": pem.format("NEW CERTIFICATE REQUEST", wide).encode(),
        "crlf": pem.format("CERTIFICATE REQUEST", wide).replace("\n", "\r\n").encode(),
        "lines": wide.encode(),
        "one line": text.encode(),
    }


@pytest.mark.parametrize("form", ["der", "pem", "new", "crlf", "lines", "one line"])
def test_a_csr_in_any_armour_becomes_a_certificate_in_the_repository(world, form):
    der = world.csr(ACB, BROKER)
    request = world.authority.submit(armours(der)[form], Ask(), world["ada"], world.now)
    assert (request.state, request.csr, request.name) == (RequestState.APPROVED, der, request_name(der, Ask()))
    made = world.authority.issue(request.name, world["ian"], world.now)
    with world.store.reading() as books:
        assert books.certificates.get(made.issuer, made.serial) == made
        assert books.requests.get(request.name).state is RequestState.LODGED
        assert [each.granted for each in books.requests.decisions(request.name)] == [True, True]
    assert made.status(world.now) is Status.IN_USE
    certificate = certs.Certificate.from_der(made.der)
    assert certs.check_profile(certificate, policy=ENVIRONMENT.organisation_policy) == []
    assert certificate.public_key_point == certs.load_csr(der).public_key_point


def test_openssl_verifies_the_chain_and_reads_the_certificate(world, tmp_path):
    made = issue(world, world.csr(ROLE.SUPPLIER, SUPPLIER, KA, name="SAMPLE"), person="sam")
    ders = {"root": world.hierarchy.root_oca.certificate.der, "oca": world.hierarchy.issuing_oca.certificate.der}
    for name, der in {**ders, "leaf": made.der}.items():
        text = base64.encodebytes(der).decode()
        (tmp_path / name).write_text(f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n")
    moment = str(int(world.now.timestamp()))
    command = ["openssl", "verify", "-attime", moment, "-CAfile", "root", "-untrusted", "oca", "leaf"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout == "leaf: OK\n"
    told = subprocess.run(["openssl", "x509", "-in", "leaf", "-noout", "-text"], cwd=tmp_path, capture_output=True)
    assert b"Key Agreement" in told.stdout


def test_what_was_linted_is_what_was_signed(world):
    made = issue(world)
    with world.store.reading() as books:
        intent = books.requests.intent(made.issuer, made.serial)
    assert intent.settled == "issued"
    tbs = certs.Certificate.from_der(made.der).tbs
    assert intent.tbs == certs.Certificate.from_der(intent.twin).tbs == tbs
    issuer_key = world.hierarchy.issuing_oca.certificate.public_key
    assert not certs.verify_signature(certs.Certificate.from_der(intent.twin), issuer_key)
    assert certs.verify_signature(certs.Certificate.from_der(made.der), issuer_key)


def test_request_decision_and_log_tell_one_story(world):
    made = issue(world)
    with world.store.reading() as books:
        submitted, decision = books.requests.decisions(made.request)
        signed = books.statements.get(decision.statement)
        [entry] = books.audit.about(f"{made.issuer}/{made.serial:X}")[1:]
    assert (submitted.decider, decision.decider, signed.statement.actor) == ("ada", "ian", "ian")
    assert decision.certificate == (made.issuer, made.serial)
    assert decision.rule_set == "2024-03-01: MP128A, MP261"
    assert {each["verdict"] for each in decision.checks} == {"met"}
    assert entry.body["sha256"] == digest(made.der)


# L11.4, L11.4A, L11.4B


@pytest.mark.parametrize("dcc", [True, False])
@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("decided", [True, False])
@pytest.mark.parametrize("in_time", [True, False])
def test_of_sixteen_combinations_one_issues(world, dcc, listed, decided, in_time):
    """A role, an EUI-64 and a key that have a certificate; the same asked for again."""
    subscribers = {
        (True, True): ("ada", ACB, BROKER),
        (True, False): ("ada", ROLE.DSP_XML_SIGN, BROKER),
        (False, True): ("sam", ACB, SUPPLIER),
        (False, False): ("sam", ROLE.SUPPLIER, SUPPLIER),
    }
    person, role, entity = subscribers[dcc, listed]
    first_owner = ("ada", ACB, BROKER) if (dcc, listed) == (False, True) else (person, role, entity)
    issue(world, world.csr(*first_owner[1:], DS, "key"), person=first_owner[0])
    csr, ask = world.csr(role, entity, DS, "key"), Ask(approvals=("reuse",), purpose="again")
    try:
        # Governance lets nobody draft for an unlisted role, nor decide before the view: the approval stays what it is.
        drafted = draft(world, "reuse", ApprovalKind.KEY_REUSE, scope_for(csr, ask), world.now)
        if in_time:
            view(world, drafted, world.now)
        if decided:
            decide(world, drafted, world.now)
        if not in_time:
            view(world, drafted, world.later(days=1))
    except Refused:
        assert not listed or not in_time
    if dcc and listed and decided and in_time:
        made = issue(world, csr, ask)
        assert (made.key_use, made.approvals) == (1, ("reuse",))
        return
    refusal = refused(lambda: world.authority.submit(csr, ask, world[person], world.now), world.store)
    told = {each.clause for each in refusal.findings if each.code == "key_reuse_not_approved"}
    limbs = {"SEC L11.4A": dcc, "SEC L11.4B(b)": listed, "SEC L11.4B(a)": listed and decided and in_time}
    assert told == {limb for limb, held in limbs.items() if not held}
    assert "public_key_in_use" in codes(refusal)


@pytest.mark.parametrize("status", ["valid", "expired", "revoked", "rejected"])
def test_a_key_in_a_certificate_of_any_status_is_in_use(world, status):
    made = issue(world, supplier_csr(world), person="sam")
    if status == "rejected":
        world.authority.reject_certificate(made.issuer, made.serial, world["sam"], world.now, "not what I asked for")
    if status == "revoked":
        from dataclasses import replace

        with world.store.transaction(world.now) as books:
            books.certificates.update(replace(made, revoked_at=world.now, revocation_reason=4))
            books.audit.append("test", "revoked by hand", {}, world.now)
    now = world.now + 3654 * DAY if status == "expired" else world.now
    again = supplier_csr(world, name="AGAIN")
    people = world["sam"]
    if status == "expired":
        # The credentials of people have ended by then as well, so the rules are asked.
        told = world.authority.explain((again, Ask()), now, requester="sam")
        assert "public_key_in_use" in [each.code for each in told.findings]
        return
    refusal = refused(lambda: world.authority.submit(again, Ask(), people, now), world.store)
    [told] = [each for each in refusal.findings if each.code == "public_key_in_use"]
    assert (told.clause, told.facts) == ("SEC L11.4(b)", {"issuer": made.issuer, "serial": f"{made.serial:032X}"})


def test_the_key_of_an_oca_is_refused(world):
    """The OCA would have to prove possession; its own keystore can, so the CSR is a right one."""
    ca = world.hierarchy.issuing_oca
    csr = certs.organisation_csr(ACB, BROKER, DS, ca.certificate.public_key_point, ca.signer.sign)
    refusal = refused(lambda: world.authority.submit(csr, Ask(), world["ada"], world.now), world.store)
    assert "public_key_in_use" in codes(refusal)
    assert {"SEC L11.4(b)", "SEC L11.4A"} <= {each.clause for each in refusal.findings}


def test_the_key_of_a_device_authority_is_a_warning_on_record(world):
    ca = world.hierarchy.issuing_dca
    csr = certs.organisation_csr(ACB, BROKER, DS, ca.certificate.public_key_point, ca.signer.sign)
    made = issue(world, csr)
    with world.store.reading() as books:
        checks = books.requests.decisions(made.request)[-1].checks
    told = [finding["code"] for each in checks for finding in each["findings"]]
    assert told == ["public_key_in_other_family"]


def test_one_key_for_signing_and_agreement_is_refused_even_when_approved(world):
    issue(world, world.csr(ACB, BROKER, DS, "key"))
    csr = world.csr(ACB, BROKER, KA, "key")
    ask = Ask(approvals=(reuse(world, csr, Ask()),))
    assert "SEC L11.4A" in {
        each.clause
        for each in refused(lambda: world.authority.submit(csr, ask, world["ada"], world.now), world.store).findings
    }


def test_longer_and_repeated_needs_two_approvals_and_takes_one_use_of_each(world):
    first = issue(world)
    csr = world.csr(ACB, BROKER)
    plain = Ask(years=17, purpose="pack")
    given = {"reuse": reuse(world, csr, plain), "longer": longer(world, csr, plain, years=17)}
    for one, other in (("reuse", "validity_not_approved"), ("longer", "key_reuse_not_approved")):
        ask = Ask(years=17, purpose="pack", approvals=(given[one],))
        refusal = refused(lambda ask=ask: world.authority.submit(csr, ask, world["ada"], world.now), world.store)
        assert other in codes(refusal)
    made = issue(world, csr, Ask(years=17, purpose="pack", approvals=("reuse", "longer")))
    assert (made.approvals, made.purpose, made.key_use) == (("reuse", "longer"), "pack", 1)
    assert (made.ski, made.key, made.key_usage) == (first.ski, first.key, first.key_usage)
    assert made.not_after == datetime(2041, 3, 1, 11, 59, 59, tzinfo=UTC)
    with world.store.reading() as books:
        assert [len(books.approval_uses.uses(name)) for name in given] == [1, 1]
        [entry] = [each for each in books.audit.about(f"T1/{made.serial:X}") if each.kind == "certificate.intended"]
        assert entry.body["same_as"] == [f"T1/{first.serial:X}"]
        assert entry.body["under"] == ["reuse", "longer"]
        assert entry.body["lint_set_aside"] == ["profile_duration"]


def test_a_new_key_is_said_to_be_new(world):
    made = issue(world)
    with world.store.reading() as books:
        [entry] = [each for each in books.audit.about(f"T1/{made.serial:X}") if each.kind == "certificate.intended"]
    assert entry.body["key"] == "new"


def test_seventeen_years_that_end_with_the_oca(world):
    world.now += 250 * DAY
    csr, plain = world.csr(ACB, BROKER), Ask(years=17)
    ask = Ask(years=17, approvals=(longer(world, csr, plain, now=world.now, years=17, exact=False),))
    made = issue(world, csr, ask)
    assert made.not_after == world.hierarchy.issuing_oca.certificate.not_after


# At issue the checks are made again


def repeated(world, **scope):
    """A request over a repeated key that was approved and submitted, and is about to be issued."""
    issue(world)
    csr = world.csr(ACB, BROKER, name="AGAIN")
    ask = Ask(approvals=(reuse(world, csr, Ask(), **scope),))
    return world.authority.submit(csr, ask, world["ada"], world.now)


def test_an_approval_withdrawn_in_between_is_void_at_issue(world):
    request = repeated(world)
    with world.store.transaction(world.now) as books:
        world.governance.withdraw(books, world["pat"], "reuse", reason="second thoughts", now=world.now)
    refusal = refused(lambda: world.authority.issue(request.name, world["ian"], world.now), world.store)
    assert "approval_withdrawn" in codes(refusal)
    with world.store.reading() as books:
        assert books.requests.decisions(request.name)[-1].granted is False


def test_a_decider_who_no_longer_speaks_for_the_pma_voids_the_approval(world):
    request = repeated(world)
    with world.store.transaction(world.now) as books:
        world.governance.withdraw_capacity(
            books, world["registrar"], "pat", Capacity.PMA, reason="retired", now=world.now
        )
    refusal = refused(lambda: world.authority.issue(request.name, world["ian"], world.later(days=1)), world.store)
    assert "approval_void" in codes(refusal) or "approval_withdrawn" in codes(refusal)


def test_two_requests_race_for_the_last_use_and_one_wins(world):
    issue(world)
    one, two = world.csr(ACB, BROKER, name="ONE"), world.csr(ACB, BROKER, name="TWO")
    both = frozenset({request_name(one, Ask()), request_name(two, Ask())})
    reuse(world, one, Ask(), requests=both, max_certificates=1)
    ask = Ask(approvals=("reuse",))
    names = [world.authority.submit(csr, ask, world["ada"], world.now).name for csr in (one, two)]
    world.authority.issue(names[0], world["ian"], world.now)
    refusal = refused(lambda: world.authority.issue(names[1], world["ian"], world.now), world.store)
    assert "approval_used_up" in codes(refusal)


def test_a_use_is_reserved_while_a_certificate_is_being_made(world):
    issue(world)
    one, two = world.csr(ACB, BROKER, name="ONE"), world.csr(ACB, BROKER, name="TWO")
    both = frozenset({request_name(one, Ask()), request_name(two, Ask())})
    reuse(world, one, Ask(), requests=both, max_certificates=1)
    names = [world.authority.submit(csr, Ask(approvals=("reuse",)), world["ada"], world.now).name for csr in (one, two)]
    seen = []

    def meanwhile(at):
        if at == "K39":
            refusal = refused(lambda: world.authority.issue(names[1], world["ian"], world.now))
            seen.extend(codes(refusal))

    slow = Authority(
        world.store, world.governance, world.environment, world.hierarchy, world.evidence, world.random, meanwhile
    )
    assert slow.issue(names[0], world["ian"], world.now).approvals == ("reuse",)
    assert "approval_used_up" in seen


def test_who_asked_does_not_issue(world):
    with world.store.transaction(world.now) as books:
        world.governance.grant(books, world["registrar"], "ada", Capacity.ISSUER, now=world.now)
    request = world.authority.submit(world.csr(ACB, BROKER), Ask(), world["ada"], world.now)
    refusal = refused(lambda: world.authority.issue(request.name, world["ada"], world.now), world.store)
    assert codes(refusal) == ["separation_of_duties"]


@pytest.mark.parametrize(("person", "code"), [("sam", "capacity_missing"), ("otto", "auditor_states_nothing")])
def test_only_an_issuer_issues(world, person, code):
    request = world.authority.submit(world.csr(ACB, BROKER), Ask(), world["ada"], world.now)
    refusal = refused(lambda: world.authority.issue(request.name, world[person], world.now), world.store)
    assert codes(refusal) == [code]


def test_only_the_aro_of_the_party_asks(world):
    act = lambda: world.authority.submit(world.csr(ACB, BROKER), Ask(), world["sam"], world.now)  # noqa: E731
    assert codes(refused(act, world.store)) == ["subscriber_not_authorised", "role_not_eligible"][:1]
    act = lambda: world.authority.submit(world.csr(ACB, BROKER), Ask(), world["ian"], world.now)  # noqa: E731
    assert codes(refused(act, world.store)) == ["capacity_missing"]


def test_a_request_that_nobody_made_is_unknown(world):
    act = lambda: world.authority.issue("0" * 64, world["ian"], world.now)  # noqa: E731
    assert codes(refused(act, world.store)) == ["request_unknown"]


def test_issued_twice_is_the_same_certificate(world):
    made = issue(world)
    before = count(world.store, "audit_entry")
    assert world.authority.issue(made.request, world["ian"], world.now) == made
    assert world.authority.issue(made.request[:10], world["ian"], world.now) == made
    assert count(world.store, "audit_entry") == before


def test_the_very_csr_of_a_certificate_is_over_a_key_in_use(world):
    made = issue(world)
    act = lambda: world.authority.submit(world.csr(ACB, BROKER), Ask(), world["ada"], world.now)  # noqa: E731
    assert codes(refused(act, world.store))[0] == "public_key_in_use"
    with world.store.reading() as books:
        assert books.requests.get(made.request).state is RequestState.LODGED


def test_a_request_is_made_once_unless_it_was_refused(world):
    world.authority.submit(world.csr(ACB, BROKER), Ask(), world["ada"], world.now)
    act = lambda: world.authority.submit(world.csr(ACB, BROKER), Ask(), world["ada"], world.later(hours=1))  # noqa: E731
    assert codes(refused(act, world.store)) == ["request_repeated"]


def test_a_refused_csr_is_submitted_again_over_the_same_key(world):
    issue(world)
    csr = world.csr(ACB, BROKER, name="AGAIN")
    refused(lambda: world.authority.submit(csr, Ask(), world["ada"], world.now))
    with world.store.reading() as books:
        name = request_name(csr, Ask())
        assert books.requests.get(name).state is RequestState.REJECTED_CONTENT
    made = issue(world, csr, Ask(approvals=(reuse(world, csr, Ask()),)))
    assert made.request == name


def test_a_request_refused_at_issue_may_cite_another_approval(world):
    request = repeated(world)
    with world.store.transaction(world.now) as books:
        world.governance.withdraw(books, world["pat"], "reuse", reason="second thoughts", now=world.now)
    refused(lambda: world.authority.issue(request.name, world["ian"], world.now))
    csr = request.csr
    other = approve(world, "other", ApprovalKind.KEY_REUSE, scope_for(csr, Ask()), world.now)
    made = issue(world, csr, Ask(approvals=(other,)))
    assert (made.request, made.approvals) == (request.name, ("other",))


def test_a_request_refused_at_issue_may_be_refused_again_at_submission(world):
    request = repeated(world)
    with world.store.transaction(world.now) as books:
        world.governance.withdraw(books, world["pat"], "reuse", reason="second thoughts", now=world.now)
    refused(lambda: world.authority.issue(request.name, world["ian"], world.now))
    refusal = refused(lambda: world.authority.submit(request.csr, Ask(), world["ada"], world.now))
    assert "key_reuse_not_approved" in codes(refusal)
    with world.store.reading() as books:
        assert books.requests.get(request.name).state is RequestState.REJECTED_CONTENT


# The CSR itself


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"", "csr_armour_malformed"),
        (b"no request", "csr_armour_malformed"),
        (b"\x30\x00", "csr_not_der"),
        (b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "csr_armour_label"),
    ],
)
def test_octets_that_are_no_csr_are_refused_by_form(world, octets, code):
    refusal = refused(lambda: world.authority.submit(octets, Ask(), world["ada"], world.now), world.store)
    assert codes(refusal) == [code]
    with world.store.reading() as books:
        entry = books.audit.about(digest(octets))[-1]
    assert (entry.kind, entry.body["state"]) == ("request.refused", "REJECTED_FORMAT")


def test_a_csr_signed_by_another_key_is_refused(world):
    other = ec.derive_private_key(7, ec.SECP256R1())
    mine = ec.derive_private_key(8, ec.SECP256R1())
    csr = certs.organisation_csr(ACB, BROKER, DS, point(mine), signing(other))
    refusal = refused(lambda: world.authority.submit(csr, Ask(), world["ada"], world.now), world.store)
    assert codes(refusal) == ["csr_signature_wrong"]


def library_csr(key):
    """A request for the broker over a key of any kind, made by the library."""
    subject = certs.organisation_name(ACB, BROKER).x509
    usage = x509.KeyUsage(True, *[False] * 8)
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .add_extension(usage, True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )


def test_a_key_that_is_not_on_p256_is_refused(world):
    kinds = {
        "csr_key_rsa": rsa.generate_private_key(65537, 2048),
        "csr_curve_not_p256": ec.generate_private_key(ec.SECP384R1()),
    }
    for code, key in kinds.items():
        csr = library_csr(key)
        act = lambda csr=csr: world.authority.submit(csr, Ask(), world["ada"], world.now)  # noqa: E731
        assert code in codes(refused(act, world.store))


def test_a_point_off_the_curve_is_refused(world):
    good = world.csr(ACB, BROKER)
    key = certs.load_csr(good).public_key_point
    csr = good.replace(key, key[:-1] + bytes((key[-1] ^ 1,)))
    act = lambda: world.authority.submit(csr, Ask(), world["ada"], world.now)  # noqa: E731
    assert "csr_point_not_on_curve" in codes(refused(act, world.store))


def test_a_csr_without_role_or_subject_is_refused(world):
    csr = device_csr(BROKER, DS, "device")
    act = lambda: world.authority.submit(csr, Ask(), world["ada"], world.now)  # noqa: E731
    assert codes(refused(act, world.store))[0] == "csr_subject_of_device"
    key = ec.derive_private_key(9, ec.SECP256R1())
    bare = certs.build_csr(certs.authority_name("X").der, point(key), (bytes.fromhex(KEY_USAGE),), signing(key))
    act = lambda: world.authority.submit(bare, Ask(), world["ada"], world.now)  # noqa: E731
    assert {"csr_subject_role", "csr_subject_entity_id"} <= set(codes(refused(act, world.store)))


EXTENSIONS = {
    "csr_extension_basic_constraints": "300f0603551d130101ff040530030101ff",
    "csr_extension_extended_key_usage": "30130603551d25040c300a06082b06010505070301",
    "csr_extension_not_allowed": "300a06032a03040403020100",
}
KEY_USAGE = "300e0603551d0f0101ff040403020780"


@pytest.mark.parametrize(
    ("usage", "code"), [("03020388", "csr_key_usage_not_one"), ("03020106", "csr_key_usage_not_one")]
)
def test_a_key_has_one_use_and_certifies_nothing(world, usage, code):
    content = bytes.fromhex("0603551d0f0101ff") + bytes((4, len(usage) // 2)) + bytes.fromhex(usage)
    assert code in codes(refused(lambda: submit_with(world, bytes((0x30, len(content))) + content), world.store))


@pytest.mark.parametrize("code", EXTENSIONS)
def test_nothing_but_a_key_usage_is_asked_for(world, code):
    act = lambda: submit_with(world, bytes.fromhex(KEY_USAGE), bytes.fromhex(EXTENSIONS[code]))  # noqa: E731
    assert codes(refused(act, world.store)) == [code]


def submit_with(world, *extensions):
    key = ec.derive_private_key(9, ec.SECP256R1())
    subject = certs.organisation_name(ACB, BROKER).der
    csr = certs.build_csr(subject, point(key), extensions, signing(key))
    return world.authority.submit(csr, Ask(), world["ada"], world.now)


# Serials, twins, clocks


def constant(octets):
    """A random source that always gives the same octets."""
    return lambda size: (octets * size)[:size]


def test_a_serial_collides_three_times_and_then_issuing_stops(world):
    stuck = Authority(
        world.store, world.governance, world.environment, world.hierarchy, world.evidence, constant(b"\x42")
    )
    requests = [
        stuck.submit(world.csr(ACB, BROKER, DS, label), Ask(), world["ada"], world.now).name for label in ("a", "b")
    ]
    assert stuck.issue(requests[0], world["ian"], world.now).serial == serial_of(constant(b"\x42"))
    refusal = refused(lambda: stuck.issue(requests[1], world["ian"], world.now), world.store)
    assert codes(refusal) == ["serial_in_use"]


def test_a_serial_that_collides_twice_is_replaced(world):
    first = issue(world)
    drawn = iter([first.serial, first.serial, 0x5A << 120])

    def again(size):
        if size != 16:
            return world.random(size)
        octets = bytearray(next(drawn).to_bytes(16, "big"))
        octets[0] -= 0x10
        return bytes(octets)

    lucky = Authority(world.store, world.governance, world.environment, world.hierarchy, world.evidence, again)
    request = lucky.submit(world.csr(ACB, BROKER, DS, "b"), Ask(), world["ada"], world.now)
    assert lucky.issue(request.name, world["ian"], world.now).serial == 0x5A << 120


def test_serials_have_sixteen_octets_the_first_10_to_7f():
    for first in range(256):
        assert 0x10 <= serial_of(lambda size, first=first: bytes([first]) * size) >> 120 <= 0x7F


def test_a_twin_that_differs_in_one_octet_stops_the_issue_before_the_key_is_used(world, monkeypatch):
    request = world.authority.submit(world.csr(ACB, BROKER), Ask(), world["ada"], world.now)
    used = []
    monkeypatch.setattr(type(world.hierarchy.issuing_oca), "sign", lambda *_: used.append(1))

    def altered(*arguments):
        made = draft_certificate(*arguments)
        tbs = bytearray(made.tbs)
        tbs[-1] ^= 1
        return type(made)(bytes(tbs), made.twin, made.set_aside)

    monkeypatch.setattr("trustcell.smki.service.issuing.draft", altered)
    with pytest.raises(Refused) as raised:
        world.authority.issue(request.name, world["ian"], world.now)
    assert codes(raised.value) == ["twin_differs"]
    assert not used
    assert count(world.store, "certificate") == count(make_world_again(world).store, "certificate")


def make_world_again(world):
    from authority_world import open_world

    return open_world(world.folder, f"sqlite:///{world.folder / 'trustcell.db'}")


def test_a_draft_that_breaks_the_profile_is_not_signed(world, monkeypatch):
    request = world.authority.submit(world.csr(ACB, BROKER), Ask(), world["ada"], world.now)
    made_tbs = organisation_tbs

    def critical_ski(*arguments):
        tbs = made_tbs(*arguments)
        return tbs.replace(bytes.fromhex("03020780"), bytes.fromhex("03020640"))  # nonRepudiation

    monkeypatch.setattr("trustcell.smki.service.issuing.organisation_tbs", critical_ski)
    refusal = refused(lambda: world.authority.issue(request.name, world["ian"], world.now), world.store)
    assert codes(refusal) == ["profile_key_usage_not_one"]


def test_the_key_of_the_oca_is_not_used_a_second_late(world, monkeypatch):
    from dataclasses import replace

    request = world.authority.submit(world.csr(ACB, BROKER), Ask(), world["ada"], world.now)
    ca = world.hierarchy.issuing_oca
    late = replace(world.hierarchy, issuing_oca=replace(ca, record=replace(ca.record, not_after=world.now - DAY)))
    old = Authority(world.store, world.governance, world.environment, late, world.evidence, world.random)
    with pytest.raises(Refused) as raised:
        old.issue(request.name, world["ian"], world.now)
    assert codes(raised.value) == ["ca_key_period_ended"]
    # The books say otherwise, so the checks were met and an intent was made: it is given up, and the request waits.
    assert world.authority.issue(request.name, world["ian"], world.now).request == request.name


@pytest.mark.parametrize("back", [timedelta(hours=1), 3650 * DAY])
def test_issuing_stops_when_the_clock_went_back(world, back):
    issue(world)
    act = lambda: world.authority.submit(supplier_csr(world), Ask(), world["sam"], world.now - back)  # noqa: E731
    assert codes(refused(act, world.store)) == ["clock_went_back"]


def test_the_last_decision_alone_stops_the_clock_as_well(world):
    issue(world)
    with world.store.reading() as books, pytest.raises(Refused) as raised:
        decision_moment(books, world.environment, world.now - timedelta(hours=1), confirmed=True)
    assert codes(raised.value) == ["clock_went_back"]


def test_a_clock_a_little_back_counts_as_the_last_decision(world):
    issue(world)
    request = world.authority.submit(supplier_csr(world), Ask(), world["sam"], world.now - timedelta(seconds=1))
    assert request.at == world.now


def test_a_leap_ahead_asks_for_confirmation_and_destroys_nothing(world):
    issue(world)
    far = world.now + 400 * DAY
    act = lambda: world.authority.submit(supplier_csr(world), Ask(), world["sam"], far)  # noqa: E731
    assert codes(refused(act, world.store)) == ["clock_jumped"]
    # The clock is set right again: nothing is lost.
    assert world.authority.submit(supplier_csr(world), Ask(), world["sam"], world.now + DAY).at == world.now + DAY
    assert world.authority.submit(supplier_csr(world, "other"), Ask(), world["sam"], far, confirm_clock=True).at == far


# Subscribers answer


def test_a_subscriber_accepts(world):
    made = issue(world)
    taken = world.authority.accept_certificate(made.issuer, made.serial, world["ada"], world.now)
    assert taken.accepted is True
    with world.store.reading() as books:
        assert books.requests.get(made.request).state is RequestState.ACCEPTED_BY_SUBSCRIBER
    act = lambda: world.authority.reject_certificate("T1", made.serial, world["ada"], world.now, "no")  # noqa: E731
    assert codes(refused(act, world.store)) == ["certificate_answered"]


def test_a_rejected_certificate_is_revoked_and_its_key_needs_a_successor(world):
    made = issue(world)
    gone = world.authority.reject_certificate("T1", made.serial, world["ada"], world.now, "wrong usage")
    assert (gone.status(world.now), gone.accepted) == (Status.REVOKED, False)
    with world.store.reading() as books:
        assert [each.serial for each in books.revocations.revoked("T1")] == [made.serial]
    act = lambda: world.authority.submit(world.csr(ACB, BROKER, name="X"), Ask(), world["ada"], world.now)  # noqa: E731
    assert "public_key_in_use" in codes(refused(act, world.store))


def test_nobody_answers_for_another_party(world):
    made = issue(world)
    act = lambda: world.authority.accept_certificate("T1", made.serial, world["sam"], world.now)  # noqa: E731
    unknown = lambda: world.authority.accept_certificate("T1", made.serial + 1, world["sam"], world.now)  # noqa: E731
    assert codes(refused(act, world.store)) == codes(refused(unknown, world.store)) == ["certificate_unknown"]


# Explanations


def test_the_same_request_a_day_earlier_and_a_day_later(world):
    issue(world)
    csr = world.csr(ACB, BROKER)
    ask = Ask(years=17, approvals=())
    before = datetime(2024, 2, 28, 12, tzinfo=UTC)
    told = {at: world.authority.explain((csr, ask), at, requester="ada").as_json() for at in (before, NOW)}
    assert [each["rule_set"] for each in told.values()] == ["2024-02-28: MP128A", "2024-03-01: MP128A, MP261"]
    assert not any(each["granted"] for each in told.values())
    # On the day before nothing had been issued yet, so only the period stands in the way, and no approval could help.
    assert told[before]["clauses"] == ["SEC Appendix B 6.3.2(A)(i)"]
    assert told[NOW]["clauses"] == ["SEC Appendix B 6.3.2(A)(i)", "SEC L11.4(b)", "SEC L11.4B(a)"]
    assert {each["check"] for each in told[NOW]["checks"]} == {f"C{number}" for number in range(1, 12)}


def test_an_issued_request_explains_itself_as_it_was(world):
    request = repeated(world)
    made = world.authority.issue(request.name, world["ian"], world.now)
    told = world.authority.explain(made.request, world.now)
    assert told.granted
    assert [(each.granted, each.certificate) for each in told.recorded] == [
        (True, None),
        (True, (made.issuer, made.serial)),
    ]
    earlier = world.authority.explain(made.request[:12], datetime(2024, 2, 28, tzinfo=UTC))
    assert (earlier.request, earlier.rule_set) == (made.request, "2024-02-28: MP128A")


def test_an_explanation_changes_nothing(world):
    before = count(world.store, "audit_entry")
    world.authority.explain((world.csr(ACB, BROKER), Ask()), world.now, requester="ada")
    with pytest.raises(Refused):
        world.authority.explain("f" * 64, world.now)
    assert count(world.store, "audit_entry") == before


# Gas networks (V7)


def test_a_gas_network_that_leaves_and_stays(world):
    csr = world.csr(ROLE.NETWORK_OPERATOR, GAS_NETWORK)
    with world.store.transaction(world.now) as books:
        world.governance.give_notice(books, world["gwen"], "gas-network", reference="letter 7", now=world.now)
    refusal = refused(lambda: world.authority.submit(csr, Ask(), world["gwen"], world.now), world.store)
    assert codes(refusal) == ["subscriber_leaving"]
    with world.store.transaction(world.later(hours=1)) as books:
        world.governance.withdraw_notice(books, world["gwen"], "gas-network", reference="letter 7", now=world.now)
    assert issue(world, csr, person="gwen").role == ROLE.NETWORK_OPERATOR


# The real profile


def test_real_certificates_are_remade_octet_for_octet(shared):
    zaz1 = json.loads((shared / "zaz1-test-keys.json").read_text())
    made = [certs.Certificate.from_der(base64.b64decode(each["certificate_der_b64"])) for each in zaz1 if loads(each)]
    scalars = {base64.b64decode(each["certificate_der_b64"]): each["private_scalar_hex"] for each in zaz1}
    remade = 0
    for real in made:
        if real.issuer.common_name != "Z1" or real.authority_key_identifier is None:
            continue  # another issuer, or one of the self-signed (trap T4)
        key = ec.derive_private_key(int(scalars[real.der], 16), ec.SECP256R1())
        csr = certs.organisation_csr(
            real.role, real.entity_id, real.key_usage, real.public_key_point, signing(key), real.subject.common_name
        )
        ask = Ask(not_before=real.not_before, not_after=real.not_after)
        application = Application(certs.load_csr(csr), ask)
        facts = Facts(
            real.not_before, rule_set(real.not_before), ENVIRONMENT, IssuerFacts("Z1", real.not_before, real.not_after)
        )
        assert organisation_tbs(application, facts, real.serial, issuer_of(real)) == real.tbs
        remade += 1
    assert remade >= 20


def issuer_of(real):
    """An authority with the name and key identifier that the certificate names."""

    class Issuer:
        subject = real.issuer
        subject_key_identifier = real.authority_key_identifier

    return Issuer


def loads(entry):
    try:
        certs.Certificate.from_der(base64.b64decode(entry["certificate_der_b64"]))
    except Exception:
        return False
    return True
