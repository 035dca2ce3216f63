"""What a DSP knows of a virtual GPF from the beginning."""

from datetime import UTC, datetime

from trustcell.devices import Device
from trustcell.dsp import DeviceRecord, Effects, Occupant, Registration, SlotChange, Work
from trustcell.dsp.rules.plan import DeviceChange
from trustcell.vocab import Eui64, KeyUsage

_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)


def known_gpf(device: Device, point: str, supplier: Eui64, operator: Eui64) -> Work:
    """Its entry in the inventory, its cells as they are, and who is responsible for its metering point."""
    record = DeviceRecord(
        device.eui,
        device.device_type,
        signing_point=device.public_point(KeyUsage.DIGITAL_SIGNATURE),
        agreement_point=device.public_point(KeyUsage.KEY_AGREEMENT),
        import_mpxn=point,
    )
    slots = tuple(SlotChange(cell, Occupant(held.entity, held.key_id)) for cell, held in device.cells().items())
    change = DeviceChange(device.eui, record, "made")
    responsible = Registration(point, supplier, operator, _ALWAYS)
    return Work(device.eui, effects=Effects(slots=slots, devices=(change,), registrations=(responsible,)))
