"""Gives out the public key archive of everything that was ever issued or imported (Appendix B 6.3.1(A), part 5.5)."""

from collections.abc import Iterator
from datetime import datetime

from trustcell.smki.ports import Books, Store
from trustcell.smki.rules.archive import archive_lines
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.records import CertificateRecord, Family


class Archive:
    """Reads the books; retention comes from the environment."""

    def __init__(self, store: Store, environment: Environment) -> None:
        """Opens nothing."""
        self._store, self._environment = store, environment

    def lines(self, now: datetime, families: frozenset[Family] = frozenset(Family)) -> Iterator[bytes]:
        """The archive line by line, from one state of the books; ``archive_findings`` checks one."""
        environment = self._environment
        with self._store.reading() as books:
            yield from archive_lines(environment.identifier, _items(books, families), environment.archive_years, now)


def _items(books: Books, families: frozenset[Family]) -> Iterator[tuple[CertificateRecord, bytes]]:
    for record in books.certificates.all():
        if record.family in families:
            request = books.requests.get(record.request) if record.request else None
            yield record, request.csr if request else b""
