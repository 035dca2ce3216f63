"""The one file a pack travels in: a ZIP archive with exactly one spelling.

Entries are stored, sorted and dated 1980, so equal packs are equal octets. What is read must be, octet for octet, what
would be written: that leaves no room for encrypted entries, comments, second archives, ZIP64, paths or bombs.
"""

import io
import zipfile
from collections.abc import Mapping

from trustcell.packs.rules.pack import PACK
from trustcell.vocab import Refused

MAX_ARCHIVE_OCTETS = 4 * 1024 * 1024
MAX_ENTRIES = 512
_DATE = (1980, 1, 1, 0, 0, 0)


def write_archive(files: Mapping[str, bytes]) -> bytes:
    """The archive of these files, in the order of their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def read_archive(octets: bytes) -> dict[str, bytes]:
    """The files of an archive; ``Refused`` (``pack_format``) unless it is one that ``write_archive`` made."""
    if len(octets) > MAX_ARCHIVE_OCTETS:
        raise _format(f"it has {len(octets)} octets, {MAX_ARCHIVE_OCTETS} at most were expected")
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES:
                raise _format(f"it has {len(entries)} entries, {MAX_ENTRIES} at most were expected")
            for entry in entries:
                if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
                    raise _format("an entry is compressed or encrypted")
                if entry.file_size > len(octets):
                    raise _format("an entry claims to be longer than the archive")
            files = {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise _format(str(error)[:200] or "the archive is damaged") from None
    if len(files) != len(entries) or write_archive(files) != octets:
        raise _format("it is not, octet for octet, the archive of its files")
    return files


def _format(message: str) -> Refused:
    return Refused([PACK.breach("pack_format", "archive", message, "a pack as trustcell writes it")])
