"""Rows of the ledger's SQLite file, read and written inside the transaction of the caller."""

from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from trustcell.adapters.ledger_refusals import request_id_used
from trustcell.adapters.sqlite_schema import COMMAND, COUNTER_EVENT, DEVICE_COUNTER, DEVICE_MESSAGE, REQUEST, SLOT
from trustcell.dsp import Command, CommandKey, Offered, SlotChange, State, newer
from trustcell.duis import RequestId
from trustcell.vocab import CellId, Eui64

# Statements are built once: building one costs more than running it.
_IS_REQUEST = tuple(REQUEST.c[name] == sa.bindparam(f"is_{name}") for name in ("originator", "target", "counter"))
_IS_COMMAND = tuple(COMMAND.c[name] == sa.bindparam(f"is_{name}") for name in ("originator", "device", "counter"))
_IS_SLOT = (SLOT.c.device == sa.bindparam("is_device"), SLOT.c.cell == sa.bindparam("is_cell"))
_IS_DEVICE = DEVICE_COUNTER.c.device == sa.bindparam("is_device")
_REQUEST = sa.select(REQUEST).where(*_IS_REQUEST)
_NEW_REQUEST = REQUEST.insert().values(
    {column.name: sa.bindparam(column.name, None, column.type) for column in REQUEST.columns}
)
_REQUEST_STATE = REQUEST.update().where(*_IS_REQUEST).values(state=sa.bindparam("state"))
_SPENT = sa.select(REQUEST.c.state).where(
    REQUEST.c.target == sa.bindparam("target"), REQUEST.c.reserved_counter == sa.bindparam("number")
)
_COMMAND = sa.select(COMMAND).where(*_IS_COMMAND)
_NEW_COMMAND = COMMAND.insert()
_COMMAND_IS_SILENT = COMMAND.update().where(*_IS_COMMAND, COMMAND.c.state == State.COMMANDED).values(state=State.SILENT)
_COMMAND_RESPONDED = COMMAND.update().where(*_IS_COMMAND).values(state=State.RESPONDED)
_COMMAND_ALERTED = COMMAND.update().where(*_IS_COMMAND).values(alerted=True)
_COUNTERS = sa.select(DEVICE_COUNTER).where(_IS_DEVICE)
_NEW_COUNTERS = DEVICE_COUNTER.insert()
_SET_COUNTERS = (
    DEVICE_COUNTER.update()
    .where(_IS_DEVICE)
    .values(last_own=sa.bindparam("last_own"), network_operator_highest=sa.bindparam("network_operator_highest"))
)
_SLOT = sa.select(SLOT).where(*_IS_SLOT)
_NEW_SLOT = SLOT.insert()
_SET_SLOT = (
    SLOT.update()
    .where(*_IS_SLOT)
    .values({name: sa.bindparam(name) for name in ("entity", "key_id", "taught_by", "at")})
)
_NEW_EVENT = COUNTER_EVENT.insert()
_NEW_MESSAGE = DEVICE_MESSAGE.insert()
_VERDICT = (
    DEVICE_MESSAGE.update()
    .where(DEVICE_MESSAGE.c.number == sa.bindparam("is_number"))
    .values(verdict=sa.bindparam("verdict"))
)


def partition(device: Eui64) -> int:
    """The first ten bits of SHA-256 of the EUI-64: 0 to 1,023, for ever the same (scale.md 3)."""
    return int.from_bytes(sha256(device).digest()[:2], "big") >> 6


def wide(counter: int) -> bytes:
    """A counter of up to 64 bits, as 8 octets."""
    return counter.to_bytes(8, "big")


def number(octets: bytes) -> int:
    """The counter in 8 octets."""
    return int.from_bytes(octets, "big")


def text(now: datetime) -> str:
    """A moment as text that sorts."""
    return now.isoformat()


def request(connection: sa.Connection, request_id: RequestId) -> sa.Row[Any] | None:
    """A request by its ID."""
    return connection.execute(_REQUEST, _request_key(request_id)).one_or_none()


def offered(connection: sa.Connection, request_id: RequestId) -> Offered | None:
    """The pre-command under an ID; ``Refused`` for a used one."""
    known = request(connection, request_id)
    if known is None:
        return None
    if known.state != State.TRANSFORMED:
        raise request_id_used(request_id)
    return Offered(known.variant, known.pre_command)


def set_state(connection: sa.Connection, request_id: RequestId, state: State) -> None:
    """Move a request on."""
    connection.execute(_REQUEST_STATE, {**_request_key(request_id), "state": state})


def is_spent(connection: sa.Connection, device: Eui64, number: int) -> bool:
    """Whether the broker gave this number out for the device before, recorded or not."""
    return connection.execute(_SPENT, {"target": bytes(device), "number": number}).first() is not None


def insert_request(connection: sa.Connection, request_id: RequestId, now: datetime, **values: object) -> None:
    """A new request."""
    row = {
        "originator": bytes(request_id.originator),
        "target": bytes(request_id.target),
        "counter": wide(request_id.counter),
        "part": partition(request_id.target),
        "at": text(now),
    }
    connection.execute(_NEW_REQUEST, {**row, **values})


def command(connection: sa.Connection, key: CommandKey) -> sa.Row[Any] | None:
    """A command by its key."""
    return connection.execute(_COMMAND, _command_key(key)).one_or_none()


def insert_command(connection: sa.Connection, command: Command, now: datetime) -> None:
    """A new command, waiting for its answer."""
    key, request_id = command.key, command.request_id
    row = {
        "originator": bytes(key.originator),
        "device": bytes(key.device),
        "counter": wide(key.counter),
        "part": partition(key.device),
        "message_code": command.message_code,
        "request_originator": bytes(request_id.originator),
        "request_counter": wide(request_id.counter),
        "variant": command.service_variant,
        "octets": command.octets,
        "state": State.COMMANDED,
        "alerted": False,
        "at": text(now),
    }
    connection.execute(_NEW_COMMAND, row)


def silence(connection: sa.Connection, key: CommandKey) -> bool:
    """A waiting command becomes silent; false when it was not waiting."""
    return connection.execute(_COMMAND_IS_SILENT, _command_key(key)).rowcount == 1


def answered(connection: sa.Connection, key: CommandKey, *, alert: bool) -> None:
    """A command has its response, or its alert."""
    connection.execute(_COMMAND_ALERTED if alert else _COMMAND_RESPONDED, _command_key(key))


def counters(connection: sa.Connection, device: Eui64) -> tuple[int, int | None]:
    """The broker's own last number for a device, and the stored Network Operator counter."""
    row = connection.execute(_COUNTERS, {"is_device": bytes(device)}).one_or_none()
    return (0, None) if row is None else (row.last_own, row.network_operator_highest)


def set_counters(connection: sa.Connection, device: Eui64, last_own: int, highest: int | None) -> None:
    """Write both counters of a device."""
    values = {"last_own": last_own, "network_operator_highest": highest}
    if connection.execute(_SET_COUNTERS, {"is_device": bytes(device), **values}).rowcount == 0:
        connection.execute(_NEW_COUNTERS, {"device": bytes(device), "part": partition(device), **values})


def slot(connection: sa.Connection, device: Eui64, cell: CellId) -> sa.Row[Any] | None:
    """What is known of a cell."""
    return connection.execute(_SLOT, {"is_device": bytes(device), "is_cell": str(cell)}).one_or_none()


def settle_slot(
    connection: sa.Connection, device: Eui64, change: SlotChange, command: int, now: datetime, *, alert: bool
) -> None:
    """Write what a cell holds, unless something newer is known of it."""
    known = slot(connection, device, change.cell)
    taught_by = None if known is None else int(known.taught_by)
    if not newer(command, taught_by, alert=alert):
        return
    eui, cell = bytes(device), str(change.cell)
    values = {
        "entity": bytes(change.entity),
        "key_id": change.key_id,
        "taught_by": max(command, taught_by or 0),
        "at": text(now),
    }
    if known is not None:
        connection.execute(_SET_SLOT, {"is_device": eui, "is_cell": cell, **values})
    else:
        connection.execute(_NEW_SLOT, {"device": eui, "cell": cell, "part": partition(device), **values})


def log(connection: sa.Connection, now: datetime, device: Eui64, counter: int, who: str, reason: str) -> None:
    """One more line in the counter ledger."""
    row = {"device": bytes(device), "part": partition(device), "counter": wide(counter)}
    connection.execute(_NEW_EVENT, {**row, "who": who, "reason": reason, "at": text(now)})


def insert_message(connection: sa.Connection, octets: bytes, now: datetime) -> int:
    """A device message nobody has judged; returns its number."""
    return int(connection.execute(_NEW_MESSAGE, {"octets": octets, "at": text(now)}).lastrowid)


def judge(connection: sa.Connection, message: int, verdict: str) -> None:
    """Write the verdict on a kept message; ``KeyError`` when there is none."""
    if connection.execute(_VERDICT, {"is_number": message, "verdict": verdict}).rowcount == 0:
        raise KeyError(f"no message {message}")


def _request_key(request_id: RequestId) -> dict[str, bytes]:
    return {
        "is_originator": bytes(request_id.originator),
        "is_target": bytes(request_id.target),
        "is_counter": wide(request_id.counter),
    }


def _command_key(key: CommandKey) -> dict[str, bytes]:
    return {
        "is_originator": bytes(key.originator),
        "is_device": bytes(key.device),
        "is_counter": wide(key.counter),
    }


def request_id(row: sa.Row[Any]) -> RequestId:
    """The ID of a request row."""
    return RequestId(Eui64(row.originator), Eui64(row.target), number(row.counter))


def as_command(row: sa.Row[Any]) -> Command:
    """A command row as a value."""
    key = CommandKey(Eui64(row.originator), Eui64(row.device), number(row.counter))
    request_id = RequestId(Eui64(row.request_originator), key.device, number(row.request_counter))
    return Command(key, row.message_code, request_id, row.variant, row.octets, State(row.state))
