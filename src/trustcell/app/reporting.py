"""Reports of a home: a snapshot of its DSP's books, kept beside them, and what is asked of it."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trustcell.adapters.clock import system_now
from trustcell.adapters.reporting import DuckSnapshot
from trustcell.adapters.reporting.books import BooksReader
from trustcell.adapters.reporting.renewal import Earlier, write_registrations, write_table
from trustcell.adapters.store.values import micros
from trustcell.app.dsp_books import database_url
from trustcell.app.lab_facts import kept_facts
from trustcell.app.lab_repository import beside_lab, broker_in
from trustcell.app.users import USERS_FILE, UserBook
from trustcell.dsp import UserStatus
from trustcell.reports.rules.export import Device, Holder, Numbers, Party, device_row, number_all
from trustcell.reports.rules.fleet import AsOf, eui_number
from trustcell.smki.rules.records import CertificateRecord, Family, Query
from trustcell.vocab import RemotePartyRole, Unavailable

FOLDER, _MARK = "reports", "snapshot.json"
_FORM = 2
"""Of the tables; a snapshot of another one is nothing to go on from."""
_LATE = 3_600_000_000
"""An hour: what was going on when the earlier snapshot was taken is looked at again."""
_FOR_EVER = 2**62
_ALWAYS = ((0, True),)
Step = Callable[[int], None]


def take_snapshot(
    home: Path,
    at: datetime | None,
    database: str | None = None,
    step: Step = lambda done: None,
    *,
    whole: bool = False,
) -> Path:
    """Write the snapshot of a home as of a moment, or now, and give its folder; ``step`` hears how many are done.

    The history of every cell and of every user's status is kept, so a moment that is past can be shown as well;
    certificates are those of now. From an earlier snapshot only what may have changed since is read again, unless
    parties or certificates are others, or ``whole`` says so. ``Unavailable``: ``books_missing``, or what reading them
    says.
    """
    at = at or system_now()
    folder = home / FOLDER / at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    as_of = AsOf(micros(at))
    numbers, certificates, parties = _numbered(home, as_of)
    one_moment = micros(kept_facts(home).certificates_at)  # all that a lab's repository shows
    reader = BooksReader(database_url(home, database))
    try:
        newest, registered, read = reader.newest(), reader.registrations(), 0

        def rows(devices: Iterable[Device]) -> Iterator[dict[str, Any]]:
            nonlocal read
            for done, device in enumerate(devices, 1):
                read = done
                yield device_row(
                    device, numbers, lambda point: registered.get(point, ()), as_of, lambda _moment: one_moment
                )
                if not done % 1000:
                    step(done)

        (folder / _MARK).unlink(missing_ok=True)
        write_registrations(folder, registered)
        earlier = None if whole else _earlier(home, folder, as_of, certificates, parties)
        if earlier is None:
            write_table(folder, "device", rows(reader.devices()))
        else:
            with closing(earlier[1]) as before:
                changed = reader.changed(earlier[0] - _LATE, before.points_changed(folder))
                changed |= {_octets(eui) for eui in before.not_yet_due()}
                before.renew(folder, {eui_number(eui) for eui in changed}, rows(reader.devices(changed)))
    finally:
        reader.close()
    write_table(folder, "certificate", certificates)
    write_table(folder, "party", parties)
    (folder / _MARK).write_text(json.dumps({"moment": as_of.moment, "form": _FORM, "newest": newest, "read": read}))
    return folder


def _earlier(
    home: Path, folder: Path, at: AsOf, certificates: list[dict[str, object]], parties: list[dict[str, object]]
) -> tuple[int, Earlier] | None:
    """The newest snapshot before ``at`` that this one may be made from, and up to when it knows everything."""
    for path in reversed(snapshots(home)):
        told = json.loads((path / _MARK).read_text())
        if path == folder or told.get("form") != _FORM or told["moment"] > at.moment:
            continue
        earlier = Earlier(path, AsOf(told["moment"]))
        if earlier.has_same("certificate", certificates) and earlier.has_same("party", parties):
            return min(told["moment"], told["newest"]), earlier
        earlier.close()
        return None
    return None


def _octets(eui: int) -> bytes:
    return eui.to_bytes(8, "big", signed=True)


def device_count(home: Path, database: str | None = None) -> int:
    """How many devices a snapshot will have."""
    reader = BooksReader(database_url(home, database))
    try:
        return reader.count()
    finally:
        reader.close()


@contextmanager
def opened(folder: Path) -> Iterator[DuckSnapshot]:
    """A snapshot that was taken. ``Unavailable`` (``snapshot_missing``)."""
    try:
        moment = int(json.loads((folder / _MARK).read_text())["moment"])
    except (OSError, ValueError, KeyError, TypeError):
        raise Unavailable(f"{folder} holds no snapshot: trustcell report takes one [snapshot_missing]") from None
    with DuckSnapshot(folder, AsOf(moment)) as snapshot:
        yield snapshot


def snapshots(home: Path) -> list[Path]:
    """Those of a home, oldest first."""
    return sorted(path.parent for path in (home / FOLDER).glob(f"*/{_MARK}"))


def _numbered(home: Path, at: AsOf) -> tuple[Numbers, list[dict[str, object]], list[dict[str, object]]]:
    """Who was a DCC User when stands in the file of users; a lab that never changed one has all who sign DUIS."""
    with beside_lab(home) as (repository, _seal):
        moment = kept_facts(home).certificates_at
        found = repository.search(Query(family=Family.ORGANISATION), moment).records
        broker = broker_in(repository, moment)
    turns = UserBook.open(home / USERS_FILE, {}).turns()
    parties = [
        Party(entity, "", tuple((micros(since), status == UserStatus.ACTIVE) for since, status in each))
        for entity, each in turns.items()
    ]
    if not turns:
        signers = {record.entity_id for record in found if record.role == RemotePartyRole.XML_SIGN}
        parties = [Party(entity, "", _ALWAYS) for entity in signers if entity is not None]
    holders = [_holder(record) for record in found if record.entity_id is not None and record.role is not None]
    return number_all(broker, parties, holders, at.moment)


def _holder(record: CertificateRecord) -> Holder:
    assert record.entity_id is not None
    assert record.role is not None
    ends = [each for each in (record.not_after, record.revoked_at, record.superseded_at) if each is not None]
    begins = record.not_before if record.imported else record.lodged_at
    return Holder(
        record.entity_id,
        record.role,
        record.key_usage,
        record.ski,
        record.key.hex(),
        _FOR_EVER if begins is None else micros(begins),
        micros(min(ends)),
        micros(record.not_after),
        record.revoked_at is not None,
    )
