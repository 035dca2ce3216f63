"""The security log of a device: a bounded list of lines beside the state, never part of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from trustcell.vocab import TrustcellError


class Event(IntEnum):
    """Event and alert codes a device logs or raises here (gbcs.md 3 and 6.1)."""

    FORMAT_CHECK_FAILED = 0x8F1E
    NO_AUTHORITY = 0x8F30
    AUTHENTICATION_FAILED = 0x8F3D
    UNAUTHORISED_COMMUNICATION = 0x8F3E
    OTHER_AUTHENTICATION_FAILURE = 0x8F53
    FUTURE_DATED_ACTIONED = 0x8F66
    FUTURE_DATED_NOT_ACTIONED = 0x8F67
    CREDENTIALS_UPDATE = 0x8F70
    COMMAND_NOT_SUPPORTED = 0x8F85


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
