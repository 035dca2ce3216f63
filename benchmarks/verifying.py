"""verify-all: every certificate re-linted by other code, chained, matched to its decision, audit entry and copy."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.authority import NOW, home, subject
from benchmarks.harness import Case, Ratio
from trustcell import certs
from trustcell.app.audit_home import verify_home
from trustcell.smki.rules.batch import BatchItem
from trustcell.vocab import Eui64, KeyUsage

ROUNDS = 1
_COUNT = 10_000
_FIRST = 0x00DB_0000_0000_0000
_WHOLE, _ONE = "verify-all", "one verification"
RATIOS = (Ratio("verify-all of a certificate / one ECDSA verification", _WHOLE, _ONE, 10.0, share=False, must=False),)
_seconds: list[float] = []


def cases(shared: Path) -> list[Case]:
    """A home with a batch of device certificates; nothing is read from ``shared``."""
    made = home()
    items = []
    for number in range(_COUNT):
        key = subject(number)
        eui = Eui64((_FIRST + number).to_bytes(8, "big"))
        csr = certs.device_csr(eui, KeyUsage.DIGITAL_SIGNATURE, key.point, key.sign)
        items.append(BatchItem(f"{number}.csr", csr))
    name = made.batches.submit(items, made.credential("max"), NOW).name
    assert made.batches.issue(name, made.credential("ian"), lambda: NOW).complete
    issuer = made.hierarchy.issuing_dca.certificate
    with made.store.reading() as books:
        some = [certs.Certificate.from_der(each.der) for each in itertools.islice(books.certificates.all(), 500)]
    signed = [each for each in some if each.issuer == issuer.subject][:100]

    def everything() -> None:
        began = time.perf_counter()
        assert verify_home(made).faults == []
        _seconds.append(time.perf_counter() - began)

    def verify() -> None:
        for each in signed:
            assert certs.verify_signature(each, issuer.public_key)

    return [Case(_WHOLE, everything, _COUNT), Case(_ONE, verify, len(signed))]


def notes() -> Iterator[str]:
    """What a hundred thousand would take."""
    if _seconds:
        yield f"verify-all of 100,000 certificates: {min(_seconds) * 100_000 / _COUNT:.0f} s"
