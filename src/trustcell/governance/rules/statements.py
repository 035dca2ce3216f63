"""Statements: what a person said, as octets that the person's own credential signed.

Everything governance knows follows from statements, in the order they were made: who is a party, who may act for it,
what was asked, viewed and decided. A reader without our database checks one with the certificate that stands beside it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from trustcell.governance.rules.canonical import canonical, digest, moment, read_moment


@dataclass(frozen=True)
class Statement:
    """Who (``actor``, the name of a person) said what about whom, and when.

    ``kind`` is a verb of governance, for example ``approval.decision``; ``subject`` is what it is about: the name of an
    approval, a request or a person, the EUI-64 of a party. ``body`` holds JSON values without fractions.
    """

    environment: str
    kind: str
    subject: str
    actor: str
    at: datetime
    body: Mapping[str, Any]

    @cached_property
    def octets(self) -> bytes:
        """What is signed."""
        return canonical(
            {
                "actor": self.actor,
                "at": moment(self.at),
                "body": self.body,
                "environment": self.environment,
                "kind": self.kind,
                "subject": self.subject,
            }
        )

    @classmethod
    def from_octets(cls, octets: bytes) -> "Statement":
        """Read back what ``octets`` wrote; raises ``ValueError`` or ``KeyError`` for anything else."""
        raw = json.loads(octets)
        found = cls(raw["environment"], raw["kind"], raw["subject"], raw["actor"], read_moment(raw["at"]), raw["body"])
        if found.octets != octets:
            raise ValueError("a statement in its canonical form was expected")
        return found


@dataclass(frozen=True)
class SignedStatement:
    """A statement, the signature of its actor (RSA PKCS#1 v1.5 with SHA-256) and the IKI certificate that verifies it.

    ``number`` is its place in the log, 0 while it is not yet kept.
    """

    statement: Statement
    signature: bytes = field(repr=False)
    certificate: bytes = field(repr=False)
    number: int = 0

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the statement's octets: how other records cite it."""
        return digest(self.statement.octets)
