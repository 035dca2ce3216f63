"""An approval as the secretary of the SMKI PMA reads it: what it says, what is issued under it, what stands."""

from collections.abc import Iterator
from typing import Any

from rich.markup import escape

from trustcell.app.certificate_facts import role_title
from trustcell.cli.output import lines, out


def print_approval(report: dict[str, Any]) -> None:
    """Print what ``approval_report`` gives."""
    state = "void" if report["void_since"] else report["state"]
    lines([f"{report['approval']} version {report['version']}: {report['kind']}, {state}"])
    if not report["counts"]:
        lines(["  another version counts until this one is approved"])
    lines(f"  {label:<14} {text}" for label, text in _facts(report) if text)
    lines(["", "requests it is for" if report["requests"] else "it names no requests"])
    for each in report["requests"]:
        lines(_request(each))
    lines(["", "checks"])
    for check in report["checks"]:
        out.print("  [green]ok[/green]" if check["met"] else "  [bold red]no[/bold red]", escape(check["check"]))
        lines(f"     {finding['message']} ({finding['clause']})" for finding in check["findings"])
    out.print()
    verdict = "certificates can be issued under it" if report["usable"] else "nothing can be issued under it now"
    lines([f"{verdict}: {report['uses']} of {report['max_certificates']} used"])


def _facts(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    scope, view, decision = report["scope"], report["ssc_view"], report["decision"]
    how = "exactly" if scope["exact"] else "at most"
    yield "legal basis", report["legal_basis"]
    yield "asked for", f"by {report['requested_by']} at {report['drafted_at']}"
    yield "because", report["rationale"]
    yield "effective", f"{report['effective_from']} to {report['expires']}"
    yield "digest", report["digest"]
    yield "roles", ", ".join(scope["roles"])
    yield "subjects", ", ".join(scope["subjects"]) or "any"
    yield "key usages", ", ".join(scope["key_usages"]) or "any"
    yield "public keys", ", ".join(scope["keys"])
    if scope["years"] or scope["not_after"]:
        yield "validity", f"{how} {scope['years']} years" if scope["years"] else f"{how} until {scope['not_after']}"
    yield "purpose", scope["purpose"]
    yield "certificates", f"{scope['max_certificates']} at most"
    yield "evidence", ", ".join(report["evidence"])
    if view:
        yield (
            "SSC view",
            f"{view['position']} on {view['date']}, {view['reference']}, recorded by {view['recorded_by']}",
        )
        yield "", view["text"]
        yield "", view["document"]
    else:
        yield "SSC view", "none yet"
    if decision:
        what = "approved" if decision["approved"] else "rejected"
        yield "PMA decision", f"{what} on {decision['date']}, {decision['meeting']}, minute {decision['minute']}"
        yield "", f"recorded by {decision['decided_by']}; quorum: {decision['quorum']}"
        yield "", f"views of the SSC: {decision['considered_text']}"
        yield "", f"conditions: {decision['conditions']}" if decision["conditions"] else ""
        yield "", decision["document"]
    else:
        yield "PMA decision", "none yet"
    if report["withdrawn_at"]:
        yield "withdrawn", f"{report['withdrawn_at']}: {report['withdrawn_reason']}"
    for use in report["used_by"]:
        yield f"use {use['number']}", f"{use['issuer']}/{use['serial']} at {use['at']}"


def _request(each: dict[str, Any]) -> Iterator[str]:
    yield f"  {each['request']}  {each['state']}"
    if "role" not in each:
        yield "     nothing more is known of it: its CSR is neither here nor among the evidence"
        return
    period = f"until {each['not_after']}" if each["not_after"] else f"{each['years'] or 10} years"
    begin = f" from {each['not_before']}" if each["not_before"] else ""
    yield f"     {role_title(each['role']) or 'no role'}, {each['entity']}, {each['key_usage']}, {period}{begin}"
    yield f"     public key {each['key_sha256']}"
    if each["purpose"]:
        yield f"     for {each['purpose']}"
