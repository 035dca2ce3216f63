"""Why the books refuse a member of a group."""

from trustcell.dsp.rules.correlation import CommandKey
from trustcell.duis import RequestId
from trustcell.vocab import Clause, Refused

_REQUEST_IDS = Clause("DUIS RequestID", "SEC Appendix AD: a request ID is used once")
_UNIQUE_COUNTERS = Clause("GBCS anti-replay", "GBCS: a counter protects one message of an originator to a target")
_SCHEDULES = Clause("DUIS DSPScheduleID", "DUIS 5.1: a schedule belongs to the user that made it")


def request_id_used(request_id: RequestId) -> Refused:
    """The ID stands elsewhere: it was used, by this request or another one."""
    message, remedy = f"{request_id} was used already", "use a counter that was never used for this device"
    return Refused([_REQUEST_IDS.breach("request_id_used", "Header.RequestID", message, remedy)])


def counter_used(key: CommandKey) -> Refused:
    """Another command has this originator, target and counter."""
    message = f"counter {key.counter} of {key.originator} for {key.device} was used already"
    return Refused([_UNIQUE_COUNTERS.breach("counter_used", "OriginatorCounter", message, "use a higher counter")])


def schedule_used(number: int) -> Refused:
    """The number names a schedule of another user."""
    message = f"schedule {number} belongs to another user"
    return Refused([_SCHEDULES.breach("schedule_number_used", "DSPScheduleID", message, "use another number")])
