"""A small authority for tests of the repository: certificates, records, and a store that holds them."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustcell import certs, gbcs
from trustcell.adapters.store import open_store
from trustcell.devices import derive_private_key
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.integrity import FAMILIES, issuer_of, ski_of
from trustcell.smki.rules.records import CertificateRecord
from trustcell.smki.service.repository import Repository
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
ENVIRONMENT = Environment("test", "a test environment", BEGIN)
SUPPLIER = Eui64.parse("90-B3-D5-1F-30-01-00-00")
DEVICE = Eui64.parse("00-DB-12-34-56-78-90-A3")
DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
POLICY = ENVIRONMENT.organisation_policy


def key(label: str) -> ec.EllipticCurvePrivateKey:
    return derive_private_key(label.encode(), Eui64(bytes(8)), KeyUsage(0))


def point(private: ec.EllipticCurvePrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def serial(label: str) -> int:
    return int.from_bytes(hashlib.sha256(label.encode()).digest()[:16], "big") >> 1 | 1 << 124


class SmallAuthority:
    """A root, an issuing OCA and an issuing DCA under the names of an environment or under others."""

    def __init__(self, root: str = "TR", oca: str = "T1", dca: str = "D001", seed: str = "own") -> None:
        self.seed = seed
        self.keys = {name: key(f"{seed}/{name}") for name in (root, oca, dca)}
        self.root = certs.issue(
            certs.RootAuthorityTemplate(
                serial(f"{seed}/{root}"), certs.authority_name(root, 0), BEGIN, self.after(50), self.point(root), POLICY
            ),
            self.signer(root),
        )
        self.oca = certs.issue(
            certs.IssuingAuthorityTemplate(
                serial(f"{seed}/{oca}"),
                self.root.subject,
                BEGIN,
                self.after(25),
                certs.authority_name(oca, 7),
                self.point(oca),
                POLICY,
                self.root.subject_key_identifier,
            ),
            self.signer(root),
        )
        self.oca_name, self.dca_name = oca, dca

    def anchors(self) -> dict[str, tuple[bytes, ...]]:
        return {name: (certs.spki_of(self.point(name)),) for name in self.keys}

    def point(self, name: str) -> bytes:
        return point(self.keys[name])

    def signer(self, name: str):
        return lambda octets: gbcs.sign(self.keys[name], octets)

    @staticmethod
    def after(years: int) -> datetime:
        return BEGIN.replace(year=BEGIN.year + years) - timedelta(seconds=1)

    def organisation(
        self,
        label: str,
        *,
        role: int = RemotePartyRole.SUPPLIER,
        entity: Eui64 = SUPPLIER,
        usage: KeyUsage = DS,
        years: int = 10,
        key_label: str | None = None,
    ) -> certs.Certificate:
        private = key(f"{self.seed}/{key_label or label}")
        template = certs.OrganisationTemplate(
            serial(f"{self.seed}/{label}"),
            self.oca.subject,
            BEGIN,
            self.after(years),
            role,
            entity,
            usage,
            point(private),
            POLICY,
            self.oca.subject_key_identifier,
        )
        return certs.issue(template, self.signer(self.oca_name))

    def device(
        self, label: str, *, entity: Eui64 = DEVICE, usage: KeyUsage = DS, begin: datetime = BEGIN
    ) -> certs.Certificate:
        template = certs.DeviceTemplate(
            serial(f"{self.seed}/{label}"),
            certs.authority_name(self.dca_name),
            begin,
            entity,
            usage,
            point(key(f"{self.seed}/{label}")),
            ENVIRONMENT.device_policy,
            certs.method2_ski(self.point(self.dca_name)),
        )
        return certs.issue(template, self.signer(self.dca_name))


def record(certificate: certs.Certificate, **changed: object) -> CertificateRecord:
    """The record of a certificate of our own, lodged and in use."""
    made = CertificateRecord(
        issuer=issuer_of(certificate),
        serial=certificate.serial,
        family=FAMILIES[certificate.kind],
        kind=certificate.kind.value,
        subject=str(certificate.subject),
        role=certificate.role,
        entity_id=certificate.entity_id,
        key_usage=certificate.key_usage,
        ski=ski_of(certificate),
        key=certificate.spki_sha256,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        der=certificate.der,
        issued_at=NOW,
        lodged_at=NOW,
    )
    return replace(made, **changed)


def seal(octets: bytes) -> bytes:
    """Signs audit heads."""
    return gbcs.sign(key("audit"), octets)


def repository_of(folder, *records: CertificateRecord, anchors=None) -> Repository:
    """A repository over a new SQLite store that holds these records; our own authorities are its anchors."""
    store = open_store(f"sqlite:///{folder}/test.db", ENVIRONMENT.identifier, seal=seal, head_file=None)
    if records:
        with store.transaction(NOW) as books:
            for each in records:
                books.certificates.add(each)
            books.audit.append("test", "records", {"count": len(records)}, NOW)
    return Repository(store, ENVIRONMENT, SmallAuthority().anchors() if anchors is None else anchors)
