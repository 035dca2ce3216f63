"""Studies: the same from the same seed to the octet, right in direction, conserved in number."""

import json

import pytest
from lxml import html
from typer.testing import CliRunner

from trustcell.cli import app
from trustcell.dsp.rules.recognition import Recognition
from trustcell.studies import STUDIES, forms, run_study
from trustcell.studies.rules.mp261 import approvals, packs_to_the_end, recognitions
from trustcell.studies.rules.parameters import month_number, month_text, shipped, with_changes
from trustcell.studies.rules.secmp0128a import HIGH, LOW, is_heard
from trustcell.vocab import Refused

cli = CliRunner()
REUSED, NEW, NEW_SHORT = "keys reused, 17 years", "new keys, 17 years", "new keys, 10 years"
TRACKING, NO_TRACKING, MANDATORY = (
    "tracking, subscription optional", "no tracking, subscription optional", "no tracking, subscription mandatory",
)  # fmt: skip


def result(name, seed=7, runs=12, **changes):
    return run_study(STUDIES[name], {key: str(value) for key, value in changes.items()}, seed, runs)


def number(told, variant, name, which="median"):
    return told["variants"][variant]["numbers"][name][which]


@pytest.mark.parametrize("name", STUDIES)
def test_the_same_seed_gives_the_same_octets(name):
    assert forms.as_json(result(name)) == forms.as_json(result(name))
    assert forms.as_json(result(name)) != forms.as_json(result(name, seed=8))
    assert forms.as_html(STUDIES[name], result(name)) == forms.as_html(STUDIES[name], result(name))


@pytest.mark.parametrize("name", STUDIES)
def test_more_runs_make_no_run_another_one(name):
    """Run 1 has its own stream: with it alone low, median and high are one number."""
    one = result(name, runs=1)
    for variant in one["variants"].values():
        for each in variant["numbers"].values():
            assert each["low"] == each["median"] == each["high"]


def test_reused_keys_need_no_search_and_new_ones_do():
    told = result("mp261")
    assert number(told, REUSED, "searches", "high") == number(told, REUSED, "failed", "high") == 0
    assert number(told, REUSED, "hours waited for searches", "high") == 0
    assert number(told, NEW, "searches", "low") > 0
    assert number(told, NEW, "hours waited for searches", "low") > 0


def test_variants_share_their_luck():
    told = result("mp261")
    assert number(told, NEW, "installed") == number(told, REUSED, "installed")
    assert number(told, NEW, "searches") == number(told, NEW_SHORT, "searches")


def test_a_longer_search_is_a_longer_wait_and_more_second_visits():
    short, long = result("mp261", search_minutes=5), result("mp261", search_minutes=40)
    for name in ("hours waited for searches", "failed"):
        assert number(long, NEW, name) > number(short, NEW, name)
    assert number(long, REUSED, "hours waited for searches") == 0
    assert number(long, NEW, "searches") == number(short, NEW, "searches")


def test_more_old_stock_is_more_searches_and_none_is_none():
    assert number(result("mp261", old_stock_months=48), NEW, "searches") > number(result("mp261"), NEW, "searches")
    assert number(result("mp261", old_stock_months=0), NEW, "searches") == 0 or number(
        result("mp261", old_stock_months=0), NEW, "searches"
    ) <= number(result("mp261", old_stock_months=1), NEW, "searches")


def test_the_cliff_of_2026_is_there_and_moves_with_the_end_of_the_pack():
    told, later = result("mp261"), result("mp261", old_pack_ends="2027-03")
    months = told["months"]
    expired = dict(zip(months, told["variants"][NEW]["monthly"]["expired"]["median"], strict=True))
    assert expired["2026-10"] == 0 < expired["2026-11"]
    assert dict(zip(months, later["variants"][NEW]["monthly"]["expired"]["median"], strict=True))["2026-11"] == 0


def test_an_old_pack_that_stays_current_spares_the_search():
    assert number(result("mp261", old_pack_stays_current="true"), NEW, "searches") == 0


def test_what_no_repository_has_fails_whenever_it_is_searched():
    told = result("mp261", repository_has_old_pack="false")
    assert number(told, NEW, "failed") == number(told, NEW, "searches") > 0


def test_recognition_is_asked_of_the_rule_of_the_dsp():
    parameters = shipped("mp261")
    assert recognitions(parameters, reused=True) == {"old": Recognition.DEFAULT, "new": Recognition.DEFAULT}
    assert recognitions(parameters, reused=False) == {"old": Recognition.FOUND, "new": Recognition.DEFAULT}


def test_packs_and_approvals():
    first, end = month_number("2024-11"), month_number("2041-10")
    assert (packs_to_the_end(first, 17, end), packs_to_the_end(first, 10, end)) == (1, 2)
    parameters = shipped("mp261")
    assert approvals(parameters, reused=True, years=17, first_month=first) == 2
    assert approvals(parameters, reused=False, years=10, first_month=first) == 0
    before = month_number("2023-12")
    assert approvals(parameters, reused=True, years=17, first_month=before) == -1
    assert "refused" in result("mp261", first_month="2023-12")["variants"][REUSED]["facts"]["approvals for each pack"]


@pytest.mark.parametrize("variant", [TRACKING, NO_TRACKING, MANDATORY])
def test_no_slot_is_lost_from_the_count(variant):
    told = run_study(STUDIES["secmp0128a"], {"departures_a_year": "6"}, 3, 1)
    numbers = {name: each["median"] for name, each in told["variants"][variant]["numbers"].items()}
    parts = [numbers[name] for name in ("stuck", "handed over", "waiting", "left behind")]
    assert numbers["departed"] > 0
    assert sum(parts) == pytest.approx(numbers["departed"], rel=1e-5)


def test_without_tracking_slots_are_stuck_and_with_it_none():
    told = result("secmp0128a", departures_a_year=6)
    assert number(told, TRACKING, "stuck", "high") == 0
    assert number(told, NO_TRACKING, "stuck") > 0
    assert number(told, TRACKING, "handed over") > number(told, NO_TRACKING, "handed over")
    assert number(told, TRACKING, "departed") == number(told, NO_TRACKING, "departed")


def test_small_counters_harm_nobody():
    assert number(result("secmp0128a", departures_a_year=6, high_counters=0), NO_TRACKING, "stuck", "high") == 0


def test_who_must_subscribe_leaves_more_behind():
    told = result("secmp0128a", departures_a_year=6)
    assert number(told, MANDATORY, "departed") >= number(told, NO_TRACKING, "departed")
    assert number(told, MANDATORY, "pounds for unwanted subscriptions") > 0
    assert number(told, TRACKING, "pounds for unwanted subscriptions", "high") == 0


def test_operators_that_do_not_replace_leave_all_behind():
    told = result("secmp0128a", departures_a_year=6, replaces_before_leaving=0)
    assert number(told, TRACKING, "left behind") == number(told, TRACKING, "departed") > 0


def test_counters_are_asked_of_the_rule_of_the_dsp():
    assert [is_heard(each, tracking=tracking) for tracking in (True, False) for each in (HIGH, LOW)] == [
        True, True, False, True,
    ]  # fmt: skip


def test_the_cost_of_the_change_is_the_seeds():
    assert number(result("secmp0128a"), TRACKING, "pounds for the change") == 158_050 + 16 * 988


def test_bands_hold_the_median_and_narrow_for_means_of_more():
    told = result("mp261", runs=60)
    for variant in told["variants"].values():
        for each in variant["monthly"].values():
            for low, middle, high in zip(each["low"], each["median"], each["high"], strict=True):
                assert low <= middle <= high


@pytest.mark.parametrize("name", STUDIES)
def test_every_parameter_has_a_source_and_is_used(name):
    for each in shipped(name).values():
        assert each.source
        assert isinstance(each.assumed, bool)
    plain = forms.as_json(result(name))
    for each in shipped(name).values():
        if isinstance(each.value, bool):
            others = ["false" if each.value else "true"]
        elif isinstance(each.value, str):
            others = [month_text(month_number(each.value) + 15)]
        else:
            others = [str(type(each.value)(each.value * by)) for by in (3, 0.4)]
        changed = [json.loads(forms.as_json(result(name, **{each.name: other}))) for other in others]
        assert any(one["variants"] != json.loads(plain)["variants"] for one in changed), f"{each.name} changes nothing"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"nonsense": "1"}, "parameter_unknown"), ({"months": "x"}, "parameter_value"),
     ({"months": "-1"}, "parameter_value"), ({"old_pack_ends": "2026-13"}, "parameter_value"),
     ({"old_pack_stays_current": "perhaps"}, "parameter_value")],
)  # fmt: skip
def test_what_cannot_be_set_is_refused_by_name(changes, code):
    with pytest.raises(Refused) as found:
        with_changes("mp261", changes)
    assert found.value.findings[0].code == code
    assert found.value.findings[0].field == next(iter(changes))


def test_the_command(tmp_path):
    page = tmp_path / "page.html"
    arguments = ["study", "run", "secmp0128a", "--runs", "5", "--seed", "3", "--set", "returns=0.5"]
    done = cli.invoke(app, [*arguments, "--html", str(page)])
    assert done.exit_code == 0, done.output + done.stderr
    assert "returns set to 0.5" in done.stdout
    tree = html.parse(str(page))
    assert len(tree.xpath("//*[local-name()='svg']")) == 5
    assert not tree.xpath("//script | //link | //img")
    told = json.loads(cli.invoke(app, [*arguments, "--json"]).stdout)
    assert told["parameters"]["returns"] == {**told["parameters"]["returns"], "value": 0.5, "changed": True}
    assert cli.invoke(app, ["study", "run", "nonsense"]).exit_code == 1
    assert cli.invoke(app, ["study", "run", "mp261", "--set", "x"]).exit_code == 2
