"""Many certificates of one shape: to-be-signed octets built once, then only serial, EUI-64, key and SKI put in.

Octet for octet what ``tbs_octets`` gives. Nothing here is trusted with the result: ``shape_check`` holds each
certificate against one that passed the whole lint, by offsets it reads out of that certificate itself.
"""

from collections.abc import Sequence
from dataclasses import replace

from trustcell.certs._der import signed
from trustcell.certs.builder import DeviceTemplate, OrganisationTemplate, tbs_octets
from trustcell.certs.keys import method2_ski
from trustcell.certs.signature import signature_der
from trustcell.vocab import Eui64

SERIAL_OCTETS = 16
_SERIALS = (0x11 << 120 | 0x5A17, 0x7E << 120 | 0xA5E8)
_ENTITIES = (Eui64(bytes.fromhex("f1e2d3c4b5a69788")), Eui64(bytes.fromhex("0e1d2c3b4a596877")))
# The generator of P-256 and its negative: points that any template takes.
_X = bytes.fromhex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296")
_POINTS = (
    b"\4" + _X + bytes.fromhex("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
    b"\4" + _X + bytes.fromhex("b01cbd1c01e58065711814b583f061e9d431cca994cea1313449bf97c840ae0a"),
)


PROBE_ENTITY, PROBE_POINT = _ENTITIES[0], _POINTS[0]


def probe(template: DeviceTemplate | OrganisationTemplate) -> DeviceTemplate | OrganisationTemplate:
    """The same with a serial, EUI-64 and key that stand for no certificate: what a shape is linted by."""
    return replace(template, serial=_SERIALS[0], entity_id=_ENTITIES[0], public_key_point=_POINTS[0])


def certificate_octets(tbs: bytes, signature: bytes) -> bytes:
    """The certificate, quicker than ``assemble``; ``signature`` is r||s."""
    return signed(tbs, signature_der(signature))


class Splice:
    """The shape of a template: everything but its serial, EUI-64 and key."""

    def __init__(self, template: DeviceTemplate | OrganisationTemplate) -> None:
        """Build it once; raises ``ValueError`` when a slot cannot be told from the rest."""
        probes = [
            replace(template, serial=serial, entity_id=entity, public_key_point=point)
            for serial, entity, point in zip(_SERIALS, _ENTITIES, _POINTS, strict=True)
        ]
        first, second = (_cut(probe) for probe in probes)
        if first != second:
            raise ValueError("the slots of this shape were not found")
        self._parts, self._order = first

    def tbs(self, serial: int, entity_id: bytes, point: bytes) -> bytes:
        """The TBSCertificate of a serial of 16 octets, an EUI-64 and a point that the caller has checked."""
        number = serial.to_bytes(SERIAL_OCTETS, "big")
        if not 0 < number[0] < 0x80 or len(entity_id) != 8 or len(point) != 65:
            raise ValueError("a serial has 16 octets and is positive, an EUI-64 has 8, a point 65")
        values = (number, entity_id, point, method2_ski(point))
        a, b, c, d, e = self._parts
        i, j, k, last = self._order
        return b"".join((a, values[i], b, values[j], c, values[k], d, values[last], e))


def _cut(template: DeviceTemplate | OrganisationTemplate) -> tuple[tuple[bytes, ...], Sequence[int]]:
    """The parts between the slots, and which value goes into which slot."""
    whole, point = tbs_octets(template), template.public_key_point
    values = (template.serial.to_bytes(SERIAL_OCTETS, "big"), bytes(template.entity_id), point, method2_ski(point))
    if any(whole.count(value) != 1 for value in values):
        raise ValueError("the slots of this shape were not found")
    order = sorted(range(len(values)), key=lambda number: whole.index(values[number]))
    parts, rest = [], whole
    for number in order:
        part, _, rest = rest.partition(values[number])
        parts.append(part)
    return (*parts, rest), order
