"""A bundle that was opened: its octets are those that were sealed, and what every certificate brings was read."""

from dataclasses import dataclass
from typing import Any

from trustcell_audit.authorities import Authority
from trustcell_audit.certificate import Parsed
from trustcell_audit.chain import Entry
from trustcell_audit.container import Bundle
from trustcell_audit.findings import Report
from trustcell_audit.people import People
from trustcell_audit.profiles import Rules
from trustcell_audit.statements import Statements


@dataclass(frozen=True)
class Opened:
    """``path`` holds the authorities from the issuer of the certificate to its root."""

    bundle: Bundle
    certificate: Parsed
    identity: str
    record: dict[str, Any]
    authorities: list[Authority]
    path: list[Authority]
    rules: Rules
    statements: Statements
    people: People
    entries: list[Entry]

    def part(self, name: str) -> Any:
        """A part of the bundle; ``KeyError`` when there is none of this name."""
        return self.bundle.parts[name]

    def entry(self, kind: str, subject: str) -> Entry | None:
        """The newest audit entry of this kind about this subject."""
        found = [each for each in self.entries if (each.raw["kind"], each.raw["subject"]) == (kind, subject)]
        return found[-1] if found else None


def told(opened: Opened, kind: str, subject: str, facts: dict[str, Any], report: Report) -> dict[str, Any] | None:
    """The body of the newest audit entry of this kind about this subject, which says what is expected of it."""
    entry = opened.entry(kind, subject)
    if not report.need(entry is not None, "audit_entry_missing", "audit", f"no {kind} about {subject}"):
        return None
    assert entry is not None
    body: dict[str, Any] = entry.raw["body"]
    for name, value in facts.items():
        place = f"audit entry {entry.seq} ({kind})"
        report.need(
            body.get(name) == value, "audit_entry_differs", place, f"it says {body.get(name)!r}, not {value!r}", name
        )
    return body


def own_twin(twin: str | None, certificate: Parsed, report: Report) -> bytes:
    """The twin with the octets of the certificate and another signature; empty when it is none."""
    if not report.need(twin is not None, "twin_missing", "twin", "nothing says what was linted"):
        return b""
    octets = bytes.fromhex(twin or "")
    try:
        read = Parsed.read(octets)
    except ValueError as error:
        report.need(False, "twin_unreadable", "twin", str(error))
        return octets
    report.need(read.tbs == certificate.tbs, "twin_differs", "twin", "it has other octets than the certificate")
    own = read.signature != certificate.signature
    report.need(own, "twin_signed_for_real", "twin", "it has the signature of the certificate")
    return octets


def issued_at_entry(opened: Opened, kind: str, subject: str, report: Report) -> None:
    """The record dates the certificate as the audit entry that issued it."""
    entry = opened.entry(kind, subject)
    if entry is not None:
        same = entry.raw["at"] == opened.record["issued_at"]
        report.need(same, "record_differs", "record", f"the audit log says {entry.raw['at']}", "issued_at")
