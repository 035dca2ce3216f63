"""Message codes and alert codes: one row for each in ``message_codes.csv`` and ``alert_codes.csv`` (gbcs.md 3).

The tables are read when first asked for. Columns of yes and no are ``Y``, ``N`` or empty where nobody has told us.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from types import MappingProxyType


class PayloadKind(StrEnum):
    """What a payload is made of; ``MIXED`` is DLMS or GBZ by the kind of device, ``LOG`` is never sent at all."""

    ASN1 = "asn1"
    DLMS = "dlms"
    GBZ = "gbz"
    MIXED = "mixed"
    LOG = "log"


class Protection(StrEnum):
    """What stands around a message (gbcs.md 1.3)."""

    SIGNED_AND_MACED = "sig+mac"
    MACED = "mac"
    SIGNED = "sig"


@dataclass(frozen=True, slots=True)
class MessageCode:
    """One use case of the code book as its message code selects it.

    ``command``, ``response`` and ``alert`` name the protections each may have: none where it does not exist or is not
    known, two where the sender decides (CS02a, CS02f). ``category`` is the Message Type, for example ``SME.C.NC``.
    ``srv`` lists the service requests that lead to it. ``None`` stands for a fact that is not known.
    """

    code: int
    use_case: str
    title: str
    payload: PayloadKind | None
    category: str
    command: tuple[Protection, ...]
    response: tuple[Protection, ...]
    alert: tuple[Protection, ...]
    response_date_time: bool | None
    future_datable: bool | None
    replay_protected: bool | None
    srv: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a row without a name, or one that is alert and command at once."""
        if not 0 <= self.code <= 0xFFFF:
            raise ValueError("a message code has 16 bits")
        if not self.use_case or not self.title:
            raise ValueError(f"message code {self.code:04X} needs a use case and a title")
        if self.alert and (self.command or self.response):
            raise ValueError(f"message code {self.code:04X} is either an alert or a command with its response")

    @property
    def critical(self) -> bool:
        """Whether its category demands a signature: a critical command or a critical alert."""
        return self.category in ("SME.C.C", "SME.A.C")


@dataclass(frozen=True, slots=True)
class AlertCode:
    """One alert code: its title, its class (``critical``, ``non-critical``, ``log-only`` or unknown) and whether it
    can be sent to a remote party.
    """

    code: int
    title: str
    classed: str | None
    sent: bool | None

    def __post_init__(self) -> None:
        """Refuse a code outside its 16 bits or one without a title."""
        if not 0 <= self.code <= 0xFFFF or not self.title:
            raise ValueError("an alert code has 16 bits and a title")


@cache
def message_codes() -> Mapping[int, MessageCode]:
    """Every message code we know, in order."""
    rows = (_message_code(row) for row in _rows("message_codes.csv"))
    return MappingProxyType({row.code: row for row in rows})


@cache
def alert_codes() -> Mapping[int, AlertCode]:
    """Every alert code we know, in order."""
    rows = (
        AlertCode(int(row["code"], 16), row["title"], row["class"] or None, _known(row["wan_alert"]))
        for row in _rows("alert_codes.csv")
    )
    return MappingProxyType({row.code: row for row in rows})


def message_code(code: int) -> MessageCode | None:
    """The row of one message code, ``None`` for a code we do not know."""
    return message_codes().get(code)


def alert_title(code: int) -> str | None:
    """A short name for an alert code, ``None`` for a code we do not know."""
    row = alert_codes().get(code)
    return row.title if row else None


def alert_text(code: int) -> str:
    """An alert code in hex, and what it stands for."""
    title = alert_title(code)
    return f"{code:04X} ({title})" if title else f"{code:04X}"


def _rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of a table that lies beside this module."""
    with resources.files(__package__).joinpath(name).open(encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


def _message_code(row: Mapping[str, str]) -> MessageCode:
    """One row of ``message_codes.csv`` as a value."""
    return MessageCode(
        code=int(row["code"], 16),
        use_case=row["use_case"],
        title=row["title"],
        payload=PayloadKind(row["payload"]) if row["payload"] else None,
        category=row["category"],
        command=_protections(row["command"]),
        response=_protections(row["response"]),
        alert=_protections(row["alert"]),
        response_date_time=_known(row["response_date_time"]),
        future_datable=_known(row["future_datable"]),
        replay_protected=_known(row["replay_protected"]),
        srv=tuple(row["srv"].split()),
    )


def _protections(cell: str) -> tuple[Protection, ...]:
    """``mac|sig`` as two protections, an empty cell as none."""
    return tuple(Protection(name) for name in cell.split("|") if name)


def _known(cell: str) -> bool | None:
    """``Y``, ``N`` or nothing."""
    return {"Y": True, "N": False, "": None}[cell]
