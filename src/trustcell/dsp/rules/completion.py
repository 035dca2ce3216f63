"""The signed pre-command: it must be what was offered, and signed by whoever the slot knows (duis-dsp.md 3)."""

from collections.abc import Collection

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import gbcs
from trustcell.dsp.rules.eligibility import PROCESSING
from trustcell.vocab import Refused, WireError


def offered_octets(pre_command: gbcs.Message) -> bytes:
    """The pre-command as it goes to the user: with a final zero octet, the empty signature (duis-dsp.md 3)."""
    return gbcs.inner_octets(pre_command) + b"\x00"


def returned(offered: bytes, octets: bytes) -> gbcs.Message:
    """The signed pre-command in ``octets``; ``Refused`` unless it is what was offered under its request ID."""
    try:
        message = gbcs.decode(octets)
    except WireError as error:
        finding = PROCESSING.breach("pre_command_malformed", "GBCSPayload", str(error), "return the signed pre-command")
        raise Refused([finding]) from None
    # one message has one envelope: what begins with the offered octets differs in the signature field alone
    if message.mac is not None or not octets.startswith(offered[:-1]):
        finding = PROCESSING.breach(
            "pre_command_changed",
            "GBCSPayload",
            "the octets before the signature are not those of the pre-command for this request ID",
            "sign the pre-command as it was sent",
        )
        raise Refused([finding])
    return message


def require_signature(
    offered: bytes, message: gbcs.Message, signing_keys: Collection[ec.EllipticCurvePublicKey]
) -> None:
    """``Refused`` unless one of these Digital Signature keys, which the slot may hold, signed what was offered."""
    octets = offered[1:-1]  # without the tag and the empty signature
    if not any(gbcs.check_signature(key, octets, message.signature or b"") for key in signing_keys):
        finding = PROCESSING.breach(
            "pre_command_signature",
            "GBCSPayload",
            "the signature does not verify with the key in the originator's slot",
            "sign with the Digital Signature key whose certificate is on the device",
        )
        raise Refused([finding])
