"""``trustcell study``: what a change of the rules would do, simulated with the product's own rules."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from trustcell.app.files import write_output
from trustcell.cli.output import AsJson, lines, out, print_json, refusals, with_progress
from trustcell.vocab import Clause, Refused

app = typer.Typer(help="What-if: what a change of the rules would do, in numbers with bands.", no_args_is_help=True)

STUDIES_CLAUSE = Clause("trustcell study", "docs/studies.md, parameters")


@app.callback()
def group() -> None:
    """What-if: what a change of the rules would do, in numbers with bands."""


@app.command("list")
@refusals
def list_studies(as_json: AsJson = False) -> None:
    """The shipped studies."""
    from trustcell.studies import STUDIES

    if as_json:
        print_json([{"name": each.name, "title": each.title, "question": each.question} for each in STUDIES.values()])
        return
    lines(f"{each.name:12}{each.question}" for each in STUDIES.values())


@app.command()
@refusals
def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The study.")],
    value: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A parameter set anew; several times.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="The same seed gives the same result.")] = 1,
    runs: Annotated[
        int, typer.Option(metavar="N", min=1, max=100_000, help="How many runs the bands are made of.")
    ] = 200,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Also a page with charts.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a study: every variant over the same luck, with the parameters told beside the result."""
    from trustcell.studies import STUDIES, forms, run_study

    study = STUDIES.get(name)
    if study is None:
        problem = f"there is no study {name}"
        raise Refused([STUDIES_CLAUSE.breach("study_unknown", "name", problem, f"one of {', '.join(STUDIES)}")])
    changes = dict(_pair(each) for each in value or ())
    with with_progress(name, runs) as progress:
        task = progress.task_ids[0]
        result = run_study(study, changes, seed, runs, lambda done: progress.update(task, completed=done))
    if html is not None:
        write_output(html, forms.as_html(study, result))
    if as_json:
        sys.stdout.buffer.write(forms.as_json(result))
        sys.stdout.buffer.flush()
    else:
        _print(result, html)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r} is not KEY=VALUE")
    return name, value


def _print(result: dict[str, Any], html: Path | None) -> None:
    lines([result["title"], f"{result['question']} {result['runs']} runs, seed {result['seed']}.", *result["notes"]])
    variants = result["variants"]
    table = Table("", *variants, box=box.SIMPLE)
    first = next(iter(variants.values()))
    for name in first["numbers"]:
        table.add_row(name, *(_told(variant["numbers"][name]) for variant in variants.values()))
    for name in first["facts"]:
        table.add_row(name, *(escape(str(variant["facts"][name])) for variant in variants.values()))
    out.print(table)
    lines(["assumed:"])
    for name, each in result["parameters"].items():
        if each["assumed"] or each["changed"]:
            told = "set to " if each["changed"] else ""
            lines([f"  {name} {told}{each['value']}: {each['source']}"])
    if html is not None:
        lines([f"charts: {html}"])


def _told(banded: dict[str, float]) -> str:
    return f"{banded['median']:,.0f} ({banded['low']:,.0f} to {banded['high']:,.0f})"
