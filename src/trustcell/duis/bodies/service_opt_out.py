"""8.5: a device leaves the DCC; its broker slot gets other credentials."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from trustcell.duis.bodies._shared import PATH_AND_CHECKS, signing
from trustcell.duis.encodings import CERTIFICATE
from trustcell.duis.lexical import DATE_TIME, FLOOR
from trustcell.duis.shape import Leaf, Nest, Shape, Shaped


@dataclass(frozen=True, slots=True)
class ServiceOptOut(Shaped):
    """Service 8.5 (DUIS schema 5.4).

    ::

        ExecutionDateTime dateTime
        ACBFloorSeqNumber
        ReplacementCertificates { DigitalSigningCertificate[0..1] KeyAgreementCertificate }
        CertificationPathCertificates { Certificate[1..3] }
        ApplyTimeBasedCPVChecks boolean
    """

    ELEMENT: ClassVar[str] = "ServiceOptOut"
    SHAPE: ClassVar[Shape] = (
        Leaf("ExecutionDateTime", "execution_date_time", DATE_TIME),
        Leaf("ACBFloorSeqNumber", "floor_seq_number", FLOOR),
        Nest(
            "ReplacementCertificates",
            (signing(optional=True), Leaf("KeyAgreementCertificate", "key_agreement_certificate", CERTIFICATE)),
        ),
        *PATH_AND_CHECKS,
    )

    execution_date_time: datetime
    floor_seq_number: int
    key_agreement_certificate: bytes
    path_certificates: tuple[bytes, ...]
    apply_time_based_cpv_checks: bool
    digital_signing_certificate: bytes | None = None
