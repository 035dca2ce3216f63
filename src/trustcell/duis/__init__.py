"""DUIS: service requests and responses as XML, their catalogue, their signatures. GBCS and certificates stay opaque."""

from trustcell.duis.bodies import (
    Body,
    OpaqueBody,
    RequestHandoverOfDCCControlledDevice,
    RetrieveDeviceSecurityCredentialsKRP,
    ServiceOptOut,
    SignedPreCommand,
    UpdateSecurityCredentialsCoS,
    UpdateSecurityCredentialsKRP,
)
from trustcell.duis.catalogue import FutureDating, Service, UserRole, response_codes, services
from trustcell.duis.envelope import SCHEMA_VERSION
from trustcell.duis.lexical import CANCEL
from trustcell.duis.names import DUIS_SIGNATURE
from trustcell.duis.request import (
    ParsedRequest,
    Request,
    RequestMismatch,
    build_request,
    mismatches,
    parse_request,
    signed_pre_command,
)
from trustcell.duis.request_id import RequestId
from trustcell.duis.response import ParsedResponse, Response, acknowledgement, build_response, parse_response
from trustcell.duis.response_message import (
    DccAlertMessage,
    DeviceAlertMessage,
    FutureDatedDeviceAlertMessage,
    GbcsPayload,
    LocalCommand,
    PreCommand,
    ResponseMessage,
)
from trustcell.duis.schema import Schema, load_schema
from trustcell.duis.signature import SignatureClaim
from trustcell.duis.xml import MAX_OCTETS, Document, parse_document
from trustcell.duis.xmldsig import read_signature, sign, verify, verify_p1363

__all__ = [
    "CANCEL",
    "DUIS_SIGNATURE",
    "MAX_OCTETS",
    "SCHEMA_VERSION",
    "Body",
    "DccAlertMessage",
    "DeviceAlertMessage",
    "Document",
    "FutureDatedDeviceAlertMessage",
    "FutureDating",
    "GbcsPayload",
    "LocalCommand",
    "OpaqueBody",
    "ParsedRequest",
    "ParsedResponse",
    "PreCommand",
    "Request",
    "RequestHandoverOfDCCControlledDevice",
    "RequestId",
    "RequestMismatch",
    "Response",
    "ResponseMessage",
    "RetrieveDeviceSecurityCredentialsKRP",
    "Schema",
    "Service",
    "ServiceOptOut",
    "SignatureClaim",
    "SignedPreCommand",
    "UpdateSecurityCredentialsCoS",
    "UpdateSecurityCredentialsKRP",
    "UserRole",
    "acknowledgement",
    "build_request",
    "build_response",
    "load_schema",
    "mismatches",
    "parse_document",
    "parse_request",
    "parse_response",
    "read_signature",
    "response_codes",
    "services",
    "sign",
    "signed_pre_command",
    "verify",
    "verify_p1363",
]
