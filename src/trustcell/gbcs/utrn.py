"""UTRN: the twenty digits of a prepayment top-up, and the authentication inside them (gbcs.md 2.6)."""

import hmac
from dataclasses import dataclass
from enum import IntEnum

from trustcell.gbcs import protect
from trustcell.gbcs.frame import Cra, Message, transaction_id
from trustcell.vocab import Eui64, WireError

_OFFSET = 7_394_156_990_786_306_048
_DIGITS = 20
_COUNTER_BITS = 10
_VALUE_BITS = 13
_MAC_OCTETS = 4


class ValueClass(IntEnum):
    """Unit of the value."""

    PENCE = 0
    POUNDS = 1


@dataclass(frozen=True, slots=True)
class Utrn:
    """What 19 of the 20 digits say; ``check_digit`` is kept as found.

    ``truncated_counter`` is bits 32 to 41 of the Originator Counter. The tables of the modified Verhoeff check digit
    (GBCS 14.8) are not available to us, so the last digit is neither checked nor made here.
    """

    truncated_counter: int
    value_class: ValueClass
    value: int
    mac: bytes
    check_digit: int

    def __post_init__(self) -> None:
        """Refuse numbers that do not fit their bits."""
        if not (0 <= self.truncated_counter < 1 << _COUNTER_BITS and 0 <= self.value < 1 << _VALUE_BITS):
            raise ValueError("a truncated counter has 10 bits and a value 13")
        if len(self.mac) != _MAC_OCTETS or not 0 <= self.check_digit <= 9:
            raise ValueError("a UTRN has four octets of MAC and one check digit")

    @property
    def ptut_high(self) -> bytes:
        """The upper 32 bits of the 64-bit PTUT, which the MAC covers."""
        return (self.truncated_counter << 15 | self.value_class << 13 | self.value).to_bytes(4, "big")


def parse_utrn(text: str) -> Utrn:
    """Read 20 decimal digits; ``WireError`` names what does not fit."""
    if len(text) != _DIGITS or not (text.isascii() and text.isdigit()):
        raise WireError(0, "utrn", "twenty decimal digits expected", "utrn_digits")
    ptut = int(text[:-1]) - _OFFSET
    if not 0 <= ptut < 1 << 57:
        raise WireError(0, "utrn", "the number lies outside the range of top-ups", "utrn_range")
    high = ptut >> 32
    value_class = high >> 13 & 3
    if value_class not in (ValueClass.PENCE, ValueClass.POUNDS):
        raise WireError(0, "utrn", f"value class 0 or 1 expected, {value_class} found", "utrn_value_class")
    mac = (ptut & 0xFFFFFFFF).to_bytes(_MAC_OCTETS, "big")
    return Utrn(high >> 15, ValueClass(value_class), high & 0x1FFF, mac, int(text[-1]))


def utrn_mac(utrn: Utrn, originator: Eui64, target: Eui64, counter: int, shared_secret: bytes) -> bytes:
    """The four octets that authenticate a top-up: the *last* of the full GMAC tag.

    ``shared_secret`` is agreed between the supplier's prepayment Key Agreement key and the device's.
    """
    header = Message(Cra.COMMAND, counter, originator, target, 0, b"")
    key = protect.derive_key(shared_secret, protect.mac_key_info(header))
    aad = b"".join((protect.MAC_AAD_PREFIX, originator, target, transaction_id(header), utrn.ptut_high))
    return protect.full_gmac(key, originator + bytes(4), aad)[-_MAC_OCTETS:]


def check_utrn(utrn: Utrn, originator: Eui64, target: Eui64, counter: int, shared_secret: bytes) -> bool:
    """Whether counter and MAC fit the message that carries the top-up."""
    if counter >> 32 & ((1 << _COUNTER_BITS) - 1) != utrn.truncated_counter or counter & 0xFFFFFFFF:
        return False
    return hmac.compare_digest(utrn_mac(utrn, originator, target, counter, shared_secret), utrn.mac)
