"""Charts are well-formed, inert, finite and always the same, and their tables say what they show."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from trustcell.charts import Bars, Lines, Series, draw, rows
from trustcell.charts.scale import label, ticks

NUMBERS = st.floats(-1e12, 1e12, allow_nan=False)
NAMES = st.text(max_size=20)
SVG = "{http://www.w3.org/2000/svg}"


KINDS = st.sampled_from([Lines, Bars])


@st.composite
def charts(draw_):
    count = draw_(st.integers(1, 8))
    made = []
    for _ in range(draw_(st.integers(1, 4))):
        values = draw_(st.lists(NUMBERS, min_size=count, max_size=count))
        band = draw_(st.booleans())
        made.append(
            Series(
                draw_(NAMES), values, [v - 1 for v in values] if band else (), [v + 1 for v in values] if band else ()
            )
        )
    return draw_(KINDS)(draw_(NAMES), draw_(NAMES), draw_(st.lists(NAMES, min_size=count, max_size=count)), made)


@given(charts())
def test_any_chart_is_well_formed_finite_and_the_same_twice(chart):
    told = draw(chart)
    tree = etree.fromstring(told.encode())
    assert told == draw(chart)
    assert tree.get("role") == "img"
    assert tree.find(f"{SVG}title") is not None
    assert tree.find(f"{SVG}desc") is not None
    assert not re.search(r'="[^"]*(?:nan|inf)[^"]*"', told)
    assert not tree.xpath("//*[@style] | //*[local-name()='style'] | //*[local-name()='script']")
    assert len(tree.findall(f"{SVG}polyline")) == (len(chart.series) if isinstance(chart, Lines) else 0)


@given(charts())
def test_everything_lies_inside_the_picture(chart):
    tree = etree.fromstring(draw(chart).encode())
    _, _, width, height = map(float, tree.get("viewBox").split())
    for each in tree.iter(f"{SVG}rect"):
        assert 0 <= float(each.get("x")) <= width
        assert -0.01 <= float(each.get("y")) <= float(each.get("y")) + float(each.get("height")) <= height
    for each in tree.iter(f"{SVG}polyline"):
        for point in each.get("points").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= width
            assert 0 <= y <= height


def test_hostile_names_stay_text():
    evil = '"><script>alert(1)</script>&\x00\ud800'
    tree = etree.fromstring(draw(Lines(evil, evil, [evil], [Series(evil, [1.0])])).encode())
    assert not tree.xpath("//*[local-name()='script']")
    assert "<script>alert(1)</script>" in tree.find(f"{SVG}title").text


@given(NUMBERS, NUMBERS)
def test_ticks_hold_the_range_in_equal_round_steps(one, other):
    low, high = sorted((one, other))
    found = ticks(low, high)
    assert found[0] <= low + abs(low) * 1e-9
    assert found[-1] >= high - abs(high) * 1e-9
    assert 2 <= len(found) <= 10


def test_higher_values_are_drawn_higher():
    chart = Bars("t", "u", ["a", "b"], [Series("s", [1.0, 2.0])])
    bars = [
        each
        for each in etree.fromstring(draw(chart).encode()).iter(f"{SVG}rect")
        if each.get("class").startswith("bar")
    ]
    assert float(bars[1].get("height")) == pytest.approx(2 * float(bars[0].get("height")), rel=0.01)


def test_the_table_says_the_same():
    heads, body = rows(Lines("t", "u", ["2024", "2025"], [Series("reused", [1.0, 20_000.0], [0.5, 1e4], [2.0, 3e6])]))
    assert heads == ["", "reused"]
    assert body == [["2024", "1 (0.5 to 2)"], ["2025", "20k (10k to 3M)"]]


@pytest.mark.parametrize(
    ("value", "told"), [(0, "0"), (1234, "1234"), (15_000, "15k"), (2.5e6, "2.5M"), (-3e9, "-3G"), (0.25, "0.25")]
)
def test_numbers_are_short(value, told):
    assert label(value) == told


def test_nothing_to_draw_is_an_error():
    for positions, values in (([], []), (["a"], []), (["a"], [1.0, 2.0])):
        with pytest.raises(ValueError):
            draw(Lines("t", "u", positions, [Series("s", values)]))
    with pytest.raises(ValueError):
        Series("s", [1.0], [0.0], [])
