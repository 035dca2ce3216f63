"""Manufacturing packs: assembled and looked at before they are published, compared, downloaded."""

from typing import Any

from starlette.responses import Response

from trustcell.app.accounts import ConsoleRole
from trustcell.packs import Comparison, Pack, compare, lint, told_by_device, unseal
from trustcell.web.console.authority import home_of, moment_field, needed, whole
from trustcell.web.console.visit import Page, Section, Visit, download

PACKERS = frozenset({ConsoleRole.ISSUER})
WORDS = {
    Comparison.EQUAL: "same certificate",
    Comparison.SAME_TO_DEVICE: "same to a device",
    Comparison.DIFFERENT: "different to a device",
    Comparison.ADDED: "only in the new pack",
    Comparison.REMOVED: "only in the old pack",
}


async def packs(visit: Visit) -> Response:
    """Every published pack."""
    found = await visit.ask(home_of(visit).packs.listed)
    return visit.page("packs", found=found)


async def pack(visit: Visit) -> Response:
    """Its cells, and what a device made from it can and cannot tell."""
    name, version = visit.path("name"), int(visit.path("version"))
    sealed, findings = await visit.ask(lambda: _verified(visit, name, version))
    listed = await visit.ask(home_of(visit).packs.listed)
    return visit.page(
        "pack", pack=sealed.pack, cells=_cells(sealed.pack), told=told_by_device(sealed.pack.certificates),
        signer=sealed.seal.statement.actor, at=sealed.seal.statement.at, findings=findings,
        others=[(e["name"], e["version"]) for e in listed if (e["name"], e["version"]) != (name, version)],
    )  # fmt: skip


def _verified(visit: Visit, name: str, version: int) -> Any:
    service = home_of(visit).packs
    return service.verify(service.published(name, version))


def _cells(pack: Pack) -> list[tuple[str, list[tuple[str, str, str, str, str]]]]:
    """By generation: one row for a cell and its certificate, with the device types that have it."""
    found = []
    for generation in pack.generations:
        rows: dict[tuple[str, int], tuple[list[str], Any]] = {}
        for kind, cells in generation.cells.items():
            for cell, held in cells.items():
                rows.setdefault((str(cell), held.serial), ([], held))[0].append(kind.name)
        table = [
            (
                cell,
                " ".join(kinds),
                str(held.entity_id or "root"),
                (held.subject_key_identifier or b"").hex(),
                f"{held.not_after:%Y-%m-%d}",
            )
            for (cell, _), (kinds, held) in rows.items()
        ]
        found.append((generation.name, table))
    return found


async def file(visit: Visit) -> Response:
    """The archive as it was published."""
    name, version = visit.path("name"), int(visit.path("version"))
    octets = await visit.ask(home_of(visit).packs.published, name, version)
    return download(octets, f"{name}-{version}.zip", "application/zip")


async def difference(visit: Visit) -> Response:
    """Two packs cell by cell: the same to a device, or not."""
    old, new = _place(visit.asked("old")), _place(visit.asked("new"))
    service = home_of(visit).packs
    before = unseal(await visit.ask(service.published, *old)).pack
    after = unseal(await visit.ask(service.published, *new)).pack
    found = compare(before.newest, after.newest)
    return visit.page("pack_diff", old=old, new=new, found=found, words=WORDS)


def _place(text: str) -> tuple[str, int]:
    name, _, version = text.rpartition(":")
    if not name or not version.isdigit():
        raise ValueError("old, new: NAME:VERSION was expected")
    return name, int(version)


async def assemble(visit: Visit) -> Response:
    """What would be published, linted; nothing is kept."""
    made = await visit.ask(_assembled, visit, visit.request.query_params)
    findings = await visit.ask(lambda: list(lint(made, policy=home_of(visit).environment.organisation_policy)))
    asked = {name: visit.asked(name) for name in ("name", "version", "generation", "effective_from", "certificates")}
    return visit.page("pack_draft", pack=made, cells=_cells(made), findings=findings, asked=asked)


def _assembled(visit: Visit, form: Any) -> Pack:
    home, now = home_of(visit), visit.door.authority_now()
    version = whole(form, "version") or 1
    generation = form.get("generation", "").strip() or str(now.year)
    chosen = [_identity(each) for each in form.get("certificates", "").replace(",", " ").split()]
    return home.packs.assemble(
        needed(form, "name"), version, generation, chosen, effective_from=moment_field(form, "effective_from"), now=now
    )


def _identity(text: str) -> tuple[str, int]:
    issuer, _, serial = text.rpartition("/")
    try:
        return issuer, int(serial, 16)
    except ValueError:
        raise ValueError(f"certificates: ISSUER/SERIAL was expected, not {text}") from None


async def publish(visit: Visit) -> Response:
    """Lint, sign and publish what was shown."""
    home, form, now = home_of(visit), visit.form, visit.door.authority_now()

    def write() -> Pack:
        made = _assembled(visit, form)
        return home.packs.publish(made, home.credential(visit.person, form.get("pin", "")), now).pack

    made = await visit.ask(write)
    return visit.go(f"/console/packs/{made.name}/{made.version}", f"Published; it ends {made.not_after:%Y-%m-%d}.")


SECTIONS = (Section("Packs", "/console/packs", "trust"),)
PAGES = (
    Page("/console/packs", packs),
    Page("/console/packs", publish, PACKERS, "POST"),
    Page("/console/packs/draft", assemble, PACKERS),
    Page("/console/packs/diff", difference),
    Page("/console/packs/{name}/{version:int}", pack),
    Page("/console/packs/{name}/{version:int}/pack.zip", file),
)
