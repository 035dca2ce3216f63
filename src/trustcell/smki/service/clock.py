"""The clock of issuing: no decision before the last one, and no leap ahead that nobody confirmed (hostile T1, T2)."""

from datetime import datetime

from trustcell.governance.rules.canonical import moment, read_moment
from trustcell.smki.ports import Books
from trustcell.smki.rules.clauses import CLOCK
from trustcell.smki.rules.environment import Environment
from trustcell.vocab import Refused

_KIND, _NAME = "clock", "issuing"


def decision_moment(books: Books, environment: Environment, now: datetime, *, confirmed: bool = False) -> datetime:
    """The moment a decision counts as made: now in whole seconds, and never before the last decision (hostile V10).

    ``Refused``: ``clock_went_back`` further than the environment tolerates, ``clock_jumped`` unless confirmed.
    """
    now = now.replace(microsecond=0)
    found = books.documents.get(_KIND, _NAME)
    if found is None:
        return now
    last = read_moment(str(found[0]["at"]))
    times = f"it shows {moment(now)}, the last decision is of {moment(last)}"
    if last - now > environment.clock_tolerance:
        raise Refused([CLOCK.breach("clock_went_back", "now", times, "set the clock right")])
    if now - last > environment.clock_jump and not confirmed:
        raise Refused([CLOCK.breach("clock_jumped", "now", times, "confirm that the clock is right")])
    return max(now, last)


def note_decision(books: Books, at: datetime) -> None:
    """Remember the moment of a decision; it never goes back."""
    found = books.documents.get(_KIND, _NAME)
    if found is None or read_moment(str(found[0]["at"])) < at:
        books.documents.put(_KIND, _NAME, {"at": moment(at)})
