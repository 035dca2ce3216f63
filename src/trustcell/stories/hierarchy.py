"""A test hierarchy made from a seed: root, issuing OCA, and every organisation a story needs (smki.md 2.3 to 2.5)."""

import hashlib
from datetime import UTC, datetime

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import certs, gbcs
from trustcell.devices import CellOccupant, derive_private_key
from trustcell.stories.cast import Actor, Cast, KeyPair
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole

POLICY = "1.2.826.0.1.8641679.1.2.1.4"
"""Certificate policy of the test environment whose certificates are public (smki.md 2.2)."""

_NOBODY = Eui64(bytes(8))
_DS, _KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT


class Authority:
    """A root and an issuing OCA whose keys and serials come from a seed, so that every run gives equal octets."""

    def __init__(self, seed: bytes, begins: datetime, names: tuple[str, str] = ("TR", "T1")) -> None:
        """``begins`` lies inside every period: root 50 years, issuing 25, organisations 10; ``names`` are their CNs."""
        self._seed = seed
        self._year = begins.year - 1
        self._root_key = self._key("root")
        self._issuing_key = self._key("issuing")
        root_name, issuing_name = certs.authority_name(names[0], 0), certs.authority_name(names[1], 7)
        self.root = certs.issue(
            certs.RootAuthorityTemplate(
                self._serial("root"), root_name, *self._period(50), _point(self._root_key), POLICY
            ),
            lambda octets: gbcs.sign(self._root_key, octets),
        )
        self.issuing = certs.issue(
            certs.IssuingAuthorityTemplate(
                self._serial("issuing"),
                root_name,
                *self._period(25),
                issuing_name,
                _point(self._issuing_key),
                POLICY,
                self._key_identifier(self.root),
            ),
            lambda octets: gbcs.sign(self._root_key, octets),
        )

    def organisation(self, label: str, role: RemotePartyRole, entity: Eui64, usage: KeyUsage) -> KeyPair:
        """A key pair of an organisation; ``label`` makes it another one."""
        key = self._key(label)
        template = certs.OrganisationTemplate(
            self._serial(label),
            self.issuing.subject,
            *self._period(10),
            role,
            entity,
            usage,
            _point(key),
            POLICY,
            self._key_identifier(self.issuing),
        )
        return KeyPair(certs.issue(template, lambda octets: gbcs.sign(self._issuing_key, octets)), key)

    def actor(
        self, title: str, role: RemotePartyRole, entity: Eui64, xml_role: RemotePartyRole = RemotePartyRole.XML_SIGN
    ) -> Actor:
        """An organisation with its three key pairs."""
        return Actor(
            title,
            entity,
            self.organisation(f"{title}/signing", role, entity, _DS),
            self.organisation(f"{title}/agreement", role, entity, _KA),
            self.organisation(f"{title}/xml", xml_role, entity, _DS),
        )

    def _period(self, years: int) -> tuple[datetime, datetime]:
        start = datetime(self._year, 1, 1, tzinfo=UTC)
        return start, datetime(self._year + years - 1, 12, 31, 23, 59, 59, tzinfo=UTC)

    def _key(self, label: str) -> ec.EllipticCurvePrivateKey:
        return derive_private_key(self._seed + label.encode(), _NOBODY, KeyUsage(0))

    def _serial(self, label: str) -> int:
        digest = hashlib.sha256(b"serial" + self._seed + label.encode()).digest()[:16]
        return int.from_bytes(bytes([digest[0] & 0x6F | 0x10]) + digest[1:], "big")

    @staticmethod
    def _key_identifier(certificate: certs.Certificate) -> bytes:
        return certificate.subject_key_identifier or b""


def own_cast(seed: bytes, begins: datetime) -> Cast:
    """A cast of its own making: two network operators, a supplier, the broker and the DCC's other roles."""
    authority = Authority(seed, begins)
    roles = RemotePartyRole
    others = (
        authority.organisation("recovery", roles.RECOVERY, _eui(0x01), _DS),
        authority.organisation("transitional CoS", roles.TRANSITIONAL_COS, _eui(0x04), _DS),
        authority.organisation("WAN provider", roles.WAN_PROVIDER, _eui(0x07), _DS),
    )
    root = authority.root
    return Cast(
        "a test hierarchy of its own",
        begins,
        CellOccupant.root(root.subject_key_identifier or b"", root.public_key_point, root.der),
        authority.issuing,
        authority.actor("Access Control Broker", roles.ACCESS_CONTROL_BROKER, _eui(0x02), roles.DSP_XML_SIGN),
        authority.actor("Supplier", roles.SUPPLIER, _eui(0x1000)),
        authority.actor("Network Operator A", roles.NETWORK_OPERATOR, _eui(0x2000)),
        authority.actor("Network Operator B", roles.NETWORK_OPERATOR, _eui(0x2001)),
        tuple(pair.certificate for pair in others),
        Eui64.parse("70-B3-D5-1F-30-FF-00-A3"),
        seed,
    )


def _eui(number: int) -> Eui64:
    return Eui64(bytes.fromhex("70b3d51f30") + number.to_bytes(3, "big"))


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
