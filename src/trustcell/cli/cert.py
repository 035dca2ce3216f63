"""``trustcell cert``: what a certificate is, every field against its profile, findings with their clauses."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from trustcell import certs
from trustcell.cli.certificates import plain
from trustcell.cli.output import AsJson, in_file, lines, out, print_json, read, refusals
from trustcell.vocab import Severity, WireError

app = typer.Typer(help="Look at certificates.", no_args_is_help=True)


@app.command()
@refusals
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE|-", help="Certificates as PEM, base64 or DER; - reads them.")],
    policy: Annotated[
        str | None, typer.Option(metavar="OID", help="The policy OID of the environment; any single one without it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a certificate field by field against its profile; exit code 1 when a finding is an error."""
    octets = read(file)
    try:
        found = certs.load_certificates(octets)
    except WireError as error:
        raise in_file(file, error) from None
    reports = [_report(certificate, policy) for certificate in found]
    if as_json:
        print_json(reports[0] if len(reports) == 1 else reports)
    else:
        for report in reports:
            _print(report)
    if any(finding["severity"] == Severity.ERROR for report in reports for finding in report["findings"]):
        raise typer.Exit(1)


def _report(certificate: certs.Certificate, policy: str | None) -> dict[str, Any]:
    rows = certs.profile_rows(certificate, policy=policy)
    return {
        **plain(certificate),
        "flags": sorted(certificate.flags),
        "fields": [{key: value for key, value in asdict(row).items() if key != "finding"} for row in rows],
        "findings": [row.finding.as_json() for row in rows if row.finding is not None],
    }


def _print(report: dict[str, Any]) -> None:
    lines([f"{report['certificate']} certificate of {report['entity'] or report['subject'] or 'nobody named'}"])
    facts = ("role", "key_usage", "subject", "issuer", "serial", "not_before", "not_after")
    lines(f"  {name.replace('_', ' '):<10}  {report[name]}" for name in facts if report[name])
    out.print()
    table = Table("field", "it is", "the profile wants", "clause", box=box.SIMPLE)
    for row in report["fields"]:
        mark = "[green]ok[/green]" if row["verdict"] == certs.Verdict.OK else "[bold red]no[/bold red]"
        texts = (escape(row[name]) for name in ("value", "expected", "clause"))
        table.add_row(f"{mark} {escape(row['field'])}", *texts)
    out.print(table)
    if not report["findings"]:
        lines(["no findings"])
    for finding in report["findings"]:
        remedy = f"; {finding['remedy']}" if finding["remedy"] else ""
        text = f"{finding['severity']} {finding['field']}: {finding['message']}{remedy} ({finding['clause']})"
        lines([f"{text} [{finding['code']}]"])
