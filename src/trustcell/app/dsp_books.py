"""The DSP's books of a home: where they are, looked at while it runs or rests, checked, and a restore confirmed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from trustcell import gbcs
from trustcell.adapters.dsp_store import Settings as Books
from trustcell.adapters.dsp_store import SqlHomes, confirm_restore, open_homes_to_read, problems
from trustcell.app.audit_key import audit_key
from trustcell.app.plain import plain
from trustcell.vocab import Clause, Refused, Unavailable

BOOKS = Clause("trustcell dsp", "docs/trail.md, the books of a home")
ENVIRONMENT = "zaz1-lab"
_FILE, _HEADS = "dsp.db", "dsp-heads"


def books_of(folder: Path | None, seal: Any = None) -> Books:
    """The settings of a home's books; without a folder they are in memory, and nothing of them is kept."""
    if folder is None:
        return Books("sqlite://", ENVIRONMENT, seal)
    return Books(f"sqlite:///{(folder / _FILE).absolute()}", ENVIRONMENT, seal, folder / _HEADS)


@contextmanager
def reading(folder: Path) -> Iterator[SqlHomes]:
    """The books as they are; nothing is written. ``Unavailable``: ``books_missing``, or what opening them says."""
    homes = open_homes_to_read(_existing(folder))
    try:
        yield homes
    finally:
        homes.close()


def verify(folder: Path) -> list[str]:
    """A sentence for each thing that is wrong: chains, counters, heads and their signatures, the exported heads."""
    with reading(folder) as homes:
        found = list(problems(homes))
        key = audit_key(folder).public_key()
        found += [
            f"home {home}: the head at entry {head.seq} is not signed with the audit key"
            for home, head in homes.heads()
            if not gbcs.check_signature(key, head.octets, head.signature)
        ]
        try:
            homes.compare()
        except Unavailable as error:
            found.append(str(error))
    return found


def ends(folder: Path) -> list[dict[str, Any]]:
    """Where the audit chain of each home ends, and who holds it until when."""
    with reading(folder) as homes:
        chain = dict.fromkeys(homes.names(), 0)
        for home, seq, _octets, _hash in homes.views.chain():
            chain[home] = seq
        holders = {home: homes.holder(home) or (None, None) for home in homes.names()}
    return [
        {"home": home, "owner": owner, "until": plain(until), "entries": chain[home]}
        for home, (owner, until) in holders.items()
    ]


def restored(folder: Path, by: str, now: datetime) -> list[dict[str, Any]]:
    """Somebody confirms that a backup was put back: every counter jumps (hostile N15). What was done, home by home."""
    if not by.strip() or not by.isprintable() or len(by) > 64:
        raise Refused([BOOKS.breach("name_expected", "by", "a name has 1 to 64 printable characters", "say who it is")])
    key = audit_key(folder)
    settings = _existing(folder, lambda octets: gbcs.sign(key, octets))
    return [
        {"home": jump.home, "ended": jump.seq, "known": jump.known, "from": str(jump.own_floor)}
        for jump in confirm_restore(settings, by, now)
    ]


def database_url(folder: Path, database: str | None = None) -> str:
    """Where the books of a home are: in it, or where somebody says. ``Unavailable``: ``books_missing``."""
    return database or _existing(folder).url


def _existing(folder: Path, seal: Any = None) -> Books:
    if not (folder / _FILE).is_file():
        raise Unavailable(f"{folder} has no books of a DSP: serve a lab with --home first [books_missing]")
    return books_of(folder, seal)
