"""Evidence is kept under its hash, whole or not at all."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from trustcell.adapters.evidence import FileEvidence
from trustcell.vocab import Refused, Unavailable

NAME = sha256(b"minutes").hexdigest()


def refused(evidence: FileEvidence, name: str) -> str:
    with pytest.raises(Refused) as found:
        evidence.read(name)
    return found.value.code


def test_what_was_kept_is_read(tmp_path: Path) -> None:
    evidence = FileEvidence(tmp_path / "a" / "evidence")
    assert evidence.keep(b"minutes") == evidence.keep(b"minutes") == NAME
    assert evidence.keep(b"") == sha256(b"").hexdigest()
    assert evidence.read(NAME) == b"minutes"
    assert sorted(os.listdir(tmp_path / "a" / "evidence")) == sorted([NAME, sha256(b"").hexdigest()])


def test_what_was_not_kept_is_missing(tmp_path: Path) -> None:
    evidence = FileEvidence(tmp_path)
    (tmp_path / "secret").write_text("secret")
    for name in (NAME, "", "secret", "../secret", NAME.upper(), f"{NAME}\n"):
        assert refused(evidence, name) == "evidence_missing"


def test_other_octets_are_told_and_mended_by_keeping_again(tmp_path: Path) -> None:
    evidence = FileEvidence(tmp_path)
    evidence.keep(b"minutes")
    (tmp_path / NAME).write_bytes(b"minutez")
    assert refused(evidence, NAME) == "evidence_hash_mismatch"
    evidence.keep(b"minutes")
    assert evidence.read(NAME) == b"minutes"


def test_a_file_half_written_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = FileEvidence(tmp_path / "evidence")

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Unavailable):
            evidence.keep(b"minutes")
    assert os.listdir(tmp_path / "evidence") == []
    assert refused(evidence, NAME) == "evidence_missing"
    evidence.keep(b"minutes")


def test_file_and_folder_are_synced_before_the_name_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[bool, list[str]]] = []
    real = os.fsync

    def watch(file: int) -> None:
        is_folder = os.path.isdir(f"/proc/self/fd/{file}")
        synced.append((is_folder, [name for name in os.listdir(tmp_path) if not name.startswith(".")]))
        real(file)

    monkeypatch.setattr(os, "fsync", watch)
    FileEvidence(tmp_path).keep(b"minutes")
    assert synced == [(False, []), (True, [NAME])]


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable):
        FileEvidence(tmp_path / "file").keep(b"minutes")
