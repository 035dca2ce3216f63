"""Exports: everything or what changed, with digests, complete or not there, made again after a crash."""

import csv
import hashlib
import io
import json
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest

from smki.smki_certificates import DEVICE, ENVIRONMENT, KA, NOW, SmallAuthority, record, repository_of
from trustcell.adapters.export_archive import export_sink
from trustcell.smki.rules.export_rows import COLUMNS, changes, csv_line
from trustcell.smki.rules.records import Family
from trustcell.smki.service.exporting import Exports
from trustcell.vocab import Refused, WireError

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def authority():
    return SmallAuthority()


@pytest.fixture
def repository(tmp_path, authority):
    old = NOW - 30 * DAY
    return repository_of(
        tmp_path,
        record(authority.oca, issued_at=old, lodged_at=old),
        record(authority.organisation("old"), issued_at=old, lodged_at=old),
        record(authority.organisation("superseded"), issued_at=old, lodged_at=old, superseded_at=NOW),
        record(authority.organisation("revoked", usage=KA), issued_at=old, lodged_at=old, revoked_at=NOW),
        record(authority.organisation("lodged"), issued_at=old, lodged_at=NOW),
        record(authority.device("new"), purpose="=cmd|' /C calc'!A0"),
    )


def export(repository, path, now=NOW, since=None):
    with export_sink(path) as sink:
        return Exports(repository).make(sink, now, since)


def read(path):
    """Files of an export, whichever form it has."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as file:
            assert file.testzip() is None
            return {name: file.read(name) for name in file.namelist()}
    return {str(each.relative_to(path)): each.read_bytes() for each in path.rglob("*") if each.is_file()}


def rows(files):
    return [json.loads(line) for line in files["certificates.jsonl"].splitlines()]


@pytest.mark.parametrize("name", ["all", "all.zip"])
def test_a_full_export_has_every_certificate_with_digests(repository, tmp_path, name):
    made = export(repository, tmp_path / name)
    files = read(tmp_path / name)
    manifest = json.loads(files["manifest.json"])
    assert manifest == made.manifest
    assert hashlib.sha256(files["manifest.json"]).hexdigest() == made.sha256
    assert (manifest["kind"], manifest["certificates"], manifest["left_out"]) == ("full", 6, [])
    assert manifest["environment"] == ENVIRONMENT.identifier
    for file, sha256 in manifest["files"].items():
        assert hashlib.sha256(files[file]).hexdigest() == sha256
    listed = rows(files)
    assert len(listed) == 6
    for row in listed:
        der = files[row["file"]]
        assert hashlib.sha256(der).hexdigest() == row["sha256"]
        assert repository.retrieve(row["issuer"], int(row["serial"], 16), NOW).der == der
    table = list(csv.DictReader(io.StringIO(files["certificates.csv"].decode())))
    assert [(row["issuer"], row["serial"]) for row in table] == [(row["issuer"], row["serial"]) for row in listed]
    assert tuple(table[0]) == COLUMNS == tuple(listed[0])
    assert {row["status"] for row in listed} == {"I", "N", "R"}


def test_folder_and_zip_hold_the_same(repository, tmp_path):
    export(repository, tmp_path / "all")
    export(repository, tmp_path / "all.zip")
    folder, archive = read(tmp_path / "all"), read(tmp_path / "all.zip")
    without_head = [
        {k: v for k, v in json.loads(f["manifest.json"]).items() if k != "audit"} for f in (folder, archive)
    ]
    assert without_head[0] == without_head[1]
    assert {**folder, "manifest.json": b""} == {**archive, "manifest.json": b""}


def test_a_delta_has_what_changed_and_why(repository, tmp_path):
    made = export(repository, tmp_path / "delta", since=NOW - DAY)
    listed = rows(read(tmp_path / "delta"))
    assert sorted(tuple(row["changes"]) for row in listed) == [
        ("issued", "lodged"), ("lodged",), ("revoked",), ("superseded",),
    ]  # fmt: skip
    assert (made.manifest["kind"], made.manifest["since"]) == ("delta", "2024-02-29T12:00:00Z")
    assert rows(read_delta(repository, tmp_path / "later", NOW + timedelta(seconds=1))) == []


def read_delta(repository, path, since):
    export(repository, path, since=since)
    return read(path)


def test_the_moment_itself_belongs_to_the_delta(authority):
    revoked = record(authority.organisation("x"), issued_at=NOW - DAY, lodged_at=NOW - DAY, revoked_at=NOW)
    assert changes(revoked, NOW) == ("revoked",)
    assert changes(revoked, NOW + timedelta(seconds=1)) == ()
    imported = replace(revoked, imported=True, issued_at=NOW - 3000 * DAY, lodged_at=NOW, revoked_at=None)
    assert changes(imported, NOW) == ("issued", "lodged"), "new here, however old it is"


def test_the_next_delta_begins_where_the_last_export_ended(repository, tmp_path):
    exports = Exports(repository)
    with pytest.raises(Refused) as refused:
        exports.since_last()
    assert refused.value.code == "export_none_before"
    export(repository, tmp_path / "1", now=NOW)
    assert exports.last() == NOW
    assert exports.since_last() == NOW - ENVIRONMENT.clock_tolerance, "what was committed late is not missed"
    export(repository, tmp_path / "2", now=NOW + DAY, since=exports.since_last())
    assert exports.last() == NOW + DAY


def test_each_export_is_an_audit_entry(repository, tmp_path):
    made = export(repository, tmp_path / "all")
    with repository.store.reading() as books:
        entry = list(books.audit.entries())[-1]
    assert entry.kind == "repository.exported"
    assert (entry.body["manifest"], entry.body["certificates"]) == (made.sha256, 6)


def test_an_altered_certificate_is_left_out_and_named(tmp_path, authority):
    good, bad = record(authority.organisation("good")), record(authority.organisation("bad"), role=1)
    made = export(repository_of(tmp_path, good, bad), tmp_path / "all")
    assert made.manifest["certificates"] == 1
    assert [finding["code"] for finding in made.manifest["left_out"]] == ["certificate_altered"]
    assert f"{bad.serial:X}".encode() not in read(tmp_path / "all")["certificates.jsonl"]


class Killed(BaseException):
    """Not an error anybody handles."""


def killed_at(repository, path, writes):
    """An export that ends after so many certificates."""
    with export_sink(path) as sink:
        write, left = sink.write, iter([True] * writes)

        def dying(file, octets):
            if not next(left, False):
                raise Killed
            write(file, octets)

        sink.write = dying
        Exports(repository).make(sink, NOW)


@pytest.mark.parametrize("name", ["all", "all.zip"])
def test_a_crash_leaves_nothing_under_the_name_and_the_next_run_is_whole(repository, tmp_path, name):
    with pytest.raises(Killed):
        killed_at(repository, tmp_path / name, 3)
    assert not (tmp_path / name).exists()
    assert Exports(repository).last() is None
    export(repository, tmp_path / name)
    assert len(rows(read(tmp_path / name))) == 6
    assert not [each for each in tmp_path.iterdir() if "partial" in each.name]


def test_an_export_is_never_overwritten(repository, tmp_path):
    export(repository, tmp_path / "all")
    before = read(tmp_path / "all")
    with pytest.raises(WireError) as refused:
        export(repository, tmp_path / "all", now=NOW + DAY)
    assert refused.value.code == "output_exists"
    assert read(tmp_path / "all") == before


def test_a_place_that_cannot_be_written_is_named(repository, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WireError) as refused:
        export(repository, tmp_path / "file" / "all")
    assert refused.value.code == "output_failed"


def test_names_of_imported_authorities_do_not_escape(tmp_path):
    """Hostile A8: the folder of an authority is named after it only if the name is plain."""
    stranger = SmallAuthority("..", "../../tmp/x", "a/b", seed="stranger")
    records = (record(stranger.organisation("leaf"), imported=True), record(stranger.device("d"), imported=True))
    repository = repository_of(tmp_path, *records, anchors={})
    export(repository, tmp_path / "all.zip")
    names = list(read(tmp_path / "all.zip"))
    assert not [name for name in names if ".." in name or name.startswith("/")]
    assert sum(name.startswith("der/x-") for name in names) == 2


def test_cells_that_a_spreadsheet_would_run_are_quoted(repository, tmp_path):
    export(repository, tmp_path / "all")
    files = read(tmp_path / "all")
    table = list(csv.DictReader(io.StringIO(files["certificates.csv"].decode())))
    device = next(row for row in table if row["entity_id"] == str(DEVICE))
    assert device["purpose"] == "'=cmd|' /C calc'!A0"
    assert next(row for row in rows(files) if row["entity_id"] == str(DEVICE))["purpose"] == "=cmd|' /C calc'!A0"
    assert csv_line(["a,b", None, True, ["x", "y"], "-1"]) == '"a,b",,true,x y,\'-1\r\n'


def test_people_are_not_part_of_the_repository(tmp_path, authority):
    person = replace(record(authority.organisation("person")), family=Family.IKI)
    made = export(repository_of(tmp_path, person), tmp_path / "all")
    assert made.manifest["certificates"] == 0
