"""The bare cryptographic calls that a command to a device cannot do without, its device included."""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_ECDSA = ec.ECDSA(hashes.SHA256())


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each primitive is used for one command."""

    verify: int
    sign: int
    agree: int
    mac: int


CRITICAL = Counts(verify=5, sign=4, agree=2, mac=2)
"""Verified: two XML signatures, the pre-command by DSP and device, the response. Signed: the response, transform, I99
and delivery. Both sides agree once with a device that is new to them, make or check the one MAC."""

READ = Counts(verify=1, sign=2, agree=2, mac=4)
"""6.24.1: one XML signature verified, I99 and delivery signed; a MAC around the command and one around the response."""


def bare(counts: Counts, repeat: int) -> Callable[[], None]:
    """A loop over nothing but these calls, with keys that stay in the caches."""
    private, peer = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    public, message, sealed = private.public_key(), bytes(1400), AESGCM(bytes(16))
    signature = private.sign(message, _ECDSA)

    def run() -> None:
        for _ in range(repeat):
            for _ in range(counts.verify):
                public.verify(signature, message, _ECDSA)
            for _ in range(counts.sign):
                private.sign(message, _ECDSA)
            for _ in range(counts.agree):
                peer.exchange(ec.ECDH(), public)
            for _ in range(counts.mac):
                sealed.encrypt(bytes(12), b"", message)

    return run
