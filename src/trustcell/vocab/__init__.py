"""Nouns of the code book, findings that cite its clauses, and the one error tree. Imports the standard library only."""

from trustcell.vocab.errors import Refused, TrustcellError, Unavailable, WireError
from trustcell.vocab.findings import Clause, Finding, Severity
from trustcell.vocab.nouns import (
    MAX_COUNTER,
    MAX_SEQ_NUMBER,
    CellId,
    CellUsage,
    DeviceType,
    Eui64,
    KeyUsage,
    RemotePartyRole,
)

__all__ = [
    "MAX_COUNTER",
    "MAX_SEQ_NUMBER",
    "CellId",
    "CellUsage",
    "Clause",
    "DeviceType",
    "Eui64",
    "Finding",
    "KeyUsage",
    "Refused",
    "RemotePartyRole",
    "Severity",
    "TrustcellError",
    "Unavailable",
    "WireError",
]
