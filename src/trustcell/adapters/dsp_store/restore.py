"""After a backup was put back: no number that may have been sent since is used again (hostile N15, D7, D8)."""

from dataclasses import dataclass
from datetime import datetime

from trustcell.adapters.dsp_store.group import Group, Home
from trustcell.adapters.dsp_store.homes import Settings, taken
from trustcell.adapters.dsp_store.sealing import Sealing, head_path
from trustcell.adapters.dsp_store.session import Session
from trustcell.adapters.store.heads import HeadFile
from trustcell.dsp.rules.counters import milliseconds
from trustcell.dsp.rules.partition import partition
from trustcell.dsp.rules.work import TrailEntry
from trustcell.vocab import MAX_SEQ_NUMBER

MARGIN = 1_000_000
"""Numbers to leave out: about a quarter of an hour of a clock in milliseconds."""

_MINE = "part IN (SELECT p.part FROM part_home p WHERE p.home = ?)"
_OWN = (
    "UPDATE originator_counter SET last_own = CASE "
    f"WHEN last_own > ? THEN {MAX_SEQ_NUMBER} WHEN last_own > ? THEN last_own + ? ELSE ? END WHERE {_MINE}"
)
# What lies between the old and the new stored counter may have been sent as a raised number.
_SKIP = (
    "INSERT INTO spent_counter (device, first, last) SELECT device, highest_counter + 1, "
    f"CASE WHEN highest_counter > ? THEN {MAX_SEQ_NUMBER} ELSE highest_counter + ? END "
    f"FROM gpf_network_operator_floor WHERE highest_counter < {MAX_SEQ_NUMBER} AND {_MINE} ON CONFLICT DO NOTHING"
)
_FLOORS = (
    "UPDATE gpf_network_operator_floor SET highest_counter = CASE "
    f"WHEN highest_counter > ? THEN {MAX_SEQ_NUMBER} ELSE highest_counter + ? END WHERE {_MINE}"
)
_LEASE = (
    "UPDATE lease SET epoch = epoch + 1, owner = '', until = 0, given = given + ?, "
    "own_floor = CASE WHEN own_floor > ? THEN own_floor ELSE ? END WHERE home = ?"
)


@dataclass(frozen=True, slots=True)
class Jump:
    """What ``confirm_restore`` did to a home: where its chain ended, and what the head file knew."""

    home: str
    seq: int
    known: int
    own_floor: int


def confirm_restore(settings: Settings, confirmed_by: str, now: datetime, margin: int = MARGIN) -> list[Jump]:
    """An operator says that a backup was put back: every counter jumps, and every chain gets a new head file.

    Own numbers go on above the clock and above themselves by ``margin``, stored counters rise by it, numbers of
    deliveries and commands skip as many. A number learned since the backup is not known; a 6.24.1 teaches it again.
    Homes whose head file knows no more than the database jump as well: they were restored together.
    """
    if settings.seal is None or margin < 1:
        raise ValueError("a restore is confirmed with a key for the log and a margin of at least one")
    homes = taken(settings)
    try:
        jumps = []
        names = homes.names()
        for ordinal, name in enumerate(names):
            with homes.session() as session:
                home = Home(name, ordinal, len(names), partition)
                jumps.append(_jump(session, home, settings, homes.sealing(name), confirmed_by, now, margin))
    finally:
        homes.close()
    return jumps


def _jump(
    session: Session, home: Home, settings: Settings, sealing: Sealing, confirmed_by: str, now: datetime, margin: int
) -> Jump:
    kept = None if settings.head_folder is None else HeadFile(head_path(settings.head_folder, home.name)).newest()
    known, digest = (0, "") if kept is None else (int(kept["seq"]), str(kept.get("hash", "")))
    now_ms, most, ordinal = milliseconds(now), MAX_SEQ_NUMBER - margin, home.ordinal
    floor = min(now_ms + margin, MAX_SEQ_NUMBER)
    with session.writing():
        row = session.one("SELECT epoch, seq FROM lease WHERE home = ?", (ordinal,))
        epoch, seq = (0, 0) if row is None else row
        session.run(_OWN, (most, now_ms, margin, floor, ordinal))
        session.run(_SKIP, (most, margin, ordinal))
        session.run(_FLOORS, (most, margin, ordinal))
        session.run(_LEASE, (margin, floor, floor, ordinal))
        group = Group(session, home, epoch + 1, now)
        facts = {
            "by": confirmed_by,
            "margin": margin,
            "ended": seq,
            "known": known,
            "known_hash": digest,
            "from": floor,
        }
        group.note(0, [TrailEntry("restore_confirmed", f"home {home.name}", facts)])
        group.close()
    with session.reading():
        head = sealing.wanted(session, ordinal)
    if head is not None:
        signed = sealing.sign(head, now)
        with session.writing():
            sealing.keep(session, ordinal, signed)
        sealing.begin_anew(f"before-epoch-{epoch + 1}")
        sealing.export()
    return Jump(home.name, seq, known, floor)
