"""Service requests: ``sr:Request`` to a value and back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from trustcell.duis.bodies import TYPED_ELEMENTS, Body, OpaqueBody, SignedPreCommand, body_element, read_body
from trustcell.duis.catalogue import Service, body_elements, service_references, services
from trustcell.duis.envelope import SCHEMA_VERSION, read_envelope, supported, write_envelope
from trustcell.duis.lexical import BOOLEAN, REQUEST_ID, free_text, integer
from trustcell.duis.names import COMMAND_VARIANTS, DUIS_SCHEMA
from trustcell.duis.request_id import RequestId
from trustcell.duis.schema import Schema
from trustcell.duis.shape import Leaf, Shape, check_shape, malformed, read_shape, trusted, write_shape
from trustcell.duis.xml import MAX_OCTETS, Document, parse_document
from trustcell.vocab import Finding, Refused

_REFERENCE = free_text(1, 8, r"[0-9]+(?:\.[0-9]+){1,2}")
_HEADER: Shape = (
    Leaf("RequestID", "request_id", REQUEST_ID),
    Leaf("FirstInSequence", "first_in_sequence", BOOLEAN, optional=True),
    Leaf("PrecedingServiceRequestID", "preceding_service_request_id", REQUEST_ID, optional=True),
    Leaf("CommandVariant", "command_variant", integer(1, 9)),
    Leaf("ServiceReference", "service_reference", _REFERENCE),
    Leaf("ServiceReferenceVariant", "service_reference_variant", _REFERENCE),
)
_PRE_COMMAND_VARIANTS = frozenset({5, 6, 7})


@dataclass(frozen=True, slots=True)
class Request:
    """One service request without its signature (DUIS schema 5.4, Request).

    ``command_variant`` is 1 to 9, ``service_reference_variant`` one of the catalogue. Whether reference, variant and
    body agree is another question: ``mismatches`` answers it.
    """

    request_id: RequestId
    command_variant: int
    service_reference: str
    service_reference_variant: str
    body: Body
    first_in_sequence: bool | None = None
    preceding_service_request_id: RequestId | None = None
    schema_version: Decimal = SCHEMA_VERSION

    def __post_init__(self) -> None:
        """Check every field; raises ``ValueError``."""
        check_shape(self, _HEADER)
        self.check_rule()

    def check_rule(self) -> None:
        """Hold the closed lists and the version; raises ``ValueError``."""
        if not supported(self.schema_version):
            raise ValueError("schema_version: a decimal from 5.0 to below 6.0 was expected")
        if self.service_reference_variant not in services():
            raise ValueError("service_reference_variant: a variant of the closed list was expected")
        if self.service_reference not in service_references():
            raise ValueError("service_reference: a reference of the closed list was expected")
        if isinstance(self.body, OpaqueBody) and self.body.element_name not in body_elements() - TYPED_ELEMENTS:
            raise ValueError("body: a request element of the closed list was expected")

    @property
    def service(self) -> Service:
        """The catalogue row of the service asked for."""
        return services()[self.service_reference_variant]


@dataclass(frozen=True, slots=True, eq=False)
class ParsedRequest:
    """A request together with the document it was read from, so that the signature is checked over the same octets."""

    request: Request
    document: Document


class RequestMismatch(Refused):
    """A well-formed request whose parts do not fit each other; ``parsed`` lets the caller answer it by its ID (E12)."""

    def __init__(self, findings: Sequence[Finding], parsed: ParsedRequest) -> None:
        """Keep the findings and what was read."""
        super().__init__(findings)
        self.parsed = parsed


def parse_request(octets: bytes, *, schema: Schema | None = None, max_octets: int = MAX_OCTETS) -> ParsedRequest:
    """Read one request, with the official schema as a second judge if given.

    Raises ``WireError`` if it is malformed and ``RequestMismatch`` (codes ``service_reference_mismatch``,
    ``command_variant_mismatch``) if reference, variant and body do not fit. The signature is not looked at here.
    """
    document = parse_document(octets, max_octets=max_octets)
    parsed = ParsedRequest(read_request(document), document)
    if schema is not None:
        schema.validate(document)
    findings = mismatches(parsed.request)
    if findings:
        raise RequestMismatch(findings, parsed)
    return parsed


def read_request(document: Document) -> Request:
    """The request in a parsed document; raises ``WireError``."""
    envelope = read_envelope(document, "Request")
    fields = read_shape(envelope.header, _HEADER, "Request.Header")
    body = read_body(envelope.body, "Request.Body")
    try:
        request = trusted(Request, fields | {"body": body, "schema_version": envelope.schema_version})
        request.check_rule()
    except ValueError as error:
        raise malformed("Request", str(error)) from None
    return request


def build_request(request: Request) -> bytes:
    """The request as octets, unsigned: one line, no white space between elements, canonical from the root on."""
    return write_envelope("Request", request.schema_version, write_shape(request, _HEADER), request.body.write())


def signed_pre_command(transform: Request, gbcs_payload: bytes) -> Request:
    """The request a user sends after a transform: the same ID and service, variant 5, the signed payload."""
    return replace(transform, command_variant=5, body=SignedPreCommand(gbcs_payload))


def mismatches(request: Request) -> tuple[Finding, ...]:
    """Every way in which reference, command variant and body do not fit each other (duis-dsp.md 4.1, check 7)."""
    service = request.service
    findings: list[Finding] = []
    if request.service_reference != service.reference:
        findings.append(
            DUIS_SCHEMA.breach(
                "service_reference_mismatch",
                "Header.ServiceReference",
                f"{service.variant} belongs to {service.reference}, not to {request.service_reference}",
                f"name {service.reference}",
            )
        )
    wants_pre_command = request.command_variant in _PRE_COMMAND_VARIANTS
    if wants_pre_command != isinstance(request.body, SignedPreCommand):
        findings.append(
            COMMAND_VARIANTS.breach(
                "command_variant_mismatch",
                "Body",
                "a SignedPreCommand stands in requests of variants 5, 6 and 7, and in no others",
                "send the service request with variant 4, the signed pre-command with 5, 6 or 7",
            )
        )
    elif not wants_pre_command and body_element(request.body) != service.body_element:
        findings.append(
            DUIS_SCHEMA.breach(
                "service_reference_mismatch",
                "Body",
                f"{service.variant} has the body {service.body_element}, not {body_element(request.body)}",
                f"send a {service.body_element}",
            )
        )
    if request.command_variant not in service.command_variants:
        allowed = " ".join(str(number) for number in sorted(service.command_variants))
        findings.append(
            COMMAND_VARIANTS.breach(
                "command_variant_mismatch",
                "Header.CommandVariant",
                f"{service.variant} allows the variants {allowed}, not {request.command_variant}",
                f"use one of {allowed}",
            )
        )
    return tuple(findings)
