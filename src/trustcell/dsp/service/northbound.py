"""Northbound: device messages are correlated, verified, learned from and answered, a group at a time (4.4, 7.2)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from trustcell import duis, gbcs
from trustcell.dsp.ports import Store
from trustcell.dsp.rules import lifecycle, recovery
from trustcell.dsp.rules.classification import Known, at_first_contact, classify
from trustcell.dsp.rules.correlation import Claim, Kind, Protection, claim_of
from trustcell.dsp.rules.device_alerts import alert_effects, alert_needs
from trustcell.dsp.rules.facts import NOTHING_KNOWN, DeviceRecord, DeviceStatus, Facts, Occupant
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.plan import Effects, Needs, Reply, SlotChange
from trustcell.dsp.rules.services import SERVICES
from trustcell.dsp.rules.services.base import ServiceRule
from trustcell.dsp.rules.work import (
    Command,
    CommandChange,
    CommandState,
    Inbound,
    Parcel,
    RequestChange,
    TrailEntry,
    Work,
)
from trustcell.dsp.service.building import BROKER_AGREEMENT_CELL, Builder
from trustcell.dsp.service.case import MAX_GROUP, NOBODY, digest_of
from trustcell.dsp.service.parcels import Parcels
from trustcell.dsp.service.policy import Policy
from trustcell.vocab import Eui64, Refused, WireError

_SLOT_READ = "6.24.1"
_LAST_ALERT_CODE = 0xFFFF
_WAITING = {CommandState.OPEN, CommandState.SILENT, CommandState.UNREACHABLE}


@dataclass(frozen=True, slots=True)
class Reception:
    """What a device message led to.

    The verdict is ``response`` or ``alert`` for the first in time, ``late`` for a response after its user was told
    otherwise, ``repeated`` for one that came again, ``device_alert`` for one a device sent by itself,
    ``not_correlated``, ``not_authentic`` (worth an alarm), or the code of a format error. ``learned`` is the number it
    taught, ``delivery`` the answer for the user, signed.
    """

    verdict: str
    learned: int | None = None
    delivery: bytes | None = None
    settled: Command | None = None


@dataclass(slots=True)
class _Arrival:
    """A device message on its way."""

    index: int
    device: Eui64
    octets: bytes
    message: gbcs.Message
    payload: Any
    claim: Claim | None
    command: Command | None = None
    request: duis.Request | None = None
    facts: Facts = NOTHING_KNOWN
    found: SlotChange | None = None


@dataclass(frozen=True, slots=True)
class Northbound:
    """Device messages to answers over the ports. ``Policy.track_counters`` is the rule of SECMP0128A."""

    store: Store
    builder: Builder
    parcels: Parcels
    policy: Policy

    def receive(self, messages: Sequence[bytes], now: datetime) -> list[Reception]:
        """Judge device messages; what does not verify or correlate teaches nothing and is kept as it came."""
        receptions: dict[int, Reception] = {}
        waiting: list[_Arrival] = []
        for index, octets in enumerate(messages):
            try:
                message = gbcs.decode(octets)
                payload = gbcs.decode_payload(message)
            except WireError as error:
                self.store.commit([_dismissal(NOBODY, None, octets, error.code, str(error))], now)
                receptions[index] = Reception(error.code)
                continue
            claim = claim_of(message, payload, self.builder.broker.entity)
            waiting.append(_Arrival(index, message.originator, octets, message, payload, claim))
        while waiting:
            group: list[_Arrival] = []
            later: list[_Arrival] = []
            seen: set[Eui64] = set()
            for arrival in waiting:
                (later if arrival.device in seen or len(group) == MAX_GROUP else group).append(arrival)
                seen.add(arrival.device)
            judged, again = self._group(group, now)
            receptions.update(judged)
            waiting = again + later
        return [receptions[index] for index in range(len(messages))]

    def _group(self, group: Sequence[_Arrival], now: datetime) -> tuple[dict[int, Reception], list[_Arrival]]:
        """What each led to; and those that would write over what another of the group changes, to be judged again."""
        claimed = [arrival for arrival in group if arrival.claim is not None]
        commands = self.store.commands([arrival.claim.key for arrival in claimed if arrival.claim is not None])
        for arrival, command in zip(claimed, commands, strict=True):
            arrival.command = command
        asks = [self._ask(arrival) for arrival in group]
        works, receptions, again = [], {}, []
        changed: set[Eui64] = set()
        for arrival, facts in zip(group, self.store.facts(asks), strict=True):
            arrival.facts = facts
            work, reception = self._judge(arrival, now)
            changes = {change.eui for change in work.effects.devices}
            if changes and not changed.isdisjoint({arrival.device, *changes, *facts.others}):
                again.append(arrival)
                continue
            changed |= changes
            works.append(work)
            receptions[arrival.index] = reception
        self.store.commit(works, now)
        return receptions, again

    def _ask(self, arrival: _Arrival) -> tuple[duis.RequestId | None, Eui64, Needs]:
        command = arrival.command
        if command is None:
            return None, arrival.device, alert_needs(arrival.payload)
        rule = _rule_of(command)
        if not rule.needs_request:
            return command.request_id, arrival.device, Needs()
        known = self.store.request(command.request_id)
        arrival.request = duis.parse_request(known.received).request if known is not None else None
        needs = rule.needs(arrival.request.body) if arrival.request is not None else Needs()
        return command.request_id, arrival.device, needs

    def _judge(self, arrival: _Arrival, now: datetime) -> tuple[Work, Reception]:
        claim, command = arrival.claim, arrival.command
        if claim is None:
            return self._by_itself(arrival, now)
        if command is None or not claim.fits(command.message_code, command.request_id):
            return self._dismissed(arrival, "not_correlated")
        if not self._authentic(arrival, claim):
            return self._dismissed(arrival, "not_authentic")
        device = arrival.facts.device
        assert device is not None
        reply = Reply(
            command.service_variant,
            arrival.request,
            device,
            arrival.facts,
            arrival.payload,
            claim.kind is Kind.ALERT,
            self.builder.broker.entity,
            now,
        )
        effects = self._tracked(_rule_of(command).effects(reply))
        effects = self._first_contact(arrival, command, effects, now)
        return self._taken(arrival, claim, command, effects, now)

    def _taken(
        self, arrival: _Arrival, claim: Claim, command: Command, effects: Effects, now: datetime
    ) -> tuple[Work, Reception]:
        """A believed answer: the books learn from it in any case, its user hears of it once."""
        alert = claim.kind is Kind.ALERT
        if alert:
            verdict = "alert" if command.alert_pending else "repeated"
        elif command.state in _WAITING:
            verdict = "response" if command.state is CommandState.OPEN else "late"
        else:
            verdict = "repeated"
        settle: CommandChange | None = None
        changes: tuple[RequestChange, ...] = ()
        parcel: Parcel | None = None
        has_user = command.service_variant != recovery.RECOVERY
        if verdict == "alert":
            settle = CommandChange(command.key, CommandState.ANSWERED, alert_pending=False)
        elif verdict in ("response", "late"):
            settle = CommandChange(command.key, CommandState.ANSWERED)
        if verdict in ("alert", "response"):
            changes = self._responded(arrival, command)
            parcel = self._outcome(arrival, claim, command, now) if has_user else None
        entry = self._entry(arrival, verdict, str(command.request_id), effects)
        work = Work(
            arrival.device,
            changes,
            settle=settle,
            inbound=Inbound(arrival.device, arrival.octets, verdict, command.key),
            effects=effects,
            taught_by=None if alert else command.number,
            parcels=(*((parcel,) if parcel is not None else ()), *self.parcels.alerts(effects, now)),
            trail=(entry,),
        )
        settled = command if verdict in ("response", "late") else None
        return work, Reception(verdict, effects.learned, parcel.octets if parcel is not None else None, settled)

    def _responded(self, arrival: _Arrival, command: Command) -> tuple[RequestChange, ...]:
        known = arrival.facts.known
        if known is None or not lifecycle.may_follow(known.state, RequestState.RESPONDED):
            return ()
        variant, number = known.service_variant, known.command_variant
        return (RequestChange(command.request_id, known.state, RequestState.RESPONDED, variant, number, code="I0"),)

    def _by_itself(self, arrival: _Arrival, now: datetime) -> tuple[Work, Reception]:
        """An alert that answers no command: to whom it names, or for the DSP itself."""
        message, facts = arrival.message, arrival.facts
        if message.cra is not gbcs.Cra.ALERT or facts.device is None:
            return self._dismissed(arrival, "not_correlated")
        mine = message.target == self.builder.broker.entity
        if not self._alert_authentic(arrival, mine=mine):
            return self._dismissed(arrival, "not_authentic")
        effects = alert_effects(message, arrival.payload, facts, self.builder.broker.entity, now)
        parcels = self.parcels.alerts(effects, now)
        code = _alert_code(arrival.payload)
        if not mine and code is not None:
            counter = message.originator_counter
            told = self.parcels.device_alert(message.target, arrival.device, code, arrival.octets, counter, now)
            parcels = (told, *parcels)
        entry = self._entry(arrival, "device_alert", str(arrival.device), effects)
        work = Work(
            arrival.device,
            inbound=Inbound(arrival.device, arrival.octets, "device_alert"),
            effects=effects,
            parcels=parcels,
            trail=(entry,),
        )
        return work, Reception("device_alert", None, parcels[0].octets if parcels else None)

    def _dismissed(self, arrival: _Arrival, verdict: str) -> tuple[Work, Reception]:
        why = "" if verdict == "not_correlated" else "its protection does not verify"
        key = arrival.claim.key if arrival.claim is not None and arrival.command is not None else None
        return _dismissal(arrival.device, key, arrival.octets, verdict, why), Reception(verdict)

    # ---- protection ----

    def _authentic(self, arrival: _Arrival, claim: Claim) -> bool:
        """Exactly the protection that belongs to this answer, as far as the DSP has a key for it (duis-dsp.md 4.4)."""
        message, facts = arrival.message, arrival.facts
        if facts.device is None or message.shape is not claim.protection.shape:
            return False
        try:
            if claim.protection is Protection.DEVICE_SIGNATURE:
                octets = gbcs.signed_octets(message)
                return gbcs.check_signature(self.builder.device_key(facts.device), octets, message.signature or b"")
            if claim.protection is Protection.BROKER_MAC:
                return self._broker_mac(arrival, facts.device)
        except Refused:
            return False
        return True  # between device and user: only the user can tell

    def _alert_authentic(self, arrival: _Arrival, *, mine: bool) -> bool:
        message, device = arrival.message, arrival.facts.device
        assert device is not None
        try:
            if message.shape in (gbcs.Shape.SIGNED, gbcs.Shape.SIGNED_AND_MAC):
                octets = gbcs.signed_octets(message)
                return gbcs.check_signature(self.builder.device_key(device), octets, message.signature or b"")
            if message.shape is gbcs.Shape.MAC and mine:
                return self._broker_mac(arrival, device)
        except Refused:
            return False
        return message.shape is gbcs.Shape.MAC

    def _broker_mac(self, arrival: _Arrival, device: DeviceRecord) -> bool:
        """Whether one of the broker's keys that may be in the device makes this MAC; which one is on record then."""
        slots = arrival.facts.slots
        for attempt, key_id in enumerate(self.builder.candidates(slots)):
            if gbcs.check_mac(arrival.message, self.builder.secret(device, slots, attempt)):
                if key_id is not None and BROKER_AGREEMENT_CELL not in slots:
                    arrival.found = SlotChange(BROKER_AGREEMENT_CELL, Occupant(self.builder.broker.entity, key_id))
                return True
        return False

    # ---- first contact ----

    def _first_contact(self, arrival: _Arrival, command: Command, effects: Effects, now: datetime) -> Effects:
        """What the search for the broker's key found, what it cost, and how the DSP knows who sits in each cell."""
        facts, device = arrival.facts, arrival.facts.device
        assert device is not None
        if arrival.found is not None:
            tried = self.store.tried(command.request_id)
            known = facts.known
            took = (now - known.accepted_at).total_seconds() if known is not None and known.accepted_at else 0.0
            note = f"the broker's key {arrival.found.occupant.key_id.hex()} was found after {tried} in {took:.1f} s"
            effects = replace(effects, slots=(*effects.slots, arrival.found), notes=(*effects.notes, note))
        if command.service_variant != _SLOT_READ or device.status is DeviceStatus.COMMISSIONED:
            return effects
        compared = Known.of(self.builder.directory.reference(device.device_type), facts.slots)
        cells = classify(arrival.payload, compared)
        broker = self.builder.broker.entity
        return at_first_contact(effects, device, cells, compared, broker, facts.registrations, now)

    # ---- words ----

    def _tracked(self, effects: Effects) -> Effects:
        return effects if self.policy.track_counters else replace(effects, learned=None, learned_from="")

    def _outcome(self, arrival: _Arrival, claim: Claim, command: Command, now: datetime) -> Parcel:
        content: Any
        if claim.kind is Kind.ALERT:
            code = _alert_code(arrival.payload)
            content = duis.FutureDatedDeviceAlertMessage(f"{code:04X}", arrival.octets)
        elif command.schedule is not None:
            content = duis.DSPScheduledMessage(arrival.octets, command.schedule)
        else:
            content = duis.GbcsPayload(arrival.octets)
        return self.parcels.outcome(command.request_id, command.service_variant, "I0", now, content)

    def _entry(self, arrival: _Arrival, verdict: str, subject: str, effects: Effects) -> TrailEntry:
        facts: dict[str, Any] = {"verdict": verdict, "device": str(arrival.device), "gbcs": digest_of(arrival.octets)}
        if effects.learned is not None:
            facts |= {"learned": effects.learned, "learned_from": effects.learned_from}
        if effects.notes:
            facts["notes"] = list(effects.notes)
        return TrailEntry("device_message", subject, facts)


def _rule_of(command: Command) -> ServiceRule:
    """What a command's answer means; a recovery has no service request behind it."""
    return recovery.RULE if command.service_variant == recovery.RECOVERY else SERVICES[command.service_variant]


def _alert_code(payload: Any) -> int | None:
    """The alert code in a typed payload; ``None`` for one that DUIS cannot name, which has four hex digits for it."""
    code = getattr(payload, "alert_code", None)
    return code if isinstance(code, int) and 0 <= code <= _LAST_ALERT_CODE else None


def _dismissal(device: Eui64, key: Any, octets: bytes, verdict: str, why: str) -> Work:
    facts = {"verdict": verdict, "device": str(device), "gbcs": digest_of(octets), "why": why}
    inbound = Inbound(None if device == NOBODY else device, octets, verdict, key)
    return Work(device, inbound=inbound, trail=(TrailEntry("device_message", str(device), facts),))
