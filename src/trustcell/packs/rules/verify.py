"""A pack file checked by somebody who has nothing but the file and, perhaps, the certificates he trusts."""

from collections.abc import Iterator

from trustcell.certs import Certificate
from trustcell.governance.rules.credentials import verify_statement
from trustcell.packs.rules.lint import lint
from trustcell.packs.rules.manifest import SIGNATURE
from trustcell.packs.rules.pack import PACK, Pack
from trustcell.packs.rules.seal import Anchors, SealedPack, anchored, claims, newer
from trustcell.vocab import Finding


def verify(
    sealed: SealedPack, anchors: Anchors | None = None, earlier: Pack | None = None, *, policy: str | None = None
) -> list[Finding]:
    """Everything that is wrong with a pack that could be read, and what is worth knowing (warnings).

    Codes of ``lint`` besides ``pack_signature_wrong``, ``pack_signature_period``, ``pack_signature_other_octets``,
    ``pack_signature_person``, ``pack_not_anchored``, ``pack_version_...``. Whether the signer was a packer at the time,
    and not revoked since, only the register of the environment can tell: ``Packs.verify`` asks it.
    """
    found = [*claims(sealed), *_signature(sealed), *anchored(sealed, anchors), *lint(sealed.pack, policy=policy)]
    return found if earlier is None else [*found, *newer(sealed.pack, earlier)]


def _signature(sealed: SealedPack) -> Iterator[Finding]:
    wrong = verify_statement(sealed.seal, sealed.authority)
    for finding in wrong:
        code = "pack_signature_period" if finding.code == "credential_period" else "pack_signature_wrong"
        where = f"{SIGNATURE}: {finding.field}"
        yield PACK.breach(code, where, finding.message, finding.remedy, finding.severity, cause=finding.code)
    if not wrong and Certificate.from_der(sealed.seal.certificate).subject.common_name != sealed.seal.statement.actor:
        message = f"the certificate is not that of {sealed.seal.statement.actor}"
        yield PACK.breach("pack_signature_person", SIGNATURE, message, "the credential of who signed")
