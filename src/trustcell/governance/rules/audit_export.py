"""An audit log on its way out: a file of lines that the audit program reads without any of our code."""

from collections.abc import Iterable, Iterator
from typing import Any

from trustcell.governance.rules.audit import AuditEntry, AuditHead
from trustcell.governance.rules.canonical import canonical, moment

FORMAT = "trustcell audit export 1"


def header_line(environment: str, chain: str, audit_key: bytes) -> bytes:
    """The first line: whose log it is, and the SubjectPublicKeyInfo that verifies its heads."""
    return (
        canonical({"audit_key": audit_key.hex(), "chain": chain, "environment": environment, "format": FORMAT}) + b"\n"
    )


def head_form(head: AuditHead) -> dict[str, Any]:
    """A signed head as JSON values."""
    return {
        "at": moment(head.at),
        "chain": head.chain,
        "environment": head.environment,
        "hash": head.hash.hex(),
        "seq": head.seq,
        "signature": head.signature.hex(),
    }


def export_lines(
    environment: str, audit_key: bytes, entries: Iterable[AuditEntry], heads: Iterable[AuditHead], chain: str
) -> Iterator[bytes]:
    """The whole export: header, every entry, every head."""
    yield header_line(environment, chain, audit_key)
    for entry in entries:
        yield entry.octets + b"\n"
    for head in heads:
        yield canonical(head_form(head)) + b"\n"
