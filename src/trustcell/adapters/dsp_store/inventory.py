"""Changes to the inventory, registration data and schedules: rare, and in an order that lets no workers deadlock."""

from collections.abc import Sequence

import sqlalchemy as sa

from trustcell.adapters.dsp_store.group import Group
from trustcell.adapters.dsp_store.refusals import schedule_used
from trustcell.adapters.dsp_store.rows import device_row, plain, schedule_row
from trustcell.adapters.dsp_store.schema import DEVICE, DISTRIBUTION, REGISTRATION, SCHEDULE, STATUS_EVENT, WORK_ITEM
from trustcell.adapters.dsp_store.session import Row
from trustcell.adapters.dsp_store.statements import Write, delete, insert, lookup
from trustcell.adapters.store.values import micros
from trustcell.dsp.rules.plan import DeviceChange, Distribution
from trustcell.dsp.rules.work import Work
from trustcell.vocab import Eui64, Refused

_BEFORE = lookup("t.eui, t.status", (DEVICE.c.eui,))
_LOCK = "SELECT eui FROM device WHERE eui = ANY(?) ORDER BY eui FOR UPDATE"
_OWNERS = lookup("t.number, t.user_id", (SCHEDULE.c.number,))


def _replacing(table: sa.Table, *keys: str) -> Write:
    rest = ", ".join(f"{column.name} = excluded.{column.name}" for column in table.columns if column.name not in keys)
    return insert(table, f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {rest}")


_SET_DEVICE = _replacing(DEVICE, "eui")
_DELETE_DEVICE = delete(DEVICE, ("eui",))
_ADD_EVENT = insert(STATUS_EVENT)
_SET_REGISTRATION = _replacing(REGISTRATION, "mpxn", "begins")
_ADD_DISTRIBUTION = insert(DISTRIBUTION)
_FORGET_WORK = delete(WORK_ITEM, ("device",))
_ADD_WORK = insert(WORK_ITEM, "ON CONFLICT DO NOTHING")
_SET_SCHEDULE = _replacing(SCHEDULE, "number")


class Inventory:
    """Entries that a group's works change."""

    def __init__(self, group: Group, works: Sequence[Work]) -> None:
        """Read how they stand."""
        self._group = group
        euis = sorted({(change.eui,) for work in works for change in work.effects.devices})
        if euis and group.session.postgresql:
            group.session.all(_LOCK, ([eui for (eui,) in euis],))
        self._status: dict[bytes, str | None] = dict(group.session.find(_BEFORE, euis))
        numbers = sorted({(each.number,) for work in works for each in work.effects.schedules})
        self._owners: dict[int, bytes] = dict(group.session.find(_OWNERS, numbers))
        self._devices: dict[bytes, Row | None] = {}
        self._events: list[Row] = []
        self._registrations: dict[tuple[str, int], Row] = {}
        self._schedules: dict[int, Row] = {}
        self._distributions: list[Row] = []
        self._work_items: dict[tuple[Eui64, str, str], Row] = {}
        self._looked_at: set[Eui64] = set()

    def refusal(self, work: Work) -> Refused | None:
        """``schedule_number_used`` when a schedule would take another user's number."""
        for each in work.effects.schedules:
            if self._owners.get(each.number, each.user) != each.user:
                return schedule_used(each.number)
        return None

    def change(self, work: Work) -> None:
        """Take the changes of one work."""
        group, effects = self._group, work.effects
        for change in effects.devices:
            self._device(change)
        for registration in effects.registrations:
            begins, point = micros(registration.begins), plain(registration.mpxn)
            row = (point, begins, registration.supplier, registration.network_operator)
            self._registrations[point, begins] = row
        if effects.work_items is not None:
            self.classified(work)
        for schedule in effects.schedules:
            self._owners[schedule.number] = schedule.user
            self._schedules[schedule.number] = schedule_row(schedule, group.home.part(schedule.device))

    def classified(self, work: Work) -> None:
        """What has to be done about a device, in place of what was found before: its cells were read again."""
        group = self._group
        self._looked_at.add(work.device)
        for each in work.effects.work_items or ():
            row = (each.device, each.code, plain(each.text), group.home.part(each.device), each.party, group.at)
            self._work_items[each.device, each.code, each.text] = row

    def _device(self, change: DeviceChange) -> None:
        group, eui, after = self._group, change.eui, change.after
        part = group.home.part(eui)
        status = None if after is None or after.status is None else after.status.value
        event = (part, plain(change.event), self._status.get(eui), status, group.at)
        self._events.append((eui, group.number(), *event))
        self._status[eui] = status
        self._devices[eui] = None if after is None else device_row(after, part)

    def distribute(self, distribution: Distribution, part: int) -> int:
        """Keep a distribution under the next number."""
        number, devices = self._group.number(), b"".join(distribution.devices)
        request = "" if distribution.request_id is None else str(distribution.request_id)
        self._distributions.append(
            (number, part, distribution.user, distribution.image, plain(distribution.version), devices, request)
        )
        return number

    def write(self) -> None:
        """In the order of devices, as entries of one HAN may belong to several homes."""
        session = self._group.session
        if self._devices:
            changed = sorted(self._devices.items())
            session.write(_DELETE_DEVICE, [(eui,) for eui, row in changed if row is None])
            session.write(_SET_DEVICE, [row for _eui, row in changed if row is not None])
            session.write(_ADD_EVENT, self._events)
        session.write(_SET_REGISTRATION, [self._registrations[key] for key in sorted(self._registrations)])
        session.write(_ADD_DISTRIBUTION, self._distributions)
        if self._looked_at:
            session.write(_FORGET_WORK, [(eui,) for eui in sorted(self._looked_at)])
            session.write(_ADD_WORK, list(self._work_items.values()))
        session.write(_SET_SCHEDULE, [self._schedules[key] for key in sorted(self._schedules)])
