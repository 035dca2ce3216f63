"""Sets the stage of a story: fleet, DSP and books around a cast."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from trustcell import devices
from trustcell.adapters.dsp_store import Settings as Books
from trustcell.adapters.dsp_store import SqlHomes, open_homes
from trustcell.adapters.no_wan import NoWan
from trustcell.adapters.parties import CertificateDirectory, LocalBroker, LocalParty
from trustcell.dsp import DeviceRecord, Effects, Occupant, Policy, RequestManager, SlotChange, Work
from trustcell.dsp.rules.facts import Registration
from trustcell.dsp.rules.plan import DeviceChange
from trustcell.stories import Cast, Stage
from trustcell.vocab import DeviceType, Eui64, KeyUsage, RemotePartyRole

ENVIRONMENT = "story"
_MPRN = "1234567890"
_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)


@contextmanager
def open_books(path: Path | None) -> Iterator[SqlHomes]:
    """Books in a SQLite file, or in memory without a path."""
    homes = open_homes(Books("sqlite://" if path is None else f"sqlite:///{path.absolute()}", ENVIRONMENT))
    try:
        yield homes
    finally:
        homes.close()


def set_stage(
    cast: Cast, homes: SqlHomes, *, tracking: bool, made_from: devices.ManufacturePack | None = None
) -> Stage:
    """A GPF straight from the factory, made from a pack or from the cast, and a DSP that knows it."""
    fleet = devices.Fleet(cast.seed, made_from or pack(cast))
    gpf = fleet.device(cast.gpf, DeviceType.GPF)
    broker = cast.broker
    actors = (cast.supplier, cast.leaving, cast.arriving, broker)
    directory = CertificateDirectory(pair.certificate for actor in actors for pair in (actor.signing, actor.xml))
    store = homes.take(homes.home_of(gpf.eui), "story", cast.begins)
    store.commit([_known(cast, gpf)], cast.begins)
    manager = RequestManager(
        store,
        directory,
        LocalBroker(broker.entity, (broker.signing,), (broker.agreement,), broker.xml),
        LocalParty(_transitional_cos(cast), ()),
        NoWan(),
        Policy(track_counters=tracking),
    )
    return Stage(cast, gpf, manager, homes.views, tracking)


def _transitional_cos(cast: Cast) -> Eui64:
    """Who would change suppliers; no story has it act."""
    role = RemotePartyRole.TRANSITIONAL_COS
    found = (each.entity_id for each in cast.others if each.role == role and each.entity_id is not None)
    return next(found, Eui64(bytes(8)))


def _known(cast: Cast, gpf: devices.Device) -> Work:
    """What the DSP knows of the device: its entry, who is responsible for it, and who sits in its cells."""
    record = DeviceRecord(
        gpf.eui,
        DeviceType.GPF,
        signing_point=gpf.public_point(KeyUsage.DIGITAL_SIGNATURE),
        agreement_point=gpf.public_point(KeyUsage.KEY_AGREEMENT),
        import_mpxn=_MPRN,
    )
    responsible = Registration(_MPRN, cast.supplier.entity, cast.leaving.entity, _ALWAYS)
    slots = tuple(SlotChange(cell, Occupant(held.entity, held.key_id)) for cell, held in gpf.cells().items())
    changes = (DeviceChange(gpf.eui, record, "made for a story"),)
    return Work(gpf.eui, effects=Effects(slots=slots, devices=changes, registrations=(responsible,)))


def pack(cast: Cast) -> devices.ManufacturePack:
    """What the manufacturer puts into devices: broker, supplier and the DCC's other roles."""
    parties = (cast.broker, cast.supplier)
    certificates = [pair.certificate for party in parties for pair in (party.signing, party.agreement)]
    return devices.ManufacturePack.of(cast.root, [each.der for each in (*certificates, *cast.others)])
