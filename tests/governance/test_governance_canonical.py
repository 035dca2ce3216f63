"""A record has one form of octets: the short way for flat records gives what JSON with sorted keys gives."""

import json
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell.governance.rules.canonical import canonical

_PLAIN = st.one_of(st.text(), st.integers(), st.booleans(), st.none(), st.lists(st.integers() | st.booleans()))
_NESTED = st.recursive(_PLAIN, lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)))


@given(st.dictionaries(st.text(), _NESTED))
def test_octets_are_those_of_json_with_sorted_keys(record: dict[str, object]):
    """Flat or nested, with any text, also through a view."""
    said = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical(record) == said.encode()
    assert canonical(MappingProxyType(record)) == said.encode()


def test_a_fraction_is_refused_wherever_it_stands():
    """Beside texts, inside lists, and as the only value."""
    for record in ({"a": "x", "b": 1.5}, {"a": [1, {"b": 2.5}]}, {"a": [1, 2.0]}, {"b": 0.5}):
        with pytest.raises(TypeError):
            canonical(record)
