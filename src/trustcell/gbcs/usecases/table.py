"""Which ASN.1 type a payload has: rows by message code, columns by command, response and alert (gbcs.md 3 and 4)."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from trustcell.gbcs.der import Asn1, Sequence
from trustcell.gbcs.frame import Cra
from trustcell.gbcs.usecases import cs02a, cs02b, cs02cde, device_logs, firmware, gcs28, joining

_Row = dict[Cra, Asn1[Any]]
_UPDATE: _Row = {Cra.COMMAND: cs02b.COMMAND, Cra.RESPONSE: cs02b.RESPONSE}
_DETAILS: _Row = {Cra.COMMAND: cs02a.COMMAND, Cra.RESPONSE: cs02a.RESPONSE}
_JOIN: _Row = {Cra.COMMAND: joining.JOIN_COMMAND, Cra.RESPONSE: joining.JOIN_RESPONSE}
_UNJOIN: _Row = {Cra.COMMAND: joining.UNJOIN_COMMAND, Cra.RESPONSE: joining.UNJOIN_RESPONSE}

_ROWS: dict[int, _Row] = {
    0x0008: _DETAILS,
    0x000A: {Cra.COMMAND: cs02cde.REQUEST, Cra.RESPONSE: cs02cde.CS02C_RESPONSE},
    0x000B: {Cra.COMMAND: cs02cde.CS02D_COMMAND, Cra.RESPONSE: cs02cde.CS02D_RESPONSE},
    0x000C: {Cra.COMMAND: cs02cde.REQUEST, Cra.RESPONSE: cs02cde.CS02E_RESPONSE},
    0x000D: _JOIN,
    0x000E: _JOIN,
    0x000F: _UNJOIN,
    0x0010: _UNJOIN,
    0x0012: {Cra.COMMAND: firmware.CS06_COMMAND, Cra.RESPONSE: firmware.CS06_RESPONSE},
    0x0013: {Cra.COMMAND: device_logs.CS07_COMMAND, Cra.RESPONSE: device_logs.CS07_RESPONSE},
    0x007F: {Cra.COMMAND: gcs28.COMMAND, Cra.RESPONSE: gcs28.RESPONSE},
    0x008C: {Cra.COMMAND: device_logs.GCS59_COMMAND, Cra.RESPONSE: device_logs.GCS59_RESPONSE},
    0x00AB: _JOIN,
    0x00AF: _JOIN,
    0x00B2: {Cra.ALERT: device_logs.GCS62_ALERT},
    0x00CA: {Cra.ALERT: firmware.CS06_ALERT},
    0x00CB: {Cra.ALERT: cs02b.ALERT},
    **{0x0100 + mode: _UPDATE for mode in range(10)},
    0x011B: _DETAILS,
    0x0124: {Cra.ALERT: cs02b.ALERT},
    0x0125: _UPDATE,
    0x0126: _UPDATE,
    0x0128: {Cra.ALERT: firmware.CCS08_ALERT},
    0x0129: {Cra.COMMAND: firmware.CS08_COMMAND, Cra.RESPONSE: firmware.CS08_RESPONSE},
    0x012B: {Cra.ALERT: firmware.CS09_ALERT},
}

ASN1_USE_CASES: Mapping[int, Mapping[Cra, Asn1[Any]]] = MappingProxyType(_ROWS)
"""Message code to the ASN.1 type of each direction."""


@cache
def wire_names() -> Mapping[type, Mapping[str, str]]:
    """For each type of ASN.1 values the names that GBCS gives to its attributes."""
    names: dict[type, Mapping[str, str]] = {}
    waiting = [asn1 for row in _ROWS.values() for asn1 in row.values()]
    while waiting:
        asn1 = waiting.pop()
        waiting.extend(asn1.parts())
        if isinstance(asn1, Sequence):
            names[asn1.kind] = MappingProxyType({field.name: field.wire for field in asn1.fields})
    return MappingProxyType(names)
