"""The tables of message and alert codes: their shape, and their facts against the shared tables."""

import csv
import re
from pathlib import Path
from types import MappingProxyType

import pytest

from trustcell.gbcs.codes import (
    AlertCode,
    MessageCode,
    PayloadKind,
    Protection,
    alert_codes,
    alert_title,
    message_code,
    message_codes,
)

PAYLOADS = {
    "ASN1": PayloadKind.ASN1,
    "DLMS": PayloadKind.DLMS,
    "GBZ": PayloadKind.GBZ,
    "DLMS/GBZ": PayloadKind.MIXED,
    "ZSE log code": PayloadKind.LOG,
    "": None,
}
KNOWN = {"Y": True, "N": False, "": None}


def shared_rows(shared: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((shared / "domain" / name).read_text(encoding="utf-8").splitlines()))


def protections(cell: str) -> tuple[Protection, ...]:
    return tuple(map(Protection, filter(None, cell.split("|"))))


def test_every_row_of_the_message_table_has_its_shape() -> None:
    rows = message_codes()
    assert len(rows) == 240
    assert list(rows) == sorted(rows)
    assert len({row.title for row in rows.values()}) == len(rows)
    for code, row in rows.items():
        assert row.code == code
        assert row.title == row.title.strip()
        assert len(row.title) <= 72
        assert all(re.fullmatch(r"\d+(\.\d+){1,2}", srv) for srv in row.srv)
        if row.category.startswith("SME.A"):
            assert row.alert
        if row.category == "SME.C.C":
            assert (row.command, row.response) == ((Protection.SIGNED_AND_MACED,), (Protection.SIGNED,))
        if row.category.startswith("SME.C.NC"):
            assert (row.command, row.response) == ((Protection.MACED,), (Protection.MACED,))


def test_message_facts_are_those_of_the_shared_table(shared: Path) -> None:
    rows = shared_rows(shared, "message-codes.csv")
    assert {int(row["code"], 16) for row in rows} == set(message_codes())
    for theirs in rows:
        ours = message_code(int(theirs["code"], 16))
        assert ours is not None
        assert ours == MessageCode(
            code=int(theirs["code"], 16),
            use_case=theirs["use_case"],
            title=ours.title,
            payload=PAYLOADS[theirs["payload"]],
            category=theirs["category"].partition("(")[0],
            command=protections(theirs["cmd_protection"]),
            response=protections(theirs["rsp_protection"]),
            alert=protections(theirs["alert_protection"]),
            response_date_time=KNOWN[theirs["rsp_date_time"]],
            future_datable=KNOWN[theirs["future_datable"]],
            replay_protected=KNOWN[theirs["replay_protected"]],
            srv=tuple(filter(None, theirs["srv"].split("+"))),
        )
        assert ours.title != theirs["label"]


def test_alert_facts_are_those_of_the_shared_table(shared: Path) -> None:
    rows = shared_rows(shared, "alert-codes.csv")
    assert {int(row["code"], 16) for row in rows} == set(alert_codes())
    assert len({row.title for row in alert_codes().values()}) == len(rows) == 190
    for theirs in rows:
        ours = alert_codes()[int(theirs["code"], 16)]
        # "n/a" is how the shared table says that a class was not found.
        classed = None if theirs["class"] in ("", "n/a") else theirs["class"]
        assert (ours.classed, ours.sent) == (classed, KNOWN[theirs["wan_alert"]])
        assert ours.title != theirs["label"]


def test_look_up() -> None:
    handover = message_code(0x0103)
    assert handover is not None
    assert (handover.use_case, handover.payload, handover.critical) == ("CS02b", PayloadKind.ASN1, True)
    assert handover.srv == ("6.15.1", "6.21")
    details = message_code(0x0008)
    assert details is not None
    assert details.command == (Protection.MACED, Protection.SIGNED)
    assert message_code(0x0005) is None
    assert message_code(-1) is None
    assert alert_title(0x8F66) == "command set for later was carried out"
    assert alert_title(0) is None


def test_tables_are_read_only_and_read_once() -> None:
    assert message_codes() is message_codes()
    assert alert_codes() is alert_codes()
    for table in (message_codes(), alert_codes()):
        assert isinstance(table, MappingProxyType)


@pytest.mark.parametrize(
    "change", [{"code": 0x10000}, {"title": ""}, {"use_case": ""}, {"alert": (Protection.SIGNED,)}]
)
def test_an_impossible_row_is_refused(change: dict[str, object]) -> None:
    row = message_codes()[1]
    fields = {name: getattr(row, name) for name in MessageCode.__slots__} | change
    with pytest.raises(ValueError):
        MessageCode(**fields)


def test_an_impossible_alert_is_refused() -> None:
    with pytest.raises(ValueError):
        AlertCode(-1, "below zero", None, None)
    with pytest.raises(ValueError):
        AlertCode(1, "", None, None)
