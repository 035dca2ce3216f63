"""Certificates: from CSR to repository, with checks, rules, lint, store and audit, against the bare calls."""

import itertools
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.authority import NOW, Subject, home, postgresql, subject
from benchmarks.harness import Case, Ratio
from trustcell import certs
from trustcell.app.home import Home
from trustcell.smki.rules.ask import Ask
from trustcell.smki.rules.batch import BatchItem
from trustcell.smki.rules.records import ItemVerdict
from trustcell.smki.service.batch_chunk import serials
from trustcell.smki.service.shapes import DeviceShapes
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole

_ECDSA = ec.ECDSA(hashes.SHA256())
_DS = KeyUsage.DIGITAL_SIGNATURE
_SUPPLIER = Eui64.parse("90-B3-D5-1F-30-01-00-00")
ROUNDS = 3
_BATCH, _ONES, _BULK = 5000, 12, 2000

RATIOS = (
    Ratio("batch on SQLite: share of bare sign + verify", "batch, SQLite", "bare sign + verify", 0.4, True),
    Ratio("T8: batch on SQLite", "batch, SQLite", "bare sign + verify", 0.6, True, must=False),
    Ratio("batch on PostgreSQL", "batch, PostgreSQL", "bare sign + verify", 0.4, True),
    Ratio("bulk issue of checked requests: share of raw signing", "bulk, checked", "bare sign", 0.6, True),
    Ratio("T9: bulk issue of checked requests", "bulk, checked", "bare sign", 0.85, True, must=False),
    Ratio("one by one on SQLite", "one by one, SQLite", "bare sign + verify", 0.02, True, must=False),
    Ratio("one by one on PostgreSQL", "one by one, PostgreSQL", "bare sign + verify", 0.02, True, must=False),
)


def cases(shared: Path) -> list[Case]:
    """Cases over homes of their own; nothing is read from ``shared``."""
    on_file, on_server = home(), home(postgresql())
    ca, octets = subject(1), bytes(326)
    public, signature = ca.private.public_key(), ca.private.sign(octets, _ECDSA)

    def sign() -> None:
        for _ in range(_BULK):
            ca.private.sign(octets, _ECDSA)

    def both() -> None:
        for _ in range(_BULK):
            ca.private.sign(octets, _ECDSA)
            public.verify(signature, octets, _ECDSA)

    numbers = itertools.count(1000)
    waiting: dict[str, list[BatchItem]] = {"SQLite": [], "PostgreSQL": []}
    single: dict[str, list[bytes]] = {"SQLite": [], "PostgreSQL": []}

    issued: list[tuple[Home, str]] = []

    def refill() -> None:
        while issued:  # looked at here, for nobody who issues reads 5,000 verdicts
            at, batch = issued.pop()
            assert all(verdict.status == "SUCCESS" for verdict in _verdicts(at, batch))
        for name in waiting:
            waiting[name] = [BatchItem(f"{n}.csr", _device(n)) for n in itertools.islice(numbers, _BATCH)]
            single[name] = [_organisation(subject(n)) for n in itertools.islice(numbers, _ONES)]

    return [
        Case("refill (not of interest)", refill),
        Case("bare sign", sign, _BULK, 5),
        Case("bare sign + verify", both, _BULK, 5),
        Case("bulk, checked", _bulk(on_file), _BULK, 5),
        Case("batch, SQLite", lambda: issued.append(_batch(on_file, waiting["SQLite"])), _BATCH),
        Case("batch, PostgreSQL", lambda: issued.append(_batch(on_server, waiting["PostgreSQL"])), _BATCH),
        Case("one by one, SQLite", lambda: _one_by_one(on_file, single["SQLite"]), _ONES),
        Case("one by one, PostgreSQL", lambda: _one_by_one(on_server, single["PostgreSQL"]), _ONES),
    ]


def _device(number: int) -> bytes:
    key = subject(number)
    return certs.device_csr(Eui64((0x00DB_0000_0000_0000 + number).to_bytes(8, "big")), _DS, key.point, key.sign)


def _organisation(key: Subject) -> bytes:
    return certs.organisation_csr(RemotePartyRole.SUPPLIER, _SUPPLIER, _DS, key.point, key.sign)


def _batch(at: Home, items: list[BatchItem]) -> tuple[Home, str]:
    name = at.batches.submit(items, at.credential("max"), NOW).name
    assert at.batches.issue(name, at.credential("ian"), lambda: NOW).complete
    return at, name


def _verdicts(at: Home, name: str) -> list[ItemVerdict]:
    with at.store.reading() as books:
        return list(books.batches.verdicts(name))


def _one_by_one(at: Home, found: list[bytes]) -> None:
    for csr in found:
        request = at.authority.submit(csr, Ask(), at.credential("sam"), NOW)
        at.authority.issue(request.name, at.credential("ian"), NOW)


def _bulk(at: Home) -> Callable[[], None]:
    """Requests that were checked become certificates: drafted, held against the linted twin, signed, assembled."""
    reader = certs.DeviceRequests()
    requests = [reader.read(_device(number)) for number in range(100, 100 + _BULK)]
    ca = at.hierarchy.issuing_dca
    shapes = DeviceShapes(ca.certificate, at.environment, at.random)

    def run() -> None:
        drafted = []
        for request, serial in zip(requests, serials(_BULK, at.random), strict=True):
            shape = shapes.shape(NOW, request.key_usage, request.hardware_type)
            drafted.append((shape, serial, request, shape.splice.tbs(serial, request.entity_id, request.point)))
        for shape, serial, request, tbs in drafted:
            assert shape.check.passes(tbs, serial, request.entity_id, request.point)
        signed = [(tbs, ca.sign(tbs, NOW)) for _, _, _, tbs in drafted]
        assert len([certs.certificate_octets(tbs, signature) for tbs, signature in signed]) == _BULK

    return run
