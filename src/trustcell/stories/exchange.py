"""One GPF, one DSP and their users: 6.15.1 and 6.21 carried from signed DUIS to the device and back."""

from dataclasses import dataclass, field
from datetime import datetime

from trustcell import certs, devices, duis, gbcs
from trustcell.devices import Device
from trustcell.dsp import RequestManager, Submission, Views
from trustcell.stories.cast import Actor, Cast
from trustcell.stories.steps import Artifact, ArtifactKind
from trustcell.vocab import CellId, Eui64, KeyUsage, Refused, RemotePartyRole

SLOT = CellId(RemotePartyRole.NETWORK_OPERATOR, KeyUsage.DIGITAL_SIGNATURE)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a story plays: its cast, a device from the factory, a DSP, and what can be read in its books."""

    cast: Cast
    device: Device
    manager: RequestManager
    views: Views
    tracking: bool


@dataclass(frozen=True, slots=True)
class Carried:
    """What went over the wires for one request, and how the DSP took it."""

    submission: Submission
    artifacts: tuple[Artifact, ...]
    answered: bool

    @property
    def counter(self) -> int:
        """The Originator Counter of the command."""
        assert self.submission.command is not None
        return self.submission.command.key.counter


@dataclass(frozen=True, slots=True)
class CellView:
    """Who sits in one Trust Anchor Cell of the device, and until when the certificate runs, if it is known."""

    cell: CellId
    entity: Eui64
    key_id: bytes
    not_after: datetime | None


@dataclass(slots=True)
class Exchange:
    """Plays requests on a stage; ``device`` is the GPF as it is now."""

    stage: Stage
    device: Device = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the device from the factory."""
        self.device = self.stage.device

    @property
    def occupant(self) -> Eui64:
        """Who sits in the network operator's signing cell."""
        occupant = self.device.cell(SLOT)
        assert occupant is not None
        return occupant.entity

    @property
    def stored_number(self) -> int:
        """The number the device holds for the network operator."""
        return self.device.usc(RemotePartyRole.NETWORK_OPERATOR)

    def cells(self) -> tuple[CellView, ...]:
        """Every cell of the device, in order."""
        return tuple(
            CellView(
                cell,
                held.entity,
                held.key_id,
                certs.Certificate.from_der(held.certificate).not_after if held.certificate else None,
            )
            for cell, held in self.device.cells().items()
        )

    def leave(self, operator: Actor, counter: int, now: datetime) -> Carried:
        """6.15.1: the operator puts the broker's certificates, DS and KA, into its slot."""
        offered, artifacts = self.transform(operator, counter, now)
        sent, more = self._submit(operator, self.signed(operator, counter, offered), "6.15.1-signed", now)
        return self._carry(sent, artifacts + more, now)

    def hand_over(self, operator: Actor, request_counter: int, now: datetime) -> Carried:
        """6.21: the supplier asks for the operator's certificates in the slot."""
        cast = self.stage.cast
        body = duis.RequestHandoverOfDCCControlledDevice(
            RemotePartyRole.NETWORK_OPERATOR,
            operator.signing.certificate.der,
            (cast.path.der,),
            apply_time_based_cpv_checks=True,
            key_agreement_certificate=operator.agreement.certificate.der,
            floor_seq_number=0,
        )
        ids = duis.RequestId(cast.supplier.entity, self.device.eui, request_counter)
        submission, artifacts = self._submit(
            cast.supplier, duis.Request(ids, 1, "6.21", "6.21", body), "6.21-request", now
        )
        return self._carry(submission, artifacts, now)

    def transform(self, operator: Actor, counter: int, now: datetime) -> tuple[Submission, tuple[Artifact, ...]]:
        """The first half of a 6.15.1, variant 4."""
        return self._submit(operator, self._departure(operator, counter), "6.15.1-transform", now)

    def signed(self, operator: Actor, counter: int, offered: Submission) -> duis.Request:
        """The second half of a 6.15.1, variant 5: the pre-command of a transform, signed by the operator."""
        assert offered.response is not None
        message = duis.parse_response(offered.response).response.message
        assert isinstance(message, duis.ResponseMessage)
        assert isinstance(message.content, duis.PreCommand)
        pre_command = gbcs.decode(message.content.gbcs_payload)
        signature = operator.signing.sign(gbcs.signed_octets(pre_command))
        octets = gbcs.encode(gbcs.attach_signature(pre_command, signature))
        return duis.signed_pre_command(self._departure(operator, counter), octets)

    def _departure(self, operator: Actor, counter: int) -> duis.Request:
        cast = self.stage.cast
        body = duis.UpdateSecurityCredentialsKRP(
            RemotePartyRole.NETWORK_OPERATOR,
            (cast.path.der,),
            apply_time_based_cpv_checks=True,
            digital_signing_certificate=cast.broker.signing.certificate.der,
            key_agreement_certificate=cast.broker.agreement.certificate.der,
            floor_seq_number=0,
        )
        ids = duis.RequestId(operator.entity, self.device.eui, counter)
        return duis.Request(ids, 4, "6.15", "6.15.1", body)

    def _submit(
        self, actor: Actor, request: duis.Request, name: str, now: datetime
    ) -> tuple[Submission, tuple[Artifact, ...]]:
        """Sign and send a request; ``Refused`` if the DSP refuses it."""
        octets = actor.xml.sign_xml(duis.build_request(request))
        door = "serviceT" if request.command_variant == 4 else "serviceS"
        (submission,) = self.stage.manager.submit([(octets, door)], now)
        if submission.refusal is not None:
            raise Refused(submission.refusal.findings)
        assert submission.response is not None
        answer = Artifact(f"dsp-answer-{submission.code}", ArtifactKind.DUIS, submission.response)
        return submission, (Artifact(name, ArtifactKind.DUIS, octets), answer)

    def _carry(self, submission: Submission, artifacts: tuple[Artifact, ...], now: datetime) -> Carried:
        """Take the command to the device and its answers back to the DSP."""
        command = submission.command
        assert command is not None
        carried = [*artifacts, Artifact("command", ArtifactKind.GBCS, command.octets)]
        self.device, answers = devices.receive(self.device, command.octets, now)
        for answer in answers:
            carried.append(Artifact("response", ArtifactKind.GBCS, answer))
            (reception,) = self.stage.manager.receive([answer], now)
            if reception.delivery is not None:
                carried.append(Artifact("dsp-delivery", ArtifactKind.DUIS, reception.delivery))
        return Carried(submission, tuple(carried), bool(answers))
