"""Which command a device message answers, and whether it is consistent with itself (duis-dsp.md 4.4; gbcs.md 1.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from trustcell import gbcs
from trustcell.vocab import Eui64

FUTURE_DATED_CODES = frozenset({0x8F66, 0x8F67})
"""Executed, and not executed: the alerts of a future-dated command."""

_LOAD_CONTROLLER_MODES = frozenset(
    {
        gbcs.CredentialsReplacementMode.LOAD_CONTROLLER_BY_LOAD_CONTROLLER,
        gbcs.CredentialsReplacementMode.LOAD_CONTROLLER_BY_SUPPLIER,
    }
)
# CS02b reports by 00CB, CS02g by 0124 (gbcs.md 6.3).
_ALERT_IS_CS02G: Mapping[int, bool] = MappingProxyType({0x00CB: False, 0x0124: True})


@dataclass(frozen=True, slots=True)
class CommandKey:
    """Names one command for ever, and is its message id: no two octet strings may share it (invariant I1)."""

    originator: Eui64
    device: Eui64
    counter: int

    @property
    def text(self) -> str:
        """``originator:device:counter``: the message id on the WAN, and the name of a due time."""
        return f"{self.originator}:{self.device}:{self.counter}"

    @classmethod
    def parse(cls, text: str) -> "CommandKey":
        """Read ``text`` back; ``ValueError`` for anything else."""
        originator, device, counter = text.split(":")
        return cls(Eui64.parse(originator), Eui64.parse(device), int(counter))


class Kind(StrEnum):
    """A command is answered once by a response and, if it was future dated, once by an alert."""

    RESPONSE = "response"
    ALERT = "alert"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a device message says it answers, and the protection such a message must have."""

    key: CommandKey
    message_code: int
    kind: Kind
    shape: gbcs.Shape


def claim_of(message: gbcs.Message, payload: Any) -> Claim | None:
    """The command this message claims to answer; ``None`` when it answers none or contradicts itself.

    A response repeats the counter of its command in header and payload. An alert has the device's own counter in the
    header, so the command's is taken from the payload (duis-dsp.md 3). No command of ours names a supplementary
    party, so an answer that does belongs to somebody else.
    """
    if message.supplementary is not None:
        return None
    if message.cra is gbcs.Cra.RESPONSE:
        return _response(message, payload)
    if message.cra is gbcs.Cra.ALERT:
        return _alert(message, payload)
    return None


def _response(message: gbcs.Message, payload: Any) -> Claim | None:
    key = CommandKey(message.target, message.originator, message.originator_counter)
    if isinstance(payload, gbcs.UpdateSecurityCredentialsResponse):
        outcome = payload.outcome
        if outcome is not None and (outcome.seq_number, outcome.mode.message_code) != (
            message.originator_counter,
            message.message_code,
        ):
            return None
        return Claim(key, message.message_code, Kind.RESPONSE, gbcs.Shape.SIGNED)
    if isinstance(payload, tuple):
        return Claim(key, message.message_code, Kind.RESPONSE, gbcs.Shape.MAC)
    return None


def _alert(message: gbcs.Message, payload: Any) -> Claim | None:
    if not isinstance(payload, gbcs.UpdateSecurityCredentialsAlert) or payload.alert_code not in FUTURE_DATED_CODES:
        return None
    outcome = payload.outcome
    if _ALERT_IS_CS02G.get(message.message_code) is not (outcome.mode in _LOAD_CONTROLLER_MODES):
        return None
    key = CommandKey(message.target, message.originator, outcome.seq_number)
    return Claim(key, outcome.mode.message_code, Kind.ALERT, gbcs.Shape.SIGNED)
