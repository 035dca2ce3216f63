"""Closed lists and small values of DUIS that several requests, responses and alerts share (DUIS schema 5.4)."""

from enum import StrEnum
from typing import Any

from trustcell.duis.catalogue import response_codes
from trustcell.duis.lexical import Codec, free_text, integer, one_of
from trustcell.vocab import KeyUsage


class DeviceStatus(StrEnum):
    """Status of a device in the Smart Metering Inventory."""

    PENDING = "Pending"
    WHITELISTED = "Whitelisted"
    INSTALLED_NOT_COMMISSIONED = "InstalledNotCommissioned"
    COMMISSIONED = "Commissioned"
    DECOMMISSIONED = "Decommissioned"
    WITHDRAWN = "Withdrawn"
    SUSPENDED = "Suspended"
    RECOVERY = "Recovery"
    RECOVERED = "Recovered"


class InventoryDeviceType(StrEnum):
    """Type of a device as the inventory names it; GBCS knows IHD and CAD only as type 2."""

    ESME = "ESME"
    GSME = "GSME"
    GPF = "GPF"
    CHF = "CHF"
    HCALCS = "HCALCS"
    PPMID = "PPMID"
    IHD = "IHD"
    CAD = "CAD"


class ListStatus(StrEnum):
    """Status of a firmware version, or of an entry of the product list."""

    ACTIVE = "Active"
    CANCELLED = "Cancelled"
    EXPIRED = "Expired"
    WITHDRAWN = "Withdrawn"


class CspRegion(StrEnum):
    """Region of a communications service provider; the ``4G`` values are new in 5.4."""

    NORTH = "North"
    CENTRAL = "Central"
    SOUTH = "South"
    NORTH_4G = "4G North"
    CENTRAL_4G = "4G Central"
    SOUTH_4G = "4G South"
    UNKNOWN = "Unknown"
    SMETS1 = "SMETS1"


class CertificateType(StrEnum):
    """Which certificate of a party an alert speaks of."""

    DIGITAL_SIGNING = "DigitalSigning"
    KEY_AGREEMENT = "KeyAgreement"
    KEY_AGREEMENT_TOP_UP = "KeyAgreementTopUp"


def enumerated(kind: type[StrEnum], *members: StrEnum) -> Codec:
    """Members of an enumeration by their DUIS spelling: all, or only the given ones."""
    return one_of({member.value: member for member in members or kind}, f"a {kind.__name__} of the closed list")


def words(*spellings: str) -> Codec:
    """One of a few fixed texts, kept as text."""
    return one_of(frozenset(spellings), "a value of the closed list")


def _check_code(value: Any) -> None:
    if not isinstance(value, str) or value not in response_codes():
        raise ValueError("a response code of the closed list was expected")


def _read_code(text: str) -> str:
    _check_code(text)
    return text


DEVICE_TYPE = enumerated(InventoryDeviceType)
DEVICE_STATUS = enumerated(DeviceStatus)
LIST_STATUS = enumerated(ListStatus)
CERTIFICATE_TYPE = enumerated(CertificateType)
CSP_REGION = enumerated(CspRegion)
CREDENTIAL_TYPE = one_of(
    {"Digital Signature": KeyUsage.DIGITAL_SIGNATURE, "Key Agreement": KeyUsage.KEY_AGREEMENT},
    "Digital Signature or Key Agreement",
)
_ESME_VARIANTS = "A B C AD BD CD ADE BDE CDE ADF BDF CDF ADEF BDEF CDEF ADG ADEG AF BF CF AEF BEF CEF AG AEG"
ESME_VARIANT = words(*_ESME_VARIANTS.split())
MANUFACTURER_OR_MODEL = free_text(0, 30)
TECHNICAL_VERSION = free_text(1, 20)
FIRMWARE_VERSION = free_text(1, 8)
MPAN = free_text(13, 13)
UPRN = integer(1, 10**12 - 1)
POST_CODE = free_text(6, 8)
ADDRESS = free_text(0, 30)
SCHEDULE_ID = integer(0, 10**12)
ADDITIONAL = free_text(0, 200)
RESPONSE_CODE = Codec(_read_code, str, _check_code)
