"""What is wrong with the books of a database, by rules that the code that writes them does not use (hostile N18)."""

import hashlib
from collections.abc import Iterable, Iterator

from trustcell.adapters.dsp_store.homes import SqlHomes
from trustcell.adapters.dsp_store.session import Session
from trustcell.adapters.store.values import from_json
from trustcell.governance.rules.audit import GENESIS
from trustcell.vocab import Eui64

_SOME = 100
_HEADS = "SELECT home, seq, hash FROM audit_head ORDER BY home, seq"
_ENDS = "SELECT home, seq, hash FROM lease ORDER BY home"
_UNLEARNED = """SELECT f.device, f.highest_counter, e.counter FROM gpf_network_operator_floor f
JOIN counter_event e ON e.device = f.device WHERE substr(e.who, 1, 18) = 'learned by the DSP' LIMIT 1000000"""
_UNSPENT = f"""SELECT r.target, r.reserved FROM request r WHERE r.reserved IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM originator_counter o
WHERE o.device = r.target AND o.originator = r.reserved_by AND o.last_own >= r.reserved)
AND NOT EXISTS (SELECT 1 FROM spent_counter s
WHERE s.device = r.target AND s.first <= r.reserved AND s.last >= r.reserved) LIMIT {_SOME}"""


def problems(homes: SqlHomes) -> Iterator[str]:
    """One sentence for each thing that is wrong: chains, signed heads, counters that fell. Nothing for sound books."""
    with homes.session() as session, session.reading():
        heads = {(home, seq): bytes(digest) for home, seq, digest in session.all(_HEADS)}
        ends = [(home, seq, bytes(digest)) for home, seq, digest in session.all(_ENDS)]
        yield from _fallen(session)
    names = list(homes.names())
    marks = {(names[home], seq): digest for (home, seq), digest in heads.items()}
    marks.update({(names[home], seq): digest for home, seq, digest in ends if seq})
    yield from broken_links(homes.views.chain(), marks)


def broken_links(chain: Iterable[tuple[str, int, bytes, bytes]], marks: dict[tuple[str, int], bytes]) -> Iterator[str]:
    """Follow chains entry by entry; ``marks`` are hashes known from elsewhere, by home and number."""
    missing = dict(marks)
    last: dict[str, tuple[int, bytes]] = {}
    for home, seq, octets, kept in chain:
        before, previous = last.get(home, (0, GENESIS))
        if seq != before + 1:
            yield f"home {home}: entry {before + 1} is missing, {seq} follows"
        digest = hashlib.sha256(previous + octets).digest()
        if digest != kept or not _is_entry(octets, home, seq):
            yield f"home {home}: entry {seq} is not what was recorded"
        if missing.pop((home, seq), kept) != kept:
            yield f"home {home}: entry {seq} is not the one that was signed"
        last[home] = (seq, kept)
    for home, seq in missing:
        yield f"home {home}: entry {seq} is missing, but its hash is known"


def _is_entry(octets: bytes, home: str, seq: int) -> bool:
    """Whether the octets, whose hash is right, say of themselves where they stand."""
    raw = from_json(octets.decode())
    return (raw["home"], raw["seq"]) == (home, seq)


def _fallen(session: Session) -> Iterator[str]:
    for device, highest, learned in session.all(_UNLEARNED):
        if int.from_bytes(learned, "big") > highest:
            number = int.from_bytes(learned, "big")
            yield f"{Eui64(device)}: {number} was learned, but the stored counter is {highest}"
    for device, reserved in session.all(_UNSPENT):
        yield f"{Eui64(device)}: {reserved} was given out, but its counter stands lower"
