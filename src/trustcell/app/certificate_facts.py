"""Certificates as plain values, for messages that carry them and for ``cert show``."""

from typing import Any

from trustcell import certs
from trustcell.vocab import RemotePartyRole, WireError


def summary(der: bytes) -> dict[str, Any] | None:
    """Who, what for, until when, and which key; ``None`` when the octets are no certificate."""
    try:
        return plain(certs.Certificate.from_der(der))
    except WireError:
        return None


def plain(certificate: certs.Certificate) -> dict[str, Any]:
    """The facts of a certificate that people compare."""
    ski, aki = certificate.subject_key_identifier, certificate.authority_key_identifier
    return {
        "certificate": f"{certificate.kind.value} certificate",
        "entity": str(certificate.entity_id) if certificate.entity_id else None,
        "role": role_title(certificate.role),
        "key_usage": certificate.key_usage.title,
        "subject": str(certificate.subject),
        "issuer": str(certificate.issuer),
        "serial": certificate.serial_octets.hex().upper(),
        "not_before": _time(certificate.not_before),
        "not_after": _time(certificate.not_after),
        "subject_key_identifier": ski.hex() if ski else None,
        "authority_key_identifier": aki.hex() if aki else None,
        "policies": list(certificate.policies),
        "sha256": certificate.sha256.hex(),
    }


def request_facts(request: certs.CertificationRequest) -> dict[str, Any]:
    """The facts of a certification request, under the same names."""
    return {
        "certificate": "device certification request" if request.is_for_device else "certification request",
        "entity": str(request.entity_id) if request.entity_id else None,
        "role": role_title(request.role),
        "key_usage": request.key_usage.title,
        "subject": str(request.subject),
        "issuer": None,
        "key": request.key_form.value,
    }


def list_facts(revoked: certs.CertificateList) -> dict[str, Any]:
    """The facts of a revocation list, under the same names where they mean the same."""
    return {
        "certificate": "revocation list",
        "entity": None,
        "subject": None,
        "issuer": str(revoked.issuer),
        "number": revoked.number,
        "not_before": _time(revoked.this_update),
        "not_after": _time(revoked.next_update) if revoked.next_update else None,
        "entries": len(revoked.entries),
    }


def role_title(role: int | None) -> str | None:
    """``networkOperator (03)``, or only the number when the code book has no name for it."""
    if role is None:
        return None
    try:
        return f"{RemotePartyRole(role).title} ({role:02X})"
    except ValueError:
        return f"{role:02X}"


def _time(moment: Any) -> str:
    return str(moment.isoformat().replace("+00:00", "Z"))
