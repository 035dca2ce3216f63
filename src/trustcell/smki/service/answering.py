"""A subscriber's answer to a certificate: taken, or rejected and revoked at once (SEC L11.5 to L11.7; hostile C19)."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from trustcell.governance import Governance
from trustcell.governance.ports import Credential
from trustcell.governance.rules.canonical import digest
from trustcell.smki.ports import Books, Deployments
from trustcell.smki.rules.clauses import L11_5
from trustcell.smki.rules.records import CertificateRecord, Family, Query, RequestState
from trustcell.smki.rules.revocation import GROUNDS, Circumstance, identity
from trustcell.vocab import Eui64, Refused

DEVICES = "rejected-devices"
"""Kind of the documents that list the devices a rejected certificate is thought to be on, by certificate."""
_EUI_OCTETS = 8


class NothingKnown:
    """See ``Deployments``: the answer where nobody keeps an inventory of cells."""

    def devices_with(self, record: CertificateRecord) -> frozenset[Eui64]:
        """None."""
        return frozenset()


def answer(
    books: Books,
    governance: Governance,
    deployments: Deployments,
    name: tuple[str, int],
    credential: Credential,
    now: datetime,
    rejected: str | None,
) -> CertificateRecord:
    """Take a certificate, or reject it for the reason ``rejected``; in the caller's transaction.

    ``Refused``: ``certificate_unknown``, ``certificate_answered``.
    """
    record = books.certificates.get(*name)
    subject, verb = identity(*name), "accept" if rejected is None else "reject"
    request = books.requests.get(record.request) if record and record.request else None
    person = governance.register(books).people.get(credential.person)
    if record is None or request is None or person is None or request.party not in person.acts_for:
        message = f"there is no {subject} of a party this person acts for"
        raise Refused([L11_5.breach("certificate_unknown", "certificate", message, "one of your own")])
    if record.accepted is not None or record.revoked_at is not None:
        message = f"{subject} is {'revoked' if record.revoked_at else 'accepted'}"
        raise Refused([L11_5.breach("certificate_answered", "certificate", message, "ask for a revocation")])
    said = {"certificate_sha256": digest(record.der), "reason": rejected or ""}
    statement = governance.state(books, credential, f"certificate.{verb}", subject, said, now)
    body = {"reason": rejected or "", "request": request.name, "statement": statement.digest}
    answered = replace(record, accepted=rejected is None)
    if rejected is not None:
        circumstance = Circumstance.REJECTED
        answered = replace(
            answered,
            revoked_at=now,
            revocation_reason=GROUNDS[circumstance].reasons[0],
            revocation_circumstance=circumstance.value,
        )
        body |= _raise_devices(books, deployments, record)
    books.certificates.update(answered)
    done = RequestState.ACCEPTED_BY_SUBSCRIBER if rejected is None else RequestState.REJECTED_BY_SUBSCRIBER
    books.requests.move(request.name, done)
    books.audit.append(f"certificate.{verb}ed", subject, {**body, "used_for": record.purpose}, now)
    return answered


def devices_raised(books: Books, issuer: str, serial: int) -> list[Eui64]:
    """The devices that were raised when this certificate was rejected."""
    found = books.documents.get(DEVICES, identity(issuer, serial))
    octets = b"" if found is None else found[1]
    return [Eui64(octets[at : at + _EUI_OCTETS]) for at in range(0, len(octets), _EUI_OCTETS)]


def _raise_devices(books: Books, deployments: Deployments, record: CertificateRecord) -> dict[str, Any]:
    """Keep the list of devices the certificate may be on: those somebody knows of, and those made for the same pack."""
    devices = set(deployments.devices_with(record))
    if record.purpose:
        made = books.certificates.search(Query(family=Family.DEVICE, purpose=record.purpose), record.issued_at)
        devices |= {each.entity_id for each in made if each.entity_id is not None}
    octets = b"".join(sorted(devices))
    books.documents.put(DEVICES, identity(record.issuer, record.serial), {"count": len(devices)}, octets)
    return {"devices": len(devices), "devices_sha256": digest(octets)}
