"""Contents of responses and alerts of the DCC: each valid by the official schema, on one line, read back the same."""

import csv
import dataclasses
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trustcell import duis
from trustcell.duis import DccAlertMessage, RequestId, Response, ResponseMessage, build_response, parse_response
from trustcell.duis.alerts import TypedAlert
from trustcell.duis.contents import Content
from trustcell.duis.contents.payloads import Bare
from trustcell.vocab import Eui64, RemotePartyRole, WireError
from wire.duis.duis_values import Spellings, content, fields, spellings

AT = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
ID = RequestId.parse("90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1200")
METER = Eui64.parse("00-DB-12-34-56-78-90-A0")
SERVICE = {"DSPInventory": "8.2", "DSPWANMatrix": "12.1", "DSPSchedulesRead": "5.2", "DSPScheduleID": "5.1"}


@pytest.fixture(scope="session")
def listed(shared: Path) -> Spellings:
    return spellings(shared / "schema" / "DUIS Schema V5.4.xsd")


def survives(response: Response, schema) -> None:
    octets = build_response(response)
    assert re.search(rb">[ \t\r\n]+<", octets) is None
    parsed = parse_response(octets, schema=schema)
    assert parsed.response == response
    assert build_response(parsed.response) == octets


@pytest.mark.parametrize("kind", get_args(Content), ids=lambda kind: kind.__name__)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_content_survives_the_wire_and_the_schema(schema, listed, kind, data) -> None:
    if issubclass(kind, Bare):
        value = kind(**data.draw(fields((kind.LEAF,), listed)))
    else:
        value = data.draw(content(kind, listed))
    variant = SERVICE.get(kind.__name__, "11.1")
    survives(Response("I0", AT, ResponseMessage(variant, variant, value), ID), schema)


@pytest.mark.parametrize("kind", get_args(TypedAlert), ids=lambda kind: kind.__name__)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_alert_survives_the_wire_and_the_schema(schema, listed, kind, data) -> None:
    alert = data.draw(content(kind, listed))
    survives(Response("I0", AT, DccAlertMessage("N42", alert), None, ID.response_id()), schema)


def test_codes_and_alerts_are_paired_as_the_table_says(shared: Path) -> None:
    with (shared / "domain" / "dcc-alerts.csv").open(encoding="utf-8", newline="") as stream:
        paired = {
            row["dcc_alert_code"]: row["dcc_alert_element"].split("/")[0]
            for row in csv.DictReader(stream)
            if row["dcc_alert_element"]
        }
    assert {code: element for code, (element, _) in duis.ALERT_CODES.items()} == paired
    assert set(paired.values()) <= {kind.ELEMENT for kind in get_args(TypedAlert)}


def test_an_inventory_has_at_most_17_devices_in_the_order_of_the_schema() -> None:
    device = duis.InventoryDevice(
        METER,
        duis.InventoryDeviceType.ESME,
        "AB01",
        "010A030B",
        device_status=duis.DeviceStatus.COMMISSIONED,
        date_commissioned=date(2026, 1, 2),
        csp_region=duis.CspRegion.NORTH,
    )
    inventory = duis.DSPInventory((device,) * 17)
    assert inventory.write().startswith(
        "<sr:DSPInventory><sr:Device><sr:DeviceID>00-DB-12-34-56-78-90-A0</sr:DeviceID><sr:DeviceType>ESME"
        "</sr:DeviceType><sr:DeviceStatus>Commissioned</sr:DeviceStatus><sr:DeviceManufacturer>AB01"
    )
    with pytest.raises(ValueError, match="devices"):
        duis.DSPInventory((device,) * 18)
    with pytest.raises(ValueError, match="devices"):
        duis.DSPInventory(())
    octets = build_response(Response("I0", AT, ResponseMessage("8.2", "8.2", inventory), ID))
    one = octets[octets.index(b"<sr:Device>") : octets.index(b"</sr:Device>") + len(b"</sr:Device>")]
    for changed in (octets.replace(one, one * 2, 1), octets.replace(one, b"")):
        with pytest.raises(WireError):
            parse_response(changed)


def test_what_existing_clients_do_not_know_is_named() -> None:
    """dcc-boxed-interface.md 2.2: the packaged client validates with 5.1."""
    plain = duis.InventoryDevice(METER, duis.InventoryDeviceType.ESME, "A", "B")
    request = duis.RequestWANMatrix(uprn=1)
    matrix = duis.DSPWANMatrix(request, (duis.DSPWANMatrixResponse(duis.CspRegion.NORTH, "I0"),))

    def named(message: object, code: str = "I0") -> tuple[str, ...]:
        return duis.newer_than_5_1(Response(code, AT, message, ID))

    def inventory(**fields: object) -> ResponseMessage:
        return ResponseMessage("8.2", "8.2", duis.DSPInventory((plain, dataclasses.replace(plain, **fields))))

    assert named(inventory()) == ()
    assert named(inventory(csp_region=duis.CspRegion.SOUTH)) == ()
    assert named(inventory(csp_region=duis.CspRegion.SOUTH_4G)) == ("CSPRegion 4G South",)
    assert named(inventory(connectivity="Virtual")) == ("Connectivity",)
    assert named(ResponseMessage("12.1", "12.1", matrix)) == ("DSPWANMatrix",)
    assert named(ResponseMessage("5.1", "5.1"), "E050111") == ("response code E050111",)
    assert named(DccAlertMessage("N27", duis.ChangeOfSupplier(ID))) == ()
    assert named(DccAlertMessage("N27", duis.ChangeOfSupplier(ID, ecos_error_code="E01"))) == ("ECoSErrorCode",)


@pytest.mark.parametrize(
    "make",
    [
        lambda: duis.ChangeOfSupplier(),
        lambda: duis.ChangeOfSupplier(ecos_error_code="E01"),
        lambda: duis.DeviceStatusChangeEvent(METER),
        lambda: duis.DeviceStatusChangeEvent(METER, device_suspended=True, device_restored=True),
        lambda: duis.SecurityCredentialsUpdated(METER, RemotePartyRole.SUPPLIER, ()),
        lambda: duis.QuarantinedRequest(),
        lambda: duis.QuarantinedRequest(user_threshold_breach=duis.ADBreach(ID, 10**20)),
        lambda: duis.DSPWANMatrixResponse(duis.CspRegion.NORTH, "I0", coverage_availability=True),
        lambda: duis.DSPWANMatrixResponse(duis.CspRegion.NORTH, "X9"),
        lambda: duis.FirmwareDistributionFailure(ID, ()),
    ],
)
def test_contents_cannot_be_half_right(make) -> None:
    with pytest.raises(ValueError):
        make()
