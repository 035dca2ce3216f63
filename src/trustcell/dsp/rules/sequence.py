"""Sequences: a request that names a preceding one waits until that has ended well (DUIS schema 5.4, Header).

The schema has the fields and says no more; how long a request waits and what ends it is our reading.
"""

from enum import StrEnum

from trustcell.dsp.rules.clauses import PROCESSING
from trustcell.dsp.rules.facts import KnownRequest
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.duis import Request, RequestId, parse_request
from trustcell.vocab import Refused

_S = RequestState
_ENDED_WELL = frozenset({_S.RESPONDED, _S.ANSWERED})
_UNDER_WAY = frozenset({_S.TRANSFORMED, _S.HELD, _S.RESERVED, _S.COMMANDED, _S.QUARANTINED})


class Turn(StrEnum):
    """Whether a request may go on."""

    NOW = "now"
    LATER = "later"


def turn(preceding: RequestId, known: KnownRequest | None) -> Turn:
    """Whether the request behind ``preceding`` may go on; ``Refused`` when that one is unknown or has failed.

    What was delivered ended well if the device answered it (I0).
    """
    if known is None:
        raise _refused("preceding_unknown", f"nobody has sent the preceding request {preceding}")
    if known.state in _ENDED_WELL or (known.state is _S.DELIVERED and known.code == "I0"):
        return Turn.NOW
    if known.state in _UNDER_WAY:
        return Turn.LATER
    raise _refused("preceding_failed", f"the preceding request {preceding} is {known.state.value}")


def require_same(request: Request, transformed: KnownRequest) -> None:
    """A signed pre-command that names a preceding request names the one that its transform named, or none."""
    preceding = request.preceding_service_request_id
    if preceding is not None and parse_request(transformed.received).request.preceding_service_request_id != preceding:
        raise _refused("preceding_differs", "the transform of this request did not name this preceding request")


def _refused(code: str, message: str) -> Refused:
    remedy = "send the preceding request first, or leave PrecedingServiceRequestID out"
    return Refused([PROCESSING.breach(code, "Header.PrecedingServiceRequestID", message, remedy)])
