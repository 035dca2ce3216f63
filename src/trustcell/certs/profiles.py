"""The certificate profiles of SMKI, applied: every field against what its kind asks for (smki.md 2.1-2.7)."""

from datetime import datetime

from trustcell.certs._profile_rules import (
    AUTHORITY_RULES,
    COMMON_RULES,
    END_ENTITY_RULES,
    KIND_RULES,
    KIND_UNKNOWN,
)
from trustcell.certs.certificate import Certificate, CertificateKind
from trustcell.certs.rules import ProfileRow, ProfileRule, View
from trustcell.vocab import Finding

_AUTHORITIES = frozenset(
    {CertificateKind.ISSUING_OCA, CertificateKind.ROOT_OCA, CertificateKind.ISSUING_DCA, CertificateKind.ROOT_DCA}
)


def profile_rules(kind: CertificateKind, is_authority: bool) -> tuple[ProfileRule[View], ...]:
    """The rules of a kind, in the order of the fields; an unknown kind has the common ones and a finding."""
    shared = AUTHORITY_RULES if is_authority or kind in _AUTHORITIES else END_ENTITY_RULES
    return (*COMMON_RULES, *shared, *KIND_RULES.get(kind, (KIND_UNKNOWN,)))


def profile_rows(
    certificate: Certificate,
    *,
    kind: CertificateKind | None = None,
    policy: str | None = None,
    now: datetime | None = None,
) -> list[ProfileRow]:
    """Every field of the certificate against the profile of its kind.

    ``kind`` overrides what the certificate seems to be. ``policy`` is the policy OID of the environment (``None``: any
    one, smki.md 2.2). With ``now`` the validity period is looked at too (trap T16).
    """
    view = View(certificate, policy, now)
    return [rule.row(view) for rule in profile_rules(kind or certificate.kind, certificate.is_authority)]


def check_profile(
    certificate: Certificate,
    *,
    kind: CertificateKind | None = None,
    policy: str | None = None,
    now: datetime | None = None,
) -> list[Finding]:
    """What keeps the certificate from its profile; empty for a clean one. Arguments as for ``profile_rows``."""
    rows = profile_rows(certificate, kind=kind, policy=policy, now=now)
    return [row.finding for row in rows if row.finding is not None]
