"""Whether a certificate is what a query asks for, for certificates that were found by other means."""

from datetime import datetime

from trustcell.smki.rules.records import CertificateRecord, Query

_EQUAL = ("entity_id", "role", "key_usage", "key", "ski", "issuer", "serial", "family", "kind")


def matches(query: Query, record: CertificateRecord, now: datetime) -> bool:
    """Every criterion but ``purpose`` and ``limit``."""
    if any((wanted := getattr(query, name)) is not None and wanted != getattr(record, name) for name in _EQUAL):
        return False
    if query.status is not None and query.status is not record.status(now):
        return False
    if query.approval is not None and query.approval not in record.approvals:
        return False
    if query.expires_from is not None and record.not_after < query.expires_from:
        return False
    return query.expires_to is None or record.not_after <= query.expires_to
