"""Link keys of a home network: the hash of ZigBee over AES-128, and the keys a hub and its devices come to share."""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from trustcell.vocab import Eui64

_BLOCK = 16
_MAX_OCTETS = 0x1FFF  # the length in bits is written in two octets


def hash_octets(octets: bytes) -> bytes:
    """The Matyas-Meyer-Oseas hash with AES-128 of fewer than 8,192 octets (ZigBee specification B.6)."""
    if len(octets) > _MAX_OCTETS:
        raise ValueError("this form of the hash takes at most 8,191 octets")
    padded = octets + b"\x80"
    padded += bytes(-(len(padded) + 2) % _BLOCK) + (8 * len(octets)).to_bytes(2, "big")
    value = bytes(_BLOCK)
    for at in range(0, len(padded), _BLOCK):
        block = padded[at : at + _BLOCK]
        cipher = Cipher(algorithms.AES128(value), modes.ECB()).encryptor()
        value = bytes(a ^ b for a, b in zip(cipher.update(block), block, strict=True))
    return value


def link_key_hash(hub: Eui64, device: Eui64, install_code: bytes) -> bytes:
    """The hash a hub keeps of the link key it shares with a device.

    How the two agree on that key is not modelled: it is derived from who they are and what was whitelisted (assumed).
    """
    return hash_octets(hash_octets(hub + device + install_code))
