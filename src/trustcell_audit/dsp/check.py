"""The check of a DSP as a whole: its database, and whatever else there is to compare it with."""

from dataclasses import dataclass
from pathlib import Path

from trustcell_audit.dsp.again import check_again
from trustcell_audit.dsp.books import Books, open_books
from trustcell_audit.dsp.devices import check_device_numbers, check_slots, memories
from trustcell_audit.dsp.history import History, read_history
from trustcell_audit.dsp.numbers import check_one_string_each, check_stored_counters
from trustcell_audit.dsp.octets import DeviceMemory, commands_on_the_way, device_memory
from trustcell_audit.dsp.refusals import check_refusals
from trustcell_audit.dsp.requests import check_requests
from trustcell_audit.dsp.trail import check_trail
from trustcell_audit.findings import Malformed, Report


@dataclass(frozen=True)
class Evidence:
    """What a check looks at: the database, and if given the folder of exported heads, a history, the devices' database.

    ``at_rest`` says that nothing is on its way any more: then every request has its end, and every slot is as it reads.
    """

    database: str
    heads: Path | None = None
    history: Path | None = None
    devices: str | None = None
    at_rest: bool = False


def check_dsp(evidence: Evidence) -> Report:
    """Decide I1, I2, I3, I7, I8, I10, I11 and I12; each problem names the row or line, its code is the invariant."""
    report = Report()
    try:
        history = History() if evidence.history is None else read_history(evidence.history, report)
        devices, on_the_way = memories(history), []
        if evidence.devices is not None:
            with open_books(evidence.devices, "han_device") as estate:
                devices |= _memories(estate)
                on_the_way = list(commands_on_the_way(bytes(row[0]) for row in estate.rows(_PARCELS)))
        with open_books(evidence.database, "lease") as books:
            check_one_string_each(books, history, on_the_way, report)
            check_stored_counters(books, history, report)
            check_requests(books, history, report, at_rest=evidence.at_rest)
            check_trail(books, evidence.heads, report)
            check_refusals(books, history, report)
            check_slots(books, devices, report, at_rest=evidence.at_rest)
        check_device_numbers(history, report)
        check_again(history, report)
    except Malformed as error:
        report.problems.append(error.problem)
    except (KeyError, TypeError, ValueError) as error:
        report.need(False, "books_malformed", "database", f"{type(error).__name__}: {error}")
    for name, given in (("heads", evidence.heads), ("history", evidence.history), ("devices", evidence.devices)):
        if given is None:
            report.relied.append(f"no {name} to compare with")
    return report


_PARCELS = "SELECT octets FROM han_parcel"


def _memories(estate: Books) -> dict[str, DeviceMemory]:
    read = (device_memory(bytes(row[0])) for row in estate.rows("SELECT octets FROM han_device"))
    return {memory.device: memory for memory in read}
