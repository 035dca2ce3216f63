"""Properties: any body value survives the wire, any mutation of a template has a verdict, both judges agree."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trustcell.duis import (
    Request,
    RequestHandoverOfDCCControlledDevice,
    RequestId,
    RetrieveDeviceSecurityCredentialsKRP,
    ServiceOptOut,
    SignedPreCommand,
    UpdateSecurityCredentialsCoS,
    UpdateSecurityCredentialsKRP,
    build_request,
    parse_request,
    services,
)
from trustcell.vocab import MAX_COUNTER, MAX_SEQ_NUMBER, Eui64, Refused, RemotePartyRole, WireError


def der(content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return b"\x30" + bytes([size]) + content
    return (b"\x30\x81" + bytes([size]) if size < 0x100 else b"\x30\x82" + size.to_bytes(2, "big")) + content


CERTIFICATES = st.binary(max_size=300).map(der)
ROLES = st.sampled_from(
    [
        RemotePartyRole.ACCESS_CONTROL_BROKER,
        RemotePartyRole.NETWORK_OPERATOR,
        RemotePartyRole.RECOVERY,
        RemotePartyRole.ROOT,
        RemotePartyRole.SUPPLIER,
        RemotePartyRole.TRANSITIONAL_COS,
        RemotePartyRole.LOAD_CONTROLLER,
    ]
)
FLOORS = st.integers(0, MAX_SEQ_NUMBER)
TIMES = st.datetimes(timezones=st.just(UTC), min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))
PATHS = st.lists(CERTIFICATES, min_size=1, max_size=3).map(tuple)
EUIS = st.binary(min_size=8, max_size=8).map(Eui64)
IDS = st.builds(RequestId, EUIS, EUIS, st.integers(0, MAX_COUNTER))
KEY_AGREEMENT = {
    "key_agreement_certificate": st.none() | CERTIFICATES,
    "key_agreement_top_up_certificate": st.none() | CERTIFICATES,
}
COMMON = {
    **KEY_AGREEMENT,
    "floor_seq_number": st.none() | FLOORS,
    "top_up_floor_seq_number": st.none() | FLOORS,
    "execution_date_time": st.none() | TIMES,
}
MPXNS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=13)
BODIES = {
    "6.15.1": st.builds(UpdateSecurityCredentialsKRP, ROLES, PATHS, st.booleans(), st.none() | CERTIFICATES, **COMMON),
    "6.21": st.builds(RequestHandoverOfDCCControlledDevice, ROLES, CERTIFICATES, PATHS, st.booleans(), **COMMON),
    "6.23": st.builds(
        UpdateSecurityCredentialsCoS,
        FLOORS,
        CERTIFICATES,
        PATHS,
        st.booleans(),
        MPXNS,
        **KEY_AGREEMENT,
        execution_date_time=st.none() | TIMES,
    ),
    "6.24.1": st.builds(RetrieveDeviceSecurityCredentialsKRP, st.lists(ROLES, min_size=1, max_size=7).map(tuple)),
    "8.5": st.builds(ServiceOptOut, TIMES, FLOORS, CERTIFICATES, PATHS, st.booleans(), st.none() | CERTIFICATES),
}


@pytest.mark.parametrize("variant", BODIES)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_body_survives_the_wire(schema, variant: str, data) -> None:
    service = services()[variant]
    body = data.draw(BODIES[variant])
    command_variant = min(service.command_variants)
    request = Request(
        data.draw(IDS), command_variant, service.reference, variant, body, data.draw(st.none() | st.booleans())
    )
    octets = build_request(request)
    assert parse_request(octets, schema=schema).request == request
    assert build_request(parse_request(octets).request) == octets


@settings(max_examples=100, deadline=None)
@given(IDS, st.binary(min_size=1, max_size=400), st.none() | TIMES, st.sampled_from([5, 6, 7]))
def test_any_signed_pre_command_survives_the_wire(schema, request_id, payload, at, variant) -> None:
    request = Request(request_id, variant, "6.15", "6.15.1", SignedPreCommand(payload, at))
    assert parse_request(build_request(request), schema=schema).request == request


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_any_mutation_of_a_template_is_refused_by_name_or_read_and_written_back(shared, data) -> None:
    paths = sorted((shared / "duis-templates").iterdir())
    octets = data.draw(st.sampled_from(paths)).read_bytes()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(octets)))
        size = data.draw(st.integers(0, 12))
        octets = octets[:at] + data.draw(st.binary(max_size=8)) + octets[at + size :]
    try:
        request = parse_request(octets).request
    except (WireError, Refused):
        return
    assert parse_request(build_request(request)).request == request


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_the_strict_reader_accepts_no_credential_request_that_the_schema_refuses(schema, template, data) -> None:
    octets = template(data.draw(st.sampled_from(["_6.15.1_", "_6.21_", "_6.23_", "_6.24.1_", "_8.5_"])))
    body = octets[: octets.index(b"<ds:Signature")] + b"</sr:Request>"
    at = data.draw(st.integers(0, len(body)))
    size = data.draw(st.integers(0, 6))
    body = body[:at] + data.draw(st.text("<>/srA0 :-.Z=", max_size=6)).encode() + body[at + size :]
    try:
        strict = parse_request(body)
    except (WireError, Refused):
        return
    schema.validate(strict.document)
