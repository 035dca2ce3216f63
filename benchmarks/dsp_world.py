"""A DSP with thousands of gas proxies for the benchmarks: books on disk, devices in memory, requests signed before."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trustcell import devices, duis, gbcs
from trustcell.adapters.dsp_store import Settings as Books
from trustcell.adapters.dsp_store import SqlHomes, open_homes
from trustcell.adapters.han_wan import HanWan
from trustcell.adapters.parties import CertificateDirectory, LocalBroker, LocalParty
from trustcell.app.story import pack
from trustcell.devices import CellOccupant, Estate, Fleet, Region, VirtualWan
from trustcell.dsp import (
    DeviceRecord,
    Effects,
    Occupant,
    Policy,
    Registration,
    RequestManager,
    SlotChange,
    Store,
    Work,
)
from trustcell.dsp.rules.plan import DeviceChange
from trustcell.stories import Actor, Cast, own_cast
from trustcell.vocab import CellId, DeviceType, Eui64, KeyUsage, RemotePartyRole

BEGINS = datetime(2024, 3, 1, 9, tzinfo=UTC)
_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
_NO = RemotePartyRole.NETWORK_OPERATOR
_DS, _KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
GROUP = 64


@dataclass(frozen=True, slots=True)
class World:
    """One DSP and its devices; ``gpfs`` are named in the order they were made."""

    cast: Cast
    homes: SqlHomes
    manager: RequestManager
    estate: Estate
    gpfs: tuple[Eui64, ...]


def make_world(
    url: str, size: int, home: str = "0", homes: int = 1, owner: str = "bench", policy: Policy | None = None
) -> World:
    """A GPF each on a hub of its own, installed and commissioned, its network operator about to leave."""
    cast = own_cast(b"bench dsp", BEGINS)
    books = open_homes(Books(url, "bench", homes=homes))
    fleet = Fleet(cast.seed, _pack(cast), cache=4096, devices_cached=2 * size)
    estate = Estate({"": fleet}, b"bench")
    gpfs = []
    numbers = itertools.count(0x70B3D51F31000000, 2)
    while len(gpfs) < size:
        number = next(numbers)
        hub, gpf = (Eui64(each.to_bytes(8, "big")) for each in (number, number + 1))
        if books.home_of(gpf) == home:
            estate.add_hub(hub, gpf, Region.NORTH)
            gpfs.append(gpf)
    store = books.take(home, owner, BEGINS)
    known = [_known(cast, estate, gpf) for gpf in gpfs]
    for start in range(0, size, GROUP):
        store.commit(known[start : start + GROUP], BEGINS)
    return World(cast, books, manager_of(cast, store, estate, policy), estate, tuple(gpfs))


def manager_of(cast: Cast, store: Store, estate: Estate, policy: Policy | None = None) -> RequestManager:
    """The request manager over a store."""
    broker = cast.broker
    actors = (cast.supplier, cast.leaving, cast.arriving, broker)
    directory = CertificateDirectory(pair.certificate for actor in actors for pair in (actor.signing, actor.xml))
    return RequestManager(
        store,
        directory,
        LocalBroker(broker.entity, (broker.signing,), (broker.agreement,), broker.xml),
        LocalParty(Eui64(bytes(8)), ()),
        HanWan(VirtualWan(estate)),
        policy,
    )


def departures(world: World, gpfs: Sequence[Eui64]) -> list[duis.Request]:
    """A 6.15.1 for each device: the operator puts the broker into its slot."""
    cast = world.cast
    body = duis.UpdateSecurityCredentialsKRP(
        _NO,
        (cast.path.der,),
        apply_time_based_cpv_checks=True,
        digital_signing_certificate=cast.broker.signing.certificate.der,
        key_agreement_certificate=cast.broker.agreement.certificate.der,
        floor_seq_number=0,
    )
    ids = (duis.RequestId(cast.leaving.entity, gpf, 1_000_000) for gpf in gpfs)
    return [duis.Request(each, 4, "6.15", "6.15.1", body) for each in ids]


def reads(world: World, gpfs: Sequence[Eui64], counter: int) -> list[bytes]:
    """A signed 6.24.1 for each device."""
    body = duis.RetrieveDeviceSecurityCredentialsKRP((_NO,))
    supplier = world.cast.supplier
    ids = (duis.RequestId(supplier.entity, gpf, counter) for gpf in gpfs)
    return [signed(supplier, duis.Request(each, 1, "6.24", "6.24.1", body)) for each in ids]


def signed(actor: Actor, request: duis.Request) -> bytes:
    """A request as it arrives."""
    return actor.xml.sign_xml(duis.build_request(request))


def completions(world: World, requests: Sequence[duis.Request], offered: Sequence[bytes]) -> list[bytes]:
    """The second half of each, as its operator sends it after the first was answered."""
    operator = world.cast.leaving
    made = []
    for request, response in zip(requests, offered, strict=True):
        message = duis.parse_response(response).response.message
        assert isinstance(message, duis.ResponseMessage)
        assert isinstance(message.content, duis.PreCommand)
        pre_command = gbcs.decode(message.content.gbcs_payload)
        signature = operator.signing.sign(gbcs.signed_octets(pre_command))
        octets = gbcs.encode(gbcs.attach_signature(pre_command, signature))
        made.append(signed(operator, duis.signed_pre_command(request, octets)))
    return made


def groups(items: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Of 64, as they share a commit."""
    for start in range(0, len(items), GROUP):
        yield items[start : start + GROUP]


def play(world: World, items: Sequence[bytes], door: str, now: datetime) -> list[bytes]:
    """Submit, carry to the devices and back, and take what is delivered; the synchronous answers."""
    answers: list[bytes] = []
    for group in groups(items):
        answers += submitted(world, group, door, now)
        carried(world, now)
    return answers


def submitted(world: World, group: Sequence[bytes], door: str, now: datetime) -> list[bytes]:
    """The synchronous answers to a group; none of it may be refused."""
    answers: list[bytes] = []
    for submission in world.manager.submit([(octets, door) for octets in group], now):
        assert submission.response is not None
        assert submission.refusal is None, submission.refusal
        answers.append(submission.response)
    return answers


def carried(world: World, now: datetime) -> None:
    """Commands reach devices, answers come back, deliveries are taken."""
    manager = world.manager
    while manager.dispatch(now):
        pass
    while manager.collect(now):
        pass
    deliver(manager, now)


def both_halves(world: World, count: int, begin: int = 0) -> tuple[list[bytes], list[bytes]]:
    """A 6.15.1 for each of so many devices, as it is asked for and as it is sent when signed.

    What is offered follows from the request alone, so a world of its own in memory tells it beforehand.
    """
    gpfs = world.gpfs[begin : begin + count]
    requests = departures(world, gpfs)
    asked = [signed(world.cast.leaving, request) for request in requests]
    other = make_world("sqlite://", 0)
    for start in range(0, count, GROUP):
        group = gpfs[start : start + GROUP]
        other.manager.store.commit([_known(world.cast, world.estate, gpf) for gpf in group], BEGINS)
    return asked, completions(world, requests, play(other, asked, "serviceT", BEGINS + timedelta(hours=1)))


def deliver(manager: RequestManager, now: datetime) -> int:
    """Every waiting delivery is taken by its user."""
    later = now + Policy().callback_delay
    count = 0
    while found := manager.deliveries(later, 256):
        manager.store.settle_deliveries([(each.number, "200", None) for each in found], later)
        count += len(found)
    return count


def _pack(cast: Cast) -> devices.ManufacturePack:
    """Network operator cells of the leaving operator, so that no device has to be changed first."""
    made = pack(cast)
    leaving = cast.leaving
    cells = dict(made.occupants[DeviceType.GPF])
    cells[CellId(_NO, _DS)] = CellOccupant.of(leaving.signing.certificate)
    cells[CellId(_NO, _KA)] = CellOccupant.of(leaving.agreement.certificate)
    return replace(made, occupants={**made.occupants, DeviceType.GPF: cells})


def _known(cast: Cast, estate: Estate, gpf: Eui64) -> Work:
    device = estate.book.device(gpf)
    mprn = str(int.from_bytes(gpf, "big") % 10**10)
    record = DeviceRecord(
        gpf,
        DeviceType.GPF,
        signing_point=device.public_point(_DS),
        agreement_point=device.public_point(_KA),
        import_mpxn=mprn,
    )
    responsible = Registration(mprn, cast.supplier.entity, cast.leaving.entity, _ALWAYS)
    slots = tuple(SlotChange(cell, Occupant(held.entity, held.key_id)) for cell, held in device.cells().items())
    return Work(
        gpf, effects=Effects(slots=slots, devices=(DeviceChange(gpf, record, "bench"),), registrations=(responsible,))
    )


def files(folder: Path) -> str:
    """The URL of books on disk."""
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder / 'dsp.db'}"
