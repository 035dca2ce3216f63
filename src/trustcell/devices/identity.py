"""Who a virtual device is, and its private keys, derived from a seed instead of stored."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trustcell.gbcs import protect
from trustcell.vocab import DeviceType, Eui64, KeyUsage

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SALT = b"trustcell virtual device key"
_OVERSAMPLED = 48  # 128 bits more than the order, so the reduction is uniform for every practical purpose


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """The entity identifier of a device and what kind of device it is."""

    eui: Eui64
    device_type: DeviceType


def derive_private_key(seed: bytes, eui: Eui64, usage: KeyUsage, generation: int = 0) -> ec.EllipticCurvePrivateKey:
    """The P-256 key of one device, usage and generation: HKDF-SHA256 over the seed, reduced into 1..n-1."""
    info = eui + int(usage).to_bytes(2, "big") + generation.to_bytes(4, "big")
    material = HKDF(hashes.SHA256(), _OVERSAMPLED, _SALT, info).derive(seed)
    return ec.derive_private_key(int.from_bytes(material, "big") % (_ORDER - 1) + 1, ec.SECP256R1())


class KeySource(Protocol):
    """Where the private keys of devices live: whoever has them signs and agrees, nobody reads them.

    A device that makes a new key pair (CS02c) counts its generations; a source makes each on first use.
    """

    def sign(
        self, eui: Eui64, octets: bytes, generation: int = 0, usage: KeyUsage = KeyUsage.DIGITAL_SIGNATURE
    ) -> bytes:
        """r and s, 64 octets, by the device's Digital Signature key; equal input gives equal output.

        Another ``usage`` only proves possession of that key in a certification request.
        """
        ...

    def agree(self, eui: Eui64, peer_point: bytes, generation: int = 0) -> bytes:
        """The 32-octet shared secret of the device's Key Agreement key and this public point."""
        ...

    def public_point(self, eui: Eui64, usage: KeyUsage, generation: int = 0) -> bytes:
        """The device's public key, 65 octets."""
        ...


class DerivedKeys:
    """Keys derived from a seed on first use, those of the last ``limit`` devices kept; the cache changes no answer."""

    def __init__(self, seed: bytes, limit: int = 4096) -> None:
        """``limit`` bounds shared secrets, and private keys twice, since a device has two."""

        def derive(eui: Eui64, usage: KeyUsage, generation: int) -> ec.EllipticCurvePrivateKey:
            return derive_private_key(seed, eui, usage, generation)

        def agree(eui: Eui64, peer_point: bytes, generation: int) -> bytes:
            private = self._private(eui, KeyUsage.KEY_AGREEMENT, generation)
            return protect.agree(private, protect.public_key_from_point(peer_point))

        # Both pairs of a MAC are static, so a device and one ACB key agree once.
        self._private: Callable[[Eui64, KeyUsage, int], ec.EllipticCurvePrivateKey] = lru_cache(2 * limit)(derive)
        self._secret: Callable[[Eui64, bytes, int], bytes] = lru_cache(limit)(agree)

    def sign(
        self, eui: Eui64, octets: bytes, generation: int = 0, usage: KeyUsage = KeyUsage.DIGITAL_SIGNATURE
    ) -> bytes:
        """Deterministic ECDSA (RFC 6979)."""
        return protect.sign(self._private(eui, usage, generation), octets)

    def agree(self, eui: Eui64, peer_point: bytes, generation: int = 0) -> bytes:
        """ECDH with the derived Key Agreement key."""
        return self._secret(eui, peer_point, generation)

    def public_point(self, eui: Eui64, usage: KeyUsage, generation: int = 0) -> bytes:
        """The uncompressed point of a derived key."""
        public = self._private(eui, usage, generation).public_key()
        return public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
