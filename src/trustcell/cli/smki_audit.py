"""``trustcell smki bundle`` and ``smki verify-all``: evidence of one certificate, and a look at all of them."""

import time
from pathlib import Path
from typing import Annotated

import typer

from trustcell.cli.asking import read_serial
from trustcell.cli.options import DEFAULT_HOME, AtMoment, HomeFolder
from trustcell.cli.output import AsJson, lines, print_json, refusals, with_progress


@refusals
def bundle(
    certificate: Annotated[str, typer.Argument(metavar="ISSUER/SERIAL", help="CN of the issuer, serial in hex.")],
    to: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to.")],
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Write the evidence of one certificate into a file that the audit program checks offline."""
    from trustcell.app.audit import run_audit
    from trustcell.app.audit_home import bundle_of
    from trustcell.app.files import write_output
    from trustcell.app.home import open_home

    issuer, serial = read_serial(certificate)
    opened = open_home(home)
    octets = bundle_of(opened, issuer, serial, at or opened.now())
    write_output(to, octets)
    verdict = run_audit("bundle", to)
    if as_json:
        print_json({"file": str(to), "octets": len(octets), **verdict})
    else:
        lines([f"{to}: {len(octets)} octets; trustcell-audit bundle checks it"])
        lines(f"PROBLEM {each['place']}: {each['message']} [{each['code']}]" for each in verdict["problems"])
    if not verdict["ok"]:
        raise typer.Exit(1)


@refusals
def verify_all(home: HomeFolder = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Look at every certificate again, and at everything behind it; exit code 1 with each problem named."""
    from trustcell.app.audit_home import verify_home
    from trustcell.app.home import open_home

    opened = open_home(home)
    began = time.perf_counter()
    with with_progress("certificates", 0) as progress:
        (task,) = progress.task_ids
        done = verify_home(opened, lambda made, expected: progress.update(task, completed=made, total=expected))
    seconds = time.perf_counter() - began
    if as_json:
        faults = [fault.as_json() for fault in done.faults]
        print_json({"ok": not faults, "seconds": round(seconds, 2), "counts": done.counts, "faults": faults})
    else:
        lines(f"{count} {name}" for name, count in sorted(done.counts.items()))
        lines(f"PROBLEM {fault}" for fault in done.faults)
        lines([f"{len(done.faults)} problems in {seconds:.1f} s" if done.faults else f"all sound, in {seconds:.1f} s"])
    if done.faults:
        raise typer.Exit(1)
