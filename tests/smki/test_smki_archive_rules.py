"""The public key archive: what stands in it, and that every altered octet is found."""

import base64
import hashlib
import json
from dataclasses import replace

import pytest

from smki.revocation_records import NOW, authority, record
from trustcell.certs import NO_EXPIRY, Certificate
from trustcell.smki.rules.archive import archive_findings, archive_lines

ITEMS = [
    (
        record(revoked_at=NOW, revocation_reason=1, revocation_circumstance="4.9.1(A)(i)", approvals=("A-1",)),
        b"\x30\x00",
    ),
    (record(8), b""),
    (authority(), b""),
]


def made(items=ITEMS) -> list[bytes]:
    return list(archive_lines("test", items, 7, NOW))


def test_an_archive_holds_all_that_is_known_of_a_key():
    head, item, *_, foot = map(json.loads, made())
    assert head["environment"] == "test"
    assert base64.b64decode(item["certificate"]) == ITEMS[0][0].der
    assert base64.b64decode(item["csr"]) == b"\x30\x00"
    spki = base64.b64decode(item["public_key"])
    assert spki == Certificate.from_der(ITEMS[0][0].der).spki
    assert item["public_key_sha256"] == hashlib.sha256(spki).hexdigest()
    assert (item["revoked_at"], item["revocation_reason"], item["approvals"]) == ("2024-03-01T12:00:00Z", 1, ["A-1"])
    assert (item["not_after"], item["keep_until"]) == ("2033-12-31T23:59:59Z", "2040-12-31T23:59:59Z")
    assert foot["count"] == 3
    assert foot["sha256"] == hashlib.sha256(b"".join(made()[:-1])).hexdigest()


def test_what_never_ends_is_kept_for_ever():
    endless = replace(record(), not_after=NO_EXPIRY)
    assert json.loads(made([(endless, b"")])[1])["keep_until"] == "9999-12-31T23:59:59Z"


def test_an_archive_is_found_right():
    assert archive_findings(made()) == []
    assert archive_findings(made([])) == []


def codes(lines: list[bytes]) -> set[str]:
    return {each.code for each in archive_findings(lines)}


def test_truncation_and_what_stands_behind_are_found():
    lines = made()
    assert codes(lines[:-1]) == {"archive_truncated"}
    assert codes([]) == {"archive_truncated"}
    assert codes([*lines, lines[1]]) == {"archive_trailing_data"}
    assert codes(lines[1:]) == {"archive_format"}
    assert codes([lines[0], *lines[2:]]) == {"archive_foot_wrong"}
    assert codes([lines[0], lines[2], lines[1], *lines[3:]]) == {"archive_foot_wrong"}


@pytest.mark.parametrize(
    "line", [b"", b"[]\n", b"1\n", b"{\n", b'{"a": 1}\n', b'{"a":1}', b'{"b":1,"a":2}\n', b'{"a":NaN}\n', b"[" * 9999]
)
def test_a_line_that_is_no_item(line):
    lines = made()
    assert archive_findings([lines[0], line, *lines[2:]])


def changed(number: int, **changes: object) -> list[bytes]:
    """The archive with one item changed and a foot that fits."""
    lines = made()[:-1]
    lines[number] = (
        json.dumps({**json.loads(lines[number]), **changes}, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    )
    foot = {"count": len(lines) - 1, "sha256": hashlib.sha256(b"".join(lines)).hexdigest()}
    return [*lines, json.dumps(foot, sort_keys=True, separators=(",", ":")).encode() + b"\n"]


def test_an_item_that_does_not_agree_with_itself():
    other = json.loads(made()[2])
    assert codes(changed(1, certificate_sha256="00")) == {"archive_digest_wrong"}
    assert codes(changed(1, csr="")) == {"archive_digest_wrong"}
    assert codes(changed(1, csr="!")) == {"archive_item_malformed"}
    assert codes(changed(1, serial="1")) == {"archive_key_wrong"}
    keyed = {name: other[name] for name in ("public_key", "public_key_sha256")}
    assert codes(changed(1, **keyed)) == {"archive_key_wrong"}
    empty = {"certificate": "", "certificate_sha256": hashlib.sha256(b"").hexdigest()}
    assert codes(changed(1, **empty)) == {"archive_certificate_malformed"}


def test_every_flipped_octet_is_found():
    lines = made()
    octets = b"".join(lines)
    for place in range(0, len(octets), 37):
        flipped = octets[:place] + bytes([octets[place] ^ 1]) + octets[place + 1 :]
        assert archive_findings(flipped.splitlines(keepends=True)), place
