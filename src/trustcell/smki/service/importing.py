"""Certificates of other authorities, taken into the repository by one signed statement (smki.md 2.10, trap T2)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from trustcell.certs import Certificate
from trustcell.governance.ports import Credential
from trustcell.governance.rules.canonical import canonical, digest
from trustcell.governance.service import Governance, audited
from trustcell.smki.ports import Books
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.foreign import IMPORT, ForeignItem, ForeignVerdict, Outcome, judge, read_item, record_of
from trustcell.smki.rules.integrity import issuer_of
from trustcell.smki.rules.records import CertificateRecord, Family, Query
from trustcell.smki.service.repository import NOTES, Repository, certificate_name
from trustcell.vocab import Finding, Refused

STATEMENT = "certificates.import"
MANIFESTS = "import"
"""Kind of the documents that say what became of every item of an import, by the digest of the manifest."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of each item, in the order given, and the digest of the manifest that was signed."""

    verdicts: tuple[ForeignVerdict, ...]
    manifest: str

    def count(self, outcome: Outcome) -> int:
        """How many items ended this way."""
        return sum(verdict.outcome is outcome for verdict in self.verdicts)


class Imports:
    """Takes in what another authority issued; the rule of unique keys does not apply to it."""

    def __init__(self, repository: Repository, governance: Governance) -> None:
        """Everything comes from outside."""
        self._repository, self._governance = repository, governance

    def take(
        self, items: Sequence[ForeignItem], credential: Credential, now: datetime, pins: Collection[str] = ()
    ) -> Imported:
        """Take in what can be taken, leave out the rest with its findings: one statement, one commit.

        ``pins`` are SHA-256 digests (hex) of self-signed certificates that name another issuer (trap T4). ``Refused``
        with the findings when nothing at all can be taken or held.
        """
        store = self._repository.store
        with (
            audited(store, "certificates.import.refused", "import", credential.person, now),
            store.transaction(now) as books,
        ):
            imported = take_in(self._repository, books, items, now, pins)
            if not any(verdict.outcome is not Outcome.LEFT_OUT for verdict in imported.verdicts):
                raise Refused([finding for verdict in imported.verdicts for finding in verdict.findings] or [_empty()])
            body = {
                "manifest": imported.manifest,
                "items": len(imported.verdicts),
                "pinned": sorted(_digests(imported, Outcome.PINNED)),
            }
            signed = self._governance.state(books, credential, STATEMENT, imported.manifest, body, now)
            books.audit.append("certificates.imported", imported.manifest, {**body, "statement": signed.digest}, now)
        self._repository.refresh()
        return imported


def take_in(
    repository: Repository, books: Books, items: Sequence[ForeignItem], now: datetime, pins: Collection[str] = ()
) -> Imported:
    """The same inside a transaction and without a statement, for a lab that has no people."""
    issuers: dict[str, Sequence[bytes]] = dict(repository.issuers(books, now))
    ours = authorities(repository.environment)
    verdicts: dict[int, ForeignVerdict] = {}
    read = [(number, item, *read_item(item)) for number, item in enumerate(items)]
    # Authorities first, roots before all, so that what they issued can be checked.
    read.sort(key=lambda each: (each[2] is None, not (each[2] and each[2].is_authority), not _is_root(each[2])))
    entries: list[tuple[str, str, dict[str, Any]]] = []
    for number, item, certificate, findings in read:
        if certificate is None:
            verdicts[number] = ForeignVerdict(item, Outcome.LEFT_OUT, None, tuple(findings))
            continue
        held = books.certificates.get(issuer_of(certificate), certificate.serial)
        verdict = judge(item, certificate, issuers=issuers, ours=ours, held=held, pins=pins)
        verdicts[number] = verdict
        if not verdict.taken:
            continue
        record = _kept(books, verdict, now)
        codes = sorted({finding.code for finding in verdict.findings})
        body = {"sha256": certificate.sha256.hex(), "outcome": verdict.outcome.value, "findings": codes}
        entries.append(("certificate.imported", certificate_name(record), body))
        if certificate.is_authority and (name := certificate.subject.common_name) and name not in repository.anchors:
            issuers[name] = (*issuers.get(name, ()), certificate.spki)
    ordered = tuple(verdicts[number] for number in range(len(items)))
    octets = canonical({"items": [verdict.as_json() for verdict in ordered]})
    manifest = digest(octets)
    books.documents.put(MANIFESTS, manifest, {"items": len(ordered), "kept": len(entries)}, octets)
    if entries:
        books.audit.append_many(now, entries)
    return Imported(ordered, manifest)


def authorities(environment: Environment) -> frozenset[str]:
    """The names of the authorities of an environment."""
    each = environment
    return frozenset({each.root_oca, each.issuing_oca, each.root_dca, each.issuing_dca, each.ica})


def _kept(books: Books, verdict: ForeignVerdict, now: datetime) -> CertificateRecord:
    record = record_of(verdict, now, 0)
    same_key = books.certificates.with_key(record.key, record.family)
    record = replace(record, key_use=max((each.key_use for each in same_key), default=-1) + 1)
    older = _other_device_certificates(books, record, now)
    if older and _generation(older[-1]) > _generation(record):
        record = replace(record, superseded_at=now)
        older = []
    books.certificates.add(record)
    for each in older:
        books.certificates.update(replace(each, superseded_at=now))
    if (note := verdict.note) is not None:
        body: dict[str, object] = {"sha256": note.sha256, "pinned": note.pinned, "findings": list(note.findings)}
        books.documents.put(NOTES, certificate_name(record), body)
    return record


def _other_device_certificates(books: Books, record: CertificateRecord, now: datetime) -> list[CertificateRecord]:
    """Those in use for the same device and usage, oldest first: clients count on one (dcc-boxed-interface.md 4.4)."""
    if record.family is not Family.DEVICE or record.entity_id is None:
        return []
    query = Query(entity_id=record.entity_id, key_usage=record.key_usage, family=Family.DEVICE)
    found = books.certificates.search(query, now)
    return sorted((each for each in found if each.revoked_at is None and each.superseded_at is None), key=_generation)


def _generation(record: CertificateRecord) -> tuple[datetime, int]:
    return record.not_before, record.serial


def _is_root(certificate: Certificate | None) -> bool:
    return certificate is not None and bool(certificate.is_authority and certificate.is_self_issued)


def _digests(imported: Imported, outcome: Outcome) -> list[str]:
    return [
        verdict.certificate.sha256.hex()
        for verdict in imported.verdicts
        if verdict.certificate is not None and verdict.outcome is outcome
    ]


def _empty() -> Finding:
    return IMPORT.breach("import_empty", "items", "there is nothing to import", "name files with certificates")
