"""How values of the DSP stand in rows."""

from collections.abc import Sequence
from itertools import product, starmap
from types import MappingProxyType
from typing import Any

from trustcell.adapters.dsp_store.schema import COMMAND, DEVICE
from trustcell.adapters.dsp_store.session import Row
from trustcell.adapters.store.values import (
    from_json,
    micros,
    micros_or_none,
    to_json,
    when,
    when_or_none,
)
from trustcell.dsp.rules.correlation import CommandKey
from trustcell.dsp.rules.facts import DeviceRecord, DeviceStatus, KnownRequest, Registration, Schedule
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.work import Command, CommandState, Delivery, DeliveryState
from trustcell.duis import RequestId
from trustcell.vocab import CellId, CellUsage, DeviceType, Eui64, KeyUsage, RemotePartyRole

DEVICE_COLUMNS = ", ".join(f"t.{column.name}" for column in DEVICE.columns)
KNOWN_COLUMNS = (
    "t.originator, t.target, t.counter, t.service_variant, t.command_variant, t.state, o.received, o.offered, "
    "t.executes_at, t.accepted_at, t.code"
)
KNOWN_JOIN = " JOIN request_octets o ON o.number = t.number"
COMMAND_COLUMNS = ", ".join(f"t.{column.name}" for column in COMMAND.columns)
DELIVERY_COLUMNS = (
    "t.number, t.user_id, o.octets, t.request_originator, t.request_target, t.request_counter, t.final, t.attempts, "
    "t.next_at, t.state, t.last"
)
# By value: a look-up in a mapping costs a fifth of a call of the class.
REQUEST_STATES = MappingProxyType({state.value: state for state in RequestState})
COMMAND_STATES = MappingProxyType({state.value: state for state in CommandState})
DELIVERY_STATES = MappingProxyType({state.value: state for state in DeliveryState})
DELIVERY_JOIN = " JOIN delivery_octets o ON o.number = t.number"


def eight(number: int) -> bytes:
    """A counter to 2^64 - 1 as eight octets that sort as it does."""
    return number.to_bytes(8, "big")


def wide(octets: bytes) -> int:
    """The counter in eight octets."""
    return int.from_bytes(octets, "big")


def plain(text: str) -> str:
    """Text from outside; PostgreSQL keeps no NUL."""
    return text.replace("\x00", "\ufffd")


def id_key(request_id: RequestId) -> tuple[bytes, bytes, bytes]:
    """A request ID in the order of its unique index."""
    return request_id.target, request_id.originator, eight(request_id.counter)


def command_key(key: CommandKey) -> tuple[bytes, bytes, bytes]:
    """A command key in the order of its unique index."""
    return key.originator, eight(key.counter), key.device


def cell_number(cell: CellId) -> int:
    """A cell as one number."""
    return cell.role << 24 | cell.key_usage << 8 | cell.cell_usage


_CELLS = MappingProxyType(
    {cell_number(cell): cell for cell in starmap(CellId, product(RemotePartyRole, KeyUsage, CellUsage))}
)


def cell_of(number: int) -> CellId:
    """The cell that ``cell_number`` wrote; those there are, one key usage each, are looked up."""
    return _CELLS.get(number) or CellId(
        RemotePartyRole(number >> 24), KeyUsage(number >> 8 & 0xFFFF), CellUsage(number & 0xFF)
    )


def device_row(record: DeviceRecord, part: int) -> Row:
    """A device in the order of the table's columns."""
    details = record.details
    places = [plain(details.get(name, "")) for name in ("UPRN", "PostCode", "AddressIdentifier")]
    return (
        record.eui, part, int(record.device_type), record.generation, record.status and record.status.value,
        record.signing_point, record.agreement_point, record.duis_type, micros_or_none(record.status_since),
        record.status_before and record.status_before.value, micros_or_none(record.commissioned_at), record.hub,
        record.gpf, record.import_mpxn, record.secondary_import_mpan, record.export_mpan, record.gbcs_version,
        record.device_log, to_json(dict(details)), *places,
    )  # fmt: skip


def as_device(row: Row) -> DeviceRecord:
    """A row in the order of the table's columns."""
    (
        eui, _part, device_type, generation, status, signing, agreement, duis_type, since, before, commissioned, hub,
        gpf, import_mpxn, secondary, export, version, log, details, *_places,
    ) = row  # fmt: skip
    return DeviceRecord(
        Eui64(eui), DeviceType(device_type), generation, _status(status), signing, agreement, duis_type,
        when_or_none(since), _status(before), when_or_none(commissioned), _eui(hub), _eui(gpf), import_mpxn, secondary,
        export, version, log, MappingProxyType(from_json(details)),
    )  # fmt: skip


def as_known(row: Row) -> KnownRequest:
    """A row of ``KNOWN_COLUMNS``."""
    originator, target, counter, variant, command_variant, state, received, offered, executes, accepted, code = row
    request_id = as_id(originator, target, counter)
    return KnownRequest(
        request_id,
        variant,
        command_variant,
        REQUEST_STATES[state],
        received,
        offered,
        when_or_none(executes),
        when_or_none(accepted),
        code,
    )


def as_id(originator: bytes, target: bytes, counter: bytes) -> RequestId:
    """A request ID from its three columns."""
    return RequestId(Eui64(originator), Eui64(target), wide(counter))


def as_command(row: Row) -> Command:
    """A row of ``COMMAND_COLUMNS``."""
    (
        number, _home, _part, originator, device, counter, message_code, _request, request_originator, request_target,
        request_counter, variant, octets, state, pending, schedule, not_after, _at, _changed,
    ) = row  # fmt: skip
    key = CommandKey(Eui64(originator), Eui64(device), wide(counter))
    request_id = as_id(request_originator, request_target, request_counter)
    return Command(
        key,
        message_code,
        request_id,
        variant,
        octets,
        COMMAND_STATES[state],
        number,
        bool(pending),
        schedule,
        when_or_none(not_after),
    )


def as_delivery(row: Row) -> Delivery:
    """A row of ``DELIVERY_COLUMNS``."""
    number, user, octets, originator, target, counter, final, attempts, next_at, state, last = row
    request_id = None if originator is None else as_id(originator, target, counter)
    return Delivery(
        number, Eui64(user), octets, request_id, bool(final), attempts, when(next_at), DELIVERY_STATES[state], last
    )


def as_registration(row: Row) -> Registration:
    """A row of the table."""
    mpxn, begins, supplier, operator = row
    return Registration(mpxn, Eui64(supplier), Eui64(operator), when(begins))


def schedule_row(schedule: Schedule, part: int) -> Row:
    """A schedule in the order of the table's columns."""
    return (
        schedule.number, part, schedule.user, schedule.device, schedule.service_variant, schedule.body,
        schedule.frequency, micros(schedule.starts), micros_or_none(schedule.ends), micros_or_none(schedule.next_at),
    )  # fmt: skip


def as_schedule(row: Row) -> Schedule:
    """A row in the order of the table's columns."""
    number, _part, user, device, variant, body, frequency, starts, ends, next_at = row
    return Schedule(
        number, Eui64(user), Eui64(device), variant, body, frequency, when(starts), when_or_none(ends),
        when_or_none(next_at),
    )  # fmt: skip


def newest_first(registrations: Sequence[Registration]) -> tuple[Registration, ...]:
    """In the order that rules expect."""
    return tuple(sorted(registrations, key=lambda each: (each.begins, each.mpxn), reverse=True))


def _status(stored: Any) -> DeviceStatus | None:
    return None if stored is None else DeviceStatus(stored)


def _eui(stored: Any) -> Eui64 | None:
    return None if stored is None else Eui64(stored)
