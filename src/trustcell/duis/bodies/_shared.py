"""Fields that several credential bodies share."""

from trustcell.duis.lexical import BOOLEAN, CERTIFICATE, DATE_TIME, FLOOR, ROLE
from trustcell.duis.shape import Leaf, Nest, Shape

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
