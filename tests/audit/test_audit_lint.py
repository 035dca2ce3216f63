"""The audit program's linter: sound certificates pass, real ones pass, each rule has a certificate that breaks it."""

import base64
import io
import json
import re
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from audit import audit_certificates as made
from trustcell import certs
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole
from trustcell_audit.certificate import Parsed
from trustcell_audit.lint import lint
from trustcell_audit.match import match_record, match_request
from trustcell_audit.profiles import PROFILES, Rules
from trustcell_audit.relint import serve

RULES = Rules(made.POLICIES, {})
SOUND = made.everything()
AUTHORITIES = [Parsed.read(SOUND[kind].der) for kind in SOUND if SOUND[kind].is_authority]
ISSUER_OF = {
    "root OCA": "TR",
    "issuing OCA": "TR",
    "organisation": "T1",
    "root DCA": "TD",
    "issuing DCA": "TD",
    "device": "D001",
    "ICA": "TI",
    "IKI": "TI",
}


def fields(der: bytes, kind: str, issuers=AUTHORITIES, rules=RULES) -> set[str]:
    return {problem.field for problem in lint(Parsed.read(der), kind, issuers, rules, "certificate")}


@pytest.mark.parametrize("kind", PROFILES)
def test_a_sound_certificate_of_each_kind_passes(kind):
    assert fields(SOUND[kind].der, kind) == set()


@pytest.mark.parametrize("kind", PROFILES)
def test_a_certificate_passes_as_nothing_but_its_kind(kind):
    for other in PROFILES:
        if other != kind:
            assert fields(SOUND[kind].der, other), other


# Old and new octets of a to-be-signed certificate, and the field that is to blame.
EDITS = [
    ("organisation", "300a06082a8648ce3d040302301a", "300a06082a8648ce3d040303301a", "signature"),
    ("organisation", "13025431", "0c025431", "issuer"),
    ("organisation", "13025431", "13025432", "issuer"),
    ("organisation", "0c023034", "13023034", "subject"),
    ("organisation", "0c023034", "0c023067", "subject"),
    ("organisation", "170d3334303232383233", "170d3439313232383233", "validity"),
    ("organisation", "170d3334", "170d3139", "validity"),
    ("organisation", "03020308", "030203c8", "keyUsage"),
    ("organisation", "03020308", "03020302", "keyUsage"),
    ("organisation", "848fb90f01020104", "848fb90f01020105", "certificatePolicies"),
    ("organisation", "0603551d23", "0603551d12", "authorityKeyIdentifier"),
    ("organisation", "0603551d20", "0603551d36", "certificatePolicies"),
    ("device", "06082b06010505070804", "06082b06010505070805", "subjectAltName"),
    ("device", "39393939313233313233", "39393938313233313233", "validity"),
    ("device", "03020780", "03020640", "keyUsage"),
    ("issuing OCA", "30060101ff020100", "30060101ff020101", "basicConstraints"),
    ("issuing OCA", "03020106", "03020204", "keyUsage"),
    ("issuing OCA", "13023037", "13023038", "subject"),
    ("issuing OCA", "170d3439", "170d3438", "validity"),
]


@pytest.mark.parametrize(("kind", "old", "new", "field"), EDITS)
def test_each_edit_names_its_field(kind, old, new, field):
    old, new = (text[:-1] if len(text) % 2 else text for text in (old, new))
    assert field in fields(made.edited(SOUND[kind], old, new, ISSUER_OF[kind]), kind)


def test_the_place_is_the_octet_of_the_field():
    der = made.edited(SOUND["organisation"], "03020308", "03020302", "T1")
    (problem,) = lint(Parsed.read(der), "organisation", AUTHORITIES, RULES, "certificate")
    assert (problem.code, problem.field) == ("lint_keyUsage", "keyUsage")
    assert der[problem.octet : problem.octet + 7] == bytes.fromhex("300e0603551d0f")


TEMPLATES = [
    ({"serial": 5}, "serialNumber"),
    ({"serial": 0x80 << 120}, "serialNumber"),
    ({"issuer_key_identifier": bytes(8)}, "authorityKeyIdentifier"),
    ({"policy": "1.2.3"}, "certificatePolicies"),
    ({"not_after": datetime(2049, 12, 1, tzinfo=UTC)}, "validity"),
]


@pytest.mark.parametrize(("changes", "field"), TEMPLATES)
def test_values_no_edit_reaches(changes, field):
    assert fields(made.organisation(**changes).der, "organisation") == {field}


def rebuilt(kind: str, *, without: str = "", flip: str = "", extra=None, turned: bool = False) -> bytes:
    """The certificate built again by the library with other extensions."""
    old = SOUND[kind].x509
    builder = (
        x509.CertificateBuilder()
        .serial_number(old.serial_number)
        .issuer_name(old.issuer)
        .subject_name(old.subject)
        .not_valid_before(old.not_valid_before_utc)
        .not_valid_after(old.not_valid_after_utc)
        .public_key(old.public_key())
    )
    extensions = list(old.extensions)
    for each in reversed(extensions) if turned else extensions:
        if each.oid.dotted_string != without:
            builder = builder.add_extension(each.value, each.critical != (each.oid.dotted_string == flip))
    if extra is not None:
        builder = builder.add_extension(*extra)
    maker = made.rsa_key_of if PROFILES[kind].rsa else made.key_of
    key = maker(ISSUER_OF[kind])
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize("kind", PROFILES)
def test_each_extension_missing_or_of_other_criticality_is_named(kind):
    assert fields(rebuilt(kind), kind) == set()
    for oid in PROFILES[kind].extensions:
        (title,) = fields(rebuilt(kind, without=oid), kind)
        assert fields(rebuilt(kind, flip=oid), kind) == {title}


def test_extensions_of_no_profile_and_of_another_order():
    assert fields(rebuilt("organisation", extra=(x509.ExtendedKeyUsage([]), False)), "organisation") == {"extensions"}
    constraints = (x509.BasicConstraints(False, None), True)
    assert fields(rebuilt("organisation", extra=constraints), "organisation") == {"basicConstraints"}
    assert fields(rebuilt("organisation", turned=True), "organisation") == {"extensions"}


def test_key_identifier_of_another_method_and_key_of_another_kind():
    ski = made.certs.method2_ski(made.point_of("acb")).hex()
    assert fields(made.edited(SOUND["organisation"], ski, "55" * 8, "T1"), "organisation") == {"subjectKeyIdentifier"}
    point = made.point_of("acb").hex()
    assert "subjectPublicKeyInfo" in fields(
        made.edited(SOUND["organisation"], point[:16], "05" + point[2:16], "T1"), "organisation"
    )


def test_signature_of_another_key_and_of_other_octets():
    sound = SOUND["organisation"]
    assert fields(certs.assemble(sound.tbs, certs.signature_der(made.signer_of("TR")(sound.tbs))), "organisation") == {
        "signatureValue"
    }
    assert "signatureValue" in fields(sound.der.replace(b"24", b"25", 1), "organisation") | fields(
        sound.der.replace(bytes.fromhex("170d3234"), bytes.fromhex("170d3235")), "organisation"
    )


def test_real_certificates_pass(shared):
    """Test devices of E357, whose own certificate is not public, and organisations of Z1, whose is."""
    entries = json.loads((shared / "rtds" / "keys.json").read_text())
    ders = [base64.b64decode(entry["certificate_der_b64"]) for entry in entries if "certificate_der_b64" in entry]
    parsed = []
    for der in ders:
        try:
            parsed.append(Parsed.read(der))
        except ValueError:
            continue
    devices = [each for each in parsed if b"E357" in each.issuer]
    assert len(devices) >= 390
    for each in devices:
        assert fields(each.der, "device", []) == {"issuer"}
    files = (shared / "rtds" / "messages").glob("*/*.HEX")
    embedded = re.compile(rb"\x30\x82..\x30\x82..\xa0\x03\x02\x01\x02.{60,120}\x13\x02Z1", re.DOTALL)
    z1 = None
    for file in files:
        octets = bytes.fromhex("".join(file.read_text().split()))
        for match in embedded.finditer(octets):
            der = octets[
                match.start() : match.start() + 4 + int.from_bytes(octets[match.start() + 2 : match.start() + 4], "big")
            ]
            if Parsed.read(der).attributes("2.5.4.3") == ["Z1"]:
                z1 = Parsed.read(der)
    assert z1 is not None
    assert {problem.field for problem in lint(z1, "issuing OCA", [], RULES, "Z1")} == {"issuer"}
    names = {entry["name"]: entry for entry in json.loads((shared / "zaz1-test-keys.json").read_text())}
    for name in [name for name in names if name.startswith("Z1")]:
        der = base64.b64decode(names[name]["certificate_der_b64"])
        assert fields(der, "organisation", [z1]) == set(), name


def test_the_record_is_held_against_the_octets():
    sound = Parsed.read(SOUND["organisation"].der)
    record = {
        "serial": f"{sound.serial:032X}",
        "key": SOUND["organisation"].spki_sha256.hex(),
        "ski": SOUND["organisation"].subject_key_identifier.hex(),
        "key_usage": int(KeyUsage.KEY_AGREEMENT),
        "role": int(RemotePartyRole.ACCESS_CONTROL_BROKER),
        "entity_id": made.ENTITY.hex(),
        "not_before": "2024-03-01T00:00:00Z",
        "not_after": "2034-02-28T23:59:59Z",
    }
    assert match_record(sound, record, "record") == []
    for name in record:
        (problem,) = match_record(sound, record | {name: "other"}, "record")
        assert (problem.code, problem.field) == ("record_differs", name)


def request_of(label: str, signer: str = "", entity: Eui64 = made.ENTITY, usage=KeyUsage.KEY_AGREEMENT) -> bytes:
    role = RemotePartyRole.ACCESS_CONTROL_BROKER
    return certs.organisation_csr(role, entity, usage, made.point_of(label), made.signer_of(signer or label))


def test_the_request_is_held_against_the_octets():
    sound = Parsed.read(SOUND["organisation"].der)

    def fault(csr: bytes) -> list[str]:
        return [problem.field or problem.code for problem in match_request(sound, csr, "organisation", "request")]

    assert fault(request_of("acb")) == []
    assert fault(request_of("other")) == ["subjectPublicKeyInfo"]
    assert fault(request_of("acb", "other")) == ["signature"]
    assert fault(request_of("acb", entity=Eui64(bytes(8)))) == ["subject"]
    assert fault(request_of("acb", usage=KeyUsage.DIGITAL_SIGNATURE)) == ["keyUsage"]
    assert fault(b"no csr") == ["csr_unreadable"]


def test_certificates_in_bulk():
    rules = {"rules": {"policies": made.POLICIES, "years": {}}, "issuers": [each.der.hex() for each in AUTHORITIES]}
    bad = made.edited(SOUND["device"], "03020780", "03020640", "D001")
    lots = [
        {"certificates": [{"der": SOUND[kind].der.hex(), "kind": kind} for kind in PROFILES]},
        {"certificates": [{"der": SOUND["device"].der.hex(), "kind": "device"}, {"der": bad.hex(), "kind": "device"}]},
        {"certificates": [{"der": "3000", "kind": "device"}]},
    ]
    sent = b"".join(json.dumps(each, sort_keys=True, separators=(",", ":")).encode() + b"\n" for each in (rules, *lots))
    answers = io.BytesIO()
    serve(io.BytesIO(sent), answers)
    first, second, third = map(json.loads, answers.getvalue().splitlines())
    assert first == {"problems": []}
    assert [(each["number"], each["code"]) for each in second["problems"]] == [(1, "lint_keyUsage")]
    assert third["problems"][0]["code"] == "certificate_unreadable"
