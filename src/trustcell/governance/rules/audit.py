"""The audit chain: every decision and refusal is an entry that carries the hash of the one before; heads are signed.

A chain alone misses what is cut from its tail, so each transaction signs the head it leaves, and heads are kept outside
the database as well.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from trustcell.governance.rules.canonical import canonical, moment, read_moment

GENESIS = bytes(32)
"""What the first entry of a chain carries as the hash before it."""


@dataclass(frozen=True)
class AuditEntry:
    """Entry ``seq`` (from 1, no gap) of a chain: what happened (``kind``) to what (``subject``), with the facts."""

    chain: str
    seq: int
    at: datetime
    kind: str
    subject: str
    body: Mapping[str, Any]
    previous: bytes

    @cached_property
    def octets(self) -> bytes:
        """What is hashed, and what is stored."""
        return canonical(
            {
                "at": moment(self.at),
                "body": self.body,
                "chain": self.chain,
                "kind": self.kind,
                "previous": self.previous.hex(),
                "seq": self.seq,
                "subject": self.subject,
            }
        )

    @cached_property
    def hash(self) -> bytes:
        """SHA-256 of the octets, 32 octets."""
        return hashlib.sha256(self.octets).digest()

    @classmethod
    def from_octets(cls, octets: bytes) -> "AuditEntry":
        """Read back what ``octets`` wrote; raises ``ValueError`` or ``KeyError`` for anything else."""
        if not isinstance(octets, bytes):
            raise ValueError("octets were expected")  # a database may give text where somebody wrote it
        raw = json.loads(octets)
        previous = bytes.fromhex(raw["previous"])
        at = read_moment(raw["at"])
        found = cls(raw["chain"], raw["seq"], at, raw["kind"], raw["subject"], raw["body"], previous)
        vars(found)["octets"] = octets  # as they are kept: what was changed must not hash as if it were not
        return found


@dataclass(frozen=True)
class AuditHead:
    """The end of a chain when a transaction closed: ``hash`` of entry ``seq``, signed (r||s) by the audit key."""

    environment: str
    chain: str
    seq: int
    hash: bytes
    at: datetime
    signature: bytes = field(default=b"", repr=False)

    @cached_property
    def octets(self) -> bytes:
        """What is signed."""
        return canonical(
            {
                "at": moment(self.at),
                "chain": self.chain,
                "environment": self.environment,
                "hash": self.hash.hex(),
                "seq": self.seq,
            }
        )
