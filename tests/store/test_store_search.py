"""Every question gets from both databases what reading all certificates one by one gives."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.store_world import FOREVER, NOW, certificate, digest, opened, writing
from trustcell.adapters.store import SqlStore
from trustcell.adapters.store.certificate_search import question, select_of
from trustcell.smki.rules.matching import matches
from trustcell.smki.rules.records import CertificateRecord, Family, Query, Status
from trustcell.vocab import Eui64, KeyUsage

_AUTHORITY = KeyUsage.KEY_CERT_SIGN | KeyUsage.CRL_SIGN
_SECOND = timedelta(seconds=1)
# Few values of each field, so that questions with several criteria find something.
_ISSUERS, _SERIALS = ("D001", "T1", "TI", "ÿ"), (1, 2, 3, 4)
_KEYS, _ENTITIES = [digest(n) for n in range(4)], [Eui64(digest(n)[:8]) for n in range(3)]
_ENDS = (NOW - _SECOND, NOW, NOW + _SECOND, FOREVER)
_KINDS, _USAGES = (
    ("device", "organisation", "authority"),
    (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT, _AUTHORITY),
)
_PURPOSES, _APPROVALS = ("", "pack", "another"), ("A-1", "A-2")


def all_records() -> list[CertificateRecord]:
    """A few hundred that differ in everything a question can ask for."""
    found = []
    for number in range(400):
        key = _KEYS[number % 4] if number % 7 == 0 else digest(f"k{number}")
        found.append(
            certificate(
                _SERIALS[number % 4] if number < 16 else 100 + number,
                issuer=_ISSUERS[number // 4 % 4],
                family=tuple(Family)[number % 3],
                kind=_KINDS[number // 3 % 3],
                role=None if number % 3 == 0 else number % 5,
                entity_id=None if number % 11 == 0 else _ENTITIES[number % 3],
                key_usage=_USAGES[number // 2 % 3],
                key=key,
                ski=key[:8],
                key_use=number,
                not_before=NOW - 2 * _SECOND,
                not_after=_ENDS[number // 5 % 4],
                purpose=_PURPOSES[number // 7 % 3],
                approvals=_APPROVALS[: number % 4] if number % 4 < 3 else (),
                imported=number % 13 == 0,
                lodged_at=None if number % 6 == 0 else NOW,
                superseded_at=NOW if number % 8 == 0 else None,
                revoked_at=NOW if number % 9 == 0 else None,
            )
        )
    return found


def or_none(*values: Any) -> "st.SearchStrategy[Any]":
    return st.none() | st.sampled_from(values)


QUESTIONS = st.builds(
    Query, entity_id=or_none(*_ENTITIES), role=or_none(0, 1, 2, 4), key_usage=or_none(*_USAGES), key=or_none(*_KEYS),
    ski=or_none(*(key[:8] for key in _KEYS)), issuer=or_none(*_ISSUERS, "nobody"), serial=or_none(*_SERIALS, 2**159),
    family=or_none(*Family), kind=or_none(*_KINDS), status=or_none(*Status), expires_from=or_none(*_ENDS),
    expires_to=or_none(*_ENDS), purpose=or_none(*_PURPOSES), approval=or_none(*_APPROVALS, "A-3"),
    limit=st.none() | st.integers(0, 5),
)  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def stocked(request: pytest.FixtureRequest, new_store_url: Callable[[str], str]) -> Iterator[SqlStore]:
    store = opened(new_store_url(request.param))
    with writing(store) as books:
        books.certificates.add_many(all_records())
    yield store
    store.close()


def test_a_search_finds_what_reading_everything_finds(stocked: SqlStore) -> None:
    everything = sorted(all_records(), key=lambda each: (each.issuer.encode(), each.serial))

    @settings(max_examples=300, deadline=None)
    @given(QUESTIONS, st.sampled_from([NOW, NOW + _SECOND]))
    def ask(query: Query, now: datetime) -> None:
        wanted = [each for each in everything if matches(query, each, now) and query.purpose in (None, each.purpose)]
        with stocked.reading() as books:
            assert books.certificates.search(query, now) == wanted[: query.limit]

    ask()


def test_questions_of_one_shape_share_their_text() -> None:
    one, two = (question(Query(entity_id=entity, status=Status.IN_USE, limit=5), NOW) for entity in _ENTITIES[:2])
    assert one[0] == two[0]
    assert one[1] != two[1]
    assert select_of(one[0], postgresql=False) is select_of(two[0], postgresql=False)
    other = question(replace(Query(), entity_id=_ENTITIES[0], limit=5), NOW)
    assert other[0] != one[0]
    assert "%s" in select_of(one[0], postgresql=True)
    assert "?" not in select_of(one[0], postgresql=True)
