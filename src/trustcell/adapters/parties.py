"""Directory and DCC parties over certificates and keys held in this process."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import certs, gbcs
from trustcell.dsp import Occupant, Reference, Reported, User, XmlSigner
from trustcell.duis import UserRole
from trustcell.stories import KeyPair
from trustcell.vocab import DeviceType, Eui64, KeyUsage, RemotePartyRole, Unavailable

KEYS_KEPT = 65_536
"""Public keys and shared secrets that are remembered: a HAN of 30,000 devices has two of each."""

_NOT_IN_GBCS = frozenset({RemotePartyRole.XML_SIGN, RemotePartyRole.DSP_XML_SIGN, RemotePartyRole.RDP_FILE_SIGN})
# Assumed where no register of users is given: who holds certificates of a role is a user in its user roles.
_USER_ROLES: Mapping[int | None, frozenset[UserRole]] = MappingProxyType(
    {
        RemotePartyRole.SUPPLIER: frozenset(
            {UserRole.IMPORT_SUPPLIER, UserRole.EXPORT_SUPPLIER, UserRole.GAS_SUPPLIER}
        ),
        RemotePartyRole.NETWORK_OPERATOR: frozenset({UserRole.ELECTRICITY_DISTRIBUTOR, UserRole.GAS_TRANSPORTER}),
        RemotePartyRole.OTHER: frozenset({UserRole.OTHER_USER, UserRole.REGISTERED_SUPPLIER_AGENT}),
    }
)

Defaults = Callable[[DeviceType], Collection[Reported]]
DevicePoints = Callable[[Eui64], tuple[bytes | None, bytes | None]]


class CertificateDirectory:
    """The directory port over certificates: users, signing keys by entity, XML signers by issuer and serial.

    Who has no XML signing certificate signs DUIS with its Digital Signature certificate (duis-dsp.md 2, item 4).
    ``users`` and ``callbacks`` may be given; without users the roles follow from the certificates.
    """

    def __init__(
        self,
        certificates: Iterable[certs.Certificate],
        users: Mapping[Eui64, User] | None = None,
        callbacks: Mapping[Eui64, str] | None = None,
        device_points: DevicePoints | None = None,
        defaults: Defaults | None = None,
    ) -> None:
        """Certificates for signatures inside GBCS and for XML signatures, told apart by their role."""
        self._signing: dict[Eui64, list[certs.Certificate]] = {}
        self._all: dict[Eui64, set[Occupant]] = {}
        self._expiry: dict[Reported, datetime] = {}
        self._defaults = defaults or _no_defaults
        xml: dict[Eui64, list[certs.Certificate]] = {}
        for certificate in certificates:
            entity = certificate.entity_id
            if entity is None:
                continue
            if certificate.subject_key_identifier is not None:
                occupant = Occupant(entity, certificate.subject_key_identifier)
                self._all.setdefault(entity, set()).add(occupant)
                reported = Reported(entity, occupant.key_id, certificate.key_usage)
                end = self._expiry.get(reported, certificate.not_after)
                self._expiry[reported] = min(end, certificate.not_after)
            if KeyUsage.DIGITAL_SIGNATURE not in certificate.key_usage:
                continue
            if certificate.role is not None and certificate.role not in _NOT_IN_GBCS:
                self._signing.setdefault(entity, []).append(certificate)
            elif certificate.role == RemotePartyRole.XML_SIGN:
                xml.setdefault(entity, []).append(certificate)
        self._xml = {
            (_issuer(certificate.issuer.rfc4514), certificate.serial): XmlSigner(entity, certificate.public_key)
            for entity, held in {**self._signing, **xml}.items()
            for certificate in held
        }
        self._users = users if users is not None else self._users_by_role()
        self._callbacks = callbacks or {}
        self._device_points = device_points or _no_points
        self._key = lru_cache(KEYS_KEPT)(gbcs.public_key_from_point)

    def user(self, entity: Eui64) -> User | None:
        """See ``Directory.user``."""
        return self._users.get(entity)

    def callback(self, entity: Eui64) -> str | None:
        """See ``Directory.callback``."""
        return self._callbacks.get(entity)

    def signing_keys(self, entity: Eui64, key_id: bytes | None) -> Sequence[ec.EllipticCurvePublicKey]:
        """See ``Directory.signing_keys``."""
        return [
            certificate.public_key
            for certificate in self._signing.get(entity, ())
            if key_id is None or certificate.subject_key_identifier == key_id
        ]

    def holders(self, entity: Eui64) -> Collection[Occupant]:
        """See ``Directory.holders``."""
        return self._all.get(entity, frozenset())

    def xml_signer(self, issuer_name: str, serial: int) -> XmlSigner | None:
        """See ``Directory.xml_signer``; spaces and case in the issuer name do not matter."""
        return self._xml.get((_issuer(issuer_name), serial))

    def device_points(self, device: Eui64) -> tuple[bytes | None, bytes | None]:
        """See ``Directory.device_points``."""
        return self._device_points(device)

    def reference(self, device_type: DeviceType) -> Reference:
        """See ``Directory.reference``."""
        return Reference(self._defaults(device_type), self._expiry.keys(), self._expiry)

    def agreement_certificate(self, device: Eui64) -> bytes | None:
        """See ``Directory.agreement_certificate``: these are organisations."""
        return None

    def key(self, point: bytes) -> ec.EllipticCurvePublicKey:
        """See ``Directory.key``."""
        return self._key(point)

    def _users_by_role(self) -> Mapping[Eui64, User]:
        found = {}
        for entity, held in self._signing.items():
            roles = frozenset[UserRole]().union(*(_USER_ROLES.get(each.role, frozenset()) for each in held))
            if roles:
                found[entity] = User(entity, roles)
        return found


def _no_defaults(device_type: DeviceType) -> Collection[Reported]:
    return ()


def _no_points(device: Eui64) -> tuple[bytes | None, bytes | None]:
    return None, None


def _issuer(name: str) -> str:
    return ",".join(part.strip() for part in name.casefold().split(","))


class LocalParty:
    """A DCC party over key pairs in this process; the first is the newest."""

    def __init__(self, entity: Eui64, signing: Sequence[KeyPair]) -> None:
        """At least one pair, unless it never signs."""
        self._entity = entity
        self._signing = tuple(signing)

    @property
    def entity(self) -> Eui64:
        """See ``Party.entity``."""
        return self._entity

    def holds(self, key_id: bytes) -> bool:
        """See ``Party.holds``."""
        return any(pair.certificate.subject_key_identifier == key_id for pair in self._signing)

    def sign(self, octets: bytes, key_id: bytes | None) -> bytes:
        """See ``Party.sign``."""
        return _chosen(self._signing, key_id).sign(octets)


class LocalBroker(LocalParty):
    """The broker port over key pairs in this process; the first of each kind is the newest."""

    def __init__(self, entity: Eui64, signing: Sequence[KeyPair], agreement: Sequence[KeyPair], xml: KeyPair) -> None:
        """Keys for GBCS signatures, for MACs, and for XML signatures in the DSP's name."""
        super().__init__(entity, signing)
        self._xml = xml
        self._agreement_ids = tuple(
            key_id for pair in agreement if (key_id := pair.certificate.subject_key_identifier) is not None
        )

        def agree(device_point: bytes, key_id: bytes | None) -> bytes:
            private = _chosen(agreement, key_id).private_key
            return gbcs.agree(private, gbcs.public_key_from_point(device_point))

        self._agree = lru_cache(KEYS_KEPT)(agree)

    @property
    def agreement_key_ids(self) -> Sequence[bytes]:
        """See ``Broker.agreement_key_ids``."""
        return self._agreement_ids

    def shared_secret(self, device_point: bytes, key_id: bytes | None) -> bytes:
        """See ``Broker.shared_secret``."""
        return self._agree(device_point, key_id)

    def sign_response(self, octets: bytes) -> bytes:
        """See ``Broker.sign_response``."""
        return self._xml.sign_xml(octets)


def _chosen(pairs: Sequence[KeyPair], key_id: bytes | None) -> KeyPair:
    """The pair with this key identifier, the newest without one; ``Unavailable`` when it is not here."""
    for pair in pairs:
        if key_id is None or pair.certificate.subject_key_identifier == key_id:
            return pair
    raise Unavailable(f"the party's key {(key_id or b'').hex()} is not in its key store")
