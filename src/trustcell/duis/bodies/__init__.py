"""Request bodies: six read field by field, one file each; the other services are carried as opaque elements."""

from collections.abc import Mapping
from types import MappingProxyType

from lxml import etree

from trustcell.duis.bodies.opaque import OpaqueBody
from trustcell.duis.bodies.request_handover import RequestHandoverOfDCCControlledDevice
from trustcell.duis.bodies.retrieve_device_security_credentials_krp import RetrieveDeviceSecurityCredentialsKRP
from trustcell.duis.bodies.service_opt_out import ServiceOptOut
from trustcell.duis.bodies.signed_pre_command import SignedPreCommand
from trustcell.duis.bodies.update_security_credentials_cos import UpdateSecurityCredentialsCoS
from trustcell.duis.bodies.update_security_credentials_krp import UpdateSecurityCredentialsKRP
from trustcell.duis.names import sr

TypedBody = (
    UpdateSecurityCredentialsKRP
    | RequestHandoverOfDCCControlledDevice
    | UpdateSecurityCredentialsCoS
    | RetrieveDeviceSecurityCredentialsKRP
    | ServiceOptOut
    | SignedPreCommand
)
Body = TypedBody | OpaqueBody

_TYPED: tuple[type[TypedBody], ...] = (
    UpdateSecurityCredentialsKRP,
    RequestHandoverOfDCCControlledDevice,
    UpdateSecurityCredentialsCoS,
    RetrieveDeviceSecurityCredentialsKRP,
    ServiceOptOut,
    SignedPreCommand,
)
_BY_TAG: Mapping[str, type[TypedBody]] = MappingProxyType({sr(body.ELEMENT): body for body in _TYPED})
TYPED_ELEMENTS = frozenset(body.ELEMENT for body in _TYPED)
"""Element names that are always typed values, never opaque ones."""


def read_body(element: etree._Element, path: str) -> Body:
    """Read the element inside ``Body``: a typed value where this room knows the service, else an opaque one."""
    typed = _BY_TAG.get(str(element.tag))
    return OpaqueBody.read(element, path) if typed is None else typed.read(element, path)


def body_element(body: Body) -> str:
    """The name of the element a body is written as."""
    return body.element_name if isinstance(body, OpaqueBody) else body.ELEMENT


__all__ = [
    "TYPED_ELEMENTS",
    "Body",
    "OpaqueBody",
    "RequestHandoverOfDCCControlledDevice",
    "RetrieveDeviceSecurityCredentialsKRP",
    "ServiceOptOut",
    "SignedPreCommand",
    "TypedBody",
    "UpdateSecurityCredentialsCoS",
    "UpdateSecurityCredentialsKRP",
    "body_element",
    "read_body",
]
