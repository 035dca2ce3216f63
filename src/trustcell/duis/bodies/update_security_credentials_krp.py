"""6.15.1: a remote party replaces the credentials in its own slots."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from trustcell.duis.bodies._shared import EXECUTION, KEY_AGREEMENT, PATH_AND_CHECKS, ROLE_AND_FLOORS, signing
from trustcell.duis.shape import Nest, Shape, Shaped
from trustcell.vocab import RemotePartyRole


@dataclass(frozen=True, slots=True)
class UpdateSecurityCredentialsKRP(Shaped):
    """Service 6.15.1 (DUIS schema 5.4).

    ::

        ExecutionDateTime[0..1] dateTime
        RemotePartyRole  RemotePartyFloorSeqNumber[0..1]  RemotePartyPrepaymentTopUpFloorSeqNumber[0..1]
        ReplacementCertificates { SupplierOrNetworkOperatorCertificates {
            DigitalSigningCertificate[0..1] KeyAgreementCertificate[0..1] KeyAgreementTopUpCertificate[0..1] } }
        CertificationPathCertificates { Certificate[1..3] }
        ApplyTimeBasedCPVChecks boolean

    Certificates are DER octets. The role names the slot, not the new owner (duis-dsp.md 5).
    """

    ELEMENT: ClassVar[str] = "UpdateSecurityCredentialsKRP"
    SHAPE: ClassVar[Shape] = (
        EXECUTION,
        *ROLE_AND_FLOORS,
        Nest(
            "ReplacementCertificates",
            (Nest("SupplierOrNetworkOperatorCertificates", (signing(optional=True), *KEY_AGREEMENT)),),
        ),
        *PATH_AND_CHECKS,
    )

    remote_party_role: RemotePartyRole
    path_certificates: tuple[bytes, ...]
    apply_time_based_cpv_checks: bool
    digital_signing_certificate: bytes | None = None
    key_agreement_certificate: bytes | None = None
    key_agreement_top_up_certificate: bytes | None = None
    floor_seq_number: int | None = None
    top_up_floor_seq_number: int | None = None
    execution_date_time: datetime | None = None
