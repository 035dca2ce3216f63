"""The counter ledger of a device: who used which number, and why the next 6.21 gets its own (feature N9)."""

from datetime import datetime
from typing import Any

from trustcell.app.plain import plain
from trustcell.dsp.ports import Views
from trustcell.dsp.rules.counters import choose_counter, milliseconds
from trustcell.dsp.rules.facts import DeviceRecord
from trustcell.vocab import DeviceType, KeyUsage, Refused, RemotePartyRole

_OF_THE_COS_PARTY = " for 6.23"
"""In the ledger, numbers that the DSP gave out name their service; of the DCC's parties only the broker sends 6.21."""


def ledger(views: Views, record: DeviceRecord, now: datetime) -> dict[str, Any]:
    """Every number with who used or taught it; the stored one and its slot; the number the next 6.21 would get now."""
    events = views.counter_ledger(record.eui)
    highest = views.highest(record.eui)
    applies = record.device_type is DeviceType.GPF and record.generation == "SMETS2"
    numbers = views.numbers(record.eui)
    others = {event.who.removesuffix(_OF_THE_COS_PARTY) for event in events if event.who.endswith(_OF_THE_COS_PARTY)}
    own = [max(last, numbers.floor) for who, last in numbers.last_own.items() if str(who) not in others]
    stored = highest[0] if highest is not None else None
    following: dict[str, str | None]
    try:
        choice = choose_counter(
            max(own, default=numbers.floor), stored, milliseconds(now), numbers.is_spent, raise_above_highest=applies
        )
        following = {"counter": str(choice.counter), "sentence": choice.reason}
    except Refused as error:
        following = {"counter": None, "sentence": str(error)}
    return {
        "items": [{"at": plain(e.at), "counter": str(e.counter), "who": e.who, "reason": e.reason} for e in events],
        "highest": None
        if highest is None
        else {"counter": str(highest[0]), "taught_by": highest[1], "at": plain(highest[2])},
        "slot": _slot(views, record),
        "next_6_21": following,
    }


def _slot(views: Views, record: DeviceRecord) -> dict[str, str]:
    """Who is known to sit in the cells that a 6.21 on the Network Operator slot replaces."""
    wanted = (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT)
    return {
        str(cell): str(occupant.entity)
        for cell, occupant, _since, _told_by in views.slots(record.eui)
        if cell.role is RemotePartyRole.NETWORK_OPERATOR and cell.key_usage in wanted
    }
