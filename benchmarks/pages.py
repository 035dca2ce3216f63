"""Every page of the console over 100,000 devices and 10,000 certificates, as the server answers it."""

import asyncio
import itertools
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from benchmarks.authority import NOW, home, subject
from benchmarks.harness import Case, Ratio
from trustcell import certs
from trustcell.adapters.clock import system_random
from trustcell.adapters.dsp_store import Settings, open_homes
from trustcell.app.accounts import AccountBook, ConsoleRole
from trustcell.app.callbacks import CallbackRules
from trustcell.app.console import ConsoleDoor
from trustcell.app.doors import ApiDoor, HanDevice
from trustcell.app.home import Home
from trustcell.app.serve import RepositoryDoor
from trustcell.app.tokens import TokenBook
from trustcell.dsp import DeviceRecord, DeviceStatus, Effects, Occupant, SlotChange, Work
from trustcell.dsp.rules.plan import DeviceChange, WorkItem
from trustcell.smki.rules.ask import Ask
from trustcell.smki.rules.batch import BatchItem
from trustcell.vocab import CellId, DeviceType, Eui64, KeyUsage, RemotePartyRole
from trustcell.web import console_app

ROUNDS = 5
_DEVICES, _CERTIFICATES, _GROUP = 100_000, 10_000, 64
_LIMIT = 0.2
_FIRST = 0x70B3D51F32000000
_PASSWORD = "a password to measure with"
_ROLES = (RemotePartyRole.SUPPLIER, RemotePartyRole.NETWORK_OPERATOR, RemotePartyRole.ACCESS_CONTROL_BROKER)
_CELLS = tuple(CellId(role, usage) for role in _ROLES for usage in (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT))
_BEGIN = "90-B3-D5-1F-30-00-00-0"
_DEVICE = Eui64((_FIRST + 77).to_bytes(8, "big"))
_PAGES = {
    "home": "/console", "devices": "/console/devices", "devices, further on": f"/console/devices?after={_DEVICE}",
    "devices of an occupant": f"/console/devices?occupant={_BEGIN}3", "a device": f"/console/devices/{_DEVICE}",
    "requests": "/console/requests", "lab": "/console/lab", "certificates": "/console/certificates",
    "certificates of a role": "/console/certificates?role=supplier", "approvals": "/console/approvals",
    "packs": "/console/packs", "calendar": "/console/calendar", "audit": "/console/audit",
    "studies": "/console/studies", "SIT": "/console/sit", "decoder": "/console/decoder",
}  # fmt: skip
_ONE = "a certificate"

RATIOS = tuple(Ratio(f"page {name} / 200 ms", name, "200 ms", 1.0, share=False) for name in (*_PAGES, _ONE))


def cases(shared: Path) -> list[Case]:
    """Pages in turns, over books made once; nothing is read from ``shared``."""
    authority = home()
    one = _certificates(authority)
    loop = asyncio.new_event_loop()
    transport = httpx.ASGITransport(app=console_app(_door(authority)))
    client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")
    entered = client.post("/console/sign-in", data={"name": "olga", "password": _PASSWORD})
    assert loop.run_until_complete(entered).headers["location"] == "/console"

    def page(path: str) -> Callable[[], object]:
        def ask() -> None:
            answer = loop.run_until_complete(client.get(path))
            assert answer.status_code == 200, (path, answer.status_code, answer.text[:2000])

        return ask

    return [
        *(Case(name, page(path)) for name, path in {**_PAGES, _ONE: one}.items()),
        Case("200 ms", lambda: time.sleep(_LIMIT)),
    ]


def _certificates(authority: Home) -> str:
    """Organisation Certificates one by one, the rest of devices by batch; the address of one of them."""
    made = None
    requester, issuer = authority.credential("sam"), authority.credential("ian")
    for number in range(200):
        key = subject(number)
        role, entity = RemotePartyRole.SUPPLIER, Eui64.parse("90-B3-D5-1F-30-01-00-00")
        csr = certs.organisation_csr(role, entity, KeyUsage.DIGITAL_SIGNATURE, key.point, key.sign)
        asked = authority.authority.submit(csr, Ask(), requester, NOW)
        made = authority.authority.issue(asked.name, issuer, NOW)
    csrs = []
    for number in range(200, _CERTIFICATES):
        key = subject(number)
        eui = Eui64((_FIRST + number).to_bytes(8, "big"))
        csrs.append(certs.device_csr(eui, KeyUsage.DIGITAL_SIGNATURE, key.point, key.sign))
    _batch(authority, csrs)
    assert made is not None
    return f"/console/certificates/{made.issuer}/{made.serial:X}"


def _batch(authority: Home, csrs: list[bytes]) -> None:
    items = [BatchItem(f"{number}.csr", csr) for number, csr in enumerate(csrs, 1)]
    name = authority.batches.submit(items, authority.credential("max"), NOW).name
    assert authority.batches.issue(name, authority.credential("ian"), lambda: NOW).complete


class _Lab:
    """What the pages ask an operator's side for, besides the books."""

    async def han_devices(self, after: Eui64 | None, limit: int) -> list[HanDevice]:
        return []

    async def han_device(self, eui: Eui64) -> None:
        return None

    async def users(self) -> list[Any]:
        return []


class _Well:
    def health(self) -> dict[str, str]:
        return {"dsp": "ok"}


def _door(authority: Home) -> ConsoleDoor:
    url = f"sqlite:///{authority.folder / 'dsp.db'}"
    homes = open_homes(Settings(url, "bench"))
    store = homes.take(homes.names()[0], "bench", NOW)
    works = map(_known, range(_DEVICES))
    while group := list(itertools.islice(works, _GROUP)):
        for refusal in store.commit(group, NOW):
            assert refusal is None

    def clock() -> Any:
        return NOW + timedelta(days=1)

    lab: Any = _Lab()
    well: Any = _Well()
    api = ApiDoor(well, homes.views, lab, TokenBook(None), CallbackRules(), clock, system_random)
    accounts = AccountBook(None)
    once = accounts.make("olga", set(ConsoleRole), "", system_random)
    accounts.change_password("olga", once, _PASSWORD, clock())
    repository = RepositoryDoor(authority.repository, clock, system_random)
    return ConsoleDoor(accounts, repository, system_random, dsp=api, authority=authority, folder=authority.folder)


def _known(number: int) -> Work:
    eui = Eui64((_FIRST + number).to_bytes(8, "big"))
    kind = DeviceType.GPF if number % 2 else DeviceType.ESME
    record = DeviceRecord(eui, kind, status=DeviceStatus.COMMISSIONED, import_mpxn=f"{number:010}")
    entities = [Eui64.parse(f"{_BEGIN}{each % 10}") for each in (number % 7, number % 11, 1)]
    key = number.to_bytes(8, "big")
    slots = tuple(SlotChange(cell, Occupant(entities[place // 2], key)) for place, cell in enumerate(_CELLS))
    items = (WorkItem(None, eui, "certificate_expired", "it has ended"),) if number % 10 == 0 else None
    return Work(eui, effects=Effects(slots=slots, devices=(DeviceChange(eui, record, "made"),), work_items=items))
