"""Scenarios: read strictly, passed by the built-in system, failed by planted faults, run against a served lab."""

import json
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from lxml import etree, html
from typer.testing import CliRunner

from trustcell.app.sit_builtin import BuiltIn
from trustcell.cli import app
from trustcell.sit import Result, StepResult, Verdict, forms, read_scenario, run_scenario, shipped
from trustcell.sit.rules.scenario import Do
from trustcell.sit.rules.verdict import Seen
from trustcell.vocab import WireError

cli = CliRunner()
SCENARIOS = {each.name: each for each in shipped()}


def now():
    return datetime.now(UTC)


@pytest.fixture
def system():
    made = BuiltIn()
    yield made
    made.close()


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_built_in_system_passes(system, name):
    result = run_scenario(SCENARIOS[name], system, now)
    assert result.verdict is Verdict.PASSED, [step.problems for step in result.steps]
    assert len(result.steps) == len(SCENARIOS[name].steps)


def test_every_request_has_its_evidence(system):
    result = run_scenario(SCENARIOS["departure"], system, now)
    update = next(step for step in result.steps if step.step.do is Do.UPDATE)
    titles = list(update.seen.evidence)
    for wanted in ("DUIS 6.15.1 sent", "DUIS 6.15.1 answered", "GBCS command", "DUIS outcome", "GBCS response"):
        assert wanted in titles
    assert "originator_counter: 4611686018427387904" in update.seen.evidence["GBCS command"]
    assert "<ds:Signature" in update.seen.evidence["DUIS 6.15.1 sent"] or "Signature" in "".join(titles)


def test_without_tracking_exactly_those_fail_that_need_it():
    system = BuiltIn(tracking=False)
    failed = {name for name, each in SCENARIOS.items() if run_scenario(each, system, now).verdict is Verdict.FAILED}
    system.close()
    assert failed == {"departure", "return"}


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("fault", ["expect", "outcome", "operator"])
def test_a_system_that_does_something_else_fails(system, name, fault):
    """Every expectation counts: what was seen is bent at the first step that expects something of the kind."""

    class Bent:
        def __getattr__(self, wanted):
            return getattr(system, wanted)

        def do(self, step):
            seen = system.do(step)
            if not getattr(step, fault):
                return seen
            return replace(seen, **{{"expect": "code"}.get(fault, fault): "something else"})

    expected = any(getattr(step, fault) for step in SCENARIOS[name].steps)
    result = run_scenario(SCENARIOS[name], Bent(), now)
    assert (result.verdict is Verdict.FAILED) is expected
    if expected:
        assert "something else seen" in result.steps[-1].problems[0]


def test_what_a_system_lacks_is_not_passed(system):
    class Poor:
        name = "a poor system"
        can_control = False

        def has(self):
            return {"supplier", "operator-a", "gpf-north", "gpf-south"}

    result = run_scenario(SCENARIOS["departure"], Poor(), now)
    assert result.verdict is Verdict.NOT_TRIED
    assert result.reason == "a poor system has no operator-b"
    assert "cannot be controlled" in run_scenario(SCENARIOS["unreachable"], Poor(), now).reason


GOOD = b"""
name = "x"
title = "t"
requirement = "r"
clause = "c"
[[steps]]
do = "read"
as = "supplier"
device = "gpf-north"
outcome = "I0"
"""


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b'name = "x"', b'nome = "x"', "nome"),
        (b'clause = "c"', b"", "clause"),
        (b'do = "read"', b'do = "red"', "steps[1].do"),
        (b'as = "supplier"', b'as = "mallory"', "steps[1].as"),
        (b'device = "gpf-north"', b"", "steps[1].device"),
        (b'outcome = "I0"', b'outcom = "I0"', "steps[1].outcom"),
        (b'outcome = "I0"', b"", "steps"),
        (b'outcome = "I0"', b"outcome = 5", "steps[1].outcome"),
        (b'outcome = "I0"', b'outcome = "I0"\ncounter = "2^70"', "steps[1].counter"),
        (b'do = "read"', b'do = "handover"', "steps[1].to"),
        (b"[[steps]]", b"[[steps", ""),
    ],
)
def test_a_scenario_that_is_not_right_is_refused_by_place(old, new, field):
    assert read_scenario(GOOD, "x.toml").name == "x"
    with pytest.raises(WireError) as found:
        read_scenario(GOOD.replace(old, new), "x.toml")
    assert found.value.code == "scenario_format"
    assert str(found.value.path).startswith(f"x.toml: {field}" if field else "x.toml")


def test_the_example_is_a_scenario_and_passes(tmp_path):
    file = tmp_path / "mine.toml"
    assert cli.invoke(app, ["sit", "new", str(file)]).exit_code == 0
    done = cli.invoke(app, ["sit", "run", "mine", "--scenarios", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["passed"] == 1
    assert cli.invoke(app, ["sit", "new", str(file)]).exit_code == 1
    listed = json.loads(cli.invoke(app, ["sit", "list", "--scenarios", str(tmp_path), "--json"]).stdout)
    assert [each["name"] for each in listed][-1] == "mine"


def test_reports_of_a_failing_run(tmp_path):
    junit, page = tmp_path / "sit.xml", tmp_path / "sit.html"
    done = cli.invoke(app, ["sit", "run", "--no-tracking", "--junit", str(junit), "--html", str(page)])
    assert done.exit_code == 1
    suite = etree.parse(str(junit)).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("6", "2", "0")
    assert len(suite.findall("testcase")) == 6
    assert "I0 expected, E21 seen" in suite.find("testcase/failure").get("message")
    tree = html.parse(str(page))
    assert len(tree.xpath("//section")) == 6
    assert len(tree.xpath("//details")) > 20
    assert not tree.xpath("//script | //link | //img")
    assert cli.invoke(app, ["sit", "run", "nonsense"]).exit_code == 1
    assert cli.invoke(app, ["sit", "run", "--duis-url", "http://127.0.0.1:1"]).exit_code == 2


def test_hostile_answers_are_inert_in_both_reports():
    evil = "<script>alert(1)</script>\x00"
    step = SCENARIOS["departure"].steps[0]
    seen = Seen(evil, evil, evil, evil, {evil: evil})
    result = Result(
        SCENARIOS["departure"], Verdict.FAILED, now(), 0.1, [StepResult(step, seen, Verdict.FAILED, [evil])], evil
    )
    assert etree.fromstring(forms.as_junit(evil, [result])).find("testcase/failure") is not None
    page = forms.as_html(evil, [result]).decode()
    assert "<script>" not in page
    untried = Result(SCENARIOS["departure"], Verdict.NOT_TRIED, now(), 0.0, [], "no operator-b")
    suite = etree.fromstring(forms.as_junit("x", [untried]))
    assert suite.get("errors") == "1"
    assert suite.find("testcase/error") is not None


IN_PLACE = """
name = "in-place"
title = "The operator of a lab leaves and comes back"
requirement = "ours"
clause = "SECMP0128A 4.1"

[[steps]]
do = "read"
as = "supplier"
device = "gpf-north"
expect = "I99"
outcome = "I0"
operator = "operator-a"

[[steps]]
do = "update"
as = "operator-a"
device = "gpf-north"
to = "acb"
counter = "2^62"
expect = "I99"
outcome = "I0"
operator = "acb"

[[steps]]
do = "handover"
as = "supplier"
device = "gpf-north"
to = "operator-a"
expect = "I99"
outcome = "I0"
operator = "operator-a"
"""


def test_a_served_lab_is_tested_from_outside(shared, tmp_path):
    """Another process, its real doors, the public identities; scenarios of one's own."""
    (tmp_path / "in-place.toml").write_text(IN_PLACE)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        callback = taken.getsockname()[1]
    (lab, keys) = (shared / "zaz1-lab.json", shared / "zaz1-test-keys.json")
    command = [sys.executable, "-m", "trustcell", "serve", "--lab", lab, "--keys", keys, "--json"]
    ports = [word for name in ("duis", "repository", "api") for word in (f"--{name}-port", "0")]
    server = subprocess.Popen(
        [*map(str, command), *ports, "--callback", f"127.0.0.1:{callback}", "--no-run-token"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        told = json.loads(server.stdout.readline())
        arguments = ["--duis-url", told["duis"], "--lab", str(lab), "--keys", str(keys)]
        done = cli.invoke(
            app,
            ["sit", "run", "in-place", "departure", "--scenarios", str(tmp_path), *arguments, "--callback-port",
             str(callback), "--json"],
        )  # fmt: skip
    finally:
        server.terminate()
        server.wait(20)
        server.stdout.close()
    value = json.loads(done.stdout)
    by_name = {each["name"]: each for each in value["scenarios"]}
    assert by_name["in-place"]["verdict"] == "passed", by_name["in-place"]
    assert by_name["departure"]["verdict"] == "not tried"
    assert done.exit_code == 1, "what was not tried is not green"
