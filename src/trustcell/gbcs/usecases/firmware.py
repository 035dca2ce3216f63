"""CS06, CS08, CS09, CCS08: firmware activation, versions and alerts about them (gbcs.md 4.7)."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from trustcell.gbcs.der import Choice, Field, Sequence
from trustcell.gbcs.der_types import Enumeration, Null, Octets
from trustcell.gbcs.usecases import common
from trustcell.vocab import Eui64


class ActivateImageResponseCode(IntEnum):
    """What became of an activation."""

    SUCCESS = 0
    NO_IMAGE_HELD = 1
    HASH_MISMATCH = 2
    ACTIVATION_FAILURE = 3


class ReadResult(IntEnum):
    """INTEGER { success 0, failure 1 } of CS08 and CS09."""

    SUCCESS = 0
    FAILURE = 1


class ImageTransferResult(IntEnum):
    """What became of an image that a communications hub was to pass on (CCS08)."""

    SUCCESS = 0
    IMAGE_DISCARDED = 1
    HARDWARE_VERSION_MISMATCH = 2
    FILE_TRANSFER_FAILURE = 3


@dataclass(frozen=True, slots=True)
class ActivateFirmware:
    """CS06 command: ``originator_counter`` repeats the header's.

    SEQUENCE { manufacturerImageHash OCTET STRING(32), originatorCounter INTEGER, executionDateTime GT OPTIONAL }
    """

    image_hash: bytes
    originator_counter: int
    execution_date_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class ActivationOutcome:
    """SEQUENCE { activateImageResponseCode INTEGER, firmwareVersion OCTET STRING(4) }."""

    result: ActivateImageResponseCode
    firmware_version: bytes


@dataclass(frozen=True, slots=True)
class ActivateFirmwareAlert:
    """Alert 0x00CA: SEQUENCE { alertCode, executionDateTime GT, originatorCounter INTEGER, executionOutcome }."""

    alert_code: int
    execution_date_time: datetime
    originator_counter: int
    outcome: ActivationOutcome


@dataclass(frozen=True, slots=True)
class FirmwareVersion:
    """CS08 response: SEQUENCE { firmwareVersion OCTET STRING(4), INTEGER }."""

    firmware_version: bytes
    result: ReadResult


@dataclass(frozen=True, slots=True)
class FirmwareVersionAlert:
    """CS09 alert: SEQUENCE { alertCode, GT, firmwareVersion OCTET STRING(4), INTEGER }."""

    alert_code: int
    alert_date_time: datetime
    firmware_version: bytes
    result: ReadResult


@dataclass(frozen=True, slots=True)
class ImageTransferAlert:
    """CCS08 alert: SEQUENCE { alertCode, GT, deviceEntityIdentifier, firmwareVersion OCTET STRING(4), INTEGER }."""

    alert_code: int
    alert_date_time: datetime
    device: Eui64
    firmware_version: bytes
    result: ImageTransferResult


_VERSION = Octets(4)
_OUTCOME = Sequence(
    ActivationOutcome,
    Field("result", Enumeration(ActivateImageResponseCode), "activateImageResponseCode"),
    Field("firmware_version", _VERSION),
)
CS06_COMMAND = Sequence(
    ActivateFirmware,
    Field("image_hash", Octets(32), "manufacturerImageHash"),
    Field("originator_counter", common.SEQ_NUMBER),
    Field("execution_date_time", common.TIME, absent=None),
)
CS06_RESPONSE = Choice(Null(), _OUTCOME)
CS06_ALERT = Sequence(
    ActivateFirmwareAlert,
    Field("alert_code", common.ALERT_CODE),
    Field("execution_date_time", common.TIME),
    Field("originator_counter", common.SEQ_NUMBER),
    Field("outcome", _OUTCOME, "executionOutcome"),
)
CS08_COMMAND = Null()
CS08_RESPONSE = Sequence(FirmwareVersion, Field("firmware_version", _VERSION), Field("result", Enumeration(ReadResult)))
CS09_ALERT = Sequence(
    FirmwareVersionAlert,
    Field("alert_code", common.ALERT_CODE),
    Field("alert_date_time", common.TIME),
    Field("firmware_version", _VERSION),
    Field("result", Enumeration(ReadResult)),
)
CCS08_ALERT = Sequence(
    ImageTransferAlert,
    Field("alert_code", common.ALERT_CODE),
    Field("alert_date_time", common.TIME),
    Field("device", common.ENTITY, "deviceEntityIdentifier"),
    Field("firmware_version", _VERSION),
    Field("result", Enumeration(ImageTransferResult)),
)
