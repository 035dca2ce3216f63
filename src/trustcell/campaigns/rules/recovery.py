"""Recovery: methods, the decision it needs, and what it will take (SEC L10; smki.md section 6).

Three methods replace an Organisation Certificate whose key is compromised or out of reach: the subscriber with its own
key (1), the DCC with the recovery key and the ACB's certificates (2), the DCC with the recovery key and the new
organisation's certificates (3). The SMKI PMA decides whether the recovery key is used; without its decision, or under
one for something else, no recovery command is built.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from trustcell.governance.rules.approval_rules import Circumstances, Wanted, approval_covers
from trustcell.governance.rules.approvals import Approval, ApprovalKind
from trustcell.vocab import Eui64, Finding, RemotePartyRole

KIND = "recovery"

Decision = Callable[[datetime], Sequence[Finding]]
"""Everything that keeps the SMKI PMA's decision from covering a recovery at a moment; empty when it does."""


class Method(IntEnum):
    """Who replaces what by what."""

    SUBSCRIBER = 1
    """The subscriber replaces its certificates with its own key: no recovery key is used."""
    ACB_CERTIFICATES = 2
    NEW_CERTIFICATES = 3


METHODS: Mapping[Method, str] = MappingProxyType(
    {
        Method.SUBSCRIBER: "the subscriber replaces its certificates with its own key (SRV 6.15.1)",
        Method.ACB_CERTIFICATES: "the recovery key puts the ACB's certificates in",
        Method.NEW_CERTIFICATES: "the recovery key puts the new organisation's certificates in",
    }
)


@dataclass(frozen=True, slots=True)
class RecoveryEvent:
    """One event: whose certificates are replaced (``party`` in its ``role``), by whose, by which method, and why.

    ``key`` is the SHA-256 in hex of the SubjectPublicKeyInfo that is compromised or out of reach, ``recovery`` whose
    recovery key signs, ``requester`` the person who asks for it.
    """

    name: str
    method: Method
    role: RemotePartyRole
    party: Eui64
    goal: Eui64
    recovery: Eui64
    key: str
    cause: str
    requester: str

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for a method that uses no recovery key."""
        if self.method is Method.SUBSCRIBER:
            raise ValueError("method 1 uses no recovery key: it is a departure of the subscriber")

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "name": self.name,
            "method": int(self.method),
            "role": self.role.title,
            "party": str(self.party),
            "goal": str(self.goal),
            "key": self.key,
            "cause": self.cause,
            "requester": self.requester,
        }


def decided(event: RecoveryEvent, approval: Approval | None, circumstances: Circumstances) -> list[Finding]:
    """What keeps an approval from covering a recovery: every limb that is missing (hostile V9)."""
    wanted = Wanted(
        kind=ApprovalKind.RECOVERY_USE,
        role=event.role,
        subject=event.party,
        key=event.key,
        purpose=event.name,
        requester=event.requester,
    )
    return approval_covers(approval, wanted, circumstances)


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the planner reckons with: each may be set anew."""

    messages_a_device: int = 4
    """The command and its response, a 6.24.1 and its response."""
    commands_an_hour: int = 36_000
    unreachable: float = 0.03
    attempts: int = 3
    wave: int = 10_000

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for what cannot be."""
        if min(self.messages_a_device, self.commands_an_hour, self.attempts, self.wave) < 1:
            raise ValueError("numbers of a plan are at least one")
        if not 0 <= self.unreachable < 1:
            raise ValueError("a share lies between 0 and 1")


@dataclass(frozen=True, slots=True)
class Wave:
    """So many devices of a plan, and what they take."""

    number: int
    devices: int
    messages: int
    hours: float


def plan(devices: int, assumptions: Assumptions) -> tuple[Wave, ...]:
    """Waves until every device was tried; those that are unreachable are tried as often as allowed, in vain."""
    waves = []
    for number, begin in enumerate(range(0, devices, assumptions.wave), 1):
        size = min(assumptions.wave, devices - begin)
        silent = round(size * assumptions.unreachable)
        half = assumptions.messages_a_device // 2
        messages = (size - silent) * assumptions.messages_a_device + silent * assumptions.attempts * half // 2
        commands = size - silent + silent * assumptions.attempts
        waves.append(Wave(number, size, messages, commands / assumptions.commands_an_hour))
    return tuple(waves)


def proposed(role: RemotePartyRole, *, can_sign: bool, successor: bool) -> Method:
    """The method that asks least: who can still sign replaces by itself; who has a successor is replaced by it."""
    if can_sign:
        return Method.SUBSCRIBER
    if role is RemotePartyRole.NETWORK_OPERATOR and not successor:
        return Method.ACB_CERTIFICATES
    return Method.NEW_CERTIFICATES
