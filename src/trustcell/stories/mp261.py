"""MP261: the pack of 2016 ends in 2026; approved by the PMA, its successor lasts as long as the Issuing OCA.

Told with a real authority: every certificate is asked for, judged by clause, issued and signed, every decision stated
by its person. Two GPFs, one from each pack, then take commands of the same broker.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import certs, gbcs
from trustcell.devices import CellOccupant, ManufacturePack, derive_private_key
from trustcell.dsp import Recognition, Reported, milliseconds, recognise
from trustcell.packs import Generation, Pack, PackDifference, Told, compare, told_by_device
from trustcell.stories.cast import Actor, Cast, KeyPair
from trustcell.stories.exchange import Exchange, Stage
from trustcell.stories.paperwork import Paperwork, RefusedRequest
from trustcell.stories.steps import Artifact, ArtifactKind, Step
from trustcell.vocab import ROOT_CELL, DeviceType, Eui64, KeyUsage, RemotePartyRole

BEGINS = datetime(2016, 10, 19, tzinfo=UTC)
"""The Issuing OCA and the first pack begin, as a published production certificate does that ends on 2026-10-18."""

IN_FORCE = datetime(2024, 2, 29, tzinfo=UTC)
SECOND_PACK = datetime(2024, 10, 19, tzinfo=UTC)
"""Planned for the fourth quarter of 2024; seventeen years later the Issuing OCA ends."""

AFTER_THE_FIRST = datetime(2027, 1, 11, 9, tzinfo=UTC)
"""A meter from the first pack is still in a warehouse."""

YEARS = 17
PACK = "dcc"
_DS, _KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
_ROLES = RemotePartyRole
_PARTS = (
    ("recovery DS", _ROLES.RECOVERY, 0x01, _DS),
    ("broker DS", _ROLES.ACCESS_CONTROL_BROKER, 0x02, _DS),
    ("broker KA", _ROLES.ACCESS_CONTROL_BROKER, 0x02, _KA),
    ("transitional CoS DS", _ROLES.TRANSITIONAL_COS, 0x04, _DS),
    ("WAN provider DS", _ROLES.WAN_PROVIDER, 0x07, _DS),
)
"""What the DCC puts into a pack: label, role, last octet of the EUI-64, key usage (smki.md 4.1)."""

_NOBODY = Eui64(bytes(8))

Tell = Callable[[Step], None]
SetStage = Callable[[Cast, ManufacturePack, Eui64], Stage]
"""Makes a GPF of a pack with this EUI-64, and a DSP that knows it."""


@dataclass(frozen=True, slots=True)
class DeviceView:
    """One GPF: the pack it was made from, how its cells were recognised, whether it took the handover."""

    pack: str
    reports: tuple[Reported, ...]
    recognised: Mapping[Recognition, int]
    handover_accepted: bool


@dataclass(frozen=True, slots=True)
class Mp261Story:
    """How it ended; ``as_told`` when it ended as it has to."""

    refused: tuple[RefusedRequest, ...]
    refused_before: tuple[RefusedRequest, ...]
    approvals: tuple[str, ...]
    validity_years: int
    first: Pack
    second: Pack
    issuing_oca_not_after: datetime
    difference: PackDifference
    told: tuple[Told, ...]
    devices: tuple[DeviceView, ...]
    new_keys: Mapping[Recognition, int]
    steps: tuple[Step, ...]

    @property
    def clauses(self) -> tuple[str, ...]:
        """The clauses that stood against the requests without approval."""
        found = (clause for refused in self.refused for clause in refused.clauses)
        return tuple(sorted(set(found)))

    @property
    def as_told(self) -> bool:
        """Refused without approval; the same to every device; to the end of the Issuing OCA; both devices obey."""
        return (
            len(self.refused) == len(self.refused_before) == len(_PARTS)
            and all(refused.clauses for refused in (*self.refused, *self.refused_before))
            and self.difference.same_to_every_device
            and self.difference.different_in_every_date
            and self.second.not_after == self.issuing_oca_not_after
            and all(view.handover_accepted and set(view.recognised) == {Recognition.DEFAULT} for view in self.devices)
            and Recognition.FOUND in self.new_keys
        )


@dataclass(slots=True)
class _Scene:
    papers: Paperwork
    seed: bytes
    tell: Tell
    steps: list[Step] = field(default_factory=list)

    def say(self, title: str, text: str, *artifacts: Artifact) -> None:
        step = Step(title, text, artifacts)
        self.steps.append(step)
        self.tell(step)

    def key(self, label: str) -> ec.EllipticCurvePrivateKey:
        return derive_private_key(self.seed + label.encode(), _NOBODY, KeyUsage(0))

    def csr(self, label: str, role: RemotePartyRole, entity: Eui64, usage: KeyUsage) -> bytes:
        key = self.key(label)
        return certs.organisation_csr(role, entity, usage, _point(key), lambda octets: gbcs.sign(key, octets))


def tell_mp261(papers: Paperwork, set_stage: SetStage, seed: bytes, on_step: Tell) -> Mp261Story:
    """Play the story on an authority that has just begun; ``on_step`` hears every step as it happens."""
    scene = _Scene(papers, seed, on_step)
    csrs = {label: scene.csr(label, role, _eui(number), usage) for label, role, number, usage in _PARTS}
    first = _first_pack(scene, csrs)
    before, refused = _without_approval(scene, csrs)
    approvals = _approvals(scene, csrs)
    second = _second_pack(scene, csrs, approvals, first)
    difference, told = _compare(scene, first, second)
    new_keys = _had_the_keys_been_new(scene, first, second)
    cast = _cast(scene, second)
    devices = tuple(
        _device(scene, set_stage, cast, name, pack.generations[-1], number, second)
        for name, pack, number in (("2016", first, 0xA3), ("2024", second, 0xA4))
    )
    return Mp261Story(
        refused, before, approvals, YEARS, first, second, papers.issuing.not_after, difference, told, devices, new_keys,
        tuple(scene.steps),
    )  # fmt: skip


def _first_pack(scene: _Scene, csrs: Mapping[str, bytes]) -> Pack:
    papers = scene.papers
    for csr in csrs.values():
        papers.certificate("ada", csr, BEGINS, purpose=PACK)
    pack = papers.pack(PACK, 1, "2016", BEGINS + timedelta(hours=1))
    text = (
        f"The DCC asks for {len(csrs)} certificates of ten years, ian issues them, paula publishes version 1 of "
        f"the pack {PACK!r}. They end {_day(pack.not_after)}; the Issuing OCA ends {_day(papers.issuing.not_after)}."
    )
    scene.say("The first pack, 2016", text)
    return pack


def _without_approval(
    scene: _Scene, csrs: Mapping[str, bytes]
) -> tuple[tuple[RefusedRequest, ...], tuple[RefusedRequest, ...]]:
    """The same requests on the day before MP261 and the day after, without approval: each with its verdict."""
    days = (IN_FORCE - timedelta(days=1), IN_FORCE + timedelta(days=1))
    found = []
    for day in days:
        refusals = tuple(
            scene.papers.refusal("ada", csr, day, years=YEARS, not_before=SECOND_PACK, purpose=PACK)
            for csr in csrs.values()
        )
        found.append(refusals)
        clauses = sorted({clause for refused in refusals for clause in refused.clauses})
        text = (
            f"{_day(day)}, rules {refusals[0].rule_set}. The DCC asks for {YEARS} years over the keys of the first. "
            f"All {len(refusals)} requests are refused: {', '.join(clauses)}. {refusals[0].reason}"
        )
        scene.say(f"Asked without approval, {'before' if day < IN_FORCE else 'after'} MP261", text)
    return found[0], found[1]


def _approvals(scene: _Scene, csrs: Mapping[str, bytes]) -> tuple[str, ...]:
    names = scene.papers.approvals(
        list(csrs.values()), IN_FORCE + timedelta(days=60), SECOND_PACK, years=YEARS, purpose=PACK
    )
    text = (
        f"ada drafts {' and '.join(names)}, each for these {len(csrs)} requests, these keys and roles, no more. sue "
        "records the view of the SSC, pat the decision of the SMKI PMA a month later, with the statement that the view "
        "was taken into account. Each is signed by its person; nothing of it can be changed any more."
    )
    scene.say("Two approvals", text)
    return names


def _second_pack(scene: _Scene, csrs: Mapping[str, bytes], approvals: tuple[str, ...], first: Pack) -> Pack:
    papers = scene.papers
    issued = [
        papers.certificate(
            "ada", csr, SECOND_PACK, years=YEARS, not_before=SECOND_PACK, approvals=approvals, purpose=PACK
        )
        for csr in csrs.values()
    ]
    identities = [(record.issuer, record.serial) for record in issued]
    pack = papers.pack(PACK, 2, "2024", SECOND_PACK + timedelta(hours=1), identities, first.generations)
    text = (
        f"With both approvals cited the same keys get {len(issued)} certificates that end {_day(pack.not_after)}, to "
        f"the second with the Issuing OCA. Version 2 of the pack holds both generations."
    )
    scene.say(f"The second pack, {YEARS} years", text)
    return pack


def _compare(scene: _Scene, first: Pack, second: Pack) -> tuple[PackDifference, tuple[Told, ...]]:
    difference = compare(first.newest, second.newest)
    told = tuple(told_by_device(second.certificates))
    cells = [cell for cell in difference.cells if cell.new is not None and not cell.new.is_authority]
    same = "the same to every device" if difference.same_to_every_device else "not the same to a device"
    dates = "different in every date" if difference.different_in_every_date else "with dates in common"
    text = (
        f"Cell by cell, {len(cells)} cells of four device types: {same}, {dates}. A device reports EUI-64, SKI and key "
        f"usage, so nobody can tell from it which certificate it holds: {told[0].text}."
    )
    scene.say("What differs", text)
    return difference, told


def _had_the_keys_been_new(scene: _Scene, first: Pack, second: Pack) -> Mapping[Recognition, int]:
    """How a device of the first pack would be recognised if the second had come with other keys."""
    reports = _reported(first.newest)
    others = {
        Reported(report.entity, certs.method2_ski(_point(scene.key(f"new key {number}"))), report.key_usage)
        for number, report in enumerate(_reported(second.newest))
    }
    found = _count(recognise(report, others, None, {*reports, *others}) for report in reports)
    text = (
        f"Had the second pack come with new keys, a device of the first would match no default any more: "
        f"{found.get(Recognition.FOUND, 0)} of its cells would have to be searched for while the installer waits."
    )
    scene.say("Why the keys are kept", text)
    return found


def _device(
    scene: _Scene, set_stage: SetStage, cast: Cast, name: str, made_from: Generation, number: int, current: Pack
) -> DeviceView:
    """A GPF of this generation, installed in 2027, is recognised and takes a 6.21 of the present broker."""
    gpf = Eui64(_eui(0)[:6] + bytes((0xFF, number)))
    stage = set_stage(cast, manufacture_pack(made_from), gpf)
    exchange = Exchange(stage)
    reports = _reported(made_from)
    recognised = _count(
        recognise(report, set(_reported(current.newest)), None, frozenset(reports)) for report in reports
    )
    carried = exchange.hand_over(cast.arriving, milliseconds(AFTER_THE_FIRST), AFTER_THE_FIRST)
    accepted = exchange.occupant == cast.arriving.entity
    ends, taken = _day(made_from.not_after), "accepted" if accepted else "refused"
    text = (
        f"{_day(AFTER_THE_FIRST)}. GPF {gpf} was made from the pack of {name}, whose certificates end {ends}. The DSP "
        f"recognises all {len(reports)} cells as {', '.join(kind.value for kind in recognised)}. The broker hands its "
        f"network operator slot over by 6.21: {taken}, the slot holds {exchange.occupant}."
    )
    if made_from.not_after < AFTER_THE_FIRST:
        text += " An expired certificate in a cell stops nothing, but its party has to replace it at once."
    artifacts = tuple(each for each in carried.artifacts if each.kind is ArtifactKind.GBCS)
    scene.say(f"A device of the pack of {name}", text, *artifacts)
    return DeviceView(name, reports, recognised, accepted)


def _cast(scene: _Scene, pack: Pack) -> Cast:
    """The broker with the pack's present certificates; supplier and operator with ones issued for the day."""
    papers = scene.papers
    by_part = {(c.role, c.key_usage): c for c in pack.newest.certificates}
    pairs = {label: KeyPair(by_part[role, usage], scene.key(label)) for label, role, _, usage in _PARTS}
    at = SECOND_PACK + timedelta(days=30)

    def pair(label: str, person: str, role: RemotePartyRole, entity: Eui64, usage: KeyUsage) -> KeyPair:
        record = papers.certificate(person, scene.csr(label, role, entity, usage), at)
        return KeyPair(certs.Certificate.from_der(record.der), scene.key(label))

    def actor(title: str, person: str, role: RemotePartyRole, entity: Eui64) -> Actor:
        return Actor(
            title,
            entity,
            pair(f"{title} DS", person, role, entity, _DS),
            pair(f"{title} KA", person, role, entity, _KA),
            pair(f"{title} XML", person, _ROLES.XML_SIGN, entity, _DS),
        )

    broker = _eui(0x02)
    xml = pair("broker XML", "ada", _ROLES.DSP_XML_SIGN, broker, _DS)
    supplier = actor("Supplier", "sam", _ROLES.SUPPLIER, papers.entity("sam"))
    operator = actor("Gas network operator", "gwen", _ROLES.NETWORK_OPERATOR, papers.entity("gwen"))
    root = pack.root
    return Cast(
        "an authority of its own",
        AFTER_THE_FIRST,
        CellOccupant.root(root.subject_key_identifier or b"", root.public_key_point, root.der),
        papers.issuing,
        Actor("Access Control Broker", broker, pairs["broker DS"], pairs["broker KA"], xml),
        supplier,
        operator,
        operator,
        (),
        _NOBODY,
        scene.seed,
    )


def manufacture_pack(generation: Generation) -> ManufacturePack:
    """What a manufacturer makes of one generation of a pack."""
    return ManufacturePack(
        {
            kind: {
                cell: CellOccupant.root(found.subject_key_identifier or b"", found.public_key_point, found.der)
                if cell == ROOT_CELL
                else CellOccupant.of(found)
                for cell, found in cells.items()
            }
            for kind, cells in generation.cells.items()
        }
    )


def _reported(generation: Generation) -> tuple[Reported, ...]:
    """What a GPF of this generation reports of its cells, the root aside."""
    return tuple(
        Reported(found.entity_id or _NOBODY, found.subject_key_identifier or b"", found.key_usage)
        for cell, found in sorted(generation.cells[DeviceType.GPF].items())
        if cell != ROOT_CELL
    )


def _count(found: Iterable[Recognition]) -> dict[Recognition, int]:
    counts: dict[Recognition, int] = {}
    for each in found:
        counts[each] = counts.get(each, 0) + 1
    return counts


def _eui(number: int) -> Eui64:
    return Eui64(bytes.fromhex("90b3d51f30") + number.to_bytes(3, "big"))


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _day(at: datetime) -> str:
    return at.date().isoformat()
