"""Every certificate looked at again, and everything behind it (features 15; hostile C14, V5; I4 to I9).

The octets are judged by a program that shares no code with the issuer; the rest is compared here, in one consistent
state of the books. Nothing is sampled and nothing is changed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from trustcell.governance.ports import Evidence
from trustcell.governance.rules.approvals import Approval
from trustcell.governance.rules.canonical import digest
from trustcell.governance.rules.register import Register
from trustcell.governance.rules.statements import SignedStatement
from trustcell.smki.ports import Books, Relint
from trustcell.smki.rules import audit_forms as forms
from trustcell.smki.rules.agreement import Fault, Papers, agreement, own_period, tbs_of
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.integrity import alterations
from trustcell.smki.rules.records import ABANDONED, CertificateRecord, Family, Query
from trustcell.smki.rules.revocation import identity
from trustcell.smki.rules.whole import KeyUses, read_register, statement_faults, use_faults
from trustcell.smki.service.audit_index import AuditIndex, read_index
from trustcell.smki.service.batch_papers import BatchPapers
from trustcell.smki.service.verify_decisions import verify_decisions, verify_refused_items
from trustcell.smki.service.verify_lists import verify_lists
from trustcell.vocab import Refused

_CITE_FILES = frozenset({"approval.draft", "approval.ssc_view", "approval.decision"})
_WITHOUT_REQUEST = frozenset({*forms.AUTHORITY_KINDS, "IKI"})
LOT = 500
"""Certificates judged in one go."""

OpenRelint = Callable[[Mapping[str, Any], Sequence[bytes]], AbstractContextManager[Relint]]
"""Starts the other program with the rules of the environment and the certificates of its authorities."""


@dataclass
class Verification:
    """What was looked at, by kind, and what was not as it must be."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    faults: list[Fault] = field(default_factory=list)


def verify_all(
    books: Books,
    environment: Environment,
    evidence: Evidence,
    open_relint: OpenRelint,
    step: Callable[[int, int], None] = lambda done, expected: None,
) -> Verification:
    """Look at everything the books hold; ``step`` is told after each lot how many certificates are done and expected.

    The chain of the audit log itself is verified by the audit program on an export.
    """
    done = Verification()
    index, faults = read_index(books)
    done.faults += faults
    done.counts["audit entries"] = index.last
    statements, register = _read_statements(books, done)
    check = _Certificates(books, index, environment, register.approvals, done)
    with open_relint(forms.rules_form(environment), check.ders) as relint:
        records = books.certificates.all()
        while lot := list(islice(records, LOT)):
            relint.ask([check.asked(each) for each in lot])
            for each in lot:
                done.faults += check.faults(each)
            done.faults += [_judged(lot[problem["number"]], problem) for problem in relint.answer()]
            step(len(check.seen), len(index.digests))
    done.faults += check.keys.faults()
    done.faults += _missing(index, check.seen)
    done.faults += check.batches.whole(register.people)
    done.faults += verify_decisions(books, index)
    done.faults += verify_refused_items(books, index)
    done.faults += verify_lists(books, index, environment, check.authorities)
    done.faults += _approvals(books, register, check, done)
    done.faults += statement_faults(statements, check.credentials)
    done.faults += _logged(statements, index)
    done.faults += _evidence(statements, evidence, done)
    return done


class _Certificates:
    """The check of one certificate after the other, and what has to be remembered of each."""

    def __init__(
        self,
        books: Books,
        index: AuditIndex,
        environment: Environment,
        approvals: Mapping[str, Approval],
        done: Verification,
    ) -> None:
        self._books, self._index, self._approvals, self._done = books, index, approvals, done
        self._years = environment.organisation_years
        self.authorities: dict[str, list[CertificateRecord]] = defaultdict(list)
        for kind in forms.AUTHORITY_KINDS:
            for record in books.certificates.search(Query(kind=kind), environment.begins):
                if not record.imported:
                    self.authorities[_common_name(record.subject)].append(record)
        self.batches = BatchPapers(books, index)
        self.keys = KeyUses()
        self.seen: set[str] = set()
        self.cited: dict[tuple[str, int], tuple[str, ...]] = {}
        self.credentials: dict[str, CertificateRecord] = {}

    @property
    def ders(self) -> list[bytes]:
        """The certificates of all authorities."""
        return [each.der for found in self.authorities.values() for each in found]

    def asked(self, record: CertificateRecord) -> Mapping[str, Any]:
        """What the other program is asked about it; no profile for twins and for what another authority issued."""
        if record.imported:
            return {"der": record.der.hex(), "kind": ""}
        kind = "" if record.kind == ABANDONED else record.kind
        asked = {"der": record.der.hex(), "kind": kind, "record": forms.octet_facts(record)}
        if record.family is Family.DEVICE:
            csr = self.batches.request(record)
        else:
            request = self._books.requests.get(record.request) if record.request else None
            csr = None if request is None else request.csr
        return asked | ({} if csr is None else {"csr": csr.hex()})

    def faults(self, record: CertificateRecord) -> Iterator[Fault]:
        """What does not agree about it."""
        name = identity(record.issuer, record.serial)
        self._done.counts["imported" if record.imported else record.kind] += 1
        self.seen.add(name)
        self.keys.see(record)
        if record.family is Family.IKI:
            self.credentials[digest(record.der)] = record
        yield from own_period(record, self.authorities.get(record.issuer, ()))
        if (record.revoked_at is not None) != (name in self._index.revoked):
            said = "revoked" if name in self._index.revoked else "not revoked"
            yield Fault("I4", "revocation_differs", name, f"the audit log says it is {said}", "revoked_at")
        if record.imported or record.kind in _WITHOUT_REQUEST:
            yield from self._certified(record, name)
            return
        if record.family is Family.DEVICE:
            yield from self.batches.faults(record, name)
            return
        if record.approvals:
            self.cited[record.issuer, record.serial] = record.approvals
        yield from self._issued(record, name)

    def _certified(self, record: CertificateRecord, name: str) -> Iterator[Fault]:
        """Made at the ceremony, for a person, or by another authority: the audit log holds the hash of the octets."""
        kept = self._index.digests.get(name)
        if kept is None:
            yield Fault("I4", "audit_entry_missing", name, "the audit log does not know it", "audit")
        elif kept != digest(record.der):
            yield Fault("I4", "certificate_altered", name, "the audit log has the hash of other octets", "der")
        if record.imported:
            for finding in alterations(record, {}):
                yield Fault("I4", finding.code, name, finding.message, finding.field)
            return
        label = self._index.labels.get(name)
        kind, document = ("ceremony", f"twin {label}") if label else ("iki-twin", f"{record.issuer} {record.serial:X}")
        found = self._books.documents.get(kind, document)
        if found is None or tbs_of(found[1]) != tbs_of(record.der):
            yield Fault("I4", "twin_differs", name, "the twin that was linted is missing or has other octets", "twin")

    def _issued(self, record: CertificateRecord, name: str) -> Iterator[Fault]:
        """Issued on a request of its own."""
        requests = self._books.requests
        request = requests.get(record.request) if record.request else None
        papers = Papers(
            record,
            request,
            requests.decisions(record.request),
            requests.intent(record.issuer, record.serial),
            {**self._index.stories.get(record.request, {}), **self._index.stories.get(name, {})},
        )
        yield from agreement(papers, self._approvals, self._years)
        if request is None:
            return
        statements = [request.statement, *(each.statement for each in papers.decisions if each.granted)]
        for named in statements:
            if self._books.statements.get(named) is None:
                yield Fault("I4", "statement_missing", name, f"statement {named[:16]} is not kept", "statement")


def _judged(record: CertificateRecord, problem: Mapping[str, Any]) -> Fault:
    field_name = problem["field"] or problem["place"]
    return Fault("I4", problem["code"], identity(record.issuer, record.serial), problem["message"], field_name)


def _missing(index: AuditIndex, seen: set[str]) -> Iterator[Fault]:
    for name, kept in index.digests.items():
        if name not in seen:
            message = f"the audit log has it (SHA-256 {kept[:16]}...), the repository does not"
            yield Fault("I4", "certificate_missing", name, message)


def _approvals(books: Books, register: Register, check: _Certificates, done: Verification) -> Iterator[Fault]:
    uses = {name: books.approval_uses.uses(name) for name in register.approvals}
    done.counts["approvals"] = len(uses)
    yield from use_faults(register.approvals, uses, check.cited)


def _read_statements(books: Books, done: Verification) -> tuple[list[SignedStatement], Register]:
    try:
        statements = books.statements.of()
    except (KeyError, TypeError, ValueError) as error:
        done.faults.append(Fault("I4", "statement_unreadable", "statements", f"one of them cannot be read: {error}"))
        return [], Register()
    done.counts["statements"] = len(statements)
    register, faults = read_register(statements)
    done.faults += faults
    return statements, register


def _logged(statements: Sequence[SignedStatement], index: AuditIndex) -> Iterator[Fault]:
    """No statement without its audit entry, and the other way round."""
    kept = {each.digest for each in statements}
    for named, seq in index.statements.items():
        if named not in kept:
            yield Fault("I4", "statement_missing", f"statement {named[:16]}", f"audit entry {seq} cites it")
    for each in statements:
        if each.digest not in index.statements:
            yield Fault("I4", "statement_not_logged", f"statement {each.digest[:16]}", "no audit entry cites it")


def _evidence(statements: Sequence[SignedStatement], evidence: Evidence, done: Verification) -> Iterator[Fault]:
    """Every file that a statement about an approval cites, read and hashed again (hostile V5)."""
    for said in statements:
        body = said.statement.body
        if said.statement.kind not in _CITE_FILES:
            continue
        for name in {*body.get("evidence", ()), body.get("document", "")} - {""}:
            done.counts["evidence files"] += 1
            try:
                evidence.read(name)
            except Refused as refusal:
                yield Fault("I4", refusal.code, f"approval {said.statement.subject}", str(refusal), "evidence")


def _common_name(subject: str) -> str:
    """The CN at the end of a subject as records write it."""
    return subject.rpartition("CN=")[2].partition(",")[0]
