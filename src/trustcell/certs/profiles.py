"""The certificate profiles of SMKI, applied: every field against what its kind asks for (smki.md 2.1-2.7)."""

from datetime import datetime

from trustcell.certs._profile_fields import View
from trustcell.certs._profile_rules import judge
from trustcell.certs.certificate import Certificate, CertificateKind
from trustcell.certs.rules import ProfileRow, findings_of, rows_of
from trustcell.vocab import Finding


def profile_rows(
    certificate: Certificate,
    *,
    kind: CertificateKind | None = None,
    policy: str | None = None,
    now: datetime | None = None,
) -> list[ProfileRow]:
    """Every field of the certificate against the profile of its kind: a row a field, or a row for each finding.

    ``kind`` overrides what the certificate seems to be. ``policy`` is the policy OID of the environment (``None``: any
    one, smki.md 2.2). With ``now`` the validity period is looked at too (trap T16).
    """
    return rows_of(judge(View(certificate, kind or certificate.kind, policy, now)))


def check_profile(
    certificate: Certificate,
    *,
    kind: CertificateKind | None = None,
    policy: str | None = None,
    now: datetime | None = None,
) -> list[Finding]:
    """What keeps the certificate from its profile; empty for a clean one. Arguments as for ``profile_rows``."""
    return findings_of(profile_rows(certificate, kind=kind, policy=policy, now=now))
