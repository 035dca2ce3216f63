"""Certificates of other authorities in files: PEM, DER, or the JSON key files that clients and test sets come with."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trustcell.certs.armour import unarmour
from trustcell.smki.rules.foreign import ForeignItem
from trustcell.vocab import Eui64, KeyUsage, WireError

MAX_FILE_OCTETS = 256 * 1024 * 1024
_LABELS = frozenset({"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"})
_USAGES = {
    "DS": KeyUsage.DIGITAL_SIGNATURE,
    "KA": KeyUsage.KEY_AGREEMENT,
    "digitalSignature": KeyUsage.DIGITAL_SIGNATURE,
    "keyAgreement": KeyUsage.KEY_AGREEMENT,
}


def foreign_items(path: Path) -> list[ForeignItem]:
    """Every entry of a file, those without a certificate too; private keys beside them are not looked at.

    Raises ``WireError`` (``input_missing``, ``input_too_large``, ``import_format``) for a file that is none of these.
    """
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_FILE_OCTETS + 1)
    except OSError as error:
        raise WireError(-1, str(path), f"the file cannot be read: {error.strerror}", "input_missing") from None
    if len(octets) > MAX_FILE_OCTETS:
        raise WireError(-1, str(path), f"at most {MAX_FILE_OCTETS} octets expected", "input_too_large")
    if octets.lstrip()[:1] in (b"[", b"{"):
        return list(_from_json(path, octets))
    try:
        blocks = unarmour(octets, _LABELS)
    except WireError as error:
        raise WireError(error.offset, str(path), error.reason, "import_format") from None
    where = [f"{path.name}" if len(blocks) == 1 else f"{path.name}: certificate {n}" for n in range(1, len(blocks) + 1)]
    return [ForeignItem(name, der) for name, der in zip(where, blocks, strict=True)]


def _from_json(path: Path, octets: bytes) -> Iterator[ForeignItem]:
    try:
        data = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise WireError(-1, str(path), f"a JSON key file was expected: {error}", "import_format") from None
    entries = 0
    for where, entry in _entries(data):
        if not isinstance(entry, dict):
            raise WireError(-1, f"{path}: {where}", "an object was expected", "import_format")
        entries += 1
        label = entry.get("name") or entry.get("eui64")
        yield ForeignItem(f"{path.name}: {where} ({label})", _der(entry), _entity(entry), _USAGES.get(_usage(entry)))
    if not entries:
        raise WireError(-1, str(path), "the file has no entries", "import_format")


def _entries(data: Any) -> Iterator[tuple[str, Any]]:
    """Entries of a list, or of ``keystore.json``, which maps EUI-64, usage and serial to an entry."""
    if isinstance(data, list):
        for number, entry in enumerate(data):
            yield f"entry {number}", entry
        return
    for eui, usages in data.items():
        for usage, serials in usages.items() if isinstance(usages, dict) else ():
            for serial, entry in serials.items() if isinstance(serials, dict) else ():
                named = {"eui64": eui, "usage": usage, **entry} if isinstance(entry, dict) else entry
                yield f"{eui}/{usage}/{serial}", named


def _der(entry: Mapping[str, Any]) -> bytes | None:
    """The octets, ``None`` without a certificate (trap T10), nothing at all for a text that is no base64."""
    coded, pem = entry.get("certificate_der_b64"), entry.get("certificate")
    try:
        if isinstance(coded, str):
            return base64.b64decode(coded, validate=True)
        if isinstance(pem, str):
            return unarmour(pem.encode(), _LABELS)[0]
    except (binascii.Error, ValueError, WireError):
        return b""
    return None


def _entity(entry: Mapping[str, Any]) -> Eui64 | None:
    try:
        return Eui64.parse(str(entry.get("eui64", "")))
    except ValueError:
        return None


def _usage(entry: Mapping[str, Any]) -> str:
    return str(entry.get("usage", ""))
