"""A device that was put back to an old memory: it accepts old numbers again and cannot know it (hostile N17).

A slot read tells: it shows less than the device once acknowledged. Nothing is lowered by it, what is stored stays.
"""

from collections.abc import Iterable, Iterator

from trustcell.dsp.rules.facts import Facts, Occupant
from trustcell.dsp.rules.plan import SlotChange

TAUGHT = ("6.15.1 ", "6.24.1 ")
"""How the source of a stored counter begins that a device itself told; a raised one it may never have seen."""


def signs_of_it(facts: Facts, read: Iterable[SlotChange], numbers: Iterable[int]) -> Iterator[str]:
    """One line for each thing that the device has forgotten or the books do not know.

    ``numbers`` are those of a Network Operator cell that holds the broker. Another occupant than on record may as well
    come from an answer that was lost, so the line says both.
    """
    for number in numbers:
        if facts.highest is not None and number < facts.highest and facts.learned_from.startswith(TAUGHT):
            yield (
                f"rolled back: the device tells {number}, and acknowledged {facts.highest} before; "
                "it accepts old numbers again"
            )
    for change in read:
        known = facts.slots.get(change.cell)
        if known is not None and known != change.occupant:
            yield (
                f"not as recorded: {change.cell} holds {_told(change.occupant)}, on record was {_told(known)}; "
                "an answer was lost, or the device was put back to an old memory"
            )


def _told(occupant: Occupant) -> str:
    return f"{occupant.entity} {occupant.key_id.hex()}"
