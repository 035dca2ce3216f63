"""Requests, decisions about them, and intents to sign."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from trustcell.adapters.store.schema import DECISION, INTENT, REQUEST
from trustcell.adapters.store.unit import Duplicate, Unit
from trustcell.adapters.store.values import (
    from_json,
    listed,
    micros,
    number,
    to_json,
    unlisted,
    when,
    wide,
    wide_or_none,
)
from trustcell.smki.rules.records import DecisionRecord, Family, IntentRecord, RequestRecord, RequestState
from trustcell.vocab import Clause, Eui64, KeyUsage, Refused

_APPENDIX_M = Clause("SEC Appendix M 2.3.1", "SEC Appendix M 2.3.1: a Certificate Signing Request is dealt with once")
_SERIALS = Clause("RFC 5280 4.1.2.2", "RFC 5280 4.1.2.2: an issuer uses a serial number once")
_REFUSED = (RequestState.REJECTED_FORMAT, RequestState.REJECTED_CONTENT)
_R, _D, _I = REQUEST.c, DECISION.c, INTENT.c
_MOVE = REQUEST.update().where(_R.name == sa.bindparam("is_name")).values(state=sa.bindparam("state"))
_INTENT = sa.select(INTENT).where(_I.issuer == sa.bindparam("is_issuer"), _I.serial == sa.bindparam("is_serial"))
_SETTLE = "UPDATE intent SET settled = ? WHERE issuer = ? AND serial = ?"
_ENDS = frozenset({"issued", "abandoned"})


class SqlRequests:
    """See ``smki.ports.RequestBook``."""

    def __init__(self, unit: Unit) -> None:
        """Work within a transaction."""
        self._unit = unit

    def add(self, record: RequestRecord) -> None:
        """See the port."""
        known = self._unit.read(sa.select(_R.state).where(_R.name == record.name)).scalar()
        again = {
            "party": record.party, "requester": record.requester, "statement": record.statement,
            "at": micros(record.at), "state": str(record.state), "ask": to_json(dict(record.ask)),
        }  # fmt: skip
        if known is None:
            row = {
                "number": self._unit.next_number(_R.number), "name": record.name, "csr": record.csr,
                "family": str(record.family), "role": record.role,
                "entity_id": None if record.entity_id is None else bytes(record.entity_id),
                "key_usage": int(record.key_usage), "key": record.key, **again,
            }  # fmt: skip
            self._unit.write(REQUEST.insert(), row)
        elif known in _REFUSED:
            self._unit.write(REQUEST.update().where(_R.name == record.name).values(again))
        else:
            message, remedy = f"{record.name} is {known} already", "look at it, or ask for something else"
            raise Refused([_APPENDIX_M.breach("request_repeated", "request", message, remedy, state=known)])

    def get(self, name: str) -> RequestRecord | None:
        """See the port."""
        if len(name) < 8:
            return None
        # The digits end before "g", so these are the names that begin so.
        chosen = sa.select(REQUEST).where(_R.name >= name, _R.name < f"{name}g").limit(2)
        rows = self._unit.read(chosen).all()
        return _request(rows[0]) if len(rows) == 1 else None

    def search(self, state: RequestState | None = None) -> list[RequestRecord]:
        """See the port."""
        query = sa.select(REQUEST).order_by(_R.number)
        if state is not None:
            query = query.where(_R.state == str(state))
        return [_request(row) for row in self._unit.read(query)]

    def move(self, name: str, state: RequestState) -> None:
        """See the port; ``KeyError`` when there is no such request."""
        if self._unit.write(_MOVE, {"is_name": name, "state": str(state)}).rowcount == 0:
            raise KeyError(f"no request {name}")

    def decide(self, decision: DecisionRecord) -> DecisionRecord:
        """See the port."""
        last = self._unit.read(sa.select(sa.func.max(_D.number)).where(_D.request == decision.request)).scalar()
        kept = replace(decision, number=int(last or 0) + 1)
        issuer, serial = kept.certificate or (None, None)
        row = {
            "request": kept.request, "number": kept.number, "at": micros(kept.at), "rule_set": kept.rule_set,
            "granted": int(kept.granted), "checks": to_json([dict(each) for each in kept.checks]),
            "approvals": listed(kept.approvals), "decider": kept.decider, "statement": kept.statement,
            "issuer": issuer, "serial": wide_or_none(serial),
        }  # fmt: skip
        self._unit.write(DECISION.insert(), row)
        return kept

    def decisions(self, name: str) -> list[DecisionRecord]:
        """See the port."""
        query = sa.select(DECISION).where(_D.request == name).order_by(_D.number)
        return [_decision(row) for row in self._unit.read(query)]

    def intend(self, intents: Sequence[IntentRecord]) -> None:
        """See the port; ``Refused`` (``serial_in_use``) for a serial that was about to be signed before."""
        first = self._unit.next_number(_I.number)
        rows = [
            (place, each.issuer, wide(each.serial), each.request, each.tbs, each.twin, micros(each.at), each.settled)
            for place, each in enumerate(intents, first)
        ]
        try:
            self._unit.add_rows(INTENT, rows)
        except Duplicate:
            message = "a certificate with this issuer and serial was about to be signed before"
            raise Refused([_SERIALS.breach("serial_in_use", "serialNumber", message, "another serial")]) from None

    def intents(self, *, open_only: bool = True) -> list[IntentRecord]:
        """See the port."""
        query = sa.select(INTENT).order_by(_I.number)
        if open_only:
            query = query.where(sa.text("settled = ''"))
        return [_intent(row) for row in self._unit.read(query)]

    def intent(self, issuer: str, serial: int) -> IntentRecord | None:
        """See the port."""
        row = self._unit.read(_INTENT, {"is_issuer": issuer, "is_serial": wide(serial)}).one_or_none()
        return None if row is None else _intent(row)

    def abandoned(self, issuer: str) -> list[IntentRecord]:
        """See the port."""
        chosen = (_I.issuer == issuer, sa.text("settled = 'abandoned'"))
        return [_intent(row) for row in self._unit.read(sa.select(INTENT).where(*chosen).order_by(_I.serial))]

    def settle(self, issuer: str, serial: int, how: str) -> None:
        """See the port; ``KeyError`` when nothing of the kind was about to be signed."""
        if self.intent(issuer, serial) is None:
            raise KeyError(f"no intent of {issuer} for serial {serial:X}")
        self.settle_many(issuer, [serial], how)

    def settle_many(self, issuer: str, serials: Sequence[int], how: str) -> None:
        """``settle`` for many that are known to be there."""
        if how not in _ENDS:
            raise ValueError(f"an intent ends issued or abandoned, not {how}")
        self._unit.update_rows(_SETTLE, [(how, issuer, wide(serial)) for serial in serials])


def _request(row: sa.Row[Any]) -> RequestRecord:
    return RequestRecord(
        row.name, row.csr, Family(row.family), row.party, row.role,
        None if row.entity_id is None else Eui64(row.entity_id), KeyUsage(row.key_usage), row.key, row.requester,
        row.statement, when(row.at), RequestState(row.state), from_json(row.ask),
    )  # fmt: skip


def _decision(row: sa.Row[Any]) -> DecisionRecord:
    certificate = None if row.issuer is None else (row.issuer, number(row.serial))
    return DecisionRecord(
        row.request, row.number, when(row.at), row.rule_set, bool(row.granted), tuple(from_json(row.checks)),
        unlisted(row.approvals), row.decider, row.statement, certificate,
    )  # fmt: skip


def _intent(row: sa.Row[Any]) -> IntentRecord:
    return IntentRecord(
        row.issuer, number(row.serial), row.request, row.tbs, row.twin, when(row.at), row.settled
    )  # fmt: skip
