"""A request as a paper of evidence, so that who approves it by its name can read what it is, whoever kept the CSR."""

import base64
import binascii
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from trustcell import certs
from trustcell.governance.rules.canonical import canonical, digest
from trustcell.smki.rules.ask import Ask, request_name
from trustcell.vocab import WireError

_SAYS = "a request for an Organisation Certificate"


@dataclass(frozen=True)
class RequestPaper:
    """One CSR with what is asked for it. Approvals cited are left out: they come later."""

    csr: certs.CertificationRequest
    ask: Ask

    @cached_property
    def name(self) -> str:
        """The name approvals call the request by."""
        return request_name(self.csr.der, self.ask)

    @cached_property
    def key(self) -> str:
        """SHA-256 (hex) of the SubjectPublicKeyInfo."""
        return digest(self.csr.spki)

    def octets(self) -> bytes:
        """As it is kept."""
        csr = base64.b64encode(self.csr.der).decode()
        return canonical({"ask": {**self.ask.as_json(), "approvals": []}, "csr": csr, "says": _SAYS})

    @classmethod
    def read(cls, octets: bytes) -> "RequestPaper | None":
        """Read one; ``None`` for evidence of any other sort."""
        try:
            raw: dict[str, Any] = json.loads(octets)
            if raw["says"] != _SAYS:
                return None
            csr = certs.CertificationRequest.from_der(base64.b64decode(raw["csr"], validate=True))
            return cls(csr, Ask.from_json(raw["ask"]))
        except (ValueError, KeyError, TypeError, RecursionError, binascii.Error, WireError):
            return None

    def as_json(self) -> dict[str, Any]:
        """What it asks for, as plain values."""
        csr = self.csr
        return {
            "request": self.name,
            "subject": str(csr.subject),
            "role": csr.role,
            "entity": str(csr.entity_id) if csr.entity_id else None,
            "key_usage": csr.key_usage.title,
            "key_sha256": self.key,
            **self.ask.validity,
            "purpose": self.ask.purpose,
        }
