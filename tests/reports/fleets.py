"""Made-up fleets for the reports: rows as a snapshot has them, from drawn values or by a seed."""

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trustcell.adapters.reporting import DuckSnapshot
from trustcell.adapters.reporting.duck import TableWriter
from trustcell.reports.rules.fleet import BROKER, CELLS, FIRST_PARTY, PARTY_BITS, TABLES, UNKNOWN, AsOf
from trustcell.vocab import MAX_SEQ_NUMBER, DeviceType

DAY = 24 * 3600 * 1_000_000
NOW = AsOf(1_700_000_000_000_000)
OPERATORS = (FIRST_PARTY, FIRST_PARTY + 1)
SUPPLIER = FIRST_PARTY + 2


def number(party: int, n: int = 1) -> int:
    return party << PARTY_BITS | n


HELD = [0, number(UNKNOWN), number(BROKER), number(BROKER, 2), *map(number, OPERATORS), number(OPERATORS[0], 2)]


@dataclass
class Fleet:
    """Rows of the three tables, by name of column."""

    devices: list[dict[str, Any]] = field(default_factory=list)
    users: tuple[bool, ...] = (True, False)

    def add(self, **values: Any) -> None:
        plain: dict[str, Any] = {
            "eui": len(self.devices), "device_type": int(DeviceType.GPF), "smets": 2, "region": 1,
            "commissioned": NOW.moment - 30 * DAY, "supplier": SUPPLIER, "operator_due": OPERATORS[0],
            "operator_now": OPERATORS[0], "due_ds": number(BROKER), "due_ka": number(BROKER), "available_due": False,
            "available_now": False, "operator_at_install": False, "highest": None, **dict.fromkeys(CELLS, 0),
        }  # fmt: skip
        self.devices.append(plain | values)

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        certificates = []
        for position, held in enumerate(sorted({*HELD, number(SUPPLIER)} - {0})):
            first = NOW.moment + (position - 3) * 400 * DAY
            certificates.append(
                {
                    "number": held,
                    "party": held >> PARTY_BITS,
                    "role": 3,
                    "key_usage": 1,
                    "key_id": f"{position:016x}",
                    "key_hash": f"{position:064x}",
                    "generations": 1 + position % 2,
                    "first_end": first,
                    "last_end": first + (position % 2) * 5000 * DAY,
                    "first_year": 2023 + position,
                    "last_year": 2023 + position + (position % 2) * 13,
                    "revoked": False,
                }
            )
        parties = [
            {"number": place, "entity": f"00-00-00-00-00-00-00-{place:02X}", "name": f"Party {place}", "dcc_user": user,
             "network": True}
            for place, user in zip((*OPERATORS, SUPPLIER), (*self.users, True), strict=True)
        ]  # fmt: skip
        return {"device": self.devices, "certificate": certificates, "party": parties}

    def duck(self, folder: Path, at: AsOf = NOW) -> DuckSnapshot:
        for name, rows in self.tables().items():
            writer = TableWriter(folder, name)
            for row in rows:
                writer.add(row)
            writer.close()
        return DuckSnapshot(folder, at)

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """As PostgreSQL takes them."""
        return {
            name: [tuple(row[column] for column in TABLES[name]) for row in rows]
            for name, rows in self.tables().items()
        }


def drawn(dice: random.Random) -> dict[str, Any]:
    """Any device at all, every value as likely to be at a border as not."""
    held = lambda: dice.choice(HELD)  # noqa: E731
    border = NOW.new_rule_from - NOW.due_after
    return {
        "device_type": dice.choice([0, 1, 1, 2, 3, 3, 3, 5]),
        "smets": dice.choice([1, 2, 2, 2]),
        "region": dice.randrange(4),
        "commissioned": dice.choice(
            [None, border - 1, border, border + 1, NOW.moment - NOW.due_after, NOW.moment - NOW.due_after + 1]
            + [NOW.moment - dice.randrange(900) * DAY for _ in range(8)]
        ),
        "operator_due": dice.choice([0, *OPERATORS]),
        "operator_now": dice.choice([0, *OPERATORS]),
        "due_ds": held(), "due_ka": held(), "operator_ds": held(), "operator_ka": held(),
        "supplier_ds": dice.choice([0, number(SUPPLIER), number(BROKER)]),
        "available_due": dice.random() < 0.5, "available_now": dice.random() < 0.5,
        "operator_at_install": dice.random() < 0.2,
        "highest": dice.choice([None, 0, 2**62, MAX_SEQ_NUMBER - NOW.counter_margin, MAX_SEQ_NUMBER]),
    }  # fmt: skip
