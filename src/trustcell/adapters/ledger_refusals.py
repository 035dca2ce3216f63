"""Refusals that every form of the ledger gives in the same words."""

from trustcell.dsp import CommandKey
from trustcell.duis import RequestId
from trustcell.vocab import Clause, Refused

_REQUEST_IDS = Clause("DUIS RequestID", "SEC Appendix AD: a request ID is used once")
_UNIQUE_COUNTERS = Clause("GBCS anti-replay", "GBCS: a counter protects one message of an originator to a target")


def request_id_used(request_id: RequestId) -> Refused:
    """The ID was used, by this request or another one."""
    finding = _REQUEST_IDS.breach(
        "request_id_used",
        "Header.RequestID",
        f"{request_id} was used already",
        "use a counter that was never used for this device",
    )
    return Refused([finding])


def command_used(key: CommandKey) -> Refused:
    """Another command already has this originator, target and counter."""
    finding = _UNIQUE_COUNTERS.breach(
        "counter_used",
        "OriginatorCounter",
        f"counter {key.counter} of {key.originator} for {key.device} was used already",
        "use a higher counter",
    )
    return Refused([finding])
