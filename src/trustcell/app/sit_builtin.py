"""The built-in system: hubs of both regions, two operators, two suppliers, a DSP in memory; new for every scenario."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from trustcell import duis
from trustcell.adapters.dsp_store import Settings as Books
from trustcell.adapters.dsp_store import SqlHomes, open_homes
from trustcell.adapters.han_wan import HanWan
from trustcell.adapters.parties import CertificateDirectory, LocalBroker, LocalParty
from trustcell.app.sit_client import SitParty, SitUsers
from trustcell.app.story import pack
from trustcell.app.virtual_gpfs import known_gpf
from trustcell.devices import Estate, Faults, Fleet, Region, VirtualWan
from trustcell.dsp import Effects, Policy, Registration, RequestManager, Work
from trustcell.sit.rules.scenario import DEVICES, PARTIES, Do, StepPlan
from trustcell.sit.rules.verdict import Seen
from trustcell.stories import Actor, own_cast
from trustcell.stories.hierarchy import Authority
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole

BEGINS = datetime(2024, 3, 1, 9, tzinfo=UTC)
_SEED = b"trustcell sit"
_FIRST = 0x70B3D51F32000000
_GIVEN_UP = timedelta(minutes=6)


@dataclass
class BuiltIn:
    """See ``sit.ports.System``. ``tracking`` off is the world before SECMP0128A."""

    tracking: bool = True
    name: str = "the built-in system"
    can_control: bool = True

    def __post_init__(self) -> None:
        """Nothing is made before a scenario begins."""
        self._homes: SqlHomes | None = None

    def has(self) -> Collection[str]:
        """See the port."""
        return (*PARTIES, *DEVICES)

    def close(self) -> None:
        """Give the books up."""
        if self._homes is not None:
            self._homes.close()
            self._homes = None

    def begin(self) -> None:
        """See the port."""
        self.close()
        cast = own_cast(_SEED, BEGINS)
        authority = Authority(_SEED, BEGINS)
        second = authority.actor("Supplier B", RemotePartyRole.SUPPLIER, Eui64.parse("70-B3-D5-1F-30-00-10-01"))
        cos = next(each for each in cast.others if each.role == RemotePartyRole.TRANSITIONAL_COS)
        assert cos.entity_id is not None
        signing = KeyUsage.DIGITAL_SIGNATURE
        cos_pair = authority.organisation("transitional CoS", RemotePartyRole.TRANSITIONAL_COS, cos.entity_id, signing)
        self._estate = Estate({"": Fleet(cast.seed, pack(cast))}, _SEED)
        self._now = BEGINS + timedelta(hours=1)
        self._number = 0
        self._got: dict[duis.RequestId, bytes] = {}
        self._devices = {name: (_gpf(place), f"{place:010d}") for place, name in enumerate(DEVICES)}
        self._homes = open_homes(Books("sqlite://", "sit"))
        store = self._homes.take("0", "sit", BEGINS)
        for place, (name, (gpf, point)) in enumerate(self._devices.items()):
            region = Region.NORTH if name == "gpf-north" else Region.CENTRAL_AND_SOUTH
            self._estate.add_hub(Eui64((_FIRST + 2 * place).to_bytes(8, "big")), gpf, region)
            device = self._estate.book.device(gpf)
            store.commit([known_gpf(device, point, cast.supplier.entity, cast.leaving.entity)], BEGINS)
        actors = (cast.supplier, second, cast.leaving, cast.arriving, cast.broker)
        certificates = [pair.certificate for actor in actors for pair in (actor.signing, actor.xml)]
        broker = cast.broker
        self._manager = RequestManager(
            store,
            CertificateDirectory(certificates),
            LocalBroker(broker.entity, (broker.signing,), (broker.agreement,), broker.xml),
            LocalParty(cos.entity_id, (cos_pair,)),
            HanWan(VirtualWan(self._estate)),
            Policy(track_counters=self.tracking),
        )
        named = zip(PARTIES, (cast.leaving, cast.arriving, cast.supplier, second, broker), strict=True)
        parties = {name: _party(actor) for name, actor in named}
        self._registered = dict.fromkeys(self._devices, (cast.supplier.entity, cast.leaving.entity))
        self._users = SitUsers(
            parties, self._devices, (cast.path.der,), broker.entity, self._send, self._later, self._next
        )

    def do(self, step: StepPlan) -> Seen:
        """See the port."""
        gpf, point = self._devices[step.device]
        self._now += timedelta(minutes=1)
        if step.do in (Do.UNREACHABLE, Do.REACHABLE):
            self._estate.set_faults(gpf, Faults(reachable=step.do is Do.REACHABLE))
            return Seen()
        if step.do is Do.REGISTER:
            supplier, operator = self._registered[step.device]
            entity = self._users.parties[step.who].entity
            pair = (entity, operator) if step.who.startswith("supplier") else (supplier, entity)
            self._registered[step.device] = pair
            registration = Registration(point, *pair, self._now)
            self._manager.store.commit([Work(gpf, effects=Effects(registrations=(registration,)))], self._now)
            return Seen()
        return self._users.do(step)

    def _send(self, variant: int, octets: bytes) -> bytes:
        door = {4: "serviceT", 8: "serviceD"}.get(variant, "serviceS")
        (submission,) = self._manager.submit([(octets, door)], self._now)
        if submission.response is None:
            raise submission.error if submission.error is not None else AssertionError("no answer and no error")
        return submission.response

    def _later(self, ids: duis.RequestId) -> bytes | None:
        """Messages travel; when nothing comes, time passes until the DSP gives the device up."""
        for _ in range(6):
            while self._manager.dispatch(self._now) or self._manager.collect(self._now):
                pass
            self._manager.run_due(self._now)
            self._delivered()
            if ids in self._got:
                return self._got[ids]
            self._now += _GIVEN_UP
        return None

    def _delivered(self) -> None:
        later = self._now + timedelta(seconds=1)
        while found := self._manager.deliveries(later, 64):
            for each in found:
                if each.request_id is not None and each.final:
                    self._got[each.request_id] = each.octets
            self._manager.store.settle_deliveries([(each.number, "200", None) for each in found], later)

    def _next(self) -> int:
        self._number = max(self._number + 1, int(self._now.timestamp() * 1000))
        return self._number


def _gpf(place: int) -> Eui64:
    return Eui64((_FIRST + 2 * place + 1).to_bytes(8, "big"))


def _party(actor: Actor) -> SitParty:
    pairs = {actor.signing.certificate.subject_key_identifier or b"": actor.signing}
    return SitParty(actor.entity, actor.xml, pairs, actor.signing.certificate.der, actor.agreement.certificate.der)
