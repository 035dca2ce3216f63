"""Future-dated requests: who holds them, when they act, and how one is cancelled (duis-dsp.md 1.6, items 4 to 7)."""

from datetime import UTC, datetime

from trustcell import duis, gbcs
from trustcell.dsp.rules.clauses import PROCESSING
from trustcell.dsp.rules.plan import Answer, Ask, Effects
from trustcell.vocab import Refused


def asked_for(body: duis.Body) -> datetime | None:
    """The execution time of a body, if it has one."""
    return getattr(body, "execution_date_time", None)


def acts_at(request: duis.Request, now: datetime) -> datetime:
    """When a request takes effect: at its date, or at once when it has none, a past one, or cancels another."""
    return later(asked_for(request.body), now) or now


def later(asked: datetime | None, now: datetime) -> datetime | None:
    """The date of something that happens later; ``None`` for what happens at once or never."""
    return asked if asked is not None and asked != duis.CANCEL and asked > now else None


def gbcs_time(asked: datetime | None) -> datetime | None:
    """DUIS time to GBCS time: the cancel marker becomes "never", fractions of a second are cut (duis-dsp.md 1.6)."""
    if asked is None:
        return None
    if asked == duis.CANCEL:
        return gbcs.NEVER
    return asked.astimezone(UTC).replace(microsecond=0)


def cancellation(ask: Ask) -> Answer | None:
    """What the DSP answers to the cancellation of requests that it holds; ``None`` when the request is none.

    Raises ``Refused`` when there is nothing to cancel: sending nothing must not look like success.
    """
    if asked_for(ask.request.body) != duis.CANCEL:
        return None
    held = held_alike(ask)
    if not held:
        finding = PROCESSING.breach(
            "nothing_to_cancel",
            "ExecutionDateTime",
            f"no {ask.request.service_reference_variant} of this user to this device is held",
            "cancel before the execution time, as the user who asked",
        )
        raise Refused([finding])
    return Answer("I99", effects=Effects(cancels=held))


def held_alike(ask: Ask) -> tuple[duis.RequestId, ...]:
    """What the DSP holds of this user for this device and service."""
    return tuple(
        known.request_id
        for known in ask.facts.held
        if known.service_variant == ask.request.service_reference_variant
        and known.request_id.originator == ask.request.request_id.originator
    )
