"""SECMP0128A: an operator takes over a GPF, leaves with a huge counter, and the slot is saved, or lost for ever."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from trustcell import devices, duis, gbcs
from trustcell.devices import Device
from trustcell.dsp import CommandKey, Ledger, RequestManager, Submission, milliseconds
from trustcell.stories.cast import Actor, Cast
from trustcell.stories.steps import Artifact, ArtifactKind, Step
from trustcell.vocab import CellId, Clause, Eui64, KeyUsage, Refused, RemotePartyRole

LEAVING_COUNTER = 2**62
"""The departing operator's counter: legal, and beyond any clock in milliseconds for 146 million years."""

_PLOT = Clause("SECMP0128A 4.1", "SECMP0128A Full Impact Assessment, section 4.1")
_SLOT = CellId(RemotePartyRole.NETWORK_OPERATOR, KeyUsage.DIGITAL_SIGNATURE)
_PAUSE = timedelta(minutes=1)
_RETRIES = (timedelta(0), timedelta(days=1), timedelta(days=365), timedelta(days=3650))
"""When a supplier that meets silence asks again."""

Tell = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story plays: its cast, a device from the factory, and a DSP over a ledger."""

    cast: Cast
    device: Device
    manager: RequestManager
    ledger: Ledger
    tracking: bool


@dataclass(frozen=True, slots=True)
class Story:
    """How it ended. ``as_told`` is true when the ending is the one this variant has to have."""

    tracking: bool
    handover_accepted: bool
    learned_counter: int | None
    leaving_counter: int
    handover_counter: int
    attempts: int
    first_usable_counter: int | None
    slot_entity: Eui64
    stored_number: int
    steps: tuple[Step, ...]

    @property
    def as_told(self) -> bool:
        """With tracking the device accepts the handover; without it, it stays silent."""
        return self.handover_accepted is self.tracking


@dataclass(slots=True)
class _Scene:
    """The moving parts while the story is told."""

    stage: Stage
    tell: Tell
    now: datetime
    device: Device
    steps: list[Step] = field(default_factory=list)

    def say(self, title: str, text: str, artifacts: tuple[Artifact, ...] = ()) -> None:
        step = Step(title, text, artifacts)
        self.steps.append(step)
        self.tell(step)
        self.now += _PAUSE


def tell(stage: Stage, on_step: Tell) -> Story:
    """Play the story; ``on_step`` hears every step as it happens."""
    scene = _Scene(stage, on_step, stage.cast.begins, stage.device)
    _prologue(scene)
    _take_over(scene)
    _leave(scene)
    learned = stage.ledger.highest(scene.device.eui)
    counter, attempts, accepted = _hand_over(scene)
    return Story(
        stage.tracking,
        accepted,
        learned,
        LEAVING_COUNTER,
        counter,
        attempts,
        counter + 1 if accepted else None,
        _occupant(scene.device),
        scene.device.usc(RemotePartyRole.NETWORK_OPERATOR),
        tuple(scene.steps),
    )


def _prologue(scene: _Scene) -> None:
    broker = scene.stage.cast.broker
    text = (
        f"GPF {scene.device.eui} comes from the factory. Its network operator slot holds the certificates of the "
        f"{broker.title} {broker.entity}; the number stored for that role is "
        f"{scene.device.usc(RemotePartyRole.NETWORK_OPERATOR)}. Played on {scene.stage.cast.environment}."
    )
    scene.say("A new GPF", text)


def _take_over(scene: _Scene) -> None:
    operator = scene.stage.cast.leaving
    submission, artifacts = _handover(scene, operator, milliseconds(scene.now))
    artifacts += _exchange(scene, submission)
    _require_occupant(scene, operator)
    text = (
        f"The supplier asks for 6.21. The broker authorises it with its own counter {_counter(submission)}, "
        f"milliseconds since 1970. The device accepts: the slot now holds {_occupant(scene.device)}."
    )
    scene.say(f"{operator.title} takes over", text, artifacts)


def _leave(scene: _Scene) -> None:
    cast, operator = scene.stage.cast, scene.stage.cast.leaving
    body = duis.UpdateSecurityCredentialsKRP(
        RemotePartyRole.NETWORK_OPERATOR,
        (cast.path.der,),
        apply_time_based_cpv_checks=True,
        digital_signing_certificate=cast.broker.signing.certificate.der,
        key_agreement_certificate=cast.broker.agreement.certificate.der,
        floor_seq_number=0,
    )
    ids = duis.RequestId(operator.entity, scene.device.eui, LEAVING_COUNTER)
    request = duis.Request(ids, 4, "6.15", "6.15.1", body)
    offered, artifacts = _submit(scene, operator, request, "6.15.1-transform")
    message = duis.parse_response(offered.response).response.message
    assert isinstance(message, duis.ResponseMessage)
    assert isinstance(message.content, duis.PreCommand)
    pre_command = gbcs.decode(message.content.gbcs_payload)
    signature = operator.signing.sign(gbcs.signed_octets(pre_command))
    signed = gbcs.encode(gbcs.attach_signature(pre_command, signature))
    sent, more = _submit(scene, operator, duis.signed_pre_command(request, signed), "6.15.1-signed")
    artifacts += more
    artifacts += _exchange(scene, sent)
    _require_occupant(scene, cast.broker)
    learned = scene.stage.ledger.highest(scene.device.eui)
    outcome = (
        f"The DSP sees the broker in the slot and remembers {learned}."
        if scene.stage.tracking
        else "The DSP of this variant will not use what it heard."
    )
    text = (
        f"It sends 6.15.1 with counter {LEAVING_COUNTER} (2^62) and puts the broker's certificates, DS and KA, into "
        f"its slot. The device accepts and stores {scene.device.usc(RemotePartyRole.NETWORK_OPERATOR)}. {outcome}"
    )
    scene.say(f"{operator.title} leaves", text, artifacts)


def _hand_over(scene: _Scene) -> tuple[int, int, bool]:
    """Ask for 6.21 until the device answers or hope ends: last counter, attempts, whether it was accepted."""
    operator, begins = scene.stage.cast.arriving, scene.now
    returns = operator.entity == scene.stage.cast.leaving.entity
    title = f"{operator.title} {'comes back' if returns else 'arrives'}"
    counter = 0
    for attempt, later in enumerate(_RETRIES, start=1):
        scene.now = begins + later
        submission, artifacts = _handover(scene, operator, milliseconds(scene.now))
        counter = _counter(submission)
        answers = _exchange(scene, submission)
        if _occupant(scene.device) == operator.entity:
            reason = scene.stage.ledger.history(scene.device.eui)
            why = next(event.reason for event in reversed(reason) if event.counter == counter)
            text = (
                f"The supplier asks for 6.21. Counter {counter}, because {why}. The device accepts: the slot holds "
                f"{_occupant(scene.device)}, whose first usable counter is {counter + 1}."
            )
            scene.say(title, text, artifacts + answers)
            return counter, attempt, True
        assert submission.command is not None
        silent = Artifact(
            "dsp-answer-E21", ArtifactKind.DUIS, scene.stage.manager.time_out(submission.command, scene.now)
        )
        stored = scene.device.usc(RemotePartyRole.NETWORK_OPERATOR)
        text = (
            f"The supplier asks for 6.21{_after(later)}. The broker uses its own counter {counter}, which is not "
            f"greater than the stored {stored}. The device stays silent: {scene.device.log[-1].text}."
        )
        scene.say(f"{title}: attempt {attempt}", text, (*artifacts, *answers, silent))
    years = (LEAVING_COUNTER // 1000) // 31_556_952
    text = f"No 6.21 passes before the broker's clock reaches 2^62 milliseconds, in about {years:,} years."
    scene.say("The slot is lost", text)
    return counter, len(_RETRIES), False


def _handover(scene: _Scene, operator: Actor, counter: int) -> tuple[Submission, tuple[Artifact, ...]]:
    cast = scene.stage.cast
    body = duis.RequestHandoverOfDCCControlledDevice(
        RemotePartyRole.NETWORK_OPERATOR,
        operator.signing.certificate.der,
        (cast.path.der,),
        apply_time_based_cpv_checks=True,
        key_agreement_certificate=operator.agreement.certificate.der,
        floor_seq_number=0,
    )
    ids = duis.RequestId(cast.supplier.entity, scene.device.eui, counter)
    return _submit(scene, cast.supplier, duis.Request(ids, 1, "6.21", "6.21", body), "6.21-request")


def _submit(scene: _Scene, actor: Actor, request: duis.Request, name: str) -> tuple[Submission, tuple[Artifact, ...]]:
    """Sign and send a request; the story cannot go on if the DSP refuses it."""
    octets = actor.xml.sign_xml(duis.build_request(request))
    submission = scene.stage.manager.submit(octets, scene.now)
    if submission.refusal is not None:
        raise Refused(submission.refusal.findings)
    answer = Artifact(f"dsp-answer-{submission.code}", ArtifactKind.DUIS, submission.response)
    return submission, (Artifact(name, ArtifactKind.DUIS, octets), answer)


def _exchange(scene: _Scene, submission: Submission) -> tuple[Artifact, ...]:
    """Carry a command to the device and its answer back: the messages, only the command if the device is silent."""
    command = submission.command
    assert command is not None
    artifacts = [Artifact("command", ArtifactKind.GBCS, command.octets)]
    scene.device, answers = devices.receive(scene.device, command.octets, scene.now)
    for answer in answers:
        artifacts.append(Artifact("response", ArtifactKind.GBCS, answer))
        reception = scene.stage.manager.receive(answer, scene.now)
        if reception.delivery is not None:
            artifacts.append(Artifact("dsp-delivery", ArtifactKind.DUIS, reception.delivery))
    return tuple(artifacts)


def _counter(submission: Submission) -> int:
    assert submission.command is not None
    key: CommandKey = submission.command.key
    return key.counter


def _occupant(device: Device) -> Eui64:
    occupant = device.cell(_SLOT)
    assert occupant is not None
    return occupant.entity


def _require_occupant(scene: _Scene, actor: Actor) -> None:
    """The story cannot go on if a device refused what it should have taken."""
    if _occupant(scene.device) != actor.entity:
        finding = _PLOT.breach(
            "story_broken",
            str(_SLOT),
            f"the slot of {scene.device.eui} should hold {actor.entity} by now, it holds {_occupant(scene.device)}",
            "look at the device's response: its certificates did not lead to the root in the device",
        )
        raise Refused([finding])


def _after(later: timedelta) -> str:
    days = later.days
    return "" if not days else f" again {days} day{'s' if days > 1 else ''} later"
