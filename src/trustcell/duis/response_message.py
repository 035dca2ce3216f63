"""What a response can say: the solicited message with its content, device alerts, alerts of the DCC."""

from dataclasses import dataclass
from types import NoneType
from typing import ClassVar, get_args

from lxml import etree

from trustcell.duis.alerts import OPAQUE_ALERTS, DccAlert, read_alert
from trustcell.duis.bodies import OpaqueBody
from trustcell.duis.catalogue import services
from trustcell.duis.contents import Content, read_content
from trustcell.duis.contents.payloads import GBCS_PAYLOAD
from trustcell.duis.lexical import HEX_CODE, free_text, integer, one_of
from trustcell.duis.names import sr
from trustcell.duis.shape import Leaf, Shape, Shaped, check_shape, children, local, malformed, read_shape, write_shape

_REFERENCES: Shape = (
    Leaf("ServiceReference", "service_reference", free_text(1, 8)),
    Leaf("ServiceReferenceVariant", "service_reference_variant", free_text(1, 8)),
)
_THROTTLE: Shape = (
    Leaf("ThrottledAlertSequenceId", "throttled_alert_sequence_id", integer(0, 2**32 - 1), optional=True),
    Leaf("ThrottledAlertCount", "throttled_alert_count", integer(0, 2**32 - 1), optional=True),
)
_CONTENTS = (*get_args(Content), NoneType)
_ALERTS = get_args(DccAlert)
_ALERT_CODES = frozenset({"AD1", "N999"} | {f"N{n}" for n in range(1, 66) if n != 32})


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
        if not isinstance(self.content, _CONTENTS):
            raise ValueError("a response content of the closed list was expected")

    @classmethod
    def read(cls, element: etree._Element, path: str) -> "ResponseMessage":
        """Read the element; raises ``WireError``."""
        path = f"{path}.ResponseMessage"
        kids = children(element, path)
        fields = read_shape(kids[:2], _REFERENCES, path)
        if len(kids) > 3:
            raise malformed(f"{path}.{local(kids[3])}", "this element is not expected here")
        content = read_content(kids[2], path) if len(kids) == 3 else None
        try:
            return cls(**fields, content=content)
        except ValueError as error:
            raise malformed(path, str(error)) from None

    def write(self) -> str:
        """The element as canonical XML."""
        content = "" if self.content is None else self.content.write()
        return f"<sr:ResponseMessage>{write_shape(self, _REFERENCES)}{content}</sr:ResponseMessage>"


@dataclass(frozen=True, slots=True)
class DeviceAlertMessage(Shaped):
    """An alert that a device sent by itself. Leave the throttle fields out for existing clients (duis-dsp.md 1.7)."""

    ELEMENT: ClassVar[str] = "DeviceAlertMessage"
    SHAPE: ClassVar[Shape] = (Leaf("AlertCode", "alert_code", HEX_CODE), *_THROTTLE, GBCS_PAYLOAD)

    alert_code: str
    gbcs_payload: bytes
    throttled_alert_sequence_id: int | None = None
    throttled_alert_count: int | None = None


@dataclass(frozen=True, slots=True)
class DccAlertMessage:
    """An alert made by the DCC: a code of the closed list and one alert element."""

    ELEMENT: ClassVar[str] = "DCCAlertMessage"
    SHAPE: ClassVar[Shape] = (
        Leaf("DCCAlertCode", "alert_code", one_of(_ALERT_CODES, "a DCC alert code of the closed list")),
        *_THROTTLE,
    )

    alert_code: str
    alert: DccAlert
    throttled_alert_sequence_id: int | None = None
    throttled_alert_count: int | None = None

    def __post_init__(self) -> None:
        """Check every field; raises ``ValueError``."""
        check_shape(self, self.SHAPE)
        if not isinstance(self.alert, _ALERTS) or (
            isinstance(self.alert, OpaqueBody) and self.alert.element_name not in OPAQUE_ALERTS
        ):
            raise ValueError("alert: an alert of the closed list was expected")

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
        try:
            return cls(**fields, alert=read_alert(alerts[0], f"{path}.DCCAlert"))
        except ValueError as error:
            raise malformed(f"{path}.DCCAlert", str(error)) from None

    def write(self) -> str:
        """The element as canonical XML."""
        fields = write_shape(self, self.SHAPE)
        return f"<sr:{self.ELEMENT}>{fields}<sr:DCCAlert>{self.alert.write()}</sr:DCCAlert></sr:{self.ELEMENT}>"
