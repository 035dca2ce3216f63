"""verify-all is tested itself: one violation of each invariant is planted behind its back, and it must name it."""

import hashlib
import io

import pytest

from trustcell.adapters.evidence import FileEvidence
from trustcell.app.audit import Relint
from trustcell.smki.service.verify_all import verify_all
from trustcell_audit.export import check_export


def found(verification) -> set[tuple[str, str]]:
    return {(fault.invariant, fault.code) for fault in verification.faults}


def of(record) -> str:
    return f"{record.issuer}/{record.serial:X}"


def wide(record) -> bytes:
    return record.serial.to_bytes(20, "big")


def test_an_untouched_store_is_sound(scene, tmp_path):
    verification = scene.copy(tmp_path).verify()
    assert verification.faults == []
    assert verification.counts["organisation"] == 3
    assert verification.counts["IKI"] >= 8
    assert sum(verification.counts[kind] for kind in ("root OCA", "issuing OCA", "root DCA", "issuing DCA", "ICA")) == 5
    assert verification.counts["device"] == 5
    assert verification.counts["approvals"] == 2
    assert verification.counts["evidence files"] == 6


PLAIN, LONG, DEVICE = "serial = :plain", "serial = :long", "kind = 'device' AND request LIKE '%/2'"
PLANTS = {
    "an octet of the signature": (
        [f"UPDATE certificate SET der = CAST(substr(der, 1, length(der) - 1) || x'55' AS BLOB) WHERE {PLAIN}"],
        {("I4", "lint_signatureValue"), ("I4", "audit_entry_differs")},
    ),
    "an octet of what is signed": (
        [f"UPDATE certificate SET der = CAST(substr(der, 1, 80) || x'32' || substr(der, 82) AS BLOB) WHERE {PLAIN}"],
        {("I4", "intent_differs")},
    ),
    "octets that are no certificate": (
        [f"UPDATE certificate SET der = x'3000' WHERE {PLAIN}"],
        {("I4", "certificate_unreadable"), ("I4", "intent_differs")},
    ),
    "the certificate of another": (
        [f"UPDATE certificate SET der = (SELECT der FROM certificate WHERE {LONG}) WHERE {PLAIN}"],
        {("I4", "record_differs"), ("I4", "intent_differs")},
    ),
    "the end": ([f"UPDATE certificate SET not_after = not_after + 1000000 WHERE {PLAIN}"], {("I4", "record_differs")}),
    "the role": ([f"UPDATE certificate SET role = 5 WHERE {PLAIN}"], {("I4", "record_differs")}),
    "the subject": (
        [f"UPDATE certificate SET entity_id = x'90b3d51f30000004' WHERE {PLAIN}"],
        {("I4", "record_differs"), ("I4", "request_differs")},
    ),
    "the usage": ([f"UPDATE certificate SET key_usage = 1 WHERE {PLAIN}"], {("I4", "record_differs")}),
    "the key identifier": (
        [f"UPDATE certificate SET ski = x'4000000000000000' WHERE {PLAIN}"],
        {("I4", "record_differs")},
    ),
    "the key": (
        [f"UPDATE certificate SET key = zeroblob(32) WHERE {PLAIN}"],
        {("I4", "record_differs"), ("I4", "request_differs")},
    ),
    "the name of its request": (
        [f"UPDATE certificate SET request = 'x' WHERE {PLAIN}"],
        {("I4", "request_missing")},
    ),
    "a certificate is gone": (
        [
            "DELETE FROM certificate_approval",
            f"DELETE FROM certificate WHERE {LONG}",
        ],
        {("I4", "certificate_missing"), ("I6", "approval_use_foreign")},
    ),
    "a certificate nobody issued": (
        [
            "CREATE TABLE stray AS SELECT * FROM certificate WHERE serial = :plain",
            "UPDATE stray SET number = 99, serial = x'0000000000000000000000000000000000000007', key = zeroblob(32)",
            "INSERT INTO certificate SELECT * FROM stray",
        ],
        {("I4", "record_differs"), ("I4", "intent_missing"), ("I4", "decision_missing")},
    ),
    "the decision is gone": ([f"DELETE FROM decision WHERE {PLAIN}"], {("I4", "decision_missing")}),
    "a check was not met": (
        [f"UPDATE decision SET checks = replace(checks, '\"met\"', '\"not met\"') WHERE {PLAIN}"],
        {("I4", "checks_incomplete")},
    ),
    "a check is gone": (
        [f"UPDATE decision SET checks = '[]' WHERE {PLAIN}"],
        {("I4", "checks_incomplete"), ("I4", "check_facts_differ")},
    ),
    "rules of another day": (
        [f"UPDATE decision SET rule_set = '2024-02-28: MP128A' WHERE {PLAIN}"],
        {("I4", "rule_set_wrong"), ("I4", "audit_entry_differs")},
    ),
    "another decider": (
        [f"UPDATE decision SET decider = 'ada' WHERE {PLAIN}"],
        {("I4", "audit_entry_differs"), ("I4", "check_facts_differ")},
    ),
    "approvals taken from the decision": (
        [f"UPDATE decision SET approvals = '[]' WHERE {LONG}"],
        {("I4", "approvals_differ"), ("I4", "validity_not_approved"), ("I5", "key_reuse_not_approved")},
    ),
    "the request is gone": (
        ["DELETE FROM request WHERE name = (SELECT request FROM certificate WHERE serial = :plain)"],
        {("I4", "request_missing")},
    ),
    "another CSR": (
        [
            "UPDATE request SET csr = (SELECT csr FROM request WHERE number = 3)"
            " WHERE name = (SELECT request FROM certificate WHERE serial = :plain)"
        ],
        {("I4", "csr_differs")},
    ),
    "another requester": (
        ["UPDATE request SET requester = 'ian' WHERE name = (SELECT request FROM certificate WHERE serial = :plain)"],
        {("I4", "check_facts_differ")},
    ),
    "what was to be signed": (
        [f"UPDATE intent SET tbs = CAST(x'30' || substr(tbs, 2, 60) AS BLOB) WHERE {PLAIN}"],
        {("I4", "intent_differs")},
    ),
    "the twin": (
        [f"UPDATE intent SET twin = (SELECT twin FROM intent WHERE {LONG}) WHERE {PLAIN}"],
        {("I4", "twin_differs"), ("I4", "audit_entry_differs")},
    ),
    "the twin's signature": (
        [f"UPDATE intent SET twin = CAST(substr(twin, 1, length(twin) - 1) || x'55' AS BLOB) WHERE {PLAIN}"],
        {("I4", "audit_entry_differs")},
    ),
    "no intent": ([f"DELETE FROM intent WHERE {PLAIN}"], {("I4", "intent_missing")}),
    "an open intent": ([f"UPDATE intent SET settled = '' WHERE {PLAIN}"], {("I4", "intent_unsettled")}),
    "a statement is gone": (
        ["DELETE FROM statement WHERE number = (SELECT max(number) - 1 FROM statement)"],
        {("I4", "statement_missing")},
    ),
    "the signature of a statement": (
        ["UPDATE statement SET signature = zeroblob(256) WHERE kind = 'approval.decision' AND subject = 'long'"],
        {("I4", "statement_signature")},
    ),
    "a decision of the PMA without the SSC": (
        ["DELETE FROM statement WHERE kind = 'approval.ssc_view' AND subject = 'long'"],
        {("I4", "statement_missing"), ("I4", "statement_not_allowed"), ("I4", "approval_missing")},
    ),
    "the credential beside a statement": (
        [
            "UPDATE statement SET certificate ="
            " (SELECT certificate FROM statement WHERE kind = 'approval.draft' LIMIT 1)"
            " WHERE kind = 'approval.decision' AND subject = 'long'"
        ],
        {("I4", "statement_signature")},
    ),
    "a revocation taken back": (
        ["UPDATE certificate SET revoked_at = NULL WHERE serial = :rejected"],
        {("I4", "revocation_differs")},
    ),
    "a revocation nobody decided": (
        [f"UPDATE certificate SET revoked_at = issued_at WHERE {PLAIN}"],
        {("I4", "revocation_differs")},
    ),
    "another root": (
        ["UPDATE certificate SET der = CAST(substr(der, 1, length(der) - 1) || x'55' AS BLOB) WHERE kind = 'root OCA'"],
        {("I4", "certificate_altered"), ("I4", "lint_signatureValue")},
    ),
    "the twin of a credential": (
        ["UPDATE document SET octets = x'3000' WHERE kind = 'iki-twin'"],
        {("I4", "twin_differs")},
    ),
    "a device's octets": (
        [f"UPDATE certificate SET der = CAST(substr(der, 1, length(der) - 1) || x'55' AS BLOB) WHERE {DEVICE}"],
        {("I4", "lint_signatureValue"), ("I4", "audit_entry_differs")},
    ),
    "a device's octets and intent": (
        [
            f"UPDATE certificate SET der = CAST(substr(der, 1, 80) || x'32' || substr(der, 82) AS BLOB) WHERE {DEVICE}",
        ],
        {("I4", "intent_differs"), ("I4", "twin_differs")},
    ),
    "a device is gone": ([f"DELETE FROM certificate WHERE {DEVICE}"], {("I4", "certificate_missing")}),
    "a device of another item": (
        [f"UPDATE certificate SET request = substr(request, 1, 65) || '3' WHERE {DEVICE}"],
        {("I4", "csr_differs"), ("I4", "verdict_differs"), ("I4", "audit_entry_differs")},
    ),
    "a device of no batch": (
        [f"UPDATE certificate SET request = 'abc' WHERE {DEVICE}"],
        {("I4", "request_missing")},
    ),
    "what was to be signed for devices is gone": (
        ["DELETE FROM document WHERE kind = 'batch-intent'"],
        {("I4", "intent_missing"), ("I4", "batch_intent_differs")},
    ),
    "what was to be signed for devices": (
        [
            "UPDATE document SET octets = CAST(substr(octets, 1, 80) || x'58' || substr(octets, 82) AS BLOB)"
            " WHERE kind = 'batch-intent'"
        ],
        {("I4", "intent_differs"), ("I4", "batch_intent_differs")},
    ),
    "the shape of devices": (
        ["UPDATE document SET octets = x'3000' WHERE kind = 'certificate-shape'"],
        {("I4", "twin_differs")},
    ),
    "a verdict": (
        ["UPDATE batch_item SET status = 'CSR_ERROR', serial = NULL WHERE number = 2"],
        {("I4", "verdict_differs")},
    ),
    "a batch": (
        ["UPDATE document SET body = replace(body, '\"max\"', '\"ian\"') WHERE kind = 'batch'"],
        {("I4", "batch_differs"), ("I4", "separation_of_duties")},
    ),
    "the CSRs of a batch": (
        ["UPDATE document SET octets = CAST(substr(octets, 1, 60) AS BLOB) WHERE kind = 'batch-items'"],
        {("I4", "batch_differs"), ("I4", "request_missing")},
    ),
    "a device key in two certificates": (
        [
            "DROP INDEX certificate_key",
            "UPDATE certificate SET key = (SELECT key FROM certificate WHERE request LIKE '%/3')"
            " WHERE request LIKE '%/2'",
        ],
        {("I5", "key_not_unique"), ("I4", "record_differs")},
    ),
    "a key counted as another use": (
        [f"UPDATE certificate SET key_use = 5 WHERE {LONG}"],
        {("I5", "key_not_unique"), ("I4", "audit_entry_differs")},
    ),
    "a key twice": (
        [
            "DROP INDEX certificate_key",
            f"UPDATE certificate SET key_use = 0 WHERE {LONG}",
        ],
        {("I5", "key_not_unique")},
    ),
    "a repeated key without approval": (
        [
            f"UPDATE certificate SET approvals = '[\"long\"]' WHERE {LONG}",
            f"UPDATE decision SET approvals = '[\"long\"]' WHERE {LONG}",
        ],
        {("I5", "key_reuse_not_approved"), ("I6", "approval_use_foreign")},
    ),
    "a use beyond the number granted": (
        ["INSERT INTO approval_use SELECT approval, 2, issuer, :plain, at FROM approval_use WHERE approval = 'long'"],
        {("I6", "approval_overused"), ("I6", "approval_use_foreign")},
    ),
    "a use that is not counted": (
        ["DELETE FROM approval_use WHERE approval = 'reuse'"],
        {("I6", "approval_use_uncounted")},
    ),
    "uses with other numbers": (
        ["UPDATE approval_use SET number = 7 WHERE approval = 'reuse'"],
        {("I6", "approval_uses_numbered")},
    ),
    "an entry of the log is gone": (
        [
            "PRAGMA foreign_keys = OFF",
            "DELETE FROM audit_head WHERE seq = 20",
            "DELETE FROM audit_entry WHERE seq = 20",
        ][1:],
        {("I7", "audit_entry_missing")},
    ),
    "an entry of the log cannot be read": (
        ["UPDATE audit_entry SET octets = x'7b' WHERE seq = 20"],
        {("I7", "audit_entry_unreadable")},
    ),
    "a word in a check of a decision": (
        [f"UPDATE decision SET checks = replace(checks, 'the key is P-256', 'the key is P-255') WHERE {PLAIN}"],
        {("I4", "decision_altered"), ("I4", "decision_missing")},
    ),
    "a word in a decision that nothing came of": (
        ["UPDATE decision SET checks = replace(checks, 'the serial is new', 'the serial is old') WHERE number = 1"],
        {("I4", "decision_altered")},
    ),
    "a verdict of a refused item reworded": (
        ["UPDATE batch_item SET message = 'all was well' WHERE status <> 'SUCCESS'"],
        {("I4", "verdict_differs")},
    ),
    "an item refused that was issued": (
        ["UPDATE batch_item SET status = 'SUCCESS' WHERE status <> 'SUCCESS'"],
        {("I4", "verdict_missing")},
    ),
    "a list without a revoked certificate": (
        [
            "UPDATE revocation_list SET der = (SELECT der FROM revocation_list"
            " WHERE issuer = 'T1' ORDER BY number LIMIT 1) WHERE issuer = 'T1'"
        ],
        {("I4", "list_differs")},
    ),
    "a certificate revoked behind the back of the list": (
        [f"UPDATE certificate SET revoked_at = issued_at, revocation_reason = 4 WHERE {PLAIN}"],
        {("I4", "list_entry_missing"), ("I4", "revocation_differs")},
    ),
    "a certificate on the list that the books call good": (
        ["UPDATE certificate SET revoked_at = NULL WHERE serial = :rejected"],
        {("I4", "list_entry_foreign")},
    ),
    "another time of revocation": (
        ["UPDATE certificate SET revoked_at = revoked_at - 60000000 WHERE serial = :rejected"],
        {("I4", "list_entry_differs")},
    ),
    "a list of another key": (
        ["UPDATE revocation_list SET der = CAST(substr(der, 1, length(der) - 1) || x'55' AS BLOB) WHERE issuer = 'T1'"],
        {("I4", "list_signature"), ("I4", "list_differs")},
    ),
    "octets that are no list": (
        ["UPDATE revocation_list SET der = x'3000' WHERE issuer = 'TR'"],
        {("I4", "list_unreadable")},
    ),
    "no list": (["DELETE FROM revocation_list"], {("I4", "list_missing")}),
    "a CA key used after its end": (
        [f"UPDATE certificate SET issued_at = 4000000000000000 WHERE {PLAIN}"],
        {("I9", "ca_key_period")},
    ),
    "a CA key used before its beginning": (
        [f"UPDATE certificate SET issued_at = 0 WHERE {PLAIN}"],
        {("I9", "ca_key_period")},
    ),
    "a CA key used after its revocation": (
        ["UPDATE certificate SET revoked_at = not_before WHERE kind = 'issuing OCA'"],
        {("I9", "ca_key_revoked"), ("I4", "revocation_differs")},
    ),
}


@pytest.mark.parametrize("name", PLANTS)
def test_each_violation_is_found_and_named(scene, tmp_path, name):
    statements, expected = PLANTS[name]
    values = {"plain": wide(scene.plain), "long": wide(scene.long), "rejected": wide(scene.rejected)}
    used = {key: value for key, value in values.items() if any(f":{key}" in each for each in statements)}
    copy = scene.copy(tmp_path)
    for statement in statements:
        copy.sql(statement, **{key: value for key, value in used.items() if f":{key}" in statement})
    verification = copy.verify()
    assert expected <= found(verification), [str(fault) for fault in verification.faults]
    for fault in verification.faults:
        assert fault.subject
        assert fault.message


def test_evidence_exchanged_or_lost_is_found(scene, tmp_path):
    """Hostile V5: the certificates stay, the report is raised."""
    with scene.world.store.reading() as books:
        draft = books.statements.about("long", "approval.draft")[0]
    name = draft.statement.body["evidence"][0]

    class Exchanged:
        def read(self, sha256: str) -> bytes:
            if sha256 != name:
                return scene.world.evidence.read(sha256)
            folder = FileEvidence(tmp_path / "evidence")
            folder.keep(b"another paper")
            (tmp_path / "evidence" / sha256).write_bytes(b"another paper")
            return folder.read(sha256)

    (fault,) = scene.copy(tmp_path).verify(Exchanged()).faults
    assert (fault.code, fault.subject) == ("evidence_hash_mismatch", "approval long")

    (fault, *_) = scene.copy(tmp_path).verify(FileEvidence(tmp_path / "none")).faults
    assert fault.code == "evidence_missing"


def test_the_altered_log_is_found_by_the_audit_program(scene, tmp_path):
    """Hostile D8 and I7: altered, cut, forked; the heads kept elsewhere know the tail."""
    heads = scene.heads.read_bytes()

    def codes(copy) -> set[str]:
        return {problem.code for problem in check_export(io.BytesIO(copy.export()), io.BytesIO(heads)).problems}

    assert codes(scene.copy(tmp_path)) == set()
    altered = "UPDATE audit_entry SET octets = CAST(replace(CAST(octets AS TEXT), 'ada', 'adb') AS BLOB) WHERE seq = {}"
    with scene.world.store.reading() as books:
        seq = books.audit.about("long")[0].seq
        last = books.audit.head().seq
    assert {"entry_altered", "head_not_in_chain"} & codes(scene.copy(tmp_path).sql(altered.format(seq)))
    spaced = "UPDATE audit_entry SET octets = CAST(replace(CAST(octets AS TEXT), ',', ', ') AS BLOB) WHERE seq = 9"
    assert "not_canonical" in codes(scene.copy(tmp_path).sql(spaced))
    cut = scene.copy(tmp_path).sql(f"DELETE FROM audit_head WHERE seq > {last - 3}")
    cut.sql(f"DELETE FROM audit_entry WHERE seq > {last - 3}")
    assert "entries_cut" in codes(cut)


def test_an_export_has_the_octets_that_were_hashed(scene, tmp_path):
    report = check_export(io.BytesIO(scene.copy(tmp_path).export()), None)
    assert report.problems == []
    assert report.facts["audit_key_sha256"] == hashlib.sha256(scene.audit_key.public_key).hexdigest()


def test_progress_is_told(scene):
    told = []
    world = scene.world
    with world.store.reading() as books:
        verify_all(books, world.environment, world.evidence, Relint, lambda done, of: told.append((done, of)))
    assert told[-1][0] == told[-1][1] > 20
