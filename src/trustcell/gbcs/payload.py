"""What is inside a message: a typed ASN.1 value, a DLMS frame, a GBZ frame, or octets of a code we do not know."""

from dataclasses import dataclass
from typing import Any

from trustcell.gbcs import dlms, gbz
from trustcell.gbcs.encrypted import EncryptedPart
from trustcell.gbcs.frame import Cra, Message
from trustcell.gbcs.usecases.table import ASN1_USE_CASES
from trustcell.vocab import WireError

_DLMS_TAGS = (0xD9, 0xDA, 0x0F)
_GBZ_PROFILE = b"\x01\x09"


@dataclass(frozen=True, slots=True)
class UnknownPayload:
    """Octets whose message code selects no decoder and whose first octets name no payload kind."""

    octets: bytes


def is_asn1(message: Message) -> bool:
    """Whether the message code and direction select an ASN.1 type."""
    row = ASN1_USE_CASES.get(message.message_code)
    return row is not None and message.cra in row


def decode_payload(message: Message) -> Any:
    """The typed value of a message's payload; raises ``WireError`` with offsets inside the payload."""
    octets = message.payload
    row = ASN1_USE_CASES.get(message.message_code)
    if row is not None:
        asn1 = row.get(message.cra)
        if asn1 is None:
            reason = f"message code {message.message_code:04X} has no {message.cra.name.lower()}"
            raise WireError(0, "payload", reason, "gbcs_message_code")
        return asn1.decode(octets)
    if octets[:1] and octets[0] in _DLMS_TAGS:
        return dlms.read_frame(octets)
    if octets.startswith(_GBZ_PROFILE):
        return gbz.read_frame(octets, alert=message.cra is Cra.ALERT)
    return UnknownPayload(octets)


def encode_payload(message_code: int, cra: Cra, value: Any) -> bytes:
    """Octets of a typed value; ``ValueError`` when the value does not belong to the message code."""
    row = ASN1_USE_CASES.get(message_code)
    if row is not None:
        if cra not in row:
            raise ValueError(f"message code {message_code:04X} has no {cra.name.lower()}")
        return row[cra].encode(value)
    if isinstance(value, dlms.DlmsFrame | gbz.GbzFrame):
        return value.encode()
    if isinstance(value, UnknownPayload):
        return value.octets
    raise ValueError(f"message code {message_code:04X} does not carry a {type(value).__name__}")


def encrypted_parts(value: Any) -> tuple[EncryptedPart, ...]:
    """The encrypted parts of a decoded payload, in order."""
    return value.encrypted if isinstance(value, dlms.DlmsFrame | gbz.GbzFrame) else ()
