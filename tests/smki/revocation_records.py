"""Certificates, people and facts for the rules of revocation and of the calendar, made without a store."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustcell import certs
from trustcell.governance.rules.parties import Capacity, Party, PartyKind, Person
from trustcell.governance.rules.rulebook import rule_set
from trustcell.smki.rules.records import CertificateRecord, Family
from trustcell.smki.rules.revocation import Circumstance, RevocationAsk, RevocationFacts
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
GAS = Eui64.parse("90-B3-D5-1F-30-02-00-00")
POLICY = "1.2.826.0.1.8641679.1.2.1.4"
ISSUER = certs.authority_name("T1", 7)
ROOT = certs.authority_name("TR", 0)
DS = KeyUsage.DIGITAL_SIGNATURE


def key(number: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(number, ec.SECP256R1())


def point(private: ec.EllipticCurvePrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def raw_signer(private: ec.EllipticCurvePrivateKey) -> certs.Signer:
    def sign(octets: bytes) -> bytes:
        r, s = decode_dss_signature(private.sign(octets, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


CA = key(1001)


def record(number: int = 7, **changes: Any) -> CertificateRecord:
    """An Organisation Certificate of the gas network over key ``number``; its serial is ``serial`` or the number."""
    serial = changes.pop("serial", 0x1000 + number)
    begin = changes.get("not_before", datetime(2024, 1, 1, tzinfo=UTC))
    end = changes.get("not_after", datetime(2033, 12, 31, 23, 59, 59, tzinfo=UTC))
    usage, entity = changes.get("key_usage", DS), changes.get("entity_id", GAS)
    template = certs.OrganisationTemplate(
        serial, ISSUER, begin, end, 3, entity, usage, point(key(number)), POLICY, certs.method2_ski(point(CA))
    )
    return described(certs.issue(template, raw_signer(CA)), "T1", Family.ORGANISATION, **changes)


def authority(number: int = 1001, *, root: bool = False, **changes: Any) -> CertificateRecord:
    """The Issuing OCA over key ``number``, or the Root over it."""
    begin = changes.get("not_before", datetime(2016, 3, 1, tzinfo=UTC))
    end = changes.get("not_after", datetime(2041, 2, 28, 23, 59, 59, tzinfo=UTC))
    top = key(1002)
    if root:
        made = certs.issue(certs.RootAuthorityTemplate(1, ROOT, begin, end, point(top), POLICY), raw_signer(top))
    else:
        ski = certs.method2_ski(point(top))
        template = certs.IssuingAuthorityTemplate(0x51, ROOT, begin, end, ISSUER, point(key(number)), POLICY, ski)
        made = certs.issue(template, raw_signer(top))
    return described(made, "TR", Family.ORGANISATION, **changes)


def described(made: certs.Certificate, issuer: str, family: Family, **changes: Any) -> CertificateRecord:
    return replace(
        CertificateRecord(
            issuer=issuer,
            serial=made.serial,
            family=family,
            kind=made.kind.value,
            subject=str(made.subject),
            role=made.role,
            entity_id=made.entity_id,
            key_usage=made.key_usage,
            ski=made.subject_key_identifier or b"",
            key=made.spki_sha256,
            not_before=made.not_before,
            not_after=made.not_after,
            der=made.der,
            issued_at=made.not_before,
            lodged_at=made.not_before,
        ),
        **changes,
    )


def person(name: str, *capacities: Capacity, acts_for: tuple[str, ...] = (), **changes: Any) -> Person:
    began = dict.fromkeys(capacities, datetime(2016, 1, 1, tzinfo=UTC))
    return Person(name, name.title(), changes.pop("identity", name), began, acts_for=frozenset(acts_for), **changes)


PEOPLE = {
    each.name: each
    for each in (
        person("ada", Capacity.ARO, acts_for=("dcc",)),
        person("gwen", Capacity.ARO, acts_for=("gas",)),
        person("sam", Capacity.ARO, acts_for=("supplier",)),
        person("pat", Capacity.PMA),
        person("ian", Capacity.ISSUER),
        person("otto", Capacity.AUDITOR),
    )
}
PARTIES = {
    "dcc": Party("dcc", "DCC", PartyKind.DCC),
    "gas": Party("gas", "Gas", PartyKind.GAS_NETWORK, {GAS: frozenset({RemotePartyRole.NETWORK_OPERATOR})}),
    "supplier": Party("supplier", "Supplier", PartyKind.SUPPLIER),
}
LEAVING_GAS = replace(PARTIES["gas"], leaving_since=NOW)


def facts(asker: str | Person, certificate: CertificateRecord | None = None, **changes: Any) -> RevocationFacts:
    return replace(
        RevocationFacts(
            environment="test",
            certificate=certificate or record(),
            subscriber=PARTIES["gas"],
            asker=PEOPLE[asker] if isinstance(asker, str) else asker,
            parties=PARTIES,
            people=PEOPLE,
            rules=rule_set(NOW),
            now=NOW,
        ),
        **changes,
    )


def ask(circumstance: Circumstance = Circumstance.COMPROMISE, **changes: Any) -> RevocationAsk:
    return replace(RevocationAsk("T1", 0x1007, circumstance, "token stolen"), **changes)
