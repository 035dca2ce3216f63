"""IKI Certificates for people: from a request of their own, once a key, by the ICA (smki.md 1.2, 2.7; SEC L11.4(c))."""

from collections.abc import Callable, Iterator
from datetime import datetime

from trustcell import certs
from trustcell.governance import audited
from trustcell.governance.rules.canonical import digest
from trustcell.smki.ports import Books, Store
from trustcell.smki.rules.appendix_b_6_3_2 import last_second
from trustcell.smki.rules.clauses import COMPROMISE, L11_4_C
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.hierarchy import certificate_record
from trustcell.smki.rules.records import CertificateRecord, Family, Query, Status
from trustcell.smki.service.hierarchy import CaKey
from trustcell.smki.service.making import serial_of
from trustcell.smki.service.twin import certificate_of_twin, linted_twin
from trustcell.vocab import Clause, Finding, Refused

TWIN = "iki-twin"
"""Kind of the documents that keep the twin of each IKI Certificate; named by issuer and serial."""
_NAMES = Clause("SEC Appendix M, IKI credentials", "SMKI Interface Design Specification: CN is a unique system name")


def issue_person_certificate(
    store: Store,
    ica: CaKey,
    environment: Environment,
    csr: bytes,
    *,
    now: datetime,
    random: Callable[[int], bytes],
    by: str,
) -> CertificateRecord:
    """Issue to whom the request names (O, OU, CN); ``by`` is the registrar, or the ceremony for the first one.

    Any armour will do for ``csr``. ``Refused``: findings of ``check_iki_csr``, ``public_key_in_use`` (SEC L11.4(c)),
    ``public_key_barred``, ``iki_name_in_use``, those of ``CaKey.sign``. A refusal is one entry of the audit chain.
    """
    now = now.replace(microsecond=0)
    request = certs.load_csr(csr)
    with audited(store, "iki.refused", digest(request.der), by, now):
        findings = certs.check_iki_csr(request)
        if findings:
            raise Refused(findings)
        ica.check(now)
        twin = _prepare(store, ica, environment, request, now, random, by)
        made = certificate_of_twin(
            twin,
            certs.CertificateKind.IKI,
            environment.iki_policy,
            ica.signer.kind,
            ica.certificate.spki,
            lambda octets: ica.sign(octets, now),
        )
        record = certificate_record(made, now, request=digest(request.der))
        with store.transaction(now) as books:
            books.certificates.add(record)
            body = {
                "by": by,
                "certificate": digest(made.der),
                "issuer": record.issuer,
                "key": record.key.hex(),
                "serial": f"{record.serial:X}",
                "subject": record.subject,
            }
            books.audit.append("iki.issued", record.request, body, now)
    return record


def _prepare(
    store: Store,
    ica: CaKey,
    environment: Environment,
    request: certs.CertificationRequest,
    now: datetime,
    random: Callable[[int], bytes],
    by: str,
) -> bytes:
    """The linted twin, kept with the request before the ICA's key signs."""
    with store.transaction(now) as books:
        findings = list(_findings(books, request, now))
        if findings:
            raise Refused(findings)
        serial = serial_of(random)
        end = min(last_second(now, environment.person_years), ica.certificate.not_after)
        template = certs.IkiTemplate(
            serial,
            ica.certificate.subject,
            now,
            end,
            request.subject,
            request.spki,
            environment.iki_policy,
            ica.certificate.subject_key_identifier or b"",
        )
        twin = linted_twin(certs.iki_tbs(template), certs.CertificateKind.IKI, environment.iki_policy)
        name = digest(request.der)
        books.documents.put(TWIN, f"{ica.name} {serial:X}", {"request": name, "csr": request.der.hex()}, twin)
        body = {"by": by, "serial": f"{serial:X}", "twin": digest(twin)}
        books.audit.append("iki.prepared", name, body, now)
    return twin


def _findings(books: Books, request: certs.CertificationRequest, now: datetime) -> Iterator[Finding]:
    key = bytes.fromhex(digest(request.spki))
    for other in books.certificates.with_key(key, Family.IKI):
        message = f"it stands in the certificate {other.serial:X} of {other.issuer}"
        yield L11_4_C.breach("public_key_in_use", "publicKeyInfo", message, "a request over a new key")
    if (reason := books.revocations.barred(key)) is not None:
        yield COMPROMISE.breach("public_key_barred", "publicKeyInfo", f"it is barred: {reason}", "a new key")
    wanted = request.subject.common_name
    for other in books.certificates.search(Query(family=Family.IKI), now):
        subject = certs.Certificate.from_der(other.der).subject
        living = other.status(now) not in (Status.REVOKED, Status.EXPIRED)
        if living and subject.common_name == wanted and subject.der != request.subject.der:
            message = f"{wanted} is {other.subject} already"
            yield _NAMES.breach("iki_name_in_use", "subject", message, "another CN")
