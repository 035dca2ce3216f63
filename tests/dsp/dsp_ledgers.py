"""What the tests of the ledgers share: one moment, a few names, and short ways to say what goes in."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from dsp import dsp_world as w
from trustcell.dsp import Command, CommandKey, Ledger, Reservation, milliseconds
from trustcell.duis import RequestId
from trustcell.vocab import Eui64

NOW = w.BEGINS
MS = milliseconds(NOW)
USER, OTHER, BROKER = Eui64(b"user    "), Eui64(b"other   "), Eui64(b"broker  ")
DEVICE, SECOND = Eui64(b"device 1"), Eui64(b"device 2")


def dump_file(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return repr([(name, connection.execute(f"SELECT * FROM {name} ORDER BY rowid").fetchall()) for name in tables])


def ids(counter: int, originator: Eui64 = USER, target: Eui64 = DEVICE) -> RequestId:
    return RequestId(originator, target, counter)


def reservation(counter: int, raises: bool = True, **change: Any) -> Reservation:
    return Reservation(ids(counter, **change), "6.21", b"<request/>", raises)


def command(key_counter: int, request: RequestId, octets: bytes = b"octets", originator: Eui64 = BROKER) -> Command:
    return Command(CommandKey(originator, request.target, key_counter), 0x0103, request, "6.21", octets)


def recorded(ledger: Ledger, counter: int, target: Eui64 = DEVICE) -> Command:
    choice = ledger.reserve(reservation(counter, target=target), NOW)
    made = command(choice.counter, ids(counter, target=target))
    ledger.record(made, NOW)
    return made
