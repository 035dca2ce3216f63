"""Alerts about the status of a device: commissioned, gone, suspended, recovered."""

from dataclasses import dataclass
from typing import ClassVar

from trustcell.duis.bodies import MeterMPxNs
from trustcell.duis.lexical import EUI
from trustcell.duis.parts import Child, Choice, Flag
from trustcell.duis.shape import Content, Leaf, Nest, Shape, Shaped
from trustcell.duis.words import (
    CERTIFICATE_TYPE,
    DEVICE_TYPE,
    ESME_VARIANT,
    CertificateType,
    InventoryDeviceType,
    enumerated,
)
from trustcell.vocab import Eui64

_OPERATOR = enumerated(CertificateType, CertificateType.DIGITAL_SIGNING, CertificateType.KEY_AGREEMENT)


@dataclass(frozen=True, slots=True)
class MeterIdentity(Content):
    """A commissioned meter (N16): ``MeterMPxNs``, ``ESMEVariant[0..1]``."""

    SHAPE: ClassVar[Shape] = (
        Child("MeterMPxNs", "meter_mpxns", MeterMPxNs),
        Leaf("ESMEVariant", "esme_variant", ESME_VARIANT, optional=True),
    )

    meter_mpxns: MeterMPxNs
    esme_variant: str | None = None


@dataclass(frozen=True, slots=True)
class AssociatedType1Device(Content):
    """A device that was joined to the meter: ``DeviceID``, ``DeviceType``."""

    SHAPE: ClassVar[Shape] = (
        Leaf("DeviceID", "device_id", EUI),
        Leaf("DeviceType", "device_type", DEVICE_TYPE),
    )

    device_id: Eui64
    device_type: InventoryDeviceType


@dataclass(frozen=True, slots=True)
class MeterDecommissioningOrWithdrawal(Content):
    """A meter that is gone (N2): its supply points and ``AssociatedType1Device[0..7]``."""

    SHAPE: ClassVar[Shape] = (
        Child("MeterDecommissionOrWithdrawal", "meter_mpxns", MeterMPxNs),
        Child("AssociatedType1Device", "associated_type1_devices", AssociatedType1Device, most=7, least=0),
    )

    meter_mpxns: MeterMPxNs
    associated_type1_devices: tuple[AssociatedType1Device, ...] = ()


@dataclass(frozen=True, slots=True)
class RecoveryCompleteACBCredentials(Content):
    """Slots that recovery filled with broker credentials, by certificate type."""

    SHAPE: ClassVar[Shape] = (
        Leaf("SupplierCertificateType", "supplier_certificate_types", CERTIFICATE_TYPE, most=3),
        Leaf("NetworkOperatorCertificateType", "network_operator_certificate_types", _OPERATOR, optional=True, most=2),
    )

    supplier_certificate_types: tuple[CertificateType, ...]
    network_operator_certificate_types: tuple[CertificateType, ...] | None = None


@dataclass(frozen=True, slots=True)
class DeviceStatusChangeEvent(Shaped):
    """A device whose status changed: ``DeviceID`` and exactly one change.

    ``meter_identity`` (N16), ``meter_decommissioning_or_withdrawal`` (N2), ``device_suspended`` (N28),
    ``device_restored`` (N29), ``recovery_complete_acb_credentials``; the others are flags as well.
    """

    ELEMENT: ClassVar[str] = "DeviceStatusChangeEvent"
    SHAPE: ClassVar[Shape] = (
        Leaf("DeviceID", "device_id", EUI),
        Nest(
            "DeviceStatusChange",
            (
                Choice(
                    (
                        Child("MeterIdentity", "meter_identity", MeterIdentity),
                        Child(
                            "MeterDecommissioningOrWithdrawal",
                            "meter_decommissioning_or_withdrawal",
                            MeterDecommissioningOrWithdrawal,
                        ),
                        Flag("DeviceRemovedFromInventory", "device_removed_from_inventory"),
                        Flag("CHFDecommissioning", "chf_decommissioning"),
                        Flag("DeviceSuspended", "device_suspended"),
                        Flag("DeviceRestored", "device_restored"),
                        Child(
                            "RecoveryCompleteACBCredentials",
                            "recovery_complete_acb_credentials",
                            RecoveryCompleteACBCredentials,
                        ),
                        Flag("RecoveryComplete", "recovery_complete"),
                    )
                ),
            ),
        ),
    )

    device_id: Eui64
    meter_identity: MeterIdentity | None = None
    meter_decommissioning_or_withdrawal: MeterDecommissioningOrWithdrawal | None = None
    device_removed_from_inventory: bool = False
    chf_decommissioning: bool = False
    device_suspended: bool = False
    device_restored: bool = False
    recovery_complete_acb_credentials: RecoveryCompleteACBCredentials | None = None
    recovery_complete: bool = False
