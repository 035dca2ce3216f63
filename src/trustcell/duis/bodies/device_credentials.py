"""6.15.2, 6.17 and 6.24.2: the credentials of the device itself."""

from dataclasses import dataclass
from typing import ClassVar

from trustcell.duis.encodings import CERTIFICATE
from trustcell.duis.shape import Leaf, Shape, Shaped
from trustcell.duis.words import CREDENTIAL_TYPE
from trustcell.vocab import KeyUsage

_CREDENTIAL_TYPE: Shape = (Leaf("CredentialType", "credential_type", CREDENTIAL_TYPE),)


@dataclass(frozen=True, slots=True)
class UpdateSecurityCredentialsDevice(Shaped):
    """Service 6.15.2 (DUIS schema 5.4): ``DeviceCertificate``, DER octets."""

    ELEMENT: ClassVar[str] = "UpdateSecurityCredentialsDevice"
    SHAPE: ClassVar[Shape] = (Leaf("DeviceCertificate", "device_certificate", CERTIFICATE),)

    device_certificate: bytes


@dataclass(frozen=True, slots=True)
class IssueSecurityCredentials(Shaped):
    """Service 6.17 (DUIS schema 5.4): ``CredentialType`` Digital Signature or Key Agreement, as a key usage."""

    ELEMENT: ClassVar[str] = "IssueSecurityCredentials"
    SHAPE: ClassVar[Shape] = _CREDENTIAL_TYPE

    credential_type: KeyUsage


@dataclass(frozen=True, slots=True)
class RetrieveDeviceSecurityCredentialsDevice(Shaped):
    """Service 6.24.2 (DUIS schema 5.4): ``CredentialType`` Digital Signature or Key Agreement, as a key usage."""

    ELEMENT: ClassVar[str] = "RetrieveDeviceSecurityCredentialsDevice"
    SHAPE: ClassVar[Shape] = _CREDENTIAL_TYPE

    credential_type: KeyUsage
