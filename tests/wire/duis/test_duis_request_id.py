"""RequestID: one value however it is spelled, and nothing that the XSD pattern would refuse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell.duis import RequestId
from trustcell.vocab import MAX_COUNTER, Eui64, WireError

EUIS = st.binary(min_size=8, max_size=8).map(Eui64)
TEXT = "90-B3-D5-1F-30-02-00-00:00-DB-12-34-56-78-90-A0:1200"


@given(EUIS, EUIS, st.integers(0, MAX_COUNTER))
def test_an_id_survives_text_in_either_case(originator: Eui64, target: Eui64, counter: int) -> None:
    value = RequestId(originator, target, counter)
    assert RequestId.parse(str(value)) == value
    assert RequestId.parse(str(value).lower()) == value
    assert hash(RequestId.parse(str(value).lower())) == hash(value)
    assert str(value) == str(value).upper()


def test_a_response_id_swaps_the_parties_and_keeps_the_counter() -> None:
    value = RequestId.parse(TEXT)
    assert str(value.response_id()) == "00-DB-12-34-56-78-90-A0:90-B3-D5-1F-30-02-00-00:1200"
    assert value.response_id().response_id() == value


def test_counters_go_to_the_last_64_bit_number_exactly() -> None:
    for counter in (0, 2**63 - 1, 2**63, 2**64 - 1):
        assert RequestId.parse(f"{TEXT[:-4]}{counter}").counter == counter


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT[:-4],
        f"{TEXT[:-4]}-1",
        f"{TEXT[:-4]}+1",
        f"{TEXT[:-4]}01200",
        f"{TEXT[:-4]}{2**64}",
        f"{TEXT[:-4]}{10**40}",
        f"{TEXT} ",
        f" {TEXT}",
        f"{TEXT}\n",
        TEXT.replace("-", ""),
        TEXT.replace("-", ":"),
        TEXT.replace("A0", "G0"),
        f"{TEXT[:-4]}\uff11\uff12",
        TEXT.replace("0", "\u0660", 1),
        f"{TEXT[:-4]}1_200",
    ],
)
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(WireError) as refusal:
        RequestId.parse(text)
    assert refusal.value.code == "schema_invalid"


@pytest.mark.parametrize("counter", [-1, 2**64, True, 1.0])
def test_values_hold_their_range(counter: int) -> None:
    eui = Eui64(bytes(8))
    with pytest.raises(ValueError, match="counter"):
        RequestId(eui, eui, counter)
