"""Facts and asks for tests of the DSP's rules: a home whose EUI-64s are those of the RTDS devices."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trustcell import duis, gbcs
from trustcell.dsp.rules.facts import DeviceRecord, DeviceStatus, Facts, Occupant, Registration, User
from trustcell.dsp.rules.plan import Ask, Author, CommandPlan, Reply
from trustcell.dsp.rules.request_checks import DOORS
from trustcell.duis import UserRole
from trustcell.vocab import CellId, DeviceType, Eui64, KeyUsage, RemotePartyRole

BROKER = Eui64.parse("90-B3-D5-1F-30-00-00-02")
COS = Eui64.parse("90-B3-D5-1F-30-00-00-04")
SUPPLIER = Eui64.parse("90-B3-D5-1F-30-01-00-00")
OTHER_SUPPLIER = Eui64.parse("90-B3-D5-1F-30-01-00-08")
OPERATOR = Eui64.parse("90-B3-D5-1F-30-02-00-00")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEGINS = datetime(2013, 1, 1, tzinfo=UTC)
MPAN, MPRN = "1312345678111", "1234567890"


def eui(last: int) -> Eui64:
    """A device of the RTDS by the last octet of its EUI-64."""
    return Eui64(bytes.fromhex("00db1234567890") + bytes([last]))


ESME, GSME, CHF, GPF, PPMID, HCALCS = (eui(last) for last in (0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5))
TYPES = {
    ESME: DeviceType.ESME,
    GSME: DeviceType.GSME,
    CHF: DeviceType.CHF,
    GPF: DeviceType.GPF,
    PPMID: DeviceType.PPMID,
    HCALCS: DeviceType.HCALCS,
}
POINTS = {ESME: MPAN, GSME: MPRN, GPF: MPRN}
SUPPLIER_KA = CellId(RemotePartyRole.SUPPLIER, KeyUsage.KEY_AGREEMENT)
OPERATOR_KA = CellId(RemotePartyRole.NETWORK_OPERATOR, KeyUsage.KEY_AGREEMENT)


def device(which: Eui64, status: DeviceStatus | None = DeviceStatus.COMMISSIONED, **fields: Any) -> DeviceRecord:
    """A device of the home."""
    given = {"hub": None if which == CHF else CHF, "import_mpxn": POINTS.get(which, "")}
    return DeviceRecord(which, TYPES[which], status=status, **{**given, **fields})


def user(who: Eui64 = SUPPLIER, *roles: UserRole) -> User:
    """A user: supplier of both fuels or operator of both networks unless roles are given."""
    if not roles:
        gas_and_power = (UserRole.ELECTRICITY_DISTRIBUTOR, UserRole.GAS_TRANSPORTER)
        roles = gas_and_power if who == OPERATOR else (UserRole.IMPORT_SUPPLIER, UserRole.GAS_SUPPLIER)
    return User(who, frozenset(roles))


def registrations(supplier: Eui64 = SUPPLIER, operator: Eui64 = OPERATOR) -> tuple[Registration, ...]:
    """Who is responsible for the metering points of the home."""
    return tuple(Registration(mpxn, supplier, operator, BEGINS) for mpxn in (MPAN, MPRN))


def facts(target: DeviceRecord | None, who: User | None = None, **fields: Any) -> Facts:
    """What is known when a request comes to a device of the home, every other device of it on the hub."""
    others = {which: device(which) for which in TYPES}
    given: dict[str, Any] = {
        "user": who or user(),
        "device": target,
        "others": others,
        "members": tuple(each for each in others.values() if each.eui != CHF),
        "registrations": registrations(),
    }
    return Facts(**{**given, **fields})


def request(variant: str, body: duis.Body, target: Eui64, **fields: Any) -> duis.Request:
    """A request of the supplier in the command variant that a client would use."""
    service = duis.services()[variant]
    given = {
        "command_variant": min(service.command_variants),
        "service_reference": service.reference,
        "service_reference_variant": variant,
    }
    counter, who = fields.pop("counter", 1_000), fields.pop("originator", SUPPLIER)
    return duis.Request(request_id=duis.RequestId(who, target, counter), body=body, **{**given, **fields})


def ask(asked: duis.Request, known: Facts, **fields: Any) -> Ask:
    """The request at the door it belongs to."""
    return Ask(asked, known, BROKER, COS, **{"now": NOW, "door": DOORS.get(asked.command_variant, ""), **fields})


def message(plan: CommandPlan, asked: duis.Request, counter: int) -> gbcs.Message:
    """The command of a plan before any protection, as the service builds it."""
    ids = asked.request_id
    originator = {Author.USER: ids.originator, Author.BROKER: BROKER, Author.TRANSITIONAL_COS: COS}[plan.originator]
    supplementary = gbcs.Supplementary(ids.originator, ids.counter) if plan.supplementary else None
    return gbcs.Message(
        gbcs.Cra.COMMAND,
        counter,
        originator,
        ids.target,
        plan.message_code,
        plan.payload(counter),
        supplementary=supplementary,
    )


def reply(variant: str, target: DeviceRecord, payload: Any, **fields: Any) -> Reply:
    """A verified answer of a device."""
    given: dict[str, Any] = {"request": None, "facts": facts(target), "is_alert": False, "broker": BROKER, "now": NOW}
    return Reply(service_variant=variant, device=target, payload=payload, **{**given, **fields})


def template(shared: Path, name: str) -> duis.Request:
    """A request of the published templates."""
    return duis.parse_request((shared / "duis-templates" / f"{name}_REQUEST_DUIS.XML").read_bytes()).request


def rtds(shared: Path, name: str) -> bytes:
    """A message of the RTDS."""
    (path,) = (shared / "rtds" / "messages").glob(f"*/{name}_GBCS.HEX")
    return bytes.fromhex(path.read_text())


def bare(message: gbcs.Message) -> bytes:
    """A message without signature and MAC."""
    return gbcs.inner_octets(replace(message, signature=None, mac=None))


def slots(**who: Eui64) -> Mapping[CellId, Occupant]:
    """Key Agreement cells of ``supplier`` and ``operator``."""
    cells = {"supplier": SUPPLIER_KA, "operator": OPERATOR_KA}
    return {cells[name]: Occupant(entity, bytes(8)) for name, entity in who.items()}
