"""The envelope: general-signing inside an optional general-ciphering wrapper (gbcs.md 1.1 to 1.3).

Octets in, values out; nothing here knows a key. Lengths in the envelope are always minimal, so a decoded message
re-encodes to the octets it came from.
"""

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from trustcell.vocab import MAX_COUNTER, Eui64, WireError

SIGNATURE_LENGTH = 64
MAC_LENGTH = 12
DATE_TIME_LENGTH = 12

_GENERAL_SIGNING = 0xDF
_GENERAL_CIPHERING = 0xDD
_MAC_PREFIX = bytes.fromhex("dd000000000000")
_SECURITY_HEADER = bytes.fromhex("1100000000")
# DF, 09 CRA counter, 08 originator, 08 target, length of the date-time.
_GROUPING = Struct(">BBBQB8sB8sB")
_MAX_FIELD = 0xFFFF
_entity = bytes.__new__  # eight octets by their place in _GROUPING, so nothing is left to check
_LARGE_PAYLOAD = _MAX_FIELD - 256  # more than everything else in a message without a certificate


class Cra(IntEnum):
    """Command, Response or Alert: the first octet of the transaction identifier."""

    COMMAND = 1
    RESPONSE = 2
    ALERT = 3


_CRA = {1: Cra.COMMAND, 2: Cra.RESPONSE, 3: Cra.ALERT}


class Shape(IntEnum):
    """How a message is protected, as far as its octets tell (gbcs.md 1.3)."""

    PRE_COMMAND = 0
    SIGNED = 1
    MAC = 2
    SIGNED_AND_MAC = 3


@dataclass(frozen=True, slots=True)
class Supplementary:
    """OtherInformation beyond the message code (gbcs.md 1.1): the remote party the ACB acts for.

    ``party`` alone makes 10 octets, with ``counter`` 18, with ``originator_counter`` 26; ``certificate`` (raw DER of
    the party's Key Agreement certificate) follows the 18-octet form.
    """

    party: Eui64
    counter: int | None = None
    originator_counter: int | None = None
    certificate: bytes = b""

    def __post_init__(self) -> None:
        """Refuse combinations that have no layout."""
        if self.counter is None and (self.originator_counter is not None or self.certificate):
            raise ValueError("a supplementary counter is needed before anything that follows it")
        if self.originator_counter is not None and self.certificate:
            raise ValueError("no layout holds a supplementary originator counter and a certificate")
        if self.certificate:
            # Eight octets would read back as a supplementary originator counter.
            if len(self.certificate) <= 8 or _der_length(self.certificate) != len(self.certificate):
                raise ValueError("the certificate must be exactly one DER SEQUENCE of more than 8 octets")
            if len(self.certificate) > _MAX_FIELD - 18:
                raise ValueError("other information holds at most 65,535 octets")
        for n in (self.counter, self.originator_counter):
            if n is not None and not 0 <= n <= MAX_COUNTER:
                raise ValueError("a counter is a 64-bit number")


@dataclass(frozen=True, slots=True)
class Message:
    """One GBCS Remote Party message.

    ``date_time`` is empty or the 12 octets of a DLMS date-time; the envelope does not look inside. ``signature`` is
    ``None`` when the field is absent (pre-command), empty when its length is zero, else r and s, 64 octets. ``mac`` is
    ``None`` without the general-ciphering wrapper, else 12 octets. Raises ``ValueError`` for a combination the envelope
    cannot carry.
    """

    cra: Cra
    originator_counter: int
    originator: Eui64
    target: Eui64
    message_code: int
    payload: bytes
    date_time: bytes = b""
    supplementary: Supplementary | None = None
    signature: bytes | None = None
    mac: bytes | None = None

    def __post_init__(self) -> None:
        """Refuse values that no octets could stand for."""
        if not 0 <= self.originator_counter <= MAX_COUNTER:
            raise ValueError("the Originator Counter is a 64-bit number")
        if not 0 <= self.message_code <= 0xFFFF:
            raise ValueError("a message code has two octets")
        if self.date_time and len(self.date_time) != DATE_TIME_LENGTH:
            raise ValueError("a date-time has 0 or 12 octets")
        if self.signature and len(self.signature) != SIGNATURE_LENGTH:
            raise ValueError("a signature has 0 or 64 octets")
        if self.mac is not None and (len(self.mac) != MAC_LENGTH or self.signature is None):
            raise ValueError("a MAC has 12 octets and protects a signature field")
        # Only a large payload can be too large, and then the octets of the header decide.
        if len(self.payload) > _LARGE_PAYLOAD or (self.supplementary and self.supplementary.certificate):
            self._check_size()

    def _check_size(self) -> None:
        """The payload and, inside the MAC wrapper, the whole message have lengths of 16 bits."""
        size = len(inner_octets(self)) + len(_SECURITY_HEADER) + MAC_LENGTH
        if self.mac is not None and size > _MAX_FIELD:
            raise ValueError("with a MAC a message holds at most 65,535 octets")

    @property
    def shape(self) -> Shape:
        """The protection that the octets show."""
        if self.mac is not None:
            return Shape.SIGNED_AND_MAC if self.signature else Shape.MAC
        return Shape.SIGNED if self.signature else Shape.PRE_COMMAND


def encode(message: Message) -> bytes:
    """Octets of a message: ``DF...`` or, with a MAC, ``DD...``."""
    inner = inner_octets(message)
    return inner if message.mac is None else ciphered_octets(inner, message.mac)


def ciphered_octets(inner: bytes, mac: bytes) -> bytes:
    """The general-ciphering wrapper around a general-signing message with its signature field, and the MAC."""
    return b"".join((_MAC_PREFIX, _length(5 + len(inner) + MAC_LENGTH), _SECURITY_HEADER, inner, mac))


def inner_octets(message: Message) -> bytes:
    """The general-signing part, tag DF included, up to and including the signature field if there is one."""
    body = signed_octets(message)
    signature = message.signature
    if signature is None:
        return b"\xdf" + body
    return b"".join((b"\xdf", body, _length(len(signature)), signature))


def signed_octets(message: Message) -> bytes:
    """The octets a signature covers: from the transaction-id length to the last payload octet (gbcs.md 2.1)."""
    supplementary = message.supplementary
    other = message.message_code.to_bytes(2, "big")
    if supplementary is not None:
        other += supplementary.party
        if supplementary.counter is not None:
            other += supplementary.counter.to_bytes(8, "big")
        if supplementary.originator_counter is not None:
            other += supplementary.originator_counter.to_bytes(8, "big")
        other += supplementary.certificate
    return b"".join(
        (
            b"\x09",
            transaction_id(message),
            b"\x08",
            message.originator,
            b"\x08",
            message.target,
            b"\x0c" if message.date_time else b"\x00",
            message.date_time,
            _length(len(other)),
            other,
            _length(len(message.payload)),
            message.payload,
        )
    )


def transaction_id(message: Message) -> bytes:
    """CRA and Originator Counter, nine octets."""
    return message.cra.to_bytes(1, "big") + message.originator_counter.to_bytes(8, "big")


def decode(octets: bytes) -> Message:
    """One message from exactly these octets; raises ``WireError`` with the offset of the first misfit."""
    octets = bytes(octets)
    if not octets:
        raise WireError(0, "tag", "a message needs at least one octet", "gbcs_truncated")
    tag = octets[0]
    if tag == _GENERAL_SIGNING:
        return _decode_grouping(octets, 0, len(octets), None)
    if tag != _GENERAL_CIPHERING:
        raise WireError(0, "tag", f"DF or DD expected, {tag:02X} found", "gbcs_tag")
    if not octets.startswith(_MAC_PREFIX):
        return _refuse_prefix(octets)
    length, start = _read_length(octets, 7, len(octets), "length")
    if start + length > len(octets):
        reason = f"{length} octets announced, {len(octets) - start} left"
        raise WireError(len(octets), "length", reason, "gbcs_truncated")
    if start + length < len(octets):
        raise WireError(start + length, "length", "octets after the end of the message", "gbcs_trailing")
    if octets[start : start + 5] != _SECURITY_HEADER:
        raise WireError(start, "security-header", "11 00000000 expected", "gbcs_security_header")
    inner, end = start + 5, len(octets) - MAC_LENGTH
    if end <= inner:
        raise WireError(len(octets), "mac", "a message and a MAC of 12 octets expected", "gbcs_truncated")
    if octets[inner] != _GENERAL_SIGNING:
        raise WireError(inner, "tag", "a general-signing message (DF) expected inside", "gbcs_tag")
    return _decode_grouping(octets, inner, end, octets[end:])


def _decode_grouping(octets: bytes, at: int, end: int, mac: bytes | None) -> Message:
    """Read the grouping header at ``at`` (tag included), payload and signature field, up to exactly ``end``."""
    position = at + _GROUPING.size
    if position > end:
        raise _truncated(at, end)
    _, nine, flag, counter, eight, originator, eight_too, target, dated = _GROUPING.unpack_from(octets, at)
    cra = _CRA.get(flag)
    if nine != 9 or cra is None:
        raise WireError(at + 1, "transaction-id", "09 and CRA 01, 02 or 03 expected", "gbcs_transaction_id")
    if eight != 8:
        raise WireError(at + 11, "originator", "a length of 08 expected", "gbcs_length")
    if eight_too != 8:
        raise WireError(at + 20, "target", "a length of 08 expected", "gbcs_length")
    date_time = b""
    if dated:
        if dated != DATE_TIME_LENGTH:
            raise WireError(at + 29, "date-time", "a length of 00 or 0C expected", "gbcs_length")
        if position + DATE_TIME_LENGTH > end:
            raise WireError(end, "date-time", f"12 octets announced, {end - position} left", "gbcs_truncated")
        date_time = octets[position : position + DATE_TIME_LENGTH]
        position += DATE_TIME_LENGTH
    other_length, position = _read_length(octets, position, end, "other-information")
    other_end = position + other_length
    if other_end > end:
        raise WireError(end, "other-information", f"{other_length} octets announced", "gbcs_truncated")
    if other_length < 2:
        raise WireError(position, "other-information", "a message code has two octets", "gbcs_other_information")
    supplementary = None
    if other_length > 2:
        supplementary = _read_supplementary(octets, position + 2, other_end)
    payload_length, payload_at = _read_length(octets, other_end, end, "payload")
    payload_end = payload_at + payload_length
    if payload_end > end:
        raise WireError(end, "payload", f"{payload_length} octets announced, {end - payload_at} left", "gbcs_truncated")
    signature: bytes | None = None
    if payload_end < end:
        signature = _read_signature(octets, payload_end, end)
    elif mac is not None:
        raise WireError(payload_end, "signature", "the signature field is missing before the MAC", "gbcs_truncated")
    return Message(
        cra,
        counter,
        _entity(Eui64, originator),
        _entity(Eui64, target),
        octets[position] << 8 | octets[position + 1],
        octets[payload_at:payload_end],
        date_time,
        supplementary,
        signature,
        mac,
    )


def _read_supplementary(octets: bytes, at: int, end: int) -> Supplementary:
    """OtherInformation after the message code: 8, 16, 24, or 16 and a certificate."""
    length = end - at
    party = Eui64(octets[at : at + 8]) if length >= 8 else None
    if party is None or 8 < length < 16 or 16 < length < 24:
        reason = f"2, 10, 18, 26 or 18 and a certificate expected, {length + 2} octets found"
        raise WireError(at, "other-information", reason, "gbcs_other_information")
    if length == 8:
        return Supplementary(party)
    counter = int.from_bytes(octets[at + 8 : at + 16], "big")
    if length == 16:
        return Supplementary(party, counter)
    if length == 24:
        return Supplementary(party, counter, int.from_bytes(octets[at + 16 : end], "big"))
    certificate = octets[at + 16 : end]
    if _der_length(certificate) != len(certificate):
        reason = "after 18 octets exactly one DER certificate expected"
        raise WireError(at + 16, "other-information.certificate", reason, "gbcs_other_information")
    return Supplementary(party, counter, None, certificate)


def _read_signature(octets: bytes, at: int, end: int) -> bytes:
    """The signature field, which ends the message: ``00``, or ``40`` and 64 octets."""
    length, left = octets[at], end - at - 1
    if length not in (0, SIGNATURE_LENGTH):
        raise WireError(at, "signature", f"a length of 00 or 40 expected, {length:02X} found", "gbcs_length")
    if left < length:
        raise WireError(end, "signature", f"{length} octets announced, {left} left", "gbcs_truncated")
    if left > length:
        raise WireError(at + 1 + length, "signature", "octets after the end of the message", "gbcs_trailing")
    return octets[at + 1 : end]


def _read_length(octets: bytes, at: int, end: int, path: str) -> tuple[int, int]:
    """A minimal definite length and the offset after it."""
    if at >= end:
        raise WireError(end, path, "its length is missing", "gbcs_truncated")
    first = octets[at]
    if first < 0x80:
        return first, at + 1
    size = first - 0x80
    if size == 0 or size > 2:
        raise WireError(at, path, f"length octet {first:02X}: one, 81 xx or 82 xx xx expected", "gbcs_length")
    if at + 1 + size > end:
        raise WireError(end, path, "its length is cut off", "gbcs_truncated")
    value = int.from_bytes(octets[at + 1 : at + 1 + size], "big")
    if value < 0x80 or (size == 2 and value < 0x100):
        raise WireError(at, path, "the length is not minimal", "gbcs_length")
    return value, at + 1 + size


def _length(value: int) -> bytes:
    """A minimal definite length; raises ``ValueError`` above 65,535 (gbcs.md 1.4: such messages need blocks)."""
    if value < 0x80:
        return value.to_bytes(1, "big")
    if value < 0x100:
        return b"\x81" + value.to_bytes(1, "big")
    if value > _MAX_FIELD:
        raise ValueError("a field of the envelope holds at most 65,535 octets")
    return b"\x82" + value.to_bytes(2, "big")


def _der_length(octets: bytes) -> int:
    """Total length of the DER SEQUENCE at the start, or -1."""
    if len(octets) < 4 or octets[0] != 0x30:
        return -1
    if octets[1] < 0x80:
        return 2 + octets[1]
    size = octets[1] - 0x80
    return 2 + size + int.from_bytes(octets[2 : 2 + size], "big") if 1 <= size <= 2 else -1


def _refuse_prefix(octets: bytes) -> Message:
    """Say what is wrong before the length of a general-ciphering message."""
    if len(octets) > 1 and octets[1] == 9:
        raise WireError(1, "routing-header", "a general block transfer, not a whole message", "gbcs_block")
    for at in range(1, min(len(octets), 7)):
        if octets[at] != 0:
            raise WireError(at, "mac-header", f"00 expected, {octets[at]:02X} found", "gbcs_mac_header")
    raise WireError(len(octets), "mac-header", "seven octets of MAC header expected", "gbcs_truncated")


_FIELD_ENDS = ((11, "transaction-id"), (20, "originator"), (29, "target"), (30, "date-time"))


def _truncated(at: int, end: int) -> WireError:
    """A grouping header that stops before the length of its date-time."""
    name = next(name for stop, name in _FIELD_ENDS if end - at < stop)
    return WireError(end, name, "the message stops here", "gbcs_truncated")
