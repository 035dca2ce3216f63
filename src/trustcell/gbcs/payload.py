"""What is inside a message: a typed value, a DLMS or GBZ frame, or octets of a code we do not know."""

from dataclasses import dataclass
from typing import Any

from trustcell.gbcs import dlms, gbz
from trustcell.gbcs.codes import PayloadKind
from trustcell.gbcs.encrypted import EncryptedPart
from trustcell.gbcs.frame import Cra, Message
from trustcell.gbcs.usecases.frame_table import FRAME_USE_CASES
from trustcell.gbcs.usecases.table import ASN1_USE_CASES
from trustcell.vocab import WireError

_NO_DATA = frozenset({0x00D5})
"""Alerts that look like DLMS and end in DER; no reference message shows how (dlms-gbz.md 2.9)."""

_FRAMES = (dlms.AccessRequest, dlms.AccessResponse, dlms.DataNotification, gbz.Components, gbz.Alert)


@dataclass(frozen=True, slots=True)
class UnknownPayload:
    """Octets whose message code selects no decoder and whose first octets name no payload kind."""

    octets: bytes


def is_asn1(message: Message) -> bool:
    """Whether the message code and direction select an ASN.1 type."""
    row = ASN1_USE_CASES.get(message.message_code)
    return row is not None and message.cra in row


def payload_kind(message: Message) -> PayloadKind | None:
    """ASN.1 by message code and direction, DLMS or GBZ by the first octets, else ``None`` (gbcs.md 3)."""
    if message.message_code in ASN1_USE_CASES:
        return PayloadKind.ASN1 if is_asn1(message) else None
    if message.payload[:1] and message.payload[0] in dlms.TAGS and message.message_code not in _NO_DATA:
        return PayloadKind.DLMS
    return PayloadKind.GBZ if message.payload.startswith(gbz.PROFILE) else None


def decode_payload(message: Message) -> Any:
    """The typed value of a message's payload; raises ``WireError`` with offsets inside the payload.

    A DLMS or GBZ payload whose use case we build and that has exactly the form of that use case is a value of its own,
    for example ``SetClock``; every other one is its frame.
    """
    octets = message.payload
    row = ASN1_USE_CASES.get(message.message_code)
    if row is not None:
        asn1 = row.get(message.cra)
        if asn1 is None:
            reason = f"message code {message.message_code:04X} has no {message.cra.name.lower()}"
            raise WireError(0, "payload", reason, "gbcs_message_code")
        return asn1.decode(octets)
    frame = decode_frame(message)
    if frame is None:
        return UnknownPayload(octets)
    forms = FRAME_USE_CASES.get(message.message_code)
    form = forms.get(message.cra) if forms is not None else None
    return frame if form is None else form.typed(frame, message.originator_counter)


def decode_frame(message: Message) -> dlms.Frame | gbz.Frame | None:
    """The generic frame of a DLMS or GBZ payload, also where the use case is typed; ``None`` for another payload."""
    octets = message.payload
    if octets[:1] and octets[0] in dlms.TAGS:
        return dlms.read_frame(octets) if message.message_code not in _NO_DATA else None
    if octets.startswith(gbz.PROFILE):
        return gbz.read_frame(octets, alert=message.cra is Cra.ALERT)
    return None


def encode_payload(message_code: int, cra: Cra, value: Any, originator_counter: int | None = None) -> bytes:
    """Octets of a typed value or a frame; ``ValueError`` when the value does not belong to the message code.

    A DLMS payload repeats part of the header's Originator Counter, so typed values of DLMS need it; frames have it.
    """
    row = ASN1_USE_CASES.get(message_code)
    if row is not None:
        if cra not in row:
            raise ValueError(f"message code {message_code:04X} has no {cra.name.lower()}")
        return row[cra].encode(value)
    if isinstance(value, _FRAMES):
        return value.encode()
    if isinstance(value, UnknownPayload):
        return value.octets
    form = FRAME_USE_CASES.get(message_code, {}).get(cra)
    if form is None:
        raise ValueError(f"message code {message_code:04X} does not carry a {type(value).__name__}")
    frame = form.write(value, originator_counter or 0)
    if originator_counter is None and not isinstance(frame, gbz.Components | gbz.Alert):
        raise ValueError("a DLMS payload repeats the Originator Counter: give it")
    return frame.encode()


def encrypted_parts(value: Any) -> tuple[EncryptedPart, ...]:
    """The encrypted parts of a decoded payload, in order."""
    if isinstance(value, gbz.Components | gbz.Alert):
        return gbz.encrypted_parts(value)
    if isinstance(value, dlms.AccessResponse | dlms.DataNotification):
        return dlms.encrypted_parts(value)
    return ()


def decode_plaintext(value: Any, part: EncryptedPart, plaintext: bytes) -> dlms.Data | gbz.Content:
    """What an opened part of a decoded payload says: one DLMS value, or the content of a GBZ component."""
    if isinstance(value, gbz.Components | gbz.Alert):
        component = value.components[part.ordinal]
        return gbz.read_content(component.cluster, component.frame_control, component.command, plaintext)
    return dlms.decode_data(plaintext)


def encode_plaintext(content: dlms.Data | gbz.Content) -> bytes:
    """The octets to encrypt."""
    return content.encode() if isinstance(content, dlms.Data) else gbz.write_content(content)
