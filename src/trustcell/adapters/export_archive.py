"""Exports on disk: a folder or a zip that appears under its name complete or not at all."""

import contextlib
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from trustcell.smki.service.exporting import Sink
from trustcell.vocab import WireError

_MOMENT = (1980, 1, 1, 0, 0, 0)


@contextlib.contextmanager
def export_sink(path: Path) -> Iterator[Sink]:
    """A zip for a name that ends in ``.zip``, a folder for any other.

    Work goes on beside it under ``.NAME.partial``. After a crash the same command starts over: a folder keeps the
    certificates it has, everything else is written anew. Raises ``WireError`` (``output_exists``, ``output_failed``).
    """
    if path.exists():
        raise WireError(-1, str(path), "it exists; an export is never overwritten", "output_exists")
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sink = _Zip(path, partial) if path.suffix.lower() == ".zip" else _Folder(path, partial)
        try:
            yield sink
        finally:
            sink.close()
    except OSError as error:
        raise WireError(-1, str(path), f"the export cannot be written: {error.strerror}", "output_failed") from None


class _Folder:
    """Files below a folder."""

    def __init__(self, path: Path, partial: Path) -> None:
        self._path, self._partial = path, partial
        self._growing: dict[str, IO[bytes]] = {}
        self._folders: set[Path] = set()
        partial.mkdir(exist_ok=True)

    def write(self, path: str, octets: bytes) -> None:
        file = self._partial / path
        if file.parent not in self._folders:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(file.parent)
        if file.exists() and file.read_bytes() == octets:
            return
        file.write_bytes(octets)

    def append(self, path: str, octets: bytes) -> None:
        if path not in self._growing:
            self._growing[path] = (self._partial / path).open("wb")
        self._growing[path].write(octets)

    def finish(self) -> None:
        for file in self._growing.values():
            file.flush()
            os.fsync(file.fileno())
        self.close()
        _sync_folder(self._partial)
        self._partial.rename(self._path)
        _sync_folder(self._path.parent)

    def close(self) -> None:
        for file in self._growing.values():
            file.close()


class _Zip:
    """Entries of a zip; what grows is kept beside it until the end, since a zip grows at one place only."""

    def __init__(self, path: Path, partial: Path) -> None:
        self._path, self._partial = path, partial
        self._beside = partial.with_name(f"{partial.name}.parts")
        shutil.rmtree(self._beside, ignore_errors=True)
        self._growing: dict[str, IO[bytes]] = {}
        self._beside.mkdir()
        self._zip = zipfile.ZipFile(partial, "w")

    def write(self, path: str, octets: bytes) -> None:
        self._zip.writestr(zipfile.ZipInfo(path, _MOMENT), octets)  # DER does not get smaller

    def append(self, path: str, octets: bytes) -> None:
        if path not in self._growing:
            self._growing[path] = (self._beside / path).open("w+b")
        self._growing[path].write(octets)

    def finish(self) -> None:
        for path, file in self._growing.items():
            file.seek(0)
            entry = zipfile.ZipInfo(path, _MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with self._zip.open(entry, "w", force_zip64=True) as into:
                shutil.copyfileobj(file, into)
        self.close()
        with self._partial.open("rb+") as written:
            os.fsync(written.fileno())
        self._partial.rename(self._path)
        _sync_folder(self._path.parent)

    def close(self) -> None:
        for file in self._growing.values():
            file.close()
        self._zip.close()
        shutil.rmtree(self._beside, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
