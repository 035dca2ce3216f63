"""Contents of a response that carry a GBCS message: of a device, to be signed, for local delivery, of later."""

from dataclasses import dataclass
from typing import ClassVar, Self

from lxml import etree

from trustcell.duis.encodings import PAYLOAD
from trustcell.duis.lexical import HEX_CODE, free_text, integer
from trustcell.duis.shape import Leaf, Shape, Shaped, check_shape, read_leaf, trusted, write_shape

GBCS_PAYLOAD = Leaf("GBCSPayload", "gbcs_payload", PAYLOAD)


@dataclass(frozen=True, slots=True)
class Bare:
    """Base of contents that are one element with a plain value."""

    LEAF: ClassVar[Leaf]

    def __post_init__(self) -> None:
        """Check the value; raises ``ValueError``."""
        check_shape(self, (self.LEAF,))

    @classmethod
    def read(cls, element: etree._Element, path: str) -> Self:
        """Read the element; raises ``WireError``."""
        return trusted(cls, {cls.LEAF.attribute: read_leaf(element, cls.LEAF, path)})

    def write(self) -> str:
        """The element as canonical XML."""
        return write_shape(self, (self.LEAF,))


@dataclass(frozen=True, slots=True)
class GbcsPayload(Bare):
    """``GBCSPayload``: the response of a device, opaque octets, at least one."""

    LEAF: ClassVar[Leaf] = GBCS_PAYLOAD

    gbcs_payload: bytes


@dataclass(frozen=True, slots=True)
class PreCommand(Shaped):
    """The answer to a transform: ``GBCSVersion`` free text, ``GBCSPayload`` to be signed by the user."""

    ELEMENT: ClassVar[str] = "PreCommand"
    SHAPE: ClassVar[Shape] = (Leaf("GBCSVersion", "gbcs_version", free_text(0, 64)), GBCS_PAYLOAD)

    gbcs_version: str
    gbcs_payload: bytes


@dataclass(frozen=True, slots=True)
class LocalCommand(Shaped):
    """A command for local delivery, variants 2, 3, 6 and 7: ``GBCSPayload``."""

    ELEMENT: ClassVar[str] = "LocalCommand"
    SHAPE: ClassVar[Shape] = (GBCS_PAYLOAD,)

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
        GBCS_PAYLOAD,
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


@dataclass(frozen=True, slots=True)
class CINMessage(Shaped):
    """The answer to 9.1: ``GBCSPayload``, ``CustomerIdentificationNumber`` of four digits."""

    ELEMENT: ClassVar[str] = "CINMessage"
    SHAPE: ClassVar[Shape] = (
        GBCS_PAYLOAD,
        Leaf("CustomerIdentificationNumber", "customer_identification_number", free_text(4, 4, "[0-9]{4}")),
    )

    gbcs_payload: bytes
    customer_identification_number: str
