"""Lists kept encoded: octet for octet what the codec makes, and cheap to add to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from trustcell import certs

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
TEMPLATE = certs.CrlTemplate(certs.authority_name("T1", 7), NOW, NOW + timedelta(hours=48), 5, bytes(range(8)))
entries = st.lists(
    st.tuples(
        st.integers(1, 2**159 - 1) | st.integers(0x10 << 120, (0x80 << 120) - 1),
        st.datetimes(datetime(1950, 1, 1), datetime(2090, 1, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC)),
        st.sampled_from([None, 1, 3, 4, 5]),
    ),
    max_size=12,
)


def by_codec(found, template=TEMPLATE):
    return certs.crl_tbs_octets(replace(template, entries=tuple(certs.encode_crl_entry(*each) for each in found)))


@settings(max_examples=200, deadline=None)
@given(found=entries, number=st.integers(0, 2**80))
def test_a_list_is_the_one_the_codec_makes(found, number):
    template = replace(TEMPLATE, number=number)
    assert certs.crl_tbs_of(template, certs.EncodedEntries(found)) == by_codec(found, template)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 8, 1700, 1800])
def test_lengths_of_every_size_are_right(count):
    found = [((0x10 << 120) + number, NOW, 1) for number in range(count)]
    assert certs.crl_tbs_of(TEMPLATE, certs.EncodedEntries(found)) == by_codec(found)


def test_adding_one_gives_the_list_that_is_built_anew():
    found = [((0x10 << 120) + number, NOW, 1) for number in range(50)]
    kept = certs.EncodedEntries(found)
    certs.crl_tbs_of(TEMPLATE, kept)
    kept.add(77, NOW, None)
    assert len(kept) == 51
    assert certs.crl_tbs_of(TEMPLATE, kept) == by_codec([*found, (77, NOW, None)])


def test_an_hour_of_another_zone_is_written_in_utc():
    there = timezone(timedelta(hours=5))
    found = [(0x10 << 120, NOW.astimezone(there), 1)]
    assert certs.crl_tbs_of(TEMPLATE, certs.EncodedEntries(found)) == by_codec([(0x10 << 120, NOW, 1)])


@pytest.mark.parametrize(
    "wrong",
    [
        (0x10 << 120, NOW.replace(microsecond=1), 1),
        (0x10 << 120, NOW.replace(tzinfo=None), 1),
        (0x10 << 120, NOW, 7),
        (5, NOW, 0),
    ],
)
def test_one_that_cannot_be_encoded_leaves_the_list_as_it_was(wrong):
    kept = certs.EncodedEntries([(1, NOW, None)])
    with pytest.raises(ValueError):
        kept.extend([(2, NOW, None), wrong])
    assert len(kept) == 1
    assert certs.crl_tbs_of(TEMPLATE, kept) == by_codec([(1, NOW, None)])


def test_a_signed_list_is_read_and_verified():
    key = ec.derive_private_key(11, ec.SECP256R1())

    def sign(octets):
        r, s = decode_dss_signature(key.sign(octets, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    found = [((0x10 << 120) + number, NOW, 1) for number in range(300)]
    der = certs.signed_crl(certs.crl_tbs_of(TEMPLATE, certs.EncodedEntries(found)), sign)
    made = certs.load_crl(der)
    assert made.verify(key.public_key())
    assert len(made.entries) == 300
    assert not made.flags


def test_a_template_with_entries_is_refused():
    template = replace(TEMPLATE, entries=(certs.encode_crl_entry(1, NOW),))
    with pytest.raises(ValueError, match="beside"):
        certs.crl_tbs_of(template, certs.EncodedEntries())
