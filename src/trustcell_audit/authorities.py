"""The authorities a bundle brings: each linted and chained, roots held against the anchors."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trustcell_audit.certificate import Parsed
from trustcell_audit.findings import Report
from trustcell_audit.keys import sha256
from trustcell_audit.lint import lint
from trustcell_audit.profiles import PROFILES, Rules


@dataclass(frozen=True)
class Authority:
    """One authority: the title of its kind and its certificate."""

    kind: str
    certificate: Parsed


def read_authorities(values: list[dict[str, Any]], rules: Rules, report: Report) -> list[Authority]:
    """Read and lint every authority; one that cannot be read is a problem and left out."""
    found = []
    for number, value in enumerate(values, 1):
        try:
            found.append(Authority(value["kind"], Parsed.read(bytes.fromhex(value["der"]))))
        except ValueError as error:
            report.need(False, "certificate_unreadable", f"authority {number}", str(error))
    certificates = [each.certificate for each in found]
    for each in found:
        report.add(lint(each.certificate, each.kind, certificates, rules, f"authority {each.kind}"))
    return found


def path_of(leaf: Parsed, authorities: list[Authority], at: datetime, place: str, report: Report) -> list[Authority]:
    """The authorities from the issuer to the root, each in its period when it signed; a gap is a problem.

    ``at`` is when the leaf was signed; an authority was signed when its period began.
    """
    path: list[Authority] = []
    here, signed_at = leaf, at
    while not path or here.subject != here.issuer:
        named = [each for each in authorities if each.certificate.subject == here.issuer]
        issuer = next((each for each in named if here.signed(each.certificate.key)), None)
        if issuer is None or issuer in path:
            report.need(False, "chain_broken", place, "no authority in the bundle issued it", "issuer")
            return path
        message = f"it was used on {signed_at:%Y-%m-%dT%H:%M:%SZ}, outside its period (6.3.2(C))"
        report.need(
            issuer.certificate.covers(signed_at), "ca_key_period", f"authority {issuer.kind}", message, "validity"
        )
        path.append(issuer)
        here, signed_at = issuer.certificate, issuer.certificate.not_before
    root = path[-1]
    report.need(PROFILES[root.kind].root, "chain_broken", place, f"it ends in {root.kind}, which is no root", "issuer")
    return path


def hold_anchors(anchors: frozenset[str], audit_key: bytes, authorities: list[Authority], report: Report) -> None:
    """Each anchor is the audit key or a root here; what no anchor vouches for is named as relied on."""
    offered = {sha256(audit_key): "the audit key"}
    for each in authorities:
        if each.certificate.subject == each.certificate.issuer:
            offered[sha256(each.certificate.der)] = each.kind
    for anchor in sorted(anchors - offered.keys()):
        report.need(False, "anchor_not_met", "bundle", f"what has SHA-256 {anchor} is neither audit key nor root here")
    for digest, title in offered.items():
        if digest not in anchors:
            report.relied.append(f"{title} as the bundle brings it (SHA-256 {digest})")
