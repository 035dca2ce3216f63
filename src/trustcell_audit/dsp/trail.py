"""I7: every audit chain verifies from its first entry, every exported head is in it, and rows say what it says."""

import hashlib
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from trustcell_audit.canonical import canonical
from trustcell_audit.dsp.books import Books
from trustcell_audit.dsp.words import digest
from trustcell_audit.findings import Report

_STORE = "SELECT environment, chain FROM store"
_LEASES = "SELECT home, seq, hash, epoch FROM lease ORDER BY home"
_TRAIL = "SELECT seq, part, octets, hash FROM trail WHERE home = ? ORDER BY seq"
_HEADS = "SELECT home, seq, hash FROM audit_head ORDER BY home, seq"
_FIELDS = {"at", "epoch", "facts", "home", "kind", "part", "reference", "seq", "subject"}
_COMMANDS = "SELECT number, octets FROM command ORDER BY number"
_INBOUND = "SELECT number, octets FROM inbound ORDER BY number"


class _Chain:
    """One home's entries: hashes by number, and the restores that an operator confirmed."""

    def __init__(self, home: int) -> None:
        self.home = home
        self.hashes: dict[int, str] = {}
        self.restores: list[dict[str, Any]] = []
        self.messages: dict[str, set[str]] = defaultdict(set)

    @property
    def name(self) -> str:
        return f"home {self.home}"


def check_trail(books: Books, heads: Path | None, report: Report) -> None:
    """I7; ``heads`` is the folder to which signed heads are exported."""
    chains = {}
    for home, seq, end, epoch in books.all(_LEASES):
        chain = chains[home] = _Chain(home)
        last = _follow(books, chain, epoch, report)
        whole = last == (seq, bytes(end))
        report.need(whole, "I7", f"lease {home}", f"the chain is said to end at {seq}, and it ends at {last[0]}")
    for home, seq, kept in books.rows(_HEADS):
        place = f"audit_head {home}/{seq}"
        found = chains[home].hashes.get(seq) if home in chains else None
        report.need(found == bytes(kept).hex(), "I7", place, "it is not the entry that was signed")
    environment, name = books.all(_STORE)[0]
    for chain in chains.values():
        for path in sorted(heads.glob(f"dsp-heads-{chain.home}.jsonl*")) if heads is not None else ():
            _exported(path, chain, environment, f"{name}/{chain.home}", report)
    _rows(books, list(chains.values()), report)
    report.facts["entries"] = sum(len(chain.hashes) for chain in chains.values())


def _follow(books: Books, chain: _Chain, epoch: int, report: Report) -> tuple[int, bytes]:
    last, before, epochs = 0, bytes(32), 0
    for seq, part, octets, kept in books.rows(_TRAIL, chain.home):
        place, octets = f"trail {chain.home}/{seq}", bytes(octets)
        report.need(seq == last + 1, "I7", place, f"entry {last + 1} is missing")
        computed = hashlib.sha256(before + octets).digest()
        report.need(computed == bytes(kept), "I7", place, "it does not hash as it was recorded")
        try:
            entry = json.loads(octets)
            sound = entry.keys() == _FIELDS and canonical(entry) == octets
        except ValueError:
            entry, sound = None, False
        if report.need(sound, "I7", place, "it is not an entry in its one form"):
            assert entry is not None
            named = (entry["home"], entry["seq"], entry["part"]) == (str(chain.home), seq, part)
            report.need(named, "I7", place, "it names another place than it stands in")
            report.need(epochs <= entry["epoch"] <= epoch, "I7", place, f"epoch {entry['epoch']} after {epochs}")
            epochs = max(epochs, entry["epoch"])
            if entry["kind"] == "restore_confirmed":
                chain.restores.append(entry["facts"] | {"seq": seq})
            if "gbcs" in entry["facts"]:
                chain.messages[entry["kind"]].add(entry["facts"]["gbcs"])
        chain.hashes[seq] = bytes(kept).hex()
        last, before = seq, bytes(kept)
    return last, before


def _exported(path: Path, chain: _Chain, environment: str, name: str, report: Report) -> None:
    """Heads outside; what lies beyond a confirmed restore was lost with the backup, and the log says so."""
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
        place = f"{path.name} line {number}"
        try:
            head = json.loads(line)
            seq, kept = int(head["seq"]), str(head["hash"])
        except (ValueError, KeyError, TypeError):
            continue  # cut off when a process died; the next line begins anew
        own = (head.get("environment"), head.get("chain")) == (environment, name)
        report.need(own, "I7", place, "it is of another chain")
        lost = any(each["ended"] < seq <= each["known"] for each in chain.restores) and path.suffix != ".jsonl"
        report.need(lost or chain.hashes.get(seq) == kept, "I7", place, f"{chain.name} has no such entry {seq}")


def _rows(books: Books, chains: list[_Chain], report: Report) -> None:
    """Octets in rows are those that the log names."""
    tables = (("command", _COMMANDS, ("command", "recovery")), ("inbound", _INBOUND, ("device_message",)))
    for table, statement, kinds in tables:
        named = {each for chain in chains for kind in kinds for each in chain.messages[kind]}
        for number, octets in books.rows(statement):
            report.need(digest(octets) in named, "I7", f"{table} {number}", "the log does not know these octets")
