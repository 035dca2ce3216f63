"""Twins of the certificates of authorities and people: the octets to be signed under a throw-away key, linted."""

from collections.abc import Callable
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from trustcell import certs
from trustcell.certs import Certificate, CertificateKind
from trustcell.smki.ports import KeyKind
from trustcell.smki.rules.clauses import PROFILE
from trustcell.smki.rules.integrity import signed_by
from trustcell.vocab import Refused

_OWN_SIGNATURE = "profile_self_signature_wrong"
_SIGNATURE_DIFFERS = "certificate_signature_wrong"


@cache
def _throw_away() -> tuple[ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey]:
    return ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)


def linted_twin(tbs: bytes, kind: CertificateKind, policy: str) -> bytes:
    """The twin, a whole certificate; ``Refused`` with every finding of the lint.

    A twin of a root is not signed by the key it holds: that one finding is expected and left out.
    """
    rsa_kind = kind in (CertificateKind.ICA, CertificateKind.IKI)
    elliptic, rivest = _throw_away()
    if rsa_kind:
        twin = certs.assemble_rsa(tbs, rivest.sign(tbs, padding.PKCS1v15(), hashes.SHA256()))
    else:
        twin = certs.assemble(tbs, elliptic.sign(tbs, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
    found = certs.check_profile(Certificate.from_der(twin), kind=kind, policy=policy)
    findings = [each for each in found if each.code != _OWN_SIGNATURE]
    if findings:
        raise Refused(findings)
    return twin


def certificate_of_twin(
    twin: bytes, kind: CertificateKind, policy: str, key: KeyKind, issuer: bytes, sign: Callable[[bytes], bytes]
) -> Certificate:
    """The certificate: exactly the octets of the twin under the real key, verified and linted once more.

    ``issuer`` is the SubjectPublicKeyInfo of the key that signs; ``Refused`` when the signature is not its.
    """
    tbs = Certificate.from_der(twin).tbs
    signature = sign(tbs)
    if key is KeyKind.RSA2048:
        made = Certificate.from_der(certs.assemble_rsa(tbs, signature))
    else:
        made = Certificate.from_der(certs.assemble(tbs, certs.signature_der(signature)))
    if not signed_by(made, issuer):
        message = "the key gave a signature that its public key does not verify"
        raise Refused([PROFILE.breach(_SIGNATURE_DIFFERS, "signatureValue", message, "look at the keystore")])
    findings = certs.check_profile(made, kind=kind, policy=policy)
    if findings:
        raise Refused(findings)
    return made
