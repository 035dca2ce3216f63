"""Hand-made audit logs: entries, signed heads and exports, written from the formats and by no code under test."""

import hashlib
import json
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

AUDIT_KEY = ec.derive_private_key(0xA0D17, ec.SECP256R1())
OTHER_KEY = ec.derive_private_key(0x07E12, ec.SECP256R1())
FORMAT = "trustcell audit export 1"


def canonical(value) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def info_of(key) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def raw_signature(key, octets: bytes) -> bytes:
    r, s = decode_dss_signature(key.sign(octets, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@dataclass
class Log:
    """An audit log in the making. ``lines`` are the octets of entries and heads as they came."""

    environment: str = "test"
    chain: str = "main"
    entries: list[bytes] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)

    def add(self, kind="noted", subject="thing", body=None, **changes) -> "Log":
        previous = hashlib.sha256(self.entries[-1]).digest() if self.entries else bytes(32)
        raw = {
            "at": "2024-03-01T12:00:00Z",
            "body": body or {"n": len(self.entries)},
            "chain": self.chain,
            "kind": kind,
            "previous": previous.hex(),
            "seq": len(self.entries) + 1,
            "subject": subject,
        }
        self.entries.append(canonical(raw | changes))
        return self

    def sign(self, key=AUDIT_KEY, **changes) -> "Log":
        raw = {
            "at": "2024-03-01T12:00:00Z",
            "chain": self.chain,
            "environment": self.environment,
            "hash": hashlib.sha256(self.entries[-1]).hexdigest(),
            "seq": len(self.entries),
        } | changes
        self.heads.append(canonical(raw | {"signature": raw_signature(key, canonical(raw)).hex()}))
        return self

    def export(self, key=AUDIT_KEY) -> bytes:
        header = {
            "audit_key": info_of(key).hex(),
            "chain": self.chain,
            "environment": self.environment,
            "format": FORMAT,
        }
        return b"".join(line + b"\n" for line in (canonical(header), *self.entries, *self.heads))

    def outside(self) -> bytes:
        return b"".join(line + b"\n" for line in self.heads)


def log_of(size: int, *, every: int = 3) -> Log:
    """``size`` entries, a head after each ``every`` of them and after the last."""
    log = Log()
    for number in range(1, size + 1):
        log.add(subject=f"thing {number}")
        if number % every == 0 or number == size:
            log.sign()
    return log
