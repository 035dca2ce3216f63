"""Shapes of Device Certificates: linted whole once as a twin, then spliced and compared (hostile C13)."""

from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import certs
from trustcell.governance.rules.canonical import digest
from trustcell.smki.rules.environment import Environment
from trustcell.smki.service.making import Random
from trustcell.vocab import KeyUsage, Refused

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True)
class DeviceShape:
    """How certificates of one kind are made, and the separate code that says whether one was made so."""

    splice: certs.Splice
    check: certs.ShapeCheck
    twin: bytes
    twin_sha256: str


class DeviceShapes:
    """The shapes one authority issues from one moment on."""

    def __init__(self, issuer: certs.Certificate, environment: Environment, random: Random) -> None:
        """Make none yet."""
        self._issuer, self._policy, self._random = issuer, environment.device_policy, random
        self._known: dict[tuple[datetime, KeyUsage, str], DeviceShape] = {}

    def shape(self, not_before: datetime, key_usage: KeyUsage, hardware_type: str) -> DeviceShape:
        """The shape of certificates that begin at this moment; ``Refused`` with the lint's findings.

        Only the shapes of the last moment asked for are kept.
        """
        known = self._known.get((not_before, key_usage, hardware_type))
        if known is not None:
            return known
        if any(moment != not_before for moment, _, _ in self._known):
            self._known.clear()
        template = certs.probe(
            certs.DeviceTemplate(
                1 << 124,
                self._issuer.subject,
                not_before,
                certs.PROBE_ENTITY,
                key_usage,
                certs.PROBE_POINT,
                self._policy,
                self._issuer.subject_key_identifier or b"",
                hardware_type,
            )
        )
        twin = throw_away_signed(certs.tbs_octets(template), self._random)
        check = certs.ShapeCheck(certs.Certificate.from_der(twin), self._policy)
        if check.findings:
            raise Refused(list(check.findings))
        shape = self._known[not_before, key_usage, hardware_type] = DeviceShape(
            certs.Splice(template), check, twin, digest(twin)
        )
        return shape


def throw_away_signed(tbs: bytes, random: Random) -> bytes:
    """The twin: these octets under a key that nobody keeps."""
    key = ec.derive_private_key(1 + int.from_bytes(random(40), "big") % (_ORDER - 1), ec.SECP256R1())
    return certs.assemble(tbs, key.sign(tbs, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
