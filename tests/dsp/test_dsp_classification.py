"""What a device holds at first contact, and who has to act (smki.md 4.3 and 4.4)."""

from datetime import timedelta
from typing import Any

import pytest

from dsp.rules_world import BROKER, ESME, GPF, NOW, OPERATOR, SUPPLIER, device, registrations
from trustcell import gbcs
from trustcell.dsp.rules.classification import Cell, Known, at_first_contact, classify, notes, work_items
from trustcell.dsp.rules.facts import Occupant
from trustcell.dsp.rules.plan import Effects
from trustcell.dsp.rules.recognition import Recognition, Reported
from trustcell.vocab import CellId, CellUsage, Eui64, KeyUsage, RemotePartyRole

DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
DEFAULT, RECORDED, FOUND, STRANGE = (bytes([0x40 + n]) + bytes(7) for n in range(4))
SUPPLIER_CELL, OPERATOR_CELL = (
    CellId(role, DS) for role in (RemotePartyRole.SUPPLIER, RemotePartyRole.NETWORK_OPERATOR)
)
BROKER_CELL = CellId(RemotePartyRole.ACCESS_CONTROL_BROKER, KA)


def details(cell: CellId, who: Eui64, key: bytes) -> gbcs.RoleDetails:
    holds = gbcs.CellDetails(cell.key_usage, CellUsage.MANAGEMENT, who, key)
    return gbcs.RoleDetails(cell.role, gbcs.StatusCode.SUCCESS, 1, (holds,))


def known(**fields: Any) -> Known:
    given = {
        "defaults": {Reported(BROKER, DEFAULT, KA)},
        "recorded": {SUPPLIER_CELL: Occupant(SUPPLIER, RECORDED)},
        "repository": {Reported(OPERATOR, FOUND, DS)},
        "expiry": {},
    }
    return Known(**{**given, **fields})


READ = (
    details(BROKER_CELL, BROKER, DEFAULT),
    details(SUPPLIER_CELL, SUPPLIER, RECORDED),
    details(OPERATOR_CELL, OPERATOR, FOUND),
    gbcs.RoleDetails(RemotePartyRole.WAN_PROVIDER, gbcs.StatusCode.TRUST_ANCHOR_NOT_FOUND),
)


def test_every_readable_cell_is_classified() -> None:
    cells = classify(READ, known())
    assert [(each.cell, each.recognition) for each in cells] == [
        (BROKER_CELL, Recognition.DEFAULT),
        (SUPPLIER_CELL, Recognition.RECORDED),
        (OPERATOR_CELL, Recognition.FOUND),
    ]
    assert len(notes(cells)) == 3
    assert "default" in notes(cells)[0]
    assert classify(None, known()) == ()


def test_an_unknown_occupant_is_an_incident_of_the_dcc() -> None:
    cells = classify((details(OPERATOR_CELL, OPERATOR, STRANGE),), known())
    assert cells[0].recognition is Recognition.UNKNOWN
    (item,) = work_items(device(ESME), cells, known(), BROKER, registrations(), NOW)
    assert (item.party, item.code, item.device) == (None, "unknown_occupant", ESME)
    assert STRANGE.hex() in item.text


@pytest.mark.parametrize(
    ("cell", "who", "party"),
    [
        (SUPPLIER_CELL, SUPPLIER, SUPPLIER),
        (SUPPLIER_CELL, BROKER, SUPPLIER),
        (OPERATOR_CELL, OPERATOR, OPERATOR),
        (OPERATOR_CELL, BROKER, SUPPLIER),
        (BROKER_CELL, BROKER, None),
        (CellId(RemotePartyRole.RECOVERY, DS), BROKER, None),
    ],
)
def test_an_expired_certificate_is_a_task_of_whoever_controls_the_cell(
    cell: CellId, who: Eui64, party: Eui64 | None
) -> None:
    reported = Reported(who, DEFAULT, cell.key_usage)
    ended = known(defaults={reported}, expiry={reported: NOW - timedelta(days=1)})
    cells = classify((details(cell, who, DEFAULT),), ended)
    assert cells == (Cell(cell, Occupant(who, DEFAULT), Recognition.DEFAULT),)
    (item,) = work_items(device(GPF), cells, ended, BROKER, registrations(), NOW)
    assert (item.party, item.code) == (party, "certificate_expired")
    running = known(defaults={reported}, expiry={reported: NOW + timedelta(days=1)})
    assert work_items(device(GPF), cells, running, BROKER, registrations(), NOW) == ()


def test_first_contact_adds_to_what_the_answer_taught() -> None:
    reported = Reported(OPERATOR, STRANGE, DS)
    ended = known(expiry={reported: NOW - timedelta(days=1)})
    cells = classify((*READ, details(OPERATOR_CELL, OPERATOR, STRANGE)), ended)
    before = Effects(learned=7, notes=("first",))
    found = at_first_contact(before, device(ESME), cells, ended, BROKER, registrations(), NOW)
    assert (found.learned, found.notes) == (7, ("first", *notes(cells)))
    assert [item.code for item in found.work_items] == ["unknown_occupant", "certificate_expired"]


def test_without_a_registration_the_dcc_keeps_the_task() -> None:
    reported = Reported(SUPPLIER, DEFAULT, DS)
    ended = known(defaults={reported}, expiry={reported: NOW - timedelta(days=1)})
    cells = classify((details(SUPPLIER_CELL, SUPPLIER, DEFAULT),), ended)
    (item,) = work_items(device(ESME), cells, ended, BROKER, (), NOW)
    assert item.party is None
