"""SIGNED{}: the shape that certificates, requests and lists share, and its algorithm (smki.md 2.1, trap T7)."""

from trustcell.certs import _der
from trustcell.certs.signature import ECDSA_SHA256, ECDSA_SHA256_OID
from trustcell.vocab import WireError

_ECDSA_FAMILY = bytes.fromhex("06082a8648ce3d0403")


def read_algorithm(data: bytes, start: int, stop: int, path: str) -> str:
    """OID of an AlgorithmIdentifier element; a NULL behind an ECDSA algorithm is refused by name (trap T7)."""
    if data[start:stop] == ECDSA_SHA256:
        return ECDSA_SHA256_OID
    first, last = _der.whole(data, start, stop, _der.SEQUENCE, path)
    oid, at = _der.expect(data, first, last, _der.OID, path)
    if data[first:at].startswith(_ECDSA_FAMILY) and at != last:
        raise WireError(at, path, "ECDSA algorithms have no parameters (trap T7)", "null_algorithm_parameters")
    _der.well_formed(data, at, last, path)
    return _der.oid_text(data[oid:at])


def signed_parts(der: bytes, limit: int) -> tuple[int, int, int, str, bytes]:
    """Split SIGNED{}: offsets of the signed element, its content start and stop, algorithm OID, signature octets."""
    if len(der) > limit:
        raise WireError(limit, "", f"more than {limit} octets", "too_long")
    start, end = _der.whole(der, 0, len(der), _der.SEQUENCE, "")
    first, stop = _der.expect(der, start, end, _der.SEQUENCE, "tbs")
    _, algorithm_stop = _der.expect(der, stop, end, _der.SEQUENCE, "signatureAlgorithm")
    algorithm = read_algorithm(der, stop, algorithm_stop, "signatureAlgorithm")
    bits, last = _der.whole(der, algorithm_stop, end, _der.BIT_STRING, "signature")
    if bits == last or der[bits] != 0:
        raise WireError(bits, "signature", "a signature has no unused bits", "not_der")
    return start, first, stop, algorithm, der[bits + 1 : last]
