"""The frame of an evidence bundle: a manifest signed by the audit key, and under it every octet of every part.

Line 1 is the manifest: environment, audit key, what the bundle is about, name and SHA-256 of each part. Line 2 is the
signature (r||s) over the octets of line 1. Each further line is one part, in the order of the manifest, and its SHA-256
is that of the whole line.
"""

from dataclasses import dataclass, field
from typing import Any, BinaryIO

from trustcell_audit.canonical import lines_of, octets_of, read_object
from trustcell_audit.findings import Malformed, Problem, Report
from trustcell_audit.keys import ecdsa_raw, p256_key, sha256

FORMAT = "trustcell evidence bundle 1"
_FIELDS = frozenset({"at", "audit_key", "environment", "format", "parts", "subject"})


@dataclass(frozen=True)
class Bundle:
    """What was read: the manifest and the value of each part by name, in order."""

    manifest: dict[str, Any]
    audit_key: bytes
    parts: dict[str, Any] = field(default_factory=dict)

    def below(self, prefix: str) -> dict[str, Any]:
        """Parts whose names begin with ``prefix/``, by the rest of the name."""
        return {name[len(prefix) + 1 :]: part for name, part in self.parts.items() if name.startswith(f"{prefix}/")}


def read_bundle(file: BinaryIO, report: Report) -> Bundle | None:
    """The bundle, or ``None`` with the problems that say which octets are not those that were signed."""
    try:
        lines = list(lines_of(file, "bundle"))
        if len(lines) < 2:
            raise Malformed(Problem("bundle_cut", "bundle", "a manifest and its signature were expected", octet=0))
        bundle = _manifest(lines[0][2], lines[1][2], lines[1][1])
    except Malformed as malformed:
        report.add([malformed.problem])
        return None
    _parts(bundle, lines[2:], report)
    return None if report.problems else bundle


def _manifest(octets: bytes, second: bytes, start: int) -> Bundle:
    raw = read_object(octets, "manifest, line 1")
    info = octets_of(raw.get("audit_key")) or b""
    key = p256_key(info)
    if raw.keys() != _FIELDS or raw["format"] != FORMAT or key is None:
        raise Malformed(Problem("manifest_malformed", "manifest, line 1", f"{FORMAT!r} was expected", octet=0))
    beside = read_object(second, "signature, line 2", start)
    signature = octets_of(beside.get("signature"), 64)
    if beside.keys() != {"signature"} or signature is None or not ecdsa_raw(key, signature, octets):
        message = "the audit key did not sign this manifest: line 1 or 2 was changed"
        raise Malformed(Problem("manifest_signature", "manifest, lines 1 and 2", message, "signature", 0))
    return Bundle(raw, info)


def _parts(bundle: Bundle, lines: list[tuple[int, int, bytes]], report: Report) -> None:
    listed = bundle.manifest["parts"]
    for at, part in enumerate(listed):
        place = f"part {part['name']}, line {at + 3}"
        if at >= len(lines):
            report.need(False, "part_missing", place, "it is not there")
            continue
        _, octet, line = lines[at]
        if not report.need(sha256(line) == part["sha256"], "part_altered", place, "its octets were changed", "", octet):
            try:
                read_object(line, place, octet)
            except Malformed as malformed:
                report.add([malformed.problem])
            continue
        try:
            raw = read_object(line, place, octet)
        except Malformed as malformed:
            report.add([malformed.problem])
            continue
        named = raw.keys() == {"name", "value"} and raw["name"] == part["name"] and part["name"] not in bundle.parts
        if report.need(named, "part_malformed", place, "another part was expected here", "name", octet):
            bundle.parts[raw["name"]] = raw["value"]
    extra = lines[len(listed) :]
    for number, octet, _ in extra[:1]:
        report.need(False, "part_unlisted", f"line {number}", "a part the manifest does not name", octet=octet)
