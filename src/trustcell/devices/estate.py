"""An estate: any number of home networks in one process, owned by one object without clock, threads or I/O.

Every call that lets time pass takes ``now``. What changed since the last ``save`` goes to a store in one transaction,
so that a device never remembers a command whose answer is lost.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from heapq import heappop, heappush

from trustcell.devices import happenings, network
from trustcell.devices.book import Book
from trustcell.devices.faults import Faults
from trustcell.devices.fleet import Device, Fleet
from trustcell.devices.machine import advance, receive
from trustcell.devices.memory import HeldImage
from trustcell.devices.outcome import Outcome
from trustcell.devices.parcels import Parcel, Way
from trustcell.devices.place import Place, Region
from trustcell.devices.ports import Changes, EstateStore
from trustcell.devices.post import Post, Sending
from trustcell.devices.record import Record
from trustcell.vocab import DeviceType, Eui64

_IMAGES_BY_HUB = (DeviceType.PPMID, DeviceType.HCALCS)


class Estate:
    """Hubs with their devices, ``book``, and the messages on their way, ``post``.

    ``fleets`` are what devices are made from, by name; ``seed`` decides what gets lost.
    """

    __slots__ = ("_due", "book", "post")

    def __init__(self, fleets: Mapping[str, Fleet], seed: bytes) -> None:
        """Empty."""
        self.book = Book(fleets)
        self.post = Post(seed)
        self._due: list[tuple[datetime, Eui64]] = []

    @classmethod
    def load(cls, fleets: Mapping[str, Fleet], seed: bytes, store: EstateStore) -> "Estate":
        """The estate a store remembers; ``KeyError`` when a device belongs to no fleet given here."""
        estate = cls(fleets, seed)
        settings = store.settings()
        if settings is not None:
            estate.book.restore_settings(settings)
        for _, octets in store.devices():
            record = Record.decode(octets)
            estate.book.restore(record)
            estate._schedule(estate.book.device(record.identity.eui))
        for _, octets in store.queue():
            estate.post.restore(Parcel.decode(octets))
        return estate

    def save(self, store: EstateStore) -> None:
        """Write what changed since the last time; nothing is forgotten if that fails."""
        devices, gone, settings = self.book.changes()
        changes = Changes(devices, gone, *self.post.changes(), settings)
        if changes:
            store.save(changes)
        self.book.saved()
        self.post.saved()

    # -- making ---------------------------------------------------------------------------------------------------

    def add_hub(self, chf: Eui64, gpf: Eui64, region: Region, *, dual_band: bool = False, fleet: str = "") -> None:
        """A communications hub: CHF and GPF in one box, switched on."""
        if chf == gpf or gpf in self.book:
            raise ValueError(f"{gpf} is there already")
        made = self.book.fleets[fleet]
        self.book.take_in(made.device(chf, DeviceType.CHF), Place(chf, region, dual_band), fleet)
        self.book.take_in(made.device(gpf, DeviceType.GPF), Place(chf), fleet)

    def add(
        self, eui: Eui64, device_type: DeviceType, hub: Eui64 | None = None, *, band: int = 0, fleet: str = ""
    ) -> None:
        """A device, switched on, where it hears a hub or none; it joins once it is whitelisted there."""
        self._require_band(hub, band)
        if device_type in network.PART_OF_HUB:
            raise ValueError(f"a {device_type.name} comes with its hub")
        self.book.take_in(self.book.fleets[fleet].device(eui, device_type), Place(hub, band=band), fleet)

    def install(self, eui: Eui64, now: datetime) -> None:
        """Put a device into its hub's network at once, as if whitelisted and joined before the story begins."""
        hub = self.book.hub_of(eui)
        if hub is None:
            raise ValueError(f"{eui} hears no hub")
        if not network.is_joined(hub, eui):
            self.put(network.installed(hub, eui, self.book.place(eui).band, now))

    def take_away(self, eui: Eui64) -> None:
        """Out of the estate, with everything on its way to or from it; a hub goes last, and its GPF with it."""
        near = self.book.near(eui)
        if any(self.book.device(other).device_type not in network.PART_OF_HUB for other in near):
            raise ValueError(f"{eui} is the hub of other devices")
        if not near and self.book.device(eui).device_type is DeviceType.GPF:
            raise ValueError("a GPF goes with its hub")
        for gone in near or (eui,):
            self.book.leave(gone)
            for parcel in self.post.parcels():
                if parcel.device == gone:
                    self.post.strike(parcel.handle)

    # -- breaking and mending -------------------------------------------------------------------------------------

    def put(self, device: Device) -> None:
        """The device in place of what it was: broken, mended, or put back to an old memory."""
        was = self.book.device(device.eui)
        if self.book.put(device) and (
            device.state.pending != was.state.pending or device.state.clock != was.state.clock
        ):
            self._schedule(device)

    def set_faults(self, eui: Eui64, faults: Faults) -> None:
        """What is wrong on the way to a device; for a hub on the way to all of its devices."""
        self.book.put_place(eui, replace(self.book.place(eui), faults=faults))

    def move(self, eui: Eui64, hub: Eui64 | None, now: datetime, *, band: int = 0) -> None:
        """To another hub, which lets it in if it is whitelisted there, or out of every hub's reach."""
        self._require_band(hub, band)
        if self.book.device(eui).device_type in network.PART_OF_HUB:
            raise ValueError("a hub stays where it is")
        self.book.put_place(eui, replace(self.book.place(eui), hub=hub, band=band))
        self._let_in(eui, now)

    def switch_off(self, eui: Eui64, now: datetime) -> None:
        """The device has no power; with a hub, its devices cannot be reached."""
        place = self.book.place(eui)
        if place.on:
            self.book.put_place(eui, replace(place, off_since=now.astimezone(UTC).replace(microsecond=0)))

    def switch_on(self, eui: Eui64, now: datetime) -> None:
        """Power is back: an ESME tells of the outage, a device joins if it may, what was due meanwhile is done."""
        place = self.book.place(eui)
        if place.off_since is None:
            return
        self.book.put_place(eui, replace(place, off_since=None))
        self._happened(happenings.power_restored(self.book.device(eui), place.off_since, now), now)
        self._schedule(self.book.device(eui))
        for near in self.book.near(eui) or (eui,):
            self._let_in(near, now)

    def tamper(self, eui: Eui64, now: datetime) -> None:
        """Somebody opens the device."""
        self._happened(happenings.tampered(self.book.device(eui), now), now)

    def alarm(self, eui: Eui64, code: int, now: datetime) -> None:
        """An event with this alert code; ``ValueError`` for one that no generic alert has."""
        self._happened(happenings.alarmed(self.book.device(eui), code, now), now)

    def distribute(self, image: HeldImage, devices: Iterable[Eui64], now: datetime) -> list[bool]:
        """Bring a firmware image to devices (11.1): which of them got it."""
        return [self._bring(image, eui, now) for eui in devices]

    # -- time -----------------------------------------------------------------------------------------------------

    def next_at(self) -> datetime | None:
        """When something will happen by itself, or an answer is ready, if that is known."""
        times = (self.post.next_due(), self._due[0][0] if self._due else None)
        return min((at for at in times if at is not None), default=None)

    def command(self, message_id: str, eui: Eui64, octets: bytes, not_after: datetime, now: datetime) -> bool:
        """A command sets out for a device; ``False`` when there is no way to it."""
        faults = self.book.way_to(eui)
        if faults is None:
            return False
        self._send(Sending(Way.TO_DEVICE, eui, octets, now, not_after, message_id), faults)
        return True

    def step(self, now: datetime) -> bool:
        """The next thing that is due by now, at its own time: a dated command falls due, or a message arrives."""
        if self._due and self._due[0][0] <= now:
            arrival = self.post.next_due(Way.TO_DEVICE)
            if arrival is None or self._due[0][0] <= arrival:
                at, eui = heappop(self._due)
                self._fall_due(eui, at)
                return True
        parcel = self.post.take(Way.TO_DEVICE, now)
        if parcel is None:
            return False
        self._arrive(parcel)
        self.post.strike(parcel.handle)
        return True

    def _arrive(self, parcel: Parcel) -> None:
        """A command reaches its device, unless that has become impossible or too late meanwhile."""
        eui, at = parcel.device, parcel.due
        if at > parcel.not_after or self.book.way_to(eui) is None:
            return
        was = self.book.device(eui)
        device, answers = receive(was, parcel.octets, at, lambda other: self.book.shares_network(eui, other))
        self._happened(Outcome(device, answers), at, parcel.message_id)
        for effect in network.gas_effects(was, device, self._find, at):
            self._happened(effect, at)
        if device.state.hub is not was.state.hub:
            for near in self.book.near(eui):
                self._let_in(near, at)

    def _find(self, eui: Eui64) -> Device | None:
        return self.book.device(eui) if eui in self.book else None

    def _fall_due(self, eui: Eui64, at: datetime) -> None:
        if eui not in self.book or not self.book.place(eui).on:
            return
        device = self.book.device(eui)
        if device.state.pending and device.network_time(device.state.pending[0].due) <= at:
            self._happened(advance(device, at), at)

    def _schedule(self, device: Device) -> None:
        """Remember when the first dated command of a device falls due; an entry out of date does nothing."""
        if device.state.pending:
            heappush(self._due, (device.network_time(device.state.pending[0].due), device.eui))

    def _let_in(self, eui: Eui64, now: datetime) -> None:
        """A device that waits joins its hub if that admits it."""
        hub = self.book.hub_of(eui)
        if hub is None or not (self.book.place(eui).on and self.book.place(hub.eui).on):
            return
        if network.may_join(hub, eui, now):
            self._happened(network.join(hub, eui, self.book.place(eui).band, now), now)

    def _bring(self, image: HeldImage, eui: Eui64, now: datetime) -> bool:
        hub = self.book.hub_of(eui) if self.book.way_to(eui) is not None else None
        if hub is None or self.book.device(eui).device_type in network.PART_OF_HUB:
            return False
        if self.book.device(eui).device_type in _IMAGES_BY_HUB:
            self._happened(happenings.image_passed_on(hub, eui, image, now), now)
        self._happened(happenings.image_received(self.book.device(eui), image, now), now)
        return True

    def _happened(self, outcome: Outcome, now: datetime, message_id: str = "") -> None:
        """Keep the device, and send its answers and alerts on their way; without a way to the hub they are lost."""
        device, answers = outcome
        self.put(device)
        faults = self.book.way_to(device.eui) if answers else None
        if faults is not None:
            for octets in answers:
                self._send(Sending(Way.FROM_DEVICE, device.eui, octets, now, now, message_id), faults)

    def _send(self, sending: Sending, faults: Faults) -> None:
        if self.post.send(sending, faults, self.book.place(sending.device).casts):
            self.book.cast(sending.device)

    def _require_band(self, hub: Eui64 | None, band: int) -> None:
        """``ValueError`` for a hub that is none, or a band it has not; ``KeyError`` for one that is not here."""
        if hub is None:
            return
        place = self.book.place(hub)
        if place.hub != hub:
            raise ValueError(f"{hub} is no communications hub")
        if band not in (0, 1) or (band and not place.dual_band):
            raise ValueError("the hub has no such band")
