"""Statements of a bundle: what people said, each signed with an IKI certificate that chains to the ICA."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from trustcell_audit.authorities import Authority, path_of
from trustcell_audit.canonical import moment_of, octets_of, read_object
from trustcell_audit.certificate import Parsed
from trustcell_audit.findings import Malformed, Report
from trustcell_audit.keys import rsa_pkcs1, sha256
from trustcell_audit.lint import lint
from trustcell_audit.profiles import COMMON_NAME, Rules

_FIELDS = frozenset({"actor", "at", "body", "environment", "kind", "subject"})


@dataclass(frozen=True)
class Statement:
    """A statement that was read; ``certificate`` is the SHA-256 of the IKI certificate beside it."""

    digest: str
    kind: str
    subject: str
    actor: str
    at: datetime
    body: dict[str, Any]
    certificate: str
    number: int

    @property
    def place(self) -> str:
        """How messages name it."""
        return f"statement {self.digest[:16]} ({self.kind} by {self.actor})"


class Statements:
    """All statements of a bundle, each checked once on the way in."""

    def __init__(self, environment: str, authorities: list[Authority], rules: Rules, report: Report) -> None:
        """``authorities`` holds the ICA."""
        self._environment = environment
        self._authorities = authorities
        self._rules = rules
        self._report = report
        self._linted: set[str] = set()
        self.all: dict[str, Statement] = {}

    def take(self, digest: str, value: dict[str, Any]) -> None:
        """Read and check one; it is kept under the digest of its octets, whatever the checks say."""
        octets = value["octets"].encode()
        place = f"statement {digest[:16]}"
        try:
            raw = read_object(octets, place)
        except Malformed as malformed:
            self._report.add([malformed.problem])
            return
        at = moment_of(raw.get("at"))
        if not self._report.need(
            raw.keys() == _FIELDS and at is not None, "statement_malformed", place, "cannot be read"
        ):
            return
        assert at is not None
        certificate = bytes.fromhex(value["certificate"])
        read = Statement(
            sha256(octets),
            raw["kind"],
            raw["subject"],
            raw["actor"],
            at,
            raw["body"],
            sha256(certificate),
            value["number"],
        )
        need, place = self._report.need, read.place
        need(read.digest == digest, "statement_digest", place, f"its SHA-256 is {read.digest}")
        need(
            raw["environment"] == self._environment,
            "environment_differs",
            place,
            "of another environment",
            "environment",
        )
        self._signed(read, octets, octets_of(value["signature"]) or b"", certificate)
        self.all[read.digest] = read

    def about(self, subject: str, *kinds: str) -> list[Statement]:
        """Those about a subject, oldest first; of these kinds, or of any."""
        found = [each for each in self.in_order() if each.subject == subject]
        return [each for each in found if not kinds or each.kind in kinds]

    def in_order(self) -> list[Statement]:
        """All of them, oldest first."""
        return sorted(self.all.values(), key=lambda each: each.number)

    def _signed(self, read: Statement, octets: bytes, signature: bytes, der: bytes) -> None:
        need, place = self._report.need, read.place
        try:
            certificate = Parsed.read(der)
        except ValueError as error:
            need(False, "certificate_unreadable", place, f"the certificate beside it: {error}", "certificate")
            return
        key = certificate.key
        right = isinstance(key, rsa.RSAPublicKey) and rsa_pkcs1(key, signature, octets)
        need(right, "statement_signature", place, "not signed with the key of the certificate beside it", "signature")
        named = certificate.attributes(COMMON_NAME)
        need(named == [read.actor], "statement_actor", place, f"the certificate beside it is of {named}", "actor")
        need(certificate.covers(read.at), "iki_period", place, "outside the period of the certificate beside it", "at")
        if read.certificate not in self._linted:
            self._linted.add(read.certificate)
            authorities = [each.certificate for each in self._authorities]
            title = f"IKI certificate of {read.actor}"
            self._report.add(lint(certificate, "IKI", authorities, self._rules, title))
            path_of(certificate, self._authorities, certificate.not_before, title, self._report)
