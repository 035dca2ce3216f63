"""What a pack must be before it is burnt into devices: every certificate by its profile, every cell by its role."""

from collections.abc import Iterator
from datetime import datetime

from trustcell.certs import Certificate, PathRules, TrustAnchor, check_profile, validate_path
from trustcell.packs.rules.pack import DEVICE_TYPES, PACK, Generation, Pack
from trustcell.vocab import CellId, Clause, Finding, Refused, Severity, cells_at_manufacture

_PERIOD = Clause("SEC Appendix B 6.3.2(A)(i)", "Organisation Certificate Policy as amended by MP261")
_DURATION = "profile_duration"


def lint(pack: Pack, *, policy: str | None = None) -> list[Finding]:
    """Everything that is wrong with a pack, and what is only worth knowing (warnings).

    Codes: ``pack_cell_...``, ``pack_certificate_...``, ``pack_chain``, ``pack_ends_unevenly``, ``pack_two_issuers``.
    """
    return [
        *_authorities(pack, policy),
        *(finding for certificate in _end_entities(pack) for finding in _certificate(certificate, pack, policy)),
        *(finding for generation in pack.generations for finding in _generation(generation, pack)),
    ]


def _end_entities(pack: Pack) -> list[Certificate]:
    return [c for c in pack.certificates if not c.is_authority]


def _authorities(pack: Pack, policy: str | None) -> Iterator[Finding]:
    for certificate in (pack.root, *pack.issuers):
        yield from (_placed(found, certificate) for found in check_profile(certificate, policy=policy) if _bad(found))
    if not pack.root.is_self_issued or not pack.root.is_authority:
        yield PACK.breach("pack_root", "root", "it is not a self-signed authority", "the Root OCA Certificate")
    if len(pack.issuers) != 1:
        names = ", ".join(str(issuer.subject.common_name) for issuer in pack.issuers) or "none"
        yield PACK.breach(
            "pack_two_issuers" if pack.issuers else "pack_issuer_missing",
            "issuers",
            f"issuing authorities: {names}",
            "one Issuing OCA Certificate",
            Severity.WARNING if pack.issuers else Severity.ERROR,
        )


def _certificate(certificate: Certificate, pack: Pack, policy: str | None) -> Iterator[Finding]:
    for found in check_profile(certificate, policy=policy):
        if found.code == _DURATION:
            message = f"its period is another than ten years: {found.message}"
            remedy = "an approval of the SMKI PMA that considered SSC views; the register of the CA has it"
            yield _PERIOD.breach("pack_period", _title(certificate), message, remedy, Severity.WARNING)
        elif _bad(found):
            yield _placed(found, certificate)
    if certificate.not_after <= pack.effective_from:
        message = f"it ends {certificate.not_after.date()}, before the pack becomes effective"
        yield PACK.breach("pack_certificate_expired", _title(certificate), message, "a later certificate")
    ends = max((issuer.not_after for issuer in pack.issuers), default=certificate.not_after)
    if certificate.not_after > ends:
        message = f"it ends {_day(certificate.not_after)}, after its issuer, {_day(ends)}"
        yield PACK.breach("pack_certificate_outlives", _title(certificate), message, "an end with that of the issuer")
    at = max(certificate.not_before, min(pack.made_at, certificate.not_after))
    try:
        validate_path(certificate, list(pack.issuers), [TrustAnchor.of(pack.root)], at, rules=PathRules(policy=policy))
    except Refused as refused:
        message = f"it does not chain to the pack's root: {refused.findings[0].message}"
        yield PACK.breach("pack_chain", _title(certificate), message, "certificates of this environment's authority")


def _generation(generation: Generation, pack: Pack) -> Iterator[Finding]:
    for kind in DEVICE_TYPES:
        cells = generation.cells.get(kind, {})
        for row in cells_at_manufacture(kind):
            where = f"{generation.name}.{kind.name}.{row.cell}"
            occupant = cells.get(row.cell)
            if occupant is None:
                if not row.optional:
                    message = "no certificate fills the cell"
                    yield PACK.breach("pack_cell_missing", where, message, f"one of {row.fillers[0].title}")
            else:
                yield from _cell(where, row.cell, occupant, frozenset(row.fillers), pack)
    ends = sorted({certificate.not_after for certificate in generation.certificates})
    if len(ends) > 1:
        yield PACK.breach(
            "pack_ends_unevenly",
            generation.name,
            f"its certificates end between {_day(ends[0])} and {_day(ends[-1])}",
            "one end for all",
            Severity.WARNING,
        )


def _cell(where: str, cell: CellId, occupant: Certificate, fillers: frozenset[int], pack: Pack) -> Iterator[Finding]:
    if occupant.is_authority:
        if occupant != pack.root or cell.role not in fillers:
            yield PACK.breach("pack_cell_role", where, f"{_title(occupant)} is an authority", "an end entity")
        return
    if occupant.role not in fillers:
        wanted = " or ".join(sorted(getattr(role, "title", str(role)) for role in fillers))
        message = f"{_title(occupant)} is of another role"
        yield PACK.breach("pack_cell_role", where, message, f"a certificate of {wanted}")
    if occupant.key_usage != cell.key_usage:
        message = f"{_title(occupant)} is for {occupant.key_usage.title}"
        yield PACK.breach("pack_cell_key_usage", where, message, f"a {cell.key_usage.title} certificate")


def _placed(found: Finding, certificate: Certificate) -> Finding:
    where = f"{_title(certificate)}: {found.field}"
    return Finding(found.code, found.clause, where, found.message, found.remedy, found.severity, found.facts)


def _bad(found: Finding) -> bool:
    return found.severity is Severity.ERROR


def _title(certificate: Certificate) -> str:
    return f"{certificate.issuer.common_name} {certificate.serial:X}"


def _day(at: datetime) -> str:
    return at.date().isoformat()
