"""DSP schedules: when one is due, and the request it stands for (duis-dsp.md 1.6, item 6)."""

import calendar
import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType

from trustcell import duis
from trustcell.dsp.rules.facts import Schedule
from trustcell.duis.names import SR

_DAYS: Mapping[str, int] = MappingProxyType({"Daily": 1, "Weekly": 7})
_MONTHS: Mapping[str, int] = MappingProxyType({"Monthly": 1, "Quarterly": 3, "Half-Yearly": 6, "Yearly": 12})
_NUMBERS = 10**12


def details_of(schedule: Schedule) -> duis.CreateSchedule:
    """The schedule as its user made it."""
    body = duis.parse_request(schedule.body).request.body
    assert isinstance(body, duis.CreateSchedule)
    return body


def begins(details: duis.CreateSchedule) -> datetime:
    """The first due time: the start date at the time given, else at midnight UTC."""
    return _at(details.start_date, details.execution_start_time)


def ends(details: duis.CreateSchedule) -> datetime | None:
    """The last instant at which it may be due: the end of the end date."""
    if details.end_date is None:
        return None
    return _at(details.end_date, None) + timedelta(days=1) - timedelta(microseconds=1)


def _at(day: date, at: time | None) -> datetime:
    return datetime.combine(day, at.replace(tzinfo=UTC) if at is not None else time(tzinfo=UTC))


def due_times(frequency: str, starts: datetime, after: datetime, until: datetime | None) -> Iterator[datetime]:
    """Due times after an instant. Months keep the day of the start, as far as they have it."""
    step = _first_step(frequency, starts, after)
    while True:
        at = _step(frequency, starts, step)
        step += 1
        if at is None or (until is not None and at > until):
            return
        if at > after:
            yield at


def _first_step(frequency: str, starts: datetime, after: datetime) -> int:
    """A step that is not after the instant, so that nobody counts through years."""
    if after <= starts:
        return 0
    days = (after - starts).days
    per_step = _DAYS.get(frequency) or 31 * _MONTHS[frequency]
    return max(days // per_step - 1, 0)


def _step(frequency: str, starts: datetime, step: int) -> datetime | None:
    try:
        if frequency in _DAYS:
            return starts + timedelta(days=_DAYS[frequency] * step)
        month = starts.month - 1 + _MONTHS[frequency] * step
        year, month = starts.year + month // 12, month % 12 + 1
        return starts.replace(year=year, month=month, day=min(starts.day, calendar.monthrange(year, month)[1]))
    except (OverflowError, ValueError):
        return None  # the calendar ends with the year 9999


def following(schedule: Schedule) -> datetime | None:
    """When it is due after the time it is due now; ``None`` when it has ended."""
    if schedule.next_at is None:
        return None
    return next(due_times(schedule.frequency, schedule.starts, schedule.next_at, schedule.ends), None)


def request_of(schedule: Schedule, counter: int) -> duis.Request:
    """The request that a due schedule stands for, in its user's name."""
    service = duis.services()[schedule.service_variant]
    element = service.body_element
    octets = f'<sr:{element} xmlns:sr="{SR}"></sr:{element}>'.encode()
    return duis.Request(
        duis.RequestId(schedule.user, schedule.device, counter),
        min(service.command_variants),
        service.reference,
        service.variant,
        duis.OpaqueBody(element, octets),
    )


def number_for(request_id: duis.RequestId, taken: set[int]) -> int:
    """The number of a new schedule, from its request ID; never one of the user's others."""
    attempt = 0
    while True:
        digest = hashlib.sha256(f"{request_id}/{attempt}".encode()).digest()
        number = int.from_bytes(digest[:8], "big") % _NUMBERS
        if number not in taken:
            return number
        attempt += 1
