"""Devices, requests and works for tests of the DSP's books."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from trustcell.adapters.dsp_store import Settings, SqlHomes, open_homes
from trustcell.adapters.dsp_store.schema import METADATA
from trustcell.adapters.store.engine import make_engine
from trustcell.dsp.ports import Store
from trustcell.dsp.rules.correlation import CommandKey
from trustcell.dsp.rules.counters import CounterChoice
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.plan import Effects
from trustcell.dsp.rules.work import (
    Command,
    CommandChange,
    CommandState,
    Inbound,
    Parcel,
    RequestChange,
    Reservation,
    TrailEntry,
    Work,
)
from trustcell.duis import RequestId
from trustcell.vocab import Eui64

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp()) * 1000
ENVIRONMENT = "test-environment"
BROKER = Eui64(bytes.fromhex("90b3d51f30010000"))
COS = Eui64(bytes.fromhex("90b3d51f30010001"))
MOST = 2**64 - 1


def eui(name: object) -> Eui64:
    return Eui64(sha256(str(name).encode()).digest()[:8])


USER = eui("user")
DEVICE = eui("device")


def seal(octets: bytes) -> bytes:
    """Not a signature, and yet it depends on every octet."""
    return sha256(octets).digest() * 2


def opened(url: str, folder: Path | None = None, **changes: Any) -> SqlHomes:
    return open_homes(Settings(url, **{"environment": ENVIRONMENT, "seal": seal, "head_folder": folder, **changes}))


def after(**span: int) -> datetime:
    return NOW + timedelta(**span)


def request_id(counter: int, device: Eui64 = DEVICE, user: Eui64 = USER) -> RequestId:
    return RequestId(user, device, counter)


def entry(kind: str, subject: object, **facts: Any) -> TrailEntry:
    return TrailEntry(kind, str(subject), facts, "ref")


def reservation(ids: RequestId, **changes: Any) -> Reservation:
    values: dict[str, Any] = {
        "request_id": ids, "expected": None, "originator": BROKER, "device": ids.target, "service_variant": "6.21",
        "command_variant": 1, "received": b"<request/>", "raise_above_highest": True,
        "trail": (entry("reserved", ids),),
    }  # fmt: skip
    return Reservation(**{**values, **changes})


def change(ids: RequestId, expected: RequestState | None, state: RequestState, **changes: Any) -> RequestChange:
    return RequestChange(ids, expected, state, "6.21", 1, **changes)


def commanding(ids: RequestId, counter: int, expected: RequestState | None = RequestState.RESERVED, **of: Any) -> Work:
    """A command for a request, by the broker unless said otherwise."""
    key = CommandKey(of.pop("originator", BROKER), ids.target, counter)
    octets = of.pop("octets", f"command {ids} {counter}".encode())
    command = Command(key, 0x0103, ids, "6.21", octets, **of)
    received = b"<request/>" if expected is None else None
    moved = change(ids, expected, RequestState.COMMANDED, received=received, code="I99")
    return Work(ids.target, (moved,), command, trail=(entry("command", ids, counter=counter),))


def answering(ids: RequestId, key: CommandKey, effects: Effects | None = None, **of: Any) -> Work:
    """A device's answer."""
    values: dict[str, Any] = {
        "requests": (change(ids, RequestState.COMMANDED, RequestState.RESPONDED, code="I0"),),
        "settle": CommandChange(key, CommandState.ANSWERED),
        "inbound": Inbound(ids.target, b"answer", "response", key),
        "effects": effects or Effects(),
        "parcels": (Parcel(ids.originator, f"response {ids}".encode(), ids, final=True),),
        "trail": (entry("answer", ids),),
    }
    return Work(ids.target, **{**values, **of})


def reserved(store: Store, ids: RequestId, now: datetime = NOW, **changes: Any) -> CounterChoice:
    (choice,) = store.reserve([reservation(ids, **changes)], now)
    assert isinstance(choice, CounterChoice), choice
    return choice


def commanded(store: Store, ids: RequestId, now: datetime = NOW, **changes: Any) -> CommandKey:
    """A command in the outbox, with a number of the broker."""
    counter = reserved(store, ids, now, **changes).counter
    stood(store.commit([commanding(ids, counter)], now))
    return CommandKey(changes.get("originator", BROKER), ids.target, counter)


def learn(store: Store, device: Eui64, number: int, now: datetime = NOW) -> None:
    effects = Effects(learned=number, learned_from="6.15.1 authorisingRemotePartySeqNumber")
    stood(store.commit([Work(device, effects=effects)], now))


def stood(outcomes: Sequence[object]) -> None:
    assert [outcome for outcome in outcomes if outcome is not None] == []


def run_sql(url: str, statement: str) -> list[tuple[object, ...]]:
    """Run SQL past the store, committing it."""
    engine = make_engine(url)
    try:
        with engine.begin() as connection:
            found = connection.exec_driver_sql(statement)
            return [tuple(row) for row in found] if found.returns_rows else []
    finally:
        engine.dispose()


def dumped(url: str) -> str:
    """Everything that is kept, but whose lease it is."""
    engine, left_out = make_engine(url), {"epoch", "owner", "until"}
    tables = {}
    with engine.connect().execution_options(reading=True) as connection:
        for name, table in METADATA.tables.items():
            rows = connection.execute(sa.select(*(column for column in table.columns if column.name not in left_out)))
            tables[name] = sorted(map(repr, rows))
    engine.dispose()
    return repr(tables)
