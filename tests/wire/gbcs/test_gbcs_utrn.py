"""UTRN digits (gbcs.md 2.6); the authentic top-ups of RTDS are in ``test_gbcs_acceptance``."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell.gbcs import Utrn, check_utrn, parse_utrn, utrn_mac
from trustcell.gbcs.utrn import ValueClass
from trustcell.vocab import WireError
from wire.gbcs.rtds import PARTIES

OFFSET = 7394156990786306048
POSSIBLE: dict[str, Any] = {
    "truncated_counter": 3,
    "value_class": ValueClass.POUNDS,
    "value": 10,
    "mac": b"abcd",
    "check_digit": 5,
}


def digits(utrn: Utrn) -> str:
    """Twenty digits, written here independently of the code under test."""
    number = utrn.truncated_counter << 47 | utrn.value_class << 45 | utrn.value << 32 | int.from_bytes(utrn.mac, "big")
    return f"{OFFSET + number:019d}{utrn.check_digit}"


@given(
    st.integers(0, 1023),
    st.sampled_from(ValueClass),
    st.integers(0, 8191),
    st.binary(min_size=4, max_size=4),
    st.integers(0, 9),
)
def test_digits_read_back(counter: int, value_class: ValueClass, value: int, mac: bytes, check_digit: int) -> None:
    utrn = Utrn(counter, value_class, value, mac, check_digit)
    assert parse_utrn(digits(utrn)) == utrn
    assert utrn.ptut_high == (counter << 15 | value_class << 13 | value).to_bytes(4, "big")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "utrn_digits"),
        ("7394614433204021731", "utrn_digits"),
        ("739461443320402173155", "utrn_digits"),
        ("7394614433204021731x", "utrn_digits"),
        ("\u0667" * 20, "utrn_digits"),
        ("\u00b2" * 20, "utrn_digits"),
        ("0" * 20, "utrn_range"),
        ("9" * 20, "utrn_range"),
        (f"{OFFSET - 1}0", "utrn_range"),
        (f"{OFFSET + (1 << 57)}0", "utrn_range"),
        (f"{OFFSET + (2 << 45)}0", "utrn_value_class"),
        (f"{OFFSET + (3 << 45)}0", "utrn_value_class"),
    ],
)
def test_other_texts_are_refused(text: str, code: str) -> None:
    with pytest.raises(WireError) as caught:
        parse_utrn(text)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "fields", [{"truncated_counter": 1024}, {"truncated_counter": -1}, {"value": 8192}, {"mac": b"abc"},
               {"check_digit": 10}],
)  # fmt: skip
def test_impossible_top_ups_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Utrn(**POSSIBLE | fields)


def test_counter_and_mac_must_fit() -> None:
    ends, secret = (PARTIES["Sup"], PARTIES["A0"]), bytes(range(32))
    counter = 3 << 32
    made = Utrn(**POSSIBLE | {"mac": utrn_mac(Utrn(**POSSIBLE), *ends, counter, secret)})
    assert check_utrn(made, *ends, counter, secret)
    # Only ten bits of the counter are in the digits, but all 64 are in the MAC.
    assert not check_utrn(made, *ends, counter + (1 << 42), secret)
    assert not check_utrn(made, *ends, counter + 1, secret)
    assert not check_utrn(made, *ends, 4 << 32, secret)
    assert not check_utrn(made, *reversed(ends), counter, secret)
    # A right MAC over a counter of the wrong form, or over one that the digits do not show.
    for other in (counter + 1, 4 << 32):
        forged = Utrn(**POSSIBLE | {"mac": utrn_mac(made, *ends, other, secret)})
        assert utrn_mac(forged, *ends, other, secret) == forged.mac
        assert not check_utrn(forged, *ends, other, secret)
    for wrong in (-1, 1 << 64):
        with pytest.raises(ValueError):
            utrn_mac(made, *ends, wrong, secret)
