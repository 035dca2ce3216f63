"""X.509 of SMKI: certificates, requests and lists read strictly, built octet for octet, linted, and chained.

Pure: octets and values in, values and findings out. Time and private keys come from the caller (smki.md 2 and 3).
"""

from trustcell.certs._asn1 import assemble
from trustcell.certs.builder import (
    DEVICE_HARDWARE_TYPE,
    NO_EXPIRY,
    DeviceTemplate,
    IssuingAuthorityTemplate,
    OrganisationTemplate,
    RootAuthorityTemplate,
    Signer,
    Template,
    issue,
    tbs_octets,
)
from trustcell.certs.certificate import Certificate, CertificateKind, load_certificates, verify_signature
from trustcell.certs.crl import (
    CertificateList,
    CrlEntry,
    CrlTemplate,
    crl_tbs_octets,
    encode_crl_entry,
    encode_entries,
    issue_crl,
    load_crl,
)
from trustcell.certs.crl_profile import check_crl, crl_rows
from trustcell.certs.csr import CertificationRequest, build_csr, device_csr, load_csr, organisation_csr
from trustcell.certs.csr_profile import check_csr
from trustcell.certs.extensions import Extension, HardwareModuleName
from trustcell.certs.keys import KeyForm, method2_ski, p256_public_key, spki_of
from trustcell.certs.name import Name, NameAttribute, authority_name, organisation_name, same_name
from trustcell.certs.path import LeafPurpose, Path, PathLimits, PathRules, TrustAnchor, validate_path
from trustcell.certs.profiles import check_profile, profile_rows
from trustcell.certs.rules import ProfileRow, Verdict
from trustcell.certs.signature import signature_der, verify_ecdsa_der

__all__ = [
    "DEVICE_HARDWARE_TYPE",
    "NO_EXPIRY",
    "Certificate",
    "CertificateKind",
    "CertificateList",
    "CertificationRequest",
    "CrlEntry",
    "CrlTemplate",
    "DeviceTemplate",
    "Extension",
    "HardwareModuleName",
    "IssuingAuthorityTemplate",
    "KeyForm",
    "LeafPurpose",
    "Name",
    "NameAttribute",
    "OrganisationTemplate",
    "Path",
    "PathLimits",
    "PathRules",
    "ProfileRow",
    "RootAuthorityTemplate",
    "Signer",
    "Template",
    "TrustAnchor",
    "Verdict",
    "assemble",
    "authority_name",
    "build_csr",
    "check_crl",
    "check_csr",
    "check_profile",
    "crl_rows",
    "crl_tbs_octets",
    "device_csr",
    "encode_crl_entry",
    "encode_entries",
    "issue",
    "issue_crl",
    "load_certificates",
    "load_crl",
    "load_csr",
    "method2_ski",
    "organisation_csr",
    "organisation_name",
    "p256_public_key",
    "profile_rows",
    "same_name",
    "signature_der",
    "spki_of",
    "tbs_octets",
    "validate_path",
    "verify_ecdsa_der",
    "verify_signature",
]
