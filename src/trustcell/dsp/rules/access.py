"""The checks of a request in order: one table, run by the request manager, shown by the trail (duis-dsp.md 4.1)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from trustcell import duis
from trustcell.dsp.rules import completion, device_checks, request_checks
from trustcell.dsp.rules.plan import Ask, Needs
from trustcell.dsp.rules.services import SERVICES
from trustcell.vocab import Finding, Refused


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its number and title, the requests it is about, and the rule."""

    number: int
    title: str
    applies: Callable[[Ask], bool]
    rule: Callable[[Ask], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check said of one request: not about it, passed, or failed with findings."""

    check: Check
    applied: bool
    findings: tuple[Finding, ...] = ()


def _always(ask: Ask) -> bool:
    return True


def _from_outside(ask: Ask) -> bool:
    """Not one the DSP asks itself when it releases a held request or runs a schedule."""
    return bool(ask.door)


def _to_a_device(ask: Ask) -> bool:
    return not ask.request.service.non_device


def _locally(ask: Ask) -> bool:
    return ask.request.command_variant in device_checks.LOCAL_DELIVERY


def _pre_command(ask: Ask) -> bool:
    return ask.request.command_variant in request_checks.SIGNED


def _not_pre_command(ask: Ask) -> bool:
    """What a signed pre-command asks was checked when it was transformed."""
    return not _pre_command(ask)


def _passed_before(ask: Ask) -> Iterator[Finding]:
    """An ``Ask`` exists only once the octets were read and the signature verified."""
    return iter(())


def _of_the_service(ask: Ask) -> Iterator[Finding]:
    """The checks that belong to one service."""
    return SERVICES[ask.request.service_reference_variant].findings(ask)


def _judged_with_counts(ask: Ask) -> Iterator[Finding]:
    """Never a refusal: ``anomaly.exceeded`` judges counts that only the store has, and holds the request back."""
    return iter(())


CHECKS: tuple[Check, ...] = (
    Check(1, "media type, size, well-formed XML without a DTD", _from_outside, _passed_before),
    Check(2, "valid against the schema", _from_outside, _passed_before),
    Check(3, "XML signature verifies, certificate known and in use", _from_outside, _passed_before),
    Check(4, "signer is the originator of the request ID", _from_outside, _passed_before),
    Check(5, "originator is a user", _always, request_checks.user_known),
    Check(6, "user is active", _always, request_checks.user_active),
    Check(7, "variant and body fit the service", _from_outside, request_checks.message_fits),
    Check(8, "address fits the variant", _from_outside, request_checks.address_fits),
    Check(9, "request ID not used before", _from_outside, request_checks.request_id_new),
    Check(10, "role of the user is eligible", _always, request_checks.role_eligible),
    Check(11, "device is in the inventory", _to_a_device, device_checks.device_known),
    Check(12, "service applies to the device type", _to_a_device, device_checks.device_type_fits),
    Check(13, "device status fits the service", _to_a_device, device_checks.device_status_fits),
    Check(14, "user is responsible for the device", _to_a_device, device_checks.user_responsible),
    Check(15, "local delivery allowed", _locally, device_checks.local_delivery_offered),
    Check(16, "checks of the service", _not_pre_command, _of_the_service),
    Check(17, "signed pre-command is what was offered", _pre_command, completion.pre_command_fits),
    Check(18, "anomaly detection thresholds", _from_outside, _judged_with_counts),
)
"""Every check in its order; the first that finds something ends the row."""


def judge(ask: Ask, checks: Sequence[Check] = CHECKS) -> Iterator[Verdict]:
    """The verdict of each check in turn, up to and including the first that fails."""
    for check in checks:
        if not check.applies(ask):
            yield Verdict(check, False)
            continue
        findings = tuple(check.rule(ask))
        yield Verdict(check, True, findings)
        if findings:
            return


def require(ask: Ask, checks: Sequence[Check] = CHECKS) -> tuple[Verdict, ...]:
    """Every verdict; ``Refused`` with the findings of the check that failed."""
    verdicts = tuple(judge(ask, checks))
    if verdicts and verdicts[-1].findings:
        raise Refused(verdicts[-1].findings)
    return verdicts


def needs(request: duis.Request) -> Needs:
    """What the checks and the plan of a request must know; nothing more for a service that is not offered."""
    rule = SERVICES.get(request.service_reference_variant)
    if rule is None or isinstance(request.body, duis.SignedPreCommand):
        return Needs()  # what a pre-command needs was looked at when it was transformed
    return rule.needs(request.body)
