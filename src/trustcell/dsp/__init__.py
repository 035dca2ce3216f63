"""The DSP: requests in, commands out, device messages in, answers out, and the counter rule of SECMP0128A."""

from trustcell.dsp.ports import Broker, Directory, Fenced, Homes, Party, Reserved, Sending, Store, Views, Wan, XmlSigner
from trustcell.dsp.rules.classification import Reference
from trustcell.dsp.rules.correlation import CommandKey, Kind
from trustcell.dsp.rules.counters import CounterChoice, choose_counter, milliseconds, raised
from trustcell.dsp.rules.facts import (
    DeviceRecord,
    DeviceStatus,
    Facts,
    InventoryQuery,
    KnownRequest,
    Occupant,
    Registration,
    Schedule,
    User,
    UserStatus,
)
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.partition import PARTITIONS, partition
from trustcell.dsp.rules.plan import Distribution, Effects, Needs, SlotChange
from trustcell.dsp.rules.recognition import Recognition, Reported, recognise
from trustcell.dsp.rules.work import (
    Command,
    CommandState,
    CounterEvent,
    Delivery,
    DeliveryState,
    Due,
    DueKind,
    RequestChange,
    Reservation,
    StatusEvent,
    TrailEntry,
    Work,
)
from trustcell.dsp.service import Policy, Reception, RequestManager, Submission

__all__ = [
    "PARTITIONS",
    "Broker",
    "Command",
    "CommandKey",
    "CommandState",
    "CounterChoice",
    "CounterEvent",
    "Delivery",
    "DeliveryState",
    "DeviceRecord",
    "DeviceStatus",
    "Directory",
    "Distribution",
    "Due",
    "DueKind",
    "Effects",
    "Facts",
    "Fenced",
    "Homes",
    "InventoryQuery",
    "Kind",
    "KnownRequest",
    "Needs",
    "Occupant",
    "Party",
    "Policy",
    "Reception",
    "Recognition",
    "Reference",
    "Registration",
    "Reported",
    "RequestChange",
    "RequestManager",
    "RequestState",
    "Reservation",
    "Reserved",
    "Schedule",
    "Sending",
    "SlotChange",
    "StatusEvent",
    "Store",
    "Submission",
    "TrailEntry",
    "User",
    "UserStatus",
    "Views",
    "Wan",
    "Work",
    "XmlSigner",
    "choose_counter",
    "milliseconds",
    "partition",
    "raised",
    "recognise",
]
