"""Types that several use cases share (gbcs.md 4.2), and the instant that means never (gbcs.md 6.3)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from itertools import product
from typing import Any

from trustcell.gbcs.der import Field, Sequence, SequenceOf
from trustcell.gbcs.der_types import Enumeration, Integer, KeyUsageBits, Octets, Time
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


_GBCS_ROLES = frozenset({*range(9), 127})
"""Roles that messages can name; the shared role type also knows those of certificates."""


class _Cell(Sequence[CellId]):
    """TrustAnchorCellIdentifier: the few there are, one key usage each, are looked up."""

    def __init__(self, *arguments: Any) -> None:
        """As any SEQUENCE."""
        super().__init__(*arguments)
        cells = (CellId(RemotePartyRole(role), *rest) for role in _GBCS_ROLES for rest in product(KeyUsage, CellUsage))
        self._known = {super(_Cell, self).write(cell): cell for cell in cells}
        self._contents = {cell: contents for contents, cell in self._known.items()}

    def read(self, octets: bytes, start: int, end: int) -> CellId:
        """The cell with these contents."""
        return self._known.get(octets[start:end]) or super().read(octets, start, end)

    def write(self, value: CellId) -> bytes:
        """The contents of this cell."""
        return self._contents.get(value) or super().write(value)


SEQ_NUMBER = Integer(MAX_SEQ_NUMBER)
ALERT_CODE = Integer(0xFFFFFFFF)
ROLE = Enumeration(RemotePartyRole, only=_GBCS_ROLES)
KEY_USAGE = KeyUsageBits()
DEVICE_TYPE = Enumeration(DeviceType)
STATUS = Enumeration(StatusCode, tag=0x0A)
ENTITY = Octets(8, Eui64)
KEY_ID = Octets(8)
TIME = Time()
CELL = _Cell(
    CellId,
    Field("role", ROLE, "remotePartyRole"),
    Field("key_usage", KEY_USAGE),
    Field("cell_usage", Enumeration(CellUsage), absent=CellUsage.MANAGEMENT),
)
SPECIALISTS = SequenceOf(
    Sequence(SpecialistSeqNumber, Field("usage", Integer(0), "seqNumberUsage"), Field("seq_number", SEQ_NUMBER)),
)
SEQ_NUMBER_CHANGE = Sequence(
    RemotePartySeqNumberChange,
    Field("role", ROLE, "remotePartyRole"),
    Field("floor", SEQ_NUMBER, "floorSeqNumber"),
    Field("specialist_floors", SPECIALISTS, "specialistFloorSeqNumber", absent=None),
)
LOG_ENTRY = Sequence(LogEntry, Field("device", ENTITY, "deviceEntityIdentifier"), Field("device_type", DEVICE_TYPE))
