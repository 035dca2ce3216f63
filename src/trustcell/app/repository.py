"""The repository of a home on files: exports written, certificates of other authorities read and taken in."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from trustcell.adapters.export_archive import export_sink
from trustcell.adapters.foreign import foreign_items
from trustcell.governance.ports import Credential
from trustcell.governance.service import Governance
from trustcell.smki.service.exporting import Exported, Exports
from trustcell.smki.service.importing import Imported, Imports
from trustcell.smki.service.repository import Repository
from trustcell.vocab import WireError


def export(repository: Repository, path: Path, now: datetime, *, since: datetime | None, delta: bool) -> Exported:
    """Write a full export, or what changed ``since`` a moment or (``delta``) since the last export.

    Raises ``WireError`` (``output_exists``, ``output_failed``), ``Refused`` (``export_none_before``).
    """
    exports = Exports(repository)
    start = exports.since_last() if delta else since
    with export_sink(path) as sink:
        return exports.make(sink, now, start)


def import_files(
    repository: Repository,
    governance: Governance,
    files: Sequence[Path],
    credential: Credential,
    now: datetime,
    pins: Sequence[str] = (),
) -> Imported:
    """Take in the certificates of files and folders; ``WireError`` for a file that holds none, ``Refused``."""
    items = [item for file in _files(files) for item in foreign_items(file)]
    return Imports(repository, governance).take(items, credential, now, frozenset(pins))


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        below = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        if not below:
            raise WireError(-1, str(path), "the folder has no files", "input_missing")
        found.extend(below)
    return found
