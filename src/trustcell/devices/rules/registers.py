"""ECS17c: the active power an electricity meter imports just now (dlms-gbz.md 4.8)."""

import hashlib
from datetime import datetime

from trustcell.devices.fleet import Device
from trustcell.devices.outcome import Outcome
from trustcell.devices.rules.access import answered, authorised, non_critical, typed
from trustcell.gbcs import ActivePower, InstructionFailed, ReadActivePower
from trustcell.gbcs.frame import Message
from trustcell.vocab import RemotePartyRole

ECS17C = 0x0028

_WATT = 27
_BASE, _SPAN = 120, 2_880
_ACCESS = non_critical(
    RemotePartyRole.ACCESS_CONTROL_BROKER,
    RemotePartyRole.SUPPLIER,
    RemotePartyRole.NETWORK_OPERATOR,
    replay_protected=False,
)


def power(device: Device, now: datetime) -> int:
    """What a home draws, in watts: between a fridge and an oven, another for each home and half hour."""
    half_hour = int(now.timestamp()) // 1_800
    digest = hashlib.sha256(device.eui + half_hour.to_bytes(8, "big")).digest()
    return _BASE + int.from_bytes(digest[:4], "big") % _SPAN


def read(device: Device, message: Message, now: datetime) -> Outcome:
    """ECS17c, of an ESME."""
    typed(message, ReadActivePower)
    device, sender = authorised(device, message, _ACCESS)
    answer: ActivePower | InstructionFailed = ActivePower(power(device, now), 0, _WATT, 0)
    if device.fails(ECS17C):
        answer = InstructionFailed()
    return Outcome(device, (answered(device, message, sender, answer, now),))
