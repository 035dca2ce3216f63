"""Alerts the DCC makes: to whom, with which code, around which element (dcc-alerts.csv; only N24 is proven)."""

from collections.abc import Iterable

from trustcell import duis
from trustcell.dsp.rules.facts import DeviceRecord
from trustcell.dsp.rules.plan import DccAlert, SlotChange
from trustcell.vocab import CellUsage, Eui64, KeyUsage, RemotePartyRole

_WHITELIST_CHANGED, _WHITELIST_NOT_CHANGED = "N24", "N25"
_SUPPLIER_CHANGED = "N26"
_CREDENTIALS_UPDATED = "N42"
_QUARANTINED = "N47"


def whitelist_result(request_id: duis.RequestId, *, done: bool) -> DccAlert:
    """What became of an 8.11, to whoever asked."""
    code = _WHITELIST_CHANGED if done else _WHITELIST_NOT_CHANGED
    return DccAlert(request_id.originator, code, duis.UpdateHANDeviceLogResult(request_id))


def supplier_changed(losing: Eui64, device: DeviceRecord, mpxn: str) -> DccAlert:
    """A device has another supplier now, to the one that lost it."""
    points = duis.MeterMPxNs(
        device.import_mpxn or mpxn, device.secondary_import_mpan or None, device.export_mpan or None
    )
    kind = duis.InventoryDeviceType(device.duis_type)
    changed = duis.DeviceChangeOfSupplier(device.eui, kind, points)
    return DccAlert(losing, _SUPPLIER_CHANGED, duis.ChangeOfSupplier(device_change_of_supplier=changed))


def credentials_updated(party: Eui64, device: Eui64, role: RemotePartyRole, slots: Iterable[SlotChange]) -> DccAlert:
    """Another party's request put these credentials of ``party`` on a device."""
    certificates = tuple(duis.AlertCertificate(_kind(slot), slot.occupant.key_id) for slot in slots)
    return DccAlert(party, _CREDENTIALS_UPDATED, duis.SecurityCredentialsUpdated(device, role, certificates))


def _kind(slot: SlotChange) -> duis.CertificateType:
    if slot.cell.key_usage is KeyUsage.DIGITAL_SIGNATURE:
        return duis.CertificateType.DIGITAL_SIGNING
    if slot.cell.cell_usage is CellUsage.PRE_PAYMENT_TOP_UP:
        return duis.CertificateType.KEY_AGREEMENT_TOP_UP
    return duis.CertificateType.KEY_AGREEMENT
