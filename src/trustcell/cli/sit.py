"""``trustcell sit``: system integration tests against the built-in system or any DUIS address."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from trustcell.app.files import read_input, write_output
from trustcell.cli.output import AsJson, lines, out, print_json, refusals, with_progress
from trustcell.vocab import Clause, Refused

if TYPE_CHECKING:
    from trustcell.sit import Scenario
    from trustcell.sit.ports import System

app = typer.Typer(help="System integration tests: read them, extend them, run them.", no_args_is_help=True)

SIT = Clause("trustcell sit", "docs/sit.md, scenarios")
Folder = Annotated[
    Path | None, typer.Option("--scenarios", metavar="FOLDER", help="Scenarios of your own, beside the shipped ones.")
]
_EXAMPLE = """# What it shows, in whose words, by which clause.
name = "{name}"
title = "The supplier hands a slot to an operator"
requirement = "ours"
clause = "SECMP0128A 4.1"

# do: read, handover, update, change-supplier, inventory, unreachable, reachable, register
# as, to: operator-a, operator-b, supplier, supplier-b, acb     device: gpf-north, gpf-south
# expect: code of the answer at once     outcome: code of what comes later, or silence
# operator, supplier: who has to be in those cells afterwards, as the device shows them
[[steps]]
do = "handover"
as = "supplier"
device = "gpf-north"
to = "operator-a"
expect = "I99"
outcome = "I0"
operator = "operator-a"
because = "the ACB held the slot"
"""


@app.callback()
def group() -> None:
    """System integration tests: read them, extend them, run them."""


@app.command("list")
@refusals
def list_scenarios(folder: Folder = None, as_json: AsJson = False) -> None:
    """The scenarios there are, what each shows and what it needs."""
    found = _scenarios(folder)
    if as_json:
        print_json(
            [
                {"name": each.name, "title": each.title, "requirement": each.requirement, "needs": sorted(each.needs)}
                for each in found
            ]
        )
        return
    for each in found:
        lines([f"{each.name:18}{each.title}", f"{'':18}{each.requirement}; needs {', '.join(sorted(each.needs))}"])


@app.command()
@refusals
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the scenario goes; its name without .toml.")],
    as_json: AsJson = False,
) -> None:
    """Write a scenario with comments, to begin with."""
    if file.exists():
        raise Refused([SIT.breach("file_exists", "file", f"{file} is there already", "take another name")])
    write_output(file, _EXAMPLE.format(name=file.stem).encode())
    if as_json:
        print_json({"file": str(file)})
    else:
        lines([f"{file}: trustcell sit run {file.stem} --scenarios {file.parent}"])


@app.command()
@refusals
def run(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Which ones; all without any.")] = None,
    folder: Folder = None,
    url: Annotated[
        str | None, typer.Option("--duis-url", metavar="URL", help="Another system; the built-in one without it.")
    ] = None,
    lab: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Users and devices of that system, as a lab file.")
    ] = None,
    keys: Annotated[
        list[Path] | None, typer.Option("--keys", metavar="FILE", help="Their keys; several times.")
    ] = None,
    callback_port: Annotated[
        int, typer.Option(metavar="PORT", help="Where that system sends responses to on this machine.")
    ] = 8090,
    patience: Annotated[float, typer.Option(metavar="SECONDS", min=0.1, help="How long for a response.")] = 30.0,
    tracking: Annotated[
        bool, typer.Option(help="Whether the built-in system remembers counters (SECMP0128A 4.1).")
    ] = True,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Also JUnit XML.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Also a page with the evidence.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run scenarios. Exit code 1 when one failed, or was not tried because the system lacks what it needs."""
    from trustcell.app.sit_client import clock
    from trustcell.sit import Verdict, forms, run_scenario

    chosen = _chosen(_scenarios(folder), names or [])
    results = []
    with _system(url, lab, keys or [], callback_port, patience, tracking) as system:
        with with_progress("scenarios", len(chosen)) as progress:
            for scenario in chosen:
                progress.update(progress.task_ids[0], description=scenario.name)
                results.append(run_scenario(scenario, system, clock))
                progress.advance(progress.task_ids[0])
        name = system.name
    for path, made in ((junit, forms.as_junit), (html, forms.as_html)):
        if path is not None:
            write_output(path, made(name, results))
    value = forms.as_value(name, results)
    if as_json:
        print_json(value)
    else:
        for each in results:
            colour = "green" if each.verdict is Verdict.PASSED else "red"
            out.print(f"[{colour}]{each.verdict.value:10}[/{colour}]{escape(each.scenario.name)}")
            lines(f"          {forms.title_of(step)}: {problem}" for step in each.steps for problem in step.problems)
            lines([f"          {each.reason}"] if each.reason else [])
        lines([f"{name}: {value['passed']} passed, {value['failed']} failed, {value['not_tried']} not tried"])
    if value["passed"] < len(results):
        raise typer.Exit(1)


@contextmanager
def _system(
    url: str | None, lab: Path | None, keys: list[Path], callback_port: int, patience: float, tracking: bool
) -> Iterator["System"]:
    if url is None:
        from trustcell.app.sit_builtin import BuiltIn

        built_in = BuiltIn(tracking)
        try:
            yield built_in
        finally:
            built_in.close()
        return
    if lab is None or not keys:
        raise typer.BadParameter("--duis-url needs --lab and --keys")
    from trustcell.app.sit_remote import remote_system

    with remote_system(url, lab, keys, callback_port, patience) as (remote, _address):
        yield remote


def _scenarios(folder: Path | None) -> "list[Scenario]":
    from trustcell.sit import read_scenario, shipped

    own = sorted(folder.glob("*.toml")) if folder is not None else []
    return [*shipped(), *(read_scenario(read_input(file), str(file)) for file in own)]


def _chosen(found: "list[Scenario]", names: list[str]) -> "list[Scenario]":
    known = {each.name: each for each in found}
    unknown = [name for name in names if name not in known]
    if unknown:
        problem = f"there is no scenario {', '.join(unknown)}"
        raise Refused([SIT.breach("scenario_unknown", "name", problem, f"one of {', '.join(known)}")])
    return [known[name] for name in names] if names else found
