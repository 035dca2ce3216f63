"""The check of an evidence bundle: one certificate, from its root to what allowed it, with nothing else."""

import base64
from collections.abc import Callable, Mapping
from typing import BinaryIO

from trustcell_audit.authorities import hold_anchors, path_of, read_authorities
from trustcell_audit.by_batch import check_by_batch
from trustcell_audit.by_ceremony import check_by_ceremony, check_for_person
from trustcell_audit.by_request import check_by_request
from trustcell_audit.canonical import moment_of
from trustcell_audit.certificate import Parsed
from trustcell_audit.container import Bundle, read_bundle
from trustcell_audit.findings import Report
from trustcell_audit.keys import p256_key, sha256
from trustcell_audit.lint import lint
from trustcell_audit.match import match_record
from trustcell_audit.opened import Opened
from trustcell_audit.people import read_people
from trustcell_audit.profiles import Rules
from trustcell_audit.proofs import read_runs
from trustcell_audit.statements import Statements

PROCEDURES: Mapping[str, Callable[[Opened, Report], None]] = {
    "request": check_by_request,
    "batch": check_by_batch,
    "ceremony": check_by_ceremony,
    "person": check_for_person,
}
"""The ways a certificate comes about, and what has to be shown of each."""
PROCEDURE_TITLES = {
    "request": "on a request of its own",
    "batch": "for an item of a batch",
    "ceremony": "at the key ceremony",
    "person": "to a person, by the ICA",
}


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
    opened = _open(bundle, outside, anchors, report)
    procedure = opened.part("procedure")
    check = PROCEDURES.get(procedure)
    if report.need(check is not None, "procedure_unknown", "procedure", f"{procedure!r} is none that is known"):
        assert check is not None
        check(opened, report)


def _open(bundle: Bundle, outside: BinaryIO | None, anchors: frozenset[str], report: Report) -> Opened:
    """What every bundle brings: rules, authorities, the certificate with its record, statements, audit entries."""
    parts, environment = bundle.parts, bundle.manifest["environment"]
    rules = Rules(parts["rules"]["policies"], parts["rules"]["years"])
    authorities = read_authorities(parts["authorities"], rules, report)
    hold_anchors(anchors, bundle.audit_key, authorities, report)
    certificate, record = Parsed.read(bytes.fromhex(parts["certificate"])), parts["record"]
    statements = Statements(environment, authorities, rules, report)
    for digest, value in bundle.below("statement").items():
        statements.take(digest, value)
    audit_key = p256_key(bundle.audit_key)
    assert audit_key is not None
    entries = read_runs(parts["audit"], environment, audit_key, outside, report)
    people = read_people(statements, report)
    if statements.all:
        known = [base64.b64encode(each.certificate.der).decode() for each in authorities if each.kind == "ICA"]
        report.need(people.ica in known, "ica_differs", "authorities", "the register was founded on another ICA")
    subject = bundle.manifest["subject"]
    report.facts |= {
        "certificate": subject,
        "certificate_sha256": sha256(certificate.der),
        "kind": record["kind"],
        "issued": PROCEDURE_TITLES.get(parts["procedure"], "in no way that is known"),
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
    named = f"{record['issuer']}/{certificate.serial:X}" == subject
    report.need(named, "certificate_differs", "manifest", "it is about another certificate", "subject")
    issued_at = moment_of(record["issued_at"])
    assert issued_at is not None
    path = path_of(certificate, authorities, issued_at, "certificate", report)
    return Opened(
        bundle, certificate, subject, record, authorities, path, rules, statements, people, entries
    )  # fmt: skip
