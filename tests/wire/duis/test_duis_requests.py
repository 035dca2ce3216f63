"""Requests: every template, every departure from the schema, and parts that do not fit each other."""

import base64
import dataclasses
import re
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from trustcell.duis import (
    OpaqueBody,
    RequestId,
    RequestMismatch,
    SignedPreCommand,
    build_request,
    mismatches,
    parse_request,
    services,
    signed_pre_command,
)
from trustcell.vocab import WireError

SR = "http://www.dccinterface.co.uk/ServiceUserGateway"


def code_of(octets: bytes, **more: object) -> str:
    with pytest.raises(WireError) as refusal:
        parse_request(octets, **more)
    return refusal.value.code


def mismatch_codes(octets: bytes) -> list[str]:
    with pytest.raises(RequestMismatch) as refusal:
        parse_request(octets)
    assert refusal.value.parsed.request.request_id.counter >= 0
    return [finding.code for finding in refusal.value.findings]


def canonical_template(octets: bytes) -> bytes:
    """The template less its signature and the white space between elements, in inclusive C14N."""
    root = etree.fromstring(octets, etree.XMLParser(remove_comments=True))
    root.remove(root[-1])
    for element in root.iter():
        if len(element) and not (element.text or "").strip():
            element.text = None
        if not (element.tail or "").strip():
            element.tail = None
    return etree.tostring(root, method="c14n")


def test_every_template_is_read_and_written_back_to_the_same_canonical_octets(shared: Path, schema) -> None:
    paths = sorted((shared / "duis-templates").iterdir())
    assert len(paths) == 297
    for path in paths:
        parsed = parse_request(path.read_bytes(), schema=schema)
        written = build_request(parsed.request)
        declaration, _, rest = written.partition(b"?>")
        assert declaration.startswith(b"<?xml")
        assert rest == canonical_template(path.read_bytes()), path.name
        again = parse_request(written, schema=schema)
        assert again.request == parsed.request, path.name
        assert etree.tostring(again.document.root, method="c14n") == rest, path.name


def test_a_written_request_stands_on_one_line(handover) -> None:
    octets = build_request(handover)
    assert octets.count(b"\n") == 0
    assert re.search(rb">\s+<", octets) is None
    assert octets.startswith(b'<?xml version="1.0" encoding="UTF-8" standalone="no"?><sr:Request ')


def test_another_prefix_for_the_same_namespace_is_accepted(handover) -> None:
    octets = build_request(handover)
    renamed = octets.replace(b"<sr:", b"<x:").replace(b"</sr:", b"</x:").replace(b"xmlns:sr", b"xmlns:x")
    assert parse_request(renamed).request == handover
    default = octets.replace(b"<sr:", b"<").replace(b"</sr:", b"</").replace(b"xmlns:sr", b"xmlns")
    assert parse_request(default).request == handover


def test_a_namespace_off_by_one_character_is_refused(handover) -> None:
    assert code_of(build_request(handover).replace(b"ServiceUserGateway", b"ServiceUserGatewaY")) == "schema_invalid"


@pytest.mark.parametrize(
    ("version", "equal"), [("5.0", "5"), ("5.40", "5.4"), ("5.4", "5.4"), ("5.2", "5.2"), ("5.999", "5.999")]
)
def test_versions_are_compared_as_decimals(handover, version: str, equal: str) -> None:
    octets = build_request(handover).replace(b'schemaVersion="5.4"', f'schemaVersion="{version}"'.encode())
    assert parse_request(octets).request.schema_version == Decimal(equal)


@pytest.mark.parametrize(
    "version", ["9.9", "6.0", "4.99", "", "5,4", "+5.4", "NaN", "5.4.1", "1e1", "-5.4", "\u0665.4", "5." + "0" * 99]
)
def test_other_versions_are_refused(handover, version: str) -> None:
    octets = build_request(handover).replace(b'schemaVersion="5.4"', f'schemaVersion="{version}"'.encode())
    assert code_of(octets) == "schema_version_unsupported"


def test_a_missing_version_is_refused(handover) -> None:
    assert code_of(build_request(handover).replace(b' schemaVersion="5.4"', b"")) == "schema_version_unsupported"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<sr:Body>", b"<sr:Body></sr:Body><sr:Body>"),
        (b"<sr:Header>", b"<sr:Header x='1'>"),
        (b"<sr:Header>", b"<sr:Header>text"),
        (b"</sr:Header>", b"</sr:Header>text"),
        (b"<sr:Body>", b"<sr:Body a='1'>"),
        (b"<sr:RequestID>", b"<sr:RequestID xml:lang='en'>"),
        (b"<sr:CommandVariant>4", b"<sr:CommandVariant>04"),
        (b"<sr:CommandVariant>4", b"<sr:CommandVariant>0"),
        (b"<sr:CommandVariant>4", b"<sr:CommandVariant>10"),
        (b"<sr:CommandVariant>4", b"<sr:CommandVariant>+4"),
        (b"<sr:CommandVariant>4</sr:CommandVariant>", b""),
        (b"<sr:CommandVariant>", b"<sr:FirstInSequence>yes</sr:FirstInSequence><sr:CommandVariant>"),
        (b"<sr:CommandVariant>", b"<sr:Unknown/><sr:CommandVariant>"),
        (b"<sr:CommandVariant>", b"<sr:PrecedingServiceRequestID>x</sr:PrecedingServiceRequestID><sr:CommandVariant>"),
        (b"<sr:ServiceReference>6.15<", b"<sr:ServiceReference>6.99<"),
        (b"<sr:ServiceReferenceVariant>6.15.1<", b"<sr:ServiceReferenceVariant>6.15.9<"),
        (b"<sr:ServiceReferenceVariant>6.15.1<", b"<sr:ServiceReferenceVariant> 6.15.1<"),
        (b"NetworkOperator<", b"networkOperator<"),
        (b"NetworkOperator<", b"NetworkOperator\xc2\xa0<"),
        (b"<sr:RemotePartyRole>", b"<sr:RemotePartyRole a='b'>"),
        (b"true<", b"True<"),
        (b"<sr:ApplyTimeBasedCPVChecks>true</sr:ApplyTimeBasedCPVChecks>", b""),
        (
            b"<sr:RemotePartyRole>",
            b"<sr:ExecutionDateTime>2030-01-02T00:00:00</sr:ExecutionDateTime><sr:RemotePartyRole>",
        ),
        (
            b"<sr:RemotePartyRole>",
            b"<sr:ExecutionDateTime>2030-02-30T00:00:00Z</sr:ExecutionDateTime><sr:RemotePartyRole>",
        ),
        (
            b"<sr:RemotePartyRole>",
            b"<sr:ExecutionDateTime>0000-02-03T00:00:00Z</sr:ExecutionDateTime><sr:RemotePartyRole>",
        ),
        (
            b"<sr:RemotePartyRole>",
            b"<sr:ExecutionDateTime>0001-01-01T00:00:00+14:00</sr:ExecutionDateTime><sr:RemotePartyRole>",
        ),
        (b"FloorSeqNumber>0<", b"FloorSeqNumber>9223372036854775808<"),
        (b"FloorSeqNumber>0<", b"FloorSeqNumber>-1<"),
        (b"FloorSeqNumber>0<", b"FloorSeqNumber>00<"),
        (b"FloorSeqNumber>0<", b"FloorSeqNumber>" + b"9" * 5000 + b"<"),
    ],
)
def test_departures_from_the_schema_are_refused(handover, schema, old: bytes, new: bytes) -> None:
    octets = build_request(handover)
    assert old in octets
    changed = octets.replace(old, new, 1) if b"Floor" not in old else re.sub(re.escape(old), new, octets, count=1)
    assert code_of(changed) == "schema_invalid"
    assert code_of(changed, schema=schema) == "schema_invalid"


def certificate_request(handover, text: bytes) -> bytes:
    octets = build_request(handover)
    return re.sub(rb"(<sr:DigitalSigningCertificate>)[^<]*", lambda match: match[1] + text, octets, count=1)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda der: base64.b64encode(der + b"\0\0\0\0"), "certificate_trailing_data"),
        (lambda der: base64.b64encode(der + der), "certificate_trailing_data"),
        (lambda der: base64.b64encode(der[:-1]), "certificate_not_der"),
        (lambda der: base64.b64encode(b"\x31" + der[1:]), "certificate_not_der"),
        (lambda der: base64.b64encode(b"\x30\x80" + der[4:] + b"\0\0"), "certificate_not_der"),
        (lambda der: base64.b64encode(b"\x30\x83\x00" + der[2:]), "certificate_not_der"),
        (lambda der: base64.b64encode(b"\x30\x81"), "certificate_not_der"),
        (lambda der: base64.b64encode(b"0"), "certificate_not_der"),
        (
            lambda der: b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----",
            "certificate_not_der",
        ),
        (lambda der: base64.b64encode(b"-----BEGIN CERTIFICATE-----"), "certificate_not_der"),
        (lambda der: b"!" + base64.b64encode(der), "schema_invalid"),
        (lambda der: base64.b64encode(der).rstrip(b"=")[:-1], "schema_invalid"),
        (lambda der: base64.b64encode(der) + b"=", "schema_invalid"),
        (lambda der: base64.b64encode(der) + b"AAAA=", "schema_invalid"),
        (lambda der: b"MAB=", "schema_invalid"),
        (lambda der: "\uff11".encode(), "schema_invalid"),
        (lambda der: b"", "schema_invalid"),
        (lambda der: b"   ", "schema_invalid"),
        (lambda der: base64.b64encode(b"\x30\x83\x0f\x42\x40" + bytes(1_000_000)), "schema_invalid"),
    ],
)
def test_a_certificate_element_is_one_der_sequence_in_base64(handover, change, code: str) -> None:
    assert code_of(certificate_request(handover, change(handover.body.digital_signing_certificate))) == code


def test_white_space_inside_base64_is_tolerated(handover) -> None:
    wrapped = base64.encodebytes(handover.body.digital_signing_certificate)
    assert wrapped.count(b"\n") > 1
    assert parse_request(certificate_request(handover, b"\r\n  " + wrapped)).request == handover


@pytest.mark.parametrize(("count", "fine"), [(0, False), (1, True), (3, True), (4, False)])
def test_one_to_three_path_certificates(handover, count: int, fine: bool) -> None:
    one = re.search(rb"<sr:Certificate>[^<]*</sr:Certificate>", build_request(handover))[0]
    octets = build_request(handover).replace(one, one * count)
    if fine:
        assert len(parse_request(octets).request.body.path_certificates) == count
    else:
        assert code_of(octets) == "schema_invalid"


def test_body_reference_and_variant_have_to_fit(handover) -> None:
    octets = build_request(handover)
    other = octets.replace(b">6.15<", b">6.21<").replace(b">6.15.1<", b">6.21<")
    assert mismatch_codes(other) == ["service_reference_mismatch", "command_variant_mismatch"]
    assert mismatch_codes(octets.replace(b">6.15<", b">6.21<")) == ["service_reference_mismatch"]
    assert mismatch_codes(octets.replace(b"Variant>4<", b"Variant>1<")) == ["command_variant_mismatch"]
    assert mismatch_codes(octets.replace(b"Variant>4<", b"Variant>9<")) == ["command_variant_mismatch"]
    assert mismatch_codes(octets.replace(b"Variant>4<", b"Variant>5<")) == ["command_variant_mismatch"]


def test_a_signed_pre_command_fits_critical_services_in_variants_5_to_7(handover) -> None:
    second = signed_pre_command(handover, b"\xdf\x01")
    assert second.request_id == handover.request_id
    assert parse_request(build_request(second)).request == second
    assert mismatches(dataclasses.replace(second, command_variant=7)) == ()
    assert mismatches(dataclasses.replace(second, command_variant=4)) != ()
    reading = dataclasses.replace(second, service_reference="6.24", service_reference_variant="6.24.1")
    assert [finding.code for finding in mismatches(reading)] == ["command_variant_mismatch"]


def test_counters_above_the_floor_range_are_kept_exactly(handover) -> None:
    for counter in (2**63, 2**64 - 1):
        request_id = dataclasses.replace(handover.request_id, counter=counter)
        request = dataclasses.replace(handover, request_id=request_id)
        assert parse_request(build_request(request)).request.request_id.counter == counter


def test_lower_case_ids_are_the_same_request(handover) -> None:
    octets = build_request(handover)
    lowered = re.sub(rb"<sr:RequestID>[^<]*", lambda match: b"<sr:RequestID>" + match[0][14:].lower(), octets)
    assert lowered != octets
    assert parse_request(lowered).request == handover


def test_optional_header_fields_survive(handover) -> None:
    request = dataclasses.replace(
        handover,
        first_in_sequence=True,
        preceding_service_request_id=RequestId(handover.request_id.originator, handover.request_id.target, 7),
    )
    assert parse_request(build_request(request)).request == request


@pytest.mark.parametrize(
    "field",
    [
        {"command_variant": 10},
        {"command_variant": True},
        {"service_reference_variant": "6.15.7"},
        {"service_reference": "6.99"},
        {"schema_version": Decimal("9.9")},
        {"schema_version": Decimal("NaN")},
        {"request_id": "text"},
        {"first_in_sequence": 1},
    ],
)
def test_a_request_value_cannot_be_half_right(handover, field: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        dataclasses.replace(handover, **field)


def test_opaque_bodies_hold_their_canonical_octets(template) -> None:
    request = parse_request(template("_6.11_")).request
    body = request.body
    assert isinstance(body, OpaqueBody)
    assert body.element_name == "SynchroniseClock"
    assert body.octets.startswith(f'<sr:SynchroniseClock xmlns:sr="{SR}">'.encode())
    assert OpaqueBody(body.element_name, body.octets) == body
    assert hash(OpaqueBody(body.element_name, body.octets)) == hash(body)
    for name, octets in (
        ("SynchroniseClock", b"<x/>"),
        ("SynchroniseClock", b"not xml"),
        ("SynchroniseClock", body.octets + b" "),
        ("SynchroniseClock", body.octets.replace(b"><", b"> <", 1)),
        ("Other", body.octets),
    ):
        with pytest.raises(ValueError):
            OpaqueBody(name, octets)


def test_a_typed_body_cannot_be_passed_as_an_opaque_one(handover) -> None:
    body = OpaqueBody(
        "UpdateSecurityCredentialsKRP",
        f'<sr:UpdateSecurityCredentialsKRP xmlns:sr="{SR}"></sr:UpdateSecurityCredentialsKRP>'.encode(),
    )
    with pytest.raises(ValueError, match="closed list"):
        dataclasses.replace(handover, body=body)


def test_an_unknown_body_is_refused(handover) -> None:
    octets = re.sub(rb"<sr:Body>.*</sr:Body>", b"<sr:Body><sr:Nothing/></sr:Body>", build_request(handover))
    assert code_of(octets) == "schema_invalid"
    foreign = re.sub(rb"<sr:Body>.*</sr:Body>", b"<sr:Body><x:a xmlns:x='u:x'/></sr:Body>", build_request(handover))
    assert code_of(foreign) == "schema_invalid"


def test_foreign_elements_inside_an_opaque_body_are_refused(template) -> None:
    octets = template("_6.11_")
    assert (
        code_of(octets.replace(b"<sr:SynchroniseClock>", b"<sr:SynchroniseClock><x:a xmlns:x='u:x'/>"))
        == "schema_invalid"
    )
    assert code_of(octets.replace(b"<sr:SynchroniseClock>", b"<sr:SynchroniseClock xml:lang='en'>")) == "schema_invalid"


def test_every_service_of_the_catalogue_has_a_body_that_fits(handover) -> None:
    for service in services().values():
        for variant in service.command_variants:
            fitting = SignedPreCommand(b"x") if variant in (5, 6, 7) else None
            if fitting is not None:
                request = dataclasses.replace(
                    handover,
                    command_variant=variant,
                    service_reference=service.reference,
                    service_reference_variant=service.variant,
                    body=fitting,
                )
                assert mismatches(request) == ()
