"""The seal of a pack: the statement with which a person published it, signed with the person's IKI credential.

The statement names the SHA-256 of the manifest, and the manifest every file, so the signature covers all of the pack.
The ICA certificate travels along, so that a manufacturer can check the seal offline. Whether that ICA and the Root OCA
are the right ones is for the reader to know: ``Anchors`` says so.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trustcell.governance.rules.canonical import canonical, digest
from trustcell.governance.rules.statements import SignedStatement, Statement
from trustcell.packs.rules.archive import read_archive, write_archive
from trustcell.packs.rules.manifest import MANIFEST, SIGNATURE, files_of, read_pack, write_manifest
from trustcell.packs.rules.pack import PACK, Pack
from trustcell.vocab import Finding, Refused, Severity

PUBLISH = "pack.publish"
MAX_SEAL_OCTETS = 64 * 1024


@dataclass(frozen=True)
class Anchors:
    """What a reader trusts already: SHA-256 digests (hex) of Root OCA and ICA certificates."""

    roots: frozenset[str]
    authorities: frozenset[str]


@dataclass(frozen=True)
class SealedPack:
    """A pack as it was read: the pack, its manifest, the signed statement and the ICA certificate beside it."""

    pack: Pack
    manifest: bytes
    seal: SignedStatement
    authority: bytes


def body_of(pack: Pack) -> dict[str, Any]:
    """What the publishing statement says; its subject is the name of the pack."""
    return {"manifest": digest(write_manifest(pack)), "version": pack.version}


def seal(pack: Pack, signed: SignedStatement, authority: bytes) -> bytes:
    """The archive of a pack with the statement that publishes it and the ICA certificate of its signer."""
    signature = canonical(
        {
            "authority": _text(authority),
            "certificate": _text(signed.certificate),
            "signature": _text(signed.signature),
            "statement": signed.statement.octets.decode(),
        }
    )
    return write_archive({MANIFEST: write_manifest(pack), SIGNATURE: signature, **files_of(pack)})


def unseal(octets: bytes) -> SealedPack:
    """Read a pack file; ``Refused`` with ``pack_format``, ``pack_manifest_...`` or ``pack_signature_...`` codes."""
    files = read_archive(octets)
    for name in (MANIFEST, SIGNATURE):
        if name not in files:
            code = "pack_manifest_missing" if name == MANIFEST else "pack_signature_missing"
            raise Refused([PACK.breach(code, name, "it is not in the pack", "a pack as trustcell publishes it")])
    manifest, signature = files.pop(MANIFEST), files.pop(SIGNATURE)
    statement, authority = _read(signature)
    return SealedPack(read_pack(manifest, files), manifest, statement, authority)


def claims(sealed: SealedPack) -> Iterable[Finding]:
    """Whether the statement is about this pack, apart from its signature."""
    said, pack = sealed.seal.statement, sealed.pack
    wanted = {"kind": PUBLISH, "subject": pack.name, "environment": pack.environment, "body": body_of(pack)}
    for field, value in wanted.items():
        if getattr(said, field) != value:
            message = f"the signed statement says another {field}"
            yield PACK.breach(
                "pack_signature_other_octets", f"{SIGNATURE}: {field}", message, "the seal of this very pack"
            )
    if said.at != pack.made_at:
        message = f"signed at {said.at.isoformat()}, made at {pack.made_at.isoformat()}"
        yield PACK.breach("pack_signature_other_octets", f"{SIGNATURE}: at", message, "the seal of this very pack")


def anchored(sealed: SealedPack, anchors: Anchors | None) -> Iterable[Finding]:
    """Whether root and ICA are ones the reader trusts; a warning with their digests when the reader names none."""
    root, authority = digest(sealed.pack.root.der), digest(sealed.authority)
    if anchors is None:
        message = f"nothing to compare with: root {root}, ICA {authority}"
        remedy = "compare these digests with what the DCC published, or name the certificates"
        yield PACK.breach("pack_not_anchored", "root", message, remedy, Severity.WARNING)
        return
    if root not in anchors.roots:
        yield PACK.breach("pack_root_unknown", "root", f"its digest is {root}", "the Root OCA of this environment")
    if authority not in anchors.authorities:
        message = f"its digest is {authority}"
        yield PACK.breach("pack_signature_authority", SIGNATURE, message, "an ICA of this environment")


def newer(pack: Pack, than: Pack) -> Iterable[Finding]:
    """Whether a pack may follow another of its name (hostile inputs P8)."""
    if pack.name != than.name or pack.environment != than.environment:
        message = f"{than.name} of {than.environment} is another pack"
        yield PACK.breach("pack_version_other", "name", message, "packs of one name and environment")
    elif pack.version < than.version:
        message = f"version {pack.version} is older than {than.version}"
        yield PACK.breach("pack_version_older", "version", message, f"a version above {than.version}")
    elif pack.version == than.version and write_manifest(pack) != write_manifest(than):
        message = f"version {pack.version} is there with other content"
        yield PACK.breach("pack_version_same", "version", message, f"a version above {than.version}")


def _read(octets: bytes) -> tuple[SignedStatement, bytes]:
    try:
        if len(octets) > MAX_SEAL_OCTETS:
            raise ValueError("it is too long")
        raw: Mapping[str, str] = json.loads(octets)
        if canonical(raw) != octets or set(raw) != {"authority", "certificate", "signature", "statement"}:
            raise ValueError("it is not in canonical form")
        statement = Statement.from_octets(raw["statement"].encode())
        signed = SignedStatement(statement, _octets(raw["signature"]), _octets(raw["certificate"]))
        return signed, _octets(raw["authority"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        finding = PACK.breach("pack_signature_malformed", SIGNATURE, str(error)[:200], "a seal as trustcell writes it")
        raise Refused([finding]) from None


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _octets(text: str) -> bytes:
    octets = base64.b64decode(text, validate=True)
    if _text(octets) != text:
        raise ValueError("base64 with one spelling was expected")
    return octets
