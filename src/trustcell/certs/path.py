"""Certification paths from a leaf to a trust anchor, bounded in depth, steps and signature checks (smki.md 2.1, 2.8).

RFC 5280 6.1 without what SMKI does not have: name constraints and policy mappings are refused, not processed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell.certs import extensions as ext
from trustcell.certs._path_rules import anchor_findings, authority_findings, crl_findings, leaf_findings
from trustcell.certs.certificate import Certificate, verify_signature
from trustcell.certs.crl import CertificateList
from trustcell.certs.keys import method2_ski, p256_public_key
from trustcell.certs.name import Name, same_name
from trustcell.vocab import Clause, Finding, Refused

_PATH = Clause("RFC 5280 6.1", source="RFC 5280")
_MAX_FINDINGS = 20


class LeafPurpose(StrEnum):
    """What the certificate at the end of a path is for."""

    END_ENTITY = "end entity"
    AUTHORITY = "authority"


@dataclass(frozen=True, slots=True)
class PathLimits:
    """Bounds of the search. ``intermediates`` leaves self-issued ones out, as RFC 5280 does for path length."""

    intermediates: int = 4
    length: int = 10
    signature_checks: int = 64
    steps: int = 20_000


@dataclass(frozen=True, slots=True)
class PathRules:
    """What a path must satisfy besides RFC 5280.

    ``policy`` must stand in every certificate below the anchor (``None``: whatever policies they name must agree).
    ``extended_key_usages`` are OIDs the leaf may name in an EKU extension; SMKI has none.
    """

    purpose: LeafPurpose = LeafPurpose.END_ENTITY
    policy: str | None = None
    extended_key_usages: frozenset[str] = frozenset()
    limits: PathLimits = field(default_factory=PathLimits)


DEFAULT_RULES = PathRules()


@dataclass(frozen=True)
class TrustAnchor:
    """A trusted key with its SKI (empty: not compared), and the name and certificate it is known by (smki.md 2.8)."""

    public_key_point: bytes
    key_identifier: bytes
    name: Name | None = None
    certificate: Certificate | None = None

    @classmethod
    def of(cls, certificate: Certificate) -> "TrustAnchor":
        """The anchor that a certificate stands for; its own validity and extensions are checked with each path."""
        ski = certificate.subject_key_identifier or b""
        return cls(certificate.public_key_point, ski, certificate.subject, certificate)

    @classmethod
    def of_key(cls, point: bytes, name: Name | None = None) -> "TrustAnchor":
        """The anchor that a bare P-256 point is, as for the root of ZAZ1; SKI by method 2."""
        p256_public_key(point)
        return cls(bytes(point), method2_ski(point), name)

    @cached_property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The key object; raises ``WireError`` ``point_not_on_curve`` when the certificate has no P-256 key."""
        return p256_public_key(self.public_key_point)


@dataclass(frozen=True, slots=True)
class Path:
    """A validated path: leaf first, then the intermediates upwards, and the anchor above them."""

    certificates: tuple[Certificate, ...]
    anchor: TrustAnchor

    @property
    def leaf(self) -> Certificate:
        """The certificate that was asked about."""
        return self.certificates[0]


def validate_path(
    leaf: Certificate,
    intermediates: Sequence[Certificate],
    trust_anchors: Sequence[TrustAnchor | Certificate],
    now: datetime,
    *,
    check_time: bool = True,
    crls: Sequence[CertificateList] = (),
    rules: PathRules = DEFAULT_RULES,
) -> Path:
    """The first path from ``leaf`` to an anchor that satisfies every rule.

    ``now`` is aware. Without ``check_time`` validity periods are not looked at: devices accept expired certificates
    (smki.md 4.4). A list in ``crls`` is used for the issuer that signed it. Raises ``Refused`` with the findings of all
    attempts, ``path_no_issuer`` or ``path_search_exhausted``.
    """
    anchors = tuple(a if isinstance(a, TrustAnchor) else TrustAnchor.of(a) for a in trust_anchors)
    moment = now.replace(microsecond=0) if check_time else None  # certificate times have whole seconds
    search = _Search(intermediates, anchors, moment, crls, rules)
    problems = leaf_findings(leaf, rules.purpose == LeafPurpose.AUTHORITY, rules.extended_key_usages, search.now)
    if problems:
        raise Refused(problems)
    found = search.upwards((leaf,), 0)
    if found is None:
        raise Refused(search.findings or [_PATH.breach("path_no_issuer", "issuer", f"no issuer for {leaf.issuer}")])
    return found


class _Search:
    """One depth-first search with its budgets; anchors are tried before intermediates."""

    def __init__(
        self,
        intermediates: Sequence[Certificate],
        anchors: tuple[TrustAnchor, ...],
        now: datetime | None,
        crls: Sequence[CertificateList],
        rules: PathRules,
    ) -> None:
        self.intermediates = intermediates
        self.anchors = anchors
        self.now = now
        self.crls = crls
        self.rules = rules
        self.steps = rules.limits.steps
        self.checks = rules.limits.signature_checks
        self.findings: list[Finding] = []
        self._verified: dict[tuple[bytes, bytes], bool] = {}

    def upwards(self, chain: tuple[Certificate, ...], counted: int) -> Path | None:
        """Extend ``chain`` by an anchor or an intermediate; ``counted`` intermediates are not self-issued."""
        child = chain[-1]
        for anchor in self.anchors:
            if self._step() and self._anchored(child, anchor) and self._allows(chain, anchor, counted):
                return Path(chain, anchor)
        limits = self.rules.limits
        for issuer in self.intermediates:
            if not self._step():
                return None
            if not self._names(child, issuer) or any(_same_entity(issuer, other) for other in chain):
                continue
            grown = counted if _self_issued(issuer) else counted + 1
            if grown > limits.intermediates or len(chain) >= limits.length:
                self._note("path_too_long", "path", f"more than {limits.intermediates} intermediates")
                continue
            problems = authority_findings(issuer, counted, self.now)
            if problems:
                self._collect(problems)
                continue
            if not self._signed(child, issuer) or not self._listed(child, issuer, issuer.subject, issuer):
                continue
            found = self.upwards((*chain, issuer), grown)
            if found is not None:
                return found
        return None

    def _anchored(self, child: Certificate, anchor: TrustAnchor) -> bool:
        if anchor.name is not None and not same_name(child.issuer, anchor.name):
            return False
        aki = child.authority_key_identifier
        if aki is not None and anchor.key_identifier and aki != anchor.key_identifier:
            if anchor.name is not None:
                self._note("path_issuer_key_differs", "authorityKeyIdentifier", f"{aki.hex()} is not the anchor's key")
            return False
        return self._signed(child, anchor)

    def _allows(self, chain: tuple[Certificate, ...], anchor: TrustAnchor, counted: int) -> bool:
        problems = anchor_findings(anchor.certificate, counted, self.now) if anchor.certificate else []
        rest = chain[:-1] if chain[-1] == anchor.certificate and len(chain) > 1 else chain
        problems += self._policy_findings(rest)
        self._collect(problems)
        return not problems and self._listed(chain[-1], anchor, anchor.name or chain[-1].issuer, anchor.certificate)

    def _policy_findings(self, chain: tuple[Certificate, ...]) -> list[Finding]:
        wanted = self.rules.policy
        common: set[str] | None = None
        for certificate in chain:
            named = set(certificate.policies)
            if wanted is not None and wanted not in named:
                text = f"{certificate.subject} does not have it"
                return [_PATH.breach("path_policy_missing", "certificatePolicies", text, f"policy {wanted}")]
            if named and ext.ANY_POLICY not in named:
                common = named if common is None else common & named
        if common is not None and not common:
            return [_PATH.breach("path_policy_conflict", "certificatePolicies", "the certificates share no policy")]
        return []

    def _names(self, child: Certificate, issuer: Certificate) -> bool:
        aki, ski = child.authority_key_identifier, issuer.subject_key_identifier
        if not same_name(child.issuer, issuer.subject):
            return False
        if aki is None or ski is None or aki == ski:
            return True
        self._note(
            "path_issuer_key_differs", "authorityKeyIdentifier", f"{aki.hex()} is not the key of {issuer.subject}"
        )
        return False

    def _signed(self, child: Certificate, issuer: "Certificate | TrustAnchor") -> bool:
        key = (child.der, issuer.public_key_point)
        if key not in self._verified:
            if self.checks <= 0:
                self._note("path_search_exhausted", "path", "the limit of signature checks is reached")
                return False
            self.checks -= 1
            self._verified[key] = bool(key[1]) and verify_signature(child, issuer.public_key)
            if not self._verified[key]:
                self._note("path_signature_wrong", "signature", f"{_title(child)} is not signed by this issuer's key")
        return self._verified[key]

    def _listed(
        self, child: Certificate, issuer: "Certificate | TrustAnchor", name: Name, known: Certificate | None
    ) -> bool:
        if not self.crls:
            return True
        problems = crl_findings(child, name, issuer.public_key, known, self.crls, self.now)
        self._collect(problems)
        return not problems

    def _step(self) -> bool:
        self.steps -= 1
        if self.steps < 0:
            self._note("path_search_exhausted", "path", "the limit of search steps is reached")
        return self.steps >= 0

    def _note(self, code: str, where: str, message: str) -> None:
        self._collect([_PATH.breach(code, where, message)])

    def _collect(self, findings: list[Finding]) -> None:
        for finding in findings:
            if finding not in self.findings and len(self.findings) < _MAX_FINDINGS:
                self.findings.append(finding)


def _same_entity(a: Certificate, b: Certificate) -> bool:
    return a.der == b.der or (a.spki == b.spki and same_name(a.subject, b.subject))


def _self_issued(certificate: Certificate) -> bool:
    return same_name(certificate.subject, certificate.issuer)


def _title(certificate: Certificate) -> str:
    return str(certificate.subject) or (str(certificate.entity_id) if certificate.entity_id else "the leaf")
