"""The signed pre-command: it must be what was offered, and signed by whoever the slot knows (duis-dsp.md 3)."""

from collections.abc import Collection, Iterator

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import duis, gbcs
from trustcell.dsp.rules.clauses import PROCESSING
from trustcell.dsp.rules.plan import Ask
from trustcell.vocab import Finding, Refused, WireError


def offered_octets(pre_command: gbcs.Message) -> bytes:
    """The pre-command as it goes to the user: with a final zero octet, the empty signature (duis-dsp.md 3)."""
    return gbcs.inner_octets(pre_command) + b"\x00"


def pre_command_fits(ask: Ask) -> Iterator[Finding]:
    """The signed pre-command belongs to a transform under this request ID, and only its signature is new (check 17)."""
    known, body, variant = ask.facts.known, ask.request.body, ask.request.service_reference_variant
    if known is None or known.offered is None:
        yield PROCESSING.breach(
            "pre_command_unknown",
            "Header.RequestID",
            "nothing was transformed under this request ID",
            "send the service request to the transform service first",
        )
    elif known.service_variant != variant:
        yield PROCESSING.breach(
            "pre_command_other_service",
            "Header.ServiceReferenceVariant",
            f"the pre-command under this request ID is for {known.service_variant}, not for {variant}",
            f"name {known.service_variant}",
        )
    elif isinstance(body, duis.SignedPreCommand):
        yield from _changed(known.offered, body.gbcs_payload)


def _changed(offered: bytes, octets: bytes) -> Iterator[Finding]:
    # one message has one envelope: what begins with the offered octets differs in the signature field alone
    if not octets.startswith(offered[:-1]):
        yield PROCESSING.breach(
            "pre_command_changed",
            "GBCSPayload",
            "the octets before the signature are not those of the pre-command for this request ID",
            "sign the pre-command as it was sent",
        )


def returned(offered: bytes, octets: bytes) -> gbcs.Message:
    """The signed pre-command in ``octets``; ``Refused`` unless it is what was offered under its request ID."""
    changed = list(_changed(offered, octets))
    if changed:
        raise Refused(changed)
    try:
        return gbcs.decode(octets)
    except WireError as error:
        finding = PROCESSING.breach("pre_command_malformed", "GBCSPayload", str(error), "return the signed pre-command")
        raise Refused([finding]) from None


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
