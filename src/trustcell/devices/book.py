"""Who is in an estate and where: devices, places and regions, and which of them a store does not know yet."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from trustcell.devices import network
from trustcell.devices.faults import NO_FAULTS, Faults
from trustcell.devices.fleet import Device, Fleet
from trustcell.devices.place import Place, Region
from trustcell.devices.record import LogLines, Record, read_settings, write_settings
from trustcell.vocab import Eui64


class _Member:
    """A device, its place, the name of its fleet, and the octets of its log once it has one."""

    __slots__ = ("device", "fleet", "lines", "place")

    def __init__(self, device: Device, place: Place, fleet: str) -> None:
        self.device = device
        self.place = place
        self.fleet = fleet
        self.lines: LogLines | None = None


class Book:
    """The members of an estate. ``fleets`` are what devices are made from, by name."""

    __slots__ = ("_changed", "_gone", "_members", "_near", "_regions", "_settings_changed", "fleets")

    def __init__(self, fleets: Mapping[str, Fleet]) -> None:
        """Empty."""
        self.fleets = dict(fleets)
        self._members: dict[Eui64, _Member] = {}
        self._near: dict[Eui64, list[Eui64]] = {}
        self._regions: dict[Region, Faults] = {}
        self._changed: dict[Eui64, None] = {}
        self._gone: dict[Eui64, None] = {}
        self._settings_changed = False

    def __len__(self) -> int:
        """How many devices."""
        return len(self._members)

    def __contains__(self, eui: object) -> bool:
        """Whether there is such a device."""
        return eui in self._members

    def __iter__(self) -> Iterator[Device]:
        """The devices, in the order they were made."""
        return (member.device for member in self._members.values())

    def device(self, eui: Eui64) -> Device:
        """A device as it is now; ``KeyError`` for one that is not here."""
        return self._members[eui].device

    def place(self, eui: Eui64) -> Place:
        """Where it is; ``KeyError`` for one that is not here."""
        return self._members[eui].place

    def fleet(self, eui: Eui64) -> str:
        """The name of its fleet."""
        return self._members[eui].fleet

    def hub_of(self, eui: Eui64) -> Device | None:
        """The hub it hears."""
        hub = self.place(eui).hub
        return None if hub is None else self.device(hub)

    def near(self, hub: Eui64) -> tuple[Eui64, ...]:
        """Every device that hears a hub, itself and its GPF included, joined or not, in order of identifier."""
        return tuple(sorted(self._near.get(hub, ())))

    def region_faults(self, region: Region) -> Faults:
        """What is wrong in a region."""
        return self._regions.get(region, NO_FAULTS)

    def way_to(self, eui: Eui64) -> Faults | None:
        """How a message gets to a device; ``None`` when its hub would say that it cannot."""
        member = self._members.get(eui)
        hub = None if member is None or member.place.hub is None else self._members[member.place.hub]
        if member is None or hub is None or not (member.place.on and hub.place.on):
            return None
        if member.device.device_type not in network.PART_OF_HUB and not network.is_joined(hub.device, eui):
            return None
        faults = hub.place.faults
        if hub.place.region is not None:
            faults = self.region_faults(hub.place.region).beyond(faults)
        if member is not hub:
            faults = faults.beyond(member.place.faults)
        return faults if faults.reachable else None

    def shares_network(self, eui: Eui64, other: Eui64) -> bool:
        """Whether two devices are in one network and the other one can be heard there."""
        found = self._members.get(other)
        if found is None or found.place.hub is None or found.place.hub != self.place(eui).hub or not found.place.on:
            return False
        hub = self.device(found.place.hub)
        return found.device.device_type in network.PART_OF_HUB or network.is_joined(hub, other)

    # -- changes --------------------------------------------------------------------------------------------------

    def take_in(self, device: Device, place: Place, fleet: str) -> None:
        """A new member."""
        eui = device.eui
        if eui in self._members:
            raise ValueError(f"{eui} is there already")
        self._members[eui] = _Member(device, place, fleet)
        self._changed[eui] = None
        self._gone.pop(eui, None)
        if place.hub is not None:
            self._near.setdefault(place.hub, []).append(eui)

    def leave(self, eui: Eui64) -> None:
        """Out of the estate."""
        place = self.place(eui)
        if place.hub is not None:
            self._near[place.hub].remove(eui)
        del self._members[eui]
        self._changed.pop(eui, None)
        self._gone[eui] = None

    def put(self, device: Device) -> bool:
        """The device in place of what it was; whether anything changed."""
        member = self._members[device.eui]
        if device.state is member.device.state and device.log is member.device.log:
            return False
        member.device = device
        self._changed[device.eui] = None
        return True

    def put_place(self, eui: Eui64, place: Place) -> None:
        """The place in place of what it was."""
        member = self._members[eui]
        if member.place.hub != place.hub:
            if member.place.hub is not None:
                self._near[member.place.hub].remove(eui)
            if place.hub is not None:
                self._near[place.hub].append(eui)
        member.place = place
        self._changed[eui] = None

    def cast(self, eui: Eui64) -> None:
        """The dice were thrown once more for a device."""
        place = self.place(eui)
        self.put_place(eui, replace(place, casts=place.casts + 1))

    def set_region_faults(self, region: Region, faults: Faults) -> None:
        """What is wrong in a region."""
        self._regions[region] = faults
        self._settings_changed = True

    # -- octets ---------------------------------------------------------------------------------------------------

    def record(self, eui: Eui64) -> Record:
        """What is kept of a device."""
        member = self._members[eui]
        return Record(member.fleet, member.device.identity, member.place, member.device.state, member.device.log)

    def restore(self, record: Record) -> None:
        """A device that a store has kept; ``KeyError`` when its fleet is not here."""
        fleet = self.fleets[record.fleet]
        self.take_in(Device(record.identity, record.state, record.log, fleet), record.place, record.fleet)
        self._changed.pop(record.identity.eui)

    def restore_settings(self, octets: bytes) -> None:
        """Settings that a store has kept."""
        self._regions = read_settings(octets)

    def changes(self) -> tuple[list[tuple[Eui64, bytes]], list[Eui64], bytes | None]:
        """Changed records, devices that have left, and settings if they have changed, since ``saved``."""
        settings = write_settings(self._regions) if self._settings_changed else None
        return [(eui, self._octets(eui)) for eui in self._changed], list(self._gone), settings

    def _octets(self, eui: Eui64) -> bytes:
        member = self._members[eui]
        if member.lines is None and member.device.log:
            member.lines = LogLines()
        return self.record(eui).encode(member.lines)

    def saved(self) -> None:
        """What ``changes`` told is in the store."""
        self._changed.clear()
        self._gone.clear()
        self._settings_changed = False
