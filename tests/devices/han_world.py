"""One home network with everything in it, a store in memory, and short ways to command it."""

from datetime import datetime, timedelta

from devices.devices_lab import A0, A1, A2, A3, ACB, NOW, SEED, SUP, Lab
from trustcell.devices import Changes, Device, DeviceState, Estate, Fleet, Region, Taken, VirtualWan
from trustcell.gbcs import frame
from trustcell.gbcs.frame import Cra, Message, Supplementary
from trustcell.gbcs.payload import decode_payload, encode_payload
from trustcell.gbcs.usecases.joining import JoinDevice, JoinMethodAndRole
from trustcell.gbcs.usecases.whitelist import AddToWhitelist, RemoveFromWhitelist
from trustcell.vocab import DeviceType, Eui64

A4, A5 = (Eui64.parse(f"00DB1234567890A{n}") for n in (4, 5))
KEY = b"0123456789ABCDEF"
SECOND = timedelta(seconds=1)
DICE = b"what gets lost"


class MemoryStore:
    """Records and messages in two dictionaries; ``broken`` makes the next save fail."""

    def __init__(self) -> None:
        self.records: dict[Eui64, bytes] = {}
        self.messages: dict[int, bytes] = {}
        self.kept: bytes | None = None
        self.saves = 0
        self.broken = False

    def devices(self):
        return list(self.records.items())

    def queue(self):
        return list(self.messages.items())

    def settings(self):
        return self.kept

    def save(self, changes: Changes) -> None:
        if self.broken:
            raise OSError("no space left")
        if any(type(octets) is not bytes for _, octets in (*changes.devices, *changes.queued)):
            raise TypeError("octets were expected")
        self.saves += 1
        assert changes
        assert not self.messages.keys() & {handle for handle, _ in changes.queued}
        self.records.update(changes.devices)
        for eui in changes.gone:
            self.records.pop(eui, None)
        self.messages.update(changes.queued)
        for handle in changes.taken:
            self.messages.pop(handle, None)
        self.kept = self.kept if changes.settings is None else changes.settings


class World:
    """An estate behind its WAN, and counters for what is sent."""

    def __init__(self, lab: Lab, store: MemoryStore | None = None, *, dual_band: bool = False) -> None:
        self.lab = lab
        self.store = store
        self.fleets = {"": Fleet(SEED, lab.pack(True))}
        self.wan = VirtualWan(Estate(self.fleets, DICE), store)
        self.estate.add_hub(A2, A3, Region.NORTH, dual_band=dual_band)
        self.counter = 5000

    @property
    def estate(self) -> Estate:
        return self.wan.estate

    def device(self, eui: Eui64) -> Device:
        return self.estate.book.device(eui)

    def everybody(self) -> None:
        """A meter of each kind and an in-home display, all in the network."""
        for eui, kind in ((A0, DeviceType.ESME), (A1, DeviceType.GSME), (A4, DeviceType.PPMID)):
            self.estate.add(eui, kind, A2)
            self.estate.install(eui, NOW)

    def restarted(self) -> None:
        """The process has died: only the store is left."""
        assert self.store is not None
        self.wan = VirtualWan(Estate.load(self.fleets, DICE, self.store), self.store)

    # -- commands -------------------------------------------------------------------------------------------------

    def octets(self, eui: Eui64, code: int, value: object, *, who: Eui64 = ACB, signed: bool = False) -> bytes:
        """A command of its own counter; the broker acts for the supplier."""
        self.counter += 1
        payload = encode_payload(code, Cra.COMMAND, value, self.counter)
        through = Supplementary(SUP, self.counter) if who == ACB else None
        signer = self.lab.of(who, "DS") if signed else None
        return self.lab.send(self.device(eui), who, code, self.counter, payload, signer=signer, supplementary=through)

    def put_on_the_way(
        self, eui: Eui64, octets: bytes, now: datetime = NOW, *, name: str = "", until: datetime | None = None
    ) -> Taken:
        name = name or f"command {self.counter}"
        (said,) = self.wan.send([(name, eui, octets, until or now + timedelta(days=1))], now)
        return said

    def collect(self, now: datetime = NOW, limit: int = 100) -> list[Message]:
        """Every message that is ready, and none again."""
        found = self.wan.receive(limit, now)
        self.wan.done([handle for handle, _, _ in found])
        return [frame.decode(octets) for _, _, octets in found]

    def ask(self, eui: Eui64, code: int, value: object, now: datetime = NOW, **how) -> list[Message]:
        """Command and everything that comes of it."""
        assert self.put_on_the_way(eui, self.octets(eui, code, value, **how), now) is Taken.TAKEN
        return self.collect(now)

    def whitelist(self, eui: Eui64, now: datetime = NOW, seconds: int = 90) -> list[Message]:
        return self.ask(A2, 0x0001, AddToWhitelist(eui, KEY, seconds), now)

    def unlist(self, eui: Eui64, now: datetime = NOW) -> list[Message]:
        return self.ask(A2, 0x0002, RemoveFromWhitelist(eui), now)

    def join_gas(self, gpf: Eui64 = A3) -> list[Message]:
        """CS03B: the gas meter joins a gas proxy."""
        command = JoinDevice(JoinMethodAndRole.METHOD_B, gpf, DeviceType.GPF)
        return self.ask(A1, 0x000E, command, who=SUP)


def codes(messages: list[Message]) -> list[int]:
    return [message.message_code for message in messages]


def value_of(message: Message):
    return decode_payload(message)


def state_of(world: World) -> dict[Eui64, DeviceState]:
    return {device.eui: device.state for device in world.estate.book}
