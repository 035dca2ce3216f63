"""The audit of a home: its log exported and verified, one certificate bundled, everything looked at again."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from trustcell.app.audit import Relint, run_audit
from trustcell.app.home import HEADS_FILE, Home
from trustcell.governance.rules.audit import AuditEntry
from trustcell.governance.rules.audit_export import export_lines
from trustcell.smki.ports import Books
from trustcell.smki.rules.agreement import Fault
from trustcell.smki.rules.hierarchy import AUDIT_KEY
from trustcell.smki.service.bundle import make_bundle
from trustcell.smki.service.ceremony import CEREMONY
from trustcell.smki.service.verify_all import Verification, verify_all
from trustcell.vocab import Unavailable, WireError

_CHAIN = "I7"


def audit_lines(home: Home) -> Iterator[bytes]:
    """The export of the audit log, line by line; an entry that cannot be read ends it."""
    with home.store.reading() as books:
        heads = books.audit.heads()
        yield from export_lines(
            home.environment.identifier, _audit_key(books), _readable(books), heads, home.store.chain
        )


def export_audit(home: Home, path: Path) -> int:
    """Write the export to a file; its size in octets. ``WireError`` when it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            return sum(file.write(line) for line in audit_lines(home))
    except OSError as error:
        raise WireError(-1, str(path), f"the file cannot be written: {error.strerror}", "output_failed") from None


def heads_of(home: Home) -> Path | None:
    """The file of signed heads outside the database, once there is one."""
    path = home.folder / HEADS_FILE
    return path if path.exists() else None


def verify_log(home: Home, *, heads: Path | None = None, anchors: Sequence[str] = ()) -> dict[str, Any]:
    """What the audit program says to the log of a home; ``heads`` are those of the home unless others are given."""
    with _exported(home) as file:
        return dict(run_audit("verify", file, heads=heads or heads_of(home), anchors=anchors))


def entries_of(home: Home, subject: str | None, kind: str | None) -> list[AuditEntry]:
    """Entries in order, narrowed to a subject and to kinds that begin with ``kind``."""
    with home.store.reading() as books:
        found = books.audit.entries() if subject is None else iter(books.audit.about(subject))
        return [each for each in found if kind is None or each.kind.startswith(kind)]


def bundle_of(home: Home, issuer: str, serial: int, now: datetime) -> bytes:
    """The evidence bundle of a certificate, sealed with the audit key."""
    with home.store.reading() as books:
        key = home.hierarchy.audit_key
        return make_bundle(books, home.evidence, home.environment, key, issuer, serial, now)


def verify_home(home: Home, step: Callable[[int, int], None] = lambda done, expected: None) -> Verification:
    """Every certificate and everything behind it, and the audit log by the audit program."""
    with home.store.reading() as books:
        done = verify_all(books, home.environment, home.evidence, Relint, step)
    verdict = verify_log(home)
    done.faults += [
        Fault(_CHAIN, each["code"], each["place"], each["message"], each["field"]) for each in verdict["problems"]
    ]
    return done


@contextmanager
def _exported(home: Home) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="trustcell-audit-") as folder:
        path = Path(folder) / "audit-log.jsonl"
        export_audit(home, path)
        yield path


def _readable(books: Books) -> Iterator[AuditEntry]:
    """Entries up to one that cannot be read: heads of what is missing behind it tell the audit program."""
    try:
        yield from books.audit.entries()
    except (KeyError, TypeError, ValueError):
        return


def _audit_key(books: Books) -> bytes:
    """The public audit key that the ceremony wrote down; no PIN is needed for it."""
    found = books.documents.get(CEREMONY, AUDIT_KEY)
    if found is None:
        raise Unavailable("the books know no audit key: no ceremony was held [audit_key_missing]")
    return found[1]
