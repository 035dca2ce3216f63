"""Device CSRs in bulk: a batch signed for by an ARO, issued in chunks by an ISSUER, with a verdict for each item.

One commit a chunk: certificates, verdicts and audit entries of the chunk that was signed, and what the Issuing DCA is
about to sign of the next one, which was judged in the same state of the books. A process that ends anywhere leaves at
most one chunk drafted, with which the next run begins (hostile K47).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from trustcell import certs
from trustcell.governance.ports import Credential
from trustcell.governance.rules.canonical import digest, moment
from trustcell.governance.rules.rulebook import rule_set
from trustcell.governance.service import Governance, audited
from trustcell.smki.ports import Books, Store
from trustcell.smki.rules.batch import (
    BATCH,
    BatchAsk,
    BatchFacts,
    BatchItem,
    ItemStatus,
    batch_name,
    check_items,
    ineligible,
    item_name,
    pack_items,
    separated,
    unpack_items,
)
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.hash_tree import root_of
from trustcell.smki.rules.records import Family, ItemVerdict
from trustcell.smki.service.batch_chunk import INTENT, Chunk, ChunkMaker, Drafted, read_drafted
from trustcell.smki.service.clock import decision_moment, note_decision
from trustcell.smki.service.hierarchy import CaKey, Hierarchy
from trustcell.smki.service.making import Random
from trustcell.smki.service.shapes import DeviceShapes
from trustcell.vocab import Finding, Refused

Progress = Callable[[int, int], None]
Clock = Callable[[], datetime]
_KIND, _ITEMS, _RUN = "batch", "batch-items", "batch-run"
_NOTHING_ELSE = BatchAsk()
CHUNK = 5000


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A batch as it was submitted, and how many of its items have a verdict."""

    name: str
    count: int
    done: int
    party: str
    requester: str
    statement: str
    at: str
    purpose: str
    ad_hoc: bool

    @property
    def complete(self) -> bool:
        """Whether every item has its verdict."""
        return self.done == self.count


@dataclass(frozen=True, slots=True)
class _Run:
    """One run over a batch: who issues, by which statement; a later run ends an earlier one (``number``)."""

    batch: BatchRecord
    number: int
    operator: str


class Batches:
    """Device Certificates in batches, and ad hoc ones as batches of one."""

    def __init__(
        self,
        store: Store,
        governance: Governance,
        environment: Environment,
        hierarchy: Hierarchy,
        random: Random,
        hook: Callable[[str], None] = lambda point: None,
        chunk: int = CHUNK,
    ) -> None:
        """Opens nothing. ``hook`` is called at ``K47`` (a commit), ``K47-signed`` (each) and ``K47-unstored``."""
        self._store, self._governance, self._environment = store, governance, environment
        self._ca: CaKey = hierarchy.issuing_dca
        self._random, self._hook, self._chunk = random, hook, chunk
        self._maker = ChunkMaker(self._ca, DeviceShapes(self._ca.certificate, environment, random), random)

    def submit(
        self,
        items: Sequence[BatchItem],
        credential: Credential,
        now: datetime,
        ask: BatchAsk = _NOTHING_ELSE,
        party: str = "",
    ) -> BatchRecord:
        """Take a batch that an ARO signs for as a whole; the same one again is the one that is there.

        ``Refused`` as a whole with the codes of ``check_items``; nothing but one audit entry is kept then. A single
        CSR that is not right is told by its verdict.
        """
        now, person = now.replace(microsecond=0), credential.person
        subject = digest(b"".join(sha256(item.csr).digest() for item in items))
        with audited(self._store, "batch.refused", subject, person, now):
            check_items(items, self._environment)
            packed = pack_items(items)
            name = batch_name(packed, ask)
            with self._store.reading() as books:
                if books.documents.get(_KIND, name) is not None:
                    return _batch(books, name)
            with self._store.transaction(now) as books:
                at = decision_moment(books, self._environment, now)
                body = {
                    "ad_hoc": ask.ad_hoc,
                    "count": len(items),
                    "csrs_root": root_of([item.csr for item in items]),
                    "csrs_sha256": digest(packed),
                    "purpose": ask.purpose,
                }
                statement = self._governance.state(books, credential, "batch.submit", name, body, now).digest
                requester = self._governance.register(books).people[person]
                named = _party(requester.acts_for, party)
                kept = {**body, "at": moment(at), "party": named, "requester": person, "statement": statement}
                books.documents.put(_ITEMS, name, {}, packed)
                books.documents.put(_KIND, name, kept)
                books.audit.append("batch.submitted", name, kept, at)
                return _batch(books, name)

    def issue(
        self, name: str, credential: Credential, clock: Clock, progress: Progress = lambda done, of: None
    ) -> BatchRecord:
        """Go through what has no verdict yet, chunk by chunk; ``progress`` is told how many of how many are done.

        ``Refused`` as a whole: ``batch_unknown``, ``separation_of_duties``, ``twin_differs``, ``batch_taken_over`` when
        another process goes on with it. Items that come when the DCA's period has ended are coded
        ``ca_key_period_ended``.
        """
        with audited(self._store, "batch.issue.refused", name, credential.person, clock()):
            with self._store.reading() as books:
                batch = _batch(books, name)
                if batch.complete:
                    return batch
                found = books.documents.get(_ITEMS, name)
            items = unpack_items(found[1] if found else b"")
            run = self._begin(batch, credential, clock())
            reader = certs.DeviceRequests()
            done = batch.done
            progress(done, batch.count)
            chunk = None
            while chunk is not None or done < batch.count:
                following = self._read(items, reader, run, done, clock) if done < batch.count else None
                self._commit(run, chunk, following, clock)
                self._hook("K47")
                progress(done, batch.count)
                chunk, done = following, done if following is None else following[0].last
                if chunk is not None:
                    self._maker.sign(chunk[0], clock, self._hook)
                    self._hook("K47-unstored")
            progress(done, batch.count)
        return self.batch(name)

    def batch(self, name: str) -> BatchRecord:
        """A batch and how far it is; ``Refused`` (``batch_unknown``)."""
        with self._store.reading() as books:
            return _batch(books, name)

    def batches(self) -> list[BatchRecord]:
        """All batches by name."""
        with self._store.reading() as books:
            return [_batch(books, name) for name in books.documents.names(_KIND)]

    def results(self, name: str) -> Iterator[tuple[BatchItem, ItemVerdict, bytes]]:
        """Each item with its verdict and, if it was issued, the certificate in DER; in order, up to where it is."""
        with self._store.reading() as books:
            _batch(books, name)
            found = books.documents.get(_ITEMS, name)
            items = unpack_items(found[1] if found else b"")
            for item, verdict in zip(items, books.batches.verdicts(name), strict=False):
                der = b""
                if verdict.serial is not None:
                    record = books.certificates.get(self._ca.name, verdict.serial)
                    der = record.der if record is not None else b""
                yield item, verdict, der

    def _begin(self, batch: BatchRecord, credential: Credential, now: datetime) -> _Run:
        with self._store.transaction(now) as books:
            at = decision_moment(books, self._environment, now)
            register = self._governance.register(books)
            requester, operator = register.people.get(batch.requester), register.people.get(credential.person)
            if requester is not None and operator is not None:
                _refuse(list(separated(requester, operator, register.people)))
            found = books.documents.get(_RUN, batch.name)
            number = int(str(found[0]["run"])) + 1 if found else 1
            body = {"done": batch.done, "issuer": self._ca.name, "run": number}
            statement = self._governance.state(books, credential, "batch.issue", batch.name, body, now).digest
            said = {**body, "operator": credential.person, "rule_set": rule_set(at).name, "statement": statement}
            books.documents.put(_RUN, batch.name, said)
            note_decision(books, at)
            books.audit.append("batch.started" if number == 1 else "batch.resumed", batch.name, said, at)
        return _Run(batch, number, credential.person)

    def _read(
        self, items: Sequence[BatchItem], reader: certs.DeviceRequests, run: _Run, done: int, clock: Clock
    ) -> tuple[Chunk, Drafted]:
        """The next chunk, and what a run before has drafted of it."""
        drafted, last = self._drafted(run, done, clock())
        last = last or min(len(items), done + self._chunk)
        return Chunk(run.batch.name, done + 1, [reader.read(item.csr) for item in items[done:last]]), drafted

    def _commit(
        self, run: _Run, made: tuple[Chunk, Drafted] | None, following: tuple[Chunk, Drafted] | None, clock: Clock
    ) -> None:
        """Keep what was signed together with what is to be signed next: one commit a chunk."""
        now = clock()
        with self._store.transaction(now) as books:
            self._still_ours(books, run)
            at = decision_moment(books, self._environment, now)
            if made is not None:
                self._maker.store(books, made[0], run.operator, run.batch.purpose, at)
            if following is not None:
                chunk, drafted = following
                facts = self._facts(books, chunk, run.batch)
                self._maker.judge(books, chunk, facts, drafted, at, self._nobody(books, facts, now))
                self._maker.intend(books, chunk, at)
            note_decision(books, at)

    def _drafted(self, run: _Run, done: int, now: datetime) -> tuple[Drafted, int]:
        """What a run before was about to sign behind item ``done``, and the last item of its chunk (0 for none).

        It is signed again by a key that signs alike each time. Otherwise the certificates may exist and nobody has
        them: they are given up, and the items drafted anew.
        """
        with self._store.reading() as books:
            found = books.documents.get(INTENT, item_name(run.batch.name, done + 1))
        if found is None:
            return {}, 0
        drafted, last = read_drafted(*found), int(str(found[0]["last"]))
        if self._ca.signer.deterministic and self._ca.certificate.covers(now):
            return drafted, last
        with self._store.transaction(now) as books:
            self._still_ours(books, run)
            for number, tbs in drafted.items():
                self._maker.abandon(books, run.batch.name, number, tbs, now)
            books.documents.put(INTENT, item_name(run.batch.name, done + 1), {**found[0], "numbers": []})
        self._hook("abandoned")
        return {}, last

    def _facts(self, books: Books, chunk: Chunk, batch: BatchRecord) -> BatchFacts:
        register = self._governance.register(books)
        good = [request for request in chunk.requests if request.error is None]
        keys = [request.key for request in good]
        return BatchFacts(
            self._environment,
            batch.name,
            batch.ad_hoc,
            register.parties.get(batch.party),
            register.people.get(batch.requester),
            frozenset(bytes(entity) for party in register.parties.values() for entity in party.entities),
            books.certificates.holders(keys),
            books.certificates.issued_counts(sorted({request.entity_id for request in good}), Family.DEVICE),
            books.revocations.barred_many(keys),
        )

    def _nobody(self, books: Books, facts: BatchFacts, now: datetime) -> tuple[ItemStatus, Finding] | None:
        """Why no item can be issued now, whatever it says."""
        try:
            self._ca.check(now)
        except Refused as refusal:
            return ItemStatus.CA_ERROR, refusal.findings[0]
        stored = books.certificates.get(self._ca.record.issuer, self._ca.record.serial)
        if stored is not None and stored.revoked_at is not None:
            message = f"the certificate of {self._ca.name} was revoked at {moment(stored.revoked_at)}"
            return ItemStatus.CA_ERROR, BATCH.breach("ca_certificate_revoked", "issuer", message, "another authority")
        wrong = next(iter(ineligible(facts)), None)
        return None if wrong is None else (ItemStatus.INELIGIBLE, wrong)

    def _still_ours(self, books: Books, run: _Run) -> None:
        """A run that another one follows writes nothing any more (hostile K34)."""
        found = books.documents.get(_RUN, run.batch.name)
        if found is None or int(str(found[0]["run"])) != run.number:
            message = "another process goes on with it"
            raise Refused([BATCH.breach("batch_taken_over", "batch", message, "look how far it is")])


def _batch(books: Books, name: str) -> BatchRecord:
    found = books.documents.get(_KIND, name)
    if found is None:
        message = f"there is no batch {name}"
        raise Refused([BATCH.breach("batch_unknown", "batch", message, "submit it first")])
    body = found[0]
    return BatchRecord(
        name,
        int(str(body["count"])),
        books.batches.done(name),
        str(body["party"]),
        str(body["requester"]),
        str(body["statement"]),
        str(body["at"]),
        str(body["purpose"]),
        body["ad_hoc"] is True,
    )


def _party(acts_for: frozenset[str], wanted: str) -> str:
    """The party a batch is for: the one named, or the only one its ARO acts for."""
    if not wanted and len(acts_for) > 1:
        message = f"its ARO acts for {', '.join(sorted(acts_for))}"
        raise Refused([BATCH.breach("batch_party_unclear", "party", message, "name one of them")])
    return wanted or next(iter(acts_for), "")


def _refuse(findings: list[Finding]) -> None:
    if findings:
        raise Refused(findings)
