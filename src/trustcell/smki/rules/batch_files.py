"""The files a batch comes in and goes out as: a zip of ``*.csr``, lines, PEM blocks; a zip of ``*.crt`` with a report.

smki.md 3.10; SEC Appendix M. Nothing is written to a path that a batch names: names are checked and kept as text.
"""

import base64
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable

from trustcell.smki.rules.batch import BATCH, MAX_BATCH_OCTETS, MAX_CSR_OCTETS, BatchItem, ItemStatus
from trustcell.smki.rules.records import ItemVerdict
from trustcell.vocab import Finding, Refused

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,250}\.csr")
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_BLOCK = re.compile(rb"-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----.*?-----END (?:NEW )?CERTIFICATE REQUEST-----", re.S)
_EPOCH = (1980, 1, 1, 0, 0, 0)
_REPORTED = {
    ItemStatus.SUCCESS: "success",
    ItemStatus.ISSUANCE_ANOMALY: "anomaly",
    ItemStatus.INELIGIBLE: "ineligible",
}


def read_batch(octets: bytes, limit: int) -> list[BatchItem]:
    """The items of a zip, of JSON lines (``{"name": ..., "csr": base64 or PEM}``), or of PEM blocks one after another.

    ``Refused`` as a whole with ``batch_format``, ``batch_too_large`` (more than ``limit`` CSRs) or ``batch_too_long``.
    """
    if octets[:4] == b"PK\3\4" or octets[:4] == b"PK\5\6":
        return _from_zip(octets, limit)
    if len(octets) > MAX_BATCH_OCTETS:
        raise Refused([_too_long()])
    if octets.lstrip()[:1] == b"{":
        return _from_lines(octets, limit)
    blocks = _BLOCK.findall(octets)
    if not blocks or _BLOCK.sub(b"", octets).strip():
        raise Refused([_format("it is no zip, no JSON lines and no PEM blocks")])
    _count(len(blocks), limit)
    return [BatchItem(f"{number:05}.csr", block) for number, block in enumerate(blocks, 1)]


def result_zip(results: Iterable[tuple[BatchItem, ItemVerdict, bytes]]) -> bytes:
    """Certificates as ``.crt`` (Base64 of DER) under the names of their requests, and ``report.txt`` over all items.

    The same results give the same octets.
    """
    out, lines = io.BytesIO(), []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for item, verdict, der in results:
            if der:
                name = f"{item.name.removesuffix('.csr')}.crt"
                target.writestr(_entry(name), base64.encodebytes(der))
            status = _REPORTED.get(ItemStatus(verdict.status), "error")
            told = " ".join(f"{verdict.code} {verdict.message}".split())
            lines.append(f"{item.name}\t{status}\t{verdict.status}\t{told}".rstrip())
        target.writestr(_entry("report.txt"), "\n".join(lines) + "\n")
    return out.getvalue()


def _from_zip(octets: bytes, limit: int) -> list[BatchItem]:
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as source:
            entries = source.infolist()
            _count(len(entries), limit)
            for entry in entries:
                _check_entry(entry)
            if sum(entry.file_size for entry in entries) > MAX_BATCH_OCTETS:
                raise Refused([_too_long()])
            names = [entry.filename for entry in entries]
            if len({name.lower() for name in names}) != len(names):
                raise Refused([_format("two entries have one name")])
            return [BatchItem(entry.filename, _read(source, entry)) for entry in entries]
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise Refused([_format(f"the zip is damaged: {error}")]) from None


def _check_entry(entry: zipfile.ZipInfo) -> None:
    if not _NAME.fullmatch(entry.filename) or entry.filename != entry.orig_filename:
        raise Refused([_format(f"an entry is {entry.filename[:80]!r}: *.csr at root level was expected")])
    if entry.flag_bits & 1 or entry.compress_type not in _METHODS:
        raise Refused([_format(f"{entry.filename} is encrypted or packed in an unknown way")])
    if entry.file_size > 2 * MAX_CSR_OCTETS:
        raise Refused([_too_long()])


def _read(source: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """No more than the entry says it holds, whatever is packed into it."""
    with source.open(entry) as stream:
        octets = stream.read(entry.file_size + 1)
    if len(octets) != entry.file_size:
        raise Refused([_format(f"{entry.filename} is not as long as it says")])
    return octets


def _from_lines(octets: bytes, limit: int) -> list[BatchItem]:
    lines = [line for line in octets.split(b"\n") if line.strip()]
    _count(len(lines), limit)
    items = []
    for number, line in enumerate(lines, 1):
        try:
            value = json.loads(line)
            name, csr = value["name"], value["csr"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Refused([_format(f"line {number} is no JSON object with name and csr")]) from None
        if not isinstance(name, str) or not isinstance(csr, str) or not _NAME.fullmatch(name):
            raise Refused([_format(f"line {number}: a name such as meter-1.csr and a CSR as text were expected")])
        items.append(BatchItem(name, csr.encode()))
    return items


def _count(count: int, limit: int) -> None:
    if count > limit:
        raise Refused([BATCH.breach("batch_too_large", "batch", f"it holds {count} CSRs", f"{limit} at most")])


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _too_long() -> Finding:
    return BATCH.breach("batch_too_long", "batch", "its octets are too many", "64 MiB, 128 KiB a CSR")


def _format(message: str) -> Finding:
    return BATCH.breach("batch_format", "batch", message, "a zip of *.csr, JSON lines or PEM blocks")
