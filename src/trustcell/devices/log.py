"""The security log of a device: a bounded list of lines beside the state, never part of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from trustcell.vocab import TrustcellError


class Event(IntEnum):
    """Event and alert codes a device logs or raises here (gbcs.md 3 and 6.1)."""

    GPF_LOG_CHANGED = 0x8071
    CLOCK_ADJUSTED = 0x8145
    CLOCK_NOT_ADJUSTED = 0x8F0C
    HUB_LOG_CHANGED = 0x8F12
    FORMAT_CHECK_FAILED = 0x8F1E
    NO_AUTHORITY = 0x8F30
    OUTAGE_RESTORED = 0x8F35
    LONG_OUTAGE_RESTORED = 0x8F36
    AUTHENTICATION_FAILED = 0x8F3D
    UNAUTHORISED_COMMUNICATION = 0x8F3E
    TAMPER = 0x8F3F
    FIRMWARE_CHANGED = 0x8F43
    JOINING_FAILED = 0x8F48
    JOINED = 0x8F49
    UNJOINING_FAILED = 0x8F4A
    UNJOINED = 0x8F4B
    OTHER_AUTHENTICATION_FAILURE = 0x8F53
    SUPPLY_INTERRUPTED = 0x8F57
    FUTURE_DATED_ACTIONED = 0x8F66
    FUTURE_DATED_NOT_ACTIONED = 0x8F67
    CREDENTIALS_UPDATE = 0x8F70
    FIRMWARE_VERIFIED = 0x8F72
    COMMAND_NOT_SUPPORTED = 0x8F85
    IMAGE_PASSED_ON = 0x8F8A
    FIRMWARE_VERSION_READ = 0x8F8B


@dataclass(frozen=True, slots=True)
class LogEntry:
    """When, which event code, a reason stable for machines, and one sentence for people without any secret."""

    at: datetime
    code: int
    reason: str
    text: str


class Discard(TrustcellError):
    """A message the device does not answer: it changes nothing and leaves one log line (gbcs.md 6.1)."""

    def __init__(self, event: Event, reason: str, text: str) -> None:
        """What the log line will say."""
        super().__init__(event, reason, text)
        self.event = event
        self.reason = reason
        self.code = reason
        self.text = text
