"""X.509 of SMKI: certificates, requests and lists read strictly, built octet for octet, linted, and chained.

Pure: octets and values in, values and findings out. Time and private keys come from the caller (smki.md 2 and 3).
"""

from trustcell.certs._asn1 import assemble
from trustcell.certs._profile_fields import anniversary
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
from trustcell.certs.crl_fast import EncodedEntries, crl_tbs_of, signed_crl
from trustcell.certs.crl_profile import check_crl, crl_rows
from trustcell.certs.csr import CertificationRequest, build_csr, device_csr, load_csr, organisation_csr
from trustcell.certs.csr_profile import check_csr
from trustcell.certs.csr_shapes import DeviceRequest, DeviceRequests
from trustcell.certs.extensions import Extension, HardwareModuleName
from trustcell.certs.iki import (
    IkiAuthorityTemplate,
    IkiTemplate,
    RsaSigner,
    assemble_rsa,
    check_iki_csr,
    iki_csr,
    iki_tbs,
    is_iki_csr,
    issued_by_ica,
    verify_rsa,
)
from trustcell.certs.keys import KeyForm, method2_ski, p256_public_key, spki_of
from trustcell.certs.name import Name, NameAttribute, authority_name, iki_name, organisation_name, same_name
from trustcell.certs.path import LeafPurpose, Path, PathLimits, PathRules, TrustAnchor, validate_path
from trustcell.certs.profiles import check_profile, profile_rows
from trustcell.certs.rules import ProfileRow, Verdict
from trustcell.certs.shape_check import ShapeCheck
from trustcell.certs.signature import signature_der, verify_ecdsa_der
from trustcell.certs.splice import PROBE_ENTITY, PROBE_POINT, Splice, certificate_octets, probe

__all__ = [
    "DEVICE_HARDWARE_TYPE",
    "NO_EXPIRY",
    "PROBE_ENTITY",
    "PROBE_POINT",
    "Certificate",
    "CertificateKind",
    "CertificateList",
    "CertificationRequest",
    "CrlEntry",
    "CrlTemplate",
    "DeviceRequest",
    "DeviceRequests",
    "DeviceTemplate",
    "EncodedEntries",
    "Extension",
    "HardwareModuleName",
    "IkiAuthorityTemplate",
    "IkiTemplate",
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
    "RsaSigner",
    "ShapeCheck",
    "Signer",
    "Splice",
    "Template",
    "TrustAnchor",
    "Verdict",
    "anniversary",
    "assemble",
    "assemble_rsa",
    "authority_name",
    "build_csr",
    "certificate_octets",
    "check_crl",
    "check_csr",
    "check_iki_csr",
    "check_profile",
    "crl_rows",
    "crl_tbs_octets",
    "crl_tbs_of",
    "device_csr",
    "encode_crl_entry",
    "encode_entries",
    "iki_csr",
    "iki_name",
    "iki_tbs",
    "is_iki_csr",
    "issue",
    "issue_crl",
    "issued_by_ica",
    "load_certificates",
    "load_crl",
    "load_csr",
    "method2_ski",
    "organisation_csr",
    "organisation_name",
    "p256_public_key",
    "probe",
    "profile_rows",
    "same_name",
    "signature_der",
    "signed_crl",
    "spki_of",
    "tbs_octets",
    "validate_path",
    "verify_ecdsa_der",
    "verify_rsa",
    "verify_signature",
]
