"""One encrypted attribute inside a DLMS or GBZ payload (gbcs.md 2.5)."""

from dataclasses import dataclass
from typing import Final

SECURITY_HEADER: Final = bytes.fromhex("3100000000")
"""Security control 31 (authenticated and encrypted) and invocation counter 0, in front of every ciphertext."""

TAG_OCTETS: Final = 12
"""The AES-128-GCM tag, truncated (gbcs.md 2.5)."""


@dataclass(frozen=True, slots=True)
class EncryptedPart:
    """Ciphertext and tag of one encrypted attribute.

    ``ordinal`` says, from 0, which DLMS outcome or GBZ component of the payload carries it.
    """

    ordinal: int
    ciphertext: bytes
    tag: bytes

    def __post_init__(self) -> None:
        """Refuse a part that no container could hold."""
        if self.ordinal < 0 or not self.ciphertext or len(self.tag) != TAG_OCTETS:
            raise ValueError("an encrypted part has an ordinal from 0, ciphertext and a tag of 12 octets")
