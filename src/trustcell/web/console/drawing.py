"""The Trust Anchor Cells of a device as a picture: who is in each until when, and how the DSP knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _ROW, _GAP = 760, 46, 8
_RIGHT = 330


@dataclass(frozen=True, slots=True)
class CellView:
    """One cell. ``known``: default of a pack, recorded by a command, or unknown to the repository (smki.md 4.3)."""

    name: str
    entity: str
    key_id: str
    since: str
    told_by: str
    known: str
    ends: str = ""
    expired: bool = False
    counter: str = ""
    certificate: str = ""
    holder: str = ""
    """The role that chooses the colour: of the cell, or the ACB's wherever that sits."""


def draw_cells(cells: Sequence[CellView]) -> str:
    """SVG without style and script; the table below it says the same and more."""
    height = len(cells) * (_ROW + _GAP) + _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="cells" role="img" viewBox="0 0 {_WIDTH} {height}" '
        'font-size="13" font-family="system-ui, sans-serif"><title>Trust Anchor Cells</title>'
        f"<desc>{len(cells)} cells and who is in each; the table says the same</desc>"
    ]
    for place, cell in enumerate(cells):
        top = _GAP + place * (_ROW + _GAP)
        until = f"until {cell.ends}{', expired' if cell.expired else ''}" if cell.ends else "end not known"
        counter = f", counter {cell.counter}" if cell.counter else ""
        parts.append(
            f'<g class="cell {escape(cell.holder, quote=True)}{" expired" if cell.expired else ""}">'
            f'<rect x="1" y="{top}" width="{_WIDTH - 2}" height="{_ROW}" rx="6" class="frame" fill="none" '
            f'stroke="currentColor"/><rect x="1" y="{top}" width="10" height="{_ROW}" rx="4" class="mark"/>'
            f'<text x="24" y="{top + 19}" fill="currentColor">{escape(cell.name)}</text>'
            f'<text x="24" y="{top + 37}" class="soft" fill="currentColor" font-size="11">{escape(cell.known)}</text>'
            f'<text x="{_RIGHT}" y="{top + 19}" fill="currentColor">{escape(cell.entity)}</text>'
            f'<text x="{_RIGHT}" y="{top + 37}" class="soft" fill="currentColor" font-size="11">'
            f"{escape(until)}{escape(counter)}</text></g>"
        )
    return "".join([*parts, "</svg>"])
