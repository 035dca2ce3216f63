"""Evidence bundles: sound ones pass offline, every changed octet is found, and every untruth under a true seal."""

import io
import json
import os
import subprocess
import sys

import pytest

from audit.audit_exports import AUDIT_KEY, OTHER_KEY, canonical, info_of, log_of, raw_signature
from trustcell_audit.bundle import check_bundle
from trustcell_audit.findings import Report
from trustcell_audit.keys import p256_key, sha256
from trustcell_audit.program import main
from trustcell_audit.proofs import read_runs

_EVERY = 1 if os.environ.get("TRUSTCELL_SOAK") else 11
"""Each so many octets of the parts are changed; every one of manifest and signature."""


def check(octets: bytes, *anchors: str, heads: bytes | None = None):
    return check_bundle(io.BytesIO(octets), None if heads is None else io.BytesIO(heads), frozenset(anchors))


@pytest.fixture(scope="session")
def plain(scene) -> bytes:
    return scene.bundle(scene.plain)


@pytest.fixture(scope="session")
def long(scene) -> bytes:
    return scene.bundle(scene.long)


def anchors(scene) -> list[str]:
    roots = (scene.world.hierarchy.root_oca, scene.world.hierarchy.root_dca, scene.world.hierarchy.ica)
    return [sha256(scene.audit_key.public_key), *(sha256(each.record.der) for each in roots)]


def test_a_bundle_is_sound_and_says_what_it_relied_on(scene, plain):
    report = check(plain)
    assert report.problems == []
    assert report.facts["approvals"] == []
    assert len(report.relied) == 4
    report = check(plain, *anchors(scene))
    assert report.problems == []
    assert report.relied == []


def test_a_bundle_with_approvals_is_sound(scene, long):
    report = check(long, *anchors(scene), heads=scene.heads.read_bytes())
    assert report.problems == []
    assert report.facts["approvals"] == ["reuse", "long"]
    assert " to 2041-03-01T12:" in report.facts["period"]
    assert report.facts["evidence_files"] == 4


def test_the_same_books_give_the_same_octets(scene, long):
    assert scene.bundle(scene.long) == long


def test_a_rejected_certificate_has_its_evidence_too(scene):
    report = check(scene.bundle(scene.rejected))
    assert report.problems == []


def test_other_anchors_are_not_met(scene, plain):
    report = check(plain, "00" * 32)
    assert [problem.code for problem in report.problems] == ["anchor_not_met"]


def test_every_changed_octet_is_found_and_its_place_named(long):
    lines = long.splitlines(keepends=True)
    start = 0
    octets = bytearray(long)
    for number, line in enumerate(lines, 1):
        step = 1 if number <= 2 else _EVERY
        for at in range(start, start + len(line), step):
            octets[at] ^= 0x20 if at % 2 else 0x01
            problems = check(bytes(octets)).problems
            assert problems, (number, at)
            if number > 2 and at < start + len(line) - 1 and octets[at] != 0x0A:
                name = json.loads(line)["name"]
                assert f"part {name}, line {number}" in [problem.place for problem in problems]
            octets[at] ^= 0x20 if at % 2 else 0x01
        start += len(line)
    assert check(bytes(octets)).problems == []


def test_lines_taken_out_added_or_moved(long):
    lines = long.splitlines(keepends=True)
    for altered in (
        lines[:-1],
        [*lines, lines[-1]],
        [*lines[:4], *lines[5:]],
        [*lines[:3], lines[4], lines[3], *lines[5:]],
        lines[:1],
        [],
        [*lines, b"{}\n"],
        [*lines[:-1], lines[-1].rstrip(b"\n")],
    ):
        assert check(b"".join(altered)).problems


def test_heads_kept_elsewhere_show_a_fork(scene, long):
    heads = [json.loads(line) for line in scene.heads.read_bytes().splitlines()]
    for head in heads:
        del head["signature"]
        head["hash"] = sha256(head["hash"].encode())
    key = scene.audit_key
    forged = b"".join(canonical(head | {"signature": key.sign(canonical(head)).hex()}) + b"\n" for head in heads)
    assert "fork" in {problem.code for problem in check(long, heads=forged).problems}


def forged(scene, octets: bytes, edit, key=None) -> bytes:
    """The bundle with its parts edited and sealed again, as whoever holds the audit key could."""
    manifest, _, *lines = (json.loads(line) for line in octets.splitlines())
    parts = {line["name"]: line["value"] for line in lines}
    edit(parts)
    sealed = [canonical({"name": name, "value": value}) for name, value in parts.items()]
    manifest["parts"] = [{"name": name, "sha256": sha256(line)} for name, line in zip(parts, sealed, strict=True)]
    if key is not None:
        manifest["audit_key"] = info_of(key).hex()
    first = canonical(manifest)
    signature = scene.audit_key.sign(first) if key is None else raw_signature(key, first)
    second = canonical({"signature": signature.hex()})
    return b"".join(line + b"\n" for line in (first, second, *sealed))


def statement_of(parts, kind: str, subject: str = "") -> str:
    """The name of the part that holds a statement."""
    for name, value in parts.items():
        if name.startswith("statement/"):
            said = json.loads(value["octets"])
            if said["kind"] == kind and said["subject"].startswith(subject):
                return name
    raise LookupError(kind)


def reworded(kind: str, subject: str, change):
    """A statement made to say something else, under the digest of what it says now."""

    def edit(parts):
        value = parts.pop(statement_of(parts, kind, subject))
        said = json.loads(value["octets"])
        change(said)
        value["octets"] = canonical(said).decode()
        parts[f"statement/{sha256(value['octets'].encode())}"] = value

    return edit


def without(kind: str, subject: str = ""):
    def edit(parts):
        del parts[statement_of(parts, kind, subject)]

    return edit


def put(*path, value):
    """A value of a part replaced."""

    def edit(parts):
        here = parts
        for name in path[:-1]:
            here = here[name]
        here[path[-1]] = value(here[path[-1]]) if callable(value) else value

    return edit


def granted(parts):
    return next(each for each in parts["decisions"] if each["certificate"])


def in_decision(change):
    return lambda parts: change(granted(parts))


def entry(kind: str, change):
    """An audit entry reworded."""

    def edit(parts):
        for run in parts["audit"]:
            for number, text in enumerate(run["entries"]):
                raw = json.loads(text)
                if raw["kind"] == kind:
                    change(raw)
                    run["entries"][number] = canonical(raw).decode()

    return edit


def flipped(text: str) -> str:
    return text[:-2] + ("00" if text[-2:] != "00" else "11")


FORGERIES = {
    "another certificate signature": (put("certificate", value=flipped), "lint_signatureValue"),
    "a record of another role": (put("record", "role", value=5), "record_differs"),
    "a record of another end": (put("record", "not_after", value="2050-01-01T00:00:00Z"), "record_differs"),
    "a record of another moment": (put("record", "issued_at", value="2024-03-01T12:00:00Z"), "record_differs"),
    "issued outside the CA's period": (put("record", "issued_at", value="2060-03-01T12:00:00Z"), "ca_key_period"),
    "an authority missing": (put("authorities", value=lambda old: old[2:]), "chain_broken"),
    "an authority altered": (put("authorities", 0, "der", value=flipped), "lint_signatureValue"),
    "another ICA": (put("authorities", -1, "der", value=flipped), "ica_differs"),
    "rules of another policy": (put("rules", "policies", "organisation", value="1.2.3"), "lint_certificatePolicies"),
    "another CSR signature": (put("request", "csr", value=flipped), "csr_differs"),
    "another requester": (put("request", "requester", value="ian"), "requester_differs"),
    "another party": (put("request", "party", value="other"), "not_authorised"),
    "another ask": (put("request", "ask", "years", value=16), "ask_differs"),
    "no intent": (put("intent", value=None), "intent_missing"),
    "another intent": (put("intent", "tbs", value=flipped), "intent_differs"),
    "a twin with the real signature": (
        lambda parts: parts["intent"].update(twin=parts["certificate"]),
        "twin_signed_for_real",
    ),
    "no decision": (put("decisions", value=[]), "decision_missing"),
    "a check not met": (in_decision(lambda d: d["checks"][4].update(verdict="not met")), "check_not_met"),
    "a check missing": (in_decision(lambda d: d["checks"].pop()), "checks_incomplete"),
    "checks of another serial": (
        in_decision(lambda d: d["checks"][9]["facts"].update(serial="00")),
        "check_facts_differ",
    ),
    "rules of another day": (in_decision(lambda d: d.update(rule_set="2024-02-28: MP128A")), "rule_set_wrong"),
    "an approval left out": (in_decision(lambda d: d.update(approvals=["long"])), "approvals_differ"),
    "a check reworded": (
        in_decision(lambda d: d["checks"][3].update(title="the ARO says so")),
        "decision_altered",
    ),
    "a decision before it reworded": (
        lambda parts: parts["decisions"][0]["checks"][3].update(title="the ARO says so"),
        "decision_altered",
    ),
    "another decider": (in_decision(lambda d: d.update(decider="ada")), "separation_of_duties"),
    "no statement of who asked": (without("csr.submit"), "statement_missing"),
    "no statement of who issued": (without("certificate.issue"), "statement_missing"),
    "no SSC view": (without("approval.ssc_view", "long"), "ssc_view_missing"),
    "no PMA decision": (without("approval.decision", "long"), "approval_missing"),
    "no draft": (without("approval.draft", "reuse"), "approval_missing"),
    "a wider scope": (
        reworded("approval.draft", "long", lambda s: s["body"]["scope"].update(years=20)),
        "statement_signature",
    ),
    "a decision of another day": (
        reworded("approval.decision", "long", lambda s: s["body"].update(date="2024-02-01T00:00:00Z")),
        "ssc_view_after_decision",
    ),
    "views not considered": (
        reworded("approval.decision", "long", lambda s: s["body"].update(considered=False)),
        "ssc_views_not_considered",
    ),
    "no minute": (
        reworded("approval.decision", "long", lambda s: s["body"].update(minute=" ")),
        "decision_without_minute",
    ),
    "another signer's certificate": (
        lambda parts: parts[statement_of(parts, "approval.decision", "long")].update(
            certificate=parts[statement_of(parts, "approval.draft", "long")]["certificate"]
        ),
        "statement_actor",
    ),
    "a person unknown": (without("person.added", "pat"), "actor_unknown"),
    "a capacity nobody gave": (
        reworded("person.added", "pat", lambda s: s["body"].update(capacities=["ssc"])),
        "capacity_missing",
    ),
    "one human being with two accounts": (
        reworded("person.added", "ian", lambda s: s["body"].update(identity="ada, sample person")),
        "separation_of_duties",
    ),
    "a delegate": (
        reworded("person.added", "pat", lambda s: s["body"].update(delegate_of="ada")),
        "separation_of_duties",
    ),
    "a party without the EUI-64": (
        reworded("party.added", "dcc", lambda s: s["body"].update(entities={})),
        "entity_not_of_party",
    ),
    "a party that is not the DCC": (
        reworded("party.added", "dcc", lambda s: s["body"].update(kind="supplier")),
        "party_not_dcc",
    ),
    "a use not counted": (put("uses", "reuse", value=[]), "approval_use_not_counted"),
    "a use too many": (
        put("uses", "long", value=lambda old: [*old, old[0] | {"number": 2}]),
        "approval_used_up",
    ),
    "the key counted otherwise": (put("holders", 0, "key_use", value=4), "key_use_wrong"),
    "an evidence file exchanged": (
        lambda parts: parts.update({next(n for n in parts if n.startswith("evidence/")): "00"}),
        "evidence_hash_mismatch",
    ),
    "an evidence file left out": (
        lambda parts: parts.pop(next(n for n in parts if n.startswith("evidence/"))),
        "evidence_missing",
    ),
    "no audit entries": (put("audit", value=[]), "audit_entry_missing"),
    "an audit entry reworded": (
        entry("certificate.issued", lambda raw: raw["body"].update(sha256="00" * 32)),
        "head_not_reached",
    ),
    "an audit entry of another decision": (
        entry("certificate.intended", lambda raw: raw["body"].update(decision=9)),
        "audit_entry_differs",
    ),
    "a head of another key": (put("audit", 0, "head", "signature", value=flipped), "head_signature"),
    "a head of another environment": (put("audit", 0, "head", "environment", value="other"), "environment_differs"),
    "a part of a form nobody knows": (put("record", value=7), "bundle_malformed"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_each_untruth_is_found_though_the_seal_is_right(scene, long, name):
    edit, code = FORGERIES[name]
    problems = check(forged(scene, long, edit)).problems
    assert code in {problem.code for problem in problems}, [str(problem) for problem in problems]


@pytest.mark.parametrize("altered", [None, 0, 1, 2])
def test_a_proof_of_several_entries_is_chained_up_to_its_head(altered):
    log = log_of(3)
    entries = [octets.decode() for octets in log.entries]
    if altered is not None:
        entries[altered] = entries[altered].replace("thing", "thinG")
    report = Report()
    run = {"entries": entries, "head": json.loads(log.heads[0])}
    assert len(read_runs([run], "test", p256_key(info_of(AUDIT_KEY)), None, report)) == 3
    expected = {None: set(), 0: {"link_broken"}, 1: {"link_broken"}, 2: {"head_not_reached"}}[altered]
    assert {problem.code for problem in report.problems} == expected


def test_forging_nothing_leaves_a_sound_bundle(scene, long):
    assert check(forged(scene, long, lambda parts: None)).problems == []


def test_a_bundle_sealed_by_another_key(scene, long):
    problems = check(forged(scene, long, lambda parts: None, OTHER_KEY), *anchors(scene)).problems
    assert {"anchor_not_met", "head_signature"} <= {problem.code for problem in problems}


def test_the_program_reads_a_bundle_where_there_is_no_trustcell(scene, long, tmp_path):
    """Run with the audit package alone on the path."""
    file, bad = tmp_path / "bundle", tmp_path / "bad"
    file.write_bytes(long)
    bad.write_bytes(long.replace(b"SSC minutes".hex().encode(), b"SSC Minutes".hex().encode()))
    assert main(["bundle", str(file)]) == 0
    assert main(["bundle", str(bad)]) == 1
    done = subprocess.run(
        [sys.executable, "-m", "trustcell_audit", "bundle", str(bad), "--json"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    (problem,) = json.loads(done.stdout)["problems"]
    assert problem["code"] == "part_altered"
    assert "part evidence/" in problem["place"]
    assert long[problem["octet"] :].startswith(b'{"name":"evidence/')
