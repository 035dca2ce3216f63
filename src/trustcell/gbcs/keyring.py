"""Keys by entity, and the question that every received message raises: is it what it says it is? (gbcs.md 2.4)."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell.gbcs import protect
from trustcell.gbcs.encrypted import EncryptedPart
from trustcell.gbcs.frame import Cra, Message, signed_octets
from trustcell.gbcs.payload import encrypted_parts
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One key of one entity. ``role`` is ``None`` for devices and for keys that came without a certificate."""

    entity: Eui64
    usage: KeyUsage
    public_key: ec.EllipticCurvePublicKey
    private_key: ec.EllipticCurvePrivateKey | None = None
    role: int | None = None
    is_device: bool = False
    prepayment: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        """Refuse keys that GBCS does not use; nothing else would notice before a check fails."""
        private = self.private_key
        if self.public_key.curve.name != "secp256r1" or (private is not None and private.curve.name != "secp256r1"):
            raise ValueError("a key on the curve P-256 was expected")


class Verdict(StrEnum):
    """Outcome of one check."""

    VALID = "valid"
    INVALID = "invalid"
    NO_KEY = "no_key"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Protection:
    """Verdicts on the two protections of a message."""

    signature: Verdict
    mac: Verdict


@dataclass(frozen=True, slots=True)
class OpenedPart:
    """An encrypted part, the AES key that opened it, and what it says."""

    part: EncryptedPart
    key: bytes = field(repr=False)
    plaintext: bytes


_NOT_FOR_GBCS = frozenset(
    {RemotePartyRole.XML_SIGN, RemotePartyRole.RDP_FILE_SIGN, RemotePartyRole.DSP_XML_SIGN}
)  # they sign files and XML; a user's own has the same entity and usage as its GBCS key


class KeyRing:
    """Keys held in this process, looked up by entity and usage; shared secrets are kept, at most ``secrets_kept``."""

    def __init__(self, entries: Iterable[KeyEntry], secrets_kept: int = 4096) -> None:
        """Several keys per entity and usage are normal: generations, and renewed certificates over one key."""
        self.entries = tuple(entries)
        self._signing: dict[Eui64, list[KeyEntry]] = {}
        self._agreement: dict[Eui64, list[KeyEntry]] = {}
        self._brokers: list[KeyEntry] = []
        for entry in self.entries:
            if KeyUsage.DIGITAL_SIGNATURE in entry.usage and entry.role not in _NOT_FOR_GBCS:
                self._signing.setdefault(entry.entity, []).append(entry)
            if KeyUsage.KEY_AGREEMENT in entry.usage:
                self._agreement.setdefault(entry.entity, []).append(entry)
                if entry.role == RemotePartyRole.ACCESS_CONTROL_BROKER and entry.private_key is not None:
                    self._brokers.append(entry)
        # With the entries beside each secret: an identity counts only as long as its object lives.
        self._secrets: OrderedDict[tuple[int, int], tuple[KeyEntry, KeyEntry, bytes]] = OrderedDict()
        self._secrets_kept = secrets_kept

    def signing_keys(self, entity: Eui64) -> list[KeyEntry]:
        """Digital Signature keys of an entity."""
        return self._signing.get(entity, [])

    def agreement_keys(self, entity: Eui64) -> list[KeyEntry]:
        """Key Agreement keys of an entity."""
        return self._agreement.get(entity, [])

    def shared_secret(self, private: KeyEntry, public: KeyEntry) -> bytes:
        """The 32-octet ECDH x coordinate of two entries; ``private`` must hold its private key."""
        if private.private_key is None:
            raise ValueError(f"the private key of {private.entity} is not in this ring")
        key = (id(private), id(public))
        kept = self._secrets.get(key)
        if kept is not None:
            return kept[2]
        secret = protect.agree(private.private_key, public.public_key)
        if self._secrets_kept:
            if len(self._secrets) >= self._secrets_kept:
                self._secrets.popitem(last=False)
            self._secrets[key] = (private, public, secret)
        return secret

    def mac_pairs(self, message: Message) -> list[tuple[KeyEntry, KeyEntry]]:
        """Pairs of (our private, their public) keys that may have made the MAC of this message (gbcs.md 2.4).

        Commands of remote parties are MACed by the ACB for the device, whoever originates them; a command between
        two devices on the HAN by its originator. Responses and alerts are MACed by the device for their target.
        """
        if message.cra is Cra.COMMAND:
            originator = self.agreement_keys(message.originator)
            ours = originator if any(entry.is_device for entry in originator) else self._brokers
            theirs = self.agreement_keys(message.target)
        else:
            ours = self.agreement_keys(message.target)
            theirs = self.agreement_keys(message.originator)
        return [(a, b) for a in ours if a.private_key is not None and not a.prepayment for b in theirs]

    def check(self, message: Message) -> Protection:
        """Verdicts on signature and MAC; with several candidate keys one that fits is enough."""
        return Protection(self._check_signature(message), self._check_mac(message))

    def _check_signature(self, message: Message) -> Verdict:
        if not message.signature:
            return Verdict.ABSENT
        keys = self._signing.get(message.originator)
        if not keys:
            return Verdict.NO_KEY
        octets = signed_octets(message)
        for entry in keys:
            if protect.check_signature(entry.public_key, octets, message.signature):
                return Verdict.VALID
        return Verdict.INVALID

    def _check_mac(self, message: Message) -> Verdict:
        if message.mac is None:
            return Verdict.ABSENT
        pairs = self.mac_pairs(message)
        if not pairs:
            return Verdict.NO_KEY
        for ours, theirs in pairs:
            if protect.check_mac(message, self.shared_secret(ours, theirs)):
                return Verdict.VALID
        return Verdict.INVALID

    def payload_keys(self, message: Message) -> list[bytes]:
        """The AES keys that may open the encrypted parts of a response or alert: its reader's with its device's."""
        reader = message.supplementary.party if message.supplementary else message.target
        info = protect.payload_key_info(message)
        return [
            protect.derive_key(self.shared_secret(ours, theirs), info)
            for ours in self.agreement_keys(reader)
            if ours.private_key is not None
            for theirs in self.agreement_keys(message.originator)
        ]

    def decrypt(self, message: Message, payload: Any) -> tuple[bytes | None, ...]:
        """Plaintexts of the encrypted parts of a response or alert, ``None`` where no key of ours opens one."""
        return tuple(None if found is None else found.plaintext for found in self.open_parts(message, payload))

    def open_parts(self, message: Message, payload: Any) -> tuple[OpenedPart | None, ...]:
        """As ``decrypt``, with the part and the key that opened it."""
        parts = encrypted_parts(payload)
        if not parts:
            return ()
        keys = self.payload_keys(message)
        return tuple([_opened(message, part, keys) for part in parts])


def _opened(message: Message, part: EncryptedPart, keys: list[bytes]) -> OpenedPart | None:
    """The part opened with the first key that fits."""
    for key in keys:
        plaintext = protect.decrypt(key, message.originator, part.ciphertext, part.tag)
        if plaintext is not None:
            return OpenedPart(part, key, plaintext)
    return None
