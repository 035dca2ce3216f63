"""Inventory, directory and broker over keys held in this process."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import certs, gbcs
from trustcell.dsp import DeviceRecord, XmlSigner
from trustcell.duis import UserRole
from trustcell.stories import KeyPair
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole, Unavailable

_NOT_IN_GBCS = frozenset({RemotePartyRole.XML_SIGN, RemotePartyRole.DSP_XML_SIGN, RemotePartyRole.RDP_FILE_SIGN})
# Assumed until there is a register of users: who holds certificates of a role is a user in its user roles.
_USER_ROLES: Mapping[int | None, frozenset[UserRole]] = MappingProxyType(
    {
        RemotePartyRole.SUPPLIER: frozenset(
            {UserRole.IMPORT_SUPPLIER, UserRole.EXPORT_SUPPLIER, UserRole.GAS_SUPPLIER}
        ),
        RemotePartyRole.NETWORK_OPERATOR: frozenset({UserRole.ELECTRICITY_DISTRIBUTOR, UserRole.GAS_TRANSPORTER}),
        RemotePartyRole.OTHER: frozenset({UserRole.OTHER_USER, UserRole.REGISTERED_SUPPLIER_AGENT}),
    }
)


class MemoryInventory:
    """The inventory port over a dictionary."""

    def __init__(self, records: Iterable[DeviceRecord]) -> None:
        """One record per device."""
        self._records: Mapping[Eui64, DeviceRecord] = {record.eui: record for record in records}

    def device(self, eui: Eui64) -> DeviceRecord | None:
        """See ``Inventory.device``."""
        return self._records.get(eui)


class CertificateDirectory:
    """The directory port over certificates: roles and signing keys by entity, XML signers by issuer and serial.

    Who has no XML signing certificate signs DUIS with its Digital Signature certificate (duis-dsp.md 2, item 4).
    """

    def __init__(self, certificates: Iterable[certs.Certificate]) -> None:
        """Certificates for signatures inside GBCS and for XML signatures, told apart by their role."""
        self._signing: dict[Eui64, list[certs.Certificate]] = {}
        xml: dict[Eui64, list[certs.Certificate]] = {}
        for certificate in certificates:
            entity = certificate.entity_id
            if entity is None or KeyUsage.DIGITAL_SIGNATURE not in certificate.key_usage:
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

    def roles(self, entity: Eui64) -> Collection[UserRole]:
        """See ``Directory.roles``."""
        held = (_USER_ROLES.get(certificate.role, frozenset()) for certificate in self._signing.get(entity, ()))
        return frozenset[UserRole]().union(*held)

    def signing_keys(self, entity: Eui64, key_id: bytes | None) -> Sequence[ec.EllipticCurvePublicKey]:
        """See ``Directory.signing_keys``."""
        return [
            certificate.public_key
            for certificate in self._signing.get(entity, ())
            if key_id is None or certificate.subject_key_identifier == key_id
        ]

    def xml_signer(self, issuer_name: str, serial: int) -> XmlSigner | None:
        """See ``Directory.xml_signer``; spaces and case in the issuer name do not matter."""
        return self._xml.get((_issuer(issuer_name), serial))


def _issuer(name: str) -> str:
    return ",".join(part.strip() for part in name.casefold().split(","))


@dataclass(frozen=True, slots=True)
class LocalBroker:
    """The broker port over key pairs in this process; the first of each kind is the newest."""

    entity: Eui64
    signing: Sequence[KeyPair]
    agreement: Sequence[KeyPair]
    xml: KeyPair

    def holds(self, key_id: bytes) -> bool:
        """See ``Broker.holds``."""
        return any(pair.certificate.subject_key_identifier == key_id for pair in self.signing)

    def sign(self, octets: bytes, key_id: bytes | None) -> bytes:
        """See ``Broker.sign``."""
        return _chosen(self.signing, key_id).sign(octets)

    def shared_secret(self, device_key: ec.EllipticCurvePublicKey, key_id: bytes | None) -> bytes:
        """See ``Broker.shared_secret``."""
        return gbcs.agree(_chosen(self.agreement, key_id).private_key, device_key)

    def sign_response(self, octets: bytes) -> bytes:
        """See ``Broker.sign_response``."""
        return self.xml.sign_xml(octets)


def _chosen(pairs: Sequence[KeyPair], key_id: bytes | None) -> KeyPair:
    """The pair with this key identifier, the newest without one; ``Unavailable`` when it is not here."""
    for pair in pairs:
        if key_id is None or pair.certificate.subject_key_identifier == key_id:
            return pair
    raise Unavailable(f"the broker's key {(key_id or b'').hex()} is not in its key store")
