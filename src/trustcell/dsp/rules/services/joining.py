"""8.7 and 8.8: two devices of a home are joined, or parted again (CS03 and CS04, gbcs.md 4.6).

Which message is right follows from both device types. Where the DUIS service is non-critical and the message is not,
the broker signs for the user (duis-dsp.md 3).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import cast

from trustcell import duis
from trustcell.dsp.rules import inventory
from trustcell.dsp.rules.clauses import PROCESSING
from trustcell.dsp.rules.facts import DeviceRecord, DeviceStatus
from trustcell.dsp.rules.plan import Ask, CommandPlan, DeviceChange, Effects, Needs, Reply
from trustcell.dsp.rules.services.base import ServiceRule, needs_hub
from trustcell.dsp.rules.services.originator import critical, fixed, non_critical, signed_by_broker
from trustcell.gbcs.usecases.joining import JoinDevice, JoinMethodAndRole, JoinResult
from trustcell.vocab import DeviceType, Finding

_Body = (
    duis.JoinServiceCritical | duis.JoinServiceNonCritical | duis.UnjoinServiceCritical | duis.UnjoinServiceNonCritical
)
_CS03A1, _CS03A2, _CS03B, _CS03C, _CS04AC, _CS04B = 0x000D, 0x00AB, 0x000E, 0x00AF, 0x000F, 0x0010
_ESME, _GSME, _GPF = DeviceType.ESME, DeviceType.GSME, DeviceType.GPF
_PPMID, _HCALCS = DeviceType.PPMID, DeviceType.HCALCS
_INITIATOR, _RESPONDER = JoinMethodAndRole.METHOD_A_INITIATOR, JoinMethodAndRole.METHOD_A_RESPONDER
_B, _C = JoinMethodAndRole.METHOD_B, JoinMethodAndRole.METHOD_C

# (service, target, other device): message code and method. A: an electricity meter and what it controls or shows on;
# B: a gas meter and its proxy; C: a gas meter and a display, which needs the other's Key Agreement certificate.
_WAYS: Mapping[tuple[str, DeviceType, DeviceType], tuple[int, JoinMethodAndRole]] = MappingProxyType(
    {
        ("8.7.1", _ESME, _HCALCS): (_CS03A1, _INITIATOR),
        ("8.7.1", _ESME, _PPMID): (_CS03A1, _INITIATOR),
        ("8.7.1", _HCALCS, _ESME): (_CS03A2, _RESPONDER),
        ("8.7.1", _GSME, _PPMID): (_CS03C, _C),
        ("8.7.2", _PPMID, _ESME): (_CS03A2, _RESPONDER),
        ("8.7.2", _PPMID, _GSME): (_CS03C, _C),
        ("8.7.2", _GSME, _GPF): (_CS03B, _B),
    }
)
_INSTALLED = frozenset({DeviceStatus.INSTALLED_NOT_COMMISSIONED, DeviceStatus.COMMISSIONED})


def _other(ask: Ask) -> DeviceRecord | None:
    return ask.facts.others.get(cast(_Body, ask.request.body).other_device_id)


def _way(ask: Ask) -> tuple[int, JoinMethodAndRole] | None:
    device, other = ask.facts.device, _other(ask)
    if device is None or other is None:
        return None
    return _WAYS.get((ask.request.service_reference_variant, device.device_type, other.device_type))


def _join_needs(body: duis.Body) -> Needs:
    other = cast(_Body, body).other_device_id
    return Needs(others=(other,), certificates=(other,), members=True)


def _join_findings(ask: Ask) -> Iterator[Finding]:
    device, other = ask.facts.device, _other(ask)
    if device is None:
        return
    if other is None:
        eui = cast(_Body, ask.request.body).other_device_id
        yield _breach("other_device_unknown", f"{eui} is not in the inventory", "pre-notify it by 12.2")
        return
    way = _way(ask)
    if way is None:
        yield _breach(
            "devices_cannot_join",
            f"{ask.request.service_reference_variant} does not join a {device.device_type.name} "
            f"to a {other.device_type.name}",
            "join devices that work together, by the service that fits",
        )
        return
    if other.status is not None and other.status not in _INSTALLED:
        yield _breach("other_device_not_installed", f"{other.eui} is {other.status}", "let it join the HAN first")
    if way[1] is _C and other.eui not in ask.facts.certificates:
        yield _breach(
            "device_certificate_unknown",
            f"no Key Agreement certificate of {other.eui} is known",
            "have its certificate published first",
        )


def _breach(code: str, message: str, remedy: str) -> Finding:
    return PROCESSING.breach(code, "OtherDeviceID", message, remedy)


def _join(ask: Ask) -> CommandPlan:
    way, other = _way(ask), _other(ask)
    assert way is not None  # check 16 has passed
    assert other is not None
    code, method = way
    certificate = ask.facts.certificates[other.eui] if method is _C else None
    return _by_service(ask, code, JoinDevice(method, other.eui, other.device_type, certificate))


def _unjoin(ask: Ask) -> CommandPlan:
    """A gas meter leaves its proxy by the non-critical service, everything else by CS04AC."""
    device = ask.facts.device
    assert device is not None
    proxy = device.device_type is _GSME and not ask.request.service.critical
    return _by_service(ask, _CS04B if proxy else _CS04AC, cast(_Body, ask.request.body).other_device_id)


def _by_service(ask: Ask, code: int, value: object) -> CommandPlan:
    payload = fixed(code, value)
    if ask.request.service.critical:
        return critical(code, payload)
    return non_critical(ask, code, payload) if code in (_CS03B, _CS04B) else signed_by_broker(code, payload)


def _joined(reply: Reply) -> Effects:
    """A join commissions what only a join makes useful: the proxy of a gas meter, a display, a load switch."""
    if reply.payload is not JoinResult.SUCCESS or reply.request is None:
        return Effects()
    other = reply.facts.others.get(cast(_Body, reply.request.body).other_device_id)
    found = inventory.changes(reply.device, inventory.Event.JOINED, reply.now)
    if other is not None and reply.device.device_type is _GSME and other.device_type is _GPF:
        point = other.import_mpxn or reply.device.import_mpxn
        found += inventory.changes(other, inventory.Event.GAS_METER_JOINED, reply.now, import_mpxn=point)
        if reply.device.gpf != other.eui:
            found += (DeviceChange(reply.device.eui, replace(reply.device, gpf=other.eui), "joined its GPF by 8.7"),)
    return Effects(devices=found)


JOIN = ServiceRule(_join, _join_findings, _joined, _join_needs, needs_request=True)
UNJOIN = ServiceRule(_unjoin, needs=needs_hub)
