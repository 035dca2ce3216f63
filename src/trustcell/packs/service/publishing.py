"""Packs of an authority: assembled from its certificates, linted, signed by a person, kept, found again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from trustcell.certs import Certificate
from trustcell.governance.ports import Credential
from trustcell.governance.rules.canonical import moment
from trustcell.governance.rules.parties import Capacity
from trustcell.governance.service import Governance, audited
from trustcell.packs.ports import Books, Store
from trustcell.packs.rules import seal
from trustcell.packs.rules.lint import lint
from trustcell.packs.rules.pack import PACK, Generation, Pack, fill
from trustcell.packs.rules.verify import verify
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.records import CertificateRecord, Family, Query, Status
from trustcell.vocab import CellId, DeviceType, Finding, Refused, Severity

_KIND = "pack"


@dataclass(frozen=True)
class Published:
    """A published pack: the pack, its archive, and findings that were no errors."""

    pack: Pack
    octets: bytes
    remarks: tuple[Finding, ...]


class Packs:
    """Packs of one environment. ``strict`` makes warnings block (hostile inputs P9: blocks only by policy)."""

    def __init__(self, store: Store, governance: Governance, environment: Environment, *, strict: bool = False) -> None:
        """Everything comes from outside."""
        self._store, self._governance, self._environment, self._strict = store, governance, environment, strict

    def assemble(
        self,
        name: str,
        version: int,
        generation: str,
        certificates: Sequence[tuple[str, int]] = (),
        *,
        chosen: dict[tuple[DeviceType, CellId], tuple[str, int]] | None = None,
        earlier: Sequence[Generation] = (),
        effective_from: datetime | None = None,
        now: datetime,
    ) -> Pack:
        """A pack of certificates named by issuer and serial; without any, all in use that were issued for ``name``.

        ``chosen`` fills single cells; ``earlier`` generations come before the new one. ``Refused`` with
        ``pack_certificate_unknown``, ``pack_cell_missing`` and the like.
        """
        with self._store.reading() as books:
            root, issuer = self._authorities(books)
            if certificates:
                records = [_known(books, identity, now) for identity in certificates]
            else:
                query = Query(purpose=name, family=Family.ORGANISATION, status=Status.IN_USE)
                records = books.certificates.search(query, now)
            by_hand = {
                place: Certificate.from_der(_known(books, identity, now).der)
                for place, identity in (chosen or {}).items()
            }
        try:
            found = fill(generation, root, [Certificate.from_der(record.der) for record in records], by_hand)
            return Pack(
                name,
                version,
                self._environment.identifier,
                now.replace(microsecond=0),
                (effective_from or now).replace(microsecond=0),
                root,
                (issuer,),
                (*earlier, found),
            )
        except ValueError as error:
            raise Refused([PACK.breach("pack_definition", "pack", str(error), "another name or version")]) from None

    def publish(self, pack: Pack, credential: Credential, now: datetime) -> Published:
        """Lint, let the person sign, and keep the pack; the statement, the archive and the audit entry are one commit.

        ``Refused`` with the errors of the lint, or ``pack_version_...`` when it does not follow the last version.
        """
        with audited(self._store, "pack.refused", pack.name, credential.person, now):
            return self._publish(pack, credential, now)

    def _publish(self, pack: Pack, credential: Credential, now: datetime) -> Published:
        findings = lint(pack, policy=self._environment.organisation_policy)
        blocking = [f for f in findings if self._strict or f.severity is Severity.ERROR]
        if blocking:
            raise Refused(blocking)
        with self._store.transaction(now) as books:
            last = self._newest(books, pack.name)
            if last is not None:
                follows = list(seal.newer(pack, last))
                if last.version == pack.version and not follows:
                    follows = [PACK.breach("pack_version_same", "version", "it is published", "a higher version")]
                if follows:
                    raise Refused(follows)
            signed = self._governance.state(books, credential, seal.PUBLISH, pack.name, seal.body_of(pack), now)
            octets = seal.seal(pack, signed, self._ica(books))
            body: dict[str, object] = {
                "name": pack.name,
                "version": pack.version,
                "effective_from": moment(pack.effective_from),
                "not_after": moment(pack.not_after),
                "generations": [generation.name for generation in pack.generations],
                "certificates": [[c.issuer.common_name, f"{c.serial:X}"] for c in pack.certificates],
                "statement": signed.digest,
            }
            books.documents.put(_KIND, _document(pack.name, pack.version), body, octets)
            books.audit.append("pack.published", pack.name, {**body, "size": len(octets)}, now)
        return Published(pack, octets, tuple(findings))

    def published(self, name: str, version: int | None = None) -> bytes:
        """The archive of a published pack, the newest version unless one is named; ``Refused`` ``pack_unknown``."""
        with self._store.reading() as books:
            if version is None:
                version = max((found for each, found in self._versions(books) if each == name), default=0)
            found = books.documents.get(_KIND, _document(name, version))
        if found is None:
            raise Refused([PACK.breach("pack_unknown", name, "no such pack is published", "see: trustcell pack list")])
        return found[1]

    def listed(self) -> list[dict[str, object]]:
        """What is known of every published pack, by name and version."""
        with self._store.reading() as books:
            found = [books.documents.get(_KIND, name) for name in books.documents.names(_KIND)]
        return sorted((each[0] for each in found if each), key=lambda body: (str(body["name"]), str(body["version"])))

    def verify(self, octets: bytes, earlier: Pack | None = None) -> tuple[seal.SealedPack, list[Finding]]:
        """``rules.verify``, and whether the signer was a packer then and his credential is not revoked."""
        sealed = seal.unseal(octets)
        found = verify(sealed, self.anchors(), earlier, policy=self._environment.organisation_policy)
        said = sealed.seal.statement
        with self._store.reading() as books:
            person = self._governance.register(books).people.get(said.actor)
            record = None
            if not _signature_wrong(found):
                signer = Certificate.from_der(sealed.seal.certificate)
                record = books.certificates.get(signer.issuer.common_name or "", signer.serial)
        if person is None or not person.holds(Capacity.PACKER, said.at):
            message = f"{said.actor} was no packer when it was signed"
            found.append(PACK.breach("pack_signature_role", "signer", message, "a pack that a packer published"))
        if record is not None and record.revoked_at is not None:
            message = f"the credential of {said.actor} was revoked at {moment(record.revoked_at)}"
            found.append(PACK.breach("pack_signature_revoked", "signer", message, "have the pack published again"))
        return sealed, found

    def anchors(self) -> seal.Anchors:
        """What a reader inside this environment trusts."""
        with self._store.reading() as books:
            root, _ = self._authorities(books)
            return seal.Anchors(frozenset({root.sha256.hex()}), frozenset({_sha256(self._ica(books))}))

    def _newest(self, books: Books, name: str) -> Pack | None:
        versions = [version for each, version in self._versions(books) if each == name]
        found = books.documents.get(_KIND, _document(name, max(versions))) if versions else None
        return seal.unseal(found[1]).pack if found else None

    def _versions(self, books: Books) -> list[tuple[str, int]]:
        names = (each.rpartition(" ") for each in books.documents.names(_KIND))
        return [(name, int(version)) for name, _, version in names]

    def _authorities(self, books: Books) -> tuple[Certificate, Certificate]:
        root = self._authority(books, self._environment.root_oca, self._environment.root_oca)
        return root, self._authority(books, self._environment.root_oca, self._environment.issuing_oca)

    def _authority(self, books: Books, issuer: str, subject: str) -> Certificate:
        for record in books.certificates.search(
            Query(issuer=issuer, family=Family.ORGANISATION), self._environment.begins
        ):
            found = Certificate.from_der(record.der)
            if found.subject.common_name == subject and found.is_authority:
                return found
        raise Refused([PACK.breach("pack_authority", subject, "its certificate is not there", "hold the ceremony")])

    def _ica(self, books: Books) -> bytes:
        ica = self._environment.ica
        found = books.certificates.search(Query(issuer=ica, family=Family.IKI), self._environment.begins)
        for record in found:
            certificate = Certificate.from_der(record.der)
            if certificate.is_authority:
                return record.der
        raise Refused([PACK.breach("pack_authority", ica, "its certificate is not there", "hold the ceremony")])


def _signature_wrong(findings: Sequence[Finding]) -> bool:
    """Whether the signature of a pack, or the certificate beside it, is wrong."""
    return any(each.code == "pack_signature_wrong" for each in findings)


def _known(books: Books, identity: tuple[str, int], now: datetime) -> CertificateRecord:
    issuer, serial = identity
    record = books.certificates.get(issuer, serial)
    if record is None:
        message = "the repository has no such certificate"
        raise Refused([PACK.breach("pack_certificate_unknown", f"{issuer} {serial:X}", message, "one it has")])
    status = record.status(now)
    if status in (Status.REVOKED, Status.PENDING):
        message = f"its status is {status.value}"
        raise Refused([PACK.breach("pack_certificate_status", f"{issuer} {serial:X}", message, "one in use")])
    return record


def _document(name: str, version: int) -> str:
    return f"{name} {version}"


def _sha256(der: bytes) -> str:
    return Certificate.from_der(der).sha256.hex()
