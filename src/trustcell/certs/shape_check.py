"""Whether a certificate to be differs from a linted one in nothing but serial, EUI-64, key and SKI, each as it must be.

Shares no code with ``splice``: offsets come from reading the linted certificate, the curve and the SKI are worked out
here once more.
"""

import hashlib
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
        tbs = self._tbs = linted.tbs
        entity, ski, point = linted.entity_id, linted.subject_key_identifier, linted.public_key_point
        number = linted.serial.to_bytes(16, "big")
        if entity is None or ski is None or not point:
            raise ValueError("a certificate of a shape has an EUI-64, an SKI and a P-256 key")
        slots = {"serial": number, "entity": bytes(entity), "key": point, "ski": ski}
        if any(tbs.count(value) != 1 for value in slots.values()):
            raise ValueError("a slot of this certificate cannot be told from the rest")
        self._slots = {name: slice(at := tbs.index(value), at + len(value)) for name, value in slots.items()}
        edges = [0, *sorted(e for s in self._slots.values() for e in (s.start, s.stop)), len(tbs)]
        self._fixed = tuple((slice(a, b), tbs[a:b]) for a, b in zip(edges[::2], edges[1::2], strict=True))
        self._serial, self._entity = self._slots["serial"], self._slots["entity"]
        self._key, self._ski = self._slots["key"], self._slots["ski"]

    def passes(self, tbs: bytes, serial: int, entity_id: bytes, point: bytes) -> bool:
        """Whether these octets are a certificate of this shape for this serial, EUI-64 and key."""
        if self.findings or len(tbs) != len(self._tbs):
            return False
        for place, octets in self._fixed:
            if tbs[place] != octets:
                return False
        number, key = tbs[self._serial], tbs[self._key]
        return (
            0x10 <= number[0] <= 0x7F
            and int.from_bytes(number, "big") == serial
            and tbs[self._entity] == entity_id
            and key == point
            and _on_curve(key)
            and tbs[self._ski] == _ski(key)
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
