"""A message as a tree for people and as plain values for JSON; decoding never renders."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from trustcell.gbcs import dlms, gbz, render_dlms, render_gbz
from trustcell.gbcs.blocks import Block
from trustcell.gbcs.codes import alert_text, message_code
from trustcell.gbcs.der import camel_case
from trustcell.gbcs.frame import Cra, Message, Shape
from trustcell.gbcs.keyring import OpenedPart
from trustcell.gbcs.payload import UnknownPayload, decode_frame, decode_payload, decode_plaintext, is_asn1
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
        header["date_time"] = render_dlms.date_time_text(message.date_time)
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
    return Node(_printable(label), "", tuple(_node(str(key), item) for key, item in plain.items()))


def _payload(message: Message, read_certificate: CertificateReader) -> Any:
    value = decode_payload(message)
    frame = _frame(value)
    if frame is not None:
        return frame
    plain = _plain(value, "", read_certificate)
    if not isinstance(plain, dict) or not dataclasses.is_dataclass(value):
        return {"type": "list" if isinstance(value, tuple) else type(value).__name__, "value": plain}
    typed = {"type": type(value).__name__, **plain}
    if is_asn1(message) or isinstance(value, UnknownPayload):
        return typed
    return {**typed, "frame": _frame(decode_frame(message))}


def _frame(value: Any) -> dict[str, Any] | None:
    """A generic frame in names, ``None`` for anything else."""
    if isinstance(value, gbz.Components | gbz.Alert):
        return render_gbz.frame_as_plain(value)
    if isinstance(value, dlms.AccessRequest | dlms.AccessResponse | dlms.DataNotification):
        return render_dlms.frame_as_plain(value)
    return None


def parts_as_plain(message: Message, opened: tuple[OpenedPart | None, ...]) -> list[Any]:
    """What the encrypted parts of a message say; a plaintext that is no value raises ``WireError``."""
    value = decode_payload(message)
    return [_part(value, each) for each in opened if each is not None]


def _part(value: Any, opened: OpenedPart) -> dict[str, Any]:
    content = decode_plaintext(value, opened.part, opened.plaintext)
    plain = {"part": opened.part.ordinal}
    if isinstance(content, dlms.Data):
        return {**plain, "data": render_dlms.data_as_plain(content)}
    return {**plain, **render_gbz.content_as_plain(value.components[opened.part.ordinal], content)}


def _plain(value: Any, field: str, read_certificate: CertificateReader) -> Any:
    """One value of a payload as JSON can hold it, with a meaning beside the number where there is one."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, dlms.Data):
        return render_dlms.data_as_plain(value)
    if isinstance(value, Eui64 | CellId):
        return str(value)
    if isinstance(value, Enum):
        return _named(value)
    if isinstance(value, int):
        return alert_text(value) if field == "alert_code" else value
    if isinstance(value, datetime):
        return "never" if value == NEVER else value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return _octets(value, field, read_certificate)
    if isinstance(value, tuple):
        return [_plain(item, field, read_certificate) for item in value]
    return _fields(value, read_certificate)


def _fields(value: Any, read_certificate: CertificateReader) -> dict[str, Any]:
    """The fields of a dataclass that are there."""
    names = wire_names().get(type(value), {})
    plain = {}
    for each in dataclasses.fields(value):
        part = getattr(value, each.name)
        if part is not None:
            plain[names.get(each.name, each.name)] = _plain(part, each.name, read_certificate)
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


def _octets(value: bytes, field: str, read_certificate: CertificateReader) -> Any:
    if field in _CERTIFICATE_FIELDS or value[:2] == b"\x30\x82":
        certificate = read_certificate(value)
        if certificate is not None:
            return dict(certificate)
    return value.hex()


def _node(label: str, value: Any) -> Node:
    label = _printable(label)
    if isinstance(value, Mapping) and len(value) == 1 and not isinstance(next(iter(value.values())), Mapping | list):
        # A value of DLMS is one entry, its type: both fit one line.
        ((name, only),) = value.items()
        return Node(label, _printable(f"{name}: {'none' if only is None else only}"))
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
