"""Real certificates, found in the key files, the reference messages and the request templates of the shared folder."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustcell.certs import Certificate
from trustcell.vocab import WireError

_EMBEDDED = re.compile(rb"\x30\x82..\x30\x82..\xa0\x03\x02\x01\x02", re.DOTALL)
_ELEMENT = re.compile(r"<(?:\w+:)?(\w*Certificate)>([A-Za-z0-9+/=\s]{100,})</")
_ISSUER_ROW = re.compile(r"^\| (\w+)[^|]*\| ([0-9a-f]{16}) \| (04[0-9a-f]{128}) \|$", re.MULTILINE)


def load_or_code(der: bytes) -> Certificate | str:
    """The certificate, or the code of the error that refused it."""
    try:
        return Certificate.from_der(der)
    except WireError as error:
        return error.code


@dataclass(frozen=True)
class KeyPair:
    """A fixed test key: its point and a signer that gives r||s."""

    point: bytes
    sign: Callable[[bytes], bytes]
    private: ec.EllipticCurvePrivateKey


def key_pair(number: int) -> KeyPair:
    """The key pair of a small scalar; signatures are deterministic."""
    private = ec.derive_private_key(number, ec.SECP256R1())

    def sign(octets: bytes) -> bytes:
        r, s = decode_dss_signature(private.sign(octets, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return KeyPair(point, sign, private)


@pytest.fixture(scope="session")
def keys() -> Callable[[int], KeyPair]:
    """Makes fixed test key pairs."""
    return key_pair


@pytest.fixture(scope="session")
def zaz1(shared: Path) -> dict[str, bytes]:
    """DER by name, from the test key file."""
    entries = json.loads((shared / "zaz1-test-keys.json").read_text())
    return {entry["name"]: base64.b64decode(entry["certificate_der_b64"]) for entry in entries}


@pytest.fixture(scope="session")
def rtds_entries(shared: Path) -> list[dict[str, object]]:
    """The key file of the reference messages as it is, with ``der`` where there is a certificate."""
    entries = json.loads((shared / "rtds" / "keys.json").read_text())
    for entry in entries:
        if "certificate_der_b64" in entry:
            entry["der"] = base64.b64decode(entry["certificate_der_b64"])
    return list(entries)


@pytest.fixture(scope="session")
def in_messages(shared: Path) -> dict[bytes, list[str]]:
    """DER of every certificate inside a reference message, with the names of those messages."""
    found: dict[bytes, list[str]] = {}
    for file in sorted((shared / "rtds" / "messages").glob("*/*.HEX")):
        octets = bytes.fromhex("".join(file.read_text().split()))
        for match in _EMBEDDED.finditer(octets):
            size = int.from_bytes(octets[match.start() + 2 : match.start() + 4], "big") + 4
            found.setdefault(octets[match.start() : match.start() + size], []).append(file.name)
    return found


@pytest.fixture(scope="session")
def in_templates(shared: Path) -> list[tuple[str, str, bytes]]:
    """File name, element name and DER of every certificate in a request template."""
    return [
        (file.name, match[1], base64.b64decode(match[2]))
        for file in sorted((shared / "duis-templates").glob("*.XML"))
        for match in _ELEMENT.finditer(file.read_text())
    ]


@pytest.fixture(scope="session")
def every_der(
    zaz1: dict[str, bytes],
    rtds_entries: list[dict[str, object]],
    in_messages: dict[bytes, list[str]],
    in_templates: list[tuple[str, str, bytes]],
) -> list[bytes]:
    """Every distinct real certificate, in a stable order."""
    ders = [*zaz1.values(), *in_messages, *(der for _, _, der in in_templates)]
    ders += [entry["der"] for entry in rtds_entries if isinstance(entry.get("der"), bytes)]
    return list(dict.fromkeys(ders))


@pytest.fixture(scope="session")
def issuer_points(shared: Path) -> dict[str, tuple[bytes, bytes]]:
    """SKI and point of the test authorities by name, from the table in smki.md 2.8."""
    text = (shared / "domain" / "smki.md").read_text()
    return {row[1]: (bytes.fromhex(row[2]), bytes.fromhex(row[3])) for row in _ISSUER_ROW.finditer(text)}


@pytest.fixture(scope="session")
def z1(in_messages: dict[bytes, list[str]]) -> Certificate:
    """The Issuing OCA certificate of the test hierarchy."""
    loaded = [load_or_code(der) for der in in_messages]
    found = [c for c in loaded if isinstance(c, Certificate) and c.is_authority and c.subject.common_name == "Z1"]
    return found[0]
