"""What a device remembers, part by part, with their octets: commands, image, own keys, partners, network, clock."""

from dataclasses import dataclass, field
from datetime import datetime

from trustcell.devices.octets import Reader, number, optional, second, sized
from trustcell.gbcs.usecases import common
from trustcell.gbcs.usecases.gcs28 import DeviceTimeStatus
from trustcell.vocab import DeviceType, Eui64, KeyUsage, RemotePartyRole

Partner = common.LogEntry
"""Another device this one has joined, and what kind it is."""

MAX_SKEW = 100 * 366 * 86_400
"""Seconds a clock can be off."""

NO_HASH = bytes(16)
"""The link key hash of a device that has not joined (assumed: no vector shows one)."""


@dataclass(frozen=True, slots=True)
class PendingCommand:
    """A future-dated command that was accepted and waits (gbcs.md 6.3); ``payload`` is kept as it came."""

    message_code: int
    role: RemotePartyRole
    originator: Eui64
    counter: int
    due: datetime
    payload: bytes

    def order(self) -> tuple[datetime, int, int]:
        """Earliest first; at one instant by message code and role."""
        return self.due, self.message_code, self.role

    def encode(self) -> bytes:
        """``code[2] role originator[8] counter[8] due[8] size[2] payload``."""
        head = number(self.message_code, 2) + bytes((self.role,)) + self.originator
        return head + number(self.counter, 8) + second(self.due) + sized(self.payload)

    @classmethod
    def read(cls, reader: Reader) -> "PendingCommand":
        """The next one."""
        code, role, originator = reader.number(2), RemotePartyRole(reader.number(1)), Eui64(reader.take(8))
        return cls(code, role, originator, reader.number(8), reader.second(), reader.sized())


@dataclass(frozen=True, slots=True)
class HeldImage:
    """A firmware image that was distributed and not yet activated; a faulty one fails its activation."""

    image_hash: bytes
    version: bytes
    faulty: bool = False

    def __post_init__(self) -> None:
        """SHA-256 and four octets, as CS06 has them."""
        if len(self.image_hash) != 32 or len(self.version) != 4:
            raise ValueError("an image has a hash of 32 octets and a version of 4")

    def encode(self) -> bytes:
        """``hash[32] version[4] faulty``."""
        return self.image_hash + self.version + bytes((self.faulty,))

    @classmethod
    def read(cls, reader: Reader) -> "HeldImage":
        """The next one."""
        return cls(reader.take(32), reader.take(4), reader.flag())


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A key pair of the device: the generation in use, the latest one made, the certificate of the one in use.

    A generation made and not in use waits for its certificate (CS02c, then CS02d).
    """

    usage: KeyUsage
    in_use: int = 0
    made: int = 0
    certificate: bytes | None = None

    @property
    def waiting(self) -> int | None:
        """The generation that CS02d would take into use."""
        return self.made if self.made > self.in_use else None

    def encode(self) -> bytes:
        """``usage[2] in-use[4] made[4] certificate?``."""
        certificate = None if self.certificate is None else sized(self.certificate)
        return number(self.usage, 2) + number(self.in_use, 4) + number(self.made, 4) + optional(certificate)

    @classmethod
    def read(cls, reader: Reader) -> "OwnKey":
        """The next one."""
        usage = KeyUsage(reader.number(2))
        return cls(usage, reader.number(4), reader.number(4), reader.optional(Reader.sized))


@dataclass(frozen=True, slots=True)
class WhitelistEntry:
    """A device a communications hub admits: the key it may join with, and what is known once it has joined.

    ``key`` is the install code of CCS01, empty after CCS03, which brings ``link_key_hash`` instead.
    """

    device: Eui64
    key: bytes = field(default=b"", repr=False)
    link_key_hash: bytes = NO_HASH
    band: int = 0
    heard: datetime | None = None

    def __post_init__(self) -> None:
        """An install code and a hash have 16 octets; there are two bands."""
        if len(self.key) not in (0, 16) or len(self.link_key_hash) != 16 or self.band not in (0, 1):
            raise ValueError("a key of 0 or 16 octets, a hash of 16 and band 0 or 1 were expected")

    @property
    def joined(self) -> bool:
        """Whether the device has joined this hub."""
        return self.heard is not None

    def encode(self) -> bytes:
        """``device[8] key? hash[16] band heard?``."""
        heard = None if self.heard is None else second(self.heard)
        return b"".join(
            (self.device, optional(self.key or None), self.link_key_hash, bytes((self.band,)), optional(heard))
        )

    @classmethod
    def read(cls, reader: Reader) -> "WhitelistEntry":
        """The next one."""
        device, key = Eui64(reader.take(8)), reader.optional(lambda r: r.take(16)) or b""
        return cls(device, key, reader.take(16), reader.number(1), reader.optional(Reader.second))


@dataclass(frozen=True, slots=True)
class HubMemory:
    """What a CHF keeps of its network: who may join and has joined, until when it lets in, its PAN identifier."""

    whitelist: tuple[WhitelistEntry, ...] = ()
    join_until: datetime | None = None
    pan: bytes | None = None

    def entry(self, device: Eui64) -> WhitelistEntry | None:
        """The entry of a device."""
        for entry in self.whitelist:
            if entry.device == device:
                return entry
        return None

    def encode(self) -> bytes:
        """``n entry*n until? pan?``."""
        until = None if self.join_until is None else second(self.join_until)
        entries = [entry.encode() for entry in self.whitelist]
        return number(len(entries), 2) + b"".join(entries) + optional(until) + optional(self.pan)

    @classmethod
    def read(cls, reader: Reader) -> "HubMemory":
        """The next one."""
        entries = reader.many(WhitelistEntry.read, 2)
        return cls(entries, reader.optional(Reader.second), reader.optional(lambda r: r.take(8)))


@dataclass(frozen=True, slots=True)
class Clock:
    """How far the device's clock is ahead of the network's, in seconds, and what it says about itself."""

    skew: int = 0
    status: DeviceTimeStatus = DeviceTimeStatus.RELIABLE

    def __post_init__(self) -> None:
        """A century either way is enough."""
        if abs(self.skew) > MAX_SKEW:
            raise ValueError("a clock is at most a century off")

    def encode(self) -> bytes:
        """``skew[8] status``, the skew as two's complement."""
        return self.skew.to_bytes(8, "big", signed=True) + bytes((self.status,))

    @classmethod
    def read(cls, reader: Reader) -> "Clock":
        """The next one."""
        return cls(int.from_bytes(reader.take(8), "big", signed=True), DeviceTimeStatus(reader.number(1)))


def encode_partner(partner: Partner) -> bytes:
    """``device[8] type``."""
    return partner.device + bytes((partner.device_type,))


def read_partner(reader: Reader) -> Partner:
    """The next one."""
    return Partner(Eui64(reader.take(8)), DeviceType(reader.number(1)))
