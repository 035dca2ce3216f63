"""Departures of a home: its books, the operator's keys, any DUIS address, and the campaigns kept beside them."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from trustcell.adapters.campaign_store import SqlCampaigns
from trustcell.adapters.campaign_store.fleet import BooksFleet
from trustcell.adapters.clock import system_now_exact
from trustcell.adapters.keyfiles import read_key_files
from trustcell.app.dsp_books import database_url
from trustcell.app.lab_facts import kept_facts
from trustcell.app.lab_repository import beside_lab, broker_in
from trustcell.app.operator_client import Send, operator_client
from trustcell.campaigns import Campaign, CampaignState, Departure, Limits, Progress, Target, TargetState
from trustcell.campaigns.ports import Client
from trustcell.campaigns.rules.departure import WAY_OUT
from trustcell.vocab import Eui64

_FILE = "campaigns.db"
_TURN_SECONDS = 0.5


class Numbers:
    """Counters for requests: milliseconds, as clients count, and always above the last one."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        """Use a clock."""
        self._clock, self._last = clock, 0

    def __call__(self) -> int:
        """The next one."""
        self._last = max(self._last + 1, int(self._clock().timestamp() * 1000))
        return self._last


@contextmanager
def departure_of(
    home: Path, name: str, database: str | None = None, client: Client | None = None
) -> Iterator[tuple[Departure, SqlCampaigns]]:
    """One campaign of a home, and the store it is kept in."""
    store = SqlCampaigns(f"sqlite:///{(home / _FILE).absolute()}")
    with beside_lab(home) as (repository, _seal):
        broker = broker_in(repository, kept_facts(home).certificates_at)
    fleet = BooksFleet(database_url(home, database), broker)
    try:
        yield Departure(store, fleet, client, name), store
    finally:
        fleet.close()
        store.close()


def client_of(home: Path, operator: Eui64, keys: Sequence[Path], send: Send) -> Client:
    """The operator's own client. ``Refused`` (``key_missing``) when the key files do not have what it signs with."""
    facts = kept_facts(home)
    return operator_client(read_key_files(keys), operator, facts.issuing, send, facts.certificates_at)


def carried_on(
    departure: Departure, told: Callable[[Progress], None], until: Callable[[], bool] = lambda: False
) -> Campaign:
    """Step by step until the campaign is over, is paused by somebody, or ``until`` says so."""
    numbers = Numbers(system_now_exact)
    while True:
        now = system_now_exact()
        moved = departure.step(now, numbers)
        told(departure.progress(now))
        campaign = departure.campaign
        if campaign.state is not CampaignState.RUNNING or until():
            return campaign
        if not moved:
            time.sleep(_TURN_SECONDS)


def listed(home: Path, database: str | None = None) -> list[dict[str, Any]]:
    """Every departure of a home, as ``report_of`` tells them."""
    with departure_of(home, "", database) as (_departure, store):
        names = [each.name for each in store.campaigns()]
    told = []
    for name in names:
        with departure_of(home, name, database) as (departure, _store):
            told.append(report_of(departure))
    return told


def begun(departure: Departure, operator: Eui64, by: str, limits: Limits, noticed: datetime | None) -> Campaign:
    """A campaign on somebody's word."""
    now = system_now_exact()
    notice = {"by": by, "at": (noticed or now).isoformat()}
    return departure.begin(operator, notice, limits, now)


def retried(departure: Departure) -> int:
    """Everything that was given up, once more."""
    return departure.retry(system_now_exact())


def revoked(departure: Departure, reason: str, by: str) -> Campaign:
    """The certificates may be revoked from now on."""
    return departure.revoke(reason, by, system_now_exact())


def report_of(departure: Departure) -> dict[str, Any]:
    """Where a campaign stands, as plain values."""
    campaign, progress = departure.campaign, departure.progress(system_now_exact())
    return {
        "name": campaign.name,
        "kind": campaign.kind,
        "operator": str(campaign.subject),
        "state": campaign.state.value,
        "began": campaign.began.isoformat(),
        "notice": dict(campaign.notice),
        "override": None if campaign.override is None else dict(campaign.override),
        "total": progress.total,
        "targets": {state.value: progress.counts.get(state, 0) for state in TargetState},
        "ends": None if progress.ends is None else progress.ends.isoformat(timespec="seconds"),
    }


def target_row(target: Target) -> dict[str, Any]:
    """One device of a campaign, and the way out of where it is stuck."""
    stuck = target.state in (TargetState.UNREACHABLE, TargetState.REFUSED)
    return {
        "device": str(target.device),
        "state": target.state.value,
        "attempts": target.attempts,
        "counter": str(target.counter),
        "code": target.code,
        "evidence": target.evidence,
        "way_out": WAY_OUT if stuck else "",
    }
