"""A manufacturing pack as a value: which certificate fills which cell of which device, in one or more generations.

A pack is what a manufacturer puts into new devices (smki.md 4.1, 4.2; MP261). A later generation may hold other
certificates over the same keys: a device cannot tell them apart.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from trustcell.certs import Certificate
from trustcell.vocab import (
    CellId,
    CellUsage,
    Clause,
    DeviceType,
    Eui64,
    Finding,
    KeyUsage,
    Refused,
    RemotePartyRole,
    cells_at_manufacture,
)

PACK = Clause("MP261 manufacturing pack", "MP261 Modification Report; cells by smki.md 4.2, in part assumed there")
DEVICE_TYPES = (DeviceType.ESME, DeviceType.GSME, DeviceType.GPF, DeviceType.CHF)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MAX_GENERATIONS = 16

Cells = Mapping[CellId, Certificate]


@dataclass(frozen=True, slots=True, order=True)
class SeenByDevice:
    """All that a device keeps and reports of an occupant: subject EUI-64, SKI, key usage (smki.md 2.1)."""

    entity: Eui64
    ski: bytes
    key_usage: KeyUsage

    @classmethod
    def of(cls, certificate: Certificate) -> "SeenByDevice":
        """What a device holding this certificate reports; zeros for the root, which has no EUI-64."""
        entity = certificate.entity_id or Eui64(bytes(8))
        return cls(entity, certificate.subject_key_identifier or b"", certificate.key_usage)


@dataclass(frozen=True)
class Generation:
    """One complete filling: for each device type the certificate of each cell."""

    name: str
    cells: Mapping[DeviceType, Cells]

    def __post_init__(self) -> None:
        """A name is short and plain, since it stands in file names and reports."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name of a generation: letters, digits, dot, dash, underscore")

    @cached_property
    def certificates(self) -> tuple[Certificate, ...]:
        """Every end-entity certificate once, by role, usage and serial."""
        found = {c.der: c for cells in self.cells.values() for c in cells.values() if not c.is_authority}
        return tuple(sorted(found.values(), key=lambda c: (c.role or 0, c.key_usage, c.serial)))

    @property
    def not_after(self) -> datetime:
        """When the first of its certificates ends."""
        return min(certificate.not_after for certificate in self.certificates)


@dataclass(frozen=True)
class Pack:
    """A pack of one environment. Of two packs with one ``name`` the one with the higher ``version`` is the newer."""

    name: str
    version: int
    environment: str
    made_at: datetime
    effective_from: datetime
    root: Certificate
    issuers: tuple[Certificate, ...]
    generations: tuple[Generation, ...]

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for a name, version or number of generations that no pack has."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name of a pack: letters, digits, dot, dash, underscore")
        if not 0 < self.version < 2**31:
            raise ValueError("a version counts from 1")
        names = [generation.name for generation in self.generations]
        if not 0 < len(names) <= MAX_GENERATIONS or len(set(names)) != len(names):
            raise ValueError(f"a pack has 1 to {MAX_GENERATIONS} generations of different names")

    @property
    def newest(self) -> Generation:
        """The last generation: what new devices get."""
        return self.generations[-1]

    @property
    def not_after(self) -> datetime:
        """When the first certificate of the newest generation ends."""
        return self.newest.not_after

    @cached_property
    def certificates(self) -> tuple[Certificate, ...]:
        """Every certificate of the pack once: root, issuers, then generation by generation."""
        found = {c.der: c for c in (self.root, *self.issuers)}
        found |= {c.der: c for generation in self.generations for c in generation.certificates}
        return tuple(found.values())


def fill(
    name: str,
    root: Certificate,
    certificates: Iterable[Certificate],
    chosen: Mapping[tuple[DeviceType, CellId], Certificate] | None = None,
) -> Generation:
    """Fill every cell of every device type: as ``chosen``, else by role and usage, the broker's by default.

    ``Refused`` with ``pack_cell_missing`` for a cell nobody can fill, ``pack_cell_twice`` when two certificates could.
    """
    chosen = dict(chosen or {})
    findings: list[Finding] = []
    by_purpose: dict[tuple[int | None, KeyUsage], Certificate] = {}
    for certificate in certificates:
        purpose = (certificate.role, certificate.key_usage)
        if by_purpose.setdefault(purpose, certificate) != certificate:
            findings.append(_twice(certificate, by_purpose[purpose]))
    cells: dict[DeviceType, Cells] = {}
    for kind in DEVICE_TYPES:
        filled: dict[CellId, Certificate] = {}
        for row in cells_at_manufacture(kind):
            found = chosen.pop((kind, row.cell), None)
            if row.optional and found is None:
                continue
            for role in row.fillers:
                if found is not None:
                    break
                if role is RemotePartyRole.ROOT:
                    found = root
                elif role is not RemotePartyRole.SUPPLIER or row.cell.cell_usage is CellUsage.MANAGEMENT:
                    # Nothing in a certificate marks the top-up one (smki.md 2.3): it has to be chosen by hand.
                    found = by_purpose.get((role, row.cell.key_usage))
            if found is not None:
                filled[row.cell] = found
            else:
                roles = " or ".join(role.title for role in row.fillers)
                message = f"no certificate of {roles} fills it"
                remedy = f"add a {row.cell.key_usage.title} certificate of {roles}"
                findings.append(PACK.breach("pack_cell_missing", f"{name}.{kind.name}.{row.cell}", message, remedy))
        cells[kind] = filled
    for kind, cell in chosen:
        message = "a device of this type has no such cell at manufacture"
        findings.append(PACK.breach("pack_cell_unknown", f"{name}.{kind.name}.{cell}", message, "choose another cell"))
    if findings:
        raise Refused(findings)
    return Generation(name, cells)


def _twice(one: Certificate, other: Certificate) -> Finding:
    role = "no role" if one.role is None else f"{one.role:02X}"
    return PACK.breach(
        "pack_cell_twice",
        f"certificates of role {role}, {one.key_usage.title}",
        f"both {other.serial:X} and {one.serial:X} could fill the same cell",
        "choose one of them, or choose by cell",
    )
