"""The SMKI Repository: finds and gives out certificates, and nothing that was altered where it is kept (smki.md 5)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from trustcell.certs import Certificate
from trustcell.governance.rules.audit import AuditHead
from trustcell.smki.ports import Books, Store
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.foreign import SERIAL_LIMIT
from trustcell.smki.rules.integrity import ImportNote, Issuers, alterations
from trustcell.smki.rules.matching import matches
from trustcell.smki.rules.records import CertificateRecord, ListRecord, Query
from trustcell.vocab import Clause, Finding, KeyUsage, Refused, WireError

NOTES = "import-note"
"""Kind of the documents that hold what was noted of imported certificates, by ``certificate_name``."""
PACKS = "pack"
"""Kind of the documents of published manufacturing packs; ``certificates`` holds issuer and serial (hex) of each."""
ACCESS = Clause("SEC L6", "SEC Section L6: the SMKI Repository Interface; a certificate is an issuer and a serial")

_AUTHORITY = KeyUsage.KEY_CERT_SIGN | KeyUsage.CRL_SIGN
_REMEMBERED = 16_384
_LOOK_AGAIN = timedelta(seconds=30)


def certificate_name(record: CertificateRecord) -> str:
    """``T1/4DF56E92...``: issuer and serial, the name of a certificate in documents and audit entries."""
    return f"{record.issuer}/{record.serial:X}"


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: certificates as they should be, and a finding for each that was left out as altered."""

    records: tuple[CertificateRecord, ...]
    altered: tuple[Finding, ...]


class Repository:
    """Search and retrieval over a store. Reading changes nothing; every certificate given out is checked before.

    ``anchors`` are SubjectPublicKeyInfos of authorities by name that do not come from the store, such as those of our
    own keystore: for these names what the store holds does not count.
    """

    def __init__(self, store: Store, environment: Environment, anchors: Issuers | None = None) -> None:
        """Opens nothing."""
        self.store = store
        self.environment = environment
        self.anchors: Issuers = dict(anchors or {})
        self._issuers: Issuers = self.anchors
        self._looked: datetime | None = None
        self._packs: list[str] = []
        self._members: frozenset[str] = frozenset()
        # A record that was found right stays right as long as the authorities are the same ones.
        self._check = lru_cache(_REMEMBERED)(self._alterations)

    def search(self, query: Query, now: datetime) -> Found:
        """Every certificate that matches, by issuer and serial, each checked against its octets and its issuer."""
        with self.store.reading() as books:
            return self.checked(books, books.certificates.search(query, now), now)

    def search_pack(self, name: str, query: Query, now: datetime) -> Found:
        """Those of them that were issued for a manufacturing pack, or are in a published version of it."""
        with self.store.reading() as books:
            found = {
                (record.issuer, record.serial): record
                for record in books.certificates.search(replace(query, purpose=name, limit=None), now)
            }
            for issuer, serial in _members(books, name):
                record = books.certificates.get(issuer, int(serial, 16))
                if record is not None and matches(query, record, now):
                    found[record.issuer, record.serial] = record
            return self.checked(books, [found[identity] for identity in sorted(found)][: query.limit], now)

    def retrieve(self, issuer: str, serial: int, now: datetime) -> CertificateRecord | None:
        """The certificate with this identity, or ``None``; ``Refused`` (``certificate_altered``)."""
        if not 0 < serial < SERIAL_LIMIT:
            return None
        with self.store.reading() as books:
            record = books.certificates.get(issuer, serial)
            return None if record is None else self._one(self.checked(books, [record], now))

    def retrieve_serial(self, serial: int, now: datetime) -> CertificateRecord | None:
        """The certificate with this serial, or ``None``.

        ``Refused``: ``certificate_altered``, or ``serial_ambiguous`` when several issuers have used it and not just
        one of them is an authority of this environment.
        """
        if not 0 < serial < SERIAL_LIMIT:
            return None
        with self.store.reading() as books:
            found = self.checked(books, books.certificates.search(Query(serial=serial), now), now)
        ours = tuple(record for record in found.records if not record.imported)
        if len(found.records) > 1 and len(ours) != 1:
            issuers = ", ".join(record.issuer for record in found.records)
            text = f"{len(found.records)} certificates have this serial, of {issuers}"
            raise Refused([ACCESS.breach("serial_ambiguous", "serial", text, "name the issuer as well")])
        return self._one(found if len(found.records) < 2 else Found(ours, found.altered))

    def needed(self, issuer: str | None, serial: int, now: datetime) -> CertificateRecord:
        """One of the two above, by what is known of the certificate; ``Refused`` (``certificate_unknown``) if none."""
        found = self.retrieve_serial(serial, now) if issuer is None else self.retrieve(issuer, serial, now)
        if found is None:
            text = "the repository holds no such certificate"
            raise Refused([ACCESS.breach("certificate_unknown", f"{serial:X}", text, "see: trustcell smki search")])
        return found

    def companions(self, record: CertificateRecord, now: datetime) -> Found:
        """Every other certificate over the same key, whatever its status: to a device they may be one (smki.md 2.1)."""
        with self.store.reading() as books:
            others = [each for each in books.certificates.with_key(record.key) if not _same(each, record)]
            return self.checked(books, others, now)

    def note(self, record: CertificateRecord) -> ImportNote | None:
        """What was noted when the certificate was imported; nothing for one without a flaw."""
        with self.store.reading() as books:
            return note_of(books, record)

    def in_pack(self, records: Sequence[CertificateRecord]) -> list[bool]:
        """Whether each belongs to a manufacturing pack (``ManufacturingFlag``, our reading of smki.md 5.2)."""
        with self.store.reading() as books:
            self._read_packs(books)
        return [certificate_name(each) in self._members for each in records]

    def served_list(self, issuer: str) -> ListRecord | None:
        """The CRL or ARL of this authority that is given out."""
        with self.store.reading() as books:
            return books.revocations.served(issuer)

    def head(self) -> AuditHead | None:
        """The newest signed audit head: proof that the store answers."""
        with self.store.reading() as books:
            return books.audit.head()

    def checked(self, books: Books, records: Sequence[CertificateRecord], now: datetime) -> Found:
        """The records that are as they should be, and what is wrong with the others."""
        if not records:
            return Found((), ())
        self.issuers(books, now, {record.issuer for record in records})
        good: list[CertificateRecord] = []
        altered: list[Finding] = []
        for record in records:
            findings = self._check(record, note_of(books, record) if record.imported else None)
            altered.extend(findings)
            if not findings:
                good.append(record)
        return Found(tuple(good), tuple(altered))

    def issuers(self, books: Books, now: datetime, wanted: Iterable[str] = ()) -> Issuers:
        """The authorities known: the anchors, and what the store holds under other names.

        Read anew when one of ``wanted`` is missing, but not more than once in half a minute.
        """
        missing = any(name not in self._issuers for name in wanted)
        if self._looked is None or (missing and abs(now - self._looked) >= _LOOK_AGAIN):
            self._look(books, now)
        return self._issuers

    def refresh(self) -> None:
        """Forget what is known of authorities: one was added."""
        self._looked = None
        self._check.cache_clear()

    def _look(self, books: Books, now: datetime) -> None:
        found: dict[str, list[bytes]] = {}
        for record in books.certificates.search(Query(key_usage=_AUTHORITY), now):
            try:
                certificate = Certificate.from_der(record.der)
            except WireError:
                continue  # it is named when somebody asks for it
            if certificate.is_authority and (name := certificate.subject.common_name) is not None:
                found.setdefault(name, []).append(certificate.spki)
        self._issuers = {**found, **self.anchors}
        self._looked = now
        self._check.cache_clear()

    def _read_packs(self, books: Books) -> None:
        names = books.documents.names(PACKS)
        if names == self._packs:  # a published pack never changes
            return
        self._members = frozenset(f"{issuer}/{serial}" for issuer, serial in _members(books))
        self._packs = names

    def _alterations(self, record: CertificateRecord, note: ImportNote | None) -> tuple[Finding, ...]:
        return tuple(alterations(record, self._issuers, note))

    @staticmethod
    def _one(found: Found) -> CertificateRecord | None:
        if found.altered:
            raise Refused(found.altered)
        return found.records[0] if found.records else None


def note_of(books: Books, record: CertificateRecord) -> ImportNote | None:
    """The note beside an imported certificate."""
    kept = books.documents.get(NOTES, certificate_name(record))
    if kept is None:
        return None
    body = kept[0]
    findings = body.get("findings")
    shown = tuple(findings) if isinstance(findings, list) else ()
    return ImportNote(str(body.get("sha256", "")), body.get("pinned") is True, shown)


def _members(books: Books, pack: str | None = None) -> Iterator[tuple[str, str]]:
    """Issuer and serial (hex) of every certificate in published packs, or in those of this name."""
    for name in books.documents.names(PACKS):
        found = books.documents.get(PACKS, name)
        if found is None or (pack is not None and found[0].get("name") != pack):
            continue
        listed = found[0].get("certificates")
        yield from ((str(issuer), str(serial)) for issuer, serial in (listed if isinstance(listed, list) else ()))


def _same(a: CertificateRecord, b: CertificateRecord) -> bool:
    return (a.issuer, a.serial) == (b.issuer, b.serial)
