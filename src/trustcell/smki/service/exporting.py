"""Full and delta exports of the repository: every certificate as a row and as DER, with digests (smki.md 5.1)."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Protocol

from trustcell.governance.rules.canonical import canonical, digest, moment, read_moment
from trustcell.smki.ports import Books
from trustcell.smki.rules.export_rows import COLUMNS, changes, csv_line, row
from trustcell.smki.rules.records import CertificateRecord, Family
from trustcell.smki.service.repository import ACCESS, Repository
from trustcell.vocab import Finding, Refused

EXPORTS = "export"
"""Kind of the documents that say which exports were made, by the moment of each."""
LINES, TABLE, MANIFEST = "certificates.jsonl", "certificates.csv", "manifest.json"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,63}")
_CHUNK = 500


class Sink(Protocol):
    """Where an export goes. Nothing is seen of it under its name before ``finish``."""

    def write(self, path: str, octets: bytes) -> None:
        """One whole file; the same file twice, as after a restart, costs nothing."""

    def append(self, path: str, octets: bytes) -> None:
        """More of a file."""

    def finish(self) -> None:
        """Make it durable and visible under its name, all at once."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported: the manifest and its SHA-256 (hex)."""

    manifest: dict[str, Any]
    sha256: str
    altered: tuple[Finding, ...]


class Exports:
    """Makes exports and remembers them, so that the next delta begins where the last export ended."""

    def __init__(self, repository: Repository) -> None:
        """The repository to export; IKI certificates are not part of it."""
        self._repository = repository

    def last(self) -> datetime | None:
        """The moment of the last export that was finished."""
        with self._repository.store.reading() as books:
            names = books.documents.names(EXPORTS)
        return read_moment(max(names)) if names else None

    def since_last(self) -> datetime:
        """From when a delta has to report; ``Refused`` (``export_none_before``) when nothing was exported yet.

        Some minutes before the last export, for what was dated before it and committed after it: to hear of a change
        twice harms nobody.
        """
        last = self.last()
        if last is None:
            text = "a delta follows a full export, and there is none"
            raise Refused(
                [ACCESS.breach("export_none_before", "since", text, "make a full export, or name the moment")]
            )
        return last - self._repository.environment.clock_tolerance

    def make(self, sink: Sink, now: datetime, since: datetime | None = None) -> Exported:
        """Everything, or what was issued, lodged, superseded or revoked at ``since`` or later.

        A certificate that was altered where it is kept is left out and named in the manifest.
        """
        tally = _Tally()
        with self._repository.store.reading() as books:
            sink.append(TABLE, tally.take(TABLE, csv_line(COLUMNS).encode()))
            for records in _chunks(books):
                wanted = {
                    (each.issuer, each.serial): happened
                    for each in records
                    if (happened := () if since is None else changes(each, since)) or since is None
                }
                found = self._repository.checked(books, [r for r in records if (r.issuer, r.serial) in wanted], now)
                tally.altered.extend(found.altered)
                for record in found.records:
                    file = f"der/{_folder(record.issuer)}/{record.serial:X}.der"
                    sha256 = hashlib.sha256(record.der).hexdigest()
                    values = row(record, now, wanted[record.issuer, record.serial], sha256, file)
                    sink.write(file, record.der)
                    line = json.dumps(values, ensure_ascii=False).encode() + b"\n"
                    sink.append(LINES, tally.take(LINES, line))
                    sink.append(TABLE, tally.take(TABLE, csv_line(list(values.values())).encode()))
                    tally.certificates += 1
            lists = self._lists(books, sink, since)
            head = books.audit.head()
        manifest: dict[str, Any] = {
            "environment": self._repository.environment.identifier,
            "kind": "full" if since is None else "delta",
            "since": None if since is None else moment(since),
            "at": moment(now),
            "certificates": tally.certificates,
            "files": tally.digests(),
            "lists": lists,
            "left_out": [finding.as_json() for finding in tally.altered],
            "audit": None if head is None else {"seq": head.seq, "hash": head.hash.hex()},
        }
        octets = canonical(manifest)
        sink.append(LINES, b"")  # an export without certificates has the file too
        sink.write(MANIFEST, octets)
        sink.finish()
        self._remember(manifest, digest(octets), now)
        return Exported(manifest, digest(octets), tuple(tally.altered))

    def _remember(self, manifest: dict[str, Any], sha256: str, now: datetime) -> None:
        body: dict[str, object] = {
            "kind": manifest["kind"],
            "since": manifest["since"],
            "certificates": manifest["certificates"],
            "left_out": len(manifest["left_out"]),
            "manifest": sha256,
        }
        with self._repository.store.transaction(now) as books:
            books.documents.put(EXPORTS, moment(now), body)
            books.audit.append("repository.exported", moment(now), body, now)

    def _lists(self, books: Books, sink: Sink, since: datetime | None) -> list[dict[str, Any]]:
        found = []
        for name in sorted(self._repository.issuers(books, self._repository.environment.begins)):
            served = books.revocations.served(name)
            if served is None or (since is not None and served.this_update < since):
                continue
            file = f"lists/{_folder(name)}.crl"
            sink.write(file, served.der)
            entry = {"issuer": name, "number": served.number, "file": file, "sha256": digest(served.der)}
            found.append(
                {**entry, "this_update": moment(served.this_update), "next_update": moment(served.next_update)}
            )
        return found


class _Tally:
    def __init__(self) -> None:
        self.certificates = 0
        self.altered: list[Finding] = []
        self._sums = {LINES: hashlib.sha256(), TABLE: hashlib.sha256()}

    def take(self, file: str, octets: bytes) -> bytes:
        self._sums[file].update(octets)
        return octets

    def digests(self) -> dict[str, str]:
        return {file: total.hexdigest() for file, total in self._sums.items()}


def _chunks(books: Books) -> Iterator[list[CertificateRecord]]:
    records = (record for record in books.certificates.all() if record.family is not Family.IKI)
    while chunk := list(islice(records, _CHUNK)):
        yield chunk


def _folder(name: str) -> str:
    """A name of an authority as the name of a file: an imported one could be anything (hostile A8)."""
    return name if _PLAIN.fullmatch(name) else f"x-{digest(name.encode())[:32]}"
