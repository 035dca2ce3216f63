"""Typed bodies: every one survives the wire and the official schema; every template of its service reads as it."""

import dataclasses
from collections import defaultdict
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trustcell import duis
from trustcell.duis import OpaqueBody, Request, RequestId, SignedPreCommand, build_request, parse_request, services
from trustcell.duis.bodies import TYPED_ELEMENTS, TypedBody
from trustcell.vocab import Eui64, KeyUsage, WireError
from wire.duis.duis_values import Spellings, content, spellings

METER = Eui64.parse("00-DB-12-34-56-78-90-A0")
GPF = Eui64.parse("00-DB-12-34-56-78-90-9A")
BROKER = Eui64.parse("90-B3-D5-1F-30-00-00-02")
IN_SCOPE = {
    *("5.1", "5.2", "5.3", "6.15.1", "6.15.2", "6.17", "6.21", "6.23", "6.24.1", "6.24.2", "8.1.1"),
    *("8.2", "8.3", "8.4", "8.5", "8.6", "8.7.1", "8.7.2", "8.8.1", "8.8.2", "8.9", "8.11", "8.12.1", "8.12.2"),
    *("8.13", "8.14.1", "8.14.2", "8.14.3", "8.14.4", "11.1", "11.2", "11.3", "11.4", "12.1", "12.2"),
}
TYPED = {body.ELEMENT: body for body in TypedBody.__args__ if body is not SignedPreCommand}


@pytest.fixture(scope="session")
def listed(shared: Path) -> Spellings:
    return spellings(shared / "schema" / "DUIS Schema V5.4.xsd")


def test_the_services_in_scope_are_typed() -> None:
    assert {row.variant for row in services().values() if row.body_element in TYPED_ELEMENTS} == IN_SCOPE
    assert len(TYPED) == len(IN_SCOPE)


def test_every_template_reads_as_the_type_of_its_service(shared: Path) -> None:
    seen: dict[str, set[type]] = defaultdict(set)
    for path in sorted((shared / "duis-templates").iterdir()):
        request = parse_request(path.read_bytes()).request
        seen[request.service_reference_variant].add(type(request.body))
    assert len(seen) == 129
    for variant, types in seen.items():
        expected = TYPED[services()[variant].body_element] if variant in IN_SCOPE else OpaqueBody
        assert types - {SignedPreCommand} == {expected}, variant


@pytest.mark.parametrize("element", sorted(TYPED))
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_body_survives_the_wire_and_the_schema(schema, listed, element: str, data) -> None:
    service = next(service for service in services().values() if service.body_element == element)
    body = data.draw(content(TYPED[element], listed))
    variant = min(service.command_variants)
    request = Request(RequestId(BROKER, METER, 7), variant, service.reference, service.variant, body)
    octets = build_request(request)
    parsed = parse_request(octets, schema=schema)
    assert parsed.request == request
    assert build_request(parsed.request) == octets


def test_the_values_of_the_templates(template) -> None:
    def body(*words: str) -> object:
        return parse_request(template(*words)).request.body

    assert body("8.2_READ_INVENTORY") == duis.ReadInventory(device_id=Eui64.parse("00-DB-12-34-56-78-90-A2"))
    assert body("8.4_UPDATE") == duis.UpdateInventory(METER, delete_device=True)
    assert body("6.17") == duis.IssueSecurityCredentials(KeyUsage.DIGITAL_SIGNATURE)
    assert body("CS03A1_8.7.1") == duis.JoinServiceCritical(GPF)
    assert body("ECS70Commission_8.1.1") == duis.CommissionDeviceSynchroniseClock(
        datetime(2014, 12, 31, 23, 59, 10, tzinfo=UTC), 60
    )
    assert body("CS07_8.9") == duis.ReadDeviceLog(read_security_details=True)
    assert body("CCS06_8.9") == duis.ReadDeviceLog()
    assert body("CCS01_8.11") == duis.UpdateHANDeviceLog(
        METER,
        duis.WhitelistChange.ADD,
        duis.AddDeviceToCHFWhitelist(90, b"0123456789ABCDEF", "1312345678111", "1312345678222"),
    )
    assert body("CCS02_8.11") == duis.UpdateHANDeviceLog(METER, duis.WhitelistChange.REMOVE)
    assert body("11.1_UPDATE").device_ids == (METER,)
    assert body("CS06_11.3_CANCEL").execution_date_time == duis.CANCEL
    assert body("12.1_").partial_address == duis.PropertyFilter("M22 0RR", "Threapwood Road")
    assert body("8.6_SERVICE").opt_in_date == date(2015, 2, 1)
    assert body("12.2_").device_type is duis.InventoryDeviceType.ESME
    midnight = time(0, 0, tzinfo=UTC)
    schedule = body("ECS21a_5.1")
    assert schedule == duis.CreateSchedule(
        duis.ScheduleFrequency.DAILY,
        date(2015, 1, 2),
        "4.6",
        "4.6.1",
        METER,
        duis.ScheduledRequest("DSPRetrieveImportDailyReadLog", duis.LogPeriodOffset(-1, midnight, 0, midnight)),
    )
    assert schedule.consistent
    assert not dataclasses.replace(schedule, scheduled_service_reference_variant="4.6.2").consistent
    assert not dataclasses.replace(schedule, scheduled_service_reference="4.8").consistent


def test_what_can_be_scheduled_is_what_the_catalogue_says_and_4_2() -> None:
    scheduled = {service.variant for service in services().values() if service.dcc_scheduled}
    assert set(duis.SCHEDULED_REQUESTS) == scheduled | {"4.2"}


@pytest.mark.parametrize(
    ("words", "old", "new"),
    [
        ("8.2_READ", "<sr:DeviceID>", "<sr:UPRN>7</sr:UPRN><sr:DeviceID>"),
        ("8.2_READ", "<sr:DeviceID>00-DB-12-34-56-78-90-A2</sr:DeviceID>", ""),
        ("8.2_READ", "<sr:DeviceID>00-DB-12-34-56-78-90-A2</sr:DeviceID>", "<sr:UPRN>0</sr:UPRN>"),
        ("8.2_READ", "<sr:DeviceID>00-DB-12-34-56-78-90-A2</sr:DeviceID>", "<sr:UPRN>1234567890123</sr:UPRN>"),
        ("8.4_UPDATE", "<sr:DeleteDevice/>", "<sr:DeleteDevice>x</sr:DeleteDevice>"),
        ("8.4_UPDATE", "<sr:DeleteDevice/>", "<sr:DeleteDevice/><sr:DeleteDevice/>"),
        (
            "8.4_UPDATE",
            "<sr:DeleteDevice/>",
            "<sr:UpdateDeviceStatusCH>Pending</sr:UpdateDeviceStatusCH>",
        ),
        ("8.4_UPDATE", "<sr:DeleteDevice/>", "<sr:UpdateMPxN/>"),
        ("8.4_UPDATE", "<sr:DeleteDevice/>", "<sr:UpdateMPxN><sr:ExportMPAN>1</sr:ExportMPAN></sr:UpdateMPxN>"),
        ("8.6_SERVICE", ">2015-02-01<", ">2015-02-30<"),
        ("8.6_SERVICE", ">2015-02-01<", ">2015-2-1<"),
        ("8.6_SERVICE", ">ESME<", ">esme<"),
        ("CCS01_8.11", ">90<", ">3601<"),
        ("CCS01_8.11", ">90<", ">0<"),
        ("CCS01_8.11", ">30313233343536373839414243444546<", ">3031323334<"),
        ("CCS01_8.11", ">30313233343536373839414243444546<", ">303<"),
        ("CCS01_8.11", ">Add<", "> Add<"),
        ("CS06_11.3_IMMEDIATE", "FirmwareHash>AA", "FirmwareHash>"),
        ("11.1_UPDATE", ">00-DB-12-34-56-78-90-A0</sr:DeviceIDList", ">00-DB-12-34-56-78-90-A0,</sr:DeviceIDList"),
        ("11.1_UPDATE", ">00-DB-12-34-56-78-90-A0</sr:DeviceIDList", "></sr:DeviceIDList"),
        ("11.1_UPDATE", ">00000000<", ">000000000<"),
        ("ECS21a_5.1", ">-1<", ">-401<"),
        ("ECS21a_5.1", ">-1<", ">1<"),
        ("ECS21a_5.1", ">-1<", ">-0<"),
        ("ECS21a_5.1", ">00:00:00.00Z</sr:EndTime", ">24:00:01Z</sr:EndTime"),
        ("ECS21a_5.1", ">Daily<", ">Hourly<"),
        ("ECS21a_5.1", ">4.6.1<", ">6.15.1<"),
        ("ECS21a_5.1", "sr:DSPRetrieveImportDailyReadLog>", "sr:DSPReadLoadLimitData>"),
        ("8.14.2_", "Low Rise", "Middle Rise"),
        ("8.1.1", ">60<", ">86401<"),
        ("12.2_", ">AD<", ">DA<"),
        ("6.17_SUCCESS", ">Digital Signature<", ">DigitalSignature<"),
    ],
)
def test_departures_from_a_typed_body_are_schema_invalid(template, words: str, old: str, new: str) -> None:
    octets = template(words)
    assert old.encode() in octets
    with pytest.raises(WireError) as refusal:
        parse_request(octets.replace(old.encode(), new.encode()))
    assert refusal.value.code == "schema_invalid"
    assert refusal.value.path.startswith("Request.Body.")


@pytest.mark.parametrize(
    "make",
    [
        lambda: duis.ReadInventory(),
        lambda: duis.ReadInventory(uprn=1, mpxn="1"),
        lambda: duis.ReadInventory(uprn=0),
        lambda: duis.UpdateInventory(METER),
        lambda: duis.UpdateInventory(METER, delete_device=True, update_mpxn=duis.UpdateMPxN(import_mpxn="1")),
        lambda: duis.UpdateInventory(METER, update_device_status_ch=duis.DeviceStatus.PENDING),
        lambda: duis.UpdateInventory(METER, update_device_details="text"),
        lambda: duis.ReadDeviceLog(read_security_details=None),
        lambda: duis.ReadDeviceLog(read_security_details=1),
        lambda: duis.AddDeviceToCHFWhitelist(0, bytes(16)),
        lambda: duis.UpdateFirmware(b"", "1", ()),
        lambda: duis.UpdateFirmware(b"", "1", ("text",)),
        lambda: duis.ActivateFirmware(bytes(31)),
        lambda: duis.IssueSecurityCredentials(KeyUsage.CRL_SIGN),
        lambda: duis.ScheduledRequest("DSPReadNetworkData"),
        lambda: duis.ScheduledRequest("ReadNetworkData"),
        lambda: duis.LogPeriodOffset(0, time(0, 0), 0, time(0, 0, tzinfo=UTC)),
        lambda: duis.ServiceOptIn(METER, "ESME", duis.MeterMPxNs("1"), datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_body_cannot_be_half_right(make) -> None:
    with pytest.raises(ValueError):
        make()
