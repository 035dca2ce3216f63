"""Gathers everything that ends from the books (features row 19, N14)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from trustcell.certs import NO_EXPIRY, Certificate
from trustcell.governance import Governance
from trustcell.governance.rules.canonical import read_moment
from trustcell.smki.ports import Books, Store
from trustcell.smki.rules import calendar
from trustcell.smki.rules.calendar import Ending
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.lists import ListKind
from trustcell.smki.rules.records import Query
from trustcell.smki.rules.revocation import is_authority
from trustcell.vocab import KeyUsage

PACKS = "pack"
"""Kind of the documents of manufacturing packs; ``not_after`` is when the first certificate of one ends."""
_AUTHORITY = KeyUsage.KEY_CERT_SIGN | KeyUsage.CRL_SIGN
_LAST = NO_EXPIRY - timedelta(seconds=1)


class Calendar:
    """Reads the books and changes nothing."""

    def __init__(self, store: Store, governance: Governance, environment: Environment) -> None:
        """Opens nothing."""
        self._store, self._governance, self._environment = store, governance, environment

    def endings(self, now: datetime, begin: datetime | None = None, end: datetime | None = None) -> list[Ending]:
        """What ends from ``begin`` to ``end``, borders included, by time; revoked certificates have ended already."""
        with self._store.reading() as books:
            found = [
                *self._certificates(books, now, begin, end),
                *self._authorities(books, now),
                *self._approvals(books, now),
                *self._lists(books),
                *_packs(books),
            ]
        return calendar.in_order(found, begin, end)

    def _certificates(
        self, books: Books, now: datetime, begin: datetime | None, end: datetime | None
    ) -> Iterator[Ending]:
        window = Query(expires_from=begin, expires_to=min(end, _LAST) if end else _LAST)
        for record in books.certificates.search(window, now):
            if not is_authority(record) and record.revoked_at is None:
                same_key = books.certificates.with_key(record.key, record.family)
                yield calendar.of_certificate(record, same_key)

    def _authorities(self, books: Books, now: datetime) -> Iterator[Ending]:
        environment = self._environment
        years = {
            environment.root_oca: environment.issuing_years,
            environment.issuing_oca: environment.organisation_years,
            environment.root_dca: environment.issuing_years,
            environment.ica: environment.person_years,
        }  # what the Issuing DCA issues has no expiry
        for record in books.certificates.search(Query(key_usage=_AUTHORITY), now):
            if record.revoked_at is None:
                name = Certificate.from_der(record.der).subject.common_name
                yield from calendar.of_authority(record, years.get(name or "", 0))

    def _approvals(self, books: Books, now: datetime) -> Iterator[Ending]:
        for approval in self._governance.register(books).approvals.values():
            ending = calendar.of_approval(approval, len(books.approval_uses.uses(approval.name)), now)
            if ending is not None:
                yield ending

    def _lists(self, books: Books) -> Iterator[Ending]:
        for kind in ListKind:
            served = books.revocations.served(kind.issuer(self._environment))
            if served is not None:
                yield calendar.of_list(kind, served, served.this_update + kind.reissue(self._environment))


def _packs(books: Books) -> Iterator[Ending]:
    for name in books.documents.names(PACKS):
        found = books.documents.get(PACKS, name)
        if found is not None and "not_after" in found[0]:
            yield calendar.of_pack(name, read_moment(str(found[0]["not_after"])))
