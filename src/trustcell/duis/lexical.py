"""Lexical forms of DUIS values: text of one element to a Python value and back.

Stricter than the XSD in four places, each because one value must not have two spellings or two readings: numbers have
no sign and no leading zeros, base64 has no stray bits, certificates are one DER SEQUENCE each, and times name their
zone. White space around a value is dropped where the XSD collapses it (not in free text), and inside base64.
"""

import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from trustcell.duis.request_id import RequestId
from trustcell.vocab import MAX_SEQ_NUMBER, Eui64, RemotePartyRole, WireError

MAX_CERTIFICATE = 8_192
"""Most octets of one certificate element; organisation certificates have about 430."""

_SPACE = " \t\r\n"
_DATE_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})0*)?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)", re.ASCII
)
_EUI = re.compile(r"[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){7}", re.ASCII)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,19}", re.ASCII)
_NO_SPACE = str.maketrans("", "", _SPACE)
_HEX_CODE = re.compile(r"[0-9A-F]{4}", re.ASCII)
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Codec:
    """How one kind of value is read, written and checked; all three raise ``ValueError`` or ``WireError``."""

    read: Callable[[str], Any]
    write: Callable[[Any], str]
    check: Callable[[Any], None]


def escape(text: str) -> str:
    """Text as canonical XML writes it between tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")


def _same(value: Any) -> str:
    return str(value)


def _check_int(value: Any, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"an integer from {least} to {most} was expected")


def integer(least: int, most: int) -> Codec:
    """A decimal integer from ``least`` to ``most``, both at least 0."""

    def read(text: str) -> int:
        text = text.strip(_SPACE)
        if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
            raise ValueError(f"a decimal integer from {least} to {most} without leading zeros was expected")
        return int(text)

    return Codec(read, _same, lambda value: _check_int(value, least, most))


def free_text(least: int, most: int, pattern: str = r"(?s:.*)") -> Codec:
    """A string of ``least`` to ``most`` characters, white space kept, optionally of one pattern."""
    form = re.compile(pattern)

    def check(value: Any) -> None:
        if not isinstance(value, str) or not least <= len(value) <= most or _NOT_XML.search(value):
            raise ValueError(f"text of {least} to {most} characters was expected")
        if not form.fullmatch(value):
            raise ValueError(f"text of the form {pattern} was expected")

    def read(text: str) -> str:
        check(text)
        return text

    return Codec(read, escape, check)


def one_of(values: Mapping[str, Any] | frozenset[str], kind: str) -> Codec:
    """One value of a closed list, spelled exactly; a mapping also names the Python value of each spelling."""
    table: dict[str, Any] = dict(values) if isinstance(values, Mapping) else {name: name for name in values}
    back = {value: name for name, value in table.items()}

    def read(text: str) -> Any:
        if text not in table:
            raise ValueError(f"{kind} was expected")
        return table[text]

    def check(value: Any) -> None:
        if value not in back:
            raise ValueError(f"{kind} was expected")

    return Codec(read, lambda value: back[value], check)


def _collapsed(codec: Codec) -> Codec:
    return Codec(lambda text: codec.read(text.strip(_SPACE)), codec.write, codec.check)


def _read_boolean(text: str) -> bool:
    text = text.strip(_SPACE)
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    raise ValueError("true or false was expected")


def _check_boolean(value: Any) -> None:
    if not isinstance(value, bool):
        raise ValueError("a boolean was expected")


def _read_date_time(text: str) -> datetime:
    match = _DATE_TIME.fullmatch(text.strip(_SPACE))
    if match is None:
        raise ValueError("a date and time with a zone, such as 2030-01-02T00:00:00.00Z, was expected")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    zone: timezone = UTC
    if match[8] != "Z":
        offset = timedelta(hours=int(match[8][1:3]), minutes=int(match[8][4:6]))
        zone = timezone(-offset if match[8][0] == "-" else offset)
    micros = int((match[7] or "").ljust(6, "0"))
    try:
        return datetime(year, month, day, hour, minute, second, micros, zone).astimezone(UTC)
    except OverflowError:
        raise ValueError("a date from year 1 to 9999 was expected") from None


def _write_date_time(value: datetime) -> str:
    value = value.astimezone(UTC)
    fraction = f"{value.microsecond:06d}".rstrip("0").ljust(2, "0")
    date = f"{value.year:04d}-{value.month:02d}-{value.day:02d}"
    return f"{date}T{value.hour:02d}:{value.minute:02d}:{value.second:02d}.{fraction}Z"


def _check_date_time(value: Any) -> None:
    if not isinstance(value, datetime) or value.tzinfo is None or value.utcoffset() is None:
        raise ValueError("an aware date and time was expected")


def read_base64(text: str) -> bytes:
    """Strict base64, white space inside allowed; raises ``ValueError``."""
    try:
        octets = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        text = text.translate(_NO_SPACE)
        try:
            octets = binascii.a2b_base64(text, strict_mode=True)
        except ValueError:
            raise ValueError("base64 was expected") from None
    if text.endswith("=") and text[-3 if text.endswith("==") else -2] not in (
        "AQgw" if text.endswith("==") else "AEIMQUYcgkosw048"
    ):
        raise ValueError("base64 without stray bits was expected")
    return octets


def write_base64(octets: bytes) -> str:
    """Base64 on one line."""
    return binascii.b2a_base64(octets, newline=False).decode("ascii")


def _read_payload(text: str) -> bytes:
    octets = read_base64(text)
    _check_payload(octets)
    return octets


def _check_payload(value: Any) -> None:
    if not isinstance(value, bytes) or not value:
        raise ValueError("at least one octet was expected")


def check_certificate(octets: Any) -> None:
    """Hold one DER SEQUENCE and nothing after it; what is inside is not this room's business.

    Raises ``WireError`` with ``certificate_not_der``, ``certificate_trailing_data`` or ``schema_invalid``.
    """
    if not isinstance(octets, bytes) or not 0 < len(octets) <= MAX_CERTIFICATE:
        raise WireError(-1, "", f"a certificate of 1 to {MAX_CERTIFICATE} octets of DER was expected", "schema_invalid")
    size = _der_size(octets)
    if size < 0 or len(octets) < size:
        raise WireError(0, "", "one whole DER SEQUENCE was expected", "certificate_not_der")
    if len(octets) > size:
        raise WireError(size, "", "there are octets after the end of the certificate", "certificate_trailing_data")


def _der_size(octets: bytes) -> int:
    """Octets of the SEQUENCE that begins here, header included, by its minimal definite length; -1 if none does."""
    if octets[0] != 0x30 or len(octets) < 2:
        return -1
    if octets[1] < 0x80:
        return 2 + octets[1]
    count = octets[1] & 0x7F
    length = int.from_bytes(octets[2 : 2 + count], "big")
    if not 1 <= count <= 4 or len(octets) < 2 + count or length < 0x80 or length >> (8 * (count - 1)) == 0:
        return -1
    return 2 + count + length


def _read_certificate(text: str) -> bytes:
    if "-----BEGIN" in text:
        raise WireError(-1, "", "base64 of DER was expected, not PEM text", "certificate_not_der")
    octets = read_base64(text)
    check_certificate(octets)
    return octets


def _read_eui(text: str) -> Eui64:
    text = text.strip(_SPACE)
    if not _EUI.fullmatch(text):
        raise ValueError("an EUI-64 in dashed hex was expected")
    return Eui64.parse(text)


def _check_eui(value: Any) -> None:
    if not isinstance(value, Eui64):
        raise ValueError("an EUI-64 was expected")


def _check_request_id(value: Any) -> None:
    if not isinstance(value, RequestId):
        raise ValueError("a request ID was expected")


def _read_hex_code(text: str) -> str:
    text = text.strip(_SPACE).upper()
    _check_hex_code(text)
    return text


def _check_hex_code(value: Any) -> None:
    if not isinstance(value, str) or not _HEX_CODE.fullmatch(value):
        raise ValueError("four upper-case hex digits were expected")


REQUEST_ID = Codec(lambda text: RequestId.parse(text.strip(_SPACE)), str, _check_request_id)
HEX_CODE = Codec(_read_hex_code, _same, _check_hex_code)
BOOLEAN = Codec(_read_boolean, lambda value: "true" if value else "false", _check_boolean)
DATE_TIME = Codec(_read_date_time, _write_date_time, _check_date_time)
PAYLOAD = Codec(_read_payload, write_base64, _check_payload)
CERTIFICATE = Codec(_read_certificate, write_base64, check_certificate)
EUI = Codec(_read_eui, str, _check_eui)
FLOOR = integer(0, MAX_SEQ_NUMBER)
IMPORT_MPXN = free_text(1, 13)
ROLE = _collapsed(
    one_of(
        {
            "ACB": RemotePartyRole.ACCESS_CONTROL_BROKER,
            "NetworkOperator": RemotePartyRole.NETWORK_OPERATOR,
            "Recovery": RemotePartyRole.RECOVERY,
            "Root": RemotePartyRole.ROOT,
            "Supplier": RemotePartyRole.SUPPLIER,
            "TransCoS": RemotePartyRole.TRANSITIONAL_COS,
            "LoadController": RemotePartyRole.LOAD_CONTROLLER,
        },
        "a remote party role of the closed list",
    )
)

CANCEL = datetime(3000, 12, 31, tzinfo=UTC)
"""The execution time that cancels a future-dated request (duis-dsp.md 1.6, item 7)."""
