"""Sets the stage of a story: fleet, DSP and ledger around a cast."""

from pathlib import Path

from trustcell import devices, gbcs
from trustcell.adapters.memory_ledger import MemoryLedger
from trustcell.adapters.parties import CertificateDirectory, LocalBroker, MemoryInventory
from trustcell.dsp import DeviceRecord, Ledger, Policy, RequestManager
from trustcell.stories import Cast, Stage
from trustcell.vocab import DeviceType, KeyUsage


def open_ledger(path: Path | None) -> Ledger:
    """A ledger in a SQLite file, or in memory without a path."""
    if path is None:
        return MemoryLedger()
    from trustcell.adapters.sqlite_ledger import SqliteLedger  # costs a quarter of a second, and few commands want it

    return SqliteLedger(path)


def set_stage(cast: Cast, ledger: Ledger, *, tracking: bool, made_from: devices.ManufacturePack | None = None) -> Stage:
    """A GPF straight from the factory, made from a pack or from the cast, and a DSP that knows it."""
    fleet = devices.Fleet(cast.seed, made_from or pack(cast))
    gpf = fleet.device(cast.gpf, DeviceType.GPF)
    record = DeviceRecord(
        gpf.eui,
        DeviceType.GPF,
        "SMETS2",
        gbcs.public_key_from_point(gpf.public_point(KeyUsage.DIGITAL_SIGNATURE)),
        gbcs.public_key_from_point(gpf.public_point(KeyUsage.KEY_AGREEMENT)),
    )
    broker = cast.broker
    actors = (cast.supplier, cast.leaving, cast.arriving, broker)
    directory = CertificateDirectory(pair.certificate for actor in actors for pair in (actor.signing, actor.xml))
    manager = RequestManager(
        ledger,
        MemoryInventory([record]),
        directory,
        LocalBroker(broker.entity, (broker.signing,), (broker.agreement,), broker.xml),
        Policy(track_counters=tracking),
    )
    return Stage(cast, gpf, manager, ledger, tracking)


def pack(cast: Cast) -> devices.ManufacturePack:
    """What the manufacturer puts into devices: broker, supplier and the DCC's other roles."""
    parties = (cast.broker, cast.supplier)
    certificates = [pair.certificate for party in parties for pair in (party.signing, party.agreement)]
    return devices.ManufacturePack.of(cast.root, [each.der for each in (*certificates, *cast.others)])
