"""The check of an exported audit log: an unbroken chain from the first entry, and every signed head in it.

A chain alone cannot tell that its tail was cut off: only heads kept elsewhere can, and the report says when none were
given.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell_audit.canonical import lines_of, octets_of, read_object
from trustcell_audit.chain import GENESIS, HEAD_FIELDS, Entry, Head, read_entry, read_head
from trustcell_audit.findings import Malformed, Problem, Report
from trustcell_audit.keys import p256_key, sha256

FORMAT = "trustcell audit export 1"
_HEADER_FIELDS = frozenset({"audit_key", "chain", "environment", "format"})


@dataclass
class _Log:
    """What has been read so far."""

    chain: str
    environment: str
    key: ec.EllipticCurvePublicKey
    hashes: dict[int, bytes] = field(default_factory=dict)
    broken: list[tuple[Entry, Entry]] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    last: Entry | None = None


def check_export(file: BinaryIO, outside: BinaryIO | None = None, anchors: frozenset[str] = frozenset()) -> Report:
    """Check an export; ``outside`` holds heads kept elsewhere, ``anchors`` digests (hex) of keys to trust."""
    report = Report()
    try:
        lines = lines_of(file, "export")
        log = _header(next(lines, None), anchors, report)
        for number, octet, line in lines:
            _line(log, number, octet, line, report)
    except Malformed as malformed:
        report.add([malformed.problem])
        return report
    _links(log, report)
    for head in log.heads:
        _head(log, head, report)
    if log.last is None:
        report.need(False, "empty", "export", "there is no entry")
    else:
        signed = max((head.seq for head in log.heads), default=0)
        message = f"no signed head follows it; the newest is of entry {signed}"
        report.need(log.last.seq <= signed, "tail_unsigned", log.last.place, message, octet=log.last.octet)
    _outside(log, outside, report)
    report.facts |= {
        "environment": log.environment,
        "chain": log.chain,
        "entries": len(log.hashes),
        "heads": len(log.heads),
        "last": log.last.seq if log.last else 0,
    }
    return report


def _header(first: tuple[int, int, bytes] | None, anchors: frozenset[str], report: Report) -> _Log:
    if first is None:
        raise Malformed(Problem("empty", "export", "the file is empty", octet=0))
    raw = read_object(first[2], "header, line 1")
    key = p256_key(octets_of(raw.get("audit_key")) or b"")
    known = raw.keys() == _HEADER_FIELDS and raw["format"] == FORMAT
    if not known or key is None:
        name, message = ("audit_key", "a P-256 key was expected") if known else ("format", f"{FORMAT!r} was expected")
        raise Malformed(Problem("header_malformed", "header, line 1", message, name, 0))
    digest = sha256(octets_of(raw["audit_key"]) or b"")
    report.facts["audit_key_sha256"] = digest
    if not anchors:
        report.relied.append(f"the audit key named in the file itself (SHA-256 {digest})")
    else:
        message = f"the audit key (SHA-256 {digest}) is none of those to trust"
        report.need(digest in anchors, "audit_key_not_trusted", "header, line 1", message, "audit_key")
    return _Log(raw["chain"], raw["environment"], key)


def _line(log: _Log, number: int, octet: int, line: bytes, report: Report) -> None:
    try:
        raw = read_object(line, f"line {number}", octet)
        if raw.keys() == HEAD_FIELDS:
            log.heads.append(read_head(raw, f"line {number}", octet))
            return
        entry = read_entry(raw, line, number, octet)
    except Malformed as malformed:
        report.add([malformed.problem])
        return
    report.need(entry.raw["chain"] == log.chain, "chain_differs", entry.place, "of another chain", "chain", octet)
    _order(log, entry, report)
    log.hashes.setdefault(entry.seq, entry.hash)
    log.last = entry


def _order(log: _Log, entry: Entry, report: Report) -> None:
    last = log.last
    expected = 1 if last is None else last.seq + 1
    if entry.seq > expected:
        missing = f"entry {expected}" if entry.seq == expected + 1 else f"entries {expected} to {entry.seq - 1}"
        report.need(False, "entry_missing", entry.place, f"{missing} missing before it", "seq", entry.octet)
    elif entry.seq < expected:
        message = f"entry {expected} was expected here: this one was repeated, inserted or moved"
        report.need(False, "entry_out_of_order", entry.place, message, "seq", entry.octet)
    elif last is None:
        message = "the first entry carries 32 zero octets"
        report.need(entry.previous == GENESIS, "first_entry_wrong", entry.place, message, "previous", entry.octet)
    elif entry.previous != last.hash:
        log.broken.append((last, entry))


def _links(log: _Log, report: Report) -> None:
    """Name the entry to blame for each broken link: the one other evidence speaks against as well."""
    good = {head.seq: head.hash for head in log.heads if head.signed_by(log.key)}
    contradicted = {last.seq for last, _ in log.broken}
    for last, entry in log.broken:
        confirmed = good.get(last.seq) == last.hash
        doubtful = entry.seq in contradicted or good.get(entry.seq, entry.hash) != entry.hash
        if confirmed or (doubtful and last.seq not in good):
            message = f"it does not carry the hash of entry {last.seq}"
            report.need(False, "link_broken", entry.place, message, "previous", entry.octet)
        else:
            message = f"its octets do not have the hash that entry {entry.seq} carries: they were changed"
            report.need(False, "entry_altered", last.place, message, octet=last.octet)


def _head(log: _Log, head: Head, report: Report) -> None:
    named = (head.raw["chain"], head.raw["environment"]) == (log.chain, log.environment)
    report.need(named, "head_of_another_log", head.place, "of another chain or environment", "chain", head.octet)
    if not report.need(
        head.signed_by(log.key), "head_signature", head.place, "not signed by the audit key", "signature", head.octet
    ):
        return
    found = log.hashes.get(head.seq)
    if found is None:
        message = f"entry {head.seq} was signed and is not there: the log was cut"
        report.need(False, "entries_cut", head.place, message, "seq", head.octet)
    else:
        message = f"entry {head.seq} had another hash when it was signed: it was changed, or the log forked before it"
        report.need(found == head.hash, "head_not_in_chain", head.place, message, "hash", head.octet)


def _outside(log: _Log, outside: BinaryIO | None, report: Report) -> None:
    if outside is None:
        report.relied.append("the file being whole: without heads kept elsewhere a tail cut off cannot be noticed")
        return
    count = 0
    for head in read_heads(outside, report):
        count += 1
        _head(log, head, report)
    report.facts["outside_heads"] = count
    report.need(count > 0, "no_outside_heads", "heads kept elsewhere", "there is none in the file")


def read_heads(file: BinaryIO, report: Report) -> Iterator[Head]:
    """The heads kept elsewhere, one a line.

    A line cut off, as a process leaves that dies while it writes, is told and left out; one that was changed is a
    problem.
    """
    octet = 0
    for number, whole in enumerate(file, 1):
        place, line = f"heads kept elsewhere, line {number}", whole.removesuffix(b"\n")
        try:
            yield read_head(read_object(line, place, octet), place, octet)
        except Malformed as malformed:
            if line.endswith(b"}"):
                report.add([malformed.problem])
            else:
                report.relied.append(f"{place} not being a head: it was cut off")
        octet += len(whole)
