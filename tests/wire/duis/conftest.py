"""Fixtures of the DUIS tests: the official schema, signing keys of the test PKI, a really signed request."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from trustcell.duis import Request, Schema, build_request, load_schema, parse_request, sign


@dataclass(frozen=True)
class Signer:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    serial: int

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self.key.public_key()

    def __call__(self, octets: bytes) -> bytes:
        r, s = decode_dss_signature(self.key.sign(octets, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def sign(self, message: bytes) -> bytes:
        return sign(message, issuer_name="CN=Z1,OU=07", serial=self.serial, sign=self)


def _signer(shared: Path, name: str) -> Signer:
    entries = json.loads((shared / "zaz1-test-keys.json").read_text("utf-8"))
    entry = next(entry for entry in entries if entry["name"] == name)
    key = ec.derive_private_key(int(entry["private_scalar_hex"], 16), ec.SECP256R1())
    certificate = x509.load_der_x509_certificate(base64.b64decode(entry["certificate_der_b64"]))
    return Signer(key, certificate, int(entry["serial"]))


@pytest.fixture(scope="session")
def schema(shared: Path) -> Schema:
    return load_schema(shared / "schema")


@pytest.fixture(scope="session")
def supplier(shared: Path) -> Signer:
    return _signer(shared, "xml-sign-90B3D51F30010000-ds")


@pytest.fixture(scope="session")
def dsp(shared: Path) -> Signer:
    return _signer(shared, "dsp-xml-sign-90B3D51F30000002-ds")


@pytest.fixture(scope="session")
def template(shared: Path) -> Callable[[str], bytes]:
    """One request template by the words its file name contains."""

    def find(*words: str) -> bytes:
        paths = sorted(p for p in (shared / "duis-templates").iterdir() if all(word in p.name for word in words))
        return paths[0].read_bytes()

    return find


@pytest.fixture(scope="session")
def handover(template: Callable[[str], bytes]) -> Request:
    """The 6.15.1 request of a network operator, as a value."""
    return parse_request(template("CS02bNOByNO_6.15.1")).request


@pytest.fixture(scope="session")
def signed(handover: Request, supplier: Signer) -> bytes:
    """A really signed 6.15.1 request."""
    return supplier.sign(build_request(handover))
