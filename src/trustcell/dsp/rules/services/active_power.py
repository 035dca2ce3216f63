"""4.16: the active power a meter imports just now (ECS17c), which the DCC may ask for by a schedule."""

from trustcell.dsp.rules.plan import Ask, CommandPlan
from trustcell.dsp.rules.services.base import ServiceRule
from trustcell.dsp.rules.services.originator import non_critical
from trustcell.gbcs import dlms

_ECS17C = 0x0028
_REGISTER = bytes.fromhex("00005E2C2214")


def _read(ask: Ask) -> CommandPlan:
    def payload(counter: int) -> bytes:
        question = dlms.Instruction(dlms.Service.GET, 1, _REGISTER, 2)
        octets: bytes = dlms.AccessRequest(counter & 0xFFFFFF, (question,)).encode()
        return octets

    return non_critical(ask, _ECS17C, payload)


READ = ServiceRule(_read)
