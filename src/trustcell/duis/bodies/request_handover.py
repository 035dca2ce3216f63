"""6.21: hand a device whose slot holds broker credentials to the party named."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from trustcell.duis.bodies._shared import EXECUTION, KEY_AGREEMENT, PATH_AND_CHECKS, ROLE_AND_FLOORS, signing
from trustcell.duis.shape import Nest, Shape, Shaped
from trustcell.vocab import RemotePartyRole


@dataclass(frozen=True, slots=True)
class RequestHandoverOfDCCControlledDevice(Shaped):
    """Service 6.21 (DUIS schema 5.4).

    ::

        ExecutionDateTime[0..1] dateTime
        RemotePartyRole  RemotePartyFloorSeqNumber[0..1]  RemotePartyPrepaymentTopUpFloorSeqNumber[0..1]
        ReplacementCertificates {
            DigitalSigningCertificate KeyAgreementCertificate[0..1] KeyAgreementTopUpCertificate[0..1] }
        CertificationPathCertificates { Certificate[1..3] }
        ApplyTimeBasedCPVChecks boolean
    """

    ELEMENT: ClassVar[str] = "RequestHandoverOfDCCControlledDevice"
    SHAPE: ClassVar[Shape] = (
        EXECUTION,
        *ROLE_AND_FLOORS,
        Nest("ReplacementCertificates", (signing(optional=False), *KEY_AGREEMENT)),
        *PATH_AND_CHECKS,
    )

    remote_party_role: RemotePartyRole
    digital_signing_certificate: bytes
    path_certificates: tuple[bytes, ...]
    apply_time_based_cpv_checks: bool
    key_agreement_certificate: bytes | None = None
    key_agreement_top_up_certificate: bytes | None = None
    floor_seq_number: int | None = None
    top_up_floor_seq_number: int | None = None
    execution_date_time: datetime | None = None
