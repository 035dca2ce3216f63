"""What a response can say: the solicited message with its content, device alerts, alerts of the DCC."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from lxml import etree

from trustcell.duis.bodies import OpaqueBody
from trustcell.duis.catalogue import services
from trustcell.duis.encodings import PAYLOAD
from trustcell.duis.lexical import HEX_CODE, free_text, integer, one_of
from trustcell.duis.names import sr
from trustcell.duis.shape import (
    Leaf,
    Shape,
    Shaped,
    check_shape,
    children,
    local,
    malformed,
    read_leaf,
    read_shape,
    write_shape,
)

_PAYLOAD = Leaf("GBCSPayload", "gbcs_payload", PAYLOAD)
_REFERENCES: Shape = (
    Leaf("ServiceReference", "service_reference", free_text(1, 8)),
    Leaf("ServiceReferenceVariant", "service_reference_variant", free_text(1, 8)),
)
_THROTTLE: Shape = (
    Leaf("ThrottledAlertSequenceId", "throttled_alert_sequence_id", integer(0, 2**32 - 1), optional=True),
    Leaf("ThrottledAlertCount", "throttled_alert_count", integer(0, 2**32 - 1), optional=True),
)
_OPAQUE_CONTENT = frozenset(
    {
        "CINMessage",
        "DSPInventory",
        "DSPOptIn",
        "DSPSchedulesRead",
        "DSPScheduledMessage",
        "DSPScheduleID",
        "DSPUpdateFirmwareWarning",
        "DSPUpdatePPMIDFirmwareWarning",
        "DSPWANMatrix",
    }
)
_ALERT_CODES = frozenset({"AD1", "N999"} | {f"N{n}" for n in range(1, 66) if n != 32})


@dataclass(frozen=True, slots=True)
class GbcsPayload:
    """``GBCSPayload``: the response of a device, opaque octets, at least one."""

    gbcs_payload: bytes

    def __post_init__(self) -> None:
        """Hold the octets; raises ``ValueError``."""
        check_shape(self, (_PAYLOAD,))

    def write(self) -> str:
        """The element as canonical XML."""
        return write_shape(self, (_PAYLOAD,))


@dataclass(frozen=True, slots=True)
class PreCommand(Shaped):
    """The answer to a transform: ``GBCSVersion`` free text, ``GBCSPayload`` to be signed by the user."""

    ELEMENT: ClassVar[str] = "PreCommand"
    SHAPE: ClassVar[Shape] = (Leaf("GBCSVersion", "gbcs_version", free_text(0, 64)), _PAYLOAD)

    gbcs_version: str
    gbcs_payload: bytes


@dataclass(frozen=True, slots=True)
class LocalCommand(Shaped):
    """A command for local delivery, variants 2, 3, 6 and 7: ``GBCSPayload``."""

    ELEMENT: ClassVar[str] = "LocalCommand"
    SHAPE: ClassVar[Shape] = (_PAYLOAD,)

    gbcs_payload: bytes


@dataclass(frozen=True, slots=True)
class FutureDatedDeviceAlertMessage(Shaped):
    """Outcome of a command that a device executed later.

    ``FutureDatedAlertCode`` 8F66 (done) or 8F67 (not done), ``GBCSPayload``, ``InstructionNumber`` and
    ``TotalCommandInstructions``, both 0 to 65535.
    """

    ELEMENT: ClassVar[str] = "FutureDatedDeviceAlertMessage"
    SHAPE: ClassVar[Shape] = (
        Leaf("FutureDatedAlertCode", "future_dated_alert_code", HEX_CODE),
        _PAYLOAD,
        Leaf("InstructionNumber", "instruction_number", integer(0, 65_535)),
        Leaf("TotalCommandInstructions", "total_command_instructions", integer(0, 65_535)),
    )

    future_dated_alert_code: str
    gbcs_payload: bytes
    instruction_number: int = 1
    total_command_instructions: int = 1

    def check_rule(self) -> None:
        """Hold the closed list of codes; raises ``ValueError``."""
        if self.future_dated_alert_code not in ("8F66", "8F67"):
            raise ValueError("future_dated_alert_code: 8F66 or 8F67 was expected")


Content = GbcsPayload | PreCommand | LocalCommand | FutureDatedDeviceAlertMessage | OpaqueBody
_SHAPED: Mapping[str, type[PreCommand | LocalCommand | FutureDatedDeviceAlertMessage]] = MappingProxyType(
    {sr(kind.ELEMENT): kind for kind in (PreCommand, LocalCommand, FutureDatedDeviceAlertMessage)}
)


@dataclass(frozen=True, slots=True)
class ResponseMessage:
    """Every solicited answer: the service, and at most one content. Without content it acknowledges or refuses."""

    service_reference: str
    service_reference_variant: str
    content: Content | None = None

    def __post_init__(self) -> None:
        """Hold the closed lists; raises ``ValueError``."""
        service = services().get(self.service_reference_variant)
        if service is None or service.reference != self.service_reference:
            raise ValueError("a service reference of the closed list and its variant were expected")
        if isinstance(self.content, OpaqueBody) and self.content.element_name not in _OPAQUE_CONTENT:
            raise ValueError("a response content of the closed list was expected")

    @classmethod
    def read(cls, element: etree._Element, path: str) -> "ResponseMessage":
        """Read the element; raises ``WireError``."""
        path = f"{path}.ResponseMessage"
        kids = children(element, path)
        fields = read_shape(kids[:2], _REFERENCES, path)
        if len(kids) > 3:
            raise malformed(f"{path}.{local(kids[3])}", "this element is not expected here")
        content = _read_content(kids[2], path) if len(kids) == 3 else None
        try:
            return cls(**fields, content=content)
        except ValueError as error:
            raise malformed(path, str(error)) from None

    def write(self) -> str:
        """The element as canonical XML."""
        content = "" if self.content is None else self.content.write()
        return f"<sr:ResponseMessage>{write_shape(self, _REFERENCES)}{content}</sr:ResponseMessage>"


def _read_content(element: etree._Element, path: str) -> Content:
    if element.tag == _PAYLOAD.tag:
        return GbcsPayload(read_leaf(element, _PAYLOAD, path))
    shaped = _SHAPED.get(str(element.tag))
    return OpaqueBody.read(element, path) if shaped is None else shaped.read(element, path)


@dataclass(frozen=True, slots=True)
class DeviceAlertMessage(Shaped):
    """An alert that a device sent by itself. Leave the throttle fields out for existing clients (duis-dsp.md 1.7)."""

    ELEMENT: ClassVar[str] = "DeviceAlertMessage"
    SHAPE: ClassVar[Shape] = (Leaf("AlertCode", "alert_code", HEX_CODE), *_THROTTLE, _PAYLOAD)

    alert_code: str
    gbcs_payload: bytes
    throttled_alert_sequence_id: int | None = None
    throttled_alert_count: int | None = None


@dataclass(frozen=True, slots=True)
class DccAlertMessage:
    """An alert made by the DCC: a code of the closed list and one alert element, carried as it is."""

    ELEMENT: ClassVar[str] = "DCCAlertMessage"
    SHAPE: ClassVar[Shape] = (
        Leaf("DCCAlertCode", "alert_code", one_of(_ALERT_CODES, "a DCC alert code of the closed list")),
        *_THROTTLE,
    )

    alert_code: str
    alert: OpaqueBody
    throttled_alert_sequence_id: int | None = None
    throttled_alert_count: int | None = None

    def __post_init__(self) -> None:
        """Check every field; raises ``ValueError``."""
        check_shape(self, self.SHAPE)

    @classmethod
    def read(cls, element: etree._Element, path: str) -> "DccAlertMessage":
        """Read the element; raises ``WireError``."""
        path = f"{path}.{cls.ELEMENT}"
        kids = children(element, path)
        if not kids or kids[-1].tag != sr("DCCAlert"):
            raise malformed(path, "a DCCAlert was expected at the end")
        alerts = children(kids[-1], f"{path}.DCCAlert")
        if len(alerts) != 1:
            raise malformed(f"{path}.DCCAlert", "exactly one element was expected")
        fields = read_shape(kids[:-1], cls.SHAPE, path)
        return cls(**fields, alert=OpaqueBody.read(alerts[0], f"{path}.DCCAlert"))

    def write(self) -> str:
        """The element as canonical XML."""
        fields = write_shape(self, self.SHAPE)
        return f"<sr:{self.ELEMENT}>{fields}<sr:DCCAlert>{self.alert.write()}</sr:DCCAlert></sr:{self.ELEMENT}>"
