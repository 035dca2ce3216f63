"""Encrypted attributes: what a request says about them, and where a response carries them (dlms-gbz.md 2.7).

```
request    structure { array { object * }, protections }
object     structure { u16 class, os6 OBIS, i8 attribute, u16 0, restriction }
restriction  structure { enum 0, null } | structure { enum 1, structure { os12 from, os12 to } }
response   structure { protections, os ( 31 00000000 ciphertext tag[12] ) }
protections  array { structure { enum 2, structure { os9 04 || counter, os8 originator, os8 recipient, os0,
             structure { enum 2, structure { os1 02, os0 } } } } }
```
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from trustcell.gbcs.dlms.data import NULL, Data, array, enum, integer, long_unsigned, octet_string, structure
from trustcell.gbcs.dlms.frames import AccessResponse, DataNotification
from trustcell.gbcs.dlms.scalars import DataType
from trustcell.gbcs.encrypted import SECURITY_HEADER, TAG_OCTETS, EncryptedPart
from trustcell.vocab import MAX_COUNTER, Eui64

PROTECTED_DATA: Final = 30
"""COSEM class of the ten objects through which attributes are read encrypted."""

READ_PROTECTED: Final = 1
"""Its method."""

_TRANSACTION: Final = b"\x04"
_KEY_AGREED: Final = structure(enum(2), structure(octet_string(b"\x02"), octet_string(b"")))
_WIDTHS: Final = (9, 8, 8, 0)


@dataclass(frozen=True, slots=True)
class Protection:
    """Whose keys are agreed, and under which counter; authentication and encryption is the only kind GBCS uses."""

    counter: int
    originator: Eui64
    recipient: Eui64

    def __post_init__(self) -> None:
        """Refuse a counter without octets."""
        if not 0 <= self.counter <= MAX_COUNTER:
            raise ValueError("a counter is a 64-bit number")

    def as_data(self) -> Data:
        """The array of this one protection."""
        transaction = octet_string(_TRANSACTION + self.counter.to_bytes(8, "big"))
        parties = (octet_string(self.originator), octet_string(self.recipient), octet_string(b""))
        return array(structure(enum(2), structure(transaction, *parties, _KEY_AGREED)))

    @classmethod
    def of(cls, data: Data) -> "Protection | None":
        """The protection in such an array, ``None`` when it is something else."""
        inner = data
        for kind, width in ((DataType.ARRAY, 1), (DataType.STRUCTURE, 2)):
            if inner[0] is not kind or len(inner[1]) != width:
                return None
            inner = inner[1][-1]
        if inner[0] is not DataType.STRUCTURE or len(inner[1]) != 5:
            return None
        fields = [member[1] for member in inner[1][:4]]
        if any(member[0] is not DataType.OCTET_STRING for member in inner[1][:4]):
            return None
        if tuple(map(len, fields)) != _WIDTHS:
            return None
        found = cls(int.from_bytes(fields[0][1:], "big"), Eui64(fields[1]), Eui64(fields[2]))
        return found if found.as_data() == data else None


@dataclass(frozen=True, slots=True)
class ProtectedObject:
    """One attribute to be read encrypted; ``between`` are two 12-octet date-times that bound a log."""

    class_id: int
    instance: bytes
    attribute: int
    between: tuple[bytes, ...] | None = None

    def as_data(self) -> Data:
        """Its structure of five."""
        restriction = structure(enum(0), NULL)
        if self.between is not None:
            restriction = structure(enum(1), structure(*(octet_string(bound) for bound in self.between)))
        return structure(
            long_unsigned(self.class_id),
            octet_string(self.instance),
            integer(self.attribute),
            long_unsigned(0),
            restriction,
        )


@dataclass(frozen=True, slots=True)
class ProtectedRead:
    """Parameter of the method that reads attributes encrypted."""

    objects: tuple[ProtectedObject, ...]
    protection: Protection

    def as_data(self) -> Data:
        """The parameter."""
        return structure(array(*(each.as_data() for each in self.objects)), self.protection.as_data())

    @classmethod
    def of(cls, data: Data) -> "ProtectedRead | None":
        """The read that such a parameter asks for, ``None`` when it is something else."""
        try:
            objects, protections = data[1]
            protection = Protection.of(protections)
            if protection is None:
                return None
            found = cls(tuple([_object(each) for each in objects[1]]), protection)
            return found if found.as_data() == data else None
        except (TypeError, ValueError, AttributeError, LookupError):
            return None  # not the shape: a member missing, or no structure where one belongs


def _object(data: Data) -> ProtectedObject:
    """The object in such a structure; whoever asks compares it with what it would write."""
    (_, class_id), (_, instance), (_, attribute), _, (_, (kind, bounds)) = data[1]
    between = None if kind[1] == 0 else tuple(bound for _, bound in bounds[1])
    return ProtectedObject(class_id, instance, attribute, between)


def sealed_data(protection: Protection, ciphertext: bytes, tag: bytes) -> Data:
    """What a response returns for a protected read."""
    return structure(protection.as_data(), octet_string(SECURITY_HEADER + ciphertext + tag))


def encrypted_parts(frame: AccessResponse | DataNotification) -> tuple[EncryptedPart, ...]:
    """The encrypted attributes of a response or alert, in order.

    An octet string counts only behind a protection: a record of a rejected top-up may look like a security header,
    because the counter of a top-up ends in 32 zero bits.
    """
    if isinstance(frame, DataNotification):
        return _parts(frame.data, 0)
    found: list[EncryptedPart] = []
    for ordinal, (_, _, data) in enumerate(frame.outcomes):
        if data[0] is DataType.STRUCTURE and len(data[1]) == 2:
            found.extend(_parts(data, ordinal))
    return tuple(found)


def _parts(data: Data, ordinal: int) -> tuple[EncryptedPart, ...]:
    """The encrypted parts among the members of one structure."""
    if data[0] is not DataType.STRUCTURE:
        return ()
    members = data[1]
    return tuple(
        EncryptedPart(ordinal, octets[len(SECURITY_HEADER) : -TAG_OCTETS], octets[-TAG_OCTETS:])
        for before, (kind, octets) in pairwise(members)
        if kind is DataType.OCTET_STRING and is_protected(before, octets)
    )


def is_protected(before: Data, octets: bytes) -> bool:
    """Whether these octets, behind this value, are an encrypted attribute."""
    return (
        octets.startswith(SECURITY_HEADER)
        and len(octets) > len(SECURITY_HEADER) + TAG_OCTETS
        and Protection.of(before) is not None
    )
