"""Whatever meets whatever: no request of the templates and no facts make a rule fail, they are planned or refused."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from conftest import shared_folder
from dsp.rules_world import (
    BROKER,
    ESME,
    MPAN,
    NOW,
    OPERATOR,
    OPERATOR_KA,
    OTHER_SUPPLIER,
    SUPPLIER,
    SUPPLIER_KA,
    TYPES,
    ask,
    device,
    eui,
    facts,
    message,
    registrations,
    reply,
    user,
)
from trustcell import duis, gbcs
from trustcell.dsp.rules import access
from trustcell.dsp.rules.correlation import claim_of
from trustcell.dsp.rules.device_alerts import alert_effects, alert_needs
from trustcell.dsp.rules.facts import DeviceRecord, DeviceStatus, KnownRequest, Occupant, User
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.plan import Answer, CommandPlan, Effects
from trustcell.dsp.rules.reasons import RESPONSE_CODE
from trustcell.dsp.rules.request_checks import DOORS
from trustcell.dsp.rules.services import SERVICES
from trustcell.duis import UserRole
from trustcell.vocab import Eui64, Refused


@cache
def templates() -> tuple[duis.Request, ...]:
    """The published requests of every offered service."""
    found = []
    for path in sorted((shared_folder() / "duis-templates").glob("*.XML")):
        try:
            request = duis.parse_request(path.read_bytes()).request
        except duis.RequestMismatch:
            continue
        if request.service_reference_variant in SERVICES:
            found.append(request)
    return tuple(found)


@cache
def messages() -> tuple[gbcs.Message, ...]:
    """Every response and alert of the RTDS."""
    folder: Path = shared_folder() / "rtds" / "messages"
    paths = sorted([*folder.glob("*/*_RESPONSE_GBCS.HEX"), *folder.glob("*/*_ALERT_GBCS.HEX")])
    return tuple(gbcs.decode(bytes.fromhex(path.read_text())) for path in paths)


USERS = st.sampled_from((SUPPLIER, OPERATOR, OTHER_SUPPLIER)).flatmap(
    lambda who: st.sets(st.sampled_from(UserRole), min_size=1).map(lambda roles: User(who, frozenset(roles)))
)
STATUSES = st.none() | st.sampled_from(DeviceStatus)
POINTS = st.sampled_from(("", MPAN, "1234567890"))
DEVICES = st.builds(
    lambda which, status, point, generation, log: device(
        which, status, import_mpxn=point, generation=generation, device_log=log
    ),
    st.sampled_from(tuple(TYPES)),
    STATUSES,
    POINTS,
    st.sampled_from(("SMETS1", "SMETS2")),
    st.sampled_from((b"", b"\xdf")),
)
OFTEN = st.sampled_from((True, True, True, True, False))
OCCUPANTS = st.sampled_from((SUPPLIER, OPERATOR, BROKER)).map(lambda who: Occupant(who, bytes(8)))
SLOTS = st.dictionaries(st.sampled_from((SUPPLIER_KA, OPERATOR_KA)), OCCUPANTS)


def fitted(which: Eui64) -> st.SearchStrategy[DeviceRecord]:
    """A device of the type that a template is for, mostly commissioned."""
    statuses = st.sampled_from((DeviceStatus.COMMISSIONED, DeviceStatus.INSTALLED_NOT_COMMISSIONED)) | STATUSES
    return st.builds(device, st.just(which), statuses)


def named(body: duis.Body) -> tuple[Any, ...]:
    """Devices that a body names."""
    names = ("device_id", "other_device_id", "old_chf_id", "old_gpf_id", "associated_gpf_device_id")
    return tuple(found for name in names if (found := getattr(body, name, None)) is not None)


@st.composite
def asks(draw: st.DrawFn) -> Any:
    published = draw(st.sampled_from(templates()))
    # most of what is drawn fits, or hardly anything would come to a plan
    who = draw(st.sampled_from((user(SUPPLIER), user(SUPPLIER), user(OPERATOR), None))) or draw(USERS)
    fitting = published.request_id.target if published.request_id.target in TYPES else ESME
    target = draw(
        st.sampled_from((True, True, True, False)).flatmap(
            lambda fits: fitted(fitting) if fits else st.none() | DEVICES
        )
    )
    ids = replace(published.request_id, originator=who.entity, target=BROKER)
    if not published.service.non_device:
        ids = replace(ids, target=ESME if target is None else target.eui)
    request = replace(published, request_id=ids)
    others = {each: replace(draw(DEVICES), eui=each) for each in named(request.body) if draw(OFTEN)}
    stored = KnownRequest(ids, request.service_reference_variant, 1, draw(st.sampled_from(RequestState)), b"")
    known = facts(
        None if published.service.non_device else target,
        who,
        others=others,
        members=tuple(draw(st.lists(DEVICES, max_size=3))),
        slots=draw(SLOTS),
        registrations=registrations() if draw(OFTEN) else (),
        found=tuple(draw(st.lists(DEVICES, max_size=2))),
        held=(stored,) if draw(st.booleans()) else (),
        known=None if draw(OFTEN) else stored,
        certificates={each: b"0\x00" for each in named(request.body) if draw(OFTEN)},
    )
    door = DOORS[request.command_variant] if draw(OFTEN) else draw(st.sampled_from(("", "serviceT")))
    now = draw(st.sampled_from((NOW, NOW.replace(year=2014), NOW.replace(year=2035))))
    return ask(request, known, door=door, now=now, scheduled=door == "")


def planned(asked: Any) -> tuple[Any, list[str]]:
    """The plan, or the reasons why there is none."""
    try:
        return SERVICES[asked.request.service_reference_variant].plan(asked), []
    except Refused as refused:
        return None, [finding.code for finding in refused.findings]


@given(asks())
def test_every_request_is_planned_or_refused_by_a_reason_of_the_table(asked: Any) -> None:
    access.needs(asked.request)
    verdicts = list(access.judge(asked))
    failed = verdicts[-1].findings
    assert all(finding.code in RESPONSE_CODE and finding.remedy for finding in failed)
    if failed:
        return
    plan, refused = planned(asked)
    assert refused in ([], ["nothing_to_cancel"])
    if refused:
        return
    if isinstance(plan, Answer):
        assert plan.code in duis.response_codes()
        return
    assert isinstance(plan, CommandPlan)
    for counter in (0, 1, 2**24, 2**63 - 1):
        built = message(plan, asked.request, counter)
        assert gbcs.decode(gbcs.encode(built)) == built
        gbcs.decode_payload(built)
        assert gbcs.message_code(built.message_code) is not None
    assert plan.held_until is None or plan.held_until > asked.now
    assert plan.executes_at is None or plan.executes_at > asked.now


@given(st.sampled_from(sorted(SERVICES)), st.data())
def test_every_answer_of_a_device_means_something_or_nothing(variant: str, data: st.DataObject) -> None:
    """Also one that belongs to another use case: correlation keeps them apart, the rules must not rely on it."""
    found = data.draw(st.sampled_from(messages()))
    requests = [each for each in templates() if each.service_reference_variant == variant]
    request = data.draw(st.sampled_from((None, *requests)))
    target = data.draw(DEVICES)
    known = facts(target, others={eui(0xA0): data.draw(DEVICES)})
    payload = gbcs.decode_payload(found)
    effects = SERVICES[variant].effects(reply(variant, target, payload, request=request, facts=known))
    assert isinstance(effects, Effects)
    for change in effects.devices:
        assert change.event
        assert change.after is None or change.after.eui == change.eui


@given(st.sampled_from(range(600)), DEVICES, STATUSES)
def test_every_message_claims_something_or_is_an_alert_or_nothing(index: int, target: Any, status: Any) -> None:
    found = messages()[index % len(messages())]
    payload = gbcs.decode_payload(found)
    claim = claim_of(found, payload, BROKER)
    others: Mapping[Any, Any] = {each: device(ESME, status) for each in alert_needs(payload).others}
    effects = alert_effects(found, payload, facts(target, others=others), BROKER, NOW)
    assert claim is None or claim.protection.shape is found.shape or found.cra is gbcs.Cra.RESPONSE
    assert len({change.eui for change in effects.devices}) <= len(others) + 1
