"""``trustcell pack``: manufacturing packs built, verified, shown and compared."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from trustcell.app.files import read_input, write_output
from trustcell.app.home import open_home
from trustcell.certs import Certificate
from trustcell.cli.options import DEFAULT_HOME, AsPerson, AtMoment, HomeFolder, read_moment
from trustcell.cli.output import AsJson, lines, out, print_json, refusals
from trustcell.packs import (
    Anchors,
    CellDifference,
    Comparison,
    Generation,
    Pack,
    PackDifference,
    compare,
    told_by_device,
    unseal,
    verify,
)
from trustcell.vocab import Finding, Severity, WireError

app = typer.Typer(help="Manufacturing packs: what fills the cells of a new device.", no_args_is_help=True)

PackFile = Annotated[Path, typer.Argument(metavar="PACK", help="A pack file.")]
_MARKS = {
    Comparison.EQUAL: "[green]same certificate[/green]",
    Comparison.SAME_TO_DEVICE: "[green]same to a device[/green]",
    Comparison.DIFFERENT: "[red]different to a device[/red]",
    Comparison.ADDED: "[yellow]only in the new pack[/yellow]",
    Comparison.REMOVED: "[yellow]only in the old pack[/yellow]",
}


@app.callback()
def group() -> None:
    """Manufacturing packs: what fills the cells of a new device."""


def _identity(text: str) -> tuple[str, int]:
    issuer, mark, serial = text.rpartition(":")
    try:
        if not mark or not issuer:
            raise ValueError
        return issuer, int(serial, 16)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no ISSUER:SERIAL, the serial in hex") from None


@app.command()
@refusals
def build(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the pack.")],
    person: AsPerson,
    version: Annotated[int, typer.Option(metavar="N", min=1, help="Its version, above the last one.")] = 1,
    generation: Annotated[
        str | None, typer.Option(metavar="NAME", help="What the new filling is called; the year without it.")
    ] = None,
    certificate: Annotated[
        list[str] | None,
        typer.Option(metavar="ISSUER:SERIAL", help="A certificate to use; all issued for NAME without it."),
    ] = None,
    include: Annotated[
        list[Path] | None, typer.Option(metavar="PACK", help="Keep the generations of this earlier pack as well.")
    ] = None,
    effective: Annotated[
        datetime | None,
        typer.Option(metavar="MOMENT", parser=read_moment, help="From when it is used; now without it."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where it goes; NAME-VERSION.zip without it.")
    ] = None,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Fill every cell, lint, sign and publish a pack, and write its file."""
    identities = [_identity(text) for text in certificate or ()]
    opened = open_home(home)
    now = at or opened.now()
    earlier = [each for path in include or () for each in unseal(read_input(path)).pack.generations]
    pack = opened.packs.assemble(
        name, version, generation or str(now.year), identities, earlier=earlier, effective_from=effective, now=now
    )
    published = opened.packs.publish(pack, opened.credential(person), now)
    path = file or Path(f"{name}-{version}.zip")
    write_output(path, published.octets)
    report = {**_facts(pack), "file": str(path), "findings": [each.as_json() for each in published.remarks]}
    if as_json:
        print_json(report)
        return
    lines([f"pack {pack.name} version {pack.version}, ends {_day(pack.not_after)}: {path}"])
    _findings(published.remarks)


@app.command("list")
@refusals
def listed(home: HomeFolder = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List the packs that were published."""
    found = open_home(home).packs.listed()
    if as_json:
        print_json(found)
        return
    table = Table("pack", "version", "effective from", "ends", "generations", box=box.SIMPLE)
    for body in found:
        names = ", ".join(map(str, body["generations"])) if isinstance(body["generations"], list) else ""
        cells = (body["name"], body["version"], body["effective_from"], body["not_after"], names)
        table.add_row(*(escape(str(cell)) for cell in cells))
    out.print(table)


@app.command("verify")
@refusals
def verify_pack(
    file: PackFile,
    root: Annotated[Path | None, typer.Option(metavar="FILE", help="The Root OCA Certificate you trust.")] = None,
    ica: Annotated[Path | None, typer.Option(metavar="FILE", help="The ICA Certificate you trust.")] = None,
    newer_than: Annotated[Path | None, typer.Option(metavar="PACK", help="It has to follow this pack.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a pack file offline: format, manifest, seal, certificates, cells. Exit code 1 when an error was found."""
    if (root is None) != (ica is None):
        raise typer.BadParameter("--root and --ica go together")
    anchors = None
    if root is not None and ica is not None:
        anchors = Anchors(frozenset({_sha256(root)}), frozenset({_sha256(ica)}))
    sealed = unseal(read_input(file))
    earlier = unseal(read_input(newer_than)).pack if newer_than else None
    findings = verify(sealed, anchors, earlier)
    if as_json:
        signed = sealed.seal.statement
        seal = {"person": signed.actor, "at": signed.at.isoformat().replace("+00:00", "Z")}
        print_json({**_facts(sealed.pack), "seal": seal, "findings": [each.as_json() for each in findings]})
    else:
        lines([f"pack {sealed.pack.name} version {sealed.pack.version}, signed by {sealed.seal.statement.actor}"])
        _findings(findings)
    if any(strict or each.severity is Severity.ERROR for each in findings):
        raise typer.Exit(1)


@app.command()
@refusals
def show(file: PackFile, as_json: AsJson = False) -> None:
    """Show what is in a pack, and what a device made from it can and cannot tell."""
    pack = unseal(read_input(file)).pack
    told = told_by_device(pack.certificates)
    if as_json:
        seen = [
            {
                "entity": str(each.seen.entity),
                "ski": each.seen.ski.hex(),
                "key_usage": each.seen.key_usage.title,
                "ends": each.text,
                "known": each.known,
                "certificates": [f"{c.serial:X}" for c in each.candidates],
            }
            for each in told
        ]
        print_json({**_facts(pack), "cells": _cells(pack), "told_by_device": seen})
        return
    lines([f"pack {pack.name} version {pack.version} of {pack.environment}, effective {_day(pack.effective_from)}"])
    for generation in pack.generations:
        out.print(f"[bold]{escape(generation.name)}[/bold], ends {_day(generation.not_after)}")
        table = Table("cell", "device types", "EUI-64", "SKI", "ends", box=box.SIMPLE)
        for (cell, serial), (kinds, found) in _by_cell(generation).items():
            entity, ski = str(found.entity_id or "root"), (found.subject_key_identifier or b"").hex()
            table.add_row(escape(cell), " ".join(kinds), entity, ski, _day(found.not_after))
            assert serial == found.serial
        out.print(table)
    out.print("[bold]what a device can tell[/bold]")
    lines(f"  {each.seen.entity} {each.seen.ski.hex()} {each.seen.key_usage.title}: {each.text}" for each in told)


@app.command()
@refusals
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A pack file.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Another one.")],
    as_json: AsJson = False,
) -> None:
    """Compare the newest generations of two packs, cell by cell: the same to a device, or not."""
    found = compare(unseal(read_input(old)).pack.newest, unseal(read_input(new)).pack.newest)
    if as_json:
        print_json(difference_facts(found))
        return
    table = Table("device", "cell", "to a device", "differs in", "ends", box=box.SIMPLE)
    for each in found.cells:
        ends = " -> ".join(_day(c.not_after) for c in (each.old, each.new) if c is not None)
        table.add_row(each.device.name, escape(str(each.cell)), _MARKS[each.comparison], ", ".join(each.differs), ends)
    out.print(table)
    same = "same to every device" if found.same_to_every_device else "not the same to every device"
    dates = "different in every date" if found.different_in_every_date else "not different in every date"
    lines([f"{same}, {dates}"])


def difference_facts(found: PackDifference) -> dict[str, Any]:
    """A difference as plain values."""
    return {
        "same_to_every_device": found.same_to_every_device,
        "different_in_every_date": found.different_in_every_date,
        "cells": [_difference(each) for each in found.cells],
    }


def _difference(each: CellDifference) -> dict[str, Any]:
    return {
        "device": each.device.name,
        "cell": str(each.cell),
        "comparison": each.comparison.value,
        "differs": list(each.differs),
        "old": None if each.old is None else f"{each.old.serial:X}",
        "new": None if each.new is None else f"{each.new.serial:X}",
    }


def _facts(pack: Pack) -> dict[str, Any]:
    return {
        "pack": pack.name,
        "version": pack.version,
        "environment": pack.environment,
        "effective_from": pack.effective_from.isoformat().replace("+00:00", "Z"),
        "not_after": pack.not_after.isoformat().replace("+00:00", "Z"),
        "generations": [generation.name for generation in pack.generations],
        "certificates": len(pack.certificates),
    }


def _cells(pack: Pack) -> dict[str, Any]:
    return {
        generation.name: {
            kind.name: {str(cell): f"{found.serial:X}" for cell, found in cells.items()}
            for kind, cells in generation.cells.items()
        }
        for generation in pack.generations
    }


def _by_cell(generation: Generation) -> dict[tuple[str, int], tuple[list[str], Certificate]]:
    """One row for a cell and its certificate, with the device types that have it."""
    rows: dict[tuple[str, int], tuple[list[str], Certificate]] = {}
    for kind, cells in generation.cells.items():
        for cell, found in cells.items():
            rows.setdefault((str(cell), found.serial), ([], found))[0].append(kind.name)
    return rows


def _findings(findings: tuple[Finding, ...] | list[Finding]) -> None:
    if not findings:
        lines(["no findings"])
    lines(f"{each.severity} {each}" for each in findings)


def _sha256(path: Path) -> str:
    from trustcell.certs import load_certificates

    found = load_certificates(read_input(path))
    if len(found) != 1:
        raise WireError(-1, str(path), f"one certificate was expected, found {len(found)}", "certificate_count")
    return found[0].sha256.hex()


def _day(at: datetime) -> str:
    return at.date().isoformat()
