"""Certificates for the linter of the audit program: a sound one of every kind, and edits signed again."""

import functools
import hashlib
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustcell import certs
from trustcell.certs import iki
from trustcell.certs.name import iki_name
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole

ORGANISATION_POLICY, DEVICE_POLICY = "1.2.826.0.1.8641679.1.2.1.4", "1.2.826.0.1.1800000.1.2.1.4"
IKI_POLICY = "1.2.826.0.1.8641679.1.2.3.4"
POLICIES = {"organisation": ORGANISATION_POLICY, "device": DEVICE_POLICY, "iki": IKI_POLICY}
BEGIN = datetime(2024, 3, 1, tzinfo=UTC)
ENTITY = Eui64.parse("90-B3-D5-1F-30-00-00-02")


def key_of(label: str) -> ec.EllipticCurvePrivateKey:
    number = int.from_bytes(hashlib.sha256(label.encode()).digest(), "big") >> 8
    return ec.derive_private_key(number, ec.SECP256R1())


def point_of(label: str) -> bytes:
    return key_of(label).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def signer_of(label: str):
    def sign(octets: bytes) -> bytes:
        r, s = decode_dss_signature(key_of(label).sign(octets, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


def serial_of(label: str) -> int:
    digest = hashlib.sha256(b"serial" + label.encode()).digest()[:16]
    return int.from_bytes(bytes([digest[0] & 0x6F | 0x10]) + digest[1:], "big")


def period(years: int) -> tuple[datetime, datetime]:
    return BEGIN, datetime(BEGIN.year + years, 2, 28, 23, 59, 59, tzinfo=UTC)


def _ski(label: str) -> bytes:
    return certs.method2_ski(point_of(label))


def _authorities(root: str, issuing: str, units: tuple[int | None, int | None], policy: str):
    names = [certs.authority_name(cn, unit) for cn, unit in zip((root, issuing), units, strict=True)]
    top = certs.RootAuthorityTemplate(serial_of(root), names[0], *period(50), point_of(root), policy)
    below = certs.IssuingAuthorityTemplate(
        serial_of(issuing), names[0], *period(25), names[1], point_of(issuing), policy, _ski(root)
    )
    return certs.issue(top, signer_of(root)), certs.issue(below, signer_of(root))


def organisation(label: str = "acb", years: int = 10, issuing: str = "T1", **changes):
    values = {
        "serial": serial_of(label),
        "issuer": certs.authority_name(issuing, 7),
        "not_before": period(years)[0],
        "not_after": period(years)[1],
        "role": RemotePartyRole.ACCESS_CONTROL_BROKER,
        "entity_id": ENTITY,
        "key_usage": KeyUsage.KEY_AGREEMENT,
        "public_key_point": point_of(label),
        "policy": ORGANISATION_POLICY,
        "issuer_key_identifier": _ski(issuing),
    }
    return certs.issue(certs.OrganisationTemplate(**(values | changes)), signer_of(issuing))


def device(label: str = "meter", issuing: str = "D001", **changes):
    values = {
        "serial": serial_of(label),
        "issuer": certs.authority_name(issuing),
        "not_before": BEGIN,
        "entity_id": Eui64.parse("00-DB-12-34-56-78-90-A0"),
        "key_usage": KeyUsage.DIGITAL_SIGNATURE,
        "public_key_point": point_of(label),
        "policy": DEVICE_POLICY,
        "issuer_key_identifier": _ski(issuing),
    }
    return certs.issue(certs.DeviceTemplate(**(values | changes)), signer_of(issuing))


@functools.cache
def rsa_key_of(label: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def rsa_info_of(label: str) -> bytes:
    return rsa_key_of(label).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def rsa_sign(label: str, octets: bytes) -> bytes:
    return rsa_key_of(label).sign(octets, padding.PKCS1v15(), hashes.SHA256())


def ica(label: str = "TI") -> certs.Certificate:
    name = certs.authority_name(label)
    template = iki.IkiAuthorityTemplate(serial_of(label), name, *period(25), rsa_info_of(label), IKI_POLICY)
    tbs = iki.iki_tbs(template)
    return certs.Certificate.from_der(iki.assemble_rsa(tbs, rsa_sign(label, tbs)))


def person(label: str = "ada", issuing: str = "TI") -> certs.Certificate:
    ski = ica(issuing).subject_key_identifier
    subject = iki_name("DCC", 4, label)
    name = certs.authority_name(issuing)
    template = iki.IkiTemplate(serial_of(label), name, *period(10), subject, rsa_info_of(label), IKI_POLICY, ski)
    tbs = iki.iki_tbs(template)
    return certs.Certificate.from_der(iki.assemble_rsa(tbs, rsa_sign(issuing, tbs)))


def everything() -> dict[str, certs.Certificate]:
    """A sound certificate of each kind of the profiles, by the title of its kind."""
    root_oca, issuing_oca = _authorities("TR", "T1", (0, 7), ORGANISATION_POLICY)
    root_dca, issuing_dca = _authorities("TD", "D001", (None, None), DEVICE_POLICY)
    return {
        "root OCA": root_oca,
        "issuing OCA": issuing_oca,
        "organisation": organisation(),
        "root DCA": root_dca,
        "issuing DCA": issuing_dca,
        "device": device(),
        "ICA": ica(),
        "IKI": person(),
    }


def edited(certificate: certs.Certificate, old: str, new: str, signer: str) -> bytes:
    """The certificate with octets of its TBSCertificate replaced (hex, once, same length), signed again."""
    before, after = bytes.fromhex(old), bytes.fromhex(new)
    assert len(before) == len(after)
    assert certificate.tbs.count(before) >= 1
    tbs = certificate.tbs.replace(before, after, 1)
    return certs.assemble(tbs, certs.signature_der(signer_of(signer)(tbs)))
