"""Questions over every home of a database: see ``dsp.ports.Views``. A page is a transaction of its own."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from trustcell.adapters.dsp_store import rows
from trustcell.adapters.dsp_store.counters import OWN_COUNTER, reserved_for
from trustcell.adapters.dsp_store.gathering import chosen
from trustcell.adapters.dsp_store.session import Row
from trustcell.adapters.store.failures import translated
from trustcell.adapters.store.values import from_json, when
from trustcell.dsp.ports import Tally
from trustcell.dsp.rules.correlation import CommandKey
from trustcell.dsp.rules.counters import Numbers
from trustcell.dsp.rules.facts import (
    DeviceRecord,
    DeviceStatus,
    InventoryQuery,
    KnownRequest,
    Occupant,
    Registration,
    Schedule,
)
from trustcell.dsp.rules.partition import partition
from trustcell.dsp.rules.plan import WorkItem
from trustcell.dsp.rules.work import Command, CounterEvent, Delivery, StatusEvent, TrailEntry
from trustcell.duis import RequestId
from trustcell.vocab import CellId, DeviceType, Eui64, KeyUsage, RemotePartyRole, WireError

_PAGE = 1000
_OPERATOR_CELL = rows.cell_number(CellId(RemotePartyRole.NETWORK_OPERATOR, KeyUsage.DIGITAL_SIGNATURE))
_NUMBER_OF_ID = "SELECT number FROM request WHERE target = ? AND originator = ? AND counter = ?"
_NUMBER_OF_KEY = "SELECT number FROM command WHERE originator = ? AND counter = ? AND device = ?"
_KNOWN = f"SELECT {rows.KNOWN_COLUMNS} FROM request t{rows.KNOWN_JOIN}"
_COMMANDS = f"SELECT {rows.COMMAND_COLUMNS} FROM command t WHERE t.request = ? ORDER BY t.number"
_DELIVERIES = (
    f"SELECT {rows.DELIVERY_COLUMNS} FROM delivery t{rows.DELIVERY_JOIN} WHERE t.request = ? ORDER BY t.number"
)


# Most numbers are told by the rows that used them; a table of their own would cost every command a page.
_EVENTS = "SELECT at, number, counter, who, reason FROM counter_event WHERE device = ?"
_RESERVATIONS = (
    "SELECT reserved_at, number, reserved, reserved_by, service_variant, reserved_for FROM request "
    "WHERE target = ? AND reserved IS NOT NULL"
)
_OWN = (
    "SELECT c.at, c.number, c.counter, c.originator FROM request r JOIN command c ON c.request = r.number "
    "WHERE r.target = ? AND c.device = r.target AND c.originator = r.originator"
)
_OWN_FLOOR = "SELECT l.own_floor FROM lease l JOIN part_home p ON p.home = l.home WHERE p.part = ?"


class SqlViews:
    """See ``dsp.ports.Views``."""

    def __init__(
        self, engine: sa.Engine, name: str, homes: Sequence[str], turn: AbstractContextManager[object] | None
    ) -> None:
        """Use an engine; ``turn`` is shared where the connection is."""
        self._engine, self._name, self._homes = engine, name, homes
        self._turn: AbstractContextManager[object] = turn or nullcontext()

    def tally(self) -> Tally:
        """See the port."""
        types = self._all("SELECT device_type, coalesce(status, ''), count(*) FROM device GROUP BY 1, 2", ())
        held = self._all("SELECT entity, count(*) FROM slot WHERE cell = ? GROUP BY entity", (_OPERATOR_CELL,))
        states = self._all("SELECT state, count(*) FROM request GROUP BY state", ())
        items = self._all("SELECT code, count(*) FROM work_item GROUP BY code", ())
        return Tally(
            {(DeviceType(kind), status): count for kind, status, count in types},
            {Eui64(entity): count for entity, count in held},
            dict(states),
            dict(items),
        )

    def holders(self, key_id: bytes, limit: int) -> Sequence[Eui64]:
        """See the port."""
        text = "SELECT DISTINCT device FROM slot WHERE key_id = ? ORDER BY device LIMIT ?"
        return [Eui64(device) for (device,) in self._all(text, (key_id, limit))]

    def device(self, eui: Eui64) -> DeviceRecord | None:
        """See the port."""
        found = self.devices(InventoryQuery(device=eui), None, 1)
        return found[0] if found else None

    def devices(self, query: InventoryQuery | None, after: Eui64 | None, limit: int) -> Sequence[DeviceRecord]:
        """See the port."""
        conditions: list[tuple[str, tuple[Any, ...]]] = [("1 = 1", ())] if query is None else chosen(query)
        found: dict[bytes, Row] = {}
        for text, values in conditions:
            beyond, more = (text, values) if after is None else (f"{text} AND t.eui > ?", (*values, bytes(after)))
            query_ = f"SELECT {rows.DEVICE_COLUMNS} FROM device t WHERE {beyond} ORDER BY t.eui LIMIT ?"
            found.update((bytes(row[0]), row) for row in self._all(query_, (*more, limit)))
        return [rows.as_device(found[eui]) for eui in sorted(found)[:limit]]

    def members(self, hub: Eui64, limit: int) -> Sequence[DeviceRecord]:
        """See the port."""
        text = f"SELECT {rows.DEVICE_COLUMNS} FROM device t WHERE t.hub = ? OR t.eui = ? ORDER BY t.eui LIMIT ?"
        return [rows.as_device(row) for row in self._all(text, (bytes(hub), bytes(hub), limit))]

    def slots(self, device: Eui64) -> Sequence[tuple[CellId, Occupant, datetime, str]]:
        """See the port."""
        text = "SELECT cell, entity, key_id, at, told_by FROM slot_event WHERE device = ? ORDER BY number"
        return [
            (rows.cell_of(cell), Occupant(Eui64(entity), key_id), when(at), told_by)
            for cell, entity, key_id, at, told_by in self._all(text, (bytes(device),))
        ]

    def status_history(self, device: Eui64) -> Sequence[StatusEvent]:
        """See the port."""
        text = "SELECT at, event, status_before, status_after FROM status_event WHERE device = ? ORDER BY number"
        return [
            StatusEvent(when(at), device, event, before and DeviceStatus(before), after and DeviceStatus(after))
            for at, event, before, after in self._all(text, (bytes(device),))
        ]

    def counter_ledger(self, device: Eui64) -> Sequence[CounterEvent]:
        """See the port."""
        eui = (bytes(device),)
        found = [(at, number, rows.wide(counter), *told) for at, number, counter, *told in self._all(_EVENTS, eui)]
        for at, number, counter, originator, variant, reason in self._all(_RESERVATIONS, eui):
            found.append((at, number, counter, reserved_for(originator, variant), reason))
        for at, number, counter, originator in self._all(_OWN, eui):
            found.append((at, number, rows.wide(counter), str(Eui64(originator)), OWN_COUNTER))
        return [CounterEvent(when(at), device, *told) for at, _number, *told in sorted(found)]

    def highest(self, device: Eui64) -> tuple[int, str, datetime] | None:
        """See the port."""
        text = "SELECT highest_counter, learned_from, learned_at FROM gpf_network_operator_floor WHERE device = ?"
        found = self._all(text, (bytes(device),))
        return (found[0][0], found[0][1], when(found[0][2])) if found else None

    def numbers(self, device: Eui64) -> Numbers:
        """See the port."""
        eui = (bytes(device),)
        own = self._all("SELECT originator, last_own FROM originator_counter WHERE device = ?", eui)
        spent = self._all("SELECT first, last FROM spent_counter WHERE device = ? ORDER BY first", eui)
        floor = self._all(_OWN_FLOOR, (partition(device),))
        return Numbers({Eui64(who): last for who, last in own}, floor[0][0] if floor else 0, tuple(spent))

    def request(self, request_id: RequestId) -> KnownRequest | None:
        """See the port."""
        number = self._number(_NUMBER_OF_ID, rows.id_key(request_id))
        return None if number is None else rows.as_known(self._all(f"{_KNOWN} WHERE t.number = ?", (number,))[0])

    def requests(
        self,
        *,
        user: Eui64 | None,
        device: Eui64 | None,
        after: RequestId | None,
        limit: int,
        newest_first: bool = False,
    ) -> Sequence[KnownRequest]:
        """See the port."""
        behind, order = ("<", "DESC") if newest_first else (">", "ASC")
        wanted: list[tuple[str, Any]] = []
        if user is not None:
            wanted.append(("t.originator = ?", bytes(user)))
        if device is not None:
            wanted.append(("t.target = ?", bytes(device)))
        if after is not None:
            number = self._number(_NUMBER_OF_ID, rows.id_key(after))
            if number is None:
                return []
            wanted.append((f"t.number {behind} ?", number))
        where = f" WHERE {' AND '.join(text for text, _ in wanted)}" if wanted else ""
        values = [value for _, value in wanted]
        found = self._all(f"{_KNOWN}{where} ORDER BY t.number {order} LIMIT ?", (*values, limit))
        return [rows.as_known(row) for row in found]

    def trail(self, subject: str) -> Sequence[tuple[int, datetime, TrailEntry]]:
        """See the port; home by home, where a subject is known in several."""
        text = "SELECT home, seq, octets FROM trail WHERE"
        found = self._all(f"{text} subject = ?", (rows.plain(subject),))
        number = self._number_of(subject)
        if number is not None:
            found += self._all(f"{text} request = ?", (number,))
        return [(seq, *_entry(octets)) for _home, seq, octets in sorted(found)]

    def commands_of(self, request_id: RequestId) -> Sequence[Command]:
        """See the port."""
        number = self._number(_NUMBER_OF_ID, rows.id_key(request_id))
        return [] if number is None else [rows.as_command(row) for row in self._all(_COMMANDS, (number,))]

    def messages_of(self, key: CommandKey) -> Sequence[tuple[datetime, bytes, str]]:
        """See the port."""
        number = self._number(_NUMBER_OF_KEY, rows.command_key(key))
        text = "SELECT at, octets, verdict FROM inbound WHERE command = ? ORDER BY number"
        found = [] if number is None else self._all(text, (number,))
        return [(when(at), octets, verdict) for at, octets, verdict in found]

    def deliveries_of(self, request_id: RequestId) -> Sequence[Delivery]:
        """See the port."""
        number = self._number(_NUMBER_OF_ID, rows.id_key(request_id))
        return [] if number is None else [rows.as_delivery(row) for row in self._all(_DELIVERIES, (number,))]

    def registrations(self, mpxn: str) -> Sequence[Registration]:
        """See the port."""
        text = "SELECT mpxn, begins, supplier, network_operator FROM registration WHERE mpxn = ? ORDER BY begins DESC"
        return [rows.as_registration(row) for row in self._all(text, (rows.plain(mpxn),))]

    def schedules(self, user: Eui64) -> Sequence[Schedule]:
        """See the port."""
        found = self._all("SELECT * FROM schedule WHERE user_id = ? ORDER BY number", (bytes(user),))
        return [rows.as_schedule(row) for row in found]

    def work_items(
        self, *, party: Eui64 | None = None, device: Eui64 | None = None, limit: int | None = None
    ) -> Sequence[WorkItem]:
        """See the port."""
        asked = [(name, bytes(value)) for name, value in (("party", party), ("device", device)) if value is not None]
        where = " AND ".join(["1 = 1", *(f"{name} = ?" for name, _ in asked)])
        text = f"SELECT party, device, code, text FROM work_item WHERE {where} ORDER BY device, code, text"
        most = () if limit is None else (limit,)
        found = self._all(text + (" LIMIT ?" if most else ""), (*(value for _, value in asked), *most))
        return [WorkItem(Eui64(by) if by is not None else None, Eui64(of), code, said) for by, of, code, said in found]

    def chain(self) -> Iterator[tuple[str, int, bytes, bytes]]:
        """See the port; a page at a time, so what is written meanwhile may come as well."""
        text = "SELECT seq, octets, hash FROM trail WHERE home = ? AND seq > ? ORDER BY seq LIMIT ?"
        for ordinal, home in enumerate(self._homes):
            last = 0
            while True:
                found = self._all(text, (ordinal, last, _PAGE))
                for seq, octets, digest in found:
                    yield home, seq, octets, digest
                    last = seq
                if len(found) < _PAGE:
                    break

    def _number_of(self, subject: str) -> int | None:
        try:
            request_id = RequestId.parse(subject)
        except WireError:
            return None
        return self._number(_NUMBER_OF_ID, rows.id_key(request_id))

    def _number(self, text: str, values: Sequence[Any]) -> int | None:
        found = self._all(text, [bytes(value) for value in values])
        return found[0][0] if found else None

    def _all(self, text: str, values: Sequence[Any]) -> list[Row]:
        with self._turn, translated(self._name), self._engine.connect() as connection:
            reading = connection.execution_options(reading=True)
            marked = text.replace("?", "%s") if connection.dialect.name == "postgresql" else text
            return [tuple(row) for row in reading.exec_driver_sql(marked, tuple(values))]


def _entry(octets: bytes) -> tuple[datetime, TrailEntry]:
    raw = from_json(octets.decode())
    return datetime.fromisoformat(raw["at"]), TrailEntry(raw["kind"], raw["subject"], raw["facts"], raw["reference"])
