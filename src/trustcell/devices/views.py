"""An estate as plain rows for tables and JSON: devices, cells, counters, own keys, logs, messages on their way."""

from datetime import UTC, datetime

from trustcell.devices.estate import Estate
from trustcell.devices.fleet import Device
from trustcell.devices.memory import NO_HASH
from trustcell.devices.state import AS_MADE
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole

Row = dict[str, str | int | bool | None]

_COUNTED = (
    RemotePartyRole.RECOVERY,
    RemotePartyRole.SUPPLIER,
    RemotePartyRole.NETWORK_OPERATOR,
    RemotePartyRole.ACCESS_CONTROL_BROKER,
    RemotePartyRole.TRANSITIONAL_COS,
    RemotePartyRole.WAN_PROVIDER,
    RemotePartyRole.LOAD_CONTROLLER,
)


def device_row(estate: Estate, eui: Eui64) -> Row:
    """One device in one line: kind, place, whether it can be reached, firmware, clock, how much waits."""
    device, place, way = estate.book.device(eui), estate.book.place(eui), estate.book.way_to(eui)
    hub = estate.book.hub_of(eui)
    region = None if hub is None else estate.book.place(hub.eui).region
    return {
        "device": str(eui),
        "type": device.device_type.name,
        "hub": None if hub is None else str(hub.eui),
        "region": None if region is None else region.name,
        "band": place.band,
        "on": place.on,
        "reachable": way is not None,
        "delay_seconds": None if way is None else round(way.delay),
        "firmware": device.firmware_version.hex().upper(),
        "clock_skew_seconds": device.clock.skew,
        "clock_status": device.clock.status.name.lower(),
        "pending": len(device.state.pending),
        "touched": device.state != AS_MADE,
        "log": len(device.log),
    }


def cell_rows(device: Device) -> list[Row]:
    """Who sits in each Trust Anchor Cell, and until when, where the certificate is known."""
    rows: list[Row] = []
    for cell, occupant in device.cells().items():
        certificate = None if occupant.certificate is None else device.fleet.certificate(occupant.certificate)
        rows.append(
            {
                "cell": str(cell),
                "entity": str(occupant.entity),
                "key_id": occupant.key_id.hex(),
                "serial": None if certificate is None else f"{certificate.serial:x}",
                "not_after": None if certificate is None else _text(certificate.not_after),
            }
        )
    return rows


def counter_rows(device: Device) -> list[Row]:
    """The stored numbers of every role that has a cell, and the device's own alert counter."""
    roles = {cell.role for cell in device.cells()}
    rows: list[Row] = [
        {"role": role.title, "update": device.usc(role), "other": device.exec(role)}
        for role in _COUNTED
        if role in roles
    ]
    if RemotePartyRole.SUPPLIER in roles:
        rows.append({"role": "supplier top-up", "update": device.topup, "other": None})
    return [*rows, {"role": "next alert", "update": device.alert_counter, "other": None}]


def key_rows(device: Device) -> list[Row]:
    """The device's own key pairs: generation in use, generation that waits, certificate."""
    rows: list[Row] = []
    for usage in (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT):
        key, certificate = device.key(usage), device.certificate(usage)
        parsed = None if certificate is None else device.fleet.certificate(certificate)
        rows.append(
            {
                "usage": usage.title,
                "in_use": key.in_use,
                "waiting": key.waiting,
                "public_key": device.public_point(usage).hex(),
                "serial": None if parsed is None else f"{parsed.serial:x}",
            }
        )
    return rows


def log_rows(device: Device) -> list[Row]:
    """The security log, oldest first."""
    return [
        {"at": _text(entry.at), "code": f"{entry.code:04X}", "reason": entry.reason, "text": entry.text}
        for entry in device.log
    ]


def partner_rows(device: Device) -> list[Row]:
    """The device log: whom it has joined, or for a hub whom it admits."""
    joined: list[Row] = [
        {"device": str(partner.device), "type": partner.device_type.name, "joined": True, "link_key_hash": None}
        for partner in device.state.partners
    ]
    admitted: list[Row] = [
        {
            "device": str(entry.device),
            "type": None,
            "joined": entry.joined,
            "link_key_hash": None if entry.link_key_hash == NO_HASH else entry.link_key_hash.hex(),
        }
        for entry in device.hub.whitelist
    ]
    return joined + admitted


def pending_rows(device: Device) -> list[Row]:
    """Future-dated commands that wait."""
    return [
        {
            "due": _text(command.due),
            "message_code": f"{command.message_code:04X}",
            "originator": str(command.originator),
            "counter": command.counter,
        }
        for command in device.state.pending
    ]


def post_rows(estate: Estate) -> list[Row]:
    """The messages on their way, in order of arrival."""
    return [
        {
            "handle": parcel.handle,
            "way": parcel.way.name.lower(),
            "device": str(parcel.device),
            "due": _text(parcel.due),
            "message_id": parcel.message_id or None,
            "octets": len(parcel.octets),
        }
        for parcel in estate.post.parcels()
    ]


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
