"""Alerts about credentials: a slot replaced, a change of supplier, certificates of the CoS party."""

from dataclasses import dataclass
from typing import ClassVar

from trustcell.duis.bodies import MeterMPxNs
from trustcell.duis.encodings import base64_octets
from trustcell.duis.lexical import EUI, FLOOR, REQUEST_ID, ROLE, free_text, integer
from trustcell.duis.parts import Child, Choice
from trustcell.duis.request_id import RequestId
from trustcell.duis.shape import Content, Leaf, Shape, Shaped
from trustcell.duis.words import CERTIFICATE_TYPE, DEVICE_TYPE, CertificateType, InventoryDeviceType
from trustcell.vocab import Eui64, RemotePartyRole


@dataclass(frozen=True, slots=True)
class RemotePartySeqNumberChange(Content):
    """New floors of a role: ``RemotePartyFloorSeqNumber``, ``RemotePartyPrepaymentTopUpFloorSeqNumber[0..1]``."""

    SHAPE: ClassVar[Shape] = (
        Leaf("RemotePartyFloorSeqNumber", "floor_seq_number", FLOOR),
        Leaf("RemotePartyPrepaymentTopUpFloorSeqNumber", "top_up_floor_seq_number", FLOOR, optional=True),
    )

    floor_seq_number: int
    top_up_floor_seq_number: int | None = None


@dataclass(frozen=True, slots=True)
class UpdatedCertificate(Content):
    """One certificate now on the device: ``CertificateType`` and ``CertificateHash`` (its key identifier)."""

    SHAPE: ClassVar[Shape] = (
        Leaf("CertificateType", "certificate_type", CERTIFICATE_TYPE),
        Leaf("CertificateHash", "certificate_hash", base64_octets(1, 64)),
    )

    certificate_type: CertificateType
    certificate_hash: bytes


@dataclass(frozen=True, slots=True)
class SecurityCredentialsUpdated(Shaped):
    """The credentials of a role were replaced on a device (N42).

    ``DeviceID``, ``RemotePartyRole``, ``RemotePartySeqNumberChange[0..1]``, ``Certificates[1..3]``.
    """

    ELEMENT: ClassVar[str] = "SecurityCredentialsUpdated"
    SHAPE: ClassVar[Shape] = (
        Leaf("DeviceID", "device_id", EUI),
        Leaf("RemotePartyRole", "remote_party_role", ROLE),
        Child("RemotePartySeqNumberChange", "seq_number_change", RemotePartySeqNumberChange, optional=True),
        Child("Certificates", "certificates", UpdatedCertificate, most=3),
    )

    device_id: Eui64
    remote_party_role: RemotePartyRole
    certificates: tuple[UpdatedCertificate, ...]
    seq_number_change: RemotePartySeqNumberChange | None = None


@dataclass(frozen=True, slots=True)
class DeviceChangeOfSupplier(Content):
    """A device that changed its supplier: ``DeviceID``, ``DeviceType``, ``MPxNs``."""

    SHAPE: ClassVar[Shape] = (
        Leaf("DeviceID", "device_id", EUI),
        Leaf("DeviceType", "device_type", DEVICE_TYPE),
        Child("MPxNs", "mpxns", MeterMPxNs),
    )

    device_id: Eui64
    device_type: InventoryDeviceType
    mpxns: MeterMPxNs


@dataclass(frozen=True, slots=True)
class ChangeOfSupplier(Shaped):
    """A change of supplier that failed (N27: the request) or succeeded (N26: the device).

    ``ecos_error_code`` stands beside the request only, and is new in 5.4: leave it out for existing clients.
    """

    ELEMENT: ClassVar[str] = "ChangeOfSupplier"
    SHAPE: ClassVar[Shape] = (
        Choice(
            (
                Leaf("ChangeOfSupplierServiceRequestID", "service_request_id", REQUEST_ID),
                Child("DeviceChangeOfSupplier", "device", DeviceChangeOfSupplier),
            )
        ),
        Leaf("ECoSErrorCode", "ecos_error_code", free_text(3, 3), optional=True),
    )

    service_request_id: RequestId | None = None
    device: DeviceChangeOfSupplier | None = None
    ecos_error_code: str | None = None

    def check_rule(self) -> None:
        """An error code belongs to a request; raises ``ValueError``."""
        if self.ecos_error_code is not None and self.service_request_id is None:
            raise ValueError("an ECoS error code stands beside a request only")


@dataclass(frozen=True, slots=True)
class CoSCertificateAlert(Shaped):
    """About the certificate of the CoS party on a device: ``DeviceID``, ``CertificateSerialNumber[0..1]``."""

    ELEMENT: ClassVar[str] = "CoSCertificateAlert"
    SHAPE: ClassVar[Shape] = (
        Leaf("DeviceID", "device_id", EUI),
        Leaf("CertificateSerialNumber", "certificate_serial_number", integer(0, 2**160 - 1), optional=True),
    )

    device_id: Eui64
    certificate_serial_number: int | None = None


@dataclass(frozen=True, slots=True)
class ECoSAlert(Shaped):
    """An alert of the enduring CoS party.

    ``AlertID``, ``RequestID[0..1]``, ``ECoSAlertCode``, ``DeviceID``, ``AdditionalInformation[0..1]``.
    """

    ELEMENT: ClassVar[str] = "ECoSAlert"
    SHAPE: ClassVar[Shape] = (
        Leaf("AlertID", "alert_id", REQUEST_ID),
        Leaf("RequestID", "request_id", REQUEST_ID, optional=True),
        Leaf("ECoSAlertCode", "ecos_alert_code", free_text(0, 64)),
        Leaf("DeviceID", "device_id", EUI),
        Leaf("AdditionalInformation", "additional_information", free_text(0, 1_000), optional=True),
    )

    alert_id: RequestId
    ecos_alert_code: str
    device_id: Eui64
    request_id: RequestId | None = None
    additional_information: str | None = None
