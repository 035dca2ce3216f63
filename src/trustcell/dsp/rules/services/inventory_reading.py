"""8.2: what the inventory says of the devices that a question finds (duis-dsp.md 1.4)."""

from collections.abc import Iterator
from typing import cast

from trustcell import duis
from trustcell.dsp.rules.clauses import INVENTORY
from trustcell.dsp.rules.facts import DeviceRecord, InventoryQuery
from trustcell.dsp.rules.plan import Answer, Ask, Needs
from trustcell.dsp.rules.services.base import ServiceRule
from trustcell.vocab import Finding

MAX_DEVICES = 17
"""Most devices in one answer (DUIS schema 5.4)."""


def _needs(body: duis.Body) -> Needs:
    body = cast(duis.ReadInventory, body)
    address = body.property_filter
    query = InventoryQuery(
        body.device_id,
        body.mpxn or "",
        "" if body.uprn is None else str(body.uprn),
        "" if address is None else address.post_code,
        "" if address is None else address.address_identifier,
    )
    return Needs(query=query)


def _findings(ask: Ask) -> Iterator[Finding]:
    if not ask.facts.found:
        yield INVENTORY.breach(
            "no_device_found", "ReadInventory", "no device of the inventory matches", "ask for a device that is in it"
        )


def _read(ask: Ask) -> Answer:
    return Answer("I0", duis.DSPInventory(tuple(shown(device) for device in ask.facts.found[:MAX_DEVICES])))


def shown(device: DeviceRecord) -> "duis.InventoryDevice":
    """One entry as an answer shows it: type 2 devices without a status."""
    details = device.details
    uprn, post_code = details.get("UPRN"), details.get("PostCode")
    region = details.get("CSPRegion")
    return duis.InventoryDevice(
        device.eui,
        duis.InventoryDeviceType(device.duis_type),
        details.get("DeviceManufacturer", ""),
        details.get("DeviceModel", ""),
        device_status=device.status,
        smets_chts_version=details.get("SMETSCHTSVersion"),
        device_firmware_version=details.get("DeviceFirmwareVersion"),
        date_commissioned=None if device.commissioned_at is None else device.commissioned_at.date(),
        import_mpxn=device.import_mpxn or None,
        secondary_import_mpan=device.secondary_import_mpan or None,
        export_mpan=device.export_mpan or None,
        esme_variant=details.get("ESMEVariant"),
        uprn=None if uprn is None else int(uprn),
        property_filter=duis.PropertyFilter(post_code, details.get("AddressIdentifier", "")) if post_code else None,
        csp_region=None if region is None else duis.CspRegion(region),
        device_gbcs_version=device.gbcs_version,
        han_variant=details.get("HANVariant"),
    )


READ = ServiceRule(_read, _findings, needs=_needs)
