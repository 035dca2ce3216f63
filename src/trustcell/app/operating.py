"""What an operator may do with a DSP and its virtual devices: see ``app.doors.Operator``."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from trustcell.app.desk import Desk, line, refusal
from trustcell.app.doors import Actor, HanDetail, HanDevice, HomeEntry, NewDevice, UserEntry
from trustcell.app.han_changes import LINKS, HanChange, Link
from trustcell.app.users import UserBook
from trustcell.devices import Device, Estate, Region, views, workshop
from trustcell.devices.place import Place
from trustcell.devices.wan import VirtualWan
from trustcell.dsp import (
    DeviceRecord,
    DeviceStatus,
    Effects,
    Homes,
    Occupant,
    Registration,
    RequestState,
    SlotChange,
    Work,
)
from trustcell.dsp.rules.plan import DeviceChange
from trustcell.duis import RequestId
from trustcell.vocab import DeviceType, Eui64, KeyUsage, WireError

IssueCertificates = Callable[[Eui64, datetime], None]
"""Gives a new device its certificates, where somebody can issue them."""


class DspOperator:
    """See ``Operator``: changes go to the desk of the home concerned, each with its line; devices to their thread."""

    def __init__(
        self,
        desk: Desk,
        on_han: Callable[[Callable[[], Any]], Awaitable[Any]],
        homes: Homes,
        users: UserBook,
        wan: VirtualWan,
        clock: Callable[[], datetime],
        issue: IssueCertificates = lambda eui, now: None,
    ) -> None:
        """``on_han`` runs something on the one thread that uses the virtual devices."""
        self._desk, self._on_han, self._homes, self._users, self._wan = desk, on_han, homes, users, wan
        self._clock, self._issue = clock, issue

    async def users(self) -> Sequence[UserEntry]:
        """See ``Operator``."""
        return self._users.entries()

    async def put_user(self, entry: UserEntry, actor: Actor) -> None:
        """See ``Operator``."""
        facts = {"roles": sorted(entry.roles), "status": entry.status.value, "callback": entry.callback or ""}
        await self._desk.write(Work(entry.entity, trail=(line("user", entry.entity, facts, actor),)))
        await self._on_han(lambda: self._users.put(entry, self._clock()))

    async def remove_user(self, entity: Eui64, actor: Actor) -> bool:
        """See ``Operator``."""
        if entity not in self._users.users():
            return False
        await self._desk.write(Work(entity, trail=(line("user removed", entity, {}, actor),)))
        return bool(await self._on_han(lambda: self._users.remove(entity, self._clock())))

    async def register(self, registration: Registration, actor: Actor) -> None:
        """See ``Operator``."""
        facts = {
            "mpxn": registration.mpxn,
            "supplier": str(registration.supplier),
            "network_operator": str(registration.network_operator),
            "begins": registration.begins.isoformat(),
        }
        trail = (line("registration", registration.mpxn, facts, actor),)
        await self._desk.write(Work(registration.supplier, effects=Effects(registrations=(registration,)), trail=trail))

    async def release(self, request_id: RequestId, actor: Actor) -> RequestState | None:
        """See ``Operator``."""
        return await self._desk.release(request_id, actor)

    async def cancel(self, request_id: RequestId, actor: Actor) -> RequestState | None:
        """See ``Operator``."""
        return await self._desk.cancel(request_id, actor)

    async def han_devices(self, after: Eui64 | None, limit: int) -> Sequence[HanDevice]:
        """See ``Operator``."""

        def read() -> list[HanDevice]:
            known = sorted(device.eui for device in self._estate.book if after is None or device.eui > after)
            return [self._device(eui) for eui in known[:limit]]

        result: list[HanDevice] = await self._on_han(read)
        return result

    async def han_device(self, eui: Eui64) -> HanDetail | None:
        """See ``Operator``."""
        result: HanDetail | None = await self._on_han(lambda: self._detail(eui))
        return result

    async def make_device(self, device: NewDevice, actor: Actor) -> HanDevice:
        """See ``Operator``; a hub comes with its GPF, whose EUI-64 is the next one."""

        def make() -> list[Work]:
            now = self._clock()
            try:
                made = self._made(device, now)
            except (ValueError, KeyError) as error:
                raise refusal("device_not_makeable", str(error)) from None
            self._wan.work(now, 0)  # an inventory must not know a device that a crash takes away
            for eui in made:
                self._issue(eui, now)
            return [self._known(eui, device, now, actor) for eui in made]

        for work in await self._on_han(make):
            await self._desk.write(work)
        result: HanDevice = await self._on_han(lambda: self._device(device.eui))
        return result

    async def change_device(self, eui: Eui64, changes: Sequence[HanChange], actor: Actor) -> HanDevice | None:
        """See ``Operator``; the device is put back when a later change is refused, or cannot be written."""

        def act() -> tuple[Device, Place, Work] | None:
            if eui not in self._estate.book:
                return None
            device, place = self._estate.book.device(eui), self._estate.book.place(eui)
            try:
                facts = [change.facts for change in changes]
                for change in changes:
                    change.apply(self._estate, eui, self._clock())
            except BaseException as error:
                put_back(device, place)
                if isinstance(error, ValueError | WireError):
                    raise refusal("device_not_changeable", str(error)) from None
                raise
            return device, place, Work(eui, trail=tuple(line("device changed", eui, each, actor) for each in facts))

        def put_back(device: Device, place: Place) -> None:
            self._estate.put(device)
            self._estate.book.put_place(eui, place)

        def settle() -> HanDevice:
            self._wan.work(self._clock(), 0)
            return self._device(eui)

        changed = await self._on_han(act)
        if changed is None:
            return None
        device, place, work = changed
        try:
            await self._desk.write(work)
        except BaseException:
            await self._on_han(lambda: put_back(device, place))
            raise
        result: HanDevice = await self._on_han(settle)
        return result

    async def take_device_away(self, eui: Eui64, actor: Actor) -> bool:
        """See ``Operator``."""

        def act() -> bool:
            if eui not in self._estate.book:
                return False
            try:
                self._estate.take_away(eui)
            except ValueError as error:
                raise refusal("device_not_removable", str(error)) from None
            return True

        if not await self._on_han(act):
            return False
        await self._desk.write(Work(eui, trail=(line("device taken away", eui, {}, actor),)))
        await self._on_han(lambda: self._wan.work(self._clock(), 0))
        return True

    async def device_memory(self, eui: Eui64) -> bytes | None:
        """See ``Operator``."""

        def read() -> bytes | None:
            return workshop.snapshot(self._estate.book.device(eui)) if eui in self._estate.book else None

        result: bytes | None = await self._on_han(read)
        return result

    async def homes(self) -> Sequence[HomeEntry]:
        """See ``Operator``."""

        def read() -> list[HomeEntry]:
            found = []
            for name in self._homes.names():
                holder = self._homes.holder(name)
                found.append(HomeEntry(name, *(holder if holder is not None else (None, None))))
            return found

        result: list[HomeEntry] = await self._on_han(read)
        return result

    # ---- on the thread of the devices ----

    @property
    def _estate(self) -> Estate:
        return self._wan.estate

    def _made(self, device: NewDevice, now: datetime) -> tuple[Eui64, ...]:
        details = device.details
        if device.device_type is DeviceType.CHF:
            gpf = Eui64((int.from_bytes(device.eui, "big") + 1).to_bytes(8, "big"))
            region = Region.NORTH if details.get("CSPRegion") == "North" else Region.CENTRAL_AND_SOUTH
            self._estate.add_hub(device.eui, gpf, region, dual_band="Dual" in details.get("HANVariant", ""))
            return device.eui, gpf
        if device.install and device.hub is None:
            raise ValueError("a device is installed at a hub, and none was named")
        self._estate.add(device.eui, device.device_type, device.hub)
        if device.install:
            self._estate.install(device.eui, now)
        return (device.eui,)

    def _known(self, eui: Eui64, asked: NewDevice, now: datetime, actor: Actor) -> Work:
        device = self._estate.book.device(eui)
        slots = tuple(SlotChange(cell, Occupant(held.entity, held.key_id)) for cell, held in device.cells().items())
        hub = asked.eui if asked.device_type is DeviceType.CHF else asked.hub if asked.install else None
        installed = DeviceStatus.INSTALLED_NOT_COMMISSIONED
        record = DeviceRecord(
            eui,
            device.device_type,
            status=installed if asked.install else DeviceStatus.PENDING,
            status_since=now,
            hub=hub,
            import_mpxn=asked.mpxn,
            details=dict(asked.details),
            signing_point=device.public_point(KeyUsage.DIGITAL_SIGNATURE),
            agreement_point=device.public_point(KeyUsage.KEY_AGREEMENT),
        )
        if device.device_type is DeviceType.CHF:
            gpf = Eui64((int.from_bytes(eui, "big") + 1).to_bytes(8, "big"))
            record = replace(record, gpf=gpf)
        made = line("device made", eui, {"type": device.device_type.name}, actor)
        return Work(eui, effects=Effects(slots=slots, devices=(DeviceChange(eui, record, "made"),)), trail=(made,))

    def _device(self, eui: Eui64) -> HanDevice:
        book = self._estate.book
        device, place, hub = book.device(eui), book.place(eui), book.hub_of(eui)
        link = next((link for link, faults in LINKS.items() if faults == place.faults), Link.LOSSY)
        region = None if hub is None else book.place(hub.eui).region
        return HanDevice(
            eui,
            device.device_type,
            place.hub,
            link,
            None if region is None else region.name,
            place.band,
            place.on,
            book.way_to(eui) is not None,
            device.firmware_version.hex().upper(),
            device.clock.skew,
            len(device.state.pending),
        )

    def _detail(self, eui: Eui64) -> HanDetail | None:
        if eui not in self._estate.book:
            return None
        device = self._estate.book.device(eui)
        return HanDetail(
            self._device(eui),
            views.cell_rows(device),
            views.counter_rows(device),
            views.key_rows(device),
            views.partner_rows(device),
            views.pending_rows(device),
            views.log_rows(device),
        )
