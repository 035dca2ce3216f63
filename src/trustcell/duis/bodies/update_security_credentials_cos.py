"""6.23: the gaining supplier asks the transitional CoS party to put its credentials on a device."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from trustcell.duis.bodies._shared import EXECUTION, KEY_AGREEMENT, PATH_AND_CHECKS, signing
from trustcell.duis.lexical import FLOOR, IMPORT_MPXN
from trustcell.duis.shape import Leaf, Nest, Shape, Shaped


@dataclass(frozen=True, slots=True)
class UpdateSecurityCredentialsCoS(Shaped):
    """Service 6.23 (DUIS schema 5.4).

    ::

        ExecutionDateTime[0..1] dateTime
        SupplierFloorSeqNumber  SupplierPrepaymentTopUpFloorSeqNumber[0..1]
        SupplierReplacementCertificates {
            DigitalSigningCertificate KeyAgreementCertificate[0..1] KeyAgreementTopUpCertificate[0..1] }
        CertificationPathCertificates { Certificate[1..3] }
        ApplyTimeBasedCPVChecks boolean
        ImportMPxN string of 1 to 13 characters
    """

    ELEMENT: ClassVar[str] = "UpdateSecurityCredentialsCoS"
    SHAPE: ClassVar[Shape] = (
        EXECUTION,
        Leaf("SupplierFloorSeqNumber", "floor_seq_number", FLOOR),
        Leaf("SupplierPrepaymentTopUpFloorSeqNumber", "top_up_floor_seq_number", FLOOR, optional=True),
        Nest("SupplierReplacementCertificates", (signing(optional=False), *KEY_AGREEMENT)),
        *PATH_AND_CHECKS,
        Leaf("ImportMPxN", "import_mpxn", IMPORT_MPXN),
    )

    floor_seq_number: int
    digital_signing_certificate: bytes
    path_certificates: tuple[bytes, ...]
    apply_time_based_cpv_checks: bool
    import_mpxn: str
    key_agreement_certificate: bytes | None = None
    key_agreement_top_up_certificate: bytes | None = None
    top_up_floor_seq_number: int | None = None
    execution_date_time: datetime | None = None
