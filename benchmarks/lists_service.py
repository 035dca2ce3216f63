"""Revocation lists of a million entries through the service: put together, linted, signed, kept, served."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from benchmarks.authority import NOW, home
from benchmarks.harness import Case, Ratio
from trustcell.app.home import Home
from trustcell.smki.rules.lists import ListKind
from trustcell.smki.rules.records import CertificateRecord, Family
from trustcell.smki.service.list_entries import KEPT
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole

ROUNDS = 3
_QUARTER, _MILLION = 250_000, 1_000_000
_AT_ONCE = 50_000
_FIRST = 0x21 << 120

RATIOS = (
    Ratio(
        "an entry of a million / an entry of a quarter, service", "service, 1,000,000", "service, 250,000", 1.3, False
    ),
    Ratio("T10: reissue / full build, service", "service, reissue", "service, whole", 0.2, False),
)


def cases(shared: Path) -> list[Case]:
    """Cases over homes of their own; nothing is read from ``shared``."""
    few, many = _filled(_QUARTER), _filled(_MILLION)
    spare = itertools.count(_MILLION + 1)
    seconds = itertools.count(_MILLION + 10)

    def later() -> datetime:
        return NOW + timedelta(seconds=next(seconds))

    def anew(at: Home) -> Callable[[], None]:
        def run() -> None:
            _forget(at)
            _issue(at, later())

        return run

    def revoke() -> None:
        number, moment = next(spare), later()
        with many.store.transaction(moment) as books:
            record = replace(_record(many, number), revoked_at=moment, revocation_reason=1)
            books.certificates.add(record)
            books.audit.append("bench.revoked", "bench", {}, moment)

    whole = anew(many)
    return [
        Case("service, 250,000", anew(few), _QUARTER),
        Case("service, 1,000,000", whole, _MILLION),
        Case("service, whole", whole),
        Case("one more revocation (not of interest)", revoke),
        Case("service, reissue", lambda: _issue(many, later())),
    ]


def _record(at: Home, number: int) -> CertificateRecord:
    key = sha256(number.to_bytes(8, "big")).digest()
    return CertificateRecord(
        at.environment.issuing_oca, _FIRST + number * 7919, Family.ORGANISATION, "organisation", "a subject",
        RemotePartyRole.SUPPLIER, Eui64(key[:8]), KeyUsage.DIGITAL_SIGNATURE, key[:8], key, NOW,
        NOW + timedelta(days=3650), key * 13, NOW, lodged_at=NOW,
    )  # fmt: skip


def _filled(count: int) -> Home:
    """So many revoked certificates, one a second."""
    at = home()
    for start in range(1, count + 1, _AT_ONCE):
        with at.store.transaction(NOW) as books:
            records = [
                replace(_record(at, number), revoked_at=NOW + timedelta(seconds=number), revocation_reason=1)
                for number in range(start, start + _AT_ONCE)
            ]
            books.certificates.add_many(records)
            books.audit.append("bench.filled", "bench", {"from": start}, NOW)
    return at


def _forget(at: Home) -> None:
    """Nothing is taken over: the next list is built from the books."""
    with at.store.transaction(NOW) as books:
        books.documents.put(KEPT, at.environment.issuing_oca, {"number": 0, "gone": 0, "abandoned": "", "previous": ""})
        books.audit.append("bench.forgotten", "bench", {}, NOW)


def _issue(at: Home, moment: datetime) -> None:
    assert at.revocation.lists.issue(ListKind.CRL, at.credential("ian"), moment).served
