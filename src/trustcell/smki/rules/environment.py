"""What an environment fixes: policy OIDs, names, periods, choices; never what the code book fixes (smki.md 10)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from trustcell.vocab import RemotePartyRole


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
