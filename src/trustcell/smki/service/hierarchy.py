"""The authorities with their keys: each key signs only while its certificate holds (SEC Appendix B 6.3.2(C))."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from trustcell import certs
from trustcell.smki.ports import Books, Keystore, Signer
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.environment_form import read_environment
from trustcell.smki.rules.hierarchy import AUDIT_KEY, AUTHORITIES, key_period_findings
from trustcell.smki.rules.records import CertificateRecord
from trustcell.vocab import Refused, Unavailable

AUTHORITY = "authority"
"""Kind of the documents that name the certificate of each authority, by label."""
ENVIRONMENT = "environment"
"""Kind and name of the document that holds the environment."""


@dataclass(frozen=True)
class CaKey:
    """The key of one authority behind its certificate. ``record`` is what the books said when it was loaded."""

    certificate: certs.Certificate
    signer: Signer
    record: CertificateRecord

    def sign(self, octets: bytes, now: datetime) -> bytes:
        """What the signer gives (r||s, or PKCS#1 v1.5).

        ``Refused``: ``ca_key_period_ended`` or ``ca_key_not_yet_valid`` outside the period of the certificate,
        ``ca_certificate_revoked``.
        """
        self.check(now)
        return self.signer.sign(octets)

    def check(self, now: datetime) -> None:
        """Raise what ``sign`` would raise."""
        record = self.record
        if record.revoked_at is None and record.not_before <= now <= record.not_after:
            return  # a batch asks for each signature
        findings = list(key_period_findings(record, self._title, now))
        if findings:
            raise Refused(findings)

    @cached_property
    def _title(self) -> str:
        return str(self.certificate.subject)

    @property
    def name(self) -> str:
        """Its CN, the issuer in records."""
        return self.certificate.subject.common_name or ""


@dataclass(frozen=True)
class Hierarchy:
    """All authorities of an environment, and the key that signs the heads of its audit chain."""

    root_oca: CaKey
    issuing_oca: CaKey
    root_dca: CaKey
    issuing_dca: CaKey
    ica: CaKey
    audit_key: Signer

    def __iter__(self) -> Iterator[CaKey]:
        """The authorities from the Root OCA to the ICA."""
        return iter((self.root_oca, self.issuing_oca, self.root_dca, self.issuing_dca, self.ica))

    def authority(self, name: str) -> CaKey | None:
        """The authority with this CN."""
        return next((each for each in self if each.name == name), None)


def load_environment(books: Books) -> Environment:
    """The environment of these books; ``Unavailable`` when no ceremony has begun."""
    found = books.documents.get(ENVIRONMENT, ENVIRONMENT)
    if found is None:
        raise Unavailable("the books hold no environment: trustcell init makes one [environment_missing]")
    return read_environment(found[0])


def load_hierarchy(books: Books, keystore: Keystore) -> Hierarchy:
    """The authorities of these books with their keys; ``Unavailable`` when one is missing or its key is another's."""
    loaded = [load_authority(books, keystore, row.label) for row in AUTHORITIES]
    if None in loaded:
        raise Unavailable("the ceremony is not complete: trustcell init goes on with it [ceremony_open]")
    root_oca, issuing_oca, root_dca, issuing_dca, ica = (each for each in loaded if each is not None)
    return Hierarchy(root_oca, issuing_oca, root_dca, issuing_dca, ica, keystore.signer(AUDIT_KEY))


def load_authority(books: Books, keystore: Keystore, label: str) -> CaKey | None:
    """One authority; ``None`` while it has no certificate."""
    found = books.documents.get(AUTHORITY, label)
    if found is None:
        return None
    issuer, serial = str(found[0]["issuer"]), int(str(found[0]["serial"]), 16)
    record = books.certificates.get(issuer, serial)
    if record is None:
        raise Unavailable(f"the certificate of {label} is not in the books [authority_missing]")
    certificate, signer = certs.Certificate.from_der(record.der), keystore.signer(label)
    if certificate.spki != signer.public_key:
        raise Unavailable(f"the keystore holds another key {label} than its certificate [authority_key_differs]")
    return CaKey(certificate, signer, record)
