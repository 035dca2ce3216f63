"""A small world for DSP tests: own identities, a virtual device, a DSP over books, and a network one can stop."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import devices, duis, gbcs
from trustcell.adapters.dsp_store import Settings, SqlHome, SqlHomes, open_homes
from trustcell.adapters.dsp_store.schema import METADATA
from trustcell.adapters.no_wan import NoWan
from trustcell.adapters.parties import CertificateDirectory, LocalBroker, LocalParty
from trustcell.app.story import pack
from trustcell.dsp import (
    Command,
    CounterEvent,
    DeviceRecord,
    Effects,
    Occupant,
    Policy,
    Reception,
    RequestManager,
    RequestState,
    Store,
    Submission,
    TrailEntry,
    User,
    Wan,
    Work,
)
from trustcell.dsp.rules.plan import DeviceChange
from trustcell.dsp.rules.request_checks import DOORS
from trustcell.stories import Actor, Cast, KeyPair, own_cast
from trustcell.stories.hierarchy import Authority
from trustcell.vocab import CellId, DeviceType, Eui64, KeyUsage, RemotePartyRole

BEGINS = datetime(2024, 3, 1, 9, tzinfo=UTC)
SEED = b"dsp under test"
NO, SUPPLIER, BROKER = RemotePartyRole.NETWORK_OPERATOR, RemotePartyRole.SUPPLIER, RemotePartyRole.ACCESS_CONTROL_BROKER
DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
NO_DS, NO_KA = CellId(NO, DS), CellId(NO, KA)
BROKER_KA = CellId(BROKER, KA)
GPF, ESME, GSME, CHF = DeviceType.GPF, DeviceType.ESME, DeviceType.GSME, DeviceType.CHF
HUGE = 2**62
COS_PARTY = Eui64.parse("70-B3-D5-1F-30-00-00-04")
MEMORY = "sqlite://"
_ENVIRONMENT = "dsp under test"
# A refusal writes a line of the trail, and where the chain of it stands; whose lease it is does not matter either.
_TRAIL = frozenset({"trail", "audit_head", "lease"})


@cache
def cast() -> Cast:
    """The same people in every test."""
    return own_cast(SEED, BEGINS)


@cache
def authority() -> Authority:
    """The hierarchy behind the cast; the same seed gives the same certificates."""
    return Authority(SEED, BEGINS)


def second_pair(actor: Actor, role: RemotePartyRole, usage: KeyUsage) -> KeyPair:
    """A further generation of an organisation's keys."""
    return authority().organisation(f"{actor.title}/second {usage}", role, actor.entity, usage)


class _SameKey(Authority):
    """An authority that certifies one given key, whatever the label."""

    key: ec.EllipticCurvePrivateKey | None = None

    def _key(self, label: str) -> ec.EllipticCurvePrivateKey:
        return super()._key(label) if self.key is None else self.key


def twin(pair: KeyPair, label: str) -> KeyPair:
    """Another certificate for the same key and subject (MP261): other serial, equal key identifier."""
    certificate, made = pair.certificate, _SameKey(SEED, BEGINS)
    assert certificate.entity_id is not None
    assert certificate.role is not None
    made.key = pair.private_key
    return made.organisation(label, RemotePartyRole(certificate.role), certificate.entity_id, certificate.key_usage)


@dataclass
class World:
    """One DSP and a device. ``request_number`` gives every request of the supplier an ID of its own."""

    homes: SqlHomes
    store: Any
    manager: RequestManager
    device: devices.Device
    now: datetime = BEGINS
    request_number: int = 1
    sent: list[bytes] = field(default_factory=list)

    # ---- requests ----

    def send(self, octets: bytes, door: str = "serviceS") -> Submission:
        """Octets through a door, as they are."""
        (submission,) = self.manager.submit([(octets, door)], self.now)
        return submission

    def submit(self, actor: Actor, request: duis.Request) -> Submission:
        return self.send(signed(actor, request), DOORS.get(request.command_variant, ""))

    def handover(
        self, operator: Actor | None = None, number: int | None = None, role: RemotePartyRole = NO, **change: Any
    ) -> Submission:
        """A 6.21 of the supplier."""
        return self.submit(
            change.pop("actor", cast().supplier), self.handover_request(operator, number, role, **change)
        )

    def handover_request(
        self, operator: Actor | None = None, number: int | None = None, role: RemotePartyRole = NO, **change: Any
    ) -> duis.Request:
        if number is None:
            self.request_number += 1
            number = self.request_number
        party = operator or cast().leaving
        body = duis.RequestHandoverOfDCCControlledDevice(
            role,
            party.signing.certificate.der,
            (cast().path.der,),
            apply_time_based_cpv_checks=True,
            key_agreement_certificate=party.agreement.certificate.der,
            floor_seq_number=0,
        )
        if change:
            body = replace(body, **change)
        return duis.Request(duis.RequestId(cast().supplier.entity, self.device.eui, number), 1, "6.21", "6.21", body)

    def details_request(self, *roles: RemotePartyRole, number: int | None = None) -> duis.Request:
        if number is None:
            self.request_number += 1
            number = self.request_number
        ids = duis.RequestId(cast().supplier.entity, self.device.eui, number)
        return duis.Request(ids, 1, "6.24", "6.24.1", duis.RetrieveDeviceSecurityCredentialsKRP(roles or (NO,)))

    def read(self, *roles: RemotePartyRole) -> Submission:
        """A 6.24.1 of the supplier."""
        return self.submit(cast().supplier, self.details_request(*roles))

    def update_request(self, actor: Actor, counter: int, **body: Any) -> duis.Request:
        """A 6.15.1; by default the actor puts the broker's certificates into the Network Operator slot."""
        fields: dict[str, Any] = {
            "remote_party_role": NO,
            "path_certificates": (cast().path.der,),
            "apply_time_based_cpv_checks": True,
            "digital_signing_certificate": cast().broker.signing.certificate.der,
            "key_agreement_certificate": cast().broker.agreement.certificate.der,
            "floor_seq_number": 0,
        }
        ids = duis.RequestId(actor.entity, self.device.eui, counter)
        return duis.Request(ids, 4, "6.15", "6.15.1", duis.UpdateSecurityCredentialsKRP(**{**fields, **body}))

    def update(self, actor: Actor, counter: int, signer: KeyPair | None = None, **body: Any) -> Submission:
        """A 6.15.1 through transform and signed pre-command."""
        request = self.update_request(actor, counter, **body)
        offered = self.submit(actor, request)
        if offered.refusal is not None:
            return offered
        return self.submit(actor, duis.signed_pre_command(request, sign_pre_command(offered, signer or actor.signing)))

    # ---- network ----

    def carry(self, command: Command | Submission | None) -> tuple[bytes, ...]:
        """The command to the device; what it answers."""
        if isinstance(command, Submission):
            assert command.refusal is None, command.refusal
            command = command.command
        assert command is not None
        self.sent.append(command.octets)
        self.device, answers = devices.receive(self.device, command.octets, self.now)
        self.now += timedelta(seconds=1)
        return answers

    def take(self, octets: bytes) -> Reception:
        self.now += timedelta(seconds=1)
        (reception,) = self.manager.receive([octets], self.now)
        return reception

    def exchange(self, submission: Submission) -> list[Reception]:
        """There and back; an empty list is silence."""
        return [self.take(answer) for answer in self.carry(submission)]

    def operator_takes_over(self, operator: Actor | None = None) -> None:
        (reception,) = self.exchange(self.handover(operator))
        assert reception.verdict == "response"
        assert self.occupant() == (operator or cast().leaving).entity

    def operator_leaves(self, counter: int = HUGE, operator: Actor | None = None, **body: Any) -> Reception:
        (reception,) = self.exchange(self.update(operator or cast().leaving, counter, **body))
        return reception

    # ---- looking ----

    def occupant(self, cell: CellId = NO_DS) -> Eui64:
        held = self.device.cell(cell)
        assert held is not None
        return held.entity

    @property
    def highest(self) -> int | None:
        found = self.homes.views.highest(self.device.eui)
        return None if found is None else found[0]

    def slot(self, cell: CellId = NO_DS) -> Occupant | None:
        """Who the DSP believes to be in a cell."""
        known = [occupant for held, occupant, _at, _by in self.homes.views.slots(self.device.eui) if held == cell]
        return known[-1] if known else None

    def history(self) -> list[CounterEvent]:
        """The counter ledger of the device."""
        return list(self.homes.views.counter_ledger(self.device.eui))

    def trail(self, subject: object) -> list[TrailEntry]:
        return [entry for _seq, _at, entry in self.homes.views.trail(str(subject))]

    def state(self, ids: duis.RequestId) -> RequestState | None:
        known = self.store.request(ids)
        return None if known is None else known.state

    def told(self, ids: duis.RequestId) -> list[str]:
        """The codes of what was sent to the user for a request, delivered or not."""
        sent = self.homes.views.deliveries_of(ids)
        return [duis.parse_response(each.octets).response.response_code for each in sent]

    def delivered(self) -> list[duis.Response]:
        """Takes every delivery that waits, in order."""
        self.now += Policy().callback_delay
        found = self.manager.deliveries(self.now)
        self.store.settle_deliveries([(each.number, "200", None) for each in found], self.now)
        return [duis.parse_response(each.octets).response for each in found]

    def dump(self) -> str:
        """Everything that is kept, but the trail."""
        tables = {}
        with self.homes.session() as session, session.reading():
            for name in sorted(METADATA.tables.keys() - _TRAIL):
                tables[name] = sorted(map(repr, session.all(str(sa.select(METADATA.tables[name])))))
        return repr(tables)

    def close(self) -> None:
        """Give the connections back."""
        self.store.close()
        self.homes.close()

    # ---- after a crash ----

    def restarted(self, **options: Any) -> None:
        """A new manager over the books as they are; the former one is gone without a word."""
        self.manager = manager_for(self.store, self.device, **options)

    def knows(self, after: DeviceRecord | None, event: str = "changed by a test") -> None:
        """The inventory's entry of the device, whatever it was."""
        change = DeviceChange(self.device.eui, after, event)
        stood(self.store.commit([Work(self.device.eui, effects=Effects(devices=(change,)))], self.now))

    # ---- a device that says what a test wants ----

    def says(
        self,
        command: Command,
        payload: Any,
        *,
        cra: gbcs.Cra = gbcs.Cra.RESPONSE,
        code: int | None = None,
        **header: Any,
    ) -> bytes:
        """A message of this device, signed by it, with a payload of the test's choice."""
        message_code = command.message_code if code is None else code
        counter = header.pop("counter", command.key.counter)
        message = gbcs.Message(
            cra,
            counter,
            header.pop("source", self.device.eui),
            header.pop("target", command.key.originator),
            message_code,
            gbcs.encode_payload(message_code, cra, payload),
            **header,
        )
        signature = self.device.fleet.keys.sign(self.device.eui, gbcs.signed_octets(message))
        return gbcs.encode(gbcs.attach_signature(message, signature))


def world(
    url: str = MEMORY,
    *,
    kind: DeviceType = GPF,
    policy: devices.DevicePolicy | None = None,
    state: devices.DeviceState = devices.AS_MADE,
    record: dict[str, Any] | None = None,
    wrap: Any = None,
    known: bool = True,
    **options: Any,
) -> World:
    """A device straight from the factory and a DSP that knows it; ``wrap`` goes around its store."""
    people = cast()
    fleet = devices.Fleet(people.seed, pack(people), policy)
    device = fleet.device(people.gpf, kind, state)
    homes = open_homes(Settings(url, _ENVIRONMENT))
    store: SqlHome = homes.take("0", "dsp", BEGINS)
    used = store if wrap is None else wrap(store)
    made = World(homes, used, manager_for(used, device, **options), device)
    if known:
        made.knows(record_of(device, **(record or {})), "made by a test")
    return made


def record_of(device: devices.Device, **fields: Any) -> DeviceRecord:
    """The inventory's entry of a device, commissioned, without a metering point: any user is responsible for it."""
    points = {"signing_point": device.public_point(DS), "agreement_point": device.public_point(KA)}
    return DeviceRecord(device.eui, device.device_type, **{**points, **fields})


def manager_for(
    store: Store,
    device: devices.Device,
    *,
    tracking: bool = True,
    broker: Any = None,
    further: Iterable[KeyPair] = (),
    wan: Wan | None = None,
    users: dict[Eui64, User] | None = None,
    rules: Policy | None = None,
) -> RequestManager:
    people = cast()
    actors = (people.supplier, people.leaving, people.arriving, people.broker)
    pairs = [pair for actor in actors for pair in (actor.signing, actor.xml)] + list(further)
    return RequestManager(
        store,
        CertificateDirectory((pair.certificate for pair in pairs), users),
        broker or broker_with(),
        LocalParty(COS_PARTY, ()),
        wan or NoWan(),
        replace(rules or Policy(), track_counters=tracking),
    )


def broker_with(signing: tuple[KeyPair, ...] = (), agreement: tuple[KeyPair, ...] = ()) -> LocalBroker:
    """The broker, with newer keys before the ones the factory put into devices."""
    actor = cast().broker
    return LocalBroker(actor.entity, (*signing, actor.signing), (*agreement, actor.agreement), actor.xml)


def signed(actor: Actor, request: duis.Request) -> bytes:
    return actor.xml.sign_xml(duis.build_request(request))


def pre_command_of(offered: Submission) -> bytes:
    assert offered.response is not None
    message = duis.parse_response(offered.response).response.message
    assert isinstance(message, duis.ResponseMessage)
    assert isinstance(message.content, duis.PreCommand)
    return message.content.gbcs_payload


def sign_pre_command(offered: Submission, signer: KeyPair) -> bytes:
    pre_command = gbcs.decode(pre_command_of(offered))
    return gbcs.encode(gbcs.attach_signature(pre_command, signer.sign(gbcs.signed_octets(pre_command))))


def outcome(
    counter: int,
    *cells: tuple[CellId, gbcs.StatusCode, Eui64, bytes],
    mode: gbcs.CredentialsReplacementMode = gbcs.CredentialsReplacementMode.NETWORK_OPERATOR_BY_NETWORK_OPERATOR,
    floors: tuple[tuple[RemotePartyRole, int], ...] = (),
) -> gbcs.ExecutionOutcome:
    """An execution outcome; every cell as (cell, status, entity afterwards, key identifier afterwards)."""
    changes = tuple(gbcs.RemotePartySeqNumberChange(role, floor) for role, floor in floors)
    former = cast().leaving
    replaced = tuple(
        gbcs.ReplacementOutcome(cell, status, former.entity, bytes(8), entity, key_id)
        for cell, status, entity, key_id in cells
    )
    return gbcs.ExecutionOutcome(counter, mode, changes, replaced)


def key_id(pair: KeyPair) -> bytes:
    return pair.certificate.subject_key_identifier or b""


def code_of(submission: Submission) -> str:
    """The reason of a refusal; a command would be a surprise."""
    assert submission.refusal is not None
    assert submission.response is not None
    assert submission.command is None
    assert submission.reference
    assert submission.code.startswith("E")
    for finding in submission.refusal.findings:
        assert finding.code
        assert finding.clause
        assert finding.field
        assert finding.message
        assert finding.remedy
    assert duis.parse_response(submission.response).response.response_code == submission.code
    return submission.refusal.code


def refused(world: World, submission: Submission, before: str, *codes: str) -> None:
    """Refused with this reason and code; nothing but a line of the trail is new, under the sender's reference."""
    assert (code_of(submission), submission.code) == codes
    assert world.dump() == before
    assert submission.response is not None
    ids = duis.parse_response(submission.response).response.request_id
    assert world.trail(ids)[-1].reference == submission.reference


def stood(outcomes: Iterable[object]) -> None:
    assert [each for each in outcomes if each is not None] == []
