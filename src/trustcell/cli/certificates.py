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
        "certificate": certificate.kind.value,
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
