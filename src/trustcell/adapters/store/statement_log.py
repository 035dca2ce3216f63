"""Signed statements in the order they were made."""

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from trustcell.adapters.store.schema import STATEMENT
from trustcell.adapters.store.unit import Unit
from trustcell.governance.rules.statements import SignedStatement, Statement
from trustcell.vocab import Clause, Refused

_CLAUSE = Clause("SEC G3", "SEC Section G3: records that show who did what; a statement is made once")


class SqlStatements:
    """See ``governance.ports.StatementLog``."""

    def __init__(self, unit: Unit) -> None:
        """Work within a transaction."""
        self._unit = unit

    def add(self, signed: SignedStatement) -> SignedStatement:
        """See the port."""
        if self.get(signed.digest) is not None:
            message, remedy = f"{signed.digest} is kept already", "state it at another time, or leave it"
            raise Refused([_CLAUSE.breach("statement_repeated", "statement", message, remedy)])
        kept = replace(signed, number=self._unit.next_number(STATEMENT.c.number))
        said = signed.statement
        row = {
            "number": kept.number, "digest": signed.digest, "kind": said.kind, "subject": said.subject,
            "octets": said.octets, "signature": signed.signature, "certificate": signed.certificate,
        }  # fmt: skip
        self._unit.write(STATEMENT.insert(), row)
        return kept

    def get(self, digest: str) -> SignedStatement | None:
        """See the port."""
        found = self._chosen(STATEMENT.c.digest == digest)
        return found[0] if found else None

    def about(self, subject: str, *kinds: str) -> list[SignedStatement]:
        """See the port."""
        return self._chosen(STATEMENT.c.subject == subject, *_of(kinds))

    def of(self, *kinds: str) -> list[SignedStatement]:
        """See the port."""
        return self._chosen(*_of(kinds))

    def last(self) -> SignedStatement | None:
        """See the port."""
        newest = sa.select(sa.func.max(STATEMENT.c.number)).scalar_subquery()
        found = self._chosen(STATEMENT.c.number == newest)
        return found[0] if found else None

    def after(self, number: int, *kinds: str) -> list[SignedStatement]:
        """See the port."""
        return self._chosen(STATEMENT.c.number > number, *_of(kinds))

    def _chosen(self, *conditions: sa.ColumnElement[bool]) -> list[SignedStatement]:
        query = sa.select(STATEMENT).where(*conditions).order_by(STATEMENT.c.number)
        return [_signed(row) for row in self._unit.read(query)]


def _of(kinds: tuple[str, ...]) -> list[sa.ColumnElement[bool]]:
    return [STATEMENT.c.kind.in_(kinds)] if kinds else []


def _signed(row: sa.Row[Any]) -> SignedStatement:
    return SignedStatement(Statement.from_octets(row.octets), row.signature, row.certificate, row.number)
