"""Acts of governance on a home: one transaction each, refusals written down, documents kept before they are cited."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from trustcell import certs
from trustcell.app.files import read_input
from trustcell.app.home import Home
from trustcell.app.request_papers import RequestPaper
from trustcell.governance import audited
from trustcell.governance.ports import Credential
from trustcell.governance.rules.approval_rules import Circumstances, standing
from trustcell.governance.rules.approval_scope import KIND_RULES, scope_json
from trustcell.governance.rules.approvals import Approval
from trustcell.governance.rules.canonical import moment
from trustcell.governance.rules.clauses import RECORD
from trustcell.governance.rules.credentials import verify_statement
from trustcell.governance.rules.register import Register
from trustcell.governance.rules.rulebook import rule_set
from trustcell.smki.ports import Books
from trustcell.smki.rules.ask import Ask
from trustcell.vocab import Finding, Refused

T = TypeVar("T")

SHORTEST_DIGEST = 8
"""So many digits of a digest say that somebody has read what it names."""

_ONCE_DECIDED = (
    ("the view is no later than the decision", {"ssc_view_after_decision"}),
    ("the views were taken into account", {"ssc_views_not_considered"}),
    ("who decided still speaks for the SMKI PMA", {"approval_void"}),
)
_CHECKS = (
    ("the SSC has given its view", {"ssc_view_missing"}),
    ("the SMKI PMA has approved it", {"approval_not_decided", "approval_rejected"}),
    ("it is effective", {"approval_not_yet_effective"}),
    ("it has not ended", {"approval_expired"}),
    ("it is not withdrawn", {"approval_withdrawn"}),
    ("there are uses left", {"approval_used_up"}),
    ("the rules know such an approval", {"approval_before_modification"}),
)


def act(home: Home, person: str, subject: str, now: datetime, do: Callable[[Books, Credential], T], pin: str = "") -> T:
    """Let a person act in one transaction; ``Refused`` becomes one audit entry and changes nothing else."""
    credential = home.credential(person, pin)
    with audited(home.store, "governance.refused", subject, person, now), home.store.transaction(now) as books:
        return do(books, credential)


def approvals_listed(home: Home, now: datetime) -> list[dict[str, Any]]:
    """Every approval with its newest version, by name."""
    with home.store.reading() as books:
        versions = home.governance.register(books).versions
        return [
            approval_facts(versions[name][-1], now, len(books.approval_uses.uses(name))) for name in sorted(versions)
        ]


def keep_documents(home: Home, paths: Iterable[Path]) -> list[str]:
    """Keep files of evidence and give their SHA-256, before any statement cites them (hostile K45)."""
    return [home.evidence.keep(read_input(path)) for path in paths]


def read_digest(register: Register, name: str, beginning: str) -> str:
    """The digest of the newest draft, if what somebody read begins like it; ``Refused`` otherwise."""
    newest = register.newest(name)
    if newest is None:
        message = f"{name} is no approval of the register"
        raise Refused([RECORD.breach("approval_not_found", "approval", message, "draft it first")])
    if len(beginning) < SHORTEST_DIGEST or not newest.digest.startswith(beginning.lower()):
        message = f"the draft as it stands (version {newest.version}) has another digest"
        remedy = f"read it (trustcell approval show {name}) and give {SHORTEST_DIGEST} digits or more of its digest"
        raise Refused([RECORD.breach("approval_digest_mismatch", "digest", message, remedy)])
    return newest.digest


def approval_report(home: Home, name: str, now: datetime, version: int | None = None) -> dict[str, Any]:
    """All there is to know about an approval: what it says, what is issued under it, every check of its state."""
    with home.store.reading() as books:
        register = home.governance.register(books)
        found = [each for each in register.versions.get(name, ()) if version in (None, each.version)]
        if not found:
            which = name if version is None else f"version {version} of {name}"
            raise Refused([RECORD.breach("approval_not_found", "approval", f"there is no {which}", "see the list")])
        approval = found[-1]
        uses = books.approval_uses.uses(name)
        circumstances = Circumstances(now=now, rules=rule_set(now), uses=len(uses), people=register.people)
        findings = standing(approval, circumstances)
        documents = home.governance.evidence_findings(approval, home.evidence)
        signatures = _signatures(books, register, approval)
        counts = register.approvals[name] == approval
        checks = (*_CHECKS, *(_ONCE_DECIDED if approval.decision is not None else ()))
        papers = _papers(home, approval)
        return {
            **approval_facts(approval, now, len(uses)),
            "counts": counts,
            "scope": _scope(approval),
            "ssc_view": _plain(approval.ssc_view),
            "decision": _plain(approval.decision),
            "requests": [_request(books, each, papers.get(each)) for each in sorted(approval.scope.requests)],
            "used_by": [
                {"number": number, "issuer": issuer, "serial": f"{serial:X}", "at": moment(at)}
                for number, issuer, serial, at in uses
            ],
            "checks": [
                *(
                    _check(title, approval, [each for each in findings if each.code in codes])
                    for title, codes in checks
                ),
                _check("every document is what was cited", approval, documents),
                _check("every statement is signed by its person", approval, signatures),
            ],
            "usable": counts and not (findings or documents or signatures),
        }


def approval_facts(approval: Approval, now: datetime, uses: int) -> dict[str, Any]:
    """One line of a list."""
    return {
        "approval": approval.name,
        "version": approval.version,
        "kind": approval.kind.value,
        "state": approval.state_at(now, uses).value,
        "void_since": None if approval.void_since is None else moment(approval.void_since),
        "uses": uses,
        "max_certificates": approval.scope.max_certificates,
        "legal_basis": approval.legal_basis,
        "effective_from": moment(approval.effective_from),
        "expires": moment(approval.expires),
        "requested_by": approval.requested_by,
        "drafted_at": moment(approval.drafted_at),
        "rationale": approval.rationale,
        "digest": approval.digest,
        "evidence": list(approval.evidence),
        "withdrawn_at": None if approval.withdrawn_at is None else moment(approval.withdrawn_at),
        "withdrawn_reason": approval.withdrawn_reason,
    }


def _check(title: str, approval: Approval, findings: list[Finding]) -> dict[str, Any]:
    clause = findings[0].clause if findings else KIND_RULES[approval.kind].clause.ref
    return {
        "check": title,
        "met": not findings,
        "clause": clause,
        "findings": [each.as_json() for each in findings],
    }


def _scope(approval: Approval) -> dict[str, Any]:
    titles = [each.title for each in sorted(approval.scope.roles)]
    return {**scope_json(approval.scope), "roles": titles}


def _plain(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    fields: Mapping[str, Any] = vars(value)
    return {name: moment(each) if isinstance(each, datetime) else each for name, each in fields.items()}


def _papers(home: Home, approval: Approval) -> dict[str, RequestPaper]:
    """The requests that stand in the evidence in full, by name; a paper that is missing is a finding elsewhere."""
    found = {}
    for each in approval.evidence:
        with suppress(Refused):
            paper = RequestPaper.read(home.evidence.read(each))
            if paper is not None:
                found[paper.name] = paper
    return found


def _request(books: Books, name: str, paper: RequestPaper | None) -> dict[str, Any]:
    """What would be issued, as the paper or the request itself has it, and how far the request came."""
    found = books.requests.get(name)
    if paper is None and found is not None:
        ask = Ask.from_json(found.ask)
        paper = RequestPaper(certs.CertificationRequest.from_der(found.csr), ask)
    state = "not submitted" if found is None else found.state.value
    return {**(paper.as_json() if paper else {"request": name}), "state": state}


def _signatures(books: Books, register: Register, approval: Approval) -> list[Finding]:
    stated = [approval.digest, *(each.statement for each in (approval.ssc_view, approval.decision) if each is not None)]
    found: list[Finding] = []
    for cited in stated:
        signed = books.statements.get(cited)
        if signed is None:
            message = f"the statement {cited[:16]}... is not there"
            found.append(RECORD.breach("statement_missing", "statements", message, "a log that is whole"))
        else:
            found += verify_statement(signed, register.ica)
    return found
