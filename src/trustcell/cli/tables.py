"""Rows of plain values as a table for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from trustcell.cli.output import lines


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], nothing: str) -> None:
    """Some columns, each as wide as it needs, so that identifiers can be copied; ``nothing`` is the line for none."""
    if not rows:
        lines([nothing])
        return
    texts = [[told(row.get(column)) for column in columns] for row in rows]
    heads = [column.replace("_", " ") for column in columns]
    widths = [max(len(text) for text in column) for column in zip(heads, *texts, strict=True)]
    lines(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in [heads, *texts]
    )


def print_facts(facts: Mapping[str, Any]) -> None:
    """One thing, a line for each fact there is."""
    shown = {name.replace("_", " "): told(value) for name, value in facts.items()}
    width = max((len(name) for name in shown), default=0)
    lines([f"{name.ljust(width)}  {text}" for name, text in shown.items() if text])


def told(value: Any) -> str:
    """A value in a few characters."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(told(each) for each in value)
    return str(value)
