"""Refusals over HTTP: one shape, RFC 9457, with the machine code, one sentence, and the reference of the log line."""

import json
from collections.abc import Sequence
from http import HTTPStatus

from trustcell.vocab import Finding

PROBLEM = "application/problem+json"
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
"""Nothing here is for a browser to keep, frame, guess or run (hostile input A12)."""


def problem(status: int, code: str, sentence: str, reference: str, findings: Sequence[Finding] = ()) -> bytes:
    """The body of a refusal."""
    plain: dict[str, object] = {
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": sentence,
        "reference": reference,
    }
    if findings:
        plain["findings"] = [finding.as_json() for finding in findings]
    return json.dumps(plain, ensure_ascii=False).encode()
