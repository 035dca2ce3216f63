"""Types that several use cases share (gbcs.md 4.2), and the instant that means never (gbcs.md 6.3)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from trustcell.gbcs.der import Enumeration, Field, Integer, KeyUsageBits, Octets, Sequence, SequenceOf, Time
from trustcell.vocab import MAX_SEQ_NUMBER, CellId, CellUsage, DeviceType, Eui64, KeyUsage, RemotePartyRole

NEVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""ExecutionDateTime of a cancellation: 99991231235959Z."""


class StatusCode(IntEnum):
    """StatusCode ::= ENUMERATED, the TAMP codes GBCS uses (gbcs.md 4.2)."""

    SUCCESS = 0
    BAD_CERTIFICATE = 5
    NO_TRUST_ANCHOR = 10
    INSUFFICIENT_MEMORY = 17
    TRUST_ANCHOR_NOT_FOUND = 25
    RESOURCES_BUSY = 30
    OTHER = 127


@dataclass(frozen=True, slots=True)
class SpecialistSeqNumber:
    """SpecialistSeqNumber ::= SEQUENCE { seqNumberUsage INTEGER { prepaymentTopUp 0 }, seqNumber SeqNumber }."""

    usage: int
    seq_number: int


@dataclass(frozen=True, slots=True)
class RemotePartySeqNumberChange:
    """RemotePartySeqNumberChange: a new floor for a role, and perhaps for its prepayment top-ups.

    ``SEQUENCE { remotePartyRole, floorSeqNumber SeqNumber, specialistFloorSeqNumber SEQUENCE OF SpecialistSeqNumber
    OPTIONAL }``
    """

    role: RemotePartyRole
    floor: int
    specialist_floors: tuple[SpecialistSeqNumber, ...] | None = None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """Entry ::= SEQUENCE { deviceEntityIdentifier OCTET STRING(8), deviceType DeviceType }."""

    device: Eui64
    device_type: DeviceType


class _CellRole(IntEnum):
    """Roles a Trust Anchor Cell or a GBCS role list can name; certificates know more."""

    ROOT = 0
    RECOVERY = 1
    SUPPLIER = 2
    NETWORK_OPERATOR = 3
    ACCESS_CONTROL_BROKER = 4
    TRANSITIONAL_COS = 5
    WAN_PROVIDER = 6
    ISSUING_AUTHORITY = 7
    LOAD_CONTROLLER = 8
    OTHER = 127


class _Role(Enumeration[RemotePartyRole]):
    """RemotePartyRole ::= INTEGER, only the values of GBCS."""

    def __init__(self) -> None:
        """Read into the shared role type."""
        super().__init__(RemotePartyRole)
        self._by_contents = {self.write(RemotePartyRole(role)): RemotePartyRole(role) for role in _CellRole}


SEQ_NUMBER = Integer(MAX_SEQ_NUMBER)
ALERT_CODE = Integer(0xFFFFFFFF)
ROLE = _Role()
KEY_USAGE = KeyUsageBits()
DEVICE_TYPE = Enumeration(DeviceType)
STATUS = Enumeration(StatusCode, tag=0x0A)
ENTITY = Octets(8, Eui64)
KEY_ID = Octets(8)
TIME = Time()
CELL = Sequence(
    CellId,
    Field("role", ROLE),
    Field("key_usage", KEY_USAGE),
    Field("cell_usage", Enumeration(CellUsage), absent=CellUsage.MANAGEMENT),
)
SPECIALISTS = SequenceOf(
    Sequence(SpecialistSeqNumber, Field("usage", Integer(0)), Field("seq_number", SEQ_NUMBER)),
)
SEQ_NUMBER_CHANGE = Sequence(
    RemotePartySeqNumberChange,
    Field("role", ROLE),
    Field("floor", SEQ_NUMBER),
    Field("specialist_floors", SPECIALISTS, absent=None),
)
LOG_ENTRY = Sequence(LogEntry, Field("device", ENTITY), Field("device_type", DEVICE_TYPE))

__all__ = [
    "NEVER",
    "CellId",
    "KeyUsage",
    "LogEntry",
    "RemotePartySeqNumberChange",
    "SpecialistSeqNumber",
    "StatusCode",
]
