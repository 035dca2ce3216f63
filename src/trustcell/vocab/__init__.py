"""Nouns of the code book, findings that cite its clauses, and the one error tree. Imports the standard library only."""

from trustcell.vocab.cells import BROKER_CELL, ROOT_CELL, SUPPLIER_CELL, CellRow, cells_at_manufacture
from trustcell.vocab.errors import Refused, TrustcellError, Unavailable, WireError
from trustcell.vocab.findings import Clause, Finding, Severity, finding_of
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
    "BROKER_CELL",
    "MAX_COUNTER",
    "MAX_SEQ_NUMBER",
    "ROOT_CELL",
    "SUPPLIER_CELL",
    "CellId",
    "CellRow",
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
    "cells_at_manufacture",
    "finding_of",
]
