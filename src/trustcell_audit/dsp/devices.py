"""I10: what the books say of a slot equals a fresh read of the device. I11: a device's numbers rise, or by a floor."""

from collections.abc import Iterable, Mapping

from trustcell_audit.dsp.books import Books
from trustcell_audit.dsp.history import History
from trustcell_audit.dsp.octets import DeviceMemory, carries, head
from trustcell_audit.dsp.words import cell_text, eui
from trustcell_audit.findings import Report

_SLOTS = "SELECT device, cell, entity, key_id, taught_by FROM slot ORDER BY device, cell"
_FIRST = "SELECT device, cell, entity, key_id FROM slot_event ORDER BY number DESC"
_UNSURE = "SELECT device, number, state, alert_pending FROM command WHERE state <> 'answered' OR alert_pending = 1"


def memories(history: History) -> dict[str, DeviceMemory]:
    """The last read of each device in a history."""
    found = {}
    for event in history.of("device"):
        device = eui(event.text("device"))
        cells = {int(cell): (eui(held[0]), held[1]) for cell, held in event.raw.get("cells", {}).items()}
        found[device] = DeviceMemory(device, cells, event.raw.get("numbers", {}))
    return found


def check_slots(books: Books, read: Mapping[str, DeviceMemory], report: Report, *, at_rest: bool) -> None:
    """I10. A device may be ahead of the books while a command of it is unanswered, unless it is ``at_rest``.

    A cell that nobody changed since manufacture is not in its memory, and holds what the books had of it at first.
    """
    made: dict[tuple[str, int], tuple[str, str]] = {}
    for device, cell, entity, key_id in books.rows(_FIRST):
        made[eui(device), cell] = (eui(entity), bytes(key_id).hex())
    unsure: dict[str, int] = {}
    for device, number, *_state in books.rows(_UNSURE):
        unsure[eui(device)] = max(number, unsure.get(eui(device), 0))
    compared = 0
    for octets, cell, entity, key_id, taught_by in books.rows(_SLOTS):
        device = eui(octets)
        memory = read.get(device)
        if memory is None:
            continue
        compared += 1
        told, holds = (eui(entity), bytes(key_id).hex()), memory.cells.get(cell, made.get((device, cell)))
        excused = not at_rest and unsure.get(device, 0) > (taught_by or 0)
        place = f"slot {device} {cell_text(cell)}"
        report.need(excused or told == holds, "I10", place, f"the books say {told}, the device holds {holds}")
    report.facts["slots_compared"] = compared


def check_device_numbers(history: History, report: Report) -> None:
    """I11, over every read of a device in the order of the history."""
    last: dict[tuple[str, str], int] = {}
    sent: dict[str, list[bytes]] = {}
    for event in history.of("device", "sent", "device_restored"):
        if event.raw["op"] == "sent":
            octets = bytes.fromhex(event.text("octets"))
            sent.setdefault(head(octets)[1], []).append(octets)
            continue
        device = eui(event.text("device"))
        if event.raw["op"] == "device_restored":
            for key in [key for key in last if key[0] == device]:
                del last[key]
            continue
        for name, number in event.raw.get("numbers", {}).items():
            before = last.get((device, name), 0)
            floor = number < before and _brought(sent.get(device, ()), number)
            message = f"{name} of {device} is {number} after {before}, and no message set it"
            report.need(number >= before or floor, "I11", event.place, message)
            last[device, name] = number


def _brought(messages: Iterable[bytes], number: int) -> bool:
    return any(carries(octets, number) for octets in messages)
