"""Checks 1 to 4: a request is read, and signed by the originator of its ID; nothing is told to anybody else."""

import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import duis
from trustcell.dsp.ports import Directory
from trustcell.dsp.rules.clauses import PROCESSING
from trustcell.vocab import Refused

_NOT_THE_ORIGINATOR = "signer_not_originator"

MAX_OCTETS = 16 << 20
"""The longest request: a firmware image of 11.1 in base64. Doors may draw narrower bounds."""


@dataclass(frozen=True, slots=True)
class Authentic:
    """A request that was read; ``refused`` says why it is not believed."""

    request: duis.Request
    octets: bytes
    digest: str
    refused: Refused | None = None

    @property
    def failed(self) -> int:
        """The number of the check that ``refused`` is about: the signature, or whose it is."""
        assert self.refused is not None
        return 4 if self.refused.code == _NOT_THE_ORIGINATOR else 3


def authenticate(octets: bytes, directory: Directory, schema: duis.Schema | None) -> Authentic:
    """Read a request and check who signed it; ``WireError`` where no DUIS answer is possible."""
    try:
        parsed = duis.parse_request(octets, schema=schema, max_octets=MAX_OCTETS)
    except duis.RequestMismatch as mismatch:
        parsed = mismatch.parsed  # check 7 finds it again, in its turn
    request, digest = parsed.request, hashlib.sha256(octets).hexdigest()
    originator = request.request_id.originator

    def signing_key(claim: duis.SignatureClaim) -> ec.EllipticCurvePublicKey:
        signer = directory.xml_signer(claim.issuer_name, claim.serial)
        if signer is None:
            raise _refused(
                "signer_unknown",
                "Signature.KeyInfo",
                f"no XML signing certificate {claim.serial} of {claim.issuer_name} is known",
                "sign with a certificate that is in the repository and not revoked",
            )
        if signer.entity != originator:
            raise _refused(
                _NOT_THE_ORIGINATOR,
                "Header.RequestID",
                f"the signer is {signer.entity}, the originator of the request ID {originator}",
                "sign with the originator's own XML signing certificate",
            )
        return signer.public_key

    try:
        duis.verify(parsed, signing_key)
    except Refused as refused:
        return Authentic(request, octets, digest, refused)
    return Authentic(request, octets, digest)


def _refused(code: str, field: str, message: str, remedy: str) -> Refused:
    return Refused([PROCESSING.breach(code, field, message, remedy)])
