"""Sets the stage of the sold network: as many GPFs as one likes, a DSP in memory, and the recovery key."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trustcell.adapters.campaign_store import SqlCampaigns
from trustcell.adapters.campaign_store.fleet import BooksFleet
from trustcell.adapters.dsp_store import Settings as Books
from trustcell.adapters.dsp_store import open_homes
from trustcell.adapters.han_wan import HanWan
from trustcell.adapters.parties import CertificateDirectory, LocalBroker, LocalParty
from trustcell.app.story import pack
from trustcell.app.virtual_gpfs import known_gpf
from trustcell.devices import Estate, Fleet, Region, VirtualWan
from trustcell.dsp import (
    Policy,
    RequestManager,
)
from trustcell.stories import SoldNetworkStage, own_cast
from trustcell.stories.hierarchy import Authority
from trustcell.vocab import CellId, Eui64, KeyUsage, RemotePartyRole

BEGINS = datetime(2024, 3, 1, 9, tzinfo=UTC)
SEED = b"trustcell story sold network"
_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
_FIRST = 0x70B3D51F31000000
_NO, _DS = RemotePartyRole.NETWORK_OPERATOR, KeyUsage.DIGITAL_SIGNATURE
_GROUP = 64


@contextmanager
def sold_network_stage(count: int) -> Iterator[SoldNetworkStage]:
    """A DSP and its devices; everything is taken away afterwards."""
    cast = own_cast(SEED, BEGINS)
    recovery_entity = next(each.entity_id for each in cast.others if each.role == RemotePartyRole.RECOVERY)
    assert recovery_entity is not None
    recovery = Authority(SEED, BEGINS).organisation("recovery", RemotePartyRole.RECOVERY, recovery_entity, _DS)
    estate = Estate({"": Fleet(cast.seed, pack(cast), cache=4096, devices_cached=2 * count)}, SEED)
    gpfs = [Eui64((_FIRST + 2 * place + 1).to_bytes(8, "big")) for place in range(count)]
    for gpf in gpfs:
        estate.add_hub(Eui64((int.from_bytes(gpf, "big") - 1).to_bytes(8, "big")), gpf, Region.NORTH)
    points = [f"{place:010d}" for place in range(count)]
    with tempfile.TemporaryDirectory(prefix="trustcell-") as folder:
        url = f"sqlite:///{Path(folder) / 'dsp.db'}"
        homes = open_homes(Books(url, "story"))
        campaigns = SqlCampaigns(f"sqlite:///{Path(folder) / 'campaigns.db'}")
        fleet = BooksFleet(url, cast.broker.entity)
        try:
            store = homes.take("0", "story", BEGINS)
            known = [
                known_gpf(estate.book.device(gpf), point, cast.supplier.entity, cast.leaving.entity)
                for gpf, point in zip(gpfs, points, strict=True)
            ]
            for start in range(0, count, _GROUP):
                store.commit(known[start : start + _GROUP], BEGINS)
            actors = (cast.supplier, cast.leaving, cast.arriving, cast.broker)
            manager = RequestManager(
                store,
                CertificateDirectory(pair.certificate for actor in actors for pair in (actor.signing, actor.xml)),
                LocalBroker(cast.broker.entity, (cast.broker.signing,), (cast.broker.agreement,), cast.broker.xml),
                LocalParty(Eui64(bytes(8)), ()),
                HanWan(VirtualWan(estate)),
            )

            def carry(now: datetime) -> None:
                while manager.dispatch(now) or manager.collect(now):
                    pass
                later = now + Policy().callback_delay + timedelta(seconds=1)
                while found := manager.deliveries(later, 256):
                    manager.store.settle_deliveries([(each.number, "200", None) for each in found], later)

            def occupant(gpf: Eui64) -> Eui64:
                held = estate.book.device(gpf).cell(CellId(_NO, _DS))
                assert held is not None
                return held.entity

            yield SoldNetworkStage(
                cast, recovery, manager, fleet, campaigns, gpfs, points, carry, occupant, BEGINS + timedelta(hours=1)
            )
        finally:
            fleet.close()
            campaigns.close()
            homes.close()
