"""Revocation lists of a million entries, as the codec builds them: whole, and once more after one more revocation."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.harness import Case, Ratio
from trustcell import certs, gbcs
from trustcell.certs.crl_fast import EncodedEntries, crl_tbs_of, signed_crl

ROUNDS = 3
_QUARTER, _MILLION = 250_000, 1_000_000
_BEGINS = datetime(2026, 1, 1, tzinfo=UTC)

RATIOS = (
    Ratio("an entry of a million / an entry of a quarter", "build, 1,000,000", "build, 250,000", 1.3, share=False),
    Ratio("T10: reissue / full build of a million", "reissue, 1,000,000", "build, 1,000,000", 0.2, share=False),
)


def cases(shared: Path) -> list[Case]:
    """Cases over serials of its own; nothing is read from ``shared``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = certs.authority_name("T1", 7)
    template = certs.CrlTemplate(name, _BEGINS, _BEGINS + timedelta(hours=48), 7, bytes(8))
    first = 0x11 << 120
    rows = [(first + number * 7919, _BEGINS + timedelta(seconds=number), 1) for number in range(_MILLION)]
    kept, later = EncodedEntries(rows), itertools.count(_MILLION)

    def build(count: int) -> None:
        made(EncodedEntries(rows[:count]))

    def made(entries: EncodedEntries) -> None:
        signed_crl(crl_tbs_of(template, entries), lambda octets: gbcs.sign(key, octets))

    def again() -> None:
        number = next(later)
        kept.add(first + number * 7919, _BEGINS + timedelta(seconds=number), 1)
        made(kept)

    return [
        Case("build, 250,000", lambda: build(_QUARTER), _QUARTER),
        Case("build, 1,000,000", lambda: build(_MILLION), _MILLION),
        Case("reissue, 1,000,000", again, _MILLION),
    ]
