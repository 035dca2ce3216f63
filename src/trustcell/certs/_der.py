"""Lengths of DER written by hand, where a codec would cost more than all the rest."""

from trustcell.certs._asn1 import ECDSA_SHA256


def header(tag: int, length: int) -> bytes:
    """Tag and length."""
    if length < 0x80:
        return bytes((tag, length))
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets


def signed(content: bytes, signature: bytes) -> bytes:
    """SIGNED{} with ecdsa-with-SHA256: octet for octet what ``assemble`` gives; ``signature`` is in DER."""
    bits = header(0x03, len(signature) + 1)
    inner = len(content) + len(ECDSA_SHA256) + len(bits) + 1 + len(signature)
    return b"".join((header(0x30, inner), content, ECDSA_SHA256, bits, b"\0", signature))
