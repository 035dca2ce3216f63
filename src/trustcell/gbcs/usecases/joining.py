"""CS03 and CS04: joining two devices and parting them again (gbcs.md 4.6)."""

from dataclasses import dataclass
from enum import IntEnum

from trustcell.gbcs.der import Field, Sequence
from trustcell.gbcs.der_types import Enumeration, Verbatim
from trustcell.gbcs.usecases import common
from trustcell.vocab import DeviceType, Eui64


class JoinMethodAndRole(IntEnum):
    """How two devices join, and which part this one plays."""

    METHOD_A_INITIATOR = 0
    METHOD_A_RESPONDER = 1
    METHOD_B = 2
    METHOD_C = 3


@dataclass(frozen=True, slots=True)
class JoinDevice:
    """Command payload of CS03A1, CS03A2, CS03B, CS03C.

    SEQUENCE { joinMethodAndRole INTEGER, otherDeviceEntityIdentifier OCTET STRING(8), otherDeviceType DeviceType,
      otherDeviceCertificate Certificate OPTIONAL }
    """

    method: JoinMethodAndRole
    other_device: Eui64
    other_device_type: DeviceType
    other_device_certificate: bytes | None = None


class JoinResult(IntEnum):
    """Response payload of CS03 ::= INTEGER."""

    SUCCESS = 0
    INVALID_MESSAGE_CODE_FOR_JOIN_METHOD_AND_ROLE = 1
    INVALID_JOIN_METHOD_AND_ROLE = 2
    INCOMPATIBLE_WITH_EXISTING_ENTRY = 3
    DEVICE_LOG_FULL = 4
    WRITE_FAILURE = 5
    KEY_AGREEMENT_NO_RESOURCES = 6
    KEY_AGREEMENT_UNKNOWN_ISSUER = 7
    KEY_AGREEMENT_UNSUPPORTED_SUITE = 8
    KEY_AGREEMENT_BAD_MESSAGE = 9
    KEY_AGREEMENT_BAD_KEY_CONFIRM = 10
    INVALID_OR_MISSING_CERTIFICATE = 11
    NO_PARTNER_LINK_KEY_RECEIVED = 12
    NO_CBKE_RESPONSE = 13


class UnjoinResult(IntEnum):
    """Response payload of CS04 ::= INTEGER."""

    SUCCESS = 0
    NOT_IN_DEVICE_LOG = 1
    OTHER_FAILURE = 2


JOIN_COMMAND = Sequence(
    JoinDevice,
    Field("method", Enumeration(JoinMethodAndRole), "joinMethodAndRole"),
    Field("other_device", common.ENTITY, "otherDeviceEntityIdentifier"),
    Field("other_device_type", common.DEVICE_TYPE),
    Field("other_device_certificate", Verbatim(), absent=None),
)
JOIN_RESPONSE = Enumeration(JoinResult)
UNJOIN_COMMAND = common.ENTITY
UNJOIN_RESPONSE = Enumeration(UnjoinResult)
