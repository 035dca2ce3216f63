"""Who sits in a cell, as the DSP sees it at install and commission (smki.md 4.3)."""

import pytest

from trustcell.dsp import Recognition, Reported, recognise
from trustcell.vocab import Eui64, KeyUsage

PACK = Reported(Eui64(b"broker  "), b"\x42" + bytes(7), KeyUsage.KEY_AGREEMENT)
OWN = Reported(Eui64(b"operator"), b"\x43" + bytes(7), KeyUsage.KEY_AGREEMENT)
OLD = Reported(Eui64(b"broker  "), b"\x44" + bytes(7), KeyUsage.KEY_AGREEMENT)
OTHER_USAGE = Reported(PACK.entity, PACK.key_id, KeyUsage.DIGITAL_SIGNATURE)


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        (PACK, Recognition.DEFAULT),
        (OWN, Recognition.RECORDED),
        (OLD, Recognition.FOUND),
        (OTHER_USAGE, Recognition.UNKNOWN),
    ],
)
def test_cheapest_first(reported, expected):
    assert recognise(reported, {PACK}, OWN, {PACK, OWN, OLD}) is expected
    assert expected.needs_search is (expected in (Recognition.FOUND, Recognition.UNKNOWN))


def test_default_wins_over_record():
    assert recognise(PACK, {PACK}, PACK, {PACK}) is Recognition.DEFAULT


def test_nothing_known():
    assert recognise(OWN, set(), None, set()) is Recognition.UNKNOWN
