"""The nouns every room shares: EUI-64s, roles, key usages, Trust Anchor Cells, device types, counters."""

import re
from dataclasses import dataclass
from enum import IntEnum, IntFlag

MAX_SEQ_NUMBER = 2**63 - 1
"""SeqNumber of GBCS and floorSequenceNumber of DUIS end here (gbcs.md 4.2; DUIS schema 5.4)."""

MAX_COUNTER = 2**64 - 1
"""The Originator Counter of a header and the counter of a DUIS RequestID are 64 bits wide."""

_EUI_TEXT = re.compile(r"[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){7}|[0-9A-Fa-f]{16}|[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){7}")


class Eui64(bytes):
    """An EUI-64 entity identifier: eight octets that compare without regard to how they were written."""

    __slots__ = ()

    def __new__(cls, octets: bytes) -> "Eui64":
        """Take exactly eight octets; raises ``ValueError`` otherwise."""
        if len(octets) != 8:
            raise ValueError(f"an EUI-64 has 8 octets, not {len(octets)}")
        return super().__new__(cls, octets)

    @classmethod
    def parse(cls, text: str) -> "Eui64":
        """Read ``90-B3-D5-1F-30-01-00-00``, the same with colons, or 16 hex digits, in either case."""
        if not _EUI_TEXT.fullmatch(text):
            raise ValueError(f"{text!r} is not an EUI-64: eight octets in hex, with or without dashes, were expected")
        return cls(bytes.fromhex(text.replace("-", "").replace(":", "")))

    def __str__(self) -> str:
        """Dashed upper-case form, as DUIS and the repository write it."""
        return self.hex("-").upper()

    def __repr__(self) -> str:
        """Readable in test output."""
        return f"Eui64({self.hex()})"


class RemotePartyRole(IntEnum):
    """RemotePartyRole of GBCS; the same number stands as two hex digits in a certificate's OU (smki.md 1.3)."""

    ROOT = 0
    RECOVERY = 1
    SUPPLIER = 2
    NETWORK_OPERATOR = 3
    ACCESS_CONTROL_BROKER = 4
    TRANSITIONAL_COS = 5
    WAN_PROVIDER = 6
    ISSUING_AUTHORITY = 7
    LOAD_CONTROLLER = 8
    OTHER = 127
    XML_SIGN = 135
    RDP_FILE_SIGN = 136
    DSP_XML_SIGN = 137

    @property
    def title(self) -> str:
        """The spelling of the code book, for example ``networkOperator``."""
        return _ROLE_TITLES[self]


_ROLE_TITLES = {
    RemotePartyRole.ROOT: "root",
    RemotePartyRole.RECOVERY: "recovery",
    RemotePartyRole.SUPPLIER: "supplier",
    RemotePartyRole.NETWORK_OPERATOR: "networkOperator",
    RemotePartyRole.ACCESS_CONTROL_BROKER: "accessControlBroker",
    RemotePartyRole.TRANSITIONAL_COS: "transitionalCoS",
    RemotePartyRole.WAN_PROVIDER: "wanProvider",
    RemotePartyRole.ISSUING_AUTHORITY: "issuingAuthority",
    RemotePartyRole.LOAD_CONTROLLER: "loadController",
    RemotePartyRole.OTHER: "other",
    RemotePartyRole.XML_SIGN: "xmlSign",
    RemotePartyRole.RDP_FILE_SIGN: "pPRDPFileSign",
    RemotePartyRole.DSP_XML_SIGN: "dspXmlSign",
}


class KeyUsage(IntFlag):
    """X.509 key usage bits; flag ``1 << n`` is bit n of the BIT STRING (RFC 5280 4.2.1.3)."""

    DIGITAL_SIGNATURE = 1 << 0
    NON_REPUDIATION = 1 << 1
    KEY_ENCIPHERMENT = 1 << 2
    DATA_ENCIPHERMENT = 1 << 3
    KEY_AGREEMENT = 1 << 4
    KEY_CERT_SIGN = 1 << 5
    CRL_SIGN = 1 << 6
    ENCIPHER_ONLY = 1 << 7
    DECIPHER_ONLY = 1 << 8

    @property
    def title(self) -> str:
        """The X.509 names of the bits set, joined with ``+``."""
        return "+".join(name for bit, name in _USAGE_TITLES.items() if bit in self) or "none"


_USAGE_TITLES = {
    KeyUsage.DIGITAL_SIGNATURE: "digitalSignature",
    KeyUsage.NON_REPUDIATION: "nonRepudiation",
    KeyUsage.KEY_ENCIPHERMENT: "keyEncipherment",
    KeyUsage.DATA_ENCIPHERMENT: "dataEncipherment",
    KeyUsage.KEY_AGREEMENT: "keyAgreement",
    KeyUsage.KEY_CERT_SIGN: "keyCertSign",
    KeyUsage.CRL_SIGN: "cRLSign",
    KeyUsage.ENCIPHER_ONLY: "encipherOnly",
    KeyUsage.DECIPHER_ONLY: "decipherOnly",
}


class CellUsage(IntEnum):
    """CellUsage of GBCS: what a Trust Anchor Cell is for besides its key usage."""

    MANAGEMENT = 0
    PRE_PAYMENT_TOP_UP = 1

    @property
    def title(self) -> str:
        """The spelling of GBCS."""
        return "management" if self is CellUsage.MANAGEMENT else "prePaymentTopUp"


@dataclass(frozen=True, slots=True, order=True)
class CellId:
    """TrustAnchorCellIdentifier: which cell, never who sits in it (gbcs.md 4.2; smki.md 1.3)."""

    role: RemotePartyRole
    key_usage: KeyUsage
    cell_usage: CellUsage = CellUsage.MANAGEMENT

    def __str__(self) -> str:
        """For example ``networkOperator/digitalSignature``."""
        suffix = "" if self.cell_usage is CellUsage.MANAGEMENT else f"/{self.cell_usage.title}"
        return f"{self.role.title}/{self.key_usage.title}{suffix}"


class DeviceType(IntEnum):
    """DeviceType of GBCS (gbcs.md 4.2)."""

    GSME = 0
    ESME = 1
    CHF = 2
    GPF = 3
    HCALCS = 4
    PPMID = 5
    TYPE2 = 6
