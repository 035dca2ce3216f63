"""Lexical forms of DUIS values: text of one element to a Python value and back.

Stricter than the XSD in two places, each because one value must not have two spellings or two readings: numbers have no
plus sign and no leading zeros, and times name their zone (times of day are UTC). White space around a value is dropped
where the XSD collapses it, which it does not in free text.
"""

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from trustcell.duis.request_id import RequestId
from trustcell.vocab import MAX_SEQ_NUMBER, Eui64, RemotePartyRole

MAX_DEVICES = 50_000
"""Most devices in one comma-separated list: what its longest text holds."""

SPACE = " \t\r\n"
_DATE_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})0*)?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)", re.ASCII
)
_EUI = re.compile(r"[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){7}", re.ASCII)
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)Z?", re.ASCII)
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})0*)?Z", re.ASCII)
_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,48}", re.ASCII)
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
    """A decimal integer from ``least`` to ``most``, at most 49 digits."""

    def read(text: str) -> int:
        text = text.strip(SPACE)
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
    back = {value: escape(name) for name, value in table.items()}

    def read(text: str) -> Any:
        if text not in table:
            raise ValueError(f"{kind} was expected")
        return table[text]

    def check(value: Any) -> None:
        if value not in back:
            raise ValueError(f"{kind} was expected")

    return Codec(read, lambda value: back[value], check)


def _collapsed(codec: Codec) -> Codec:
    return Codec(lambda text: codec.read(text.strip(SPACE)), codec.write, codec.check)


def _read_boolean(text: str) -> bool:
    text = text.strip(SPACE)
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    raise ValueError("true or false was expected")


def _check_boolean(value: Any) -> None:
    if not isinstance(value, bool):
        raise ValueError("a boolean was expected")


def _read_date_time(text: str) -> datetime:
    match = _DATE_TIME.fullmatch(text.strip(SPACE))
    if match is None:
        raise ValueError("a date and time with a zone, such as 2030-01-02T00:00:00.00Z, was expected")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    zone: timezone = UTC
    if match[8] != "Z":
        offset = timedelta(hours=int(match[8][1:3]), minutes=int(match[8][4:6]))
        zone = timezone(-offset if match[8][0] == "-" else offset)
    micros = _micros(match[7])
    try:
        return datetime(year, month, day, hour, minute, second, micros, zone).astimezone(UTC)
    except OverflowError:
        raise ValueError("a date from year 1 to 9999 was expected") from None


def _micros(fraction: str | None) -> int:
    return int((fraction or "").ljust(6, "0"))


@functools.lru_cache(maxsize=64)
def _write_date_time(value: datetime) -> str:
    value = value.astimezone(UTC)
    return f"{_write_date(value)}T{_write_time(value)}"


def _check_date_time(value: Any) -> None:
    if not isinstance(value, datetime) or value.tzinfo is None or value.utcoffset() is None:
        raise ValueError("an aware date and time was expected")


def _read_date(text: str) -> date:
    match = _DATE.fullmatch(text.strip(SPACE))
    if match is None:
        raise ValueError("a date such as 2030-01-02 was expected")
    return date(int(match[1]), int(match[2]), int(match[3]))


def _write_date(value: date) -> str:
    return f"{value.year:04d}-{value.month:02d}-{value.day:02d}"


def _check_date(value: Any) -> None:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("a date was expected")


def _read_time(text: str) -> time:
    match = _TIME.fullmatch(text.strip(SPACE))
    if match is None:
        raise ValueError("a time of day in UTC, such as 09:30:00.00Z, was expected")
    return time(int(match[1]), int(match[2]), int(match[3]), _micros(match[4]), UTC)


def _write_time(value: datetime | time) -> str:
    fraction = f"{value.microsecond:06d}".rstrip("0").ljust(2, "0")
    return f"{value.hour:02d}:{value.minute:02d}:{value.second:02d}.{fraction}Z"


def _check_time(value: Any) -> None:
    if not isinstance(value, time) or value.tzinfo is not UTC:
        raise ValueError("a time of day in UTC was expected")


def _read_eui(text: str) -> Eui64:
    text = text.strip(SPACE)
    if not _EUI.fullmatch(text):
        raise ValueError("an EUI-64 in dashed hex was expected")
    return Eui64.parse(text)


def _check_eui(value: Any) -> None:
    if not isinstance(value, Eui64):
        raise ValueError("an EUI-64 was expected")


def _read_eui_list(text: str) -> tuple[Eui64, ...]:
    parts = text.split(",")
    if not all(map(_EUI.fullmatch, parts)):
        raise ValueError("EUI-64s in dashed hex, parted by commas, were expected")
    listed = tuple(map(Eui64.parse, parts))
    _check_eui_list(listed)
    return listed


def _check_eui_list(value: Any) -> None:
    if not isinstance(value, tuple) or not 1 <= len(value) <= MAX_DEVICES:
        raise ValueError(f"a tuple of 1 to {MAX_DEVICES} EUI-64s was expected")
    for eui in value:
        _check_eui(eui)


def _check_request_id(value: Any) -> None:
    if not isinstance(value, RequestId):
        raise ValueError("a request ID was expected")


def _read_hex_code(text: str) -> str:
    text = text.strip(SPACE).upper()
    _check_hex_code(text)
    return text


def _check_hex_code(value: Any) -> None:
    if not isinstance(value, str) or not _HEX_CODE.fullmatch(value):
        raise ValueError("four upper-case hex digits were expected")


REQUEST_ID = Codec(lambda text: RequestId.parse(text.strip(SPACE)), str, _check_request_id)
HEX_CODE = Codec(_read_hex_code, _same, _check_hex_code)
BOOLEAN = Codec(_read_boolean, lambda value: "true" if value else "false", _check_boolean)
DATE_TIME = Codec(_read_date_time, _write_date_time, _check_date_time)
DATE = Codec(_read_date, _write_date, _check_date)
TIME = Codec(_read_time, _write_time, _check_time)
EUI = Codec(_read_eui, str, _check_eui)
EUI_LIST = Codec(_read_eui_list, lambda value: ",".join(map(str, value)), _check_eui_list)
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
