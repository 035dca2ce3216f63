"""The ceremony and what it leaves: authorities with their profiles, keys that stop with their certificates, a log."""

import dataclasses
import subprocess
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from authority_world import DS, ENVIRONMENT, FOUNDED, NOW, SUPPLIER, CachedKeystore, make_world, p256, point, signing
from trustcell import certs
from trustcell.adapters.clock import system_random
from trustcell.adapters.store import open_store
from trustcell.certs import CertificateKind
from trustcell.governance.rules.canonical import digest
from trustcell.smki.ports import KeyKind
from trustcell.smki.rules.environment_form import environment_values, read_environment
from trustcell.smki.rules.hierarchy import AUTHORITIES
from trustcell.smki.rules.records import Family, Status
from trustcell.smki.service.ceremony import hold_ceremony
from trustcell.smki.service.hierarchy import CaKey, load_environment, load_hierarchy
from trustcell.smki.service.people import issue_person_certificate
from trustcell.vocab import Refused, RemotePartyRole, Unavailable, WireError

SECOND = timedelta(seconds=1)


@pytest.fixture
def world(tmp_path):
    made = make_world(tmp_path)
    yield made
    made.close()


class Bare:
    """A store and a keystore with an audit key, before any ceremony."""

    def __init__(self, folder):
        self.keystore = CachedKeystore(folder / "keys")
        self.keystore.generate("audit", KeyKind.P256)
        seal = self.keystore.signer("audit").sign
        url = f"sqlite:///{folder / 'trustcell.db'}"
        self.store = open_store(url, "test", seal=seal, head_file=folder / "heads.jsonl")

    def hold(self, environment=ENVIRONMENT, now=FOUNDED, custodians=("kate", "karl"), keystore=None, step=None):
        named = {} if step is None else {"step": step}
        return hold_ceremony(
            self.store,
            keystore or self.keystore,
            environment,
            now=now,
            random=system_random,
            custodians=custodians,
            **named,
        )

    def entries(self):
        with self.store.reading() as books:
            return list(books.audit.entries())


@pytest.fixture
def bare(tmp_path):
    made = Bare(tmp_path)
    yield made
    made.store.close()


def test_every_authority_is_clean_and_lasts_its_years(world):
    expected = {
        "root-oca": (CertificateKind.ROOT_OCA, "OU=00, CN=TR", 2066, Family.ORGANISATION),
        "issuing-oca": (CertificateKind.ISSUING_OCA, "OU=07, CN=T1", 2041, Family.ORGANISATION),
        "root-dca": (CertificateKind.ROOT_DCA, "CN=TD", 2066, Family.DEVICE),
        "issuing-dca": (CertificateKind.ISSUING_DCA, "CN=D001", 2041, Family.DEVICE),
        "ica": (CertificateKind.ICA, "CN=TI", 2041, Family.IKI),
    }
    for row, key in zip(AUTHORITIES, world.hierarchy, strict=True):
        kind, subject, year, family = expected[row.label]
        found = key.certificate
        assert (found.kind, str(found.subject)) == (kind, subject)
        assert certs.check_profile(found, policy=row.policy(ENVIRONMENT), now=NOW) == []
        assert found.not_before == datetime(2016, 9, 1, tzinfo=UTC)
        assert found.not_after == datetime(year, 8, 31, 23, 59, 59, tzinfo=UTC)
        assert (key.record.family, key.record.kind, key.record.der) == (family, kind.value, found.der)
        assert key.record.status(NOW) is Status.IN_USE
        assert found.spki == key.signer.public_key
    root, issuing = world.hierarchy.root_oca.certificate, world.hierarchy.issuing_oca.certificate
    assert issuing.authority_key_identifier == root.subject_key_identifier
    assert root.authority_key_identifier is None
    assert certs.verify_signature(issuing, root.public_key)
    assert len({key.certificate.spki for key in world.hierarchy}) == 5


def test_paths_lead_from_issuing_authorities_to_their_roots(world):
    for root, issuing in (
        (world.hierarchy.root_oca, world.hierarchy.issuing_oca),
        (world.hierarchy.root_dca, world.hierarchy.issuing_dca),
    ):
        tbs = leaf(world, issuing)
        made = certs.Certificate.from_der(certs.assemble(tbs, certs.signature_der(issuing.sign(tbs, NOW))))
        anchor = certs.TrustAnchor.of(root.certificate)
        path = certs.validate_path(made, [issuing.certificate], [anchor], NOW)
        assert path.certificates == (made, issuing.certificate)


def leaf(world, issuing):
    """What an Issuing OCA or DCA signs for a subscriber."""
    aki = issuing.certificate.subject_key_identifier
    key = point(p256(f"leaf of {issuing.name}"))
    common = {"policy": ENVIRONMENT.organisation_policy, "issuer_key_identifier": aki, "public_key_point": key}
    name = issuing.certificate.subject
    if issuing.record.family is Family.DEVICE:
        common["policy"] = ENVIRONMENT.device_policy
        return certs.tbs_octets(
            certs.DeviceTemplate(0x4A << 120, name, NOW, entity_id=SUPPLIER, key_usage=DS, **common)
        )
    end = NOW.replace(year=2034) - SECOND
    return certs.tbs_octets(
        certs.OrganisationTemplate(0x4A << 120, name, NOW, end, 2, entity_id=SUPPLIER, key_usage=DS, **common)
    )


def test_openssl_reads_every_kind_and_accepts_the_chains(world, tmp_path):
    folder = tmp_path / "pem"
    folder.mkdir()
    ca = world.hierarchy
    made = {row.label: key.certificate for row, key in zip(AUTHORITIES, ca, strict=True)}
    for label, issuing in (("organisation", ca.issuing_oca), ("device", ca.issuing_dca)):
        tbs = leaf(world, issuing)
        made[label] = certs.Certificate.from_der(certs.assemble(tbs, certs.signature_der(issuing.sign(tbs, NOW))))
    made["iki"] = certs.Certificate.from_der(world["ada"].certificate)
    for label, certificate in made.items():
        (folder / f"{label}.pem").write_bytes(certificate.x509.public_bytes(Encoding.PEM))
        shown = openssl(folder, "x509", "-in", f"{label}.pem", "-noout", "-text", "-serial")
        assert f"serial={certificate.serial:X}" in shown
        assert "X509v3 Key Usage: critical" in shown
    assert len(made) == 8
    at = ("-attime", str(int(NOW.timestamp())), "-x509_strict", "-policy_check")
    for leaf_name, through, root in (
        ("organisation", "issuing-oca", "root-oca"),
        ("device", "issuing-dca", "root-dca"),
        ("issuing-oca", "", "root-oca"),
        ("issuing-dca", "", "root-dca"),
        ("iki", "", "ica"),
    ):
        between = ("-untrusted", f"{through}.pem") if through else ()
        file = f"{leaf_name}.pem"
        # openssl wants AKI and SKI in its own forms for -x509_strict on roots: the plain check is what chains need.
        arguments = (*at[:2], *between, "-CAfile", f"{root}.pem", file)
        assert openssl(folder, "verify", *arguments) == f"{file}: OK\n"
    wrong = subprocess.run(
        ["openssl", "verify", *at[:2], "-CAfile", "root-dca.pem", "issuing-oca.pem"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert wrong.returncode != 0


def openssl(folder, *arguments):
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("row", AUTHORITIES, ids=lambda row: row.label)
def test_a_key_signs_within_the_period_of_its_certificate_only(world, row):
    """6.3.2(C), to the second, both ends included."""
    key = next(each for each in world.hierarchy if each.signer.label == row.label)
    first, last = key.certificate.not_before, key.certificate.not_after
    for now in (first, last, last.replace(microsecond=999_999)):
        assert key.sign(b"octets", now)
    for now, code in (
        (first - SECOND, "ca_key_not_yet_valid"),
        (first - timedelta(microseconds=1), "ca_key_not_yet_valid"),
        (last + SECOND, "ca_key_period_ended"),
        (last.replace(year=last.year + 100), "ca_key_period_ended"),
    ):
        with pytest.raises(Refused) as refused:
            key.sign(b"octets", now)
        assert refused.value.code == code
        assert refused.value.findings[0].clause == "SEC Appendix B 6.3.2(C)"


def test_a_key_whose_certificate_is_revoked_signs_no_more(world):
    at = NOW - timedelta(hours=1)
    record = dataclasses.replace(world.hierarchy.issuing_oca.record, revoked_at=at, revocation_reason=1)
    with world.store.transaction(NOW) as books:
        books.certificates.update(record)
        books.audit.append("test", "revoked", {}, NOW)
    with world.store.reading() as books:
        key = load_hierarchy(books, world.keystore).issuing_oca
    with pytest.raises(Refused) as refused:
        key.sign(b"octets", NOW)
    assert refused.value.code == "ca_certificate_revoked"
    assert key.sign(b"octets", at - SECOND)


def test_a_signer_is_not_asked_when_the_period_has_ended(world):
    class Never:
        label = "root-oca"

        def sign(self, octets):
            raise AssertionError("the key was used")

    root = world.hierarchy.root_oca
    with pytest.raises(Refused):
        CaKey(root.certificate, Never(), root.record).sign(b"octets", root.certificate.not_after + SECOND)


def test_the_log_of_the_ceremony_names_keys_certificates_and_custodians(bare):
    hierarchy = bare.hold()
    entries = bare.entries()
    assert [(entry.kind, entry.subject) for entry in entries][:5] == [
        ("ceremony.began", "test"),
        ("ceremony.key", "audit"),
        ("ceremony.key", "root-oca"),
        ("ceremony.twin", "root-oca"),
        ("ceremony.certificate", "root-oca"),
    ]
    assert len(entries) == 2 + 3 * len(AUTHORITIES)
    for entry in entries:
        assert entry.body["custodians"] == ["kate", "karl"]
    by = {(entry.kind, entry.subject): entry.body for entry in entries}
    assert by["ceremony.key", "audit"]["key"] == digest(hierarchy.audit_key.public_key)
    for row, key in zip(AUTHORITIES, hierarchy, strict=True):
        made, kept = by["ceremony.key", row.label], by["ceremony.certificate", row.label]
        assert made["key"] == kept["key"] == key.record.key.hex()
        assert kept["certificate"] == digest(key.certificate.der)
        assert kept["tbs"] == by["ceremony.twin", row.label]["tbs"] == digest(key.certificate.tbs)
        assert kept["signed_by"] == row.issuer
        assert made["kind"] == ("rsa-2048" if row.label == "ica" else "ec-p256")
    text = "".join(str(entry.octets) for entry in entries)
    assert "PRIVATE" not in text


def test_the_twin_that_was_linted_has_the_octets_that_were_signed(bare):
    hierarchy = bare.hold()
    with bare.store.reading() as books:
        for row, key in zip(AUTHORITIES, hierarchy, strict=True):
            twin = certs.Certificate.from_der(books.documents.get("ceremony", f"twin {row.label}")[1])
            assert twin.tbs == key.certificate.tbs
            assert twin.signature != key.certificate.signature


def test_a_ceremony_held_again_makes_nothing_twice(bare):
    first = bare.hold()
    before = bare.keystore.labels()
    again = bare.hold(now=FOUNDED + timedelta(days=3))
    assert [key.certificate for key in again] == [key.certificate for key in first]
    assert bare.keystore.labels() == before
    assert [entry.kind for entry in bare.entries()][-1] == "ceremony.resumed"


class Interrupted(Exception):
    pass


class CrashingKeystore(CachedKeystore):
    """Crashes at the n-th use of a key, before or after it has signed; forgets nothing."""

    def __init__(self, folder, at, after):
        super().__init__(folder)
        self.at, self.after, self.uses = at, after, 0
        self.signed: list[tuple[str, bytes]] = []

    def signer(self, label):
        return Crashing(self, super().signer(label))

    def generate(self, label, kind):
        return Crashing(self, super().generate(label, kind))


class Crashing:
    def __init__(self, keystore, inner):
        self.keystore, self.inner = keystore, inner
        self.label, self.kind, self.public_key = inner.label, inner.kind, inner.public_key
        self.deterministic = inner.deterministic

    def sign(self, octets):
        self.keystore.uses += 1
        last = self.keystore.uses == self.keystore.at
        if last and not self.keystore.after:
            raise Interrupted
        signature = self.inner.sign(octets)
        self.keystore.signed.append((self.label, octets))
        if last:
            raise Interrupted
        return signature


@pytest.mark.parametrize("after", [False, True], ids=["before signing", "after signing"])
@pytest.mark.parametrize("use", range(1, 6))
def test_a_ceremony_interrupted_at_a_signature_goes_on(bare, tmp_path, use, after):
    crashing = CrashingKeystore(tmp_path / "keys", use, after)
    with pytest.raises(Interrupted):
        bare.hold(keystore=crashing)
    keys = {label: bare.keystore.signer(label).public_key for label in bare.keystore.labels()}
    finished = CrashingKeystore(tmp_path / "keys", 0, False)
    hierarchy = bare.hold(keystore=finished, now=FOUNDED + timedelta(days=400))
    for label, public_key in keys.items():
        assert bare.keystore.signer(label).public_key == public_key
    # Whatever was signed before the crash is what stands in the books: nothing was signed twice with other octets.
    kept = {key.certificate.tbs for key in hierarchy}
    assert {octets for _, octets in crashing.signed + finished.signed} == kept
    assert len(kept) == 5


@pytest.mark.parametrize("step", range(11))
def test_a_ceremony_interrupted_between_steps_goes_on(bare, step):
    told = []

    def tell(name):
        told.append(name)
        if len(told) == step + 1:
            raise Interrupted

    with pytest.raises(Interrupted):
        bare.hold(step=tell)
    with bare.store.reading() as books, pytest.raises(Unavailable, match="ceremony_open") if step < 10 else _nothing():
        load_hierarchy(books, bare.keystore)
    assert len({key.certificate.serial for key in bare.hold()}) == 5


class _nothing:
    def __enter__(self):
        pass

    def __exit__(self, *_):
        pass


def test_a_key_that_does_not_sign_the_same_again_gets_another_serial(bare, tmp_path):
    """Hostile K39 for a token: the lost signature may exist, so its serial is not used again."""

    class Fickle(CrashingKeystore):
        def signer(self, label):
            found = super().signer(label)
            found.deterministic = False
            return found

        def generate(self, label, kind):
            found = super().generate(label, kind)
            found.deterministic = False
            return found

    with pytest.raises(Interrupted):
        bare.hold(keystore=Fickle(tmp_path / "keys", 1, True))
    lost = certs.Certificate.from_der(twin_of(bare, "root-oca"))
    hierarchy = bare.hold(keystore=Fickle(tmp_path / "keys", 0, False))
    assert hierarchy.root_oca.certificate.serial != lost.serial
    entry = [entry for entry in bare.entries() if entry.kind == "ceremony.twin"][1]
    assert entry.body["abandoned"] == f"{lost.serial:X}"


def twin_of(bare, label):
    with bare.store.reading() as books:
        return books.documents.get("ceremony", f"twin {label}")[1]


def refused(bare, code, **named):
    before = [(entry.kind, entry.subject) for entry in bare.entries()]
    with pytest.raises(Refused) as found:
        bare.hold(**named)
    assert found.value.code == code
    assert [(entry.kind, entry.subject) for entry in bare.entries()] == before


@pytest.mark.parametrize("custodians", [(), ("kate",), ("kate", "kate"), ("kate", " ")])
def test_nobody_holds_a_ceremony_alone(bare, custodians):
    refused(bare, "ceremony_custodians", custodians=custodians)
    assert bare.keystore.labels() == ["audit"]


def test_no_ceremony_is_held_before_the_environment_begins(bare):
    refused(bare, "environment_not_begun", now=ENVIRONMENT.begins - SECOND)


@pytest.mark.parametrize("years", [{"root_years": 49}, {"issuing_years": 26}])
def test_the_years_of_the_authorities_are_those_of_the_code_book(bare, years):
    refused(bare, "environment_years", environment=dataclasses.replace(ENVIRONMENT, **years))
    assert bare.keystore.labels() == ["audit"]


def test_the_environment_of_the_books_does_not_change(bare):
    bare.hold()
    refused(bare, "environment_differs", environment=dataclasses.replace(ENVIRONMENT, organisation_years=11))
    with bare.store.reading() as books:
        assert load_environment(books) == ENVIRONMENT


def test_a_keystore_with_other_keys_is_refused(bare, tmp_path):
    bare.hold()
    other = CachedKeystore(tmp_path / "other")
    other.keep("audit", p256("another audit key"))
    with pytest.raises(Refused) as found:
        bare.hold(keystore=other)
    assert found.value.code == "ceremony_key_differs"
    other = CachedKeystore(tmp_path / "another")
    for row in AUTHORITIES:
        other.keep(row.label, p256(f"another {row.label}"))
    with bare.store.reading() as books, pytest.raises(Unavailable, match="authority_key_differs"):
        load_hierarchy(books, other)


def test_a_signer_that_signs_wrongly_makes_no_authority(bare, tmp_path):
    class Liar(CachedKeystore):
        def generate(self, label, kind):
            found = super().generate(label, kind)
            if label == "issuing-oca":
                return found
            wrong = signing(p256("somebody else's"))
            return Crashing(CrashingKeystore(tmp_path / "x", 0, False), _Signing(found, wrong))

    with pytest.raises(Refused) as found:
        bare.hold(keystore=Liar(tmp_path / "keys"))
    assert found.value.code == "certificate_signature_wrong"
    with bare.store.reading() as books:
        assert list(books.certificates.all()) == []


class _Signing:
    def __init__(self, inner, sign):
        self.label, self.kind, self.public_key, self.deterministic = inner.label, inner.kind, inner.public_key, True
        self.sign = sign


def test_a_certificate_that_fails_the_lint_is_not_signed(bare, tmp_path):
    """A CN that ends in a space passes the environment and not the profile."""
    used = CrashingKeystore(tmp_path / "keys", 0, False)
    with pytest.raises(ValueError, match="authorities"):
        dataclasses.replace(ENVIRONMENT, root_oca="x" * 65)
    environment = dataclasses.replace(ENVIRONMENT, root_oca="TR ")
    with pytest.raises(Refused) as found:
        bare.hold(environment=environment, keystore=used)
    assert found.value.code == "profile_name_white_space"
    assert used.signed == []


def iki_csr(world, name="nora", role=RemotePartyRole.SUPPLIER, organisation="Sample Supplier", label=None):
    key = world.people.signer(label or name)
    return certs.iki_csr(organisation, role, name, key.public_key, key.sign)


def issue(world, csr, now=NOW, ica=None):
    return issue_person_certificate(
        world.store, ica or world.hierarchy.ica, world.environment, csr, now=now, random=world.random, by="registrar"
    )


def test_a_person_gets_an_iki_certificate(world):
    record = issue(world, iki_csr(world))
    found = certs.Certificate.from_der(record.der)
    assert certs.check_profile(found, policy=ENVIRONMENT.iki_policy, now=NOW) == []
    assert certs.issued_by_ica(found, world.hierarchy.ica.certificate)
    assert (found.not_before, found.not_after) == (NOW, NOW.replace(year=2034) - SECOND)
    assert (record.family, record.role, record.kind) == (Family.IKI, 2, "IKI")
    with world.store.reading() as books:
        assert books.certificates.get("TI", record.serial) == record
        twin = books.documents.get("iki-twin", f"TI {record.serial:X}")
    assert certs.Certificate.from_der(twin[1]).tbs == found.tbs
    assert [kind for kind, _ in world.audit()][-2:] == ["iki.prepared", "iki.issued"]


def test_the_certificate_of_a_person_does_not_outlast_the_ica(world):
    record = issue(world, iki_csr(world), now=datetime(2035, 1, 1, tzinfo=UTC))
    assert record.not_after == world.hierarchy.ica.certificate.not_after


@pytest.mark.parametrize(
    ("code", "csr"),
    [
        ("public_key_in_use", lambda world: iki_csr(world, "nora", label="sam")),
        ("public_key_in_use", lambda world: iki_csr(world, "sam", label="sam")),
        ("iki_name_in_use", lambda world: iki_csr(world, "sam", organisation="Another Supplier", label="nora")),
        ("csr_signature_wrong", lambda world: broken(iki_csr(world))),
        ("csr_key_not_rsa_2048", lambda world: world.csr(RemotePartyRole.SUPPLIER, SUPPLIER)),
    ],
)
def test_a_refusal_is_one_entry_and_nothing_else(world, code, csr):
    octets, before = csr(world), world.audit()
    with world.store.reading() as books:
        certificates = list(books.certificates.all())
    with pytest.raises(Refused) as refused:
        issue(world, octets)
    assert code in {finding.code for finding in refused.value.findings}
    assert world.audit()[:-1] == before
    assert world.audit()[-1][0] == "iki.refused"
    with world.store.reading() as books:
        assert list(books.certificates.all()) == certificates
        assert len(books.documents.names("iki-twin")) == 11


def test_many_requests_over_one_key_at_once_give_one_certificate(world):
    """SEC L11.4(c) behind the unique index: the checks of all may pass before the first is stored."""
    csr, codes = iki_csr(world), []

    def ask():
        try:
            codes.append(issue(world, csr).kind)
        except Refused as refusal:
            codes.append(refusal.code)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["IKI"] + ["public_key_in_use"] * 7


def test_a_ceremony_and_its_people_on_every_database(tmp_path, store_url):
    made = make_world(tmp_path, url=store_url)
    with made.store.reading() as books:
        assert len(list(books.certificates.all())) == 5 + 11
        assert load_environment(books) == ENVIRONMENT
        assert load_hierarchy(books, made.keystore).ica.certificate == made.hierarchy.ica.certificate
    made.close()


def broken(der):
    return der[:-1] + bytes((der[-1] ^ 1,))


def test_the_ica_issues_nothing_after_its_end(world):
    late = world.hierarchy.ica.certificate.not_after + SECOND
    with pytest.raises(Refused) as refused:
        issue(world, iki_csr(world), now=late)
    assert refused.value.code == "ca_key_period_ended"


def test_a_request_that_is_none_is_refused_as_octets(world):
    with pytest.raises(WireError):
        issue(world, b"no request")


def test_an_environment_survives_its_plain_form():
    values = environment_values(ENVIRONMENT)
    assert read_environment(values) == ENVIRONMENT
    assert {field.name for field in dataclasses.fields(ENVIRONMENT)} == set(values)


@pytest.mark.parametrize(
    ("code", "field", "change"),
    [
        ("environment_field_unknown", "colour", {"colour": "red"}),
        ("environment_field_value", "root_years", {"root_years": "50"}),
        ("environment_field_value", "root_years", {"root_years": True}),
        ("environment_field_value", "device_certificates_revocable", {"device_certificates_revocable": 1}),
        ("environment_field_value", "crl_period", {"crl_period": "two days"}),
        ("environment_field_value", "crl_period", {"crl_period": 48}),
        ("environment_field_value", "begins", {"begins": "2024-03-01"}),
        ("environment_field_value", "dcc_only", {"dcc_only": ["boss"]}),
        ("environment_field_value", "dcc_only", {"dcc_only": 1}),
        ("environment_field_value", "environment", {"ica": "TR"}),
        ("environment_field_value", "environment", {"root_oca": "T\u00dc"}),
        ("environment_field_value", "environment", {"organisation_policy": "1.2.x"}),
        ("environment_field_value", "environment", {"identifier": "a b"}),
        ("environment_field_value", "environment", {"issuing_years": 51}),
        ("environment_field_value", "environment", {"person_years": 26}),
        ("environment_field_value", "environment", {"organisation_years": 0}),
        ("environment_field_value", "environment", {"batch_limit": 50_001}),
        ("environment_field_value", "environment", {"crl_reissue": "72h"}),
        ("environment_field_value", "environment", {"arl_period": "0d"}),
    ],
)
def test_a_wrong_environment_names_its_field(code, field, change):
    with pytest.raises(WireError) as wrong:
        read_environment(environment_values(ENVIRONMENT) | change)
    assert (wrong.value.code, wrong.value.path) == (code, field)


@pytest.mark.parametrize("name", ["identifier", "name", "begins"])
def test_an_environment_without_a_needed_field_is_refused(name):
    values = environment_values(ENVIRONMENT)
    del values[name]
    with pytest.raises(WireError) as wrong:
        read_environment(values)
    assert (wrong.value.code, wrong.value.path) == ("environment_field_missing", name)
