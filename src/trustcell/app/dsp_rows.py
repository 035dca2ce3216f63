"""What the DSP's books hold as rows of plain values: the JSON API and ``trustcell dsp`` show the same ones."""

from collections.abc import Iterable
from typing import Any

from trustcell import duis
from trustcell.app.plain import plain
from trustcell.dsp.ports import Views
from trustcell.dsp.rules.facts import DeviceRecord, KnownRequest, Registration, Schedule
from trustcell.dsp.rules.work import Delivery
from trustcell.vocab import Eui64, WireError

Row = dict[str, Any]


def device_row(record: DeviceRecord) -> Row:
    """An entry of the inventory; public keys are told by their presence only."""
    return {
        "eui": str(record.eui),
        "device_type": record.device_type.name,
        "duis_type": record.duis_type,
        "generation": record.generation,
        "status": plain(record.status),
        "status_since": plain(record.status_since),
        "commissioned_at": plain(record.commissioned_at),
        "hub": plain(record.hub),
        "gpf": plain(record.gpf),
        "mpxns": list(record.mpxns),
        "gbcs_version": record.gbcs_version,
        "has_signing_certificate": record.signing_point is not None,
        "has_agreement_certificate": record.agreement_point is not None,
        "details": {name: str(value) for name, value in record.details.items()},
    }


def history_rows(views: Views, device: Eui64) -> list[Row]:
    """A device's life in the inventory, oldest first."""
    return [
        {"at": plain(e.at), "event": e.event, "before": plain(e.before), "after": plain(e.after)}
        for e in views.status_history(device)
    ]


def slot_rows(views: Views, device: Eui64) -> tuple[list[Row], list[Row]]:
    """Who sits in each cell now, and everybody who ever did, oldest first."""
    history = [
        {
            "cell": str(cell),
            "entity": str(occupant.entity),
            "key_id": occupant.key_id.hex(),
            "since": plain(since),
            "told_by": told_by,
        }
        for cell, occupant, since, told_by in views.slots(device)
    ]
    newest = {row["cell"]: row for row in history}
    return [newest[cell] for cell in sorted(newest)], history


def request_row(request: KnownRequest) -> Row:
    """A request and where it stands; counters are decimal text, as they reach 2^64 - 1."""
    request_id = request.request_id
    return {
        "request_id": str(request_id),
        "originator": str(request_id.originator),
        "target": str(request_id.target),
        "counter": str(request_id.counter),
        "service_variant": request.service_variant,
        "command_variant": request.command_variant,
        "state": request.state.value,
        "code": request.code,
        "accepted_at": plain(request.accepted_at),
        "executes_at": plain(request.executes_at),
        "octets": len(request.received),
    }


def delivery_rows(deliveries: Iterable[Delivery]) -> list[Row]:
    """Messages to a user, and how far each came."""
    return [
        {
            "number": each.number,
            "state": each.state.value,
            "attempts": each.attempts,
            "next_at": plain(each.next_at),
            "last": each.last,
            "code": _code(each.octets),
            "octets": len(each.octets),
        }
        for each in deliveries
    ]


def registration_row(entry: Registration) -> Row:
    """Who is responsible for a metering point from a moment on."""
    return {
        "mpxn": entry.mpxn,
        "supplier": str(entry.supplier),
        "network_operator": str(entry.network_operator),
        "begins": plain(entry.begins),
    }


def schedule_row(schedule: Schedule) -> Row:
    """A DSP schedule."""
    return {
        "number": schedule.number,
        "device": str(schedule.device),
        "service_variant": schedule.service_variant,
        "frequency": schedule.frequency,
        "starts": plain(schedule.starts),
        "ends": plain(schedule.ends),
        "next_at": plain(schedule.next_at),
    }


def _code(octets: bytes) -> str:
    """The response code in a message to a user."""
    try:
        return duis.parse_response(octets).response.response_code
    except WireError:
        return ""
