"""A message as a tree for people and as plain values for JSON; decoding never renders."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from trustcell.gbcs.codes import alert_title, message_code
from trustcell.gbcs.frame import Message, Shape
from trustcell.gbcs.payload import decode_payload
from trustcell.gbcs.usecases.common import NEVER
from trustcell.vocab import CellId, Eui64, KeyUsage, RemotePartyRole

_SHAPES = {
    Shape.PRE_COMMAND: "no signature, no MAC",
    Shape.SIGNED: "signed",
    Shape.MAC: "MAC",
    Shape.SIGNED_AND_MAC: "signed and MAC",
}
_CERTIFICATE_FIELDS = frozenset({"certificate", "path_certificates", "other_device_certificate"})
_ALERT_FIELDS = frozenset({"alert_code"})

CertificateReader = Callable[[bytes], Mapping[str, Any] | None]
"""What a certificate in a message says, from whoever can read X.509; ``None`` when the octets are no certificate."""


@dataclass(frozen=True, slots=True)
class Node:
    """A line of the tree: label, text, and what hangs below."""

    label: str
    text: str = ""
    children: tuple["Node", ...] = ()


def as_plain(message: Message, read_certificate: CertificateReader) -> dict[str, Any]:
    """Header, decoded payload and protection as plain values; a payload that does not decode raises ``WireError``."""
    row = message_code(message.message_code)
    header: dict[str, Any] = {
        "kind": message.cra.name.lower(),
        "message_code": f"{message.message_code:04X}",
        "use_case": row.use_case if row else None,
        "title": row.title if row else None,
        "service_references": list(row.srv) if row else [],
        "originator": str(message.originator),
        "target": str(message.target),
        "originator_counter": message.originator_counter,
    }
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


def as_tree(plain: Mapping[str, Any], label: str = "message") -> Node:
    """The plain values of ``as_plain`` as a tree."""
    return _node(label, plain)


def read_date_time(octets: bytes) -> str:
    """A 12-octet DLMS date-time as ISO text with its status; unspecified parts stay ``*`` (gbcs.md 1.1)."""
    if octets[:9] == bytes(9):
        return "now"
    if octets[:9] == b"\xff" * 9:
        return "never"
    year = int.from_bytes(octets[:2], "big")
    parts = [f"{year:04d}" if year != 0xFFFF else "*"]
    parts += [f"{octet:02d}" if octet != 0xFF else "*" for octet in (octets[2], octets[3], *octets[5:8])]
    status = {0xFF: "status not stated", 0x00: "reliable"}.get(octets[11], f"status {octets[11]:02X}")
    return f"{'-'.join(parts[:3])}T{':'.join(parts[3:])}Z ({status})"


def _payload(message: Message, read_certificate: CertificateReader) -> Any:
    value = decode_payload(message)
    plain = _plain(value, "", read_certificate)
    if isinstance(plain, dict):
        return {"type": type(value).__name__, **plain}
    return {"type": type(value).__name__ if not isinstance(value, tuple) else "list", "value": plain}


def _plain(value: Any, field: str, read_certificate: CertificateReader) -> Any:
    """One value of a payload as JSON can hold it, with a meaning beside the number where there is one."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Eui64):
        return str(value)
    if isinstance(value, KeyUsage | RemotePartyRole):
        return f"{value.title} ({value.value})"
    if isinstance(value, CellId):
        return str(value)
    if isinstance(value, Enum):
        return f"{value.name.lower().replace('_', ' ')} ({value.value})"
    if isinstance(value, int):
        return _alert(value) if field in _ALERT_FIELDS else value
    if isinstance(value, datetime):
        return "never" if value == NEVER else value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return _octets(value, field, read_certificate)
    if isinstance(value, tuple):
        return [_plain(item, field, read_certificate) for item in value]
    if dataclasses.is_dataclass(value):
        return {
            each.name: _plain(getattr(value, each.name), each.name, read_certificate)
            for each in dataclasses.fields(value)
            if getattr(value, each.name) is not None
        }
    return str(value)


def _alert(code: int) -> str:
    title = alert_title(code)
    return f"{code:04X} ({title})" if title else f"{code:04X}"


def _octets(value: bytes, field: str, read_certificate: CertificateReader) -> Any:
    if field in _CERTIFICATE_FIELDS or value[:2] == b"\x30\x82":
        certificate = read_certificate(value)
        if certificate is not None:
            return dict(certificate)
    return value.hex()


def _node(label: str, value: Any) -> Node:
    if isinstance(value, Mapping):
        return Node(label, "", tuple(_node(str(key), item) for key, item in value.items()))
    if isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
        return Node(label, "", tuple(_node(f"{label}[{i}]", item) for i, item in enumerate(value)))
    if isinstance(value, list):
        return Node(label, ", ".join(str(item) for item in value) or "none")
    return Node(label, "none" if value is None else str(value))
