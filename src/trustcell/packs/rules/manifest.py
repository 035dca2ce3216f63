"""The manifest of a pack: one JSON text in canonical form that names every file by hash and every cell by file.

Text that is not octet for octet what ``canonical`` writes is refused, which leaves no room for duplicate keys, numbers
with many spellings, or anything a second reader could read differently.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from trustcell.certs import Certificate
from trustcell.governance.rules.canonical import canonical, digest, moment, read_moment
from trustcell.packs.rules.pack import DEVICE_TYPES, PACK, Cells, Generation, Pack
from trustcell.vocab import CellId, Finding, Refused, WireError, cells_at_manufacture

FORMAT = 1
MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
MAX_MANIFEST_OCTETS = 1024 * 1024
_FILE = re.compile(r"certificates/[A-Za-z0-9]{1,64}-[0-9A-F]{1,40}\.der")
_TYPES = {kind.name: kind for kind in DEVICE_TYPES}
_CELLS = {kind: {str(row.cell): row.cell for row in cells_at_manufacture(kind)} for kind in DEVICE_TYPES}


def file_name(certificate: Certificate) -> str:
    """The place of a certificate in a pack: issuer and serial."""
    issuer = re.sub(r"[^A-Za-z0-9]", "", certificate.issuer.common_name or "") or "x"
    return f"certificates/{issuer[:64]}-{certificate.serial:X}.der"


def files_of(pack: Pack) -> dict[str, bytes]:
    """The certificate files of a pack by name; ``Refused`` if two certificates would share one."""
    found: dict[str, bytes] = {}
    for certificate in pack.certificates:
        if found.setdefault(file_name(certificate), certificate.der) != certificate.der:
            field = file_name(certificate)
            raise Refused([_manifest("file_twice", field, "two certificates share issuer and serial", "one of each")])
    return found


def write_manifest(pack: Pack) -> bytes:
    """The manifest's octets."""
    return canonical(
        {
            "cells": {
                generation.name: {
                    kind.name: {str(cell): file_name(found) for cell, found in cells.items()}
                    for kind, cells in generation.cells.items()
                }
                for generation in pack.generations
            },
            "effective_from": moment(pack.effective_from),
            "environment": pack.environment,
            "files": [
                {"name": name, "sha256": digest(octets), "size": len(octets)}
                for name, octets in sorted(files_of(pack).items())
            ],
            "format": FORMAT,
            "generations": [generation.name for generation in pack.generations],
            "issuers": [file_name(issuer) for issuer in pack.issuers],
            "made_at": moment(pack.made_at),
            "name": pack.name,
            "root": file_name(pack.root),
            "version": pack.version,
        }
    )


def read_pack(manifest: bytes, files: Mapping[str, bytes]) -> Pack:
    """The pack that a manifest and its certificate files describe; ``Refused`` with ``pack_manifest_...`` codes."""
    raw = _parsed(manifest)
    _same_files(raw, files)
    certificates = {name: _certificate(name, octets) for name, octets in files.items()}

    def certificate(name: Any, field: str) -> Certificate:
        if name not in certificates:
            raise Refused([_manifest("file_missing", field, f"{name} is not in the pack", "add the file")])
        return certificates[name]

    try:
        generations = tuple(
            Generation(name, {_TYPES[kind]: _cells(kind, raw, name, certificate) for kind in raw["cells"][name]})
            for name in raw["generations"]
        )
        if set(raw["cells"]) != set(raw["generations"]):
            raise ValueError("cells and generations name different generations")
        pack = Pack(
            raw["name"],
            raw["version"],
            raw["environment"],
            read_moment(raw["made_at"]),
            read_moment(raw["effective_from"]),
            certificate(raw["root"], "root"),
            tuple(certificate(name, "issuers") for name in raw["issuers"]),
            generations,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        detail = f"{error.args[0]} is unknown or missing" if isinstance(error, KeyError) else str(error)
        raise Refused([_manifest("malformed", MANIFEST, detail[:200], "a manifest as trustcell writes it")]) from None
    if write_manifest(pack) != manifest:
        message = "it is not, octet for octet, the manifest of what it describes"
        raise Refused([_manifest("not_canonical", MANIFEST, message, "have the pack built again")])
    return pack


def _cells(kind: str, raw: Any, generation: str, certificate: Any) -> Cells:
    entries = raw["cells"][generation][kind]
    known: Mapping[str, CellId] = _CELLS[_TYPES[kind]]
    return {known[cell]: certificate(name, f"{generation}.{kind}.{cell}") for cell, name in entries.items()}


def _parsed(manifest: bytes) -> Any:
    if len(manifest) > MAX_MANIFEST_OCTETS:
        raise Refused([_manifest("too_large", MANIFEST, f"{len(manifest)} octets", "a mebibyte at most")])
    try:
        raw = json.loads(manifest, parse_float=_refuse, parse_constant=_refuse, parse_int=_number)
        if not isinstance(raw, dict):
            raise ValueError("a JSON object was expected")
        plain = canonical(raw) == manifest
    except (ValueError, TypeError, RecursionError, AttributeError) as error:
        raise Refused([_manifest("malformed", MANIFEST, str(error)[:200], "JSON of whole numbers")]) from None
    if not plain:
        message = "keys are repeated or out of order, or there is white space"
        raise Refused([_manifest("not_canonical", MANIFEST, message, "sorted keys, each once, no white space")])
    if raw.get("format") != FORMAT:
        raise Refused([_manifest("format", "format", f"it is {raw.get('format')!r}", f"{FORMAT} is the one known")])
    return raw


def _same_files(raw: Any, files: Mapping[str, bytes]) -> None:
    """Every file named is there with its hash and size, in order, and no other."""
    found: list[Finding] = []
    try:
        listed = [(entry["name"], entry["sha256"], entry["size"]) for entry in raw["files"]]
    except (KeyError, TypeError):
        raise Refused([_manifest("malformed", "files", "entries have name, sha256, size", "all three")]) from None
    names = [name for name, _, _ in listed]
    if any(not isinstance(name, str) or not _FILE.fullmatch(name) for name in names):
        found.append(_manifest("file_name", "files", "a name is no certificates/ISSUER-SERIAL.der", "plain names"))
    elif sorted(set(names)) != names:
        found.append(_manifest("order", "files", "names are repeated or out of order", "sorted, each once"))
    for name, sha256, size in listed:
        octets = files.get(name) if isinstance(name, str) else None
        if octets is None:
            found.append(_manifest("file_missing", str(name)[:80], "it is named but not in the pack", "add the file"))
        elif digest(octets) != sha256 or len(octets) != size:
            found.append(_manifest("file_hash", name, "its octets are not those the manifest names", "the right file"))
    extra = sorted(set(files) - {name for name in names if isinstance(name, str)})
    found += [_manifest("file_extra", name, "it is in the pack but not named", "leave it out") for name in extra]
    if found:
        raise Refused(found)


def _certificate(name: str, octets: bytes) -> Certificate:
    try:
        found = Certificate.from_der(octets)
    except WireError as error:
        raise Refused([PACK.breach("pack_certificate", name, str(error), "one certificate in DER")]) from None
    if file_name(found) != name:
        message = f"it holds the certificate that belongs to {file_name(found)}"
        raise Refused([_manifest("file_name", name, message, "name files by issuer and serial")])
    return found


def _refuse(text: str) -> None:
    raise ValueError(f"{text[:20]} is no whole number")


def _number(text: str) -> int:
    if len(text) > 20:
        raise ValueError("a number has at most 20 digits")
    return int(text)


def _manifest(code: str, field: str, message: str, remedy: str) -> Finding:
    return PACK.breach(f"pack_manifest_{code}", field, message, remedy)
