"""Command line of the audit program."""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from trustcell_audit.bundle import check_bundle
from trustcell_audit.dsp import Evidence, check_dsp
from trustcell_audit.export import check_export
from trustcell_audit.findings import Report
from trustcell_audit.relint import serve

SOUND, FAULTY, WRONG_USE = 0, 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 when all is sound, 1 when something is not, 2 for wrong use."""
    asked = _parser().parse_args(arguments)
    if asked.command == "lint":
        serve(sys.stdin.buffer, sys.stdout.buffer)
        return SOUND
    check = check_export if asked.command == "verify" else check_bundle
    try:
        if asked.command == "dsp":
            report = check_dsp(Evidence(asked.database, asked.heads, asked.history, asked.devices, asked.at_rest))
            _print(report, _told(asked.database), asked.json)
            return FAULTY if report.problems else SOUND
        with asked.file.open("rb") as file:
            if asked.heads is None:
                report = check(file, None, frozenset(asked.anchor))
            else:
                with asked.heads.open("rb") as heads:
                    report = check(file, heads, frozenset(asked.anchor))
    except OSError as error:
        sys.stderr.write(f"trustcell-audit: {error.filename}: cannot be read: {error.strerror}\n")
        return WRONG_USE
    _print(report, str(asked.file), asked.json)
    return FAULTY if report.problems else SOUND


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="trustcell-audit", description="Check an exported audit log or the evidence of one certificate, offline."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (("verify", "check an exported audit log"), ("bundle", "check the evidence of one certificate")):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("file", type=Path, metavar="FILE")
        command.add_argument("--heads", type=Path, metavar="FILE", help="signed heads kept elsewhere, one a line")
        command.add_argument(
            "--anchor",
            action="append",
            default=[],
            type=_digest,
            metavar="SHA256",
            help="what to trust: the SHA-256 of the audit key or of a root certificate; may be repeated",
        )
        command.add_argument("--json", action="store_true", help="print JSON instead of text")
    _add_dsp(commands)
    commands.add_parser("lint", help="judge certificates sent on standard input, a request a line")
    return parser


def _add_dsp(commands: Any) -> None:
    text = "check the books of a DSP by the invariants"
    command = commands.add_parser("dsp", help=text, description=text)
    command.add_argument("--database", required=True, metavar="URL", help="sqlite:////path/file or postgresql://...")
    command.add_argument("--heads", type=Path, metavar="FOLDER", help="signed heads kept elsewhere")
    command.add_argument("--history", type=Path, metavar="FILE", help="what clients did, a JSON object a line")
    command.add_argument("--devices", metavar="URL", help="the database of the virtual devices")
    command.add_argument("--at-rest", action="store_true", help="nothing may be on its way any more")
    command.add_argument("--json", action="store_true", help="print JSON instead of text")


def _told(url: str) -> str:
    """A database without the password in its URL."""
    return re.sub("://[^@/]*@", "://", url)


def _digest(text: str) -> str:
    found = text.replace(":", "").lower()
    if not re.fullmatch("[0-9a-f]{64}", found):
        raise argparse.ArgumentTypeError("64 hex digits of a SHA-256 were expected")
    return found


def _print(report: Report, title: str, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(report.as_json(), indent=2, ensure_ascii=False) + "\n")
        return
    for name, value in report.facts.items():
        sys.stdout.write(f"{name.replace('_', ' ')}: {value}\n")
    for text in report.relied:
        sys.stdout.write(f"relied on: {text}\n")
    for problem in report.problems:
        sys.stdout.write(f"PROBLEM {problem}\n")
    count = len(report.problems)
    verdict = "sound" if not count else "1 problem" if count == 1 else f"{count} problems"
    sys.stdout.write(f"{title}: {verdict}\n")
