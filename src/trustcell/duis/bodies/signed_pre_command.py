"""The signed pre-command: what a user sends back after a transform, variants 5, 6 and 7."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from trustcell.duis.bodies._shared import EXECUTION
from trustcell.duis.encodings import PAYLOAD
from trustcell.duis.shape import Leaf, Shape, Shaped


@dataclass(frozen=True, slots=True)
class SignedPreCommand(Shaped):
    """Any critical service, variants 5 to 7 (DUIS schema 5.4): ``ExecutionDateTime[0..1]``, ``GBCSPayload`` base64.

    The payload is the signed GBCS message as opaque octets, at least one.
    """

    ELEMENT: ClassVar[str] = "SignedPreCommand"
    SHAPE: ClassVar[Shape] = (EXECUTION, Leaf("GBCSPayload", "gbcs_payload", PAYLOAD))

    gbcs_payload: bytes
    execution_date_time: datetime | None = None
