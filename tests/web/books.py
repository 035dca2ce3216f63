"""Books and an operator in memory, small and typed, for doors that need something behind them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trustcell.app.doors import HanDetail, HanDevice, HomeEntry, UserEntry
from trustcell.app.han_changes import Link, Mend, Power, Way
from trustcell.dsp.rules.correlation import CommandKey
from trustcell.dsp.rules.counters import OWN_SEQUENCE, Numbers
from trustcell.dsp.rules.facts import DeviceRecord, KnownRequest, Occupant, Registration, Schedule
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.work import Command, CounterEvent, Delivery, DeliveryState, StatusEvent, TrailEntry
from trustcell.duis import RequestId, UserRole
from trustcell.vocab import CellId, Clause, DeviceType, Eui64, KeyUsage, Refused, RemotePartyRole

NOW = datetime(2024, 3, 1, 9, tzinfo=UTC)
SUPPLIER = Eui64.parse("90-B3-D5-1F-30-01-00-00")
OPERATOR = Eui64.parse("90-B3-D5-1F-30-02-00-00")
STRANGER = Eui64.parse("90-B3-D5-1F-30-03-00-00")
BROKER = Eui64.parse("90-B3-D5-1F-30-00-00-02")
HUB = Eui64.parse("00-DB-12-34-56-78-90-A2")
GPF = Eui64.parse("00-DB-12-34-56-78-90-A3")
FOREIGN = Eui64.parse("00-DB-12-34-56-78-90-B3")
UNKNOWN = Eui64.parse("00-DB-12-34-56-78-90-EE")
MPRN, FOREIGN_MPRN = "1234567890", "9876543210"
REQUEST = RequestId(SUPPLIER, GPF, 1709283600000)
FOREIGN_REQUEST = RequestId(STRANGER, FOREIGN, 2**64 - 1)
KEY = CommandKey(BROKER, GPF, 2**63 - 2)
_TEST = Clause("test", "tests")


class Books:
    """``Views`` over a handful of entries."""

    def __init__(self, command: bytes = b"\x00") -> None:
        self.inventory = {
            each.eui: each
            for each in (
                DeviceRecord(HUB, DeviceType.CHF),
                DeviceRecord(
                    GPF, DeviceType.GPF, hub=HUB, import_mpxn=MPRN, details={"DeviceManufacturer": "<b>x</b>"}
                ),
                DeviceRecord(FOREIGN, DeviceType.GPF, import_mpxn=FOREIGN_MPRN),
            )
        }
        self.known = {
            REQUEST: KnownRequest(REQUEST, "6.21", 5, RequestState.COMMANDED, b"<x/>"),
            FOREIGN_REQUEST: KnownRequest(FOREIGN_REQUEST, "8.2", 8, RequestState.QUARANTINED, b"<y/>"),
        }
        self.registered = {
            MPRN: [
                Registration(MPRN, SUPPLIER, OPERATOR, NOW - timedelta(days=10)),
                Registration(MPRN, STRANGER, OPERATOR, NOW - timedelta(days=900)),
            ],
            FOREIGN_MPRN: [Registration(FOREIGN_MPRN, STRANGER, STRANGER, NOW - timedelta(days=10))],
        }
        self.command = command
        self.counted = [CounterEvent(NOW, GPF, 2**62, str(OPERATOR), "6.15.1 took the broker in")]
        self.stored = (2**62, "response to 6.15.1", NOW)

    def device(self, eui):
        return self.inventory.get(eui)

    def devices(self, query, after, limit):
        found = [self.inventory[eui] for eui in sorted(self.inventory) if after is None or eui > after]
        if query is not None and query.mpxn:
            found = [each for each in found if query.mpxn in each.mpxns]
        return found[:limit]

    def members(self, hub, limit):
        return [each for each in self.inventory.values() if hub in (each.eui, each.hub)][:limit]

    def slots(self, device):
        cell = CellId(RemotePartyRole.NETWORK_OPERATOR, KeyUsage.DIGITAL_SIGNATURE)
        return [
            (cell, Occupant(OPERATOR, b"\x01" * 8), NOW - timedelta(days=9), "pack"),
            (cell, Occupant(BROKER, b"\x02" * 8), NOW, "6.15.1"),
        ]

    def status_history(self, device):
        return [StatusEvent(NOW, device, "commissioned", None, self.inventory[device].status)]

    def counter_ledger(self, device):
        return self.counted

    def highest(self, device):
        return self.stored

    def numbers(self, device):
        own = [each.counter for each in self.counted if each.reason.startswith(OWN_SEQUENCE)]
        return Numbers({BROKER: max(own)} if own else {})

    def request(self, request_id):
        return self.known.get(request_id)

    def requests(self, *, user, device, after, limit):
        return [
            self.known[each]
            for each in sorted(self.known)
            if (user is None or each.originator == user)
            and (device is None or each.target == device)
            and (after is None or each > after)
        ][:limit]

    def trail(self, subject):
        return [(7, NOW, TrailEntry("accepted", subject, {"counter": 2**63, "checks": [1, 2]}, "1709283600-abc"))]

    def commands_of(self, request_id):
        return [Command(KEY, 0x0102, request_id, "6.21", self.command)]

    def messages_of(self, key):
        return [(NOW, b"\xdf\x00", "malformed")]

    def deliveries_of(self, request_id):
        return [Delivery(3, request_id.originator, b"<z/>", request_id, True, 2, NOW, DeliveryState.WAITING, "503")]

    def registrations(self, mpxn):
        return self.registered.get(mpxn, [])

    def schedules(self, user):
        return [Schedule(1, user, GPF, "4.8.1", b"<s/>", "Daily", NOW, None, NOW)]

    def chain(self):
        return iter(())


class Desk:
    """``Operator`` over the same."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.entries = {SUPPLIER: UserEntry(SUPPLIER, frozenset({UserRole.GAS_SUPPLIER}), callback=None)}
        self.han = {GPF: HanDevice(GPF, DeviceType.GPF, HUB)}
        self.done: list[tuple] = []

    async def users(self):
        return [self.entries[eui] for eui in sorted(self.entries)]

    async def put_user(self, entry, actor):
        self.entries[entry.entity] = entry
        self.done.append(("put_user", entry.entity, actor))

    async def remove_user(self, entity, actor):
        self.done.append(("remove_user", entity, actor))
        return self.entries.pop(entity, None) is not None

    async def register(self, registration, actor):
        self.books.registered.setdefault(registration.mpxn, []).insert(0, registration)
        self.done.append(("register", registration.mpxn, actor))

    async def _move(self, request_id, state, actor):
        known = self.books.known.get(request_id)
        if known is None:
            return None
        if known.state is not RequestState.QUARANTINED:
            raise Refused([_TEST.breach("not_quarantined", "request", "it does not wait for anybody")])
        self.books.known[request_id] = replace(known, state=state)
        self.done.append((state, request_id, actor))
        return state

    async def release(self, request_id, actor):
        return await self._move(request_id, RequestState.COMMANDED, actor)

    async def cancel(self, request_id, actor):
        return await self._move(request_id, RequestState.DISCARDED, actor)

    async def han_devices(self, after, limit):
        return [self.han[eui] for eui in sorted(self.han) if after is None or eui > after][:limit]

    async def han_device(self, eui):
        if eui not in self.han:
            return None
        cell = {"cell": "networkOperator/digitalSignature", "entity": str(OPERATOR), "key_id": "01" * 8}
        return HanDetail(
            self.han[eui],
            [{**cell, "serial": "1f", "not_after": "2031-03-01T09:00:00Z"}],
            [{"role": "networkOperator", "update": 2**63 - 1, "other": None}],
            log=[{"at": "2024-03-01T09:00:00Z", "code": "8F01", "reason": "x", "text": "0x8F01 <script>"}],
        )

    async def make_device(self, device, actor):
        if device.eui in self.han:
            raise Refused([_TEST.breach("device_exists", "eui", "there is such a device")])
        self.han[device.eui] = HanDevice(device.eui, device.device_type, device.hub)
        self.done.append(("make", device, actor))
        return self.han[device.eui]

    async def change_device(self, eui, changes, actor):
        if eui not in self.han:
            return None
        for change in changes:
            if isinstance(change, Way):
                self.han[eui] = replace(self.han[eui], link=Link(change.name) if change.name != "set" else Link.LOSSY)
            elif isinstance(change, Power | Mend):
                self.han[eui] = replace(self.han[eui], on=isinstance(change, Mend), link=Link.REACHABLE)
            self.done.append(("change", change, actor))
        return self.han[eui]

    async def take_device_away(self, eui, actor):
        self.done.append(("take away", eui, actor))
        return self.han.pop(eui, None) is not None

    async def device_memory(self, eui):
        return b"\x01\x02" if eui in self.han else None

    async def homes(self):
        return [HomeEntry("lab", "worker 1", NOW)]


def rtds_command(shared: Path) -> bytes:
    """A real command of the reference set, CS02b."""
    from trustcell import gbcs

    for path in sorted((shared / "rtds" / "messages").rglob("*")):
        if path.is_file():
            try:
                message = gbcs.decode(gbcs.message_octets(path.read_bytes()))
            except Exception:
                continue
            if message.message_code == 0x0103:
                return gbcs.encode(message)
    raise AssertionError("the reference set has CS02b commands")
