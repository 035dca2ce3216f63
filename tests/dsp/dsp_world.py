"""A small world for DSP tests: own identities, virtual devices, a DSP over a ledger, and a network one can stop."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from trustcell.adapters.memory_ledger import MemoryLedger

from trustcell import devices, duis, gbcs
from trustcell.adapters.parties import CertificateDirectory, LocalBroker, MemoryInventory
from trustcell.app.story import pack
from trustcell.dsp import Command, DeviceRecord, Ledger, Policy, Reception, RequestManager, Submission
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
    """One DSP and its devices. ``request_number`` gives every request of the supplier an ID of its own."""

    ledger: Ledger
    manager: RequestManager
    device: devices.Device
    now: datetime = BEGINS
    request_number: int = 1
    sent: list[bytes] = field(default_factory=list)

    # ---- requests ----

    def submit(self, actor: Actor, request: duis.Request) -> Submission:
        return self.manager.submit(signed(actor, request), self.now)

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
        return self.manager.receive(octets, self.now)

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
        return self.ledger.highest(self.device.eui)

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
    ledger: Ledger | None = None,
    *,
    kind: DeviceType = GPF,
    generation: str = "SMETS2",
    tracking: bool = True,
    broker: LocalBroker | None = None,
    further: tuple[KeyPair, ...] = (),
    policy: devices.DevicePolicy | None = None,
    state: devices.DeviceState = devices.AS_MADE,
) -> World:
    """A device straight from the factory and a DSP that knows it."""
    people = cast()
    fleet = devices.Fleet(people.seed, pack(people), policy)
    device = fleet.device(people.gpf, kind, state)
    ledger = MemoryLedger() if ledger is None else ledger
    return World(ledger, manager_for(ledger, device, generation, tracking, broker, further), device)


def manager_for(
    ledger: Ledger,
    device: devices.Device,
    generation: str = "SMETS2",
    tracking: bool = True,
    broker: LocalBroker | None = None,
    further: tuple[KeyPair, ...] = (),
    known: bool = True,
) -> RequestManager:
    people = cast()
    record = DeviceRecord(
        device.eui,
        device.device_type,
        generation,
        gbcs.public_key_from_point(device.public_point(DS)),
        gbcs.public_key_from_point(device.public_point(KA)),
    )
    actors = (people.supplier, people.leaving, people.arriving, people.broker)
    pairs = [pair for actor in actors for pair in (actor.signing, actor.xml)] + list(further)
    return RequestManager(
        ledger,
        MemoryInventory([record] if known else []),
        CertificateDirectory(pair.certificate for pair in pairs),
        broker or broker_with(),
        Policy(track_counters=tracking),
    )


def broker_with(signing: tuple[KeyPair, ...] = (), agreement: tuple[KeyPair, ...] = ()) -> LocalBroker:
    """The broker, with newer keys before the ones the factory put into devices."""
    actor = cast().broker
    return LocalBroker(actor.entity, (*signing, actor.signing), (*agreement, actor.agreement), actor.xml)


def signed(actor: Actor, request: duis.Request) -> bytes:
    return actor.xml.sign_xml(duis.build_request(request))


def pre_command_of(offered: Submission) -> bytes:
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
    assert submission.command is None
    assert submission.code.startswith("E")
    for finding in submission.refusal.findings:
        assert finding.code
        assert finding.clause
        assert finding.field
        assert finding.message
        assert finding.remedy
    assert duis.parse_response(submission.response).response.response_code == submission.code
    return submission.refusal.code


def dump(ledger: object) -> str:
    return repr({name: value for name, value in vars(ledger).items() if name != "_history"}) + repr(
        dict(vars(ledger)["_history"])
    )


def refused(world: World, submission: Submission, before: str, *codes: str) -> None:
    assert (code_of(submission), submission.code) == codes
    assert dump(world.ledger) == before
