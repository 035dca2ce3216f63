"""Certificates in bulk: a line with the authorities and rules, then a line for each lot, answered with its problems.

How another program has its certificates judged by code it does not share.
"""

from typing import Any, BinaryIO

from trustcell_audit.canonical import canonical, read_object
from trustcell_audit.certificate import Parsed
from trustcell_audit.findings import Malformed, Problem
from trustcell_audit.lint import lint
from trustcell_audit.match import match_record, match_request
from trustcell_audit.profiles import Rules


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer each line with ``{"problems": [...]}`` until there is no more; ``Malformed`` for what is no request."""
    issuers: dict[bytes, list[Parsed]] = {}
    rules = Rules()
    for line in requests:
        raw = read_object(line.rstrip(b"\n"), "request")
        if "rules" in raw:
            rules = Rules(raw["rules"]["policies"], raw["rules"]["years"])
            issuers = _issuers(raw["issuers"])
            continue
        problems = [
            {"number": number, **problem.as_json()}
            for number, asked in enumerate(raw["certificates"])
            for problem in judge(asked, issuers, rules)
        ]
        answers.write(canonical({"problems": problems}) + b"\n")
        answers.flush()


def judge(asked: dict[str, Any], issuers: dict[bytes, list[Parsed]], rules: Rules) -> list[Problem]:
    """Problems of one certificate: ``der`` and ``kind``; ``record`` and ``csr`` to hold against it, if given.

    An empty ``kind`` asks for no profile, only that the octets are a certificate.
    """
    try:
        found = Parsed.read(bytes.fromhex(asked["der"]))
    except ValueError as error:
        return [Problem("certificate_unreadable", "certificate", str(error), octet=0)]
    kind = asked["kind"]
    problems = lint(found, kind, issuers.get(found.issuer, ()), rules, "certificate") if kind else []
    if asked.get("record"):
        problems += match_record(found, asked["record"], "record")
    if asked.get("csr"):
        problems += match_request(found, bytes.fromhex(asked["csr"]), kind, "request")
    return problems


def _issuers(texts: list[str]) -> dict[bytes, list[Parsed]]:
    found: dict[bytes, list[Parsed]] = {}
    for text in texts:
        try:
            parsed = Parsed.read(bytes.fromhex(text))
        except ValueError as error:
            raise Malformed(Problem("issuer_unreadable", "request", str(error))) from None
        found.setdefault(parsed.subject, []).append(parsed)
    return found
