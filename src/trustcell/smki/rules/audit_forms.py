"""Records as JSON values, in the one form in which they leave for an audit: bundles and the second lint read it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from trustcell.governance.rules.audit import AuditEntry, AuditHead
from trustcell.governance.rules.audit_export import head_form
from trustcell.governance.rules.canonical import canonical, digest, moment
from trustcell.governance.rules.statements import SignedStatement
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.records import CertificateRecord, DecisionRecord, IntentRecord, RequestRecord

AUTHORITY_KINDS = ("root OCA", "issuing OCA", "root DCA", "issuing DCA", "ICA")
"""Titles of the kinds of certificates that authorities hold."""


def rules_form(environment: Environment) -> dict[str, Any]:
    """What the environment fixes for the profiles: policies by family, nominal years by kind."""
    roots, issuing = environment.root_years, environment.issuing_years
    return {
        "policies": {
            "organisation": environment.organisation_policy,
            "device": environment.device_policy,
            "iki": environment.iki_policy,
        },
        "years": {
            "root OCA": roots,
            "issuing OCA": issuing,
            "root DCA": roots,
            "issuing DCA": issuing,
            "ICA": environment.ica_years,
            "organisation": environment.organisation_years,
        },
    }


def octet_facts(record: CertificateRecord) -> dict[str, Any]:
    """Those columns of a record that its octets say as well."""
    return {
        "serial": f"{record.serial:032X}",
        "role": record.role,
        "entity_id": record.entity_id.hex() if record.entity_id else "",
        "key_usage": int(record.key_usage),
        "ski": record.ski.hex(),
        "key": record.key.hex(),
        "not_before": moment(record.not_before),
        "not_after": moment(record.not_after),
    }


def record_form(record: CertificateRecord) -> dict[str, Any]:
    """The repository's record of a certificate, all but its octets."""
    return octet_facts(record) | {
        "issuer": record.issuer,
        "family": record.family.value,
        "kind": record.kind,
        "subject": record.subject,
        "issued_at": moment(record.issued_at),
        "request": record.request,
        "key_use": record.key_use,
        "approvals": list(record.approvals),
        "purpose": record.purpose,
        "imported": record.imported,
        "lodged_at": _when(record.lodged_at),
        "accepted": record.accepted,
        "superseded_at": _when(record.superseded_at),
        "revoked_at": _when(record.revoked_at),
        "revocation_reason": record.revocation_reason,
        "revocation_circumstance": record.revocation_circumstance,
    }


def request_form(request: RequestRecord) -> dict[str, Any]:
    """A request with its CSR."""
    return {
        "name": request.name,
        "csr": request.csr.hex(),
        "family": request.family.value,
        "party": request.party,
        "role": request.role,
        "entity_id": request.entity_id.hex() if request.entity_id else "",
        "key_usage": int(request.key_usage),
        "key": request.key.hex(),
        "requester": request.requester,
        "statement": request.statement,
        "at": moment(request.at),
        "state": request.state.value,
        "ask": dict(request.ask),
    }


def decision_form(decision: DecisionRecord) -> dict[str, Any]:
    """A decision with every check."""
    return {
        "request": decision.request,
        "number": decision.number,
        "at": moment(decision.at),
        "rule_set": decision.rule_set,
        "granted": decision.granted,
        "checks": [dict(each) for each in decision.checks],
        "approvals": list(decision.approvals),
        "decider": decision.decider,
        "statement": decision.statement,
        "certificate": None if decision.certificate is None else _identity(*decision.certificate),
    }


def decision_digest(decision: DecisionRecord) -> str:
    """SHA-256 (hex) of a decision to its last word, as the audit chain holds it."""
    return digest(canonical(decision_form(decision)))


def intent_form(intent: IntentRecord) -> dict[str, Any]:
    """What was about to be signed, and its twin."""
    return {
        "certificate": _identity(intent.issuer, intent.serial),
        "request": intent.request,
        "tbs": intent.tbs.hex(),
        "twin": intent.twin.hex(),
        "at": moment(intent.at),
        "settled": intent.settled,
    }


def use_form(use: tuple[int, str, int, datetime]) -> dict[str, Any]:
    """One counted use of an approval."""
    number, issuer, serial, at = use
    return {"number": number, "certificate": _identity(issuer, serial), "at": moment(at)}


def statement_form(signed: SignedStatement) -> dict[str, Any]:
    """A statement, its signature and the certificate beside it."""
    return {
        "octets": signed.statement.octets.decode(),
        "signature": signed.signature.hex(),
        "certificate": signed.certificate.hex(),
        "number": signed.number,
    }


def run_form(entries: Sequence[AuditEntry], head: AuditHead) -> Mapping[str, Any]:
    """Entries without a gap, and the head that the last of them is."""
    return {"entries": [each.octets.decode() for each in entries], "head": head_form(head)}


def _identity(issuer: str, serial: int) -> str:
    return f"{issuer}/{serial:X}"


def _when(at: datetime | None) -> str | None:
    return None if at is None else moment(at)
