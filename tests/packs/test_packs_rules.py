"""Packs as values: filling cells, manifest, archive, lint, difference, and every hostile row P4 to P9."""

import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from packs.packs_lab import DS, KA, Lab, eui
from trustcell import certs, gbcs
from trustcell.devices import CellOccupant, ManufacturePack
from trustcell.governance.rules.canonical import canonical, digest
from trustcell.governance.rules.statements import SignedStatement, Statement
from trustcell.packs.rules import archive, diff, manifest, seal
from trustcell.packs.rules.lint import lint
from trustcell.packs.rules.pack import DEVICE_TYPES, Generation, Pack, fill
from trustcell.stories.hierarchy import POLICY
from trustcell.vocab import CellId, CellUsage, DeviceType, Refused, RemotePartyRole, Severity

ROLES = RemotePartyRole
TOP_UP = CellId(ROLES.SUPPLIER, KA, CellUsage.PRE_PAYMENT_TOP_UP)


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab()


def codes(findings) -> set[str]:
    return {finding.code for finding in findings}


def errors(findings) -> set[str]:
    return {finding.code for finding in findings if finding.severity is Severity.ERROR}


def refused(call, *arguments) -> set[str]:
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return codes(caught.value.findings)


def sealed(pack: Pack) -> bytes:
    statement = Statement(pack.environment, seal.PUBLISH, pack.name, "paula", pack.made_at, seal.body_of(pack))
    return seal.seal(pack, SignedStatement(statement, b"signature", b"certificate"), b"authority")


def test_cells_are_filled_as_devices_are_made(lab: Lab):
    generation = lab.generation("2016", lab.first)
    root = lab.authority.root
    made = ManufacturePack.of(
        CellOccupant.root(root.subject_key_identifier, root.public_key_point, root.der), [c.der for c in lab.first]
    )
    for kind in DEVICE_TYPES:
        expected = {cell: occupant.key_id for cell, occupant in made.occupants[kind].items()}
        assert {cell: c.subject_key_identifier for cell, c in generation.cells[kind].items()} == expected
    assert generation.cells[DeviceType.GPF][TOP_UP] == lab.pairs["broker ka"].certificate
    assert len(generation.certificates) == 5


def test_a_cell_nobody_fills_and_a_cell_two_could_fill(lab: Lab):
    assert refused(fill, "x", lab.authority.root, lab.first[1:]) == {"pack_cell_missing"}
    assert refused(fill, "x", lab.authority.root, [*lab.first, lab.again[0]]) == {"pack_cell_twice"}
    cell = CellId(ROLES.WAN_PROVIDER, DS)
    assert refused(fill, "x", lab.authority.root, lab.first, {(DeviceType.ESME, cell): lab.first[0]}) == {
        "pack_cell_unknown"
    }


def test_a_cell_may_be_chosen_by_hand(lab: Lab):
    load = CellId(ROLES.LOAD_CONTROLLER, KA)
    chosen = lab.pairs["broker ka"].certificate
    generation = fill("x", lab.authority.root, lab.first, {(DeviceType.ESME, load): chosen})
    assert generation.cells[DeviceType.ESME][load] == chosen
    assert load not in lab.generation("y", lab.first).cells[DeviceType.ESME]


def test_a_pack_reads_back_and_equal_packs_are_equal_octets(lab: Lab):
    both = lab.pack(lab.generation("2016", lab.first), lab.generation("2024", lab.again))
    octets = sealed(both)
    found = seal.unseal(octets)
    assert found.pack == both
    assert sealed(found.pack) == octets
    assert list(seal.claims(found)) == []


def test_every_octet_of_a_pack_matters(lab: Lab):
    """Any changed octet is refused, or changes seal or certificates, which are checked by signature."""
    octets = sealed(lab.old())
    original = seal.unseal(octets)
    for place in range(0, len(octets), 7):
        damaged = bytearray(octets)
        damaged[place] ^= 0x41
        try:
            found = seal.unseal(bytes(damaged))
        except Refused:
            continue
        assert found.seal != original.seal or found.authority != original.authority, place


@pytest.mark.parametrize("cut", [0, 1, 21, 22, 100, -1, -22, -100])
def test_a_truncated_archive_is_no_pack(lab: Lab, cut: int):
    assert refused(seal.unseal, sealed(lab.old())[:cut]) == {"pack_format"}


def rezipped(octets: bytes, method: int = zipfile.ZIP_STORED, comment: bytes = b"", **more: bytes) -> bytes:
    files = archive.read_archive(octets) | more
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        made.comment = comment
        for name, content in files.items():
            made.writestr(name, content)
    return buffer.getvalue()


def test_archives_with_tricks(lab: Lab):
    octets = sealed(lab.old())
    second = archive.write_archive({"manifest.json": b"{}"})
    tricks = {
        "compressed": rezipped(octets, zipfile.ZIP_DEFLATED),
        "comment": rezipped(octets, comment=b"hello"),
        "comment with an archive": rezipped(octets, comment=second),
        "in front": b"#!/bin/sh\n" + octets,
        "behind": octets + b"\0",
        "two archives": octets + second,
        "dated": rezipped(octets),
    }
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("manifest.json", bytes(64 * 1024 * 1024))
    tricks["bomb"] = bomb.getvalue()
    encrypted = bytearray(octets)
    encrypted[6] |= 1
    encrypted[octets.index(b"PK\x01\x02") + 8] |= 1
    tricks["encrypted"] = bytes(encrypted)
    method = bytearray(octets)
    method[8] = method[octets.index(b"PK\x01\x02") + 10] = 99
    tricks["unknown method"] = bytes(method)
    tricks["one name twice"] = archive.write_archive({"manifest.json": b"{}", "manifest.jsoo": b"{}"}).replace(
        b"manifest.jsoo", b"manifest.json"
    )
    checksum = bytearray(octets)
    checksum[14] ^= 1
    checksum[octets.index(b"PK\x01\x02") + 16] ^= 1
    tricks["wrong CRC"] = bytes(checksum)
    wide = io.BytesIO()
    with zipfile.ZipFile(wide, "w") as made:
        for name, content in archive.read_archive(octets).items():
            with made.open(name, "w", force_zip64=True) as entry:
                entry.write(content)
    tricks["zip64"] = wide.getvalue()
    for name, trick in tricks.items():
        assert refused(seal.unseal, trick) == {"pack_format"}, name


def test_no_path_leaves_the_archive(lab: Lab):
    files = archive.read_archive(sealed(lab.old()))
    for name in ("../../etc/passwd", "/etc/passwd", "certificates/../x.der", "certificates/a\\b.der"):
        octets = archive.write_archive({**files, name: b"x"})
        assert refused(seal.unseal, octets) == {"pack_manifest_file_extra"}, name


def with_manifest(pack: Pack, text: bytes, **files: bytes) -> bytes:
    return archive.write_archive({**archive.read_archive(sealed(pack)), "manifest.json": text, **files})


def test_a_manifest_has_one_spelling(lab: Lab):
    pack = lab.old()
    text = manifest.write_manifest(pack)
    bad = {
        "duplicate key": text.replace(b'"format":1', b'"format":1,"format":1'),
        "space": text.replace(b'"format":1', b'"format": 1'),
        "escaped": text.replace(b'"lab"', b'"\\u006cab"'),
        "trailing": text + b"\n",
    }
    for name, each in bad.items():
        assert refused(seal.unseal, with_manifest(pack, each)) == {"pack_manifest_not_canonical"}, name
    malformed = {
        "NaN": text.replace(b'"format":1', b'"format":NaN'),
        "a fraction": text.replace(b'"format":1', b'"format":1.0'),
        "10^400": text.replace(b'"version":1', b'"version":1' + b"0" * 400),
        "depth": b"[" * 100_000,
        "no JSON": b"\xff",
        "a list": b"[]",
        "a number": b"1",
    }
    for name, each in malformed.items():
        assert refused(seal.unseal, with_manifest(pack, each)) == {"pack_manifest_malformed"}, name
    assert refused(seal.unseal, with_manifest(pack, text.replace(b'"format":1', b'"format":2'))) == {
        "pack_manifest_format"
    }


def edited(pack: Pack, change) -> bytes:
    raw = json.loads(manifest.write_manifest(pack))
    change(raw)
    return with_manifest(pack, canonical(raw))


def test_a_manifest_that_does_not_fit_its_files(lab: Lab):
    pack = lab.old()

    def first_hash(raw):
        raw["files"][0]["sha256"] = "0" * 64

    assert refused(seal.unseal, edited(pack, lambda raw: raw["files"].reverse())) == {"pack_manifest_order"}
    assert refused(seal.unseal, edited(pack, first_hash)) == {"pack_manifest_file_hash"}
    assert refused(seal.unseal, edited(pack, lambda raw: raw["files"].pop())) == {"pack_manifest_file_extra"}
    for field in ("cells", "files", "name", "root", "version", "made_at", "generations", "issuers"):
        assert codes_of_missing(pack, field) <= {"pack_manifest_malformed"}, field
    files = archive.read_archive(sealed(pack))
    del files[next(name for name in files if name.startswith("certificates/"))]
    assert refused(seal.unseal, archive.write_archive(files)) == {"pack_manifest_file_missing"}
    del files["manifest.sig"]
    assert refused(seal.unseal, archive.write_archive(files)) == {"pack_signature_missing"}
    del files["manifest.json"]
    assert refused(seal.unseal, archive.write_archive(files)) == {"pack_manifest_missing"}


def codes_of_missing(pack: Pack, field: str) -> set[str]:
    return refused(seal.unseal, edited(pack, lambda raw: raw.pop(field)))


def test_a_cell_pointing_at_another_file_is_seen(lab: Lab):
    def swap(raw):
        cells = raw["cells"]["2016"]["ESME"]
        cells["recovery/digitalSignature"] = cells["transitionalCoS/digitalSignature"]

    found = seal.unseal(edited(lab.old(), swap))
    assert "pack_signature_other_octets" in codes(seal.claims(found))
    assert "pack_cell_role" in errors(lint(found.pack))


def test_a_good_pack_has_no_errors_and_other_periods_are_told(lab: Lab):
    assert lint(lab.old(), policy=POLICY) == []
    found = lint(lab.new(), policy=POLICY)
    assert errors(found) == set()
    assert codes(found) == {"pack_period"}


def replaced(pack: Pack, kind: DeviceType, cell: CellId, certificate: certs.Certificate | None) -> Pack:
    generation = pack.generations[0]
    cells = dict(generation.cells[kind])
    if certificate is None:
        del cells[cell]
    else:
        cells[cell] = certificate
    return replace(pack, generations=(Generation(generation.name, {**generation.cells, kind: cells}),))


def test_cells_of_the_wrong_kind(lab: Lab):
    old, recovery = lab.old(), CellId(ROLES.RECOVERY, DS)
    broker_ka = CellId(ROLES.ACCESS_CONTROL_BROKER, KA)
    pairs = lab.pairs
    assert errors(lint(replaced(old, DeviceType.GPF, recovery, None))) == {"pack_cell_missing"}
    assert errors(lint(replaced(old, DeviceType.GPF, recovery, pairs["cos"].certificate))) == {"pack_cell_role"}
    ds_in_ka = replaced(old, DeviceType.GPF, broker_ka, pairs["broker ds"].certificate)
    assert errors(lint(ds_in_ka)) == {"pack_cell_key_usage"}
    authority = replaced(old, DeviceType.GPF, recovery, lab.authority.issuing)
    assert errors(lint(authority)) == {"pack_cell_role"}


def test_a_certificate_of_another_environment(lab: Lab):
    other = Lab(b"another environment")
    mixed = replaced(lab.old(), DeviceType.CHF, CellId(ROLES.RECOVERY, DS), other.pairs["recovery"].certificate)
    assert errors(lint(mixed)) == {"pack_chain"}
    assert "profile_policy_other_environment" in errors(lint(lab.old(), policy="1.2.3.4"))


def test_uneven_ends_and_two_issuers_are_warnings_with_dates(lab: Lab):
    short = lab.reissued("wan", datetime(2034, 2, 28, 23, 59, 59, tzinfo=UTC))
    pack = lab.pack(lab.generation("x", [*lab.again[:4], short]), made=datetime(2024, 3, 2, tzinfo=UTC))
    found = [finding for finding in lint(pack) if finding.code == "pack_ends_unevenly"]
    assert len(found) == 1
    assert "2034-02-28 and 2040-12-31" in found[0].message
    assert found[0].severity is Severity.WARNING
    assert pack.not_after == short.not_after
    two = replace(lab.old(), issuers=(lab.authority.issuing, Lab(b"another environment").authority.issuing))
    assert "pack_two_issuers" in codes(lint(two)) - errors(lint(two))
    assert "pack_issuer_missing" in errors(lint(replace(lab.old(), issuers=())))


def test_a_certificate_that_ends_before_the_pack_begins(lab: Lab):
    late = replace(lab.old(), effective_from=datetime(2027, 1, 1, tzinfo=UTC))
    assert "pack_certificate_expired" in errors(lint(late))


def test_a_certificate_that_outlives_its_issuer(lab: Lab):
    beyond = lab.reissued("wan", datetime(2041, 1, 1, tzinfo=UTC))
    pack = lab.pack(lab.generation("x", [*lab.again[:4], beyond]), made=datetime(2024, 3, 2, tzinfo=UTC))
    assert errors(lint(pack)) == {"pack_certificate_outlives"}


def test_reused_keys_are_the_same_to_every_device_and_new_ones_are_not(lab: Lab):
    same = diff.compare(lab.old().newest, lab.new().newest)
    assert same.same_to_every_device
    assert same.different_in_every_date
    cells = [cell for cell in same.cells if not cell.new.is_authority]
    assert {cell.comparison for cell in cells} == {diff.Comparison.SAME_TO_DEVICE}
    assert {cell.differs for cell in cells} == {("serial", "notBefore", "notAfter")}
    roots = [cell for cell in same.cells if cell.new.is_authority]
    assert {cell.comparison for cell in roots} == {diff.Comparison.EQUAL}
    fresh = lab.generation("fresh", [*lab.again[:4], lab.reissued("wan", key="another key")])
    other = diff.compare(lab.old().newest, fresh)
    assert not other.same_to_every_device
    different = {cell.cell.role for cell in other.cells if cell.comparison is diff.Comparison.DIFFERENT}
    assert different == {ROLES.WAN_PROVIDER}


def test_a_cell_only_in_one_pack(lab: Lab):
    cell = CellId(ROLES.RECOVERY, DS)
    less = replaced(lab.old(), DeviceType.ESME, cell, None).newest
    assert [c.comparison for c in diff.compare(lab.old().newest, less).cells if c.cell == cell and c.new is None] == [
        diff.Comparison.REMOVED
    ]
    assert not diff.compare(less, lab.old().newest).same_to_every_device


def test_a_device_cannot_tell_generations_with_one_key_apart(lab: Lab):
    both = lab.pack(lab.generation("2016", lab.first), lab.generation("2024", lab.again))
    told = diff.told_by_device(both.certificates)
    assert len(told) == 5
    assert {each.text for each in told} == {"2025 or 2040, assumed 2025"}
    assert not any(each.known for each in told)
    alone = diff.told_by_device(lab.old().certificates)
    assert {each.text for each in alone} == {"2025"}


def test_older_and_changed_packs_are_not_newer(lab: Lab):
    old, new = lab.old(), lab.new()
    assert list(seal.newer(new, old)) == []
    assert codes(seal.newer(old, new)) == {"pack_version_older"}
    assert codes(seal.newer(replace(new, version=1), old)) == {"pack_version_same"}
    assert list(seal.newer(old, old)) == []
    assert codes(seal.newer(replace(new, environment="another"), old)) == {"pack_version_other"}


def test_anchors(lab: Lab):
    found = seal.unseal(sealed(lab.old()))
    assert errors(seal.anchored(found, None)) == set()
    assert codes(seal.anchored(found, None)) == {"pack_not_anchored"}
    right = seal.Anchors(frozenset({digest(lab.authority.root.der)}), frozenset({digest(b"authority")}))
    assert list(seal.anchored(found, right)) == []
    wrong = seal.Anchors(frozenset(), frozenset())
    assert codes(seal.anchored(found, wrong)) == {"pack_root_unknown", "pack_signature_authority"}


def test_a_seal_of_another_pack_is_not_this_ones(lab: Lab):
    old, new = archive.read_archive(sealed(lab.old())), archive.read_archive(sealed(lab.new()))
    moved = seal.unseal(archive.write_archive({**new, "manifest.sig": old["manifest.sig"]}))
    assert codes(seal.claims(moved)) == {"pack_signature_other_octets"}


def test_malformed_seals(lab: Lab):
    files = archive.read_archive(sealed(lab.old()))
    text = files["manifest.sig"]
    for bad in (
        b"",
        b"{}",
        b"[]",
        b"[" * 100_000,
        text + b" ",
        text.replace(b'"authority":"', b'"authority":"!'),
        b"x" * 70_000,
    ):
        octets = archive.write_archive({**files, "manifest.sig": bad})
        assert refused(seal.unseal, octets) == {"pack_signature_malformed"}, bad[:40]


@pytest.mark.parametrize("name", ["", ".", "a/b", "a b", "x" * 65, "é"])
def test_names_are_plain(lab: Lab, name: str):
    with pytest.raises(ValueError):
        replace(lab.old(), name=name)
    with pytest.raises(ValueError):
        Generation(name, {})


def test_entities_and_times_of_the_lab_are_what_the_tests_say(lab: Lab):
    assert {c.entity_id for c in lab.first} == {eui(1), eui(2), eui(4), eui(7)}
    assert all(
        gbcs.public_key_from_point(a.public_key_point) == gbcs.public_key_from_point(b.public_key_point)
        for a, b in zip(lab.first, lab.again, strict=True)
    )
    assert lab.new().made_at - lab.old().made_at > timedelta(days=2000)
