"""Entries and signed heads of an audit chain, as octets of a file give them."""

import hashlib
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell_audit.canonical import canonical, moment_of, octets_of
from trustcell_audit.findings import Malformed, Problem
from trustcell_audit.keys import ecdsa_raw

GENESIS = bytes(32)
ENTRY_FIELDS = frozenset({"at", "body", "chain", "kind", "previous", "seq", "subject"})
HEAD_FIELDS = frozenset({"at", "chain", "environment", "hash", "seq", "signature"})


@dataclass(frozen=True)
class Entry:
    """One entry: where it stands (``line``, first ``octet``), what it says, and the hash of its octets."""

    line: int
    octet: int
    raw: dict[str, Any]
    seq: int
    previous: bytes
    hash: bytes

    @property
    def place(self) -> str:
        """How messages name it."""
        return f"entry {self.seq}, line {self.line}"


@dataclass(frozen=True)
class Head:
    """One signed head: that entry ``seq`` of the chain has this hash."""

    place: str
    octet: int
    raw: dict[str, Any]
    seq: int
    hash: bytes

    def signed_by(self, key: ec.EllipticCurvePublicKey) -> bool:
        """Whether the audit key signed it."""
        signature = octets_of(self.raw["signature"], 64)
        signed = canonical({name: value for name, value in self.raw.items() if name != "signature"})
        return signature is not None and ecdsa_raw(key, signature, signed)


def read_entry(raw: dict[str, Any], octets: bytes, line: int, octet: int) -> Entry:
    """An entry of these fields; ``Malformed`` names the field that is wrong."""
    place = f"entry on line {line}"
    if raw.keys() != ENTRY_FIELDS:
        raise Malformed(Problem("line_unknown", place, "it is no entry and no head", octet=octet))
    previous = octets_of(raw["previous"], 32)
    readable = {
        "previous": previous is not None,
        "seq": _count(raw["seq"]),
        "at": moment_of(raw["at"]) is not None,
        "body": isinstance(raw["body"], dict),
    }
    _readable(readable, place, octet)
    return Entry(line, octet, raw, raw["seq"], previous or b"", hashlib.sha256(octets).digest())


def read_head(raw: dict[str, Any], place: str, octet: int) -> Head:
    """A head of these fields; ``Malformed`` names the field that is wrong."""
    if raw.keys() != HEAD_FIELDS:
        raise Malformed(Problem("line_unknown", place, "it is no head", octet=octet))
    digest = octets_of(raw["hash"], 32)
    readable = {
        "at": moment_of(raw["at"]) is not None,
        "hash": digest is not None,
        "seq": _count(raw["seq"]),
        "signature": octets_of(raw["signature"], 64) is not None,
    }
    _readable(readable, place, octet)
    return Head(f"{place}, head of entry {raw['seq']}", octet, raw, raw["seq"], digest or b"")


def _readable(fields: dict[str, bool], place: str, octet: int) -> None:
    for name, fine in fields.items():
        if not fine:
            raise Malformed(Problem("field_malformed", place, "it cannot be read", name, octet))


def _count(value: Any) -> bool:
    return type(value) is int and value >= 1
