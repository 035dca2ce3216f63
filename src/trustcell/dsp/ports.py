"""What the DSP needs from outside: homes and their stores, a directory of parties, the DCC's own keys, the WAN."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell.dsp.rules.classification import Reference
from trustcell.dsp.rules.correlation import CommandKey
from trustcell.dsp.rules.counters import CounterChoice, Numbers
from trustcell.dsp.rules.facts import (
    DeviceRecord,
    Facts,
    InventoryQuery,
    KnownRequest,
    Occupant,
    Registration,
    Schedule,
    User,
)
from trustcell.dsp.rules.plan import Distribution, Needs, WorkItem
from trustcell.dsp.rules.work import (
    Command,
    CounterEvent,
    Delivery,
    Due,
    Reservation,
    StatusEvent,
    TrailEntry,
    Work,
)
from trustcell.duis import RequestId
from trustcell.vocab import CellId, DeviceType, Eui64, Refused, Unavailable


class Fenced(Unavailable):
    """Another worker holds the lease of this home now: stop at once (scale.md 3, Lease)."""

    code = "lease_lost"


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation whose command has not been recorded yet: work that a crash interrupted."""

    request: KnownRequest
    originator: Eui64
    counter: int


class Store(Protocol):
    """The books of one home under a lease: request IDs, counters, outbox, inventory, deliveries, due times, trail.

    Each call is one transaction. Every writing one checks the lease first and raises ``Fenced`` when its epoch has
    passed. Calls take groups of 1 to 64 that name a device at most once, and lock rows in the order of devices. What a
    group's members say of each other is independent: one that is refused leaves nothing, the others stand.
    """

    def facts(self, asks: Sequence[tuple[RequestId | None, Eui64, Needs]]) -> Sequence[Facts]:
        """A snapshot for each (request ID if any, device, needs), in one transaction.

        Without ``Facts.user`` and ``Facts.certificates``, which the directory knows.
        """
        ...

    def reserve(self, reservations: Sequence[Reservation], now: datetime) -> Sequence[CounterChoice | Refused]:
        """Claim IDs and counters together (state ``reserved``): a number given out is spent, whatever comes of it.

        Decides by ``rules.counters.choose_counter``; ``Refused``: ``request_id_used``, ``counter_exhausted``.
        """
        ...

    def commit(self, works: Sequence[Work], now: datetime) -> Sequence[Refused | None]:
        """Write each work wholly or, when it is refused, not at all: ``request_id_used``, ``counter_used``.

        ``counter_used``: another command stands under the same (originator, device, counter); the very same one again
        is harmless.
        """
        ...

    def commands(self, keys: Sequence[CommandKey]) -> Sequence[Command | None]:
        """The commands under these keys."""
        ...

    def request(self, request_id: RequestId) -> KnownRequest | None:
        """What is stored under a request ID."""
        ...

    def schedule(self, number: int) -> Schedule | None:
        """A schedule by its number."""
        ...

    def distribution(self, number: int) -> Distribution | None:
        """A firmware distribution by the number in its due row."""
        ...

    def accepted(self, user: Eui64, service_variant: str | None, since: datetime) -> int:
        """How many requests of a user were accepted since then, of one service or of all (check 18)."""
        ...

    def tried(self, request_id: RequestId) -> int:
        """How many commands a request has led to: more than one while the broker's key in a device is searched."""
        ...

    def open_commands(self) -> Sequence[Command]:
        """Commands without an answer or a time-out, in the order of their numbers: all there is to send."""
        ...

    def reserved(self) -> Sequence[Reserved]:
        """Reservations without a command, oldest first."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[Due]:
        """What is due, earliest first: rows until a work names them in ``done``, and open commands past their time."""
        ...

    def next_due(self) -> datetime | None:
        """When the next thing is due, open commands included."""
        ...

    def deliveries(self, now: datetime, limit: int) -> Sequence[Delivery]:
        """The oldest waiting deliveries of each user, in order, up to the first whose time has not come."""
        ...

    def next_delivery(self) -> datetime | None:
        """When the next waiting delivery may be tried."""
        ...

    def settle_deliveries(self, outcomes: Sequence[tuple[int, str, datetime | None]], now: datetime) -> None:
        """What came of attempts: number, what the user's address said, and when to try again.

        ``None`` and a text of ``2xx`` is done and moves its request to ``delivered``; ``None`` else is dropped.
        """
        ...

    def renew(self, now: datetime) -> None:
        """Prolong the lease."""
        ...

    def seal(self, now: datetime) -> None:
        """Sign the head of the audit chain and export it outside the database, when it has grown."""
        ...

    def release(self, now: datetime) -> None:
        """Seal, and give the lease back."""
        ...


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts: devices by type and status, operators' DS cells by occupant, requests by state, work items by code."""

    devices: Mapping[tuple[DeviceType, str], int]
    occupants: Mapping[Eui64, int]
    requests: Mapping[str, int]
    work_items: Mapping[str, int]


class Views(Protocol):
    """Questions that need no lease, over every home of a database."""

    def tally(self) -> "Tally":
        """How much there is of what: for a first look."""
        ...

    def holders(self, key_id: bytes, limit: int) -> Sequence[Eui64]:
        """Devices with this key in a cell, as far as is known, in order of EUI-64."""
        ...

    def device(self, eui: Eui64) -> DeviceRecord | None:
        """An inventory entry."""
        ...

    def devices(self, query: InventoryQuery | None, after: Eui64 | None, limit: int) -> Sequence[DeviceRecord]:
        """Inventory entries in order of EUI-64; without a query all of them, a page at a time."""
        ...

    def members(self, hub: Eui64, limit: int) -> Sequence[DeviceRecord]:
        """The hub and the devices on it, in order of EUI-64."""
        ...

    def slots(self, device: Eui64) -> Sequence[tuple[CellId, Occupant, datetime, str]]:
        """What each cell is known to hold, since when, and what told so; history included, newest last."""
        ...

    def status_history(self, device: Eui64) -> Sequence[StatusEvent]:
        """What happened to a device in the inventory."""
        ...

    def counter_ledger(self, device: Eui64) -> Sequence[CounterEvent]:
        """Who used or taught which number, oldest first."""
        ...

    def highest(self, device: Eui64) -> tuple[int, str, datetime] | None:
        """The stored Network Operator counter of a GPF, what taught it, and when (duis-dsp.md 7.1)."""
        ...

    def numbers(self, device: Eui64) -> Numbers:
        """Where the numbers for a device stand."""
        ...

    def request(self, request_id: RequestId) -> KnownRequest | None:
        """What is stored under a request ID, in whichever home."""
        ...

    def requests(
        self,
        *,
        user: Eui64 | None,
        device: Eui64 | None,
        after: RequestId | None,
        limit: int,
        newest_first: bool = False,
    ) -> Sequence[KnownRequest]:
        """Requests of a user or to a device in the order in which they came, or the other way round, ``after`` one."""
        ...

    def trail(self, subject: str) -> Sequence[tuple[int, datetime, TrailEntry]]:
        """The Service Audit Trail of a request ID or a device: sequence number, time, entry."""
        ...

    def commands_of(self, request_id: RequestId) -> Sequence[Command]:
        """The commands that a request led to."""
        ...

    def messages_of(self, key: CommandKey) -> Sequence[tuple[datetime, bytes, str]]:
        """Device messages that answered a command: when, octets, verdict."""
        ...

    def deliveries_of(self, request_id: RequestId) -> Sequence[Delivery]:
        """What was sent to the user for a request."""
        ...

    def registrations(self, mpxn: str) -> Sequence[Registration]:
        """Who is and was responsible for a metering point, newest first."""
        ...

    def schedules(self, user: Eui64) -> Sequence[Schedule]:
        """A user's schedules."""
        ...

    def work_items(
        self, *, party: Eui64 | None = None, device: Eui64 | None = None, limit: int | None = None
    ) -> Sequence[WorkItem]:
        """What is to be done: by a party, about a device, or all of it."""
        ...

    def chain(self) -> Iterator[tuple[str, int, bytes, bytes]]:
        """Every audit chain entry by entry: home, sequence number, canonical octets, hash; for a checker."""
        ...


class Homes(Protocol):
    """The homes of one database: sets of partitions that a worker owns under a lease (scale.md 3)."""

    def names(self) -> Sequence[str]:
        """Every home."""
        ...

    def home_of(self, eui: Eui64) -> str:
        """The home of a device's partition."""
        ...

    def take(self, home: str, owner: str, now: datetime) -> Store:
        """Take a home: raises the epoch. ``Unavailable`` (``lease_held``) while another owner's lease runs.

        Embedded (one process, SQLite) there is one home and its lease is taken over at start.
        """
        ...

    def holder(self, home: str) -> tuple[str, datetime] | None:
        """Who holds a home's lease, and until when."""
        ...

    @property
    def views(self) -> Views:
        """Questions over every home."""
        ...


@dataclass(frozen=True, slots=True)
class XmlSigner:
    """Whose XML signing key a certificate holds."""

    entity: Eui64
    public_key: ec.EllipticCurvePublicKey


class Directory(Protocol):
    """Public keys of organisations and devices, and who is a DCC User."""

    def user(self, entity: Eui64) -> User | None:
        """The user with this EUI-64."""
        ...

    def callback(self, entity: Eui64) -> str | None:
        """The URL that a user's responses go to."""
        ...

    def signing_keys(self, entity: Eui64, key_id: bytes | None) -> Sequence[ec.EllipticCurvePublicKey]:
        """Digital Signature keys of an entity; with a key identifier, only that one."""
        ...

    def holders(self, entity: Eui64) -> Collection[Occupant]:
        """Every (subject, key identifier) that the repository has a certificate in use for."""
        ...

    def xml_signer(self, issuer_name: str, serial: int) -> XmlSigner | None:
        """The holder of an XML signing certificate that is neither revoked nor of the wrong kind."""
        ...

    def device_points(self, device: Eui64) -> tuple[bytes | None, bytes | None]:
        """The public keys of a device's certificates in use: Digital Signature and Key Agreement."""
        ...

    def reference(self, device_type: DeviceType) -> Reference:
        """What the cells of devices of a type are compared with at first contact (smki.md 4.3)."""
        ...

    def agreement_certificate(self, device: Eui64) -> bytes | None:
        """The Key Agreement certificate of a device that is in use, DER."""
        ...

    def key(self, point: bytes) -> ec.EllipticCurvePublicKey:
        """A public key as an object; the same point may give the same object."""
        ...


class Party(Protocol):
    """A party of the DCC that originates commands: the Access Control Broker or the transitional CoS party.

    ``key_id`` chooses a generation, ``None`` the newest; ``Unavailable`` when that key is not at hand.
    """

    @property
    def entity(self) -> Eui64:
        """Its EUI-64."""
        ...

    def holds(self, key_id: bytes) -> bool:
        """Whether this Digital Signature key is its to sign with."""
        ...

    def sign(self, octets: bytes, key_id: bytes | None) -> bytes:
        """r and s, 64 octets, with the Digital Signature key."""
        ...


class Broker(Party, Protocol):
    """The Access Control Broker: authenticates every command to a device, and answers users in the DSP's name."""

    @property
    def agreement_key_ids(self) -> Sequence[bytes]:
        """Its Key Agreement keys, the newest first."""
        ...

    def shared_secret(self, device_point: bytes, key_id: bytes | None) -> bytes:
        """The ECDH x coordinate with the Key Agreement key, 32 octets; remembered, as both keys are static."""
        ...

    def sign_response(self, octets: bytes) -> bytes:
        """A DUIS response with the DSP's XML signature."""
        ...


class Sending(StrEnum):
    """What the WAN says of a message at once."""

    TAKEN = "taken"
    UNREACHABLE = "unreachable"
    """Communication with the device cannot be established (E20)."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that was taken and could not be delivered after all (E20); ``handle`` is for ``Wan.done``."""

    handle: int
    message_id: str


class Wan(Protocol):
    """The way to the devices: at least once both ways, order only within a device (scale.md 3, WAN).

    A message is known by its id, ``originator:target:counter``; sending it again is harmless. ``done`` comes after what
    it taught has been committed; until then ``receive`` gives it again after a restart.
    """

    def send(self, messages: Sequence[tuple[str, Eui64, bytes, datetime]], now: datetime) -> Sequence[Sending]:
        """Messages as (id, device, octets, not after)."""
        ...

    def receive(self, limit: int, now: datetime) -> Sequence[tuple[int, Eui64, bytes]]:
        """Device messages as (handle, device, octets), each until it is done."""
        ...

    def undelivered(self) -> Sequence[Undelivered]:
        """Messages taken before that turned out to be undeliverable, as of the last ``receive``; until they are done.

        For a way that learns so later only: one that knows at once says so in ``send``.
        """
        ...

    def done(self, handles: Sequence[int]) -> None:
        """These were committed."""
        ...

    def distribute(self, image: bytes, version: str, devices: Sequence[Eui64], now: datetime) -> Sequence[bool]:
        """Bring a firmware image to devices (11.1): which of them got it."""
        ...

    def next_at(self) -> datetime | None:
        """When something more will be ready to receive, if that is known."""
        ...
