"""One encrypted attribute inside a DLMS or GBZ payload: where it lies and what it holds (gbcs.md 2.5)."""

from dataclasses import dataclass
from typing import Final

SECURITY_HEADER: Final = bytes.fromhex("3100000000")
"""Security control 31 (authenticated and encrypted) and invocation counter 0, in front of every ciphertext."""

TAG_OCTETS: Final = 12
"""The AES-128-GCM tag, truncated (gbcs.md 2.5)."""


@dataclass(frozen=True, slots=True)
class EncryptedPart:
    """Ciphertext and tag of one encrypted attribute.

    ``offset`` counts octets from the start of the payload to the first octet of the ciphertext; ``component`` is the
    ordinal, from 0, of the DLMS data item or GBZ component that carries it.
    """

    offset: int
    ciphertext: bytes
    tag: bytes
    component: int

    def __post_init__(self) -> None:
        """Refuse a part that no container could hold."""
        if self.offset < len(SECURITY_HEADER) or self.component < 0:
            raise ValueError("an encrypted part lies behind its security header, in a component counted from 0")
        if not self.ciphertext or len(self.tag) != TAG_OCTETS:
            raise ValueError("an encrypted part has ciphertext and a tag of 12 octets")

    @property
    def end(self) -> int:
        """Offset of the first octet behind the tag."""
        return self.offset + len(self.ciphertext) + TAG_OCTETS
