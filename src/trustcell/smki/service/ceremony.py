"""The key ceremony: keys made, authorities certified, every step an entry of the audit chain (smki.md 3.9).

A ceremony that was interrupted goes on when it is held again: keys that are there are used, a certificate whose twin
was kept is signed again from the same octets if the key signs deterministically, and given another serial if not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trustcell.certs import Certificate
from trustcell.governance.rules.canonical import digest
from trustcell.smki.ports import Books, KeyKind, Keystore, Signer, Store
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.environment_form import environment_values
from trustcell.smki.rules.hierarchy import (
    AUDIT_KEY,
    AUTHORITIES,
    OCA_PERIOD,
    AuthorityRow,
    authority_tbs,
    ceremony_findings,
    certificate_record,
)
from trustcell.smki.service.hierarchy import (
    AUTHORITY,
    ENVIRONMENT,
    CaKey,
    Hierarchy,
    load_authority,
    load_hierarchy,
)
from trustcell.smki.service.making import serial_of
from trustcell.smki.service.twin import certificate_of_twin, linted_twin
from trustcell.vocab import Refused

CEREMONY = "ceremony"
"""Kind of the documents a ceremony leaves: one a key (by label), one a twin (``twin LABEL``)."""

Step = Callable[[str], None]


@dataclass(frozen=True)
class _Ceremony:
    store: Store
    keystore: Keystore
    environment: Environment
    now: datetime
    random: Callable[[int], bytes]
    custodians: tuple[str, ...]
    step: Step


def hold_ceremony(
    store: Store,
    keystore: Keystore,
    environment: Environment,
    *,
    now: datetime,
    random: Callable[[int], bytes],
    custodians: Sequence[str],
    step: Step = lambda _: None,
) -> Hierarchy:
    """Make every key and authority of the environment that is not there yet; ``step`` is told each one.

    ``Refused``: ``ceremony_custodians``, ``environment_not_begun``, ``environment_differs`` when the books hold
    another environment, ``ceremony_key_differs`` when a key is no longer the one that was made.
    """
    held = _Ceremony(store, keystore, environment, now.replace(microsecond=0), random, tuple(custodians), step)
    findings = list(ceremony_findings(environment, held.custodians, held.now))
    if findings:
        raise Refused(findings)
    _begin(held)
    _key(held, AUDIT_KEY, KeyKind.P256)
    for row in AUTHORITIES:
        signer = _key(held, row.label, KeyKind.RSA2048 if row.is_rsa else KeyKind.P256)
        _certify(held, row, signer)
    with store.reading() as books:
        return load_hierarchy(books, keystore)


def ceremony_complete(books: Books) -> bool:
    """Whether every authority has its certificate."""
    return all(books.documents.get(AUTHORITY, row.label) is not None for row in AUTHORITIES)


def _begin(held: _Ceremony) -> None:
    values = environment_values(held.environment)
    with held.store.transaction(held.now) as books:
        found = books.documents.get(ENVIRONMENT, ENVIRONMENT)
        if found is not None and found[0] != values:
            names = ", ".join(sorted(name for name in values if found[0].get(name) != values[name]))
            message = f"the books hold an environment with another {names}"
            raise Refused([OCA_PERIOD.breach("environment_differs", "environment", message, "the same environment")])
        if found is None:
            books.documents.put(ENVIRONMENT, ENVIRONMENT, dict(values))
        kind = "ceremony.began" if found is None else "ceremony.resumed"
        _log(books, held, kind, held.environment.identifier, {"environment": values})


def _key(held: _Ceremony, label: str, kind: KeyKind) -> Signer:
    """The key of this label, made if it is not there; logged once, with the hash of its public key."""
    there = label in held.keystore.labels()
    signer = held.keystore.signer(label) if there else held.keystore.generate(label, kind)
    key = digest(signer.public_key)
    with held.store.reading() as books:
        found = books.documents.get(CEREMONY, label)
    if found is not None and found[0]["key"] != key:
        message = f"it is {key}, the ceremony made {found[0]['key']}"
        remedy = "the keystore in which the ceremony began"
        raise Refused([OCA_PERIOD.breach("ceremony_key_differs", label, message, remedy)])
    if found is None:
        body: dict[str, Any] = {
            "deterministic": signer.deterministic,
            "found": there,
            "key": key,
            "kind": signer.kind.value,
        }
        with held.store.transaction(held.now) as books:
            books.documents.put(CEREMONY, label, dict(body), signer.public_key)
            _log(books, held, "ceremony.key", label, body)
    held.step(f"key {label}")
    return signer


def _certify(held: _Ceremony, row: AuthorityRow, signer: Signer) -> None:
    with held.store.reading() as books:
        if load_authority(books, held.keystore, row.label) is not None:
            held.step(f"certificate {row.label}")
            return
        issuer = None if row.is_root else load_authority(books, held.keystore, row.issuer)
    policy = row.policy(held.environment)
    issuing = signer if issuer is None else issuer.signer
    twin = _twin(held, row, signer, issuer)
    made = certificate_of_twin(
        twin,
        row.kind,
        policy,
        issuing.kind,
        issuing.public_key,
        issuing.sign if issuer is None else lambda octets: issuer.sign(octets, held.now),
    )
    record = certificate_record(made, held.now)
    with held.store.transaction(held.now) as books:
        books.certificates.add(record)
        identity = {"issuer": record.issuer, "serial": f"{record.serial:X}"}
        books.documents.put(AUTHORITY, row.label, dict(identity))
        body = {
            **identity,
            "certificate": digest(made.der),
            "clause": row.clause.ref,
            "key": made.spki_sha256.hex(),
            "signed_by": issuing.label,
            "subject": record.subject,
            "tbs": digest(made.tbs),
        }
        _log(books, held, "ceremony.certificate", row.label, body)
    held.step(f"certificate {row.label}")


def _twin(held: _Ceremony, row: AuthorityRow, signer: Signer, issuer: CaKey | None) -> bytes:
    """The linted twin, kept before the real key signs; the one of an interrupted ceremony if it can be signed again."""
    name = f"twin {row.label}"
    issuing = signer if issuer is None else issuer.signer
    with held.store.reading() as books:
        kept = books.documents.get(CEREMONY, name)
    if kept is not None and issuing.deterministic:
        return kept[1]
    serial = serial_of(held.random)
    certificate = None if issuer is None else issuer.certificate
    tbs = authority_tbs(row, held.environment, serial, signer.public_key, certificate, held.now)
    twin = linted_twin(tbs, row.kind, row.policy(held.environment))
    body = {"abandoned": kept is not None and f"{Certificate.from_der(kept[1]).serial:X}", "serial": f"{serial:X}"}
    with held.store.transaction(held.now) as books:
        books.documents.put(CEREMONY, name, {"serial": f"{serial:X}"}, twin)
        _log(books, held, "ceremony.twin", row.label, {**body, "tbs": digest(tbs), "twin": digest(twin)})
    return twin


def _log(books: Books, held: _Ceremony, kind: str, subject: str, body: dict[str, Any]) -> None:
    books.audit.append(kind, subject, {**body, "custodians": list(held.custodians)}, held.now)
