"""Alerts the DCC makes: to whom, with which code, around which element (dcc-alerts.csv; only N24 is proven)."""

from collections.abc import Iterable

from trustcell import duis
from trustcell.dsp.rules.facts import DeviceRecord
from trustcell.dsp.rules.plan import DccAlert, SlotChange
from trustcell.vocab import CellId, CellUsage, Eui64, KeyUsage

_WHITELIST_CHANGED, _WHITELIST_NOT_CHANGED = "N24", "N25"
_DISTRIBUTION_FAILED = "N22"
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
    return DccAlert(losing, _SUPPLIER_CHANGED, duis.ChangeOfSupplier(device=changed))


def credentials_updated(
    party: Eui64, device: Eui64, slots: Iterable[SlotChange], stored: int | None = None
) -> DccAlert:
    """Another party's request put these credentials of ``party`` into cells of one role.

    ``stored`` is the number the device keeps for that role now: its first command needs a higher one.
    """
    changed = tuple(slots)
    told = tuple(duis.UpdatedCertificate(_kind(slot.cell), slot.occupant.key_id) for slot in changed)
    number = None if stored is None else duis.RemotePartySeqNumberChange(stored)
    body = duis.SecurityCredentialsUpdated(device, changed[0].cell.role, told, number)
    return DccAlert(party, _CREDENTIALS_UPDATED, body)


def quarantined(request_id: duis.RequestId, reference: int, *, by_user: bool) -> DccAlert:
    """A request above a threshold is held back, to whoever sent it."""
    breach = duis.ADBreach(request_id, reference)
    alert = duis.QuarantinedRequest(breach) if by_user else duis.QuarantinedRequest(dcc_threshold_breach=breach)
    return DccAlert(request_id.originator, _QUARANTINED, alert)


def distribution_failed(request_id: duis.RequestId, missed: tuple[Eui64, ...]) -> DccAlert:
    """Firmware did not reach these devices, to whoever asked for it."""
    return DccAlert(request_id.originator, _DISTRIBUTION_FAILED, duis.FirmwareDistributionFailure(request_id, missed))


def _kind(cell: CellId) -> duis.CertificateType:
    if cell.key_usage is KeyUsage.DIGITAL_SIGNATURE:
        return duis.CertificateType.DIGITAL_SIGNING
    if cell.cell_usage is CellUsage.PRE_PAYMENT_TOP_UP:
        return duis.CertificateType.KEY_AGREEMENT_TOP_UP
    return duis.CertificateType.KEY_AGREEMENT
