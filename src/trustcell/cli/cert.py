"""``trustcell cert``: what a certificate, request or list is, field by field, findings with their clauses."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography import x509
from rich import box
from rich.markup import escape
from rich.table import Table

from trustcell import certs
from trustcell.app.certificate_facts import list_facts, plain, request_facts
from trustcell.cli.output import AsJson, in_file, lines, out, print_json, read, refusals
from trustcell.vocab import Finding, Severity, WireError

app = typer.Typer(help="Look at certificates, requests and revocation lists.", no_args_is_help=True)

Reader = Callable[[bytes, str | None], list[dict[str, Any]]]
_FACTS = ("role", "key_usage", "subject", "issuer", "serial", "number", "not_before", "not_after", "entries")


@app.callback()
def group() -> None:
    """Look at certificates, requests and revocation lists."""


def _oid(text: str) -> str:
    try:
        return x509.ObjectIdentifier(text).dotted_string
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no OID: numbers with dots between them were expected") from None


@app.command()
@refusals
def show(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE|-", help="Certificates, a request or a list as PEM, base64 or DER; - reads it."),
    ],
    policy: Annotated[
        str | None,
        typer.Option(metavar="OID", parser=_oid, help="The policy OID of the environment; any single one without it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a file holds, field by field against its profile; exit code 1 when a finding is an error."""
    octets = read(file)
    try:
        reports = _reports(octets, policy)
    except WireError as error:
        raise in_file(file, error) from None
    if as_json:
        print_json(reports[0] if len(reports) == 1 else reports)
    else:
        for report in reports:
            _print(report)
    if any(finding["severity"] == Severity.ERROR for report in reports for finding in report["findings"]):
        raise typer.Exit(1)


def _certificates(octets: bytes, policy: str | None) -> list[dict[str, Any]]:
    return [
        _report(plain(each), certs.profile_rows(each, policy=policy), (), each.flags)
        for each in certs.load_certificates(octets)
    ]


def _request(octets: bytes, _policy: str | None) -> list[dict[str, Any]]:
    request = certs.load_csr(octets)
    findings = certs.check_iki_csr(request) if certs.is_iki_csr(request) else certs.check_csr(request)
    return [_report(request_facts(request), (), findings, request.flags)]


def _list(octets: bytes, _policy: str | None) -> list[dict[str, Any]]:
    revoked = certs.load_crl(octets)
    return [_report(list_facts(revoked), certs.crl_rows(revoked), (), revoked.flags)]


_READERS: tuple[tuple[bytes, Reader], ...] = (
    (b"BEGIN CERTIFICATE-----", _certificates),
    (b"CERTIFICATE REQUEST-----", _request),
    (b"X509 CRL-----", _list),
)


def _reports(octets: bytes, policy: str | None) -> list[dict[str, Any]]:
    """Read by the PEM label; without one, whatever it turns out to be, and a certificate's error if it is nothing."""
    for label, reader in _READERS:
        if label in octets:
            return reader(octets, policy)
    try:
        return _certificates(octets, policy)
    except WireError as error:
        for _, reader in _READERS[1:]:
            try:
                return reader(octets, policy)
            except WireError:
                continue
        raise error from None


def _report(
    facts: dict[str, Any], rows: Iterable[certs.ProfileRow], findings: Iterable[Finding], flags: frozenset[str]
) -> dict[str, Any]:
    rows = list(rows)
    found = [*findings, *(row.finding for row in rows if row.finding is not None)]
    return {
        **facts,
        "flags": sorted(flags),
        "fields": [{key: value for key, value in asdict(row).items() if key != "finding"} for row in rows],
        "findings": [finding.as_json() for finding in found],
    }


def _print(report: dict[str, Any]) -> None:
    lines([f"{report['certificate']} of {report['entity'] or report['subject'] or report['issuer'] or 'nobody named'}"])
    lines(f"  {name.replace('_', ' '):<10}  {report[name]}" for name in _FACTS if report.get(name))
    out.print()
    if report["fields"]:
        out.print(_table(report["fields"]))
    if not report["findings"]:
        lines(["no findings"])
    for finding in report["findings"]:
        remedy = f"; {finding['remedy']}" if finding["remedy"] else ""
        text = f"{finding['severity']} {finding['field']}: {finding['message']}{remedy} ({finding['clause']})"
        lines([f"{text} [{finding['code']}]"])


def _table(fields: list[dict[str, Any]]) -> Table:
    table = Table("field", "it is", "the profile wants", "clause", box=box.SIMPLE)
    for row in fields:
        mark = "[green]ok[/green]" if row["verdict"] == certs.Verdict.OK else "[bold red]no[/bold red]"
        texts = (escape(row[name]) for name in ("value", "expected", "clause"))
        table.add_row(f"{mark} {escape(row['field'])}", *texts)
    return table
