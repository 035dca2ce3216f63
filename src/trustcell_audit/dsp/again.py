"""I12: the same inputs, clock and seed give the same octets."""

from typing import Any

from trustcell_audit.dsp.history import History
from trustcell_audit.findings import Report


def check_again(history: History, report: Report) -> None:
    """Every run of the same things came to the same, and every repeat of a transform was answered with the same."""
    seen: dict[tuple[Any, ...], tuple[str, str]] = {}
    for event in history.of("run", "submit"):
        if event.raw["op"] == "run":
            key: tuple[Any, ...] = ("run", event.text("input"), event.text("clock"), event.text("seed"))
            came = event.text("outcome")
        elif event.text("content"):
            key, came = ("submit", event.text("input")), event.text("content")
        else:
            continue
        before, place = seen.setdefault(key, (came, event.place))
        report.need(before == came, "I12", event.place, f"the same as {place} came to other octets")
