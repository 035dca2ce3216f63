"""What cells are known to hold: the newest command that told of a cell decides, and every change is kept."""

from collections.abc import Sequence

from trustcell.adapters.dsp_store.group import Group
from trustcell.adapters.dsp_store.rows import cell_number
from trustcell.adapters.dsp_store.schema import SLOT, SLOT_EVENT
from trustcell.adapters.dsp_store.session import Row
from trustcell.adapters.dsp_store.statements import insert, lookup
from trustcell.dsp.rules.effects import newer
from trustcell.dsp.rules.plan import SlotChange
from trustcell.dsp.rules.work import Work

_FIND = lookup("t.device, t.cell, t.entity, t.key_id, t.taught_by, t.at", (SLOT.c.device,))
_SET = insert(
    SLOT,
    "ON CONFLICT (device, cell) DO UPDATE SET entity = excluded.entity, key_id = excluded.key_id, "
    "taught_by = excluded.taught_by, at = excluded.at",
)
_ADD_EVENT = insert(SLOT_EVENT)


class Slots:
    """Cells of the devices of a group."""

    def __init__(self, group: Group, works: Sequence[Work]) -> None:
        """Read what is known of them."""
        devices = sorted({(work.device,) for work in works if work.effects.slots})
        self._group = group
        self._known: dict[tuple[bytes, int], tuple[bytes, bytes, int | None, int]] = {}
        for device, cell, entity, key_id, taught_by, at in group.session.find(_FIND, devices):
            self._known[device, cell] = (entity, key_id, taught_by, at)
        self._set: dict[tuple[bytes, int], Row] = {}
        self._events: list[Row] = []

    def learn(self, work: Work, part: int) -> None:
        """Cells follow what is newer than what taught them; an alert, or nothing of ours, always is."""
        if work.effects.slots:
            told_by = _told_by(work)
            for change in work.effects.slots:
                self._learn(work, change, part, told_by)

    def _learn(self, work: Work, change: SlotChange, part: int, told_by: str) -> None:
        cell, occupant, at = cell_number(change.cell), change.occupant, self._group.at
        known = self._known.get((work.device, cell))
        taught_by = None if known is None else known[2]
        if work.taught_by is not None and not newer(work.taught_by, taught_by, alert=False):
            return
        last = max((each for each in (work.taught_by, taught_by) if each is not None), default=None)
        if known is not None and known[:2] == (occupant.entity, occupant.key_id):
            if last == taught_by:
                return
            at = known[3]  # it is there since then
        else:
            event = (part, cell, occupant.entity, occupant.key_id, told_by, self._group.at)
            self._events.append((work.device, self._group.number(), *event))
        self._known[work.device, cell] = (occupant.entity, occupant.key_id, last, at)
        self._set[work.device, cell] = (work.device, cell, part, occupant.entity, occupant.key_id, last, at)

    def write(self) -> None:
        """In the order of devices and cells."""
        session = self._group.session
        session.write(_SET, [self._set[key] for key in sorted(self._set)])
        session.write(_ADD_EVENT, self._events)


def _by_alert(work: Work) -> bool:
    return work.settle is not None and work.settle.alert_pending is False


def _told_by(work: Work) -> str:
    key = work.settle.key if work.settle is not None else work.inbound.key if work.inbound is not None else None
    if key is None:
        return "no command"
    what = "alert" if _by_alert(work) else "response"
    return f"{what} to {key.originator}:{key.device}:{key.counter}"
