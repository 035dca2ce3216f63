"""The revocation lists given out, held against what is revoked, the audit log and the authority's key."""

from collections.abc import Iterator, Mapping, Sequence

from trustcell import certs
from trustcell.governance.rules.canonical import digest, read_moment
from trustcell.smki.ports import Books
from trustcell.smki.rules.agreement import Fault
from trustcell.smki.rules.agreement_lists import Gone, list_agreement
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.lists import ListKind
from trustcell.smki.rules.records import CertificateRecord
from trustcell.smki.rules.revocation import SUPERSEDED
from trustcell.smki.service.audit_index import AuditIndex
from trustcell.vocab import Severity, WireError


def verify_lists(
    books: Books, index: AuditIndex, environment: Environment, authorities: Mapping[str, Sequence[CertificateRecord]]
) -> Iterator[Fault]:
    """What is not as it must be about the CRL and the ARL that are given out; ``authorities`` by their CN."""
    for kind in ListKind:
        issuer = kind.issuer(environment)
        record, said = books.revocations.served(issuer), index.stories.get(issuer, {})
        served = said.get("list.served", ())
        if record is None:
            if served:
                message = f"the audit log says list {served[-1]['number']} is given out, the books have none"
                yield Fault("I4", "list_missing", f"lists of {issuer}", message)
            continue
        name = f"list {record.number} of {issuer}"
        try:
            found = certs.CertificateList.from_der(record.der)
        except WireError as error:
            yield Fault("I4", "list_unreadable", name, str(error), "der")
            continue
        taken = {each["number"]: each for each in said.get("list.taken", ())}
        before = [each["number"] for each in served if each["number"] < record.number and each["number"] in taken]
        previous = read_moment(taken[before[-1]]["this_update"]) if before else None
        yield from list_agreement(record, found, _gone(books, issuer), previous)
        if not served or (served[-1]["number"], served[-1]["sha256"]) != (record.number, digest(record.der)):
            yield Fault("I4", "list_differs", name, "the audit log says another list is given out", "list.served")
        for each in certs.check_crl(found):
            if each.severity is Severity.ERROR:
                yield Fault("I4", "list_lint", name, str(each), each.field)
        keys = [certs.Certificate.from_der(each.der).public_key for each in authorities.get(issuer, ())]
        if not any(found.verify(key) for key in keys):
            yield Fault("I4", "list_signature", name, f"the key of {issuer} did not sign it", "signature")


def _gone(books: Books, issuer: str) -> Iterator[Gone]:
    for each in books.revocations.revoked(issuer):
        if each.revoked_at is not None and not each.imported:
            yield Gone(each.serial, each.not_after, each.revoked_at, each.revocation_reason)
    for intent in books.requests.abandoned(issuer):
        ends = certs.Certificate.from_der(intent.twin).not_after
        yield Gone(intent.serial, ends, intent.at, SUPERSEDED)
