"""Key files in three formats: ``rtds/keys.json``, ``zaz1-test-keys.json`` and the public clients' ``keystore.json``.

The first two are lists of entries with base64 DER and a private scalar in hex; the third maps EUI-64, usage and
decimal serial to PEM. What a certificate says counts, not the label beside it (smki.md trap T9).
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_private_key

from trustcell import certs, gbcs
from trustcell.vocab import Eui64, KeyUsage, WireError

_USAGES = {
    "DS": KeyUsage.DIGITAL_SIGNATURE,
    "KA": KeyUsage.KEY_AGREEMENT,
    "digitalSignature": KeyUsage.DIGITAL_SIGNATURE,
    "keyAgreement": KeyUsage.KEY_AGREEMENT,
}
_CURVE = ec.SECP256R1()
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True)
class Credential:
    """One entry of a key file: a certificate, its private key, or both. The private key never shows in ``repr``."""

    key: gbcs.KeyEntry
    certificate: certs.Certificate | None

    def __repr__(self) -> str:
        """Name, entity and usage; never key material."""
        return f"Credential({self.key.name or '-'}, {self.key.entity}, {self.key.usage.title})"


@dataclass(frozen=True, slots=True)
class KeyFile:
    """Everything a key file holds, and what could not be used, with the reason."""

    credentials: tuple[Credential, ...]
    skipped: tuple[str, ...]

    def named(self, name: str) -> Credential:
        """The credential with this name; ``WireError`` when the file has none."""
        for credential in self.credentials:
            if credential.key.name == name:
                return credential
        raise WireError(-1, name, "no credential of this name in the key file", "key_file_name")

    def ring(self) -> gbcs.KeyRing:
        """The keys as a ring for checking messages."""
        return gbcs.KeyRing([credential.key for credential in self.credentials])


def read_key_files(paths: Iterable[Path]) -> KeyFile:
    """Several key files as one."""
    read = [read_key_file(path) for path in paths]
    return KeyFile(
        tuple(each for file in read for each in file.credentials), tuple(each for file in read for each in file.skipped)
    )


def read_key_file(path: Path) -> KeyFile:
    """Read a key file in any of the three formats; raises ``WireError`` naming file, entry and field."""
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise WireError(-1, str(path), f"the key file cannot be read: {error.strerror}", "key_file_missing") from None
    except (ValueError, RecursionError) as error:
        raise WireError(-1, str(path), f"a JSON key file was expected: {error}", "key_file_format") from None
    credentials: list[Credential] = []
    skipped: list[str] = []
    for where, entry in _entries(data, path):
        try:
            credentials.append(_credential(entry))
        except WireError as error:
            skipped.append(f"{where}: {error}")
        except (KeyError, TypeError, AttributeError, ValueError, UnsupportedAlgorithm) as error:
            reason = f"missing field {error}" if isinstance(error, KeyError) else str(error)
            raise WireError(-1, f"{path}: {where}", reason, "key_file_entry") from None
    if not credentials:
        raise WireError(-1, str(path), "the key file holds no usable key", "key_file_format")
    return KeyFile(tuple(credentials), tuple(skipped))


def _entries(data: Any, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Entries of a list, or of the nested mapping of ``keystore.json``, each with its place in the file."""
    if isinstance(data, list):
        for number, entry in enumerate(data):
            yield f"entry {number}", entry
        return
    if not isinstance(data, dict):
        raise WireError(-1, str(path), "a list of keys or a keystore object was expected", "key_file_format")
    for eui, usages in data.items():
        for usage, serials in _mapping(usages, path, eui).items():
            for serial, entry in _mapping(serials, path, eui).items():
                yield f"{eui}/{usage}/{serial}", {"eui64": eui, "usage": usage, **_mapping(entry, path, eui)}


def _mapping(value: Any, path: Path, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise WireError(-1, f"{path}: {where}", "a keystore object was expected", "key_file_format")
    return value


def _credential(entry: Mapping[str, Any]) -> Credential:
    usage = _USAGES.get(entry["usage"])
    if usage is None:
        raise ValueError(f"usage DS, KA, digitalSignature or keyAgreement expected, {entry['usage']!r} found")
    certificate = _certificate(entry)
    private = _private_key(entry)
    entity, role, is_device = Eui64.parse(entry["eui64"]), entry.get("role"), False
    if certificate is not None:
        entity = certificate.entity_id or entity
        role = certificate.role
        is_device = certificate.kind is certs.CertificateKind.DEVICE
        public = certificate.public_key
    elif private is not None:
        public = private.public_key()
    else:
        loaded = load_der_public_key(base64.b64decode(entry["public_key_der_b64"], validate=True))
        if not isinstance(loaded, ec.EllipticCurvePublicKey):
            raise ValueError("a P-256 public key was expected")
        public = loaded
    if certificate is not None and private is not None and private.public_key() != public:
        raise ValueError("the private key does not belong to the certificate")
    name = str(entry.get("name", ""))
    prepayment = bool(entry.get("prepayment", "PP-" in name))
    key = gbcs.KeyEntry(entity, usage, public, private, role, is_device, prepayment, name)
    return Credential(key, certificate)


def _certificate(entry: Mapping[str, Any]) -> certs.Certificate | None:
    if "certificate_der_b64" in entry:
        return certs.Certificate.from_der(base64.b64decode(entry["certificate_der_b64"], validate=True))
    if "certificate" in entry:
        return certs.load_certificates(entry["certificate"].encode())[0]
    return None


def _private_key(entry: Mapping[str, Any]) -> ec.EllipticCurvePrivateKey | None:
    if "private_scalar_hex" in entry:
        scalar = int(entry["private_scalar_hex"], 16)
        if not 0 < scalar < _ORDER:
            raise ValueError("a private scalar lies between 1 and the group order")
        return ec.derive_private_key(scalar, _CURVE)
    if "privateKey" in entry:
        loaded = load_pem_private_key(entry["privateKey"].encode(), password=None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise ValueError("a P-256 private key was expected")
        return loaded
    return None
