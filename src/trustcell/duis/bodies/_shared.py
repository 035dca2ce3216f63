"""Fields and contents that several bodies share."""

from dataclasses import dataclass
from typing import ClassVar

from trustcell.duis.encodings import CERTIFICATE
from trustcell.duis.lexical import BOOLEAN, DATE_TIME, FLOOR, IMPORT_MPXN, ROLE
from trustcell.duis.shape import Content, Leaf, Nest, Shape
from trustcell.duis.words import ADDRESS, MPAN, POST_CODE

EXECUTION = Leaf("ExecutionDateTime", "execution_date_time", DATE_TIME, optional=True)
ROLE_AND_FLOORS: Shape = (
    Leaf("RemotePartyRole", "remote_party_role", ROLE),
    Leaf("RemotePartyFloorSeqNumber", "floor_seq_number", FLOOR, optional=True),
    Leaf("RemotePartyPrepaymentTopUpFloorSeqNumber", "top_up_floor_seq_number", FLOOR, optional=True),
)
KEY_AGREEMENT: Shape = (
    Leaf("KeyAgreementCertificate", "key_agreement_certificate", CERTIFICATE, optional=True),
    Leaf("KeyAgreementTopUpCertificate", "key_agreement_top_up_certificate", CERTIFICATE, optional=True),
)
PATH_AND_CHECKS: Shape = (
    Nest("CertificationPathCertificates", (Leaf("Certificate", "path_certificates", CERTIFICATE, most=3),)),
    Leaf("ApplyTimeBasedCPVChecks", "apply_time_based_cpv_checks", BOOLEAN),
)


def signing(*, optional: bool) -> Leaf:
    """The digital signing certificate, which some bodies require."""
    return Leaf("DigitalSigningCertificate", "digital_signing_certificate", CERTIFICATE, optional=optional)


@dataclass(frozen=True, slots=True)
class MeterMPxNs(Content):
    """The supply points of a meter: ``ImportMPxN``, ``SecondaryImportMPAN[0..1]``, ``ExportMPAN[0..1]``."""

    SHAPE: ClassVar[Shape] = (
        Leaf("ImportMPxN", "import_mpxn", IMPORT_MPXN),
        Leaf("SecondaryImportMPAN", "secondary_import_mpan", MPAN, optional=True),
        Leaf("ExportMPAN", "export_mpan", MPAN, optional=True),
    )

    import_mpxn: str
    secondary_import_mpan: str | None = None
    export_mpan: str | None = None


@dataclass(frozen=True, slots=True)
class PropertyFilter(Content):
    """An address: ``PostCode`` 6 to 8 characters, ``AddressIdentifier`` up to 30."""

    SHAPE: ClassVar[Shape] = (
        Leaf("PostCode", "post_code", POST_CODE),
        Leaf("AddressIdentifier", "address_identifier", ADDRESS),
    )

    post_code: str
    address_identifier: str
