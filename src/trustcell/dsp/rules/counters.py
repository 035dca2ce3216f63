"""SECMP0128A: which counter a broker command gets, and what a device's answer teaches (duis-dsp.md 7)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from trustcell.vocab import MAX_SEQ_NUMBER, Clause, Eui64, Finding, Refused

SECMP0128A_4_1 = Clause("SECMP0128A 4.1.1", "SECMP0128A Full Impact Assessment, section 4.1.1", date(2023, 6, 29))

OWN_SEQUENCE = "the broker's own sequence"
"""How the reason begins of a number from an originator's own sequence, not from above the stored counter."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class CounterChoice:
    """The counter a broker command gets, and the sentence that says why (ledger view, feature N9).

    ``last_own`` is the broker's own sequence for the device afterwards; ``highest`` the stored Network Operator
    counter afterwards, ``None`` when nothing is stored.
    """

    counter: int
    last_own: int
    highest: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """Where the numbers for a device stand: each originator's own last one, what all of them lie above, what is spent.

    ``floor`` is not 0 since a backup was restored; ``spent`` are ranges outside the own sequences.
    """

    last_own: Mapping[Eui64, int]
    floor: int = 0
    spent: tuple[tuple[int, int], ...] = ()

    def is_spent(self, number: int) -> bool:
        """Whether a number may not be used again although it lies outside the own sequences."""
        return any(first <= number <= last for first, last in self.spent)


def milliseconds(now: datetime) -> int:
    """Milliseconds since 1970, the series the broker's own numbers come from (gbcs.md 7)."""
    return (now - _EPOCH) // _MILLISECOND


def next_own(last_own: int, now_ms: int, is_spent: Callable[[int], bool]) -> int:
    """The broker's own next number for a device: its clock in milliseconds, always above its own last number.

    Numbers that a raised 6.21 already used are skipped: two messages under one number share a key and an IV
    (gbcs.md 2.2). The clock alone never decides, so a clock that goes back changes nothing (gbcs.md 7).
    """
    number = max(last_own + 1, now_ms)
    while is_spent(number):
        number += 1
    return number


def choose_counter(
    last_own: int,
    highest: int | None,
    now_ms: int,
    is_spent: Callable[[int], bool],
    *,
    raise_above_highest: bool,
) -> CounterChoice:
    """Southbound rule (duis-dsp.md 7.3).

    ``raise_above_highest`` is true for a 6.21 on the Network Operator slot of a SMETS2 GPF. Raises ``Refused`` when
    the stored counter is the last one there is; nothing wraps.
    """
    own = next_own(last_own, now_ms, is_spent)
    if own > MAX_SEQ_NUMBER:
        raise Refused([_exhausted("the broker's own sequence has ended", own)])
    if not raise_above_highest or highest is None or highest < own:
        reason = OWN_SEQUENCE
        if raise_above_highest:
            stored = "no counter is stored" if highest is None else f"the stored counter {highest} is lower"
            reason = f"{reason}; {stored} for the Network Operator slot"
        return CounterChoice(own, own, highest, reason)
    counter = highest + 1
    while counter <= MAX_SEQ_NUMBER and is_spent(counter):
        counter += 1
    if counter > MAX_SEQ_NUMBER:
        raise Refused([_exhausted("the stored counter is the highest there is", highest)])
    relation = "equals" if highest == own else "is above"
    reason = f"the stored counter {highest} {relation} the broker's {own}: one above the stored one is used"
    return CounterChoice(counter, last_own, counter, reason)


def raised(highest: int | None, learned: int) -> int:
    """Northbound rule: the stored counter only ever grows."""
    if not 0 <= learned <= MAX_SEQ_NUMBER:
        raise ValueError(f"a sequence number lies between 0 and {MAX_SEQ_NUMBER}")
    return learned if highest is None else max(highest, learned)


def _exhausted(message: str, number: int) -> Finding:
    return SECMP0128A_4_1.breach(
        "counter_exhausted",
        "OriginatorCounter",
        message,
        "only recovery or contingency can open this slot again",
        number=number,
    )
