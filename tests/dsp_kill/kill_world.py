"""A DSP, its devices and its users that live in files, so that any process of it can be killed at any moment.

Everything that is done goes into a history file, which the separate checker reads.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from trustcell import devices, duis, gbcs
from trustcell.adapters.dsp_store import Settings, SqlHome, SqlHomes, migrate, open_homes
from trustcell.adapters.han_store import SqlEstateStore
from trustcell.adapters.han_wan import HanWan
from trustcell.adapters.parties import CertificateDirectory, LocalBroker, LocalParty
from trustcell.app.story import pack
from trustcell.devices import Estate, Fleet, Region, VirtualWan
from trustcell.dsp import (
    Delivery,
    DeviceRecord,
    Effects,
    Occupant,
    Policy,
    RequestManager,
    SlotChange,
    Submission,
    Work,
)
from trustcell.dsp.rules.facts import Registration
from trustcell.dsp.rules.plan import DeviceChange
from trustcell.stories import Actor, Cast, own_cast
from trustcell.vocab import CellId, DeviceType, Eui64, KeyUsage, RemotePartyRole
from trustcell_audit.dsp import Evidence, check_dsp
from trustcell_audit.findings import Problem

BEGINS = datetime(2024, 3, 1, 9, tzinfo=UTC)
SEED = b"killed again and again"
NO = RemotePartyRole.NETWORK_OPERATOR
DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
NO_DS = CellId(NO, DS)
COS = Eui64.parse("70-B3-D5-1F-30-00-00-04")
HUGE = 2**40
TRANSFORM_DOOR, SEND_DOOR = "serviceT", "serviceS"


@cache
def cast() -> Cast:
    """The same people in every test."""
    return own_cast(SEED, BEGINS)


@cache
def fleet() -> Fleet:
    """What devices are made from; its caches change no answer."""
    return Fleet(cast().seed, pack(cast()))


def hub_of(place: int) -> Eui64:
    return Eui64((0x70B3D51F30FE0000 + place).to_bytes(8, "big"))


def gpf_of(place: int) -> Eui64:
    return Eui64((0x70B3D51F30FF0000 + place).to_bytes(8, "big"))


def seal(octets: bytes) -> bytes:
    """Not a signature, and yet it depends on every octet."""
    return sha256(octets).digest() * 2


def signed(actor: Actor, request: duis.Request) -> bytes:
    return actor.xml.sign_xml(duis.build_request(request))


def update_request(actor: Actor, device: Eui64, counter: int, execution: datetime | None = None) -> duis.Request:
    """A 6.15.1, variant 4: the actor puts the broker's certificates into the Network Operator slot."""
    people = cast()
    body = duis.UpdateSecurityCredentialsKRP(
        NO,
        (people.path.der,),
        apply_time_based_cpv_checks=True,
        digital_signing_certificate=people.broker.signing.certificate.der,
        key_agreement_certificate=people.broker.agreement.certificate.der,
        floor_seq_number=0,
        execution_date_time=execution,
    )
    return duis.Request(duis.RequestId(actor.entity, device, counter), 4, "6.15", "6.15.1", body)


def handover_request(operator: Actor, device: Eui64, number: int, execution: datetime | None = None) -> duis.Request:
    """A 6.21 of the supplier for an operator."""
    people = cast()
    body = duis.RequestHandoverOfDCCControlledDevice(
        NO,
        operator.signing.certificate.der,
        (people.path.der,),
        apply_time_based_cpv_checks=True,
        key_agreement_certificate=operator.agreement.certificate.der,
        floor_seq_number=0,
        execution_date_time=execution,
    )
    return duis.Request(duis.RequestId(people.supplier.entity, device, number), 1, "6.21", "6.21", body)


def details_request(device: Eui64, number: int) -> duis.Request:
    """A 6.24.1 of the supplier for the Network Operator's cells."""
    ids = duis.RequestId(cast().supplier.entity, device, number)
    return duis.Request(ids, 1, "6.24", "6.24.1", duis.RetrieveDeviceSecurityCredentialsKRP((NO,)))


def pre_command_of(response: bytes) -> bytes | None:
    """What a transform offers to be signed."""
    message = duis.parse_response(response).response.message
    content = message.content if isinstance(message, duis.ResponseMessage) else None
    return content.gbcs_payload if isinstance(content, duis.PreCommand) else None


def sign_pre_command(offered: bytes, actor: Actor) -> bytes:
    message = gbcs.decode(offered)
    return gbcs.encode(gbcs.attach_signature(message, actor.signing.sign(gbcs.signed_octets(message))))


@dataclass(frozen=True)
class Site:
    """What survives a kill: the DSP's books, its exported heads, the devices, and the history."""

    folder: Path
    places: int = 1
    database: str = ""
    """Of the DSP's books, where they are not in the folder."""

    @property
    def url(self) -> str:
        return self.database or f"sqlite:///{self.folder / 'dsp.db'}"

    @property
    def devices_url(self) -> str:
        return f"sqlite:///{self.folder / 'han.db'}"

    @property
    def heads(self) -> Path:
        return self.folder / "outside"

    @property
    def history(self) -> Path:
        return self.folder / "history"

    def settings(self) -> Settings:
        return Settings(self.url, "kill", seal, self.heads)

    def say(self, op: str, **fields: Any) -> None:
        """One line of the history, in one write."""
        line = json.dumps({"op": op, **fields}) + "\n"
        file = os.open(self.history, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)

    def problems(self, *, at_rest: bool = False, devices_too: bool = True) -> list[Problem]:
        """What the separate checker finds."""
        devices_url = self.devices_url if devices_too else None
        return check_dsp(Evidence(self.url, self.heads, self.history, devices_url, at_rest)).problems

    def copy(self, folder: Path) -> "Site":
        """Everything as it is now, elsewhere; nobody may have it open."""
        shutil.copytree(self.folder, folder)
        return Site(folder, self.places)


Wrap = Callable[[str, Any], Any]
"""Puts something between the DSP and one of its ports: ``store``, ``wan``, ``broker``."""


def straight(_name: str, port: Any) -> Any:
    return port


class Node:
    """One life of the DSP process, with its devices behind it and its users before it."""

    def __init__(self, site: Site, now: datetime, wrap: Wrap = straight, policy: Policy | None = None) -> None:
        self.site, self.now = site, now
        self.homes: SqlHomes = open_homes(site.settings())
        self.held: SqlHome = self.homes.take("0", "worker", now)
        self.estate_store = SqlEstateStore(site.devices_url)
        self.estate = Estate.load({"": fleet()}, SEED, self.estate_store)
        self.wan = VirtualWan(self.estate, self.estate_store)
        people = cast()
        actors = (people.supplier, people.leaving, people.arriving, people.broker)
        directory = CertificateDirectory(pair.certificate for actor in actors for pair in (actor.signing, actor.xml))
        broker = people.broker
        self.store = wrap("store", self.held)
        self.manager = RequestManager(
            self.store,
            directory,
            wrap("broker", LocalBroker(broker.entity, (broker.signing,), (broker.agreement,), broker.xml)),
            LocalParty(COS, ()),
            wrap("wan", Told(site, HanWan(self.wan))),
            policy or Policy(),
        )

    def close(self) -> None:
        """End in good order."""
        self.held.seal(self.now)
        self.abandon()

    def abandon(self) -> None:
        """Let go of every file, as if killed."""
        self.held.close()
        self.homes.close()
        self.estate_store.close()

    # ---- users ----

    def submit(self, octets: bytes, door: str = SEND_DOOR, client: str = "user") -> Submission:
        (submission,) = self.manager.submit([(octets, door)], self.now)
        self.tell(octets, submission, client)
        return submission

    def tell(self, octets: bytes, submission: Submission, client: str = "user", **more: Any) -> None:
        """The client has its answer."""
        request = duis.parse_request(octets).request
        offered = None if submission.response is None else pre_command_of(submission.response)
        content = {} if offered is None else {"content": sha256(offered).hexdigest()}
        self.site.say(
            "submit", client=client, start=str(self.now), end=str(self.now), outcome=submission.code,
            request=str(request.request_id), input=sha256(octets).hexdigest(), **content, **more,
        )  # fmt: skip

    def depart(self, actor: Actor, device: Eui64, counter: int, execution: datetime | None = None) -> Submission:
        """A whole 6.15.1: transform, signature, signed pre-command."""
        request = update_request(actor, device, counter, execution)
        offered = self.submit(signed(actor, request), TRANSFORM_DOOR)
        if offered.refusal is not None:
            return offered
        assert offered.response is not None
        pre_command = pre_command_of(offered.response)
        assert pre_command is not None
        return self.submit(signed(actor, duis.signed_pre_command(request, sign_pre_command(pre_command, actor))))

    def hand_over(self, operator: Actor, device: Eui64, number: int, execution: datetime | None = None) -> Submission:
        return self.submit(signed(cast().supplier, handover_request(operator, device, number, execution)))

    def read(self, device: Eui64, number: int) -> Submission:
        return self.submit(signed(cast().supplier, details_request(device, number)))

    def register(self, operator: Actor, place: int) -> None:
        """Registration data: another operator is responsible from now on."""
        entry = Registration(f"{place:010d}", cast().supplier.entity, operator.entity, self.now)
        (refusal,) = self.held.commit([Work(gpf_of(place), effects=Effects(registrations=(entry,)))], self.now)
        assert refusal is None

    # ---- the world goes on ----

    def turn(self) -> bool:
        """Everything once; whether anything happened."""
        busy = bool(self.manager.dispatch(self.now))
        busy |= bool(self.manager.collect(self.now))
        busy |= bool(self.manager.run_due(self.now))
        return busy

    def carry(self, seconds: int = 1) -> None:
        """Until nothing happens by itself at this time."""
        self.pass_time(seconds=seconds)
        while self.turn():
            pass

    def pass_time(self, **span: float) -> None:
        self.now += timedelta(**span)

    def deliver(self, receive: Callable[[Delivery], str] = lambda _delivery: "200") -> int:
        """Bring deliveries to their users, who keep what they got; how many were tried."""
        self.pass_time(seconds=1)
        due = self.store.deliveries(self.now, 64)
        outcomes: list[tuple[int, str, datetime | None]] = []
        for delivery in due:
            said = receive(delivery)
            self.site.say(
                "delivered", delivery=delivery.number, request=str(delivery.request_id or ""),
                input=sha256(delivery.octets).hexdigest(), outcome=said,
            )  # fmt: skip
            outcomes.append((delivery.number, said, None if said == "200" else self.now + timedelta(seconds=30)))
        if outcomes:
            self.store.settle_deliveries(outcomes, self.now)
        return len(outcomes)

    def rest(self) -> None:
        """Until nothing is on its way any more: silence is given up, everybody has heard."""
        # Each command that meets silence is tried four times, and those behind it wait.
        for _ in range(200 + 8 * len(self.held.open_commands())):
            self.carry()
            while self.deliver():
                pass
            if not self.held.open_commands() and not self.held.reserved() and self.held.next_delivery() is None:
                return
            self.pass_time(minutes=6)
        raise AssertionError("the DSP does not come to rest")

    # ---- looking ----

    def occupant(self, device: Eui64) -> Eui64:
        held = self.estate.book.device(device).cell(NO_DS)
        assert held is not None
        return held.entity

    def known(self, device: Eui64) -> Eui64:
        """Who the books say sits in the Network Operator slot."""
        return [each[1].entity for each in self.homes.views.slots(device) if each[0] == NO_DS][-1]

    def look(self) -> None:
        """A read of every device and of every stored counter, for the history."""
        for device in self.estate.book:
            cells = {
                cell.role << 24 | cell.key_usage << 8 | cell.cell_usage: [str(held.entity), held.key_id.hex()]
                for cell, held in device.cells().items()
            }
            numbers = {f"usc {role.value}": device.usc(role) for role in RemotePartyRole}
            numbers |= {f"exec {role.value}": device.exec(role) for role in RemotePartyRole}
            self.site.say("device", device=str(device.eui), cells=cells, numbers=numbers)
            highest = self.homes.views.highest(device.eui)
            self.site.say("highest", device=str(device.eui), outcome=None if highest is None else highest[0])


class Told:
    """The WAN, with every message that is given to it written down before."""

    def __init__(self, site: Site, wan: HanWan) -> None:
        self._site, self._wan = site, wan

    def send(self, messages: Sequence[tuple[str, Eui64, bytes, datetime]], now: datetime) -> Any:
        for name, _device, octets, _not_after in messages:
            self._site.say("sent", message=name, octets=octets.hex(), start=str(now))
        return self._wan.send(messages, now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wan, name)


def found(folder: Path, places: int = 1, database: str = "") -> Site:
    """A site as it begins: hubs with their GPFs, and books that know them."""
    site = Site(folder, places, database)
    folder.mkdir(parents=True, exist_ok=True)
    migrate(site.url)
    site.say("begin")
    store = SqlEstateStore(site.devices_url)
    estate = Estate({"": fleet()}, SEED)
    for place in range(places):
        estate.add_hub(hub_of(place), gpf_of(place), Region.CENTRAL_AND_SOUTH)
    estate.save(store)
    store.close()
    homes = open_homes(site.settings())
    held = homes.take("0", "worker", BEGINS)
    works = [known(device, place) for place in range(places) for device in _both(estate, place)]
    for start in range(0, len(works), 64):
        held.commit(works[start : start + 64], BEGINS)
    held.seal(BEGINS)
    held.close()
    homes.close()
    return site


def _both(estate: Estate, place: int) -> Iterable[devices.Device]:
    return (estate.book.device(hub_of(place)), estate.book.device(gpf_of(place)))


def known(device: devices.Device, place: int) -> Work:
    """What the DSP knows of a device from the start."""
    mpxn = f"{place:010d}"
    chf = device.device_type is DeviceType.CHF
    record = DeviceRecord(
        device.eui,
        device.device_type,
        signing_point=device.public_point(DS),
        agreement_point=device.public_point(KA),
        hub=hub_of(place),
        gpf=gpf_of(place) if chf else None,
        import_mpxn="" if chf else mpxn,
    )
    slots = tuple(SlotChange(cell, Occupant(held.entity, held.key_id)) for cell, held in device.cells().items())
    people = cast()
    responsible = Registration(mpxn, people.supplier.entity, people.leaving.entity, datetime(2000, 1, 1, tzinfo=UTC))
    registrations = () if chf else (responsible,)
    changes = (DeviceChange(device.eui, record, "made for a test"),)
    return Work(device.eui, effects=Effects(slots=slots, devices=changes, registrations=registrations))


@dataclass
class Numbers:
    """Counters of requests that rise whatever happens."""

    last: int = field(default=0)

    def next(self) -> int:
        self.last += 1
        return int(BEGINS.timestamp()) * 1000 + self.last
