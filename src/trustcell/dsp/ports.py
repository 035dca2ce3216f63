"""What the DSP needs from outside: its ledger, the inventory, a directory of keys, and the broker's own keys."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell.dsp.rules.correlation import CommandKey, Kind
from trustcell.dsp.rules.counters import CounterChoice
from trustcell.dsp.rules.effects import Effects
from trustcell.duis import RequestId, UserRole
from trustcell.vocab import CellId, DeviceType, Eui64


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """What the inventory knows of a device: type, generation (``SMETS1`` or ``SMETS2``) and its two public keys."""

    eui: Eui64
    device_type: DeviceType
    generation: str
    signing_key: ec.EllipticCurvePublicKey
    agreement_key: ec.EllipticCurvePublicKey
    gbcs_version: str = "4.2"


class State(StrEnum):
    """States of a request as far as the ledger keeps them (duis-dsp.md 4.3)."""

    TRANSFORMED = "transformed"
    RESERVED = "reserved"
    COMMANDED = "commanded"
    SILENT = "silent"
    RESPONDED = "responded"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Offered:
    """A pre-command that waits for its user's signature, and the service it was made for."""

    service_variant: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class Reservation:
    """A claim on a request ID and on the next broker counter for its target.

    ``raise_above_highest`` asks for the rule of SECMP0128A. ``octets`` are the request as received, so that a command
    can be built after a crash.
    """

    request_id: RequestId
    service_variant: str
    octets: bytes
    raise_above_highest: bool


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation whose command has not been recorded yet."""

    request_id: RequestId
    service_variant: str
    octets: bytes
    counter: int


@dataclass(frozen=True, slots=True)
class Command:
    """A protected command in the outbox, and where its answer goes."""

    key: CommandKey
    message_code: int
    request_id: RequestId
    service_variant: str
    octets: bytes
    state: State = State.COMMANDED


@dataclass(frozen=True, slots=True)
class Settled:
    """What learning did, and the stored counter afterwards.

    ``first`` is true when this is the first message of its kind and came in time, so that the user is told once.
    """

    first: bool
    highest: int | None


@dataclass(frozen=True, slots=True)
class CounterEvent:
    """One line of the counter ledger of a device: who used or taught which number, and why."""

    at: datetime
    device: Eui64
    counter: int
    who: str
    reason: str


class Ledger(Protocol):
    """Request IDs, counters, outbox and slots. Every call is one transaction; a refusal changes nothing.

    Implementations decide by ``rules.counters`` inside their transaction. Each call survives a kill at any point:
    either all of it happened or none.
    """

    def transform(self, request_id: RequestId, service_variant: str, pre_command: bytes, now: datetime) -> None:
        """Remember a pre-command; repeating the same is harmless, any other use of the ID is ``Refused``."""
        ...

    def offered(self, request_id: RequestId) -> Offered | None:
        """The pre-command under this ID; ``None`` for a fresh ID, ``Refused`` for a used one."""
        ...

    def reserve(self, reservation: Reservation, now: datetime) -> CounterChoice:
        """Claim the ID and a counter together; ``Refused`` for a used ID or an exhausted counter.

        A counter given out is spent for this device, also while nothing is recorded under it.
        """
        ...

    def reserved(self) -> Sequence[Reserved]:
        """Reservations without a command, oldest first: work a crash interrupted."""
        ...

    def abandon(self, request_id: RequestId, reason: str, now: datetime) -> bool:
        """Give a reservation up that no command can be built for; its ID and its counter stay used.

        False when it is no open reservation any more.
        """
        ...

    def record(self, command: Command, now: datetime) -> None:
        """Put a command into the outbox and settle its request ID; ``Refused`` if the ID or the key was used.

        Recording the very same command again is harmless.
        """
        ...

    def outbox(self) -> Sequence[Command]:
        """Commands without an answer or a time-out, oldest first."""
        ...

    def correlate(self, key: CommandKey) -> Command | None:
        """The command a device message answers."""
        ...

    def time_out(self, key: CommandKey, now: datetime) -> bool:
        """No answer came; the request stays open for a late one. False when it was not waiting any more."""
        ...

    def keep(self, octets: bytes, now: datetime) -> int:
        """Store a device message as it came, before anything is decided; returns its number."""
        ...

    def unprocessed(self) -> Sequence[tuple[int, bytes]]:
        """Kept messages nobody has judged yet."""
        ...

    def dismiss(self, message: int, verdict: str, now: datetime) -> None:
        """Close a kept message that teaches nothing."""
        ...

    def learn(self, message: int, key: CommandKey, kind: Kind, effects: Effects, now: datetime) -> Settled:
        """Counter, slots, state of the request and verdict on the message, in one transaction.

        The counter only grows. Slots follow the first message of each kind, and no message that is not ``newer``.
        """
        ...

    def highest(self, device: Eui64) -> int | None:
        """The stored Network Operator counter of a device."""
        ...

    def slot(self, device: Eui64, cell: CellId) -> tuple[Eui64, bytes] | None:
        """Entity and key identifier a cell is known to hold."""
        ...

    def history(self, device: Eui64) -> Sequence[CounterEvent]:
        """The counter ledger of a device, oldest first (feature N9)."""
        ...


class Inventory(Protocol):
    """The Smart Metering Inventory, as far as commands need it."""

    def device(self, eui: Eui64) -> DeviceRecord | None:
        """A device by its EUI-64."""
        ...


@dataclass(frozen=True, slots=True)
class XmlSigner:
    """Whose XML signing key a certificate holds."""

    entity: Eui64
    public_key: ec.EllipticCurvePublicKey


class Directory(Protocol):
    """Public keys and user roles of organisations."""

    def roles(self, entity: Eui64) -> Collection[UserRole]:
        """The roles in which an entity is a DCC User; none when it is not."""
        ...

    def signing_keys(self, entity: Eui64, key_id: bytes | None) -> Sequence[ec.EllipticCurvePublicKey]:
        """Digital Signature keys of an entity; with a key identifier, only that one."""
        ...

    def xml_signer(self, issuer_name: str, serial: int) -> XmlSigner | None:
        """The holder of an XML signing certificate."""
        ...


class Broker(Protocol):
    """The Access Control Broker's keys, wherever they live.

    ``key_id`` chooses a generation, ``None`` the newest; ``Unavailable`` when that key is not at hand.
    """

    @property
    def entity(self) -> Eui64:
        """The broker's EUI-64."""
        ...

    def holds(self, key_id: bytes) -> bool:
        """Whether this Digital Signature key is the broker's to sign with."""
        ...

    def sign(self, octets: bytes, key_id: bytes | None) -> bytes:
        """r and s, 64 octets, with the Digital Signature key."""
        ...

    def shared_secret(self, device_key: ec.EllipticCurvePublicKey, key_id: bytes | None) -> bytes:
        """The ECDH x coordinate with the Key Agreement key, 32 octets."""
        ...

    def sign_response(self, octets: bytes) -> bytes:
        """A DUIS response with the DSP's XML signature."""
        ...
