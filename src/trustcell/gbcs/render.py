"""A message as a tree for people and as plain values for JSON; decoding never renders."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from trustcell.gbcs.blocks import Block
from trustcell.gbcs.codes import alert_title, message_code
from trustcell.gbcs.der import camel_case
from trustcell.gbcs.dlms import DlmsFrame, DlmsKind
from trustcell.gbcs.frame import Cra, Message, Shape
from trustcell.gbcs.gbz import GbzAlert, GbzComponent
from trustcell.gbcs.payload import decode_payload
from trustcell.gbcs.usecases.common import NEVER
from trustcell.gbcs.usecases.table import wire_names
from trustcell.vocab import CellId, DeviceType, Eui64, KeyUsage, RemotePartyRole

_SHAPES = {
    Shape.PRE_COMMAND: "no signature, no MAC",
    Shape.SIGNED: "signed",
    Shape.MAC: "MAC",
    Shape.SIGNED_AND_MAC: "signed and MAC",
}
_CERTIFICATE_FIELDS = frozenset({"certificate", "path_certificates", "other_device_certificate"})
_SPECIAL_TIMES = {bytes(9): "now", b"\xff" * 9: "never"}
_GBZ_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_CODE_BOOK = {"Cos": "CoS", "Acb": "ACB", "Cbke": "CBKE", "crProduction": "cRProduction"}
"""Spellings of GBCS that camel case does not give."""

CertificateReader = Callable[[bytes], Mapping[str, Any] | None]
"""What a certificate in a message says, from whoever can read X.509; ``None`` when the octets are no certificate."""


@dataclass(frozen=True, slots=True)
class Node:
    """A line of the tree: label, text, and what hangs below."""

    label: str
    text: str = ""
    children: tuple["Node", ...] = ()


def as_plain(message: Message, read_certificate: CertificateReader) -> dict[str, Any]:
    """Header, decoded payload and protection as plain values, fields of an ASN.1 payload under their names in GBCS.

    A payload that does not decode raises ``WireError``.
    """
    header = _header(message.cra, message.message_code, message.originator, message.target, message.originator_counter)
    if message.date_time:
        header["date_time"] = read_date_time(message.date_time)
    if message.supplementary is not None:
        header["supplementary"] = _plain(message.supplementary, "", read_certificate)
    return {
        "header": header,
        "payload": _payload(message, read_certificate),
        "protection": {
            "shape": _SHAPES[message.shape],
            "signature": message.signature.hex() if message.signature else None,
            "mac": message.mac.hex() if message.mac is not None else None,
        },
    }


def block_as_plain(block: Block) -> dict[str, Any]:
    """One block of a large message as plain values; its octets stay as they are (gbcs.md 1.4)."""
    header = block.header
    return {
        "header": _header(Cra(header.cra), header.message_code, header.originator, header.target, header.counter),
        "block": {
            "number": block.number,
            "last": block.last,
            "streaming": block.streaming,
            "window": block.window,
            "acknowledges": block.number_ack,
            "octets": block.octets.hex(),
        },
    }


def _header(cra: Cra, code: int, originator: Eui64, target: Eui64, counter: int) -> dict[str, Any]:
    """What names a message, and what its message code stands for."""
    row = message_code(code)
    return {
        "kind": cra.name.lower(),
        "message_code": f"{code:04X}",
        "use_case": row.use_case if row else None,
        "title": row.title if row else None,
        "service_references": list(row.srv) if row else [],
        "originator": str(originator),
        "target": str(target),
        "originator_counter": counter,
    }


def as_tree(plain: Mapping[str, Any], label: str = "message") -> Node:
    """The plain values of ``as_plain`` as a tree."""
    return _node(label, plain)


def read_date_time(octets: bytes) -> str:
    """A 12-octet DLMS date-time as ISO text with its status; unspecified parts stay ``*`` (gbcs.md 1.1, 6.3)."""
    if octets[:9] in _SPECIAL_TIMES:
        return _SPECIAL_TIMES[octets[:9]]
    year = int.from_bytes(octets[:2], "big")
    parts = [f"{year:04d}" if year != 0xFFFF else "*"]
    parts += [f"{octet:02d}" if octet != 0xFF else "*" for octet in (octets[2], octets[3], *octets[5:8])]
    deviation = int.from_bytes(octets[9:11], "big", signed=True)
    zone = "Z" if deviation in (0, -0x8000) else f" deviating {deviation} minutes"
    return f"{'-'.join(parts[:3])}T{':'.join(parts[3:])}{zone} ({_clock_status(octets[11])})"


def _clock_status(octet: int) -> str:
    """Bit 1 doubtful, bit 2 from the GSME's own clock, FF not stated (gbcs.md 1.1)."""
    if octet == 0xFF:
        return "status not stated"
    words = ["unreliable" if octet & 2 else "reliable", *(["by the clock of the GSME"] if octet & 4 else [])]
    return ", ".join(words) if not octet & ~6 else f"status {octet:02X}"


def _payload(message: Message, read_certificate: CertificateReader) -> Any:
    value = decode_payload(message)
    plain = _plain(value, "", read_certificate)
    if isinstance(plain, dict) and dataclasses.is_dataclass(value):
        return {"type": type(value).__name__, **plain}
    return {"type": "list" if isinstance(value, tuple) else type(value).__name__, "value": plain}


def _plain(value: Any, field: str, read_certificate: CertificateReader) -> Any:
    """One value of a payload as JSON can hold it, with a meaning beside the number where there is one."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Eui64 | CellId):
        return str(value)
    if isinstance(value, Enum):
        return _named(value)
    if isinstance(value, int):
        return _alert(value) if field == "alert_code" else value
    if isinstance(value, datetime):
        return "never" if value == NEVER else value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return _octets(value, field, read_certificate)
    if isinstance(value, tuple):
        return [_plain(item, field, read_certificate) for item in value]
    if isinstance(value, DlmsFrame):
        return _dlms(value, read_certificate)
    return _fields(value, read_certificate)


def _fields(value: Any, read_certificate: CertificateReader) -> dict[str, Any]:
    """The fields of a dataclass that are there."""
    names = wire_names().get(type(value), {})
    spell = _GBZ_FIELDS.get(type(value), {})
    plain = {}
    for each in dataclasses.fields(value):
        part = getattr(value, each.name)
        if part is not None:
            special = spell.get(each.name)
            label = names.get(each.name, each.name)
            plain[label] = special(part) if special else _plain(part, each.name, read_certificate)
    return plain


def _named(value: Enum) -> str:
    """The name in the spelling of GBCS, and the number; a key usage has bits instead of a number."""
    if isinstance(value, KeyUsage):
        return value.title
    if isinstance(value, RemotePartyRole):
        name = value.title
    elif isinstance(value, DeviceType):
        name = value.name
    else:
        name = camel_case(value.name.lower())
        for plain, spelt in _CODE_BOOK.items():
            name = name.replace(plain, spelt)
    return f"{name} ({value.value})"


def _dlms(frame: DlmsFrame, read_certificate: CertificateReader) -> dict[str, Any]:
    """A frame with its outcomes in words, and code and time of an alert (dlms-gbz.md 2.4 and 2.9)."""
    plain = _fields(frame, read_certificate)
    if frame.results:
        plain["results"] = [
            f"{_RESULT_KINDS.get(kind, kind)} {_RESULTS.get(code, code)}" for kind, code in frame.outcomes
        ]
    body = frame.body
    if frame.kind is DlmsKind.NOTIFICATION and body[:1] == b"\x02" and body[2:3] == b"\x12" and len(body) >= 5:
        plain["alert_code"] = _alert(int.from_bytes(body[3:5], "big"))
        if body[5:7] == b"\x09\x0c" and len(body) >= 19:
            plain["alert_date_time"] = read_date_time(body[7:19])
    return plain


def _gbz_date(seconds: int) -> str:
    """A time to act at, with its two marks (dlms-gbz.md 3.1)."""
    return {0: "now", 0xFFFFFFFF: "never"}.get(seconds) or _gbz_time(seconds)


def _gbz_time(seconds: int) -> str:
    """Seconds since 2000-01-01 UTC."""
    return (_GBZ_EPOCH + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def _alert(code: int) -> str:
    title = alert_title(code)
    return f"{code:04X} ({title})" if title else f"{code:04X}"


_RESULT_KINDS = {1: "get", 2: "set", 3: "action"}
_RESULTS = {0: "success", 1: "hardware-fault", 250: "other-reason"}
_GBZ_FIELDS: Mapping[type, Mapping[str, Callable[[int], str]]] = {
    GbzAlert: {"code": _alert, "time": _gbz_time},
    GbzComponent: {"cluster": "{:04X}".format, "from_date_time": _gbz_date},
}


def _octets(value: bytes, field: str, read_certificate: CertificateReader) -> Any:
    if field in _CERTIFICATE_FIELDS or value[:2] == b"\x30\x82":
        certificate = read_certificate(value)
        if certificate is not None:
            return dict(certificate)
    return value.hex()


def _node(label: str, value: Any) -> Node:
    label = _printable(label)
    if isinstance(value, Mapping):
        return Node(label, "", tuple(_node(str(key), item) for key, item in value.items()))
    if isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
        return Node(label, "", tuple(_node(f"{label}[{i}]", item) for i, item in enumerate(value)))
    if isinstance(value, list):
        return Node(label, _printable(", ".join(str(item) for item in value)) or "none")
    return Node(label, "none" if value is None else _printable(str(value)))


def _printable(text: str) -> str:
    """Text from outside on one line, without anything that steers a terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
