"""What stands behind a ZCL header: attributes asked for or read, a default response, a cluster command, ciphertext.

```
00 read attributes            attribute[2] *
01 read attributes response   ( attribute[2] 00 type[1] value | attribute[2] status[1] )*
0B default response           command[1] status[1]
protected                     31 00000000 ciphertext tag[12]
```
"""

from dataclasses import dataclass
from typing import Final

from trustcell.gbcs.encrypted import SECURITY_HEADER, TAG_OCTETS
from trustcell.gbcs.gbz.attributes import Attribute, read_attributes, write_attributes
from trustcell.gbcs.gbz.commands import CommandFields, layouts
from trustcell.vocab import WireError

READ_ATTRIBUTES: Final = 0x00
READ_ATTRIBUTES_RESPONSE: Final = 0x01
DEFAULT_RESPONSE: Final = 0x0B

FROM_SERVER: Final = 0x08
"""Bit of a frame control octet: the command comes from the server side of its cluster."""

FRAME_TYPE: Final = 0x03
CLUSTER_SPECIFIC: Final = 0x01
MANUFACTURER_SPECIFIC: Final = 0x04


@dataclass(frozen=True, slots=True)
class ReadAttributes:
    """Attributes asked for."""

    identifiers: tuple[int, ...]

    def encode(self) -> bytes:
        """The payload octets."""
        try:
            return b"".join(identifier.to_bytes(2, "little") for identifier in self.identifiers)
        except OverflowError:
            raise ValueError("an attribute has 16 bits") from None


@dataclass(frozen=True, slots=True)
class AttributeValues:
    """Attributes read, in the order asked for."""

    records: tuple[Attribute, ...]

    def encode(self) -> bytes:
        """The payload octets."""
        return write_attributes(self.records)


@dataclass(frozen=True, slots=True)
class DefaultResponse:
    """What became of a command that has no response of its own (dlms-gbz.md 3.3)."""

    command: int
    status: int

    def encode(self) -> bytes:
        """The payload octets; ``ValueError`` for numbers that are no octets."""
        return bytes((self.command, self.status))


@dataclass(frozen=True, slots=True)
class UnknownCommand:
    """The octets of a command that is in none of our tables."""

    octets: bytes

    def encode(self) -> bytes:
        """The same octets."""
        return self.octets


@dataclass(frozen=True, slots=True)
class Ciphered:
    """An encrypted payload. ``frame_counter`` counts the encrypted components of its message from 0."""

    frame_counter: int
    ciphertext: bytes
    tag: bytes

    def __post_init__(self) -> None:
        """Refuse what no component could hold."""
        if not 0 <= self.frame_counter <= 0xFF or not self.ciphertext or len(self.tag) != TAG_OCTETS:
            raise ValueError("a protected payload has a counter of 8 bits, ciphertext and a tag of 12 octets")

    def encode(self) -> bytes:
        """Security header, ciphertext and tag."""
        return SECURITY_HEADER + self.ciphertext + self.tag


Content = ReadAttributes | AttributeValues | DefaultResponse | CommandFields | UnknownCommand


def read_content(cluster: int, frame_control: int, command: int, octets: bytes) -> Content:
    """A plain payload, or the plaintext of an encrypted one, as its ZCL header selects it."""
    if frame_control & FRAME_TYPE == CLUSTER_SPECIFIC:
        layout = _LAYOUTS.get(cluster << 16 | (frame_control & FROM_SERVER) << 8 | command)
        if layout is None:
            return UnknownCommand(octets)
        return tuple.__new__(CommandFields, (layout, layout.read(octets)))
    if command == DEFAULT_RESPONSE:
        if len(octets) != 2:
            raise WireError(0, "default_response", "a command and a status were expected", "gbz_length")
        return DefaultResponse(octets[0], octets[1])
    if command == READ_ATTRIBUTES:
        if len(octets) % 2:
            raise WireError(len(octets), "attributes", "identifiers of two octets were expected", "gbz_length")
        pairs = zip(octets[::2], octets[1::2], strict=True)
        return ReadAttributes(tuple([low | high << 8 for low, high in pairs]))
    if command == READ_ATTRIBUTES_RESPONSE:
        return AttributeValues(read_attributes(octets))
    return UnknownCommand(octets)


def write_content(content: Content | Ciphered) -> bytes:
    """The octets behind the ZCL header, or the protected octets."""
    return content[0].write(content[1]) if isinstance(content, CommandFields) else content.encode()


_LAYOUTS: Final = layouts()
