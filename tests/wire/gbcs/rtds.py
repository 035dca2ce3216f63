"""RTDS 4.5.0 messages from the shared folder by file name, the keys they were made with, and the names of gbcs.md 0."""

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from trustcell import gbcs
from trustcell.adapters.keyfiles import read_key_file
from trustcell.gbcs import KeyEntry, KeyRing, Message
from trustcell.vocab import Eui64

PARTIES = {
    "Rec": Eui64.parse("90B3D51F30000001"),
    "ACB": Eui64.parse("90B3D51F30000002"),
    "TCoS": Eui64.parse("90B3D51F30000004"),
    "Sup": Eui64.parse("90B3D51F30010000"),
    "NO": Eui64.parse("90B3D51F30020000"),
    "A0": Eui64.parse("00DB1234567890A0"),
    "A1": Eui64.parse("00DB1234567890A1"),
    "A2": Eui64.parse("00DB1234567890A2"),
    "A3": Eui64.parse("00DB1234567890A3"),
}
NO_BY_NO = "CS02bNOByNO_6.15.1_SUCCESS_COMMAND"
NO_BY_NO_RESPONSE = "CS02bNOByNO_6.15.1_SUCCESS_RESPONSE"
HANDOVER = "CS02bNOByNOHandover_6.21_SUCCESS_COMMAND"
HANDOVER_RESPONSE = "CS02bNOByNOHandover_6.21_SUCCESS_RESPONSE"


class Vector(NamedTuple):
    """One file: its name without ``_GBCS.HEX``, its octets, and what they decode to."""

    name: str
    octets: bytes
    message: Message


@cache
def vectors(shared: Path) -> dict[str, Vector]:
    """All visible messages by name; 806 files, so a wrong folder is noticed here."""
    found = {}
    for file in sorted((shared / "rtds" / "messages").glob("*/*.HEX")):
        octets = bytes.fromhex(file.read_text())
        name = file.name.removesuffix("_GBCS.HEX")
        found[name] = Vector(name, octets, gbcs.decode(octets))
    assert len(found) == 806
    return found


def vector(shared: Path, name: str) -> Vector:
    """One message by name."""
    return vectors(shared)[name]


def payload(shared: Path, name: str) -> Any:
    """The decoded payload of one message."""
    return gbcs.decode_payload(vector(shared, name).message)


def asn1(shared: Path) -> list[Vector]:
    """The visible messages with an ASN.1 payload."""
    return [each for each in vectors(shared).values() if gbcs.is_asn1(each.message)]


def pairs(shared: Path) -> list[tuple[Vector, Vector]]:
    """Command and response of one exchange."""
    found = vectors(shared)
    return [
        (found[name], found[name.removesuffix("COMMAND") + "RESPONSE"])
        for name in found
        if name.endswith("_COMMAND") and name.removesuffix("COMMAND") + "RESPONSE" in found
    ]


@cache
def ring(shared: Path) -> KeyRing:
    """The keys that belong to the messages."""
    return read_key_file(shared / "rtds" / "keys.json").ring()


def agreement_key(shared: Path, entity: Eui64, prepayment: bool = False) -> KeyEntry:
    """The first Key Agreement key of an entity; the private one where there is one."""
    keys = [key for key in ring(shared).agreement_keys(entity) if key.prepayment is prepayment]
    return next((key for key in keys if key.private_key is not None), keys[0])


def certificate(shared: Path, entity: Eui64, usage: str) -> bytes:
    """DER of an organisation's certificate as the key file labels it (``DS`` or ``KA``), never the prepayment one."""
    entries = json.loads((shared / "rtds" / "keys.json").read_text())
    (entry,) = (
        entry
        for entry in entries
        if entry["eui64"] == entity.hex() and entry["usage"] == usage and not entry["prepayment"]
    )
    return base64.b64decode(entry["certificate_der_b64"])
