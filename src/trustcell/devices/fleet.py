"""Devices and what they share: seed, pack, policy, and bounded caches that belong to the fleet."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell.certs import Certificate
from trustcell.devices.cells import CellOccupant
from trustcell.devices.identity import DerivedKeys, DeviceIdentity, KeySource
from trustcell.devices.log import LogEntry
from trustcell.devices.memory import Clock, HeldImage, HubMemory, OwnKey
from trustcell.devices.pack import ManufacturePack
from trustcell.devices.paths import PathMemory
from trustcell.devices.rules.policy import DevicePolicy
from trustcell.devices.state import AS_MADE, DeviceState
from trustcell.gbcs import protect
from trustcell.vocab import CellId, DeviceType, Eui64, KeyUsage, RemotePartyRole, WireError

RIGHT_CLOCK = Clock()
FIRST_KEYS = MappingProxyType({usage: OwnKey(usage) for usage in (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT)})
NO_NETWORK = HubMemory()

CertificateSource = Callable[[Eui64, KeyUsage], bytes | None]
"""The Device Certificate (DER) of a device's first key pair, if there is one."""


class Fleet:
    """Any number of devices that come from one seed and one pack. Two fleets share nothing.

    ``keys`` replaces the derived keys, for devices whose keys live elsewhere; ``certificates`` gives the certificate a
    device was made with. ``cache`` bounds the caches of public keys, parsed certificates and paths, and
    ``devices_cached`` those of private keys and shared secrets. No cache changes an answer.
    """

    __slots__ = ("_certificate", "_paths", "_public_key", "certificates", "keys", "pack", "policy")

    def __init__(
        self,
        seed: bytes,
        pack: ManufacturePack,
        policy: DevicePolicy | None = None,
        keys: KeySource | None = None,
        cache: int = 4096,
        devices_cached: int | None = None,
        certificates: CertificateSource | None = None,
    ) -> None:
        """Nothing is derived before it is used."""
        self.pack = pack
        self.policy = policy or DevicePolicy()
        limit = cache if devices_cached is None else devices_cached
        self.keys: KeySource = DerivedKeys(seed, limit) if keys is None else keys
        self.certificates = certificates
        self._paths = PathMemory(cache)
        self._public_key: Callable[[bytes], ec.EllipticCurvePublicKey]
        self._public_key = lru_cache(cache)(protect.public_key_from_point)
        self._certificate: Callable[[bytes], Certificate | None] = lru_cache(cache)(_parsed)

    def device(self, eui: Eui64, device_type: DeviceType, state: DeviceState = AS_MADE) -> "Device":
        """A device as made, or as ``state`` remembers it; ``ValueError`` for a type the pack has no cells for."""
        if device_type not in self.pack.occupants:
            raise ValueError(f"the pack has no cells for a {device_type.name}")
        return Device(DeviceIdentity(eui, device_type), state, (), self)

    def public_key(self, occupant: CellOccupant) -> ec.EllipticCurvePublicKey:
        """The key object of an occupant."""
        return self._public_key(occupant.point)

    def certificate(self, der: bytes) -> Certificate | None:
        """The certificate, or ``None`` when the octets are not one."""
        return self._certificate(der)

    def trusts(
        self, leaf: Certificate, intermediates: tuple[Certificate, ...], root: CellOccupant, now: datetime | None
    ) -> bool:
        """Whether a path leads from the leaf to the root: its key and, if known, its name (RFC 5280 6.1.1 d)."""
        certificate = self._certificate(root.certificate) if root.certificate else None
        return self._paths.holds(leaf, intermediates, root, certificate, now)


def _parsed(der: bytes) -> Certificate | None:
    try:
        return Certificate.from_der(der)
    except WireError:
        return None


def _moved(at: datetime, seconds: int) -> datetime:
    """So many seconds later, within the years there are."""
    if not seconds:
        return at
    try:
        return at + timedelta(seconds=seconds)
    except OverflowError:
        return (datetime.max if seconds > 0 else datetime.min).replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Device:
    """One device: identity, what differs from manufacture, its security log, and the fleet it belongs to."""

    identity: DeviceIdentity
    state: DeviceState
    log: tuple[LogEntry, ...]
    fleet: Fleet = field(repr=False, compare=False)

    @property
    def eui(self) -> Eui64:
        """The entity identifier."""
        return self.identity.eui

    @property
    def device_type(self) -> DeviceType:
        """What kind of device this is."""
        return self.identity.device_type

    @property
    def policy(self) -> DevicePolicy:
        """How it reads the open points."""
        return self.fleet.policy

    def cell(self, cell: CellId) -> CellOccupant | None:
        """Who sits in a cell; ``None`` when the device has no such cell."""
        for held, occupant in self.state.cells:
            if held == cell:
                return occupant
        return self.fleet.pack.occupants[self.device_type].get(cell)

    def cells(self) -> Mapping[CellId, CellOccupant]:
        """Every cell and its occupant, in order of cell."""
        merged = {**self.fleet.pack.occupants[self.device_type], **dict(self.state.cells)}
        return {cell: merged[cell] for cell in sorted(merged)}

    def cells_of(self, role: RemotePartyRole) -> list[tuple[CellId, CellOccupant]]:
        """The cells of one role and their occupants, in order of cell."""
        made = self.fleet.pack.occupants[self.device_type]
        found = {cell: made[cell] for cell in made if cell.role is role}
        found.update((cell, occupant) for cell, occupant in self.state.cells if cell.role is role)
        return sorted(found.items(), key=lambda entry: entry[0])

    def usc(self, role: RemotePartyRole) -> int:
        """The stored number of CS02b and CS02g of a role (gbcs.md 5.2)."""
        return self._number(self.state.usc, role)

    def exec(self, role: RemotePartyRole) -> int:
        """The stored number of a role's other replay-protected commands (gbcs.md 5.2)."""
        return self._number(self.state.exec, role)

    def _number(self, counters: tuple[tuple[RemotePartyRole, int], ...], role: RemotePartyRole) -> int:
        for held, number in counters:
            if held == role:
                return number
        return self.fleet.pack.first_numbers.get(role, 0)

    @property
    def topup(self) -> int:
        """The floor of prepayment top-ups."""
        if self.state.topup is not None:
            return self.state.topup
        return self.fleet.pack.first_numbers.get(RemotePartyRole.SUPPLIER, 0)

    @property
    def alert_counter(self) -> int:
        """The Originator Counter of the next alert."""
        counter = self.state.alert_counter
        return self.fleet.pack.first_alert if counter is None else counter

    @property
    def firmware_version(self) -> bytes:
        """The running firmware, four octets."""
        return self.state.firmware_version or self.fleet.pack.firmware_version

    def key(self, usage: KeyUsage) -> OwnKey:
        """Which generations of one of its key pairs the device has."""
        for key in self.state.keys:
            if key.usage == usage:
                return key
        return FIRST_KEYS.get(usage) or OwnKey(usage)

    def public_point(self, usage: KeyUsage) -> bytes:
        """The device's own public key in use, 65 octets; what its certificates certify."""
        return self.fleet.keys.public_point(self.eui, usage, self.key(usage).in_use)

    def certificate(self, usage: KeyUsage) -> bytes | None:
        """The device's own certificate (DER) of the key in use."""
        key, source = self.key(usage), self.fleet.certificates
        if key.certificate is not None or key.in_use or source is None:
            return key.certificate
        return source(self.eui, usage)

    def sign(self, octets: bytes) -> bytes:
        """r and s by the Digital Signature key in use."""
        return self.fleet.keys.sign(self.eui, octets, self.key(KeyUsage.DIGITAL_SIGNATURE).in_use)

    def agree(self, peer: CellOccupant) -> bytes:
        """The secret shared with who sits in a cell, by the Key Agreement key in use."""
        return self.fleet.keys.agree(self.eui, peer.point, self.key(KeyUsage.KEY_AGREEMENT).in_use)

    @property
    def clock(self) -> Clock:
        """How its clock goes."""
        return self.state.clock or RIGHT_CLOCK

    def time(self, now: datetime) -> datetime:
        """What its clock shows when the network's shows ``now``."""
        return _moved(now, self.clock.skew)

    def network_time(self, shown: datetime) -> datetime:
        """What the network's clock shows when its own shows ``shown``."""
        return _moved(shown, -self.clock.skew)

    def fails(self, message_code: int) -> bool:
        """Whether it is broken in the way that makes this command fail."""
        return message_code in self.state.failing

    @property
    def hub(self) -> HubMemory:
        """What a communications hub keeps of its network."""
        return self.state.hub or NO_NETWORK

    def holding(self, image: HeldImage) -> "Device":
        """The device after a firmware image has been distributed to it."""
        return self.with_state(replace(self.state, held_image=image))

    def with_state(self, state: DeviceState) -> "Device":
        """The same device with another memory."""
        return Device(self.identity, state, self.log, self.fleet)

    def logged(self, entry: LogEntry) -> "Device":
        """The device with one more line; the oldest goes when the log is full."""
        return Device(self.identity, self.state, (*self.log, entry)[-self.policy.log_limit :], self.fleet)
