"""4.16: the active power a meter imports just now (ECS17c), which the DCC may ask for by a schedule."""

from trustcell import gbcs
from trustcell.dsp.rules.plan import Ask, CommandPlan
from trustcell.dsp.rules.services.base import ServiceRule
from trustcell.dsp.rules.services.originator import non_critical, numbered

_ECS17C = 0x0028


def _read(ask: Ask) -> CommandPlan:
    return non_critical(ask, _ECS17C, numbered(_ECS17C, gbcs.ReadActivePower()))


READ = ServiceRule(_read)
