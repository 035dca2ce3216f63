"""Intents: the certificate that is about to be signed, what becomes of it, and what a crash in between leaves."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from trustcell import certs
from trustcell.governance.rules.canonical import digest
from trustcell.governance.rules.register import Register
from trustcell.smki.ports import Books
from trustcell.smki.rules.ask import Ask
from trustcell.smki.rules.clauses import PROFILE
from trustcell.smki.rules.facts import Facts
from trustcell.smki.rules.records import (
    CertificateRecord,
    DecisionRecord,
    IntentRecord,
    RequestRecord,
    RequestState,
)
from trustcell.smki.rules.revocation import identity
from trustcell.smki.rules.sec_l11 import holders
from trustcell.smki.service.making import Random, serial_of
from trustcell.vocab import Refused

Hook = Callable[[str], None]
_TRIES = 3


def free_serial(books: Books, issuer: str, random: Random) -> tuple[int, bool]:
    """A serial, and whether it is taken: after three tries that all are, the random source is broken (C10)."""
    serial, taken = 0, True
    for _ in range(_TRIES):
        serial = serial_of(random)
        taken = books.certificates.get(issuer, serial) is not None or books.requests.intent(issuer, serial) is not None
        if not taken:
            break
    return serial, taken


def key_story(facts: Facts, approvals: tuple[str, ...]) -> dict[str, Any]:
    """What a certificate says of its key: new, or the same as in an earlier one and under which approval."""
    others = holders(facts)
    if not others:
        return {"key": "new"}
    return {"key": "repeated", "same_as": [identity(e.issuer, e.serial) for e in others], "under": list(approvals)}


def store_certificate(
    books: Books, register: Register, intent: IntentRecord, der: bytes, now: datetime, hook: Hook
) -> CertificateRecord:
    """Keep the certificate, count its approvals, settle the intent, lodge: all of it in the caller's transaction.

    ``Refused``: ``intent_abandoned``, ``public_key_in_use``, ``serial_in_use``, ``approval_used_up``.
    """
    stands = books.requests.intent(intent.issuer, intent.serial)
    request = books.requests.get(intent.request)
    if stands is None or request is None:
        raise LookupError(f"no intent for {identity(intent.issuer, intent.serial)}")
    existing = books.certificates.get(intent.issuer, intent.serial)
    if stands.settled == "issued" and existing is not None:
        return existing  # another process finished it with the same octets
    if stands.settled:
        message = f"{identity(intent.issuer, intent.serial)} was given up in the meantime"
        raise Refused([PROFILE.breach("intent_abandoned", "serialNumber", message, "issue it anew")])
    decision = granted_for(books, intent)
    record = _record(books, intent, request, decision.approvals, der, now)
    books.certificates.add(record)
    for name in decision.approvals:
        limit = register.approvals[name].scope.max_certificates
        books.approval_uses.take(name, limit, intent.issuer, intent.serial, now)
    books.requests.settle(intent.issuer, intent.serial, "issued")
    books.requests.move(request.name, RequestState.ISSUED)
    hook("K40")
    lodged = replace(record, lodged_at=now)
    books.certificates.update(lodged)
    books.requests.move(request.name, RequestState.LODGED)
    books.audit.append(
        "certificate.issued",
        identity(intent.issuer, intent.serial),
        {
            "approvals": list(decision.approvals),
            "decision": decision.number,
            "key": record.key.hex(),
            "key_use": record.key_use,
            "lodged": True,
            "request": request.name,
            "rule_set": decision.rule_set,
            "sha256": digest(der),
            "tbs_sha256": digest(intent.tbs),
            "twin_sha256": digest(intent.twin),
        },
        now,
    )
    hook("K41")
    return lodged


def abandon(books: Books, intent: IntentRecord, now: datetime) -> None:
    """Give up a certificate that may have been signed: lists name its serial, its key counts as used (K39)."""
    books.requests.settle(intent.issuer, intent.serial, "abandoned")
    books.audit.append(
        "certificate.abandoned",
        identity(intent.issuer, intent.serial),
        {"request": intent.request, "tbs_sha256": digest(intent.tbs), "twin_sha256": digest(intent.twin)},
        now,
    )


def granted_for(books: Books, intent: IntentRecord) -> DecisionRecord:
    """The decision that stands behind an intent."""
    identity_of = (intent.issuer, intent.serial)
    return next(e for e in books.requests.decisions(intent.request) if e.granted and e.certificate == identity_of)


def _record(
    books: Books,
    intent: IntentRecord,
    request: RequestRecord,
    approvals: tuple[str, ...],
    der: bytes,
    now: datetime,
) -> CertificateRecord:
    made = certs.Certificate.from_der(der)
    earlier = books.certificates.with_key(request.key, request.family)
    return CertificateRecord(
        intent.issuer,
        intent.serial,
        request.family,
        certs.CertificateKind.ORGANISATION.value,
        str(made.subject),
        made.role,
        made.entity_id,
        made.key_usage,
        made.subject_key_identifier or b"",
        made.spki_sha256,
        made.not_before,
        made.not_after,
        der,
        now,
        request.name,
        max([-1, *(each.key_use for each in earlier)]) + 1,
        approvals,
        Ask.from_json(request.ask).purpose,
    )
