"""What the DSP's books know for a campaign: who holds which cells, and what became of requests."""

from collections.abc import Sequence

import sqlalchemy as sa

from trustcell.adapters.dsp_store.rows import cell_number, eight
from trustcell.adapters.dsp_store.schema import DEVICE, REQUEST, SLOT
from trustcell.adapters.store.engine import make_engine
from trustcell.adapters.store.failures import translated
from trustcell.adapters.store.opening import told
from trustcell.campaigns import Holding, Replacement
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.duis import RequestId
from trustcell.vocab import CellId, DeviceType, Eui64, KeyUsage, RemotePartyRole

_DS, _KA = (
    cell_number(CellId(RemotePartyRole.NETWORK_OPERATOR, usage))
    for usage in (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT)
)
_STATE = sa.select(REQUEST.c.state, REQUEST.c.code).where(
    REQUEST.c.target == sa.bindparam("target"),
    REQUEST.c.originator == sa.bindparam("originator"),
    REQUEST.c.counter == sa.bindparam("counter"),
)


class BooksFleet:
    """See ``campaigns.ports.Fleet``; reads beside whoever works with the books."""

    def __init__(self, url: str, broker: Eui64) -> None:
        """``broker`` is the ACB. Nothing is opened yet."""
        self._engine, self._broker = make_engine(url), broker
        self._name = told(self._engine)

    @property
    def broker(self) -> Eui64:
        """See the port."""
        return self._broker

    def close(self) -> None:
        """Give the connections up."""
        self._engine.dispose()

    def gpfs_of(self, operator: Eui64) -> Sequence[Eui64]:
        """See the port."""
        held = sa.select(SLOT.c.device).where(SLOT.c.cell.in_((_DS, _KA)), SLOT.c.entity == bytes(operator))
        gpfs = sa.select(DEVICE.c.eui).where(DEVICE.c.device_type == int(DeviceType.GPF), DEVICE.c.eui.in_(held))
        with translated(self._name), self._engine.connect() as connection:
            reader = connection.execution_options(reading=True)
            return [Eui64(eui) for eui in reader.execute(gpfs.order_by(DEVICE.c.eui)).scalars()]

    def holding(self, devices: Sequence[Eui64]) -> Sequence[Holding]:
        """See the port."""
        wanted = sa.select(SLOT.c.device, SLOT.c.cell, SLOT.c.entity, SLOT.c.key_id).where(
            SLOT.c.device.in_([bytes(each) for each in devices]), SLOT.c.cell.in_((_DS, _KA))
        )
        with translated(self._name), self._engine.connect() as connection:
            reader = connection.execution_options(reading=True)
            found = {
                (bytes(device), cell): (Eui64(entity), bytes(key_id))
                for device, cell, entity, key_id in reader.execute(wanted)
            }
        nobody = (None, b"")
        cells = [(found.get((bytes(each), _DS), nobody), found.get((bytes(each), _KA), nobody)) for each in devices]
        return [Holding(ds[0], ka[0], ds[1]) for ds, ka in cells]

    def requests(self, ids: Sequence[RequestId]) -> Sequence[Replacement]:
        """See the port."""
        told: list[Replacement] = []
        with translated(self._name), self._engine.connect() as connection:
            reader = connection.execution_options(reading=True)
            for each in ids:
                names = {"target": bytes(each.target), "originator": bytes(each.originator)}
                row = reader.execute(_STATE, {**names, "counter": eight(each.counter)}).one_or_none()
                told.append(Replacement(None) if row is None else Replacement(RequestState(row.state), row.code))
        return told
