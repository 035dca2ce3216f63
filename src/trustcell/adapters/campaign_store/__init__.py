"""Where campaigns are kept: SQLite or PostgreSQL, one transaction a call (see ``campaigns.ports.CampaignStore``)."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from trustcell.adapters.store import opening
from trustcell.adapters.store.engine import make_engine
from trustcell.adapters.store.failures import translated
from trustcell.adapters.store.values import micros, when
from trustcell.campaigns import Campaign, CampaignState, Limits, Target, TargetState
from trustcell.campaigns.rules.waves import CAMPAIGN as CLAUSE
from trustcell.campaigns.rules.waves import MOVING, OVER
from trustcell.vocab import Eui64, Refused

LAYOUT = opening.Layout(0x74_63_63_31, "campaign", "0001", Path(__file__).with_name("migrations"))
"""``tcc1``."""

_METADATA = sa.MetaData()
_CAMPAIGN = sa.Table(
    "campaign",
    _METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("name", "kind", "state", "notice", "limits", "override")),
    *(sa.Column(name, sa.LargeBinary) for name in ("subject", "goal", "asks", "reads")),
    sa.Column("began", sa.BigInteger),
)
_TARGET = sa.Table(
    "target",
    _METADATA,
    sa.Column("campaign", sa.Integer, primary_key=True),
    sa.Column("device", sa.LargeBinary, primary_key=True),
    sa.Column("state", sa.Text),
    sa.Column("attempts", sa.Integer),
    sa.Column("counter", sa.LargeBinary),
    sa.Column("not_before", sa.BigInteger),
    sa.Column("changed", sa.BigInteger),
    sa.Column("code", sa.Text),
    sa.Column("evidence", sa.Text),
)
_PART = 5_000


class SqlCampaigns:
    """See ``campaigns.ports.CampaignStore``; opened by its URL, and set up when it is new."""

    def __init__(self, url: str) -> None:
        """``Unavailable``: ``storage_foreign``, ``storage_outdated``, ``storage_failed``."""
        self._engine = make_engine(url)
        self._name = opening.told(self._engine)
        try:
            with translated(self._name), self._engine.begin() as connection:
                opening.take(connection, LAYOUT)
        except BaseException:
            self._engine.dispose()
            raise
        dialect: Any = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        put = dialect.insert(_TARGET)
        changing = {column.name: put.excluded[column.name] for column in _TARGET.columns if not column.primary_key}
        self._put = put.on_conflict_do_update(index_elements=["campaign", "device"], set_=changing)

    def close(self) -> None:
        """Give the connections up."""
        self._engine.dispose()

    def add(self, campaign: Campaign, devices: Iterable[Eui64]) -> None:
        """See the port."""
        with self._writing() as connection:
            if self._number(connection, campaign.name) is not None:
                problem = f"there is a campaign {campaign.name} already"
                raise Refused(
                    [CLAUSE.breach("campaign_exists", "name", problem, "go on with it, or take another name")]
                )
            began = micros(campaign.began)
            adding = sa.insert(_CAMPAIGN).values(
                name=campaign.name, kind=campaign.kind, subject=bytes(campaign.subject), goal=bytes(campaign.goal),
                asks=bytes(campaign.asks), reads=bytes(campaign.reads), began=began,
                notice=json.dumps(dict(campaign.notice)), **_turning(campaign),
            )  # fmt: skip
            number = connection.execute(adding).inserted_primary_key
            assert number is not None
            rows = [_row(number[0], Target(device, TargetState.WAITING), began) for device in devices]
            for start in range(0, len(rows), _PART):
                connection.execute(sa.insert(_TARGET), rows[start : start + _PART])

    def campaign(self, name: str) -> Campaign | None:
        """See the port."""
        with self._reading() as connection:
            row = connection.execute(sa.select(_CAMPAIGN).where(_CAMPAIGN.c.name == name)).one_or_none()
        return None if row is None else _campaign(row)

    def campaigns(self) -> Sequence[Campaign]:
        """See the port."""
        with self._reading() as connection:
            return [_campaign(row) for row in connection.execute(sa.select(_CAMPAIGN).order_by(_CAMPAIGN.c.number))]

    def change(self, campaign: Campaign) -> None:
        """See the port."""
        with self._writing() as connection:
            changing = sa.update(_CAMPAIGN).where(_CAMPAIGN.c.name == campaign.name)
            connection.execute(changing.values(**_turning(campaign)))

    def targets(
        self, name: str, states: Iterable[TargetState], limit: int, due: datetime | None = None
    ) -> Sequence[Target]:
        """See the port."""
        with self._reading() as connection:
            number = self._number(connection, name)
            wanted = sa.select(_TARGET).where(
                _TARGET.c.campaign == number, _TARGET.c.state.in_([state.value for state in states])
            )
            if due is not None:
                wanted = wanted.where(_TARGET.c.not_before <= micros(due))
            found = connection.execute(wanted.order_by(_TARGET.c.device).limit(max(0, limit)))
            return [_target(row) for row in found]

    def put(self, name: str, targets: Sequence[Target]) -> None:
        """See the port."""
        if targets:
            with self._writing() as connection:
                number = self._number(connection, name)
                connection.execute(self._put, [_row(number, each, 0) for each in targets])

    def counts(self, name: str) -> dict[TargetState, int]:
        """See the port."""
        with self._reading() as connection:
            number = self._number(connection, name)
            counted = sa.select(_TARGET.c.state, sa.func.count()).where(_TARGET.c.campaign == number)
            return {TargetState(state): n for state, n in connection.execute(counted.group_by(_TARGET.c.state))}

    def begun_since(self, name: str, since: datetime) -> int:
        """See the port: those that are on their way, or came to something, since then."""
        with self._reading() as connection:
            number = self._number(connection, name)
            counted = sa.select(sa.func.count()).where(
                _TARGET.c.campaign == number, _TARGET.c.changed >= micros(since), _TARGET.c.attempts > 0,
                _TARGET.c.state.in_([state.value for state in MOVING]),
            )  # fmt: skip
            return int(connection.execute(counted).scalar_one()) + len(self._ended(connection, number, since))

    def finished_since(self, name: str, since: datetime) -> Sequence[datetime]:
        """See the port."""
        with self._reading() as connection:
            return [when(at) for at in self._ended(connection, self._number(connection, name), since)]

    def _ended(self, connection: sa.Connection, number: int | None, since: datetime) -> list[int]:
        ended = sa.select(_TARGET.c.changed).where(
            _TARGET.c.campaign == number, _TARGET.c.changed >= micros(since),
            _TARGET.c.state.in_([state.value for state in OVER]),
        )  # fmt: skip
        return list(connection.execute(ended).scalars())

    def _number(self, connection: sa.Connection, name: str) -> int | None:
        return connection.execute(sa.select(_CAMPAIGN.c.number).where(_CAMPAIGN.c.name == name)).scalar_one_or_none()

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with translated(self._name), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with translated(self._name), self._engine.connect() as connection:
            yield connection.execution_options(reading=True)


def _turning(campaign: Campaign) -> dict[str, Any]:
    limits = asdict(campaign.limits) | {"again_after": campaign.limits.again_after.total_seconds()}
    override = None if campaign.override is None else json.dumps(dict(campaign.override))
    return {"state": campaign.state.value, "limits": json.dumps(limits), "override": override}


def _campaign(row: Any) -> Campaign:
    limits = json.loads(row.limits)
    limits["again_after"] = timedelta(seconds=limits["again_after"])
    return Campaign(
        row.name,
        row.kind,
        Eui64(row.subject),
        Eui64(row.goal),
        Eui64(row.asks),
        Eui64(row.reads),
        CampaignState(row.state),
        when(row.began),
        json.loads(row.notice),
        Limits(**limits),
        None if row.override is None else json.loads(row.override),
    )


def _row(number: int | None, target: Target, changed: int) -> dict[str, Any]:
    return {
        "campaign": number,
        "device": bytes(target.device),
        "state": target.state.value,
        "attempts": target.attempts,
        "counter": target.counter.to_bytes(8, "big"),
        "not_before": 0 if target.not_before is None else micros(target.not_before),
        "changed": changed if target.changed is None else micros(target.changed),
        "code": target.code,
        "evidence": target.evidence,
    }


def _target(row: Any) -> Target:
    return Target(
        Eui64(row.device),
        TargetState(row.state),
        row.attempts,
        int.from_bytes(row.counter, "big"),
        when(row.not_before) if row.not_before else None,
        when(row.changed) if row.changed else None,
        row.code,
        row.evidence,
    )
