"""A home is installed, used and taken apart by the rules of the DSP alone, with virtual devices (duis-dsp.md 5 and 6).

No service and no store: each request is judged and planned, protected with the test keys, sent through the virtual WAN,
and what the devices answer is correlated and changes an inventory held in a dictionary.
"""

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest

from devices.devices_lab import A0, A1, A2, A3, ACB, KA, NO, NOW, SUP, TCOS, Lab
from devices.han_world import A4, KEY, World
from dsp.rules_world import BEGINS, MPAN, MPRN, user
from trustcell import certs, duis, gbcs
from trustcell.devices import Region, Taken
from trustcell.dsp.rules import access, schedules
from trustcell.dsp.rules.correlation import CommandKey, Kind, Protection, claim_of
from trustcell.dsp.rules.counters import milliseconds
from trustcell.dsp.rules.device_alerts import alert_effects, alert_needs
from trustcell.dsp.rules.facts import DeviceRecord, DeviceStatus, Facts, Occupant, Registration
from trustcell.dsp.rules.plan import Answer, Ask, Author, CommandPlan, Effects, Needs, Reply
from trustcell.dsp.rules.request_checks import DOORS
from trustcell.dsp.rules.services import SERVICES
from trustcell.gbcs.usecases.cs02cde import ProvideDeviceCertificateFailure
from trustcell.vocab import CellId, DeviceType, Eui64, KeyUsage, Refused, RemotePartyRole

D = DeviceStatus
HUB2, GPF2 = (Eui64.parse(f"00DB1234567890B{n}") for n in (2, 3))


class Home:
    """The inventory of the DSP, its slots, and the devices themselves."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.world = World(lab)
        self.inventory: dict[Eui64, DeviceRecord] = {}
        self.slots: dict[Eui64, dict[CellId, Occupant]] = {}
        self.counter = 10_000
        self.now = NOW
        self.alerts: list[str] = []
        self.last: Any = None
        self.learned: int | None = None
        self.registrations = tuple(Registration(mpxn, SUP, NO, BEGINS) for mpxn in (MPAN, MPRN))

    # ---- what the DSP knows ----

    def status(self, eui: Eui64) -> Any:
        return self.inventory[eui].status

    def facts(self, target: Eui64, who: Eui64, needs: Needs) -> Facts:
        record = self.inventory.get(target)
        hub = None if record is None else target if record.device_type is DeviceType.CHF else record.hub
        members = tuple(each for each in self.inventory.values() if each.hub == hub and hub is not None)
        others = {eui: self.inventory[eui] for eui in needs.others if eui in self.inventory}
        found = (self.inventory[needs.query.device],) if needs.query and needs.query.device in self.inventory else ()
        certificates = {eui: self.world.device(eui).certificate(KA) for eui in needs.certificates}
        return Facts(
            user=user(who),
            device=record,
            others=MappingProxyType(others),
            members=members,
            slots=MappingProxyType(self.slots.get(target, {})),
            registrations=self.registrations,
            found=found,
            certificates={eui: der for eui, der in certificates.items() if der},
        )

    def learn(self, device: Eui64, effects: Effects) -> None:
        for slot in effects.slots:
            self.slots.setdefault(device, {})[slot.cell] = slot.occupant
        for change in effects.devices:
            if change.after is None:
                del self.inventory[change.eui]
            else:
                self.inventory[change.eui] = change.after
        self.alerts += [alert.code for alert in effects.alerts]
        self.learned = effects.learned or self.learned

    # ---- one request ----

    def ask(self, variant: str, body: duis.Body, target: Eui64 = ACB, who: Eui64 = SUP) -> Any:
        """One request to its end; the payload of the device's answer, or the DSP's own answer."""
        service = duis.services()[variant]
        self.counter += 1
        ids = duis.RequestId(who, target, self.counter)
        request = duis.Request(ids, min(service.command_variants), service.reference, variant, body)
        named = getattr(body, "device_id", target) if service.non_device else target
        known = self.facts(named, who, access.needs(request))
        asked = Ask(request, known, ACB, TCOS, self.now, DOORS[request.command_variant])
        access.require(asked)
        plan = SERVICES[variant].plan(asked)
        if isinstance(plan, Answer):
            self.learn(named, plan.effects)
            return plan
        return self.send(plan, request)

    def send(self, plan: CommandPlan, request: duis.Request) -> Any:
        ids = request.request_id
        originators = {Author.USER: ids.originator, Author.BROKER: ACB, Author.TRANSITIONAL_COS: TCOS}
        originator = originators[plan.originator]
        counter = ids.counter if plan.originator is Author.USER else ids.counter + 1_000_000
        octets = self.lab.send(
            self.world.device(ids.target),
            originator,
            plan.message_code,
            counter,
            plan.payload(counter),
            signer=None if plan.signer is None else self.lab.of(originators[plan.signer], "DS"),
            supplementary=gbcs.Supplementary(ids.originator, ids.counter) if plan.supplementary else None,
        )
        key = CommandKey(originator, ids.target, counter)
        self.last = None
        assert self.world.put_on_the_way(ids.target, octets, self.now) is Taken.TAKEN
        self.collect(key, plan, request)
        assert self.last is not None, f"{request.service_reference_variant}: the device was silent"
        return self.last

    def collect(self, key: CommandKey | None = None, plan: CommandPlan | None = None, request: Any = None) -> None:
        """Whatever the devices have to say."""
        for message in self.world.collect(self.now):
            payload = gbcs.decode_payload(message)
            claim = claim_of(message, payload, ACB)
            if claim is None:
                needs = alert_needs(payload)
                known = self.facts(message.originator, SUP, needs)
                self.learn(message.originator, alert_effects(message, payload, known, ACB, self.now))
                continue
            assert claim.key == key
            assert plan is not None
            assert claim.fits(plan.message_code, request.request_id)
            assert claim.protection.shape is message.shape
            self.verify(message, claim.protection)
            self.answered(request, payload, is_alert=claim.kind is Kind.ALERT)

    def verify(self, message: gbcs.Message, protection: Protection) -> None:
        device = self.world.device(message.originator)
        if protection is Protection.BROKER_MAC:
            assert gbcs.check_mac(message, self.lab.secret(device))
        if protection is Protection.DEVICE_SIGNATURE:
            key = gbcs.public_key_from_point(device.public_point(KeyUsage.DIGITAL_SIGNATURE))
            assert gbcs.check_signature(key, gbcs.signed_octets(message), message.signature or b"")

    def answered(self, request: duis.Request, payload: Any, *, is_alert: bool) -> None:
        rule, target = SERVICES[request.service_reference_variant], request.request_id.target
        known = self.facts(target, request.request_id.originator, rule.needs(request.body))
        reply = Reply(
            request.service_reference_variant,
            request if rule.needs_request else None,
            self.inventory[target],
            known,
            payload,
            is_alert,
            ACB,
            self.now,
        )
        self.learn(target, rule.effects(reply))
        self.last = payload

    # ---- what an installer does ----

    def notify(self, eui: Eui64, kind: str, **fields: Any) -> None:
        body = duis.DevicePrenotification(eui, "1111", "2222", duis.InventoryDeviceType(kind), **fields)
        assert self.ask("12.2", body).code == "I99"

    def whitelist(self, eui: Eui64, hub: Eui64 = A2, mpxn: str | None = None) -> Any:
        add = duis.AddDeviceToCHFWhitelist(90, KEY, mpxn)
        return self.ask("8.11", duis.UpdateHANDeviceLog(eui, duis.WhitelistChange.ADD, add), hub)

    def commission(self, eui: Eui64) -> Any:
        return self.ask("8.1.1", duis.CommissionDeviceSynchroniseClock(self.now, 60), eui)


@pytest.fixture(scope="session")
def lab(shared: Any) -> Lab:
    return Lab(shared)


@pytest.fixture
def home(lab: Lab) -> Home:
    return Home(lab)


INSTALLED = duis.CHFInstallSuccessSMWAN(A2, "New CHF Install", MPAN, False, "Deep indoors")


def installed(home: Home) -> Home:
    """Hub, proxy, both meters and a display, each on the way the code book has for it."""
    home.notify(A2, "CHF", associated_gpf_device_id=A3)
    assert home.ask("8.14.1", INSTALLED).code == "I99"
    assert (home.status(A2), home.status(A3)) == (D.INSTALLED_NOT_COMMISSIONED, D.INSTALLED_NOT_COMMISSIONED)
    broker = duis.RetrieveDeviceSecurityCredentialsKRP((RemotePartyRole.ACCESS_CONTROL_BROKER,))
    home.ask("6.24.1", broker, A2)
    assert home.status(A2) is D.COMMISSIONED
    for eui, kind, mpxn in ((A0, "ESME", MPAN), (A1, "GSME", MPRN), (A4, "PPMID", None)):
        home.notify(eui, kind)
        assert home.status(eui) is D.PENDING
        home.world.estate.add(eui, DeviceType[kind], A2)
        home.whitelist(eui, mpxn=mpxn)
        assert home.status(eui) is D.INSTALLED_NOT_COMMISSIONED
        assert home.inventory[eui].hub == A2
    return home


def test_a_home_is_installed_and_commissioned(home: Home) -> None:
    installed(home)
    assert home.alerts == ["N24"] * 3
    for meter in (A0, A1):
        home.commission(meter)
        assert (home.status(meter), home.inventory[meter].commissioned_at) == (D.COMMISSIONED, NOW)
    home.ask("8.7.2", duis.JoinServiceNonCritical(A3), A1)
    assert (home.status(A3), home.inventory[A1].gpf) == (D.COMMISSIONED, A3)
    home.ask("8.7.2", duis.JoinServiceNonCritical(A0), A4)
    assert home.status(A4) is D.COMMISSIONED
    home.ask("8.7.1", duis.JoinServiceCritical(A4), A0)
    with pytest.raises(Refused, match="device_certificate_unknown"):
        home.ask("8.7.1", duis.JoinServiceCritical(A4), A1)
    shown = home.ask("8.2", duis.ReadInventory(device_id=A0)).content.devices
    assert [(each.device_id, each.device_status, each.import_mpxn) for each in shown] == [(A0, "Commissioned", MPAN)]


def test_everything_of_a_commissioned_home_can_be_read(home: Home) -> None:
    installed(home)
    for meter in (A0, A1):
        home.commission(meter)
    home.ask("8.7.2", duis.JoinServiceNonCritical(A3), A1)
    for eui in (A0, A1, A2, A4):
        home.ask("11.2", duis.ReadFirmwareVersion(), eui)
        assert home.inventory[eui].details["DeviceFirmwareVersion"] == "0123ABCF"
    assert isinstance(home.ask("8.9", duis.ReadDeviceLog(), A2), gbcs.HubDevices)
    assert isinstance(home.ask("8.9", duis.ReadDeviceLog(read_security_details=True), A2), gbcs.HubLogs)
    for eui in (A1, A3):
        home.ask("8.9", duis.ReadDeviceLog(), eui)
    roles = (RemotePartyRole.SUPPLIER, RemotePartyRole.NETWORK_OPERATOR)
    home.ask("6.24.1", duis.RetrieveDeviceSecurityCredentialsKRP(roles), A0)
    assert {occupant.entity for occupant in home.slots[A0].values()} == {SUP, NO}
    agreement = KeyUsage.KEY_AGREEMENT
    certificate = home.ask("6.24.2", duis.RetrieveDeviceSecurityCredentialsDevice(agreement), A0)
    assert certificate is ProvideDeviceCertificateFailure.NO_CERTIFICATE_HELD  # these devices are made with bare keys
    wanted = certs.load_csr(home.ask("6.17", duis.IssueSecurityCredentials(agreement), A0))
    assert wanted.public_key_point != home.world.device(A0).public_point(KA)  # until 6.15.2 brings its certificate


def test_a_schedule_asks_a_meter_in_its_users_name(home: Home) -> None:
    installed(home)
    home.commission(A0)
    body = duis.CreateSchedule(
        duis.ScheduleFrequency.DAILY,
        home.now.date() + timedelta(days=1),
        "4.16",
        "4.16",
        A0,
        duis.ScheduledRequest("DSPReadActivePowerImport"),
    )
    made = home.ask("5.1", body)
    (schedule,) = made.effects.schedules
    home.now = schedule.next_at
    due = schedules.request_of(schedule, milliseconds(home.now))
    asked = Ask(due, home.facts(A0, SUP, access.needs(due)), ACB, TCOS, home.now, scheduled=True)
    access.require(asked)
    plan = SERVICES["4.16"].plan(asked)
    assert isinstance(plan, CommandPlan)
    assert plan.originator is Author.BROKER
    answer = home.send(plan, due)
    assert isinstance(answer, gbcs.ActivePower)
    assert schedules.following(schedule) == schedule.next_at + timedelta(days=1)


def test_a_device_leaves_its_home(home: Home) -> None:
    installed(home)
    home.commission(A0)
    home.ask("8.7.2", duis.JoinServiceNonCritical(A0), A4)
    home.ask("8.8.2", duis.UnjoinServiceNonCritical(A0), A4)
    gone = duis.UpdateHANDeviceLog(A1, duis.WhitelistChange.REMOVE)
    home.ask("8.11", gone, A2)
    assert (home.status(A1), home.inventory[A1].hub) == (D.PENDING, None)
    assert home.ask("8.4", duis.UpdateInventory(A1, delete_device=True)).code == "I99"
    assert A1 not in home.inventory
    with pytest.raises(Refused, match="device_status"):
        home.ask("8.4", duis.UpdateInventory(A0, delete_device=True))
    home.ask("8.3", duis.DecommissionDevice(A0))
    assert home.status(A0) is D.DECOMMISSIONED
    with pytest.raises(Refused, match="device_status"):
        home.ask("11.2", duis.ReadFirmwareVersion(), A0)


def test_a_replaced_hub_takes_over_its_devices(home: Home) -> None:
    installed(home)
    home.commission(A1)
    home.ask("8.7.2", duis.JoinServiceNonCritical(A3), A1)
    home.notify(HUB2, "CHF", associated_gpf_device_id=GPF2)
    home.world.estate.add_hub(HUB2, GPF2, Region.NORTH)
    home.ask("8.14.1", replace(INSTALLED, device_id=HUB2, chf_install_type="Replacement CHF Install"))
    home.ask("8.12.1", duis.RestoreHANDeviceLog(A2), HUB2)
    for eui in (A0, A1, A4):
        home.world.estate.move(eui, HUB2, home.now)
    home.collect()
    assert {home.inventory[eui].hub for eui in (A0, A1, A4)} == {HUB2}
    assert home.inventory[A3].device_log
    home.ask("8.12.2", duis.RestoreGPFDeviceLog(A3), GPF2)


def test_the_departing_operator_and_the_supplier_after_it(home: Home, lab: Lab) -> None:
    """SECMP0128A over rules and devices: the operator leaves with 2^62, and a 6.21 below it stays unanswered."""
    installed(home)
    home.commission(A1)
    home.ask("8.7.2", duis.JoinServiceNonCritical(A3), A1)
    signing = CellId(RemotePartyRole.NETWORK_OPERATOR, KeyUsage.DIGITAL_SIGNATURE)
    common = {
        "remote_party_role": RemotePartyRole.NETWORK_OPERATOR,
        "path_certificates": (lab.issuing_oca,),
        "apply_time_based_cpv_checks": False,
    }

    def cells(who: Eui64) -> Any:
        keys = {
            "digital_signing_certificate": lab.of(who, "DS").der,
            "key_agreement_certificate": lab.of(who, "KA").der,
        }
        return {**common, **keys}

    handover = duis.RequestHandoverOfDCCControlledDevice(**cells(NO))
    home.ask("6.21", handover, A3)
    assert (home.slots[A3][signing].entity, home.alerts[-1]) == (NO, "N42")
    home.counter = 2**62
    home.ask("6.15.1", duis.UpdateSecurityCredentialsKRP(**cells(ACB)), A3, NO)
    assert home.slots[A3][signing].entity == ACB
    assert home.learned == 2**62 + 1
    home.counter = 20_000
    with pytest.raises(AssertionError, match="silent"):
        home.ask("6.21", handover, A3)
    home.counter = 2**62
    home.ask("6.21", handover, A3)
    assert home.slots[A3][signing].entity == NO
