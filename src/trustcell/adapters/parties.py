"""Inventory, directory and broker over keys held in this process."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import certs, gbcs
from trustcell.dsp import DeviceRecord, XmlSigner
from trustcell.stories import KeyPair
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole

_XML_ROLES = frozenset({RemotePartyRole.XML_SIGN, RemotePartyRole.DSP_XML_SIGN})


class MemoryInventory:
    """The inventory port over a dictionary."""

    def __init__(self, records: Iterable[DeviceRecord]) -> None:
        """One record per device."""
        self._records: Mapping[Eui64, DeviceRecord] = {record.eui: record for record in records}

    def device(self, eui: Eui64) -> DeviceRecord | None:
        """See ``Inventory.device``."""
        return self._records.get(eui)


class CertificateDirectory:
    """The directory port over certificates: signing keys by entity, XML signers by issuer and serial."""

    def __init__(self, certificates: Iterable[certs.Certificate]) -> None:
        """Certificates for signatures inside GBCS and for XML signatures, told apart by their role."""
        self._signing: dict[Eui64, list[certs.Certificate]] = {}
        self._xml: dict[tuple[str, int], certs.Certificate] = {}
        for certificate in certificates:
            if certificate.entity_id is None or KeyUsage.DIGITAL_SIGNATURE not in certificate.key_usage:
                continue
            if certificate.role in _XML_ROLES:
                self._xml[_issuer(certificate.issuer.rfc4514), certificate.serial] = certificate
            else:
                self._signing.setdefault(certificate.entity_id, []).append(certificate)

    def signing_keys(self, entity: Eui64, key_id: bytes | None) -> Sequence[ec.EllipticCurvePublicKey]:
        """See ``Directory.signing_keys``."""
        return [
            certificate.public_key
            for certificate in self._signing.get(entity, ())
            if key_id is None or certificate.subject_key_identifier == key_id
        ]

    def xml_signer(self, issuer_name: str, serial: int) -> XmlSigner | None:
        """See ``Directory.xml_signer``; spaces and case in the issuer name do not matter."""
        certificate = self._xml.get((_issuer(issuer_name), serial))
        if certificate is None or certificate.entity_id is None:
            return None
        return XmlSigner(certificate.entity_id, certificate.public_key)


def _issuer(name: str) -> str:
    return ",".join(part.strip() for part in name.casefold().split(","))


@dataclass(frozen=True, slots=True)
class LocalBroker:
    """The broker port over key pairs in this process; the first of each kind is the newest."""

    entity: Eui64
    signing: Sequence[KeyPair]
    agreement: Sequence[KeyPair]
    xml: KeyPair

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
    """The pair with this key identifier; the newest when there is none such."""
    for pair in pairs:
        if key_id is not None and pair.certificate.subject_key_identifier == key_id:
            return pair
    return pairs[0]
