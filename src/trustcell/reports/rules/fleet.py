"""The snapshot that reports read: one row a device, the certificate in each of its cells by number.

A certificate number is ``party << PARTY_BITS | n``, so who occupies a cell is known without looking anything up: one
pass over the devices answers most questions (performance.md section 2). Moments are microseconds since 1970 in UTC.
"""

from dataclasses import dataclass
from types import MappingProxyType

from trustcell.vocab import CellId, CellUsage, KeyUsage, RemotePartyRole

PARTY_BITS = 10
"""So many certificates of one party, less one, are told apart in cells."""

NOT_READ, UNKNOWN, BROKER = 0, 1, 2
"""Parties that are none: a cell nobody has read, a certificate that no repository has; and the ACB, always the same."""

FIRST_PARTY = 3

_DS, _KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
_SUPPLIER, _OPERATOR = RemotePartyRole.SUPPLIER, RemotePartyRole.NETWORK_OPERATOR

CELLS = MappingProxyType(
    {
        "supplier_ds": CellId(_SUPPLIER, _DS),
        "supplier_ka": CellId(_SUPPLIER, _KA),
        "supplier_top_up": CellId(_SUPPLIER, _KA, CellUsage.PRE_PAYMENT_TOP_UP),
        "operator_ds": CellId(_OPERATOR, _DS),
        "operator_ka": CellId(_OPERATOR, _KA),
        "broker_ka": CellId(RemotePartyRole.ACCESS_CONTROL_BROKER, _KA),
        "cos_ds": CellId(RemotePartyRole.TRANSITIONAL_COS, _DS),
        "recovery_ds": CellId(RemotePartyRole.RECOVERY, _DS),
        "wan_ds": CellId(RemotePartyRole.WAN_PROVIDER, _DS),
    }
)
"""The Trust Anchor Cells that a snapshot knows, by the name of their column. The root is the same everywhere."""

DEVICE_COLUMNS = MappingProxyType(
    {
        "eui": "BIGINT",
        "device_type": "SMALLINT",
        "smets": "SMALLINT",
        "region": "SMALLINT",
        "commissioned": "BIGINT",
        "supplier": "INTEGER",
        "operator_due": "INTEGER",
        "operator_now": "INTEGER",
        "due_ds": "INTEGER",
        "due_ka": "INTEGER",
        "available_due": "BOOLEAN",
        "available_now": "BOOLEAN",
        "operator_at_install": "BOOLEAN",
        "highest": "BIGINT",
        **dict.fromkeys(CELLS, "INTEGER"),
    }
)
"""Columns of ``device``. The EUI-64 is its eight octets as a signed number. ``commissioned`` may be null. ``supplier``
and ``operator_*`` are parties: whoever is responsible, at the end of the seven days and now. ``due_*`` is what the
network operator cells held at that end; ``available_*`` whether the operator was a DCC User with certificates in the
repository. ``operator_at_install``: a network operator's certificate was there when it was commissioned. ``highest`` is
the stored counter of the network operator's cell, null when none is known."""

CERTIFICATE_COLUMNS = MappingProxyType(
    {
        "number": "INTEGER",
        "party": "INTEGER",
        "role": "SMALLINT",
        "key_usage": "SMALLINT",
        "key_id": "VARCHAR",
        "key_hash": "VARCHAR",
        "generations": "INTEGER",
        "first_end": "BIGINT",
        "last_end": "BIGINT",
        "first_year": "SMALLINT",
        "last_year": "SMALLINT",
        "revoked": "BOOLEAN",
    }
)
"""Columns of ``certificate``: what a device can tell apart, party, key identifier and usage. Where several certificates
share a key the device does not say which it holds, so there is a first and a last end."""

PARTY_COLUMNS = MappingProxyType(
    {"number": "INTEGER", "entity": "VARCHAR", "name": "VARCHAR", "dcc_user": "BOOLEAN", "network": "BOOLEAN"}
)

TABLES = MappingProxyType({"device": DEVICE_COLUMNS, "certificate": CERTIFICATE_COLUMNS, "party": PARTY_COLUMNS})


@dataclass(frozen=True, slots=True)
class AsOf:
    """The moment a snapshot shows, and what depends on it: all in microseconds, as rows have them."""

    moment: int
    due_after: int = 7 * 24 * 3600 * 1_000_000
    new_rule_from: int = 1_687_996_800_000_000
    counter_margin: int = 1 << 32
    soon: int = 180 * 24 * 3600 * 1_000_000


def party_of(certificate: int) -> int:
    """Whose certificate it is."""
    return certificate >> PARTY_BITS


def eui_number(octets: bytes) -> int:
    """An EUI-64 as the column ``eui`` has it."""
    return int.from_bytes(octets, "big", signed=True)
