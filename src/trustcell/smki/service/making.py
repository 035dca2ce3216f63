"""A certificate in the making: drafted, linted as a twin, kept as an intent, then signed exactly as it was checked."""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import certs
from trustcell.governance.rules.approvals import Approval, ApprovalKind
from trustcell.smki.rules.appendix_b_6_3_2 import period
from trustcell.smki.rules.clauses import PROFILE
from trustcell.smki.rules.facts import Application, Facts
from trustcell.smki.rules.records import IntentRecord
from trustcell.smki.rules.records_complete import SERIAL_OCTETS
from trustcell.vocab import Refused, Severity

Random = Callable[[int], bytes]
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_DURATION = "profile_duration"


@dataclass(frozen=True, slots=True)
class Draft:
    """What would be signed, its twin under a throw-away key, and the lint findings an approval set aside."""

    tbs: bytes
    twin: bytes
    set_aside: tuple[str, ...]


def serial_of(random: Random) -> int:
    """16 random octets, the first 10 to 7F (smki.md 2.1)."""
    octets = bytearray(random(SERIAL_OCTETS))
    octets[0] = 0x10 + octets[0] % 0x70
    return int.from_bytes(octets, "big")


def organisation_tbs(application: Application, facts: Facts, serial: int, issuer: certs.Certificate) -> bytes:
    """The TBSCertificate of an Organisation Certificate, octet for octet as the real authority writes it."""
    csr, holds = application.csr, period(application, facts)
    if csr.role is None or csr.entity_id is None or issuer.subject_key_identifier is None:
        raise ValueError("a request that passed its checks has a role and an EUI-64")
    return certs.tbs_octets(
        certs.OrganisationTemplate(
            serial,
            issuer.subject,
            holds.not_before,
            holds.not_after,
            csr.role,
            csr.entity_id,
            csr.key_usage,
            csr.public_key_point,
            facts.environment.organisation_policy,
            issuer.subject_key_identifier,
            csr.subject.common_name,
        )
    )


def draft(tbs: bytes, policy: str, approvals: tuple[Approval, ...], random: Random) -> Draft:
    """Sign a twin with a throw-away key and lint it; ``Refused`` with the lint's own findings (``profile_...``)."""
    key = ec.derive_private_key(1 + int.from_bytes(random(40), "big") % (_ORDER - 1), ec.SECP256R1())
    signature = key.sign(tbs, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    twin = certs.assemble(tbs, signature)
    found = certs.check_profile(
        certs.Certificate.from_der(twin), kind=certs.CertificateKind.ORGANISATION, policy=policy
    )
    wrong = [each for each in found if each.severity is Severity.ERROR]
    another_period = any(each.kind is ApprovalKind.VALIDITY for each in approvals)
    left = [each for each in wrong if not (another_period and each.code == _DURATION)]
    if left:
        raise Refused(left)
    return Draft(tbs, twin, tuple(each.code for each in wrong))


def signed(intent: IntentRecord, sign: Callable[[bytes], bytes]) -> bytes:
    """The certificate of an intent: ``sign`` (r||s) is given the octets that were linted, or is not called at all.

    ``Refused``: ``twin_differs`` when the octets are not those of the twin (hostile C13).
    """
    if certs.Certificate.from_der(intent.twin).tbs != intent.tbs:
        message = "the octets to be signed are not those of the twin that was linted"
        raise Refused([PROFILE.breach("twin_differs", "tbsCertificate", message, "make the intent anew")])
    return certs.assemble(intent.tbs, certs.signature_der(sign(intent.tbs)))
