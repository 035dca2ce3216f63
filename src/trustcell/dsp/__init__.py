"""The DSP's heart: transform, complete, correlate, and the counter rule of SECMP0128A (duis-dsp.md)."""

from trustcell.dsp.ports import (
    Broker,
    Command,
    CounterEvent,
    DeviceRecord,
    Directory,
    Inventory,
    Ledger,
    Offered,
    Reservation,
    Reserved,
    Settled,
    State,
    XmlSigner,
)
from trustcell.dsp.rules.correlation import CommandKey, Kind
from trustcell.dsp.rules.counters import CounterChoice, choose_counter, milliseconds, raised
from trustcell.dsp.rules.effects import NETWORK_OPERATOR_SIGNING_CELL, Effects, SlotChange, effects_of, newer
from trustcell.dsp.rules.recognition import Recognition, Reported, recognise
from trustcell.dsp.service import Policy, Reception, RequestManager, Submission

__all__ = [
    "NETWORK_OPERATOR_SIGNING_CELL",
    "Broker",
    "Command",
    "CommandKey",
    "CounterChoice",
    "CounterEvent",
    "DeviceRecord",
    "Directory",
    "Effects",
    "Inventory",
    "Kind",
    "Ledger",
    "Offered",
    "Policy",
    "Reception",
    "Recognition",
    "Reported",
    "RequestManager",
    "Reservation",
    "Reserved",
    "Settled",
    "SlotChange",
    "State",
    "Submission",
    "XmlSigner",
    "choose_counter",
    "effects_of",
    "milliseconds",
    "newer",
    "raised",
    "recognise",
]
