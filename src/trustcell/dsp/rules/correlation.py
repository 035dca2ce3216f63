"""Which command a device message answers, how it must be protected, and whether it agrees with itself (4.4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from trustcell import gbcs
from trustcell.duis import RequestId
from trustcell.gbcs.usecases.firmware import ActivateFirmwareAlert
from trustcell.vocab import Eui64

FUTURE_DATED_CODES = frozenset({0x8F66, 0x8F67})
"""Executed, and not executed: the alerts of a future-dated command."""

_LOAD_CONTROLLER_MODES = frozenset(
    {
        gbcs.CredentialsReplacementMode.LOAD_CONTROLLER_BY_LOAD_CONTROLLER,
        gbcs.CredentialsReplacementMode.LOAD_CONTROLLER_BY_SUPPLIER,
    }
)
_CS06 = 0x0012
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


class Protection(StrEnum):
    """What must stand around an answer, and who can check it."""

    DEVICE_SIGNATURE = "device signature"
    """By the device's Digital Signature key, as the answer to a critical command or a critical alert has."""
    BROKER_MAC = "broker MAC"
    """Between device and broker: everything the broker originated and did not sign."""
    USER_MAC = "user MAC"
    """Between device and user: nobody else has the key, so the DSP passes it on unchecked (duis-dsp.md 4.4)."""

    @property
    def shape(self) -> gbcs.Shape:
        """How such a message looks: never signed and MACed at once (gbcs.md 1.3)."""
        return gbcs.Shape.SIGNED if self is Protection.DEVICE_SIGNATURE else gbcs.Shape.MAC


@dataclass(frozen=True, slots=True)
class Claim:
    """What a device message says it answers, and the protection such a message must have.

    ``message_code`` is the command's. ``supplementary`` names whom the broker acted for, and that request's counter.
    """

    key: CommandKey
    message_code: int
    kind: Kind
    protection: Protection
    supplementary: gbcs.Supplementary | None = None

    def fits(self, message_code: int, request_id: RequestId) -> bool:
        """Whether the command that stands under the key is the one this claims to answer."""
        if message_code != self.message_code:
            return False
        named = self.supplementary
        return named is None or (named.party, named.counter) == (request_id.originator, request_id.counter)


def claim_of(message: gbcs.Message, payload: Any, broker: Eui64) -> Claim | None:
    """The command this message claims to answer; ``None`` when it answers none or contradicts itself.

    A response repeats the counter of its command in header and payload. An alert has the device's own counter in the
    header, so the command's is taken from the payload (duis-dsp.md 3). Only what the broker originated can name a
    supplementary party.
    """
    if message.supplementary is not None and message.target != broker:
        return None
    if message.cra is gbcs.Cra.RESPONSE:
        return _response(message, payload, broker)
    if message.cra is gbcs.Cra.ALERT:
        return _alert(message, payload)
    return None


def _response(message: gbcs.Message, payload: Any, broker: Eui64) -> Claim | None:
    protection = _protection(message, broker)
    if protection is None or not _agrees(message, payload):
        return None
    key = CommandKey(message.target, message.originator, message.originator_counter)
    return Claim(key, message.message_code, Kind.RESPONSE, protection, message.supplementary)


def _protection(message: gbcs.Message, broker: Eui64) -> Protection | None:
    """What the use case demands of its response; where it leaves a choice (CS02a, CS02f), the broker gets a MAC."""
    row = gbcs.message_code(message.message_code)
    allowed = {protection.value for protection in row.response} if row is not None else set()
    mine = message.target == broker
    if "mac" in allowed and (mine or "sig" not in allowed):
        return Protection.BROKER_MAC if mine else Protection.USER_MAC
    return Protection.DEVICE_SIGNATURE if "sig" in allowed else None


def _agrees(message: gbcs.Message, payload: Any) -> bool:
    """Whether the payload, where it repeats counter and mode, repeats those of the header."""
    if not isinstance(payload, gbcs.UpdateSecurityCredentialsResponse) or payload.outcome is None:
        return True
    outcome = payload.outcome
    return (outcome.seq_number, outcome.mode.message_code) == (message.originator_counter, message.message_code)


def _alert(message: gbcs.Message, payload: Any) -> Claim | None:
    """The alert of a future-dated command: signed, and naming its command inside."""
    if message.supplementary is not None or getattr(payload, "alert_code", None) not in FUTURE_DATED_CODES:
        return None
    named = _named(message.message_code, payload)
    if named is None:
        return None
    code, counter = named
    key = CommandKey(message.target, message.originator, counter)
    return Claim(key, code, Kind.ALERT, Protection.DEVICE_SIGNATURE)


def _named(alert: int, payload: Any) -> tuple[int, int] | None:
    """Message code and counter of the command that an alert reports on."""
    match payload:
        case gbcs.UpdateSecurityCredentialsAlert(outcome=outcome):
            if _ALERT_IS_CS02G.get(alert) is not (outcome.mode in _LOAD_CONTROLLER_MODES):
                return None
            return outcome.mode.message_code, outcome.seq_number
        case ActivateFirmwareAlert(originator_counter=counter):
            return _CS06, counter
    return None
