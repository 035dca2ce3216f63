"""What an environment fixes: policy OIDs, names, periods, choices; never what the code book fixes (smki.md 10)."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.x509 import ObjectIdentifier

from trustcell.vocab import RemotePartyRole

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,31}")
_AUTHORITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .-]{0,63}")


@dataclass(frozen=True, slots=True)
class Environment:
    """One PKI: production, a test environment, or one on a laptop.

    ``identifier`` never changes and stands in every statement and audit head. Names of authorities are CNs, four
    characters at most in what has been seen. Everything marked assumed in smki.md 10 is a field here.
    """

    identifier: str
    name: str
    begins: datetime
    organisation_policy: str = "1.2.826.0.1.8641679.1.2.1.4"
    device_policy: str = "1.2.826.0.1.1800000.1.2.1.4"
    iki_policy: str = "1.2.826.0.1.8641679.1.2.3.4"
    root_oca: str = "TR"
    issuing_oca: str = "T1"
    root_dca: str = "TD"
    issuing_dca: str = "D001"
    ica: str = "TI"
    root_years: int = 50
    issuing_years: int = 25
    ica_years: int = 25
    person_years: int = 10
    organisation_years: int = 10
    archive_years: int = 7
    """Retention of archived public keys under part 5.5 (recalled, smki.md 3.6)."""
    certificates_per_device: int = 100
    batch_limit: int = 50_000
    crl_period: timedelta = timedelta(hours=48)
    crl_reissue: timedelta = timedelta(hours=12)
    crl_after_revocation: timedelta = timedelta(hours=1)
    """How long after a revocation the next list may take (recalled, smki.md 3.7)."""
    arl_period: timedelta = timedelta(days=365)
    arl_reissue: timedelta = timedelta(days=335)
    device_certificates_revocable: bool = False
    """Whether Device and DCA Certificates can be revoked: no source knows a list for them (recalled, smki.md 3.7)."""
    approvals_bind_requests: bool = True
    """Whether an approval must name the digests of the requests it is for (our reading of smki.md A4, hostile A5)."""
    clock_tolerance: timedelta = timedelta(minutes=5)
    """How far the clock may go back before issuing stops with ``clock_went_back`` (hostile T1)."""
    clock_jump: timedelta = timedelta(days=366)
    """How far it may go forward between two decisions before issuing asks for confirmation (hostile T2)."""
    dcc_only: frozenset[RemotePartyRole] = field(
        default=frozenset(
            {
                RemotePartyRole.ROOT,
                RemotePartyRole.RECOVERY,
                RemotePartyRole.ACCESS_CONTROL_BROKER,
                RemotePartyRole.TRANSITIONAL_COS,
                RemotePartyRole.WAN_PROVIDER,
                RemotePartyRole.ISSUING_AUTHORITY,
                RemotePartyRole.DSP_XML_SIGN,
            }
        )
    )
    """Roles only the DCC subscribes for (smki.md 1.4; beyond the four of MP261 recalled)."""

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for what no environment can be."""
        if not _IDENTIFIER.fullmatch(self.identifier):
            raise ValueError("an identifier has 1 to 32 of a-z, A-Z, 0-9, dot and dash")
        names = (self.root_oca, self.issuing_oca, self.root_dca, self.issuing_dca, self.ica)
        if not all(_AUTHORITY.fullmatch(name) for name in names) or len(set(names)) != len(names):
            raise ValueError(f"authorities have different names of 1 to 64 letters and digits: {', '.join(names)}")
        for policy in (self.organisation_policy, self.device_policy, self.iki_policy):
            ObjectIdentifier(policy)
        if self.begins.tzinfo is None:
            raise ValueError("an environment begins at a moment with a time zone")
        years = (self.root_years, self.issuing_years, self.ica_years, self.person_years, self.organisation_years)
        if min(years) < 1 or self.issuing_years > self.root_years or self.person_years > self.ica_years:
            raise ValueError("periods are a year or more, and nobody outlasts who certifies him")
        if not 1 <= self.batch_limit <= 50_000 or self.certificates_per_device < 1:
            raise ValueError("a batch has 1 to 50,000 requests, a device may have 1 certificate or more")
        periods = (self.crl_period, self.crl_reissue, self.crl_after_revocation, self.arl_period, self.arl_reissue)
        if min(periods) <= timedelta(0) or self.crl_reissue > self.crl_period or self.arl_reissue > self.arl_period:
            raise ValueError("a list is issued anew before it ends")
