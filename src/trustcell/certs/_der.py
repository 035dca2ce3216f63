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
    size = len(signature) + 1
    # An ECDSA-Sig-Value of P-256 is short, so its BIT STRING has a length of one octet.
    bits = bytes((0x03, size, 0)) if size < 0x80 else header(0x03, size) + b"\0"
    inner = len(content) + len(ECDSA_SHA256) + len(bits) + len(signature)
    start = b"\x30\x82" + inner.to_bytes(2, "big") if 0x100 <= inner <= 0xFFFF else header(0x30, inner)
    return b"".join((start, content, ECDSA_SHA256, bits, signature))
