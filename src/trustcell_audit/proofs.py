"""Audit entries of a bundle: runs of entries, each chained up to a head that the audit key signed."""

from typing import Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell_audit.canonical import read_object
from trustcell_audit.chain import Entry, read_entry, read_head
from trustcell_audit.export import read_heads
from trustcell_audit.findings import Malformed, Report


def read_runs(
    runs: list[dict[str, Any]],
    environment: str,
    key: ec.EllipticCurvePublicKey,
    outside: BinaryIO | None,
    report: Report,
) -> list[Entry]:
    """The entries of all runs, proved or with the problem that keeps them from it."""
    kept: dict[int, bytes] = {}
    if outside is not None:
        kept = {head.seq: head.hash for head in read_heads(outside, report) if head.signed_by(key)}
    entries: list[Entry] = []
    for number, run in enumerate(runs, 1):
        try:
            entries += _run(number, run, environment, key, kept, report)
        except Malformed as malformed:
            report.add([malformed.problem])
    return entries


def _run(
    number: int,
    run: dict[str, Any],
    environment: str,
    key: ec.EllipticCurvePublicKey,
    kept: dict[int, bytes],
    report: Report,
) -> list[Entry]:
    place = f"audit proof {number}"
    head = read_head(run["head"], place, -1)
    entries: list[Entry] = []
    for text in run["entries"]:
        octets = text.encode()
        entry = read_entry(read_object(octets, place), octets, number, -1)
        if entries:
            follows = entry.seq == entries[-1].seq + 1 and entry.previous == entries[-1].hash
            report.need(follows, "link_broken", f"{place}, entry {entry.seq}", "it does not follow the one before it")
        report.need(
            entry.raw["chain"] == head.raw["chain"], "chain_differs", f"{place}, entry {entry.seq}", "chain", "chain"
        )
        entries.append(entry)
    named = head.raw["environment"] == environment
    report.need(named, "environment_differs", head.place, "of another environment", "environment")
    report.need(head.signed_by(key), "head_signature", head.place, "not signed by the audit key", "signature")
    reached = bool(entries) and (entries[-1].seq, entries[-1].hash) == (head.seq, head.hash)
    report.need(reached, "head_not_reached", head.place, "the entries before it do not lead to its hash", "hash")
    report.need(kept.get(head.seq, head.hash) == head.hash, "fork", head.place, "a head kept elsewhere says otherwise")
    return entries
