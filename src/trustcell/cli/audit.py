"""``trustcell audit``: the audit log shown, exported, and verified by the separate audit program."""

import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from trustcell.cli.options import DEFAULT_HOME, HomeFolder
from trustcell.cli.output import AsJson, lines, out, print_json, refusals
from trustcell.governance.rules.canonical import moment

app = typer.Typer(help="Show, export and verify the audit log.", no_args_is_help=True)

_SHOWN = 60


def _digest(text: str) -> str:
    found = text.replace(":", "").lower()
    if not re.fullmatch("[0-9a-f]{64}", found):
        raise typer.BadParameter(f"{text!r} is no SHA-256: 64 hex digits were expected")
    return found


@app.callback()
def group() -> None:
    """Show, export and verify the audit log."""


@app.command()
@refusals
def verify(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="An exported log; the log of the home without it.")
    ] = None,
    home: HomeFolder = DEFAULT_HOME,
    heads: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Signed heads kept elsewhere; those of the home without it.")
    ] = None,
    anchor: Annotated[
        list[str] | None,
        typer.Option(metavar="SHA256", parser=_digest, help="The SHA-256 of the audit key to trust."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify the chain, its signed heads, and that no head kept elsewhere is missing; exit code 1 if something is."""
    from trustcell.app.audit import run_audit  # what works with a home is loaded by who needs it
    from trustcell.app.audit_home import verify_log
    from trustcell.app.home import open_home

    if file is not None:
        verdict = dict(run_audit("verify", file, heads=heads, anchors=anchor or ()))
    else:
        verdict = verify_log(open_home(home), heads=heads, anchors=anchor or ())
    if as_json:
        print_json(verdict)
    else:
        _tell(verdict)
    if not verdict["ok"]:
        raise typer.Exit(1)


@app.command()
@refusals
def export(
    home: HomeFolder = DEFAULT_HOME,
    to: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to; standard output without it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the whole log, entries and signed heads, in the form the audit program reads."""
    from trustcell.app.audit_home import audit_lines, export_audit
    from trustcell.app.home import open_home

    if to is None:
        if as_json:
            raise typer.BadParameter("--json says where the log was written, which takes --out")
        for line in audit_lines(open_home(home)):
            sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
        return
    octets = export_audit(open_home(home), to)
    if as_json:
        print_json({"file": str(to), "octets": octets})
    else:
        lines([f"{to}: {octets} octets; trustcell-audit verify reads it"])


@app.command()
@refusals
def show(
    home: HomeFolder = DEFAULT_HOME,
    subject: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Entries about this: a request, T1/SERIAL, an approval, a person."),
    ] = None,
    kind: Annotated[
        str | None, typer.Option(metavar="KIND", help="Entries of kinds that begin so, for example certificate.")
    ] = None,
    last: Annotated[int, typer.Option(metavar="N", min=1, help="At most so many, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show entries of the audit log, oldest first."""
    from trustcell.app.audit_home import entries_of
    from trustcell.app.home import open_home

    found = entries_of(open_home(home), subject, kind)
    if as_json:
        print_json(
            [
                {
                    "seq": e.seq,
                    "at": moment(e.at),
                    "kind": e.kind,
                    "subject": e.subject,
                    "body": e.body,
                    "hash": e.hash.hex(),
                }
                for e in found[-last:]
            ]
        )
        return
    table = Table(box=box.SIMPLE)
    for title in ("seq", "at", "kind"):
        table.add_column(title, no_wrap=True)
    table.add_column("subject", overflow="fold")
    table.add_column("facts", overflow="fold")
    for each in found[-last:]:
        facts = ", ".join(f"{name} {_short(value)}" for name, value in each.body.items())
        table.add_row(
            str(each.seq), moment(each.at), escape(each.kind), escape(_short(each.subject)), escape(_short(facts))
        )
    out.print(table)
    lines([f"{min(last, len(found))} of {len(found)} entries"])


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _tell(verdict: dict[str, Any]) -> None:
    lines(f"{name.replace('_', ' ')}: {value}" for name, value in verdict["facts"].items())
    lines(f"relied on: {text}" for text in verdict["relied_on"])
    for each in verdict["problems"]:
        place = f"{each['place']}, {each['field']}" if each["field"] else each["place"]
        octet = "" if each["octet"] is None else f" (octet {each['octet']})"
        lines([f"PROBLEM {place}{octet}: {each['message']} [{each['code']}]"])
    lines(["the log is sound" if verdict["ok"] else f"{len(verdict['problems'])} problems"])
