"""Searches among a million certificates, against bare look-ups of the same rows by the same indexes."""

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.authority import NOW, home, postgresql
from benchmarks.harness import Case, Ratio
from trustcell import certs
from trustcell.adapters.store.engine import make_engine
from trustcell.app.home import Home
from trustcell.smki.rules.records import CertificateRecord, Family, Query, Status
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole

ROUNDS = 5
_MILLION, _AT_ONCE, _SEARCHES = 1_000_000, 50_000, 1000
_FIRST = 0x20 << 120
_ORGANISATIONS = 20_000
_DATABASES = ("SQLite", "PostgreSQL")
_USAGES = (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT)


def _digest(number: int, what: str) -> bytes:
    return sha256(f"{what} {number}".encode()).digest()


def _record(number: int) -> CertificateRecord:
    """Two for each device, and one in fifty of an organisation, in a pack of five, until a minute of its own."""
    key, of_organisation = _digest(number, "key"), number % 50 == 0
    return CertificateRecord(
        "OCA" if of_organisation else "DCA",
        _FIRST + number,
        Family.ORGANISATION if of_organisation else Family.DEVICE,
        "organisation" if of_organisation else "device",
        "a subject" if of_organisation else "",
        RemotePartyRole.SUPPLIER if of_organisation else None,
        Eui64(_digest(number // 2, "device")[:8]),
        _USAGES[number % 2],
        key[:8],
        key,
        NOW,
        NOW + timedelta(days=3650, minutes=number) if of_organisation else certs.NO_EXPIRY,
        _digest(number, "der") * 13,  # as long as a certificate
        NOW,
        purpose=f"pack {number // 250}" if of_organisation else "",
        lodged_at=NOW,
    )


@dataclass(frozen=True)
class _Kind:
    """A kind of question about certificate ``number``, and how the same rows are had without us."""

    name: str
    query: Callable[[int], Query]
    where: str
    values: Callable[[int], tuple[Any, ...]]
    of_organisation: bool = False


def _serial(number: int) -> bytes:
    return (_FIRST + number).to_bytes(20, "big")


def _minute(number: int) -> Any:
    return NOW + timedelta(days=3650, minutes=number)


_KINDS = (
    _Kind("issuer and serial", lambda n: Query(issuer="DCA", serial=_FIRST + n), "issuer = 'DCA' AND serial = ?",
          lambda n: (_serial(n),)),
    _Kind("serial alone", lambda n: Query(serial=_FIRST + n), "issuer = 'DCA' AND serial = ?",
          lambda n: (_serial(n),)),
    _Kind("key", lambda n: Query(key=_digest(n, "key")), "key = ? AND imported = 0", lambda n: (_digest(n, "key"),)),
    _Kind("SKI", lambda n: Query(ski=_digest(n, "key")[:8]), "ski = ?", lambda n: (_digest(n, "key")[:8],)),
    _Kind("device", lambda n: Query(entity_id=Eui64(_digest(n // 2, "device")[:8])), "entity_id = ?",
          lambda n: (_digest(n // 2, "device")[:8],)),
    _Kind("device, usage, in use",
          lambda n: Query(entity_id=Eui64(_digest(n // 2, "device")[:8]), key_usage=_USAGES[n % 2],
                          status=Status.IN_USE),
          "entity_id = ? AND key_usage = ?", lambda n: (_digest(n // 2, "device")[:8], int(_USAGES[n % 2]))),
    _Kind("pack", lambda n: Query(purpose=f"pack {n // 250}"), "purpose = ? AND purpose <> ''",
          lambda n: (f"pack {n // 250}",), True),
    _Kind("expiry", lambda n: Query(expires_from=_minute(n), expires_to=_minute(n + 100)),
          "not_after BETWEEN ? AND ? AND not_after < 253402300799000000",
          lambda n: tuple(int(_minute(m).timestamp()) * 1_000_000 for m in (n, n + 100)), True),
)  # fmt: skip

RATIOS = tuple(
    Ratio(f"{database}: {kind.name} / bare", f"{database}, {kind.name}", f"{database}, {kind.name}, bare", 3.0, False)
    for database in _DATABASES
    for kind in _KINDS
)


def cases(shared: Path) -> list[Case]:
    """Cases over stores of their own; nothing is read from ``shared``."""
    found: list[Case] = []
    for database in _DATABASES:
        url = postgresql() if database == "PostgreSQL" else None
        at = home(url)
        _fill(at)
        found += _of(database, at, url or f"sqlite:///{at.folder / 'trustcell.db'}")
    return found


def _fill(at: Home) -> None:
    for start in range(1, _MILLION + 1, _AT_ONCE):
        with at.store.transaction(NOW) as books:
            books.certificates.add_many([_record(number) for number in range(start, start + _AT_ONCE)])
            books.audit.append("bench.filled", "bench", {"from": start}, NOW)


def _of(database: str, at: Home, url: str) -> Iterator[Case]:
    """The look-ups have a connection with the settings of the store, and the transaction that each search has."""
    engine = make_engine(url)
    if database == "PostgreSQL":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE certificate")
    options = {} if database == "SQLite" else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    connection = engine.connect().execution_options(reading=True, **options)
    driver: Any = connection.connection.driver_connection
    for kind in _KINDS:
        yield Case(f"{database}, {kind.name}, bare", _bare(database, driver, kind), _SEARCHES)
        yield Case(f"{database}, {kind.name}", _search(at, kind), _SEARCHES)
    yield Case(f"{database}, nothing but a transaction", lambda: _nothing(database, driver), _SEARCHES)


def _numbers(kind: _Kind) -> Iterator[int]:
    """Certificates anywhere among the million, drawn before anything is timed."""
    drawn = [random.randrange(1, _MILLION) for _ in range((ROUNDS + 1) * _SEARCHES)]
    return itertools.cycle([n // 50 * 50 + (50 if kind.of_organisation else 1 + n % 49) for n in drawn])


def _search(at: Home, kind: _Kind) -> Callable[[], None]:
    numbers = _numbers(kind)

    def run() -> None:
        for number in itertools.islice(numbers, _SEARCHES):
            with at.store.reading() as books:
                assert books.certificates.search(kind.query(number), NOW)

    return run


@contextmanager
def _transaction(database: str, driver: Any) -> Iterator[None]:
    if database == "SQLite":
        driver.execute("BEGIN")
    yield
    driver.rollback()


def _bare(database: str, driver: Any, kind: _Kind) -> Callable[[], None]:
    text = f"SELECT * FROM certificate WHERE {kind.where}"
    if database == "PostgreSQL":
        text = text.replace("?", "%s")

    numbers = _numbers(kind)

    def run() -> None:
        for number in itertools.islice(numbers, _SEARCHES):
            with _transaction(database, driver):
                assert driver.execute(text, kind.values(number)).fetchall()

    return run


def _nothing(database: str, driver: Any) -> None:
    for _ in range(_SEARCHES):
        with _transaction(database, driver):
            driver.execute("SELECT 1").fetchall()
