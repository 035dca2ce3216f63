"""Whether a certificate to be differs from a linted one in nothing but serial, EUI-64, key and SKI, each as it must be.

Shares no code with ``splice``: offsets come from reading the linted certificate, the curve and the SKI are worked out
here once more.
"""

import hashlib
import struct
from collections.abc import Iterator

from trustcell.certs.certificate import Certificate
from trustcell.certs.profiles import check_profile
from trustcell.vocab import Clause, Finding, Severity

_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_SHAPE = Clause("lint of a shape", "our rule: a certificate is linted whole, or equals a linted one outside its slots")
_SKI_MASK, _SKI_TYPE = (1 << 60) - 1, 4 << 60


class ShapeCheck:
    """One linted certificate, and what others of its shape may have in its slots."""

    def __init__(self, linted: Certificate, policy: str) -> None:
        """Lint it in full; ``findings`` tells what is wrong, and nothing passes while there is an error."""
        self.twin = linted.der
        self.findings = tuple(
            each for each in check_profile(linted, kind=linted.kind, policy=policy) if each.severity is Severity.ERROR
        )
        tbs = linted.tbs
        entity, ski, point = linted.entity_id, linted.subject_key_identifier, linted.public_key_point
        number = linted.serial.to_bytes(16, "big")
        if entity is None or ski is None or not point:
            raise ValueError("a certificate of a shape has an EUI-64, an SKI and a P-256 key")
        slots = {"serial": number, "entity": bytes(entity), "key": point, "ski": ski}
        if any(tbs.count(value) != 1 for value in slots.values()):
            raise ValueError("a slot of this certificate cannot be told from the rest")
        places = sorted((tbs.index(value), len(value), name) for name, value in slots.items())
        sizes, end = [], 0
        for begin, size, _ in places:
            sizes += [begin - end, size]
            end = begin + size
        # Octets outside the slots are at the even places of what this takes apart, slots at the odd ones.
        self._parts = struct.Struct("".join(f"{size}s" for size in (*sizes, len(tbs) - end)))
        self._fixed = self._parts.unpack(tbs)[::2]
        order = [name for _, _, name in places]
        self._serial, self._entity, self._key, self._ski = (2 * order.index(name) + 1 for name in slots)

    def passes(self, tbs: bytes, serial: int, entity_id: bytes, point: bytes) -> bool:
        """Whether these octets are a certificate of this shape for this serial, EUI-64 and key."""
        if self.findings or len(tbs) != self._parts.size:
            return False
        parts = self._parts.unpack(tbs)
        number, key = parts[self._serial], parts[self._key]
        return (
            parts[::2] == self._fixed
            and 0x10 <= number[0] <= 0x7F
            and int.from_bytes(number, "big") == serial
            and parts[self._entity] == entity_id
            and key == point
            and _on_curve(key)
            and parts[self._ski] == _ski(key)
        )

    def breaches(self, tbs: bytes, serial: int, entity_id: bytes, point: bytes) -> Iterator[Finding]:
        """What ``passes`` did not like."""
        yield from self.findings
        if not self.findings and not self.passes(tbs, serial, entity_id, point):
            message = "the octets to be signed differ from the twin that was linted, or a slot is not as it must be"
            yield _SHAPE.breach("twin_differs", "tbsCertificate", message, "make the intent anew")


def _on_curve(point: bytes) -> bool:
    x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
    return point[0] == 4 and x < _P and y < _P and (y * y - ((x * x - 3) * x + _B)) % _P == 0


def _ski(point: bytes) -> bytes:
    number = int.from_bytes(hashlib.sha1(point, usedforsecurity=False).digest()[12:], "big")
    return (number & _SKI_MASK | _SKI_TYPE).to_bytes(8, "big")
