"""The authorities of an environment: who certifies whom, under which profile, for how long (smki.md 1.2, 2.4 to 2.7).

``AUTHORITIES`` is the ceremony as data; every row names the clause of its validity.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from trustcell import certs
from trustcell.certs import CertificateKind, Name, authority_name
from trustcell.governance.rules.canonical import moment
from trustcell.smki.rules.appendix_b_6_3_2 import last_second
from trustcell.smki.rules.clauses import KEY_PERIOD
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.integrity import FAMILIES, issuer_of, ski_of
from trustcell.smki.rules.records import CertificateRecord
from trustcell.vocab import Clause, Finding, RemotePartyRole

AUDIT_KEY = "audit"
"""Label of the key that signs heads of the audit chain; no certificate is over it."""

OCA_PERIOD = Clause("SEC Appendix B 6.3.2(A)", "Organisation Certificate Policy: Root OCA 50 years, Issuing OCA 25")
DCA_PERIOD = Clause("SEC Appendix A 6.3.2", "Device Certificate Policy; periods by analogy with the OCA (recalled)")
ICA_PERIOD = Clause("SEC Appendix Q 6.3.2", "IKI Certificate Policy; letter and period recalled")
CUSTODIANS = Clause(
    "SEC Appendix B 5.2.2", "Organisation Certificate Policy: persons required per task (recalled, smki.md 3.9)"
)
CA_REVOKED = Clause("RFC 5280 6.1.3(a)(3)", "RFC 5280: a revoked certificate ends the use of its key")

_ROOT_YEARS, _ISSUING_YEARS = 50, 25


@dataclass(frozen=True, slots=True)
class AuthorityRow:
    """One authority: the label of its key, its profile, who certifies it, and what the environment says of it."""

    label: str
    kind: CertificateKind
    issuer: str
    unit: int | None
    name: Callable[[Environment], str]
    years: Callable[[Environment], int]
    policy: Callable[[Environment], str]
    clause: Clause

    @property
    def is_root(self) -> bool:
        """Whether it certifies itself."""
        return self.issuer == self.label

    @property
    def is_rsa(self) -> bool:
        """Whether its key is RSA 2048 rather than P-256 (smki.md 2.7)."""
        return self.kind is CertificateKind.ICA

    def subject(self, environment: Environment) -> Name:
        """OU and CN for an OCA, CN alone for the others."""
        return authority_name(self.name(environment), self.unit)


_ROOT, _ISSUING = int(RemotePartyRole.ROOT), int(RemotePartyRole.ISSUING_AUTHORITY)
AUTHORITIES = (
    AuthorityRow(
        "root-oca", CertificateKind.ROOT_OCA, "root-oca", _ROOT,
        lambda e: e.root_oca, lambda e: e.root_years, lambda e: e.organisation_policy, OCA_PERIOD,
    ),
    AuthorityRow(
        "issuing-oca", CertificateKind.ISSUING_OCA, "root-oca", _ISSUING,
        lambda e: e.issuing_oca, lambda e: e.issuing_years, lambda e: e.organisation_policy, OCA_PERIOD,
    ),
    AuthorityRow(
        "root-dca", CertificateKind.ROOT_DCA, "root-dca", None,
        lambda e: e.root_dca, lambda e: e.root_years, lambda e: e.device_policy, DCA_PERIOD,
    ),
    AuthorityRow(
        "issuing-dca", CertificateKind.ISSUING_DCA, "root-dca", None,
        lambda e: e.issuing_dca, lambda e: e.issuing_years, lambda e: e.device_policy, DCA_PERIOD,
    ),
    AuthorityRow(
        "ica", CertificateKind.ICA, "ica", None,
        lambda e: e.ica, lambda e: e.ica_years, lambda e: e.iki_policy, ICA_PERIOD,
    ),
)  # fmt: skip


def authority_tbs(
    row: AuthorityRow,
    environment: Environment,
    serial: int,
    public_key: bytes,
    issuer: certs.Certificate | None,
    now: datetime,
) -> bytes:
    """What the issuer's key is to sign; ``public_key`` is a SubjectPublicKeyInfo, ``issuer`` is ``None`` for a root.

    Validity runs from the first second of the day in UTC, in calendar years less one second (trap T17).
    """
    begin = now.replace(hour=0, minute=0, second=0, microsecond=0)
    end, subject = last_second(begin, row.years(environment)), row.subject(environment)
    policy = row.policy(environment)
    if row.is_rsa:
        return certs.iki_tbs(certs.IkiAuthorityTemplate(serial, subject, begin, end, public_key, policy))
    point = public_key[-65:]
    if issuer is None:
        return certs.tbs_octets(certs.RootAuthorityTemplate(serial, subject, begin, end, point, policy))
    aki = ski_of(issuer)
    return certs.tbs_octets(
        certs.IssuingAuthorityTemplate(serial, issuer.subject, begin, end, subject, point, policy, aki)
    )


def certificate_record(certificate: certs.Certificate, now: datetime, *, request: str = "") -> CertificateRecord:
    """How a certificate of an authority or a person is kept; it is lodged when it is issued."""
    return CertificateRecord(
        issuer_of(certificate),
        certificate.serial,
        FAMILIES[certificate.kind],
        certificate.kind.value,
        str(certificate.subject),
        certificate.role,
        certificate.entity_id,
        certificate.key_usage,
        ski_of(certificate),
        certificate.spki_sha256,
        certificate.not_before,
        certificate.not_after,
        certificate.der,
        now,
        request=request,
        lodged_at=now,
        accepted=True,
    )


def key_period_findings(record: CertificateRecord, name: str, now: datetime) -> Iterator[Finding]:
    """Why the key of this CA certificate may not sign now: 6.3.2(C), and its beginning, which is our reading of it."""
    now = now.replace(microsecond=0) if now.microsecond else now
    within = record.not_before <= now <= record.not_after
    period = "" if within else f"its certificate holds from {moment(record.not_before)} to {moment(record.not_after)}"
    if now < record.not_before:
        yield KEY_PERIOD.breach("ca_key_not_yet_valid", name, period, "sign when the period has begun")
    if now > record.not_after:
        yield KEY_PERIOD.breach("ca_key_period_ended", name, period, "a new authority with a new key")
    if record.revoked_at is not None and record.revoked_at <= now:
        message = f"its certificate was revoked at {moment(record.revoked_at)}"
        yield CA_REVOKED.breach("ca_certificate_revoked", name, message, "a new authority with a new key")


def ceremony_findings(environment: Environment, custodians: tuple[str, ...], now: datetime) -> Iterator[Finding]:
    """Why no ceremony can be held: nobody alone makes the keys of a Root, and the code book fixes the years."""
    if len({name for name in custodians if name.strip()}) < 2:
        message = f"the Key Custodians are {', '.join(custodians) or 'nobody'}"
        yield CUSTODIANS.breach("ceremony_custodians", "custodians", message, "two Key Custodians or more")
    years = (environment.root_years, environment.issuing_years)
    if years != (_ROOT_YEARS, _ISSUING_YEARS):
        message = f"Root {years[0]} years, Issuing {years[1]}"
        remedy = f"Root {_ROOT_YEARS} years, Issuing {_ISSUING_YEARS}"
        yield OCA_PERIOD.breach("environment_years", "root_years, issuing_years", message, remedy)
    if now < environment.begins:
        message = f"it is {moment(now)}, the environment begins at {moment(environment.begins)}"
        yield OCA_PERIOD.breach("environment_not_begun", "begins", message, "a ceremony after the beginning")
