"""Checks 5 to 10: who asks, whether the message fits itself, and whether its ID is new (duis-dsp.md 4.1 and 4.2)."""

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

from trustcell import duis
from trustcell.dsp.rules.clauses import PROCESSING
from trustcell.dsp.rules.facts import UserStatus
from trustcell.dsp.rules.lifecycle import RequestState
from trustcell.dsp.rules.plan import Ask
from trustcell.dsp.rules.roles import acting_roles, eligible_roles
from trustcell.dsp.rules.services import SERVICES
from trustcell.duis import UserRole
from trustcell.vocab import Finding, WireError

TRANSFORM = 4
SIGNED = frozenset({5, 6, 7})
"""Variants that carry a signed pre-command."""

DOORS: Mapping[int, str] = MappingProxyType(
    {
        1: "serviceS",
        2: "serviceD",
        3: "serviceS",
        4: "serviceT",
        5: "serviceS",
        6: "serviceD",
        7: "serviceS",
        8: "serviceD",
    }
)
"""Command variant to the service it is sent to (dcc-boxed-interface.md 2)."""


def user_known(ask: Ask) -> Iterator[Finding]:
    """The originator is a user in at least one role."""
    user = ask.facts.user
    if user is None or not user.roles:
        yield PROCESSING.breach(
            "unknown_user",
            "Header.RequestID",
            "the originator of the request ID is not a DCC User",
            "become a user in one of the roles of the service",
        )


def user_active(ask: Ask) -> Iterator[Finding]:
    """The user is neither suspended nor gone."""
    user = ask.facts.user
    if user is not None and user.status is not UserStatus.ACTIVE:
        yield PROCESSING.breach(
            "user_not_active",
            "Header.RequestID",
            f"the user {user.entity} is {user.status}",
            "ask again when the status allows it",
            status=user.status,
        )


def message_fits(ask: Ask) -> Iterator[Finding]:
    """Variant and body fit the service; a signed pre-command stands in variants 5, 6 and 7 and nowhere else."""
    yield from duis.mismatches(ask.request)


def address_fits(ask: Ask) -> Iterator[Finding]:
    """The message came to the service that its variant belongs to."""
    variant = ask.request.command_variant
    door = DOORS.get(variant)
    if door != ask.door:
        yield PROCESSING.breach(
            "wrong_address",
            "Header.CommandVariant",
            f"variant {variant} does not belong at {ask.door}",
            f"send it to {door}" if door else "use a variant of the service",
        )


def request_id_new(ask: Ask) -> Iterator[Finding]:
    """A request ID is used once, but the same transform, again and again, and one signed pre-command share it."""
    known, variant = ask.facts.known, ask.request.command_variant
    if known is None:
        return
    if known.state is RequestState.TRANSFORMED and (
        variant in SIGNED or (variant == TRANSFORM and _same(known.received, ask.request))
    ):
        return
    yield PROCESSING.breach(
        "request_id_used",
        "Header.RequestID",
        f"the ID {ask.request.request_id} was used before, for {known.service_variant}",
        "use a counter that was not used for this device",
    )


def _same(received: bytes, request: duis.Request) -> bool:
    """Whether the stored octets say the same as this request: its signature may be another."""
    try:
        return duis.parse_request(received).request == request
    except (WireError, duis.RequestMismatch):
        return False


def role_eligible(ask: Ask) -> Iterator[Finding]:
    """The service is offered, and one of the user's roles may ask for it."""
    service, user = ask.request.service, ask.facts.user
    if service.variant not in SERVICES:
        yield PROCESSING.breach(
            "service_not_offered",
            "Header.ServiceReferenceVariant",
            f"service {service.variant} is not offered",
            f"use one of {', '.join(SERVICES)}",
        )
    elif user is not None and not acting_roles(ask):
        yield PROCESSING.breach(
            "role_not_eligible",
            "Header.ServiceReferenceVariant",
            f"the roles {_listed(user.roles)} of this user may not ask for {service.variant}",
            f"ask as {_listed(eligible_roles(service))}",
        )


def _listed(roles: Collection[UserRole]) -> str:
    return ", ".join(sorted(roles))
