"""One request on its way through the checks, and the words for it in the books."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trustcell import duis
from trustcell.dsp.rules import access
from trustcell.dsp.rules.clauses import PROCESSING
from trustcell.dsp.rules.counters import milliseconds
from trustcell.dsp.rules.facts import NOTHING_KNOWN, DeviceRecord, Facts
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.plan import Ask, CommandPlan, Needs
from trustcell.dsp.rules.reasons import response_code
from trustcell.dsp.rules.services.subject import subject
from trustcell.dsp.rules.work import Command, Due, RequestChange, TrailEntry, Work
from trustcell.dsp.service.authentication import Authentic
from trustcell.vocab import Eui64, Refused

NOBODY = Eui64(bytes(8))
"""Whose trail an unreadable message is in."""


@dataclass(slots=True)
class Case:
    """One request and what became of it so far.

    ``door`` is empty when the DSP itself asks: for a request it held, or for the schedule ``schedule``. ``attempt`` is
    how many of the broker's keys were tried on the device in vain. ``done`` are the due times this settles.
    ``passed`` and ``failed`` are numbers of checks.
    """

    index: int
    authentic: Authentic
    door: str
    facts: Facts = NOTHING_KNOWN
    plan: CommandPlan | None = None
    work: Work | None = None
    command: Command | None = None
    code: str = ""
    content: Any = None
    refusal: Refused | None = None
    schedule: int | None = None
    attempt: int = 0
    done: tuple[Due, ...] = ()
    passed: list[int] = field(default_factory=list)
    failed: int | None = None

    @property
    def request(self) -> duis.Request:
        """The request itself."""
        return self.authentic.request

    @property
    def ids(self) -> duis.RequestId:
        """Its request ID."""
        return self.authentic.request.request_id

    @property
    def variant(self) -> str:
        """The service reference variant asked for."""
        return self.authentic.request.service_reference_variant

    @property
    def device(self) -> Eui64:
        """Whose books it changes: the target, or the device that a request to the DSP itself names."""
        return subject(self.authentic.request)

    @property
    def record(self) -> DeviceRecord:
        """The target's inventory entry; the checks have seen it."""
        if self.facts.device is None:
            raise refused(
                "device_unknown", "Header.RequestID", f"{self.device} is not in the inventory", "pre-notify it"
            )
        return self.facts.device

    @property
    def needs(self) -> Needs:
        """What has to be gathered for it."""
        return access.needs(self.authentic.request)

    @property
    def expected(self) -> RequestState | None:
        """Where the request ID stands before this."""
        return None if self.facts.known is None else self.facts.known.state

    @property
    def refused_code(self) -> str:
        """The response code of its refusal."""
        assert self.refusal is not None
        return response_code(self.refusal.code, from_signature=self.authentic.refused is not None)

    def ask(self, broker: Eui64, transitional_cos: Eui64, now: datetime) -> Ask:
        """What the rules look at."""
        scheduled = self.schedule is not None
        return Ask(self.authentic.request, self.facts, broker, transitional_cos, now, self.door, scheduled)

    def change(self, state: RequestState, expected: RequestState | None, **fields: Any) -> RequestChange:
        """The request moves on."""
        request = self.authentic.request
        return RequestChange(self.ids, expected, state, self.variant, request.command_variant, **fields)

    def accepted(self, code: str, **more: Any) -> TrailEntry:
        """The line of the trail for what was accepted."""
        return TrailEntry("request", str(self.ids), self._facts(code) | more)

    def refused(self, now: datetime) -> TrailEntry:
        """The line of the trail for what was refused, under the reference that its sender gets too."""
        assert self.refusal is not None
        findings = [finding.as_json() for finding in self.refusal.findings]
        facts = self._facts(self.refused_code) | {"findings": findings}
        if self.failed is not None:
            facts["failed"] = self.failed
        return TrailEntry("refused", str(self.ids), facts, reference(now, self.authentic.digest))

    def _facts(self, code: str) -> dict[str, Any]:
        return {
            "service": self.variant,
            "variant": self.authentic.request.command_variant,
            "door": self.door,
            "code": code,
            "duis": self.authentic.digest,
            "checks": self.passed,
        }


def reference(now: datetime, digest: str) -> str:
    """The short id that a refusal gives to its sender and to the trail."""
    return f"{milliseconds(now):x}-{digest[:8]}"


def digest_of(octets: bytes) -> str:
    """SHA-256 as hex: how the trail names octets that stand in the books."""
    return hashlib.sha256(octets).hexdigest()


def refused(code: str, field_name: str, message: str, remedy: str) -> Refused:
    """A refusal by the processing document."""
    return Refused([PROCESSING.breach(code, field_name, message, remedy)])


def apart(cases: list[Case]) -> tuple[list[Case], list[Case]]:
    """The first cases of which no two are about one device or one request ID, and the others, in order."""
    group: list[Case] = []
    later: list[Case] = []
    seen: set[Any] = set()
    for case in cases:
        names = (case.device, case.ids)
        # whoever comes after one that waits must wait as well, or requests to one device would change places
        (later if len(group) == MAX_GROUP or not seen.isdisjoint(names) else group).append(case)
        seen.update(names)
    return group, later


MAX_GROUP = 64
"""How many requests share one commit (scale.md 3)."""
