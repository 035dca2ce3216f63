"""States of one request (duis-dsp.md 4.3)."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from trustcell.dsp.rules.clauses import PROCESSING
from trustcell.vocab import Refused


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


class RequestEvent(StrEnum):
    """What happens to a request."""

    TRANSFORM = "transform"
    """A pre-command is offered; the same one again does no harm."""
    ANSWER = "answer"
    HOLD = "hold"
    RESERVE = "reserve"
    COMMAND = "command"
    ABANDON = "abandon"
    RESPOND = "respond"
    """The response of the device, or the alert of a future-dated execution."""
    UNREACHABLE = "unreachable"
    SILENCE = "silence"
    EXPIRE = "expire"
    """A future-dated command did not report in time (E30)."""
    DELIVER = "deliver"
    QUARANTINE = "quarantine"
    RELEASE = "release"
    DISCARD = "discard"
    CANCEL = "cancel"


_S, _E = RequestState, RequestEvent

# A request is accepted once: whatever has left the first row is never transformed, held or answered again. A number
# reserved at the broker ends in a command or is given up, because numbers are not given back; while the broker's key in
# a new device is searched, a command that met silence is followed by one under the next key. A response that comes
# after the time-out is no response any more: its user has heard, so the state stays, though slots and counters still
# learn from it (4.3). A device that accepted a future-dated command speaks twice: RESPONDED or DELIVERED may be
# responded to again by its alert, and expire without it. Quarantine holds a request before anything left the DSP.
TRANSITIONS: Mapping[RequestEvent, Mapping[RequestState | None, RequestState]] = MappingProxyType(
    {
        _E.TRANSFORM: {None: _S.TRANSFORMED, _S.TRANSFORMED: _S.TRANSFORMED},
        _E.ANSWER: {None: _S.ANSWERED},
        _E.HOLD: {None: _S.HELD, _S.TRANSFORMED: _S.HELD},
        _E.RESERVE: dict.fromkeys((None, _S.HELD, _S.COMMANDED), _S.RESERVED),
        _E.COMMAND: dict.fromkeys((None, _S.TRANSFORMED, _S.HELD, _S.RESERVED), _S.COMMANDED),
        _E.ABANDON: {_S.RESERVED: _S.ABANDONED, _S.HELD: _S.ABANDONED},
        _E.RESPOND: dict.fromkeys((_S.COMMANDED, _S.RESPONDED, _S.DELIVERED), _S.RESPONDED),
        _E.UNREACHABLE: {_S.COMMANDED: _S.UNREACHABLE},
        _E.SILENCE: {_S.COMMANDED: _S.SILENT},
        _E.EXPIRE: dict.fromkeys((_S.COMMANDED, _S.RESPONDED, _S.DELIVERED), _S.EXPIRED),
        _E.DELIVER: dict.fromkeys((_S.RESPONDED, _S.UNREACHABLE, _S.SILENT, _S.EXPIRED), _S.DELIVERED),
        _E.QUARANTINE: {None: _S.QUARANTINED, _S.TRANSFORMED: _S.QUARANTINED},
        _E.RELEASE: {_S.QUARANTINED: _S.HELD},
        _E.DISCARD: {_S.QUARANTINED: _S.DISCARDED},
        _E.CANCEL: {_S.HELD: _S.CANCELLED},
    }
)
"""Event to the states it may meet, ``None`` for an ID nobody used, and the state afterwards."""


def moved(state: RequestState | None, event: RequestEvent) -> RequestState:
    """The state after an event; ``Refused`` for an illegal move, which changes nothing."""
    after = TRANSITIONS[event].get(state)
    if after is None:
        finding = PROCESSING.breach(
            "illegal_move",
            "RequestID",
            f"a request that is {state or 'unknown'} cannot {event}",
            "look at the trail of the request",
        )
        raise Refused([finding])
    return after


LEGAL = frozenset((before, after) for row in TRANSITIONS.values() for before, after in row.items())
"""Every pair of states, before and after, that some event leads through."""


def may_follow(before: RequestState | None, after: RequestState) -> bool:
    """Whether some event leads from one state to another."""
    return (before, after) in LEGAL
