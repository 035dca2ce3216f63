"""Revocation lists are made, kept, and only then given out: number taken, linted, signed, stored, served.

The list before is served until the new one is stored (hostile K44). Its number is taken and kept before the key signs,
so that no number is ever signed twice with other entries; one that is lost on the way is left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from trustcell.certs import CrlTemplate, signature_der, verify_ecdsa_der
from trustcell.certs.crl_fast import crl_tbs_of, signed_crl
from trustcell.certs.crl_splice import names
from trustcell.governance import Governance, audited
from trustcell.governance.ports import Credential
from trustcell.governance.rules.canonical import digest, moment
from trustcell.smki.ports import Books, Store
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.lists import Due, ListKind, due, entries, number_findings
from trustcell.smki.rules.records import ListRecord
from trustcell.smki.service.hierarchy import CaKey, Hierarchy
from trustcell.smki.service.list_entries import KEPT, next_entries
from trustcell.smki.service.list_lint import lint, wrong
from trustcell.vocab import Finding, Refused

ISSUE = "list.issue"
NUMBERS = "list-number"
"""Kind of the documents that hold the last number taken, by issuer."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A list that passed the lint and waits for its signature."""

    number: int
    this_update: datetime
    next_update: datetime
    tbs: bytes = field(repr=False)
    statement: str
    kept: Mapping[str, object]


class RevocationLists:
    """Makes the Organisation CRL and ARL, and tells when the next one is due."""

    def __init__(
        self,
        store: Store,
        governance: Governance,
        environment: Environment,
        hierarchy: Hierarchy,
        hook: Callable[[str], None] = lambda point: None,
    ) -> None:
        """Opens nothing. ``hook`` is called at ``list-taken``, ``list-signed`` and ``K44`` (stored, not served)."""
        self._store, self._governance, self._environment = store, governance, environment
        self._hierarchy, self._hook = hierarchy, hook

    def issue(self, kind: ListKind, credential: Credential, now: datetime) -> ListRecord:
        """Make the next list and serve it; the record as it is served.

        Refused with ``ca_key_period_ended``, ``crl_number_fell`` when another process made one meanwhile,
        ``clock_went_back``, or what the lint finds (``crl_...``).
        """
        issuer, authority, now = kind.issuer(self._environment), self._authority(kind), now.replace(microsecond=0)
        with audited(self._store, "list.refused", issuer, credential.person, now):
            prepared = self._prepare(kind, authority, credential, now)
            self._hook("list-taken")
            signature = authority.sign(prepared.tbs, now)
            self._hook("list-signed")
            if not verify_ecdsa_der(authority.certificate.public_key, signature_der(signature), prepared.tbs):
                raise Refused([wrong("crl_signature_wrong", "signatureValue", "the key did not sign this list")])
            der = signed_crl(prepared.tbs, lambda _: signature)
            record = ListRecord(issuer, prepared.number, prepared.this_update, prepared.next_update, der, False)
            facts = {"number": record.number, "sha256": digest(der), "statement": prepared.statement}
            with self._store.transaction(now) as books:
                books.revocations.add_list(record)
                books.documents.put(KEPT, issuer, dict(prepared.kept))
                books.audit.append("list.stored", issuer, facts, now)
            self._hook("K44")
            return self._serve(record, now)

    def recover(self, now: datetime) -> list[ListRecord]:
        """Serve what was stored and, after a crash, never served; gives the lists now served that were not before."""
        with self._store.reading() as books:
            waiting = [_waiting(books, kind.issuer(self._environment)) for kind in ListKind]
        return [self._serve(each, now) for each in waiting if each is not None]

    def served(self, kind: ListKind) -> ListRecord | None:
        """The list given out."""
        with self._store.reading() as books:
            return books.revocations.served(kind.issuer(self._environment))

    def due(self, now: datetime) -> list[Due]:
        """The lists that must be made by now; ``running_time`` gives a ``now`` that a frozen clock does not hold up."""
        found = []
        with self._store.reading() as books:
            for kind in ListKind:
                issuer = kind.issuer(self._environment)
                served, newest = books.revocations.served(issuer), books.revocations.newest(issuer)
                found.append(due(kind, self._environment, served, newest, _unlisted(books, issuer, served), now))
        return [each for each in found if each is not None]

    def _prepare(self, kind: ListKind, authority: CaKey, credential: Credential, now: datetime) -> _Prepared:
        issuer, certificate = kind.issuer(self._environment), authority.certificate
        authority.check(now)
        with self._store.transaction(now) as books:
            newest = books.revocations.newest(issuer)
            served = newest if newest is not None and newest.served else books.revocations.served(issuer)
            taken = books.documents.get(NUMBERS, issuer)
            number = max(newest.number if newest else 0, int(str(taken[0]["number"])) if taken else 0) + 1
            _refuse(number_findings(number, now, newest))
            found = next_entries(books, issuer, certificate.public_key, served, number, now)
            template = CrlTemplate(
                issuer=certificate.subject,
                this_update=now,
                next_update=min(now + kind.period(self._environment), certificate.not_after),
                number=number,
                issuer_key_identifier=certificate.subject_key_identifier or b"",
            )
            tbs = crl_tbs_of(template, found.encoded)
            _refuse(lint(template, tbs, found, authority, now))
            body = {
                "entries": len(found.encoded),
                "list": kind.value,
                "next_update": moment(template.next_update),
                "number": number,
                "tbs": digest(tbs),
                "this_update": moment(now),
            }
            signed = self._governance.state(books, credential, ISSUE, issuer, body, now)
            books.documents.put(NUMBERS, issuer, {"number": number, "tbs": digest(tbs)})
            books.audit.append("list.taken", issuer, {**body, "statement": signed.digest}, now)
        return _Prepared(number, now, template.next_update, tbs, signed.digest, found.kept)

    def _serve(self, record: ListRecord, now: datetime) -> ListRecord:
        with self._store.transaction(now) as books:
            books.revocations.serve(record.issuer, record.number)
            books.audit.append(
                "list.served", record.issuer, {"number": record.number, "sha256": digest(record.der)}, now
            )
            served = books.revocations.served(record.issuer)
        assert served is not None  # serve just wrote it
        return served

    def _authority(self, kind: ListKind) -> CaKey:
        return self._hierarchy.issuing_oca if kind is ListKind.CRL else self._hierarchy.root_oca


def _waiting(books: Books, issuer: str) -> ListRecord | None:
    newest, served = books.revocations.newest(issuer), books.revocations.served(issuer)
    if newest is None or (served is not None and newest.number <= served.number):
        return None
    return newest


def _unlisted(books: Books, issuer: str, served: ListRecord | None) -> datetime | None:
    """When the first certificate was revoked that the list served does not name."""
    if served is None:
        return None
    since = served.this_update
    wanted = entries(books.revocations.gone(issuer, since), books.requests.abandoned(issuer), since)
    return next((each.revoked_at for each in wanted if not names(served.der, each.serial)), None)


def _refuse(findings: list[Finding]) -> None:
    if findings:
        raise Refused(findings)
