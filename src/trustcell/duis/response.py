"""Responses: ``sr:Response`` to a value and back."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from types import NoneType

from lxml import etree

from trustcell.duis.catalogue import response_codes
from trustcell.duis.envelope import SCHEMA_VERSION, read_envelope, supported, write_envelope
from trustcell.duis.lexical import DATE_TIME, REQUEST_ID, free_text
from trustcell.duis.names import sr
from trustcell.duis.request_id import RequestId
from trustcell.duis.response_message import DccAlertMessage, DeviceAlertMessage, ResponseMessage
from trustcell.duis.schema import Schema
from trustcell.duis.shape import Leaf, Shape, check_shape, local, malformed, read_shape, write_shape
from trustcell.duis.xml import MAX_OCTETS, Document, parse_document

_ID = (RequestId, NoneType)
Message = ResponseMessage | DeviceAlertMessage | DccAlertMessage

_HEADER: Shape = (
    Leaf("RequestID", "request_id", REQUEST_ID, optional=True),
    Leaf("ResponseID", "response_id", REQUEST_ID, optional=True),
    Leaf("ResponseCode", "response_code", free_text(2, 7)),
    Leaf("ResponseDateTime", "response_date_time", DATE_TIME),
)


@dataclass(frozen=True, slots=True)
class Response:
    """One response without its signature (DUIS schema 5.4, Response).

    ``response_code`` is one of the closed list, ``response_date_time`` an aware time. Acknowledgements and synchronous
    answers carry only ``request_id``, answers that come from a device both, alerts only ``response_id``.
    """

    response_code: str
    response_date_time: datetime
    message: Message
    request_id: RequestId | None = None
    response_id: RequestId | None = None
    schema_version: Decimal = SCHEMA_VERSION

    def __post_init__(self) -> None:
        """Check every field; raises ``ValueError``."""
        if not self._is_usual():
            check_shape(self, _HEADER)
        if not supported(self.schema_version):
            raise ValueError("schema_version: a decimal from 5.0 to below 6.0 was expected")
        if self.response_code not in response_codes():
            raise ValueError("response_code: a response code of the closed list was expected")

    def _is_usual(self) -> bool:
        """Right in every field of the header, which a listed code and types of our own show without the checks."""
        at = self.response_date_time
        return (
            self.response_code in response_codes()
            and isinstance(at, datetime)
            and at.tzinfo is UTC
            and isinstance(self.request_id, _ID)
            and isinstance(self.response_id, _ID)
        )


@dataclass(frozen=True, slots=True, eq=False)
class ParsedResponse:
    """A response together with the document it was read from, so that the signature is checked over the same octets."""

    response: Response
    document: Document


def parse_response(octets: bytes, *, schema: Schema | None = None, max_octets: int = MAX_OCTETS) -> ParsedResponse:
    """Read one response; raises ``WireError``. SMETS1 messages are out of scope and refused as ``schema_invalid``."""
    document = parse_document(octets, max_octets=max_octets)
    envelope = read_envelope(document, "Response")
    fields = read_shape(envelope.header, _HEADER, "Response.Header")
    message = _read_message(envelope.body)
    try:
        response = Response(**fields, message=message, schema_version=envelope.schema_version)
    except ValueError as error:
        raise malformed("Response", str(error)) from None
    if schema is not None:
        schema.validate(document)
    return ParsedResponse(response, document)


def build_response(response: Response) -> bytes:
    """The response as octets, unsigned: one line, no white space in or between values, as clients need it."""
    header = write_shape(response, _HEADER)
    return write_envelope("Response", response.schema_version, header, response.message.write())


def acknowledgement(request_id: RequestId, reference: str, variant: str, code: str, at: datetime) -> Response:
    """An answer without content: I99, success without data, or any error."""
    return Response(code, at, ResponseMessage(reference, variant), request_id)


def _read_message(element: etree._Element) -> Message:
    path = "Response.Body"
    if element.tag == sr("ResponseMessage"):
        return ResponseMessage.read(element, path)
    if element.tag == sr(DeviceAlertMessage.ELEMENT):
        return DeviceAlertMessage.read(element, path)
    if element.tag == sr(DccAlertMessage.ELEMENT):
        return DccAlertMessage.read(element, path)
    raise malformed(f"{path}.{local(element)}", "a response message or an alert was expected")
