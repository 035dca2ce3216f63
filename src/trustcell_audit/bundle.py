"""The check of an evidence bundle: one certificate, from its root to the minute that allowed it, with nothing else."""

import base64
from typing import Any, BinaryIO

from trustcell_audit.approvals import Case, check_approval, documents, last_second
from trustcell_audit.authorities import hold_anchors, path_of, read_authorities
from trustcell_audit.canonical import moment_of
from trustcell_audit.certificate import Parsed
from trustcell_audit.container import Bundle, read_bundle
from trustcell_audit.decision import (
    Papers,
    check_decision,
    check_digests,
    check_entries,
    check_people,
    check_separation,
    check_twin,
)
from trustcell_audit.findings import Report
from trustcell_audit.keys import p256_key, sha256
from trustcell_audit.lint import lint
from trustcell_audit.match import match_record, match_request
from trustcell_audit.people import read_people
from trustcell_audit.profiles import Rules
from trustcell_audit.proofs import read_runs
from trustcell_audit.statements import Statements

_DEFAULT_YEARS = 10


def check_bundle(file: BinaryIO, outside: BinaryIO | None = None, anchors: frozenset[str] = frozenset()) -> Report:
    """Check a bundle; ``outside`` holds heads kept elsewhere, ``anchors`` digests (hex) of audit keys or roots."""
    report = Report()
    bundle = read_bundle(file, report)
    if bundle is None:
        return report
    try:
        _check(bundle, outside, anchors, report)
    except (AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # The octets are those that were signed; what they say has a form this program does not know.
        report.need(False, "bundle_malformed", "bundle", f"{type(error).__name__}: {error}")
    return report


def _check(bundle: Bundle, outside: BinaryIO | None, anchors: frozenset[str], report: Report) -> None:
    parts, environment = bundle.parts, bundle.manifest["environment"]
    rules = Rules(parts["rules"]["policies"], parts["rules"]["years"])
    authorities = read_authorities(parts["authorities"], rules, report)
    hold_anchors(anchors, bundle.audit_key, authorities, report)
    certificate = Parsed.read(bytes.fromhex(parts["certificate"]))
    statements = Statements(environment, authorities, rules, report)
    for digest, value in bundle.below("statement").items():
        statements.take(digest, value)
    audit_key = p256_key(bundle.audit_key)
    assert audit_key is not None
    entries = read_runs(parts["audit"], environment, audit_key, outside, report)
    record = parts["record"]
    papers = Papers(
        certificate,
        bundle.manifest["subject"],
        record,
        parts["request"],
        parts["decisions"],
        parts["intent"],
        statements,
        read_people(statements, report),
        entries,
    )
    known = [base64.b64encode(each.certificate.der).decode() for each in authorities if each.kind == "ICA"]
    report.need(papers.people.ica in known, "ica_differs", "authorities", "the register was founded on another ICA")
    report.facts |= {
        "certificate": papers.identity,
        "certificate_sha256": sha256(certificate.der),
        "subject": record["subject"],
        "period": f"{record['not_before']} to {record['not_after']}",
        "request": record["request"],
        "approvals": record["approvals"],
        "statements": len(statements.all),
        "audit_entries": len(entries),
        "environment": environment,
    }
    issuing = [each.certificate for each in authorities]
    report.add(lint(certificate, record["kind"], issuing, rules, "certificate"))
    report.add(match_record(certificate, record, "record"))
    report.add(match_request(certificate, bytes.fromhex(parts["request"]["csr"]), record["kind"], "request"))
    named = f"{record['issuer']}/{certificate.serial:X}" == papers.identity
    report.need(named, "certificate_differs", "manifest", "it is about another certificate", "subject")
    issued_at = moment_of(record["issued_at"])
    assert issued_at is not None
    path = path_of(certificate, authorities, issued_at, "certificate", report)
    check_twin(papers, report)
    check_digests(papers, report)
    decision = check_decision(papers, report)
    if decision is None:
        return
    check_people(papers, decision, report)
    check_separation(papers, decision, report)
    check_entries(papers, decision, report)
    decided = moment_of(decision["at"])
    assert decided is not None
    if path:
        case = Case(record, papers.request["party"], decided, path[0].certificate.not_after)
        _approvals(bundle, papers, case, rules, report)
    _evidence(bundle, papers, report)


def _approvals(bundle: Bundle, papers: Papers, case: Case, rules: Rules, report: Report) -> None:
    """What is not plain needs an approval: another period than ten years, a key that stands elsewhere."""
    record, kinds = papers.record, set()
    for name in record["approvals"]:
        uses: list[dict[str, Any]] = bundle.parts["uses"].get(name, [])
        kinds.add(check_approval(name, case, uses, papers.statements, papers.people, report))
    begin, end = case.period
    years = rules.years.get("organisation", _DEFAULT_YEARS)
    message = f"{record['not_before']} to {record['not_after']} is not {years} years: a VALIDITY approval was expected"
    standard = end == last_second(begin, years)
    report.need(standard or "VALIDITY" in kinds, "validity_not_approved", "certificate", message, "validity")
    others = [
        f"{each['issuer']}/{int(each['serial'], 16):X}"
        for each in bundle.parts["holders"]
        if each["key"] == record["key"] and each["request"] != record["request"] and not each["imported"]
    ]
    repeats = record["key_use"] > 0
    message = f"the key stands in {', '.join(others) or 'an earlier certificate'}: a KEY_REUSE approval was expected"
    report.need(not repeats or "KEY_REUSE" in kinds, "key_reuse_not_approved", "certificate", message, "key")
    uses_of_key = sorted(each["key_use"] for each in bundle.parts["holders"] if each["key_use"] >= 0)
    counted = uses_of_key == list(range(len(uses_of_key)))
    report.need(counted, "key_use_wrong", "holders", f"certificates over the key are numbered {uses_of_key}", "key_use")


def _evidence(bundle: Bundle, papers: Papers, report: Report) -> None:
    files = bundle.below("evidence")
    for digest, text in files.items():
        found = sha256(bytes.fromhex(text))
        report.need(found == digest, "evidence_hash_mismatch", f"evidence {digest}", f"its SHA-256 is {found}")
    cited = {digest for name in papers.record["approvals"] for digest in documents(name, papers.statements)}
    for digest in sorted(cited - files.keys()):
        report.need(False, "evidence_missing", f"evidence {digest}", "a statement cites it and it is not here")
    report.facts["evidence_files"] = len(files)
