"""Reports of a home: a snapshot of its DSP's books, kept beside them, and what is asked of it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from trustcell.adapters.clock import system_now
from trustcell.adapters.reporting import DuckSnapshot
from trustcell.adapters.reporting.books import BooksReader
from trustcell.adapters.reporting.duck import TableWriter
from trustcell.adapters.store.values import micros
from trustcell.app.dsp_books import database_url
from trustcell.app.lab_facts import kept_facts
from trustcell.app.lab_repository import beside_lab, broker_in
from trustcell.app.users import USERS_FILE, UserBook
from trustcell.dsp import UserStatus
from trustcell.reports.rules.export import Holder, Numbers, Party, device_row, number_all
from trustcell.reports.rules.fleet import AsOf
from trustcell.smki.rules.records import CertificateRecord, Family, Query
from trustcell.vocab import RemotePartyRole, Unavailable

FOLDER, _MARK = "reports", "snapshot.json"
_FOR_EVER = 2**62
Step = Callable[[int], None]


def take_snapshot(home: Path, at: datetime | None, database: str | None = None, step: Step = lambda done: None) -> Path:
    """Write the snapshot of a home as of a moment, or now, and give its folder; ``step`` hears how many are done.

    The history of every cell is kept, so a moment that is past can be shown as well; parties and their roles are those
    of now. ``Unavailable``: ``books_missing``, or what reading them says.
    """
    at = at or system_now()
    folder = home / FOLDER / at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    as_of = AsOf(micros(at))
    numbers, certificates, parties = _numbered(home)
    one_moment = micros(kept_facts(home).certificates_at)  # all that a lab's repository shows

    def in_repository(_moment: int) -> int:
        return one_moment

    reader = BooksReader(database_url(home, database))
    try:
        registered = reader.registrations()
        writer = TableWriter(folder, "device")
        for done, device in enumerate(reader.devices(), 1):
            row = device_row(device, numbers, lambda point: registered.get(point, ()), as_of, in_repository)
            writer.add(row)
            if not done % 1000:
                step(done)
        writer.close()
    finally:
        reader.close()
    for name, rows in (("certificate", certificates), ("party", parties)):
        writer = TableWriter(folder, name)
        for row in rows:
            writer.add(row)
        writer.close()
    (folder / _MARK).write_text(json.dumps({"moment": as_of.moment}))
    return folder


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


def _numbered(home: Path) -> tuple[Numbers, list[dict[str, object]], list[dict[str, object]]]:
    """Who is a DCC User stands in the file of users; a lab that never changed one has everybody who signs DUIS."""
    with beside_lab(home) as (repository, _seal):
        moment = kept_facts(home).certificates_at
        found = repository.search(Query(family=Family.ORGANISATION), moment).records
        broker = broker_in(repository, moment)
    users = UserBook.open(home / USERS_FILE, {}).users()
    parties = [Party(entity, "", user.status is UserStatus.ACTIVE) for entity, user in users.items()]
    if not users:
        signers = {record.entity_id for record in found if record.role == RemotePartyRole.XML_SIGN}
        parties = [Party(entity, "", True) for entity in signers if entity is not None]
    holders = [_holder(record) for record in found if record.entity_id is not None and record.role is not None]
    return number_all(broker, parties, holders)


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
