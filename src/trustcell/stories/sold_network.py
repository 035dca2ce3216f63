"""The sold network: operator A's certificates stay in every slot when its network goes to B, and recovery puts B's in.

It happened: National Grid sold to Cadent Gas, and the certificates stayed behind (SECMP0128A). Told with real messages
over as many GPFs as one likes: nobody but A could change the slots, and A is gone; the SMKI PMA decides on a recovery
(SEC L10), and the recovery key puts B's certificates into every slot. With SECMP0128A A would have left in order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from trustcell import certs, duis, gbcs
from trustcell.campaigns import CampaignState, Limits, Method, Recovery, RecoveryEvent, TargetState
from trustcell.campaigns.ports import CampaignStore, Fleet
from trustcell.campaigns.rules.recovery import Assumptions, decided, plan
from trustcell.dsp import RequestManager, Submission
from trustcell.dsp.rules.facts import Registration
from trustcell.dsp.rules.plan import Effects
from trustcell.dsp.rules.recovery import recovery_command
from trustcell.dsp.rules.work import Work
from trustcell.governance.rules.approval_rules import Circumstances
from trustcell.governance.rules.rulebook import rule_set
from trustcell.stories.cast import Actor, Cast, KeyPair
from trustcell.stories.paperwork import Paperwork
from trustcell.stories.steps import Step
from trustcell.vocab import CellId, Eui64, KeyUsage, Refused, RemotePartyRole

APPROVAL = "PMA-RECOVERY"
_NO = RemotePartyRole.NETWORK_OPERATOR
_CELLS = (CellId(_NO, KeyUsage.DIGITAL_SIGNATURE), CellId(_NO, KeyUsage.KEY_AGREEMENT))
_GROUP = 64
_LIMITS = Limits(in_flight=512, per_hour=1_000_000, attempts=2, again_after=timedelta(minutes=20))

Tell = Callable[[Step], None]


@dataclass
class SoldNetworkStage:
    """A DSP with its devices, and a clock that the story moves; ``carry`` lets messages travel until nothing happens.

    ``occupant`` looks into a device. ``points`` are the metering points of the GPFs, in their order.
    """

    cast: Cast
    recovery: KeyPair
    manager: RequestManager
    fleet: Fleet
    campaigns: CampaignStore
    gpfs: Sequence[Eui64]
    points: Sequence[str]
    carry: Callable[[datetime], None]
    occupant: Callable[[Eui64], Eui64]
    now: datetime
    _number: int = field(default=0)

    def number(self) -> int:
        """A number no request has had."""
        self._number = max(self._number + 1, int(self.now.timestamp() * 1000))
        return self._number

    def submit(self, items: Sequence[tuple[bytes, str]]) -> list[Submission]:
        """Requests at the doors of the DSP."""
        return self.manager.submit(items, self.now)


@dataclass(frozen=True, slots=True)
class SoldNetworkStory:
    """How it ended."""

    devices: int
    refused_handover: tuple[str, ...]
    refused_without_decision: tuple[str, ...]
    refused_for_another: tuple[str, ...]
    recovered: int
    steps: tuple[Step, ...]

    @property
    def as_told(self) -> bool:
        """Every device is under the new operator, and nothing was done without the decision."""
        refusals = (self.refused_handover, self.refused_without_decision, self.refused_for_another)
        return self.recovered == self.devices and all(refusals)


@dataclass
class _RecoveryClient:
    """The DCC with the recovery key, and B who reads."""

    stage: SoldNetworkStage
    evidence: bytes

    @property
    def user(self) -> Eui64:
        return _entity(self.stage.recovery.certificate)

    def replace(self, device: Eui64, counter: int, key_id: bytes) -> str:
        stage, arriving = self.stage, self.stage.cast.arriving
        certificates = dict(
            zip(_CELLS, (arriving.signing.certificate.der, arriving.agreement.certificate.der), strict=True)
        )
        message = recovery_command(self.user, device, counter, certificates, (stage.cast.path.der,))
        signed = gbcs.attach_signature(message, stage.recovery.sign(gbcs.signed_octets(message)))
        (code,) = stage.manager.recover([(signed, gbcs.encode(signed))], self.evidence, stage.now)
        return code

    def read(self, device: Eui64, counter: int) -> str:
        reader = self.stage.cast.arriving
        body = duis.RetrieveDeviceSecurityCredentialsKRP((_NO,))
        request = duis.Request(duis.RequestId(reader.entity, device, counter), 1, "6.24", "6.24.1", body)
        (submission,) = self.stage.submit([(reader.xml.sign_xml(duis.build_request(request)), "serviceS")])
        return submission.code


def tell_sold_network(stage: SoldNetworkStage, paperwork: Paperwork, on_step: Tell) -> SoldNetworkStory:
    """Play the story; ``on_step`` hears every step as it happens."""
    steps: list[Step] = []

    def say(title: str, text: str) -> None:
        steps.append(Step(title, text, ()))
        on_step(steps[-1])

    cast, count = stage.cast, len(stage.gpfs)
    _handed_over(stage, cast.leaving)
    say(
        "A network with certificates",
        f"{count:,} GPFs have the certificates of {cast.leaving.title} in their network operator slots.",
    )
    _sold(stage)
    say(
        "It is sold",
        f"{cast.arriving.title} is registered for every one of them; the old operator is gone, its keys with it, and "
        "its certificates stay in the slots.",
    )
    refused = _refused_handover(stage)
    say("The supplier tries", f"A 6.21 for the new operator is refused: the ACB is not in the slot ({refused[0]}).")
    event = _event(stage, paperwork)
    none = _refusal(stage, event, paperwork, None)
    other = _refusal(stage, event, paperwork, _approve(stage, paperwork, "PMA-OTHER", event, "another event"))
    say(
        "No decision, no recovery",
        f"Without a decision of the SMKI PMA no recovery command is built ({', '.join(none)}), nor under one for "
        f"another event ({', '.join(other)}).",
    )
    waves = plan(count, Assumptions(unreachable=0, wave=max(1, count)))
    approval = _approve(stage, paperwork, APPROVAL, event, event.name)
    say(
        "The SMKI PMA decides",
        f"The SSC gives its view, the PMA decides (SEC L10). The plan: {len(waves)} wave, "
        f"{sum(wave.messages for wave in waves):,} messages.",
    )
    recovery = _recovery(stage, event, paperwork, approval)
    recovery.begin(event, cast.arriving.entity, _LIMITS, stage.now)
    while recovery.campaign.state is CampaignState.RUNNING:
        recovery.step(stage.now, stage.number)
        stage.carry(stage.now)
        stage.now += timedelta(minutes=1)
    clean = stage.campaigns.counts(recovery.name).get(TargetState.CLEAN, 0)
    recovered = sum(stage.occupant(gpf) == cast.arriving.entity for gpf in stage.gpfs)
    say(
        "Recovered",
        f"The recovery key put the new operator's certificates into {recovered:,} slots; {clean:,} were read after.",
    )
    say(
        "What SECMP0128A would have saved",
        f"Leaving in order the old operator would have sent {count:,} requests (SRV 6.15.1) itself and left the ACB in "
        "every slot; no recovery key, no decision, and a 6.21 whenever the new operator wants one.",
    )
    return SoldNetworkStory(count, refused, none, other, recovered, tuple(steps))


def _handed_over(stage: SoldNetworkStage, operator: Actor) -> None:
    for start in range(0, len(stage.gpfs), _GROUP):
        group = stage.gpfs[start : start + _GROUP]
        codes = {each.code for each in stage.submit([(_handover(stage, operator, gpf), "serviceS") for gpf in group])}
        if codes != {"I99"}:
            raise AssertionError(f"the handovers were answered {codes}")
        stage.carry(stage.now)
    stage.now += timedelta(days=1)


def _handover(stage: SoldNetworkStage, operator: Actor, gpf: Eui64) -> bytes:
    supplier = stage.cast.supplier
    body = duis.RequestHandoverOfDCCControlledDevice(
        _NO,
        operator.signing.certificate.der,
        (stage.cast.path.der,),
        apply_time_based_cpv_checks=True,
        key_agreement_certificate=operator.agreement.certificate.der,
        floor_seq_number=0,
    )
    ids = duis.RequestId(supplier.entity, gpf, stage.number())
    return supplier.xml.sign_xml(duis.build_request(duis.Request(ids, 1, "6.21", "6.21", body)))


def _sold(stage: SoldNetworkStage) -> None:
    works = [
        Work(
            gpf,
            effects=Effects(
                registrations=(Registration(point, stage.cast.supplier.entity, stage.cast.arriving.entity, stage.now),)
            ),
        )
        for gpf, point in zip(stage.gpfs, stage.points, strict=True)
    ]
    for start in range(0, len(works), _GROUP):
        stage.manager.store.commit(works[start : start + _GROUP], stage.now)
    stage.now += timedelta(days=30)


def _refused_handover(stage: SoldNetworkStage) -> tuple[str, ...]:
    (submission,) = stage.submit([(_handover(stage, stage.cast.arriving, stage.gpfs[0]), "serviceS")])
    found = submission.refusal.findings if submission.refusal is not None else ()
    return tuple(finding.code for finding in found)


def _event(stage: SoldNetworkStage, paperwork: Paperwork) -> RecoveryEvent:
    leaving = stage.cast.leaving
    return RecoveryEvent(
        "sold-network",
        Method.NEW_CERTIFICATES,
        _NO,
        leaving.entity,
        stage.cast.arriving.entity,
        _entity(stage.recovery.certificate),
        sha256(leaving.signing.certificate.spki).hexdigest(),
        "the network was sold; nobody has the keys any more",
        "ada",
    )


def _approve(stage: SoldNetworkStage, paperwork: Paperwork, name: str, event: RecoveryEvent, purpose: str) -> str:
    paperwork.recovery(name, event.role, event.party, event.key, purpose, stage.now)
    stage.now += timedelta(days=20)
    return name


def _recovery(stage: SoldNetworkStage, event: RecoveryEvent, paperwork: Paperwork, name: str | None) -> Recovery:
    def decision(now: datetime) -> list[object]:
        with paperwork.store.reading() as books:
            register = paperwork.governance.register(books)
        found = None if name is None else register.newest(name)
        circumstances = Circumstances(now=now, rules=rule_set(now), people=register.people)
        return list(decided(event, found, circumstances))

    client = _RecoveryClient(stage, repr(event.as_json()).encode())
    return Recovery(stage.campaigns, stage.fleet, client, event.name, decision)  # type: ignore[arg-type]


def _refusal(stage: SoldNetworkStage, event: RecoveryEvent, paperwork: Paperwork, name: str | None) -> tuple[str, ...]:
    try:
        _recovery(stage, event, paperwork, name).begin(event, stage.cast.arriving.entity, _LIMITS, stage.now)
    except Refused as error:
        return tuple(finding.code for finding in error.findings)
    return ()


def _entity(certificate: certs.Certificate) -> Eui64:
    assert certificate.entity_id is not None
    return certificate.entity_id
