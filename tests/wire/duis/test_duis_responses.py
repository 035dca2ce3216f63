"""Responses: every kind of message the DSP sends, read, written, signed and valid by the official schema."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from trustcell.duis import (
    CANCEL,
    DccAlertMessage,
    DeviceAlertMessage,
    DSPScheduleID,
    FutureDatedDeviceAlertMessage,
    GbcsPayload,
    LocalCommand,
    OpaqueBody,
    PreCommand,
    RequestId,
    Response,
    ResponseMessage,
    RetrieveDeviceSecurityCredentialsKRP,
    SignedPreCommand,
    UpdateHANDeviceLogResult,
    acknowledgement,
    build_response,
    parse_request,
    parse_response,
    verify,
)
from trustcell.vocab import RemotePartyRole, WireError

SR = "http://www.dccinterface.co.uk/ServiceUserGateway"
AT = datetime(2026, 11, 20, 10, 30, 0, 250_000, tzinfo=UTC)
ID = RequestId.parse("90-B3-D5-1F-30-02-00-00:00-DB-12-34-56-78-90-A0:1200")


def opaque(name: str, content: str) -> OpaqueBody:
    return OpaqueBody(name, f'<sr:{name} xmlns:sr="{SR}">{content}</sr:{name}>'.encode())


N24 = UpdateHANDeviceLogResult(ID)


def solicited(content: object) -> Response:
    return Response("I0", AT, ResponseMessage("6.15", "6.15.1", content), ID, ID.response_id())


RESPONSES = {
    "acknowledgement": acknowledgement(ID, "6.15", "6.15.1", "I99", AT),
    "error": acknowledgement(ID, "6.21", "6.21", "E062103", AT),
    "device response": solicited(GbcsPayload(b"\xdf\x09\x01")),
    "pre-command": Response("I0", AT, ResponseMessage("6.15", "6.15.1", PreCommand("4.2", b"\xdf\0")), ID),
    "local command": solicited(LocalCommand(b"\xdd\x01")),
    "future dated": solicited(FutureDatedDeviceAlertMessage("8F66", b"\xdf\x02", 1, 3)),
    "schedule": Response("I0", AT, ResponseMessage("5.1", "5.1", DSPScheduleID(17)), ID),
    "alert of the DCC": Response("I0", AT, DccAlertMessage("N24", N24), None, ID.response_id()),
    "device alert": Response("I0", AT, DeviceAlertMessage("8F12", b"\xdf\x03"), None, ID.response_id()),
    "throttled": Response("I0", AT, DeviceAlertMessage("8F12", b"\xdf\x03", 5, 2**32 - 1), None, ID.response_id()),
}


@pytest.mark.parametrize("kind", RESPONSES)
def test_every_kind_is_written_signed_valid_and_read_back(kind: str, schema, dsp) -> None:
    octets = dsp.sign(build_response(RESPONSES[kind]))
    parsed = parse_response(octets, schema=schema)
    assert parsed.response == RESPONSES[kind]
    assert octets.count(b"\n") == 0
    assert verify(parsed, dsp.public_key).serial == 167048897159233642262001557408276884033


def test_an_alert_that_is_not_typed_is_carried(schema, dsp) -> None:
    content = "<sr:CommsHubDeviceID>00-DB-12-34-56-78-90-A2</sr:CommsHubDeviceID><sr:AlertCode>8F12</sr:AlertCode>"
    alert = Response("I0", AT, DccAlertMessage("N33", opaque("CommsHubAlert", content)), None, ID.response_id())
    parsed = parse_response(dsp.sign(build_response(alert)), schema=schema)
    assert parsed.response == alert
    assert parsed.response.message.alert.element_name == "CommsHubAlert"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"I99", b"I98"),
        (b"I99", b"i99"),
        (b"2026-11-20T10:30:00.25Z", b"2026-11-20T25:30:00Z"),
        (b"2026-11-20T10:30:00.25Z", b"2026-11-20T10:30:00"),
        (b"2026-11-20T10:30:00.25Z", b"2026-11-20"),
        (b"<sr:ResponseCode>I99</sr:ResponseCode>", b""),
        (b"</sr:ResponseMessage>", b"<sr:Nothing/></sr:ResponseMessage>"),
        (b"</sr:ResponseMessage>", b"<sr:GBCSPayload/></sr:ResponseMessage>"),
        (b"</sr:ResponseMessage>", b"<sr:PreCommand/></sr:ResponseMessage>"),
        (b"</sr:ResponseMessage>", b"<sr:DSPScheduleID>1</sr:DSPScheduleID><sr:DSPScheduleID/></sr:ResponseMessage>"),
        (b"6.15.1", b"6.21"),
        (b"<sr:Body>", b"<sr:Body><sr:SMETS1ResponseMessage/>"),
        (b"ResponseMessage>", b"SMETS1ResponseMessage>"),
        (b"Response ", b"Request "),
    ],
)
def test_departures_from_the_schema_are_refused(old: bytes, new: bytes) -> None:
    octets = build_response(RESPONSES["acknowledgement"])
    assert old in octets
    with pytest.raises(WireError):
        parse_response(octets.replace(old, new))


@pytest.mark.parametrize("code", ["8F68", "8f66", "", "XXXX"])
def test_a_future_dated_alert_has_one_of_two_codes(code: str) -> None:
    with pytest.raises(ValueError):
        FutureDatedDeviceAlertMessage(code, b"x")
    octets = build_response(RESPONSES["future dated"]).replace(b">8F66<", f">{code}<".encode())
    if code.upper() != "8F66":
        with pytest.raises(WireError):
            parse_response(octets)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Response("E999", AT, ResponseMessage("6.21", "6.21"), ID),
        lambda: Response("I0", datetime(2026, 1, 1), ResponseMessage("6.21", "6.21"), ID),
        lambda: ResponseMessage("6.15", "6.21"),
        lambda: ResponseMessage("6.21", "6.22"),
        lambda: ResponseMessage("6.21", "6.21", opaque("ReadInventory", "")),
        lambda: GbcsPayload(b""),
        lambda: LocalCommand("text"),
        lambda: DeviceAlertMessage("8F1", b"x"),
        lambda: DeviceAlertMessage("8F12", b"x", 2**32),
        lambda: DccAlertMessage("N32", N24),
        lambda: DccAlertMessage("N33", opaque("ReadInventory", "")),
        lambda: DccAlertMessage("N24", DSPScheduleID(1)),
        lambda: ResponseMessage("5.1", "5.1", N24),
        lambda: DSPScheduleID(10**12 + 1),
        lambda: SignedPreCommand(b""),
        lambda: SignedPreCommand(b"x", datetime(2026, 1, 1)),
        lambda: RetrieveDeviceSecurityCredentialsKRP(()),
        lambda: RetrieveDeviceSecurityCredentialsKRP((RemotePartyRole.ROOT,) * 8),
        lambda: RetrieveDeviceSecurityCredentialsKRP((RemotePartyRole.OTHER,)),
        lambda: RetrieveDeviceSecurityCredentialsKRP([RemotePartyRole.ROOT]),
    ],
)
def test_values_cannot_be_half_right(make) -> None:
    with pytest.raises(ValueError):
        make()


def test_times_are_utc_whatever_zone_they_were_written_in() -> None:
    octets = build_response(RESPONSES["acknowledgement"])
    moved = octets.replace(b"T10:30:00.25Z", b"T11:30:00.250+01:00")
    assert parse_response(moved).response == RESPONSES["acknowledgement"]
    later = acknowledgement(ID, "6.15", "6.15.1", "I99", AT.astimezone(timezone(timedelta(hours=1))))
    assert build_response(later) == octets


def test_the_cancel_marker(template) -> None:
    body = parse_request(template("6.15.1_CANCELLATION")).request.body
    assert body.execution_date_time == CANCEL
    assert "3000-12-31T00:00:00.00Z" in body.write()
