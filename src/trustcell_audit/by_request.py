"""Organisation Certificates issued on a request of their own: decision, approvals, evidence, people."""

from typing import Any

from trustcell_audit.approvals import Case, check_approval, documents, last_second
from trustcell_audit.canonical import moment_of
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
from trustcell_audit.keys import sha256
from trustcell_audit.match import match_request
from trustcell_audit.opened import Opened

_DEFAULT_YEARS = 10


def check_by_request(opened: Opened, report: Report) -> None:
    """Whether somebody entitled asked for it, all checks were met, and somebody else issued it."""
    papers = Papers(
        opened.certificate,
        opened.identity,
        opened.record,
        opened.part("request"),
        opened.part("decisions"),
        opened.part("intent"),
        opened.statements,
        opened.people,
        opened.entries,
    )
    csr = bytes.fromhex(papers.request["csr"])
    report.add(match_request(opened.certificate, csr, opened.record["kind"], "request"))
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
    if opened.path:
        case = Case(opened.record, papers.request["party"], decided, opened.path[0].certificate.not_after)
        _approvals(opened, papers, case, report)
    _evidence(opened, papers, report)


def _approvals(opened: Opened, papers: Papers, case: Case, report: Report) -> None:
    """What is not plain needs an approval: another period than ten years, a key that stands elsewhere."""
    record, kinds = papers.record, set()
    for name in record["approvals"]:
        uses: list[dict[str, Any]] = opened.part("uses").get(name, [])
        kinds.add(check_approval(name, case, uses, papers.statements, papers.people, report))
    begin, end = case.period
    years = opened.rules.years.get("organisation", _DEFAULT_YEARS)
    message = f"{record['not_before']} to {record['not_after']} is not {years} years: a VALIDITY approval was expected"
    standard = end == last_second(begin, years)
    report.need(standard or "VALIDITY" in kinds, "validity_not_approved", "certificate", message, "validity")
    others = [
        f"{each['issuer']}/{int(each['serial'], 16):X}"
        for each in opened.part("holders")
        if each["key"] == record["key"] and each["request"] != record["request"] and not each["imported"]
    ]
    repeats = record["key_use"] > 0
    message = f"the key stands in {', '.join(others) or 'an earlier certificate'}: a KEY_REUSE approval was expected"
    report.need(not repeats or "KEY_REUSE" in kinds, "key_reuse_not_approved", "certificate", message, "key")
    uses_of_key = sorted(each["key_use"] for each in opened.part("holders") if each["key_use"] >= 0)
    counted = uses_of_key == list(range(len(uses_of_key)))
    report.need(counted, "key_use_wrong", "holders", f"certificates over the key are numbered {uses_of_key}", "key_use")


def _evidence(opened: Opened, papers: Papers, report: Report) -> None:
    files = opened.bundle.below("evidence")
    for digest, text in files.items():
        found = sha256(bytes.fromhex(text))
        report.need(found == digest, "evidence_hash_mismatch", f"evidence {digest}", f"its SHA-256 is {found}")
    cited = {digest for name in papers.record["approvals"] for digest in documents(name, papers.statements)}
    for digest in sorted(cited - files.keys()):
        report.need(False, "evidence_missing", f"evidence {digest}", "a statement cites it and it is not here")
    report.facts["evidence_files"] = len(files)
