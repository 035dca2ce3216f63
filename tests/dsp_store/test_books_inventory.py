"""Facts, inventory, registration data, schedules and distributions: what is written is found, by what asks for it."""

from dataclasses import fields, replace
from types import MappingProxyType

import pytest

from dsp_store.books_world import BROKER, COS, DEVICE, NOW, USER, after, change, eui, request_id, stood
from trustcell.adapters.dsp_store import SqlHome, SqlHomes
from trustcell.dsp.rules.facts import (
    DeviceRecord,
    DeviceStatus,
    Facts,
    InventoryQuery,
    Registration,
    Schedule,
)
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.plan import DeviceChange, Distribution, Effects, Needs
from trustcell.dsp.rules.work import Due, DueKind, StatusEvent, Work
from trustcell.vocab import DeviceType, Eui64, Refused

HUB, GPF, ESME, PPMID = (eui(name) for name in ("hub", "gpf", "esme", "ppmid"))
FULL = DeviceRecord(
    eui=GPF, device_type=DeviceType.GPF, generation="SMETS1", status=DeviceStatus.SUSPENDED, signing_point=b"\x04" * 65,
    agreement_point=b"\x05" * 65, duis_type="GPF", status_since=after(days=1), status_before=DeviceStatus.COMMISSIONED,
    commissioned_at=after(days=2), hub=HUB, gpf=eui("self"), import_mpxn="1", secondary_import_mpan="2",
    export_mpan="3", gbcs_version="3.2", device_log=b"log",
    details=MappingProxyType({"UPRN": "u", "PostCode": "AB1 2CD", "AddressIdentifier": "7", "Other": 'é "\x00"'}),
)  # fmt: skip


def put(store: SqlHome, *records: DeviceRecord, event: str = "12.2") -> None:
    changes = tuple(DeviceChange(record.eui, record, event) for record in records)
    stood(store.commit([Work(DEVICE, effects=Effects(devices=changes))], NOW))


def facts(store: SqlHome, target: Eui64, needs: Needs | None = None) -> Facts:
    return store.facts([(request_id(1), target, needs or Needs())])[0]


def han(store: SqlHome) -> dict[Eui64, DeviceRecord]:
    records = [
        DeviceRecord(HUB, DeviceType.CHF),
        DeviceRecord(GPF, DeviceType.GPF, hub=HUB, import_mpxn="100"),
        DeviceRecord(ESME, DeviceType.ESME, hub=HUB, import_mpxn="200", export_mpan="201"),
        DeviceRecord(PPMID, DeviceType.PPMID, hub=HUB),
        DeviceRecord(eui("elsewhere"), DeviceType.ESME, hub=eui("another hub"), import_mpxn="300"),
        DeviceRecord(eui("alone"), DeviceType.TYPE2, status=None, duis_type="CAD"),
    ]
    put(store, *records)
    return {record.eui: record for record in records}


def test_every_field_of_an_entry_is_kept(store: SqlHome, homes: SqlHomes) -> None:
    assert {field.name for field in fields(DeviceRecord) if getattr(FULL, field.name) == field.default} == set()
    bare = DeviceRecord(eui("bare"), DeviceType.TYPE2, status=None)
    put(store, FULL, bare)
    assert homes.views.device(GPF) == FULL
    assert homes.views.device(bare.eui) == bare
    assert facts(store, GPF).device == FULL
    assert homes.views.device(eui("other")) is None


def test_history_keeps_before_and_after(store: SqlHome, homes: SqlHomes) -> None:
    put(store, replace(FULL, status=DeviceStatus.PENDING))
    put(store, FULL, event="removed from the list")
    gone = Effects(devices=(DeviceChange(GPF, None, "8.4"),))
    stood(store.commit([Work(DEVICE, effects=gone)], after(days=1)))
    assert homes.views.device(GPF) is None
    put(store, replace(FULL, status=None))
    assert homes.views.status_history(GPF) == [
        StatusEvent(NOW, GPF, "12.2", None, DeviceStatus.PENDING),
        StatusEvent(NOW, GPF, "removed from the list", DeviceStatus.PENDING, DeviceStatus.SUSPENDED),
        StatusEvent(after(days=1), GPF, "8.4", DeviceStatus.SUSPENDED, None),
        StatusEvent(NOW, GPF, "12.2", None, None),
    ]
    assert facts(store, GPF).device == replace(FULL, status=None)


def test_works_of_a_group_may_change_the_same_entry(store: SqlHome, homes: SqlHomes) -> None:
    def work(device: Eui64, after_: DeviceRecord | None) -> Work:
        return Work(device, effects=Effects(devices=(DeviceChange(GPF, after_, "x"),)))

    stood(store.commit([work(eui(1), FULL), work(eui(2), None), work(eui(3), replace(FULL, hub=None))], NOW))
    assert homes.views.device(GPF) == replace(FULL, hub=None)
    assert [each.after for each in homes.views.status_history(GPF)] == [FULL.status, None, FULL.status]


def test_what_needs_ask_for_is_gathered(store: SqlHome) -> None:
    known = han(store)
    nothing = facts(store, GPF)
    assert (nothing.device, nothing.others, nothing.members) == (known[GPF], {}, ())
    assert facts(store, eui("unknown")) == Facts()
    others = facts(store, GPF, Needs(others=(ESME, PPMID, eui("unknown")))).others
    assert others == {ESME: known[ESME], PPMID: known[PPMID]}
    for target in (HUB, GPF, PPMID):
        members = facts(store, target, Needs(members=True)).members
        assert {each.eui for each in members} == {GPF, ESME, PPMID}
    assert facts(store, eui("alone"), Needs(members=True)).members == ()
    both = store.facts([(request_id(1), GPF, Needs()), (None, eui("elsewhere"), Needs(members=True))])
    assert [each.device.eui for each in both if each.device] == [GPF, eui("elsewhere")]
    assert [len(each.members) for each in both] == [0, 1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (InventoryQuery(device=ESME), {ESME}),
        (InventoryQuery(device=eui("unknown")), set()),
        (InventoryQuery(mpxn="200"), {ESME}),
        (InventoryQuery(mpxn="201"), {ESME}),
        (InventoryQuery(mpxn="2"), {eui("full")}),
        (InventoryQuery(mpxn="99"), set()),
        (InventoryQuery(uprn="u"), {eui("full")}),
        (InventoryQuery(post_code="AB1 2CD", address_identifier="7"), {eui("full")}),
        (InventoryQuery(post_code="AB1 2CD", address_identifier="8"), set()),
        (InventoryQuery(post_code="AB1 2CD"), {eui("full")}),
        (InventoryQuery(mpxn="\x00"), set()),
        (InventoryQuery(), set()),
    ],
)
def test_inventory_queries(store: SqlHome, homes: SqlHomes, query: InventoryQuery, found: set[Eui64]) -> None:
    han(store)
    put(store, replace(FULL, eui=eui("full")))
    assert {each.eui for each in facts(store, USER, Needs(query=query)).found} == found
    assert {each.eui for each in homes.views.devices(query, None, 10)} == found


def test_the_inventory_page_by_page(store: SqlHome, homes: SqlHomes) -> None:
    euis = sorted(eui(number) for number in range(50))
    put(store, *(DeviceRecord(each, DeviceType.ESME) for each in euis))
    read: list[Eui64] = []
    while page := homes.views.devices(None, read[-1] if read else None, 7):
        read += [each.eui for each in page]
    assert read == euis


def test_a_hub_and_what_hangs_on_it(store: SqlHome, homes: SqlHomes) -> None:
    hub, other = eui("hub"), eui("other hub")
    on_it = [DeviceRecord(eui(number), DeviceType.ESME, hub=hub) for number in range(3)]
    elsewhere = DeviceRecord(eui(9), DeviceType.ESME, hub=other)
    put(store, DeviceRecord(hub, DeviceType.CHF), *on_it, elsewhere)
    assert {each.eui for each in homes.views.members(hub, 10)} == {hub, *(each.eui for each in on_it)}
    assert len(homes.views.members(hub, 2)) == 2
    assert homes.views.members(eui("unknown"), 10) == []


def test_registrations_are_newest_first(store: SqlHome, homes: SqlHomes) -> None:
    han(store)
    rows = [Registration(point, USER, BROKER, after(days=day)) for point, day in
            (("100", 1), ("200", 5), ("100", 9), ("300", 2), ("400", 3))]  # fmt: skip
    stood(store.commit([Work(DEVICE, effects=Effects(registrations=tuple(rows)))], NOW))
    assert homes.views.registrations("100") == [rows[2], rows[0]]
    assert facts(store, GPF).registrations == (rows[2], rows[0])
    assert facts(store, GPF, Needs(members=True, mpxns=("400",))).registrations == (rows[2], rows[1], rows[4], rows[0])
    assert facts(store, USER, Needs(query=InventoryQuery(device=eui("elsewhere")))).registrations == (rows[3],)
    corrected = replace(rows[0], supplier=COS)
    stood(store.commit([Work(DEVICE, effects=Effects(registrations=(corrected,)))], NOW))
    assert homes.views.registrations("100") == [rows[2], corrected]


SCHEDULE = Schedule(7, USER, DEVICE, "4.8.1", b"<body/>", "Daily", NOW, after(days=9), after(days=1))


def test_a_schedule_has_one_due_row(store: SqlHome, homes: SqlHomes) -> None:
    stood(store.commit([Work(DEVICE, effects=Effects(schedules=(SCHEDULE,)))], NOW))
    assert store.schedule(7) == SCHEDULE
    assert store.schedule(8) is None
    assert store.next_due() == after(days=1)
    first = Due(after(days=1), DueKind.RUN_SCHEDULE, "7")
    assert store.due(after(days=1), 9) == [first]
    moved = replace(SCHEDULE, next_at=after(days=2))
    stood(store.commit([Work(DEVICE, effects=Effects(schedules=(moved,)), done=(first,))], NOW))
    assert store.due(after(days=9), 9) == [Due(after(days=2), DueKind.RUN_SCHEDULE, "7")]
    assert facts(store, DEVICE, Needs(schedules=True)).schedules == (moved,)
    assert facts(store, DEVICE).schedules == ()
    ended = replace(SCHEDULE, next_at=None, ends=None)
    stood(store.commit([Work(DEVICE, effects=Effects(schedules=(ended,)))], NOW))
    assert store.due(after(days=9), 9) == []
    assert homes.views.schedules(USER) == [ended]


def test_a_schedule_stays_its_users(store: SqlHome) -> None:
    stood(store.commit([Work(DEVICE, effects=Effects(schedules=(SCHEDULE,)))], NOW))
    (refused,) = store.commit([Work(DEVICE, effects=Effects(schedules=(replace(SCHEDULE, user=COS),)))], NOW)
    assert isinstance(refused, Refused)
    assert refused.code == "schedule_number_used"
    assert store.schedule(7) == SCHEDULE


def test_a_distribution_is_due_at_once(store: SqlHome) -> None:
    wanted = Distribution(USER, b"\x00image", "1.2", (ESME, GPF))
    stood(store.commit([Work(DEVICE, effects=Effects(distribution=wanted))], NOW))
    (due,) = store.due(NOW, 9)
    assert (due.at, due.kind) == (NOW, DueKind.DISTRIBUTE)
    assert store.distribution(int(due.ref)) == wanted
    assert store.distribution(int(due.ref) + 1) is None


# ---- due ----


def test_due_rows_stay_until_they_are_done(store: SqlHome) -> None:
    rows = tuple(Due(after(hours=hours), DueKind.ALERT_TIMEOUT, ref) for hours, ref in ((3, "a"), (1, "b"), (2, "c")))
    stood(store.commit([Work(DEVICE, due=rows)], NOW))
    stood(store.commit([Work(DEVICE, due=rows[:1])], NOW))
    assert store.next_due() == after(hours=1)
    assert store.due(NOW, 9) == []
    assert [each.ref for each in store.due(after(hours=2), 9)] == ["b", "c"]
    assert [each.ref for each in store.due(after(hours=9), 2)] == ["b", "c"]
    stood(store.commit([Work(DEVICE, done=(rows[1], Due(NOW, DueKind.REASSEMBLY, "none")))], NOW))
    assert [each.ref for each in store.due(after(hours=9), 9)] == ["c", "a"]
    stood(store.commit([Work(DEVICE, due=rows[2:], done=rows)], NOW))
    assert [each.ref for each in store.due(after(hours=9), 9)] == ["c"]


def test_held_requests_and_their_cancellation(store: SqlHome) -> None:
    held = [request_id(number) for number in (1, 2)]
    for ids in held:
        due = Due(after(days=1), DueKind.SEND_HELD, str(ids))
        moved = change(ids, None, RequestState.HELD, received=b"<held/>", executes_at=after(days=2))
        stood(store.commit([Work(DEVICE, (moved,), due=(due,))], NOW))
    stood(store.commit([Work(DEVICE, (change(request_id(3), None, RequestState.HELD),))], NOW))
    found = facts(store, DEVICE, Needs(held=True)).held
    assert [each.request_id for each in found] == [*held, request_id(3)]
    assert (found[0].received, found[0].executes_at) == (b"<held/>", after(days=2))
    assert facts(store, DEVICE).held == ()
    commanded_ = Work(DEVICE, (change(request_id(3), RequestState.HELD, RequestState.COMMANDED),))
    stood(store.commit([commanded_], NOW))
    stood(store.commit([Work(DEVICE, effects=Effects(cancels=(held[0], request_id(3), request_id(9))))], NOW))
    states = [known.state for known in map(store.request, [*held, request_id(3)]) if known]
    assert states == [RequestState.CANCELLED, RequestState.HELD, RequestState.COMMANDED]
    assert [each.ref for each in store.due(after(days=9), 9)] == [str(held[1])]
