"""CS07, GCS59, GCS62: logs of joined devices, read, restored and backed up (gbcs.md 4.7)."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from trustcell.gbcs.der import Field, Sequence, SequenceOf
from trustcell.gbcs.der_types import Enumeration, Null
from trustcell.gbcs.usecases import common
from trustcell.gbcs.usecases.common import LogEntry
from trustcell.gbcs.usecases.joining import JoinResult


class ReadLogResult(IntEnum):
    """INTEGER { success 0, readFailure 1 } of CS07."""

    SUCCESS = 0
    READ_FAILURE = 1


@dataclass(frozen=True, slots=True)
class DeviceLog:
    """CS07 response: SEQUENCE { INTEGER, SEQUENCE OF Entry OPTIONAL }."""

    result: ReadLogResult
    entries: tuple[LogEntry, ...] | None = None


@dataclass(frozen=True, slots=True)
class RestoreDeviceLog:
    """GCS59 command: SEQUENCE { SEQUENCE OF Entry }."""

    entries: tuple[LogEntry, ...]


@dataclass(frozen=True, slots=True)
class RestoredEntry:
    """SEQUENCE { Entry, joinResponseCode }."""

    entry: LogEntry
    result: JoinResult


@dataclass(frozen=True, slots=True)
class RestoredDeviceLog:
    """GCS59 response: SEQUENCE { SEQUENCE OF RestoredEntry }."""

    entries: tuple[RestoredEntry, ...]


@dataclass(frozen=True, slots=True)
class DeviceLogAlert:
    """GCS62 alert: SEQUENCE { alertCode, GT, SEQUENCE OF Entry }."""

    alert_code: int
    alert_date_time: datetime
    entries: tuple[LogEntry, ...]


_ENTRIES = SequenceOf(common.LOG_ENTRY)
CS07_COMMAND = Null()
CS07_RESPONSE = Sequence(
    DeviceLog, Field("result", Enumeration(ReadLogResult)), Field("entries", _ENTRIES, absent=None)
)
GCS59_COMMAND = Sequence(RestoreDeviceLog, Field("entries", _ENTRIES))
GCS59_RESPONSE = Sequence(
    RestoredDeviceLog,
    Field(
        "entries",
        SequenceOf(
            Sequence(
                RestoredEntry,
                Field("entry", common.LOG_ENTRY),
                Field("result", Enumeration(JoinResult), "joinResponseCode"),
            )
        ),
    ),
)
GCS62_ALERT = Sequence(
    DeviceLogAlert,
    Field("alert_code", common.ALERT_CODE),
    Field("alert_date_time", common.TIME),
    Field("entries", _ENTRIES),
)
