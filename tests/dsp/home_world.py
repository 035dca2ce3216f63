"""A home of virtual devices behind the WAN, and the DSP with all of its services before it, on books in memory."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dsp import dsp_world as w
from trustcell import certs, duis, gbcs
from trustcell.adapters.dsp_store import Settings, SqlHomes, open_homes
from trustcell.adapters.han_wan import HanWan
from trustcell.adapters.parties import CertificateDirectory, LocalBroker, LocalParty
from trustcell.app.story import pack
from trustcell.devices import Device, Estate, Fleet, Region, VirtualWan
from trustcell.dsp import (
    DeviceRecord,
    DeviceStatus,
    Effects,
    Policy,
    Registration,
    RequestManager,
    RequestState,
    Store,
    Submission,
    Work,
)
from trustcell.dsp.rules.request_checks import DOORS
from trustcell.stories import Actor
from trustcell.vocab import CellId, DeviceType, Eui64, RemotePartyRole

CHF, GPF, ESME, GSME, PPMID, HCALCS = (Eui64.parse(f"70-B3-D5-1F-30-AA-00-{n:02X}") for n in range(6))
HUB2, GPF2 = (Eui64.parse(f"70-B3-D5-1F-30-AA-00-{n:02X}") for n in (16, 17))
KINDS = {
    ESME: DeviceType.ESME,
    GSME: DeviceType.GSME,
    PPMID: DeviceType.PPMID,
    HCALCS: DeviceType.HCALCS,
}
MPAN, MPRN = "1312345678111", "1234567890"
POINTS = {ESME: MPAN, GSME: MPRN}
KEY = b"0123456789ABCDEF"
BEGINS = w.BEGINS
_ALWAYS = datetime(2013, 1, 1, tzinfo=BEGINS.tzinfo)


def gaining() -> Actor:
    """A second supplier."""
    return w.authority().actor("Supplier B", RemotePartyRole.SUPPLIER, Eui64.parse("70-B3-D5-1F-30-00-10-01"))


class HomeDirectory(CertificateDirectory):
    """Certificates of organisations, and what manufacturers lodged for the devices."""

    estate: Estate

    def device_points(self, device: Eui64) -> tuple[bytes | None, bytes | None]:
        if device not in self.estate.book:
            return None, None
        found = self.estate.book.device(device)
        return found.public_point(w.DS), found.public_point(w.KA)


@dataclass(frozen=True)
class Told:
    """What a user heard of one request: at once, and later."""

    ids: duis.RequestId
    submission: Submission
    later: tuple[duis.Response, ...]
    alerts: tuple[duis.Response, ...]

    @property
    def code(self) -> str:
        return self.submission.code

    @property
    def content(self) -> Any:
        """What the DSP answered by itself."""
        assert self.submission.response is not None
        return duis.parse_response(self.submission.response).response.message.content

    @property
    def codes(self) -> list[str]:
        return [each.response_code for each in self.later]

    @property
    def payload(self) -> Any:
        """The typed payload of the one answer of the device."""
        (response,) = self.later
        assert response.response_code == "I0"
        return gbcs.decode_payload(gbcs.decode(response.message.content.gbcs_payload))

    @property
    def alert_codes(self) -> list[str]:
        """Codes of the alerts of the DCC that came meanwhile."""
        return [each.message.alert_code for each in self.dcc_alerts]

    @property
    def dcc_alerts(self) -> list[duis.Response]:
        return [each for each in self.alerts if isinstance(each.message, duis.DccAlertMessage)]


@dataclass
class Home:
    """Everything between users and devices."""

    homes: SqlHomes
    store: Store
    manager: RequestManager
    estate: Estate
    now: datetime = BEGINS
    counter: int = 10_000
    heard: list[tuple[Eui64, duis.Response]] = field(default_factory=list)

    # ---- users ----

    def ask(self, variant: str, body: duis.Body, target: Eui64 | None = None, who: Actor | None = None) -> Told:
        """One request to its end: the pre-command is signed, messages are carried, deliveries taken."""
        actor, service = who or w.cast().supplier, duis.services()[variant]
        self.counter += 1
        to = w.cast().broker.entity if service.non_device else target
        assert to is not None
        ids = duis.RequestId(actor.entity, to, self.counter)
        request = duis.Request(ids, min(service.command_variants), service.reference, variant, body)
        submission = self.submit(actor, request)
        if submission.refusal is None and request.command_variant == 4:
            signed = duis.signed_pre_command(request, w.sign_pre_command(submission, actor.signing))
            submission = self.submit(actor, signed)
        assert submission.response is not None
        before = len(self.heard)
        self.settle()
        news = [each for user, each in self.heard[before:]]
        later = tuple(each for each in news if each.request_id == ids)
        return Told(ids, submission, later, tuple(each for each in news if each.request_id is None))

    def submit(self, actor: Actor, request: duis.Request) -> Submission:
        (submission,) = self.manager.submit([(w.signed(actor, request), DOORS[request.command_variant])], self.now)
        return submission

    def refused(self, variant: str, body: duis.Body, target: Eui64 | None = None, who: Actor | None = None) -> str:
        """The reason of a refusal; the books stay as they were."""
        told = self.ask(variant, body, target, who)
        return w.code_of(told.submission)

    # ---- time and messages ----

    def settle(self) -> None:
        """Everything that can happen now has happened, and was delivered."""
        while self.manager.run_due(self.now) + self.manager.dispatch(self.now) + len(self.manager.collect(self.now)):
            pass
        self.now += Policy().callback_delay
        while found := self.manager.deliveries(self.now):
            self.heard += [(each.user, duis.parse_response(each.octets).response) for each in found]
            self.store.settle_deliveries([(each.number, "200", None) for each in found], self.now)

    def pass_time(self, **span: float) -> list[tuple[Eui64, duis.Response]]:
        """Time passes; what users heard meanwhile."""
        before = len(self.heard)
        self.now += timedelta(**span)
        self.settle()
        self.now += timedelta(seconds=1)
        self.settle()
        return self.heard[before:]

    # ---- looking ----

    def device(self, eui: Eui64) -> Device:
        return self.estate.book.device(eui)

    def record(self, eui: Eui64) -> DeviceRecord | None:
        return self.homes.views.device(eui)

    def status(self, eui: Eui64) -> DeviceStatus | None:
        record = self.record(eui)
        assert record is not None
        return record.status

    def slot(self, eui: Eui64, cell: CellId) -> Eui64 | None:
        known = [occupant for held, occupant, _at, _by in self.homes.views.slots(eui) if held == cell]
        return known[-1].entity if known else None

    def state(self, ids: duis.RequestId) -> RequestState | None:
        known = self.store.request(ids)
        return None if known is None else known.state

    def origin(self, told: Told) -> tuple[Eui64, int, duis.RequestId | None]:
        """Who originated the command, its message code, and whom it names besides."""
        (command,) = self.homes.views.commands_of(told.ids)
        message = gbcs.decode(command.octets)
        named = message.supplementary
        through = None if named is None else duis.RequestId(named.party, told.ids.target, named.counter)
        return message.originator, message.message_code, through


def home(url: str = w.MEMORY, **rules: Any) -> Home:
    """A hub and the devices of a home, all of them in their boxes."""
    cast = w.cast()
    estate = Estate({"": Fleet(cast.seed, pack(cast))}, b"a home")
    estate.add_hub(CHF, GPF, Region.NORTH)
    homes = open_homes(Settings(url, "home"))
    store = homes.take("0", "dsp", BEGINS)
    roles = [Registration(mpxn, cast.supplier.entity, cast.leaving.entity, _ALWAYS) for mpxn in (MPAN, MPRN)]
    w.stood(store.commit([Work(CHF, effects=Effects(registrations=tuple(roles)))], BEGINS))
    return Home(homes, store, manager(store, estate, **rules), estate)


def manager(store: Any, estate: Estate, **rules: Any) -> RequestManager:
    cast = w.cast()
    actors = (cast.supplier, cast.leaving, cast.arriving, gaining(), cast.broker)
    directory = HomeDirectory(
        pair.certificate for actor in actors for pair in (actor.signing, actor.agreement, actor.xml)
    )
    directory.estate = estate
    broker = cast.broker
    cos = w.authority().organisation("transitional CoS", RemotePartyRole.TRANSITIONAL_COS, w.COS_PARTY, w.DS)
    return RequestManager(
        store,
        directory,
        LocalBroker(broker.entity, (broker.signing,), (broker.agreement,), broker.xml),
        LocalParty(w.COS_PARTY, (cos,)),
        HanWan(VirtualWan(estate)),
        Policy(**rules),
    )


# ---- what an installer does ----

HUB_INSTALLED = duis.CHFInstallSuccessSMWAN(CHF, "New CHF Install", MPAN, False, "Deep indoors")


def notify(home: Home, eui: Eui64, kind: str, **fields: Any) -> None:
    told = home.ask("12.2", duis.DevicePrenotification(eui, "1111", "2222", duis.InventoryDeviceType(kind), **fields))
    assert told.code == "I99"


def whitelist(home: Home, eui: Eui64) -> Told:
    add = duis.AddDeviceToCHFWhitelist(90, KEY, POINTS.get(eui))
    return home.ask("8.11", duis.UpdateHANDeviceLog(eui, duis.WhitelistChange.ADD, add), CHF)


def installed(*euis: Eui64, **rules: Any) -> Home:
    """Hub and proxy installed and the hub commissioned; these devices let in."""
    made = home(**rules)
    notify(made, CHF, "CHF", associated_gpf_device_id=GPF)
    assert made.ask("8.14.1", HUB_INSTALLED).code == "I99"
    made.ask("6.24.1", duis.RetrieveDeviceSecurityCredentialsKRP((w.BROKER,)), CHF)
    for eui in euis:
        notify(made, eui, KINDS[eui].name)
        made.estate.add(eui, KINDS[eui], CHF)
        whitelist(made, eui)
    return made


def commissioned(*euis: Eui64, **rules: Any) -> Home:
    """The same with its meters commissioned and, where there is a gas meter, its proxy joined."""
    made = installed(*euis, **rules)
    for eui in euis:
        if eui in POINTS:
            made.ask("8.1.1", duis.CommissionDeviceSynchroniseClock(made.now, 60), eui)
    if GSME in euis:
        made.ask("8.7.2", duis.JoinServiceNonCritical(GPF), GSME)
    return made


def update_body(actor: Actor, role: RemotePartyRole, kind: Any = duis.UpdateSecurityCredentialsKRP, **more: Any) -> Any:
    """Certificates of an actor for the cells of a role."""
    fields = {
        "remote_party_role": role,
        "path_certificates": (w.cast().path.der,),
        "apply_time_based_cpv_checks": True,
        "digital_signing_certificate": actor.signing.certificate.der,
        "key_agreement_certificate": actor.agreement.certificate.der,
        "floor_seq_number": 0,
    }
    return kind(**{**fields, **more})


def device_certificate(eui: Eui64, usage: Any, point: bytes) -> bytes:
    """A certificate as a device authority issues it for a request of 6.17."""
    authority = w.authority()
    template = certs.DeviceTemplate(
        serial=4711,
        issuer=certs.authority_name("an issuing DCA"),
        not_before=BEGINS - timedelta(days=1),
        entity_id=eui,
        key_usage=usage,
        public_key_point=point,
        policy="1.2.3",
        issuer_key_identifier=bytes(8),
    )
    return certs.issue(template, lambda octets: gbcs.sign(authority._issuing_key, octets)).der
