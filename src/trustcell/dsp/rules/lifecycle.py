"""States of one request (duis-dsp.md 4.3)."""

from enum import StrEnum


class RequestState(StrEnum):
    """Where a request stands; what is not stored at all was never accepted."""

    TRANSFORMED = "transformed"
    """A pre-command was offered and waits for its user's signature."""
    HELD = "held"
    """Accepted, and held by the DSP until its time has come."""
    RESERVED = "reserved"
    """The broker's counter was taken; the command is being built."""
    COMMANDED = "commanded"
    """The command is in the outbox."""
    RESPONDED = "responded"
    UNREACHABLE = "unreachable"
    SILENT = "silent"
    EXPIRED = "expired"
    DELIVERED = "delivered"
    """The user's callback took the final response."""
    ANSWERED = "answered"
    """Answered by the DSP itself, at once."""
    QUARANTINED = "quarantined"
    DISCARDED = "discarded"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"
    """No command could be built for a reservation; ID and counter stay used."""
