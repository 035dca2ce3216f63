"""MP261 told from beginning to end with a real authority, and endings that are not as told."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from trustcell.app.mp261 import mp261_paperwork, mp261_stages
from trustcell.certs import load_certificates
from trustcell.dsp import Recognition
from trustcell.packs import Anchors, unseal, verify
from trustcell.stories import Mp261Story, tell_mp261
from trustcell.stories.mp261 import BEGINS, SECOND_PACK, YEARS
from trustcell.vocab import DeviceType, RemotePartyRole, Severity

OCA_ENDS = datetime(2041, 10, 18, 23, 59, 59, tzinfo=UTC)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    home = tmp_path_factory.mktemp("mp261") / "home"
    with mp261_paperwork(home) as papers, mp261_stages() as set_stage:
        story = tell_mp261(papers, set_stage, b"a seed of the tests", lambda step: None)
        packs = [papers.packs.published("dcc", version) for version in (1, 2)]
        with papers.store.reading() as books:
            audit = [(entry.kind, entry.subject) for entry in books.audit.entries()]
            uses = {name: len(books.approval_uses.uses(name)) for name in story.approvals}
        anchors = papers.packs.anchors()
        checked = papers.packs.verify(packs[1], unseal(packs[0]).pack)
    return story, packs, audit, uses, anchors, checked


@pytest.fixture
def story(told) -> Mp261Story:
    return told[0]


def test_it_ends_as_told(story: Mp261Story):
    assert story.as_told
    assert story.validity_years == 17
    assert story.issuing_oca_not_after == OCA_ENDS


def test_without_approval_every_request_is_refused_by_clause(story: Mp261Story):
    assert len(story.refused) == len(story.refused_before) == 5
    for refused in story.refused:
        assert {"SEC L11.4(b)", "SEC L11.4B(a)", "SEC Appendix B 6.3.2(A)(i)"} <= set(refused.clauses)
        assert "MP261" in refused.rule_set
    for refused in story.refused_before:
        assert "MP261" not in refused.rule_set
        assert "SEC L11.4B(a)" not in refused.clauses  # the exception did not exist
        assert "SEC L11.4(b)" in refused.clauses


def test_the_new_certificates_hold_the_old_keys_for_seventeen_years(story: Mp261Story):
    old = {(c.role, c.key_usage): c for c in story.first.newest.certificates}
    new = {(c.role, c.key_usage): c for c in story.second.newest.certificates}
    assert old.keys() == new.keys()
    assert len(new) == 5
    for purpose, certificate in new.items():
        assert certificate.spki == old[purpose].spki
        assert certificate.serial != old[purpose].serial
        assert (certificate.not_before, certificate.not_after) == (SECOND_PACK, OCA_ENDS)
        assert (old[purpose].not_before, old[purpose].not_after) == (
            BEGINS,
            datetime(2026, 10, 18, 23, 59, 59, tzinfo=UTC),
        )
    assert SECOND_PACK.replace(year=SECOND_PACK.year + YEARS) - timedelta(seconds=1) == OCA_ENDS


def test_each_approval_was_used_once_for_each_certificate(told):
    assert told[3] == {"PMA-VALIDITY": 5, "PMA-KEY-REUSE": 5}


def test_both_packs_verify_and_the_second_follows_the_first(told):
    story, packs, _, _, anchors, (sealed, findings) = told
    for octets in packs:
        found = verify(unseal(octets), anchors)
        assert [f for f in found if f.severity is Severity.ERROR] == []
    assert [f for f in findings if f.severity is Severity.ERROR] == []
    assert sealed.pack == story.second
    assert [generation.name for generation in story.second.generations] == ["2016", "2024"]


def test_the_devices_take_the_command_whatever_pack_they_come_from(story: Mp261Story):
    assert [view.pack for view in story.devices] == ["2016", "2024"]
    assert story.devices[0].reports == story.devices[1].reports
    assert all(view.handover_accepted for view in story.devices)
    assert all(set(view.recognised) == {Recognition.DEFAULT} for view in story.devices)
    assert set(story.new_keys) == {Recognition.FOUND}


def test_every_act_is_in_the_audit_chain(told):
    kinds = [kind for kind, _ in told[2]]
    for kind, least in {
        "certificate.intended": 10,
        "request.refused": 10,
        "approval.draft": 2,
        "approval.ssc_view": 2,
        "approval.decision": 2,
        "pack.published": 2,
    }.items():
        assert kinds.count(kind) >= least, kind


def test_other_endings_are_not_as_told(story: Mp261Story):
    assert not replace(story, refused=()).as_told
    assert not replace(story, refused=tuple(replace(each, clauses=()) for each in story.refused)).as_told
    assert not replace(story, issuing_oca_not_after=OCA_ENDS + timedelta(seconds=1)).as_told
    assert not replace(story, devices=tuple(replace(d, handover_accepted=False) for d in story.devices)).as_told
    assert not replace(story, new_keys={Recognition.DEFAULT: 8}).as_told
    esme = [
        c for c in story.difference.cells if c.device is DeviceType.ESME and c.cell.role is RemotePartyRole.RECOVERY
    ]
    changed = replace(story.difference, cells=tuple(replace(c, new=None) for c in esme))
    assert not replace(story, difference=changed).as_told


def test_a_manufacturer_who_trusts_others_refuses_the_pack(told):
    sealed = unseal(told[1][1])
    root = load_certificates(sealed.pack.root.der)[0]
    anchors = Anchors(frozenset({root.sha256.hex()}), frozenset({"00" * 32}))
    found = {f.code for f in verify(sealed, anchors) if f.severity is Severity.ERROR}
    assert found == {"pack_signature_authority"}


def test_the_summary_of_the_command_has_what_the_demo_promises(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from trustcell.cli import app

    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["story", "mp261", "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report == json.loads((tmp_path / "out/story/mp261/summary.json").read_text())
    assert report["refused_without_approval"]["refused"] is True
    assert report["refused_without_approval"]["clauses"]
    assert report["validity_years"] == 17
    assert report["pack_not_after"] == report["issuing_oca_not_after"] == "2041-10-18T23:59:59Z"
    assert report["same_to_every_device"] is True
    assert report["certificates"] >= 4
    assert len(list((tmp_path / "out/story/mp261").glob("dcc-*.zip"))) == 2
