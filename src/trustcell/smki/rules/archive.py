"""The public key archive of part 5.5: each key with its certificate, its dates and what it was issued on (smki.md 3.6).

A file of JSON lines: a head, one line a certificate, and a foot with the count and the SHA-256 of all before it.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from trustcell.certs import NO_EXPIRY, Certificate, anniversary
from trustcell.governance.rules.canonical import canonical, digest, moment
from trustcell.smki.rules.records import CertificateRecord
from trustcell.vocab import Clause, Finding, WireError

CLAUSE = Clause("SEC Appendix B 5.5", "Organisation Certificate Policy, records archival; retention recalled")
FORMAT = "trustcell public key archive 1"


def archive_lines(
    environment: str, records: Iterable[tuple[CertificateRecord, bytes]], years: int, now: datetime
) -> Iterator[bytes]:
    """The lines of an archive; each record comes with the DER of its CSR, empty if there was none.

    ``years`` is how long a key is kept after its certificate has ended.
    """
    running, count = hashlib.sha256(), 0
    head = {"clause": CLAUSE.ref, "environment": environment, "format": FORMAT, "made_at": moment(now), "years": years}
    line = canonical(head) + b"\n"
    running.update(line)
    yield line
    for record, csr in records:
        line = canonical(_item(record, csr, years)) + b"\n"
        running.update(line)
        count += 1
        yield line
    yield canonical({"count": count, "sha256": running.hexdigest()}) + b"\n"


def archive_findings(lines: Iterable[bytes]) -> list[Finding]:
    """What is wrong with an archive: its shape, its foot, or the digests and key of an item."""
    running, number = hashlib.sha256(), 0
    found: list[Finding] = []
    foot: dict[str, Any] | None = None
    for number, line in enumerate(lines, start=1):
        if foot is not None:
            return [*found, _wrong("archive_trailing_data", f"line {number}", "it stands behind the foot")]
        try:
            read = json.loads(line)
            if not isinstance(read, dict) or canonical(read) + b"\n" != line:
                raise ValueError
        except (ValueError, TypeError, RecursionError):
            return [*found, _wrong("archive_line_malformed", f"line {number}", "no JSON object in canonical form")]
        if number == 1:
            if read.get("format") != FORMAT:
                return [_wrong("archive_format", "line 1", f"the format is not {FORMAT!r}")]
        elif set(read) == {"count", "sha256"}:
            foot = read
            if read != {"count": number - 2, "sha256": running.hexdigest()}:
                found.append(_wrong("archive_foot_wrong", f"line {number}", "count or digest is not that of the lines"))
        else:
            found += _item_findings(read, number)
        running.update(line)
    if foot is None:
        found.append(_wrong("archive_truncated", f"line {number + 1}", "the foot is missing"))
    return found


def _item(record: CertificateRecord, csr: bytes, years: int) -> dict[str, Any]:
    spki = Certificate.from_der(record.der).spki
    end = NO_EXPIRY if record.not_after == NO_EXPIRY else anniversary(record.not_after, years) or NO_EXPIRY
    return {
        "approvals": list(record.approvals),
        "certificate": _base64(record.der),
        "certificate_sha256": digest(record.der),
        "csr": _base64(csr),
        "csr_sha256": digest(csr) if csr else "",
        "entity": str(record.entity_id) if record.entity_id else "",
        "family": record.family.value,
        "imported": record.imported,
        "issued_at": moment(record.issued_at),
        "issuer": record.issuer,
        "keep_until": moment(end),
        "key_usage": record.key_usage.title,
        "kind": record.kind,
        "not_after": moment(record.not_after),
        "not_before": moment(record.not_before),
        "public_key": _base64(spki),
        "public_key_sha256": record.key.hex(),
        "request": record.request,
        "revocation_circumstance": record.revocation_circumstance,
        "revocation_reason": record.revocation_reason,
        "revoked_at": moment(record.revoked_at) if record.revoked_at else "",
        "role": record.role,
        "serial": f"{record.serial:X}",
        "subject": record.subject,
    }


def _item_findings(item: Mapping[str, Any], number: int) -> Iterator[Finding]:
    """The octets of an item against its digests and against each other."""
    where = f"line {number}"
    try:
        der, spki, csr = (base64.b64decode(item[name], validate=True) for name in ("certificate", "public_key", "csr"))
        expected = (item["certificate_sha256"], item["public_key_sha256"], item["csr_sha256"])
        serial = item["serial"]
    except (KeyError, TypeError, ValueError):
        yield _wrong("archive_item_malformed", where, "a field is missing or is no base64")
        return
    if (digest(der), digest(spki), digest(csr) if csr else "") != expected:
        yield _wrong("archive_digest_wrong", where, "octets and digest do not agree")
    try:
        certificate = Certificate.from_der(der)
    except WireError as error:
        yield _wrong("archive_certificate_malformed", where, str(error))
        return
    if certificate.spki != spki or f"{certificate.serial:X}" != serial:
        yield _wrong("archive_key_wrong", where, "key or serial is not that of the certificate")


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _wrong(code: str, field: str, message: str) -> Finding:
    return CLAUSE.breach(code, field, message, "take another copy of the archive")
