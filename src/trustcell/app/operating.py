"""What an operator may do with a DSP and its virtual devices: see ``app.doors.Operator``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from trustcell.app.doors import Actor, HanDetail, HanDevice, HomeEntry, Link, NewDevice, UserEntry
from trustcell.app.engine import Engine
from trustcell.app.users import UserBook
from trustcell.devices import Estate, Faults, Region
from trustcell.devices.views import cell_rows, counter_rows
from trustcell.devices.wan import VirtualWan
from trustcell.dsp import (
    DeviceRecord,
    DeviceStatus,
    Effects,
    Homes,
    Occupant,
    Registration,
    RequestChange,
    RequestState,
    SlotChange,
    TrailEntry,
    Work,
)
from trustcell.dsp.rules.plan import DeviceChange
from trustcell.duis import RequestId
from trustcell.vocab import Clause, DeviceType, Eui64, KeyUsage, Refused

OPERATING = Clause("trustcell operator", "docs/serve.md, the JSON API")
_LINKS = {
    Link.REACHABLE: Faults(),
    Link.SLOW: Faults(delay=5.0),
    Link.UNREACHABLE: Faults(reachable=False),
    Link.LOSSY: Faults(lost=0.3, twice=0.1, late=0.1),
}
_ENDABLE = (RequestState.HELD, RequestState.QUARANTINED)

IssueCertificates = Callable[[Eui64, datetime], None]
"""Gives a new device its certificates, where somebody can issue them."""


class DspOperator:
    """See ``Operator``: every change runs on the engine's thread and is one line of the trail."""

    def __init__(
        self,
        engine: Engine,
        homes: Homes,
        users: UserBook,
        wan: VirtualWan,
        clock: Callable[[], datetime],
        issue: IssueCertificates = lambda eui, now: None,
    ) -> None:
        """Nothing is done yet."""
        self._engine, self._homes, self._users, self._wan, self._clock = engine, homes, users, wan, clock
        self._issue = issue

    async def users(self) -> Sequence[UserEntry]:
        """See ``Operator``."""
        return self._users.entries()

    async def put_user(self, entry: UserEntry, actor: Actor) -> None:
        """See ``Operator``."""
        facts = {"roles": sorted(entry.roles), "status": entry.status.value, "callback": entry.callback or ""}

        def act() -> None:
            self._write(Work(entry.entity, trail=(self._line("user", entry.entity, facts, actor),)))
            self._users.put(entry)

        await self._engine.call(act)

    async def remove_user(self, entity: Eui64, actor: Actor) -> bool:
        """See ``Operator``."""

        def act() -> bool:
            if entity not in self._users.users():
                return False
            self._write(Work(entity, trail=(self._line("user removed", entity, {}, actor),)))
            return self._users.remove(entity)

        return bool(await self._engine.call(act))

    async def register(self, registration: Registration, actor: Actor) -> None:
        """See ``Operator``."""
        facts = {
            "mpxn": registration.mpxn,
            "supplier": str(registration.supplier),
            "network_operator": str(registration.network_operator),
            "begins": registration.begins.isoformat(),
        }
        work = Work(
            registration.supplier,
            effects=Effects(registrations=(registration,)),
            trail=(self._line("registration", registration.mpxn, facts, actor),),
        )
        await self._engine.call(lambda: self._write(work))

    async def release(self, request_id: RequestId, actor: Actor) -> RequestState | None:
        """See ``Operator``."""

        def act() -> RequestState | None:
            line = self._line("released", str(request_id), {}, actor)
            return self._engine.manager(self._homes.home_of(request_id.target)).release(request_id, line, self._clock())

        result: RequestState | None = await self._engine.call(act)
        return result

    async def cancel(self, request_id: RequestId, actor: Actor) -> RequestState | None:
        """See ``Operator``."""

        def act() -> RequestState | None:
            store = self._engine.manager(self._homes.home_of(request_id.target)).store
            known = store.request(request_id)
            if known is None:
                return None
            if known.state not in _ENDABLE:
                raise _refused("request_not_waiting", f"the request is {known.state.value}, not held or quarantined")
            ended = RequestState.CANCELLED if known.state is RequestState.HELD else RequestState.DISCARDED
            change = RequestChange(request_id, known.state, ended, known.service_variant, known.command_variant)
            self._write(
                Work(request_id.target, (change,), trail=(self._line(ended.value, str(request_id), {}, actor),))
            )
            return ended

        result: RequestState | None = await self._engine.call(act)
        return result

    async def han_devices(self, after: Eui64 | None, limit: int) -> Sequence[HanDevice]:
        """See ``Operator``."""

        def read() -> list[HanDevice]:
            known = sorted(device.eui for device in self._estate.book if after is None or device.eui > after)
            return [self._device(eui) for eui in known[:limit]]

        result: list[HanDevice] = await self._engine.call(read)
        return result

    async def han_device(self, eui: Eui64) -> HanDetail | None:
        """See ``Operator``."""
        result: HanDetail | None = await self._engine.call(lambda: self._detail(eui))
        return result

    async def make_device(self, device: NewDevice, actor: Actor) -> HanDevice:
        """See ``Operator``; a hub comes with its GPF, whose EUI-64 is the next one."""

        def act() -> HanDevice:
            now = self._clock()
            try:
                made = self._made(device)
            except (ValueError, KeyError) as error:
                raise _refused("device_not_makeable", str(error)) from None
            for eui in made:
                self._issue(eui, now)
                self._write(self._known(eui, device, now, actor))
            return self._device(device.eui)

        result: HanDevice = await self._engine.call(act)
        return result

    async def set_link(self, eui: Eui64, link: Link, actor: Actor) -> HanDevice | None:
        """See ``Operator``."""

        def act() -> HanDevice | None:
            if eui not in self._estate.book:
                return None
            self._write(Work(eui, trail=(self._line("link", eui, {"link": link.value}, actor),)))
            self._estate.set_faults(eui, _LINKS[link])
            self._wan.work(self._clock(), 0)
            return self._device(eui)

        result: HanDevice | None = await self._engine.call(act)
        return result

    async def homes(self) -> Sequence[HomeEntry]:
        """See ``Operator``."""

        def read() -> list[HomeEntry]:
            found = []
            for name in self._homes.names():
                holder = self._homes.holder(name)
                found.append(HomeEntry(name, *(holder if holder is not None else (None, None))))
            return found

        result: list[HomeEntry] = await self._engine.call(read)
        return result

    # ---- on the engine's thread ----

    @property
    def _estate(self) -> Estate:
        return self._wan.estate

    def _write(self, work: Work) -> None:
        store = self._engine.manager(self._homes.home_of(work.device)).store
        for refusal in store.commit([work], self._clock()):
            if refusal is not None:
                raise refusal

    def _line(self, kind: str, subject: object, facts: Mapping[str, object], actor: Actor) -> TrailEntry:
        return TrailEntry(kind, str(subject), {**facts, "actor": actor.name}, actor.reference)

    def _made(self, device: NewDevice) -> tuple[Eui64, ...]:
        details = device.details
        if device.device_type is DeviceType.CHF:
            gpf = Eui64((int.from_bytes(device.eui, "big") + 1).to_bytes(8, "big"))
            region = Region.NORTH if details.get("CSPRegion") == "North" else Region.CENTRAL_AND_SOUTH
            self._estate.add_hub(device.eui, gpf, region, dual_band="Dual" in details.get("HANVariant", ""))
            return device.eui, gpf
        self._estate.add(device.eui, device.device_type, device.hub)
        return (device.eui,)

    def _known(self, eui: Eui64, asked: NewDevice, now: datetime, actor: Actor) -> Work:
        device = self._estate.book.device(eui)
        slots = tuple(SlotChange(cell, Occupant(held.entity, held.key_id)) for cell, held in device.cells().items())
        hub = asked.eui if asked.device_type is DeviceType.CHF else None
        record = DeviceRecord(
            eui,
            device.device_type,
            status=DeviceStatus.PENDING,
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
        line = self._line("device made", eui, {"type": device.device_type.name}, actor)
        return Work(eui, effects=Effects(slots=slots, devices=(DeviceChange(eui, record, "made"),)), trail=(line,))

    def _device(self, eui: Eui64) -> HanDevice:
        device, place = self._estate.book.device(eui), self._estate.book.place(eui)
        link = next((link for link, faults in _LINKS.items() if faults == place.faults), Link.LOSSY)
        return HanDevice(eui, device.device_type, place.hub, link)

    def _detail(self, eui: Eui64) -> HanDetail | None:
        if eui not in self._estate.book:
            return None
        device = self._estate.book.device(eui)
        cells = tuple((str(row["cell"]), str(row["entity"]), str(row["key_id"])) for row in cell_rows(device))
        counters = {
            f"{row['role']} {kind}": value
            for row in counter_rows(device)
            for kind in ("update", "other")
            if isinstance(value := row[kind], int)
        }
        log = tuple((entry.at, entry.text) for entry in device.log)
        return HanDetail(self._device(eui), cells, counters, log)


def _refused(code: str, message: str) -> Refused:
    return Refused([OPERATING.breach(code, "request", message, "look at the state of things and ask again")])
