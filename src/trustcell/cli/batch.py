"""``trustcell smki batch``: Device CSRs in bulk, and ad hoc; the verdicts as a zip of certificates with a report."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustcell.cli.options import DEFAULT_HOME, AsPerson, AtMoment, HomeFolder
from trustcell.cli.output import AsJson, lines, print_json, refusals, with_progress

if TYPE_CHECKING:
    from trustcell.smki.rules.batch import BatchItem


@refusals
def batch(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE|FOLDER...", help="A zip of *.csr, JSON lines or PEM blocks; folders; single CSRs."
        ),
    ],
    person: AsPerson,
    operator: Annotated[
        str | None, typer.Option("--by", metavar="PERSON", help="The ISSUER who issues it at once; somebody else.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Where to write NAME-response.zip and its report.")
    ] = None,
    party: Annotated[
        str, typer.Option("--party", metavar="NAME", help="The party it is for, when its ARO acts for several.")
    ] = "",
    purpose: Annotated[str, typer.Option("--purpose", metavar="TEXT", help="What the certificates are for.")] = "",
    ad_hoc: Annotated[
        bool, typer.Option("--ad-hoc", help="As the ad hoc service: suppliers and the DCC, devices that are known.")
    ] = False,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Submit a batch of Device CSRs as an ARO and issue it; given again, it goes on where it was stopped."""
    from trustcell.app.files import write_output
    from trustcell.app.home import open_home
    from trustcell.smki.rules.batch import BatchAsk
    from trustcell.smki.rules.batch_files import result_zip

    opened = open_home(home)
    items = read_items(files, opened.environment.batch_limit)
    now = at or opened.now()
    made = opened.batches.submit(items, opened.credential(person), now, BatchAsk(purpose, ad_hoc), party)
    if operator is not None:
        with with_progress("issuing", made.count) as bar:
            made = opened.batches.issue(
                made.name,
                opened.credential(operator),
                lambda: at or opened.now(),
                lambda done, of: bar.update(bar.task_ids[0], completed=done, total=of),
            )
    results = list(opened.batches.results(made.name))
    if to is not None:
        stem = files[0].name.removesuffix(".zip")
        write_output(to / f"{stem}-response.zip", result_zip(results))
    tally = Counter((verdict.status, verdict.code) for _, verdict, _ in results)
    facts: dict[str, Any] = {
        "batch": made.name,
        "count": made.count,
        "done": made.done,
        "party": made.party,
        "verdicts": [
            {"status": status, "code": code, "count": count} for (status, code), count in sorted(tally.items())
        ],
        "not_issued": [
            {"item": verdict.number, "name": item.name, "status": verdict.status, "code": verdict.code,
             "message": verdict.message}
            for item, verdict, der in results if not der
        ],
    }  # fmt: skip
    if as_json:
        print_json(facts)
        return
    lines([f"{made.name}: {made.done} of {made.count} have a verdict"])
    lines(f"  {each['count']} {each['status']} {each['code']}".rstrip() for each in facts["verdicts"])
    lines(f"  {each['name']}: {each['status']}, {each['message']}" for each in facts["not_issued"][:20])
    if len(facts["not_issued"]) > 20:
        lines([f"  and {len(facts['not_issued']) - 20} more: see the report"])


def read_items(files: list[Path], limit: int) -> "list[BatchItem]":
    """The items of one batch file, or of many CSRs as they stand in files and folders, by their names."""
    from trustcell.app.files import read_input
    from trustcell.smki.rules.batch import BATCH, MAX_BATCH_OCTETS, BatchItem
    from trustcell.smki.rules.batch_files import read_batch
    from trustcell.vocab import Refused

    if len(files) == 1 and not files[0].is_dir() and files[0].suffix != ".csr":
        return read_batch(read_input(files[0], MAX_BATCH_OCTETS), limit)
    found = [path for each in files for path in (sorted(each.glob("*.csr")) if each.is_dir() else [each])]
    if len(found) > limit:
        message = f"it holds {len(found)} CSRs"
        raise Refused([BATCH.breach("batch_too_large", "batch", message, f"{limit} at most")])
    return [BatchItem(path.name, read_input(path)) for path in found]
