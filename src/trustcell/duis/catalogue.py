"""The catalogue of services: what each service reference variant is, allows and needs, as data.

``catalogue.csv`` holds the facts. Where sources disagree this room decides by criticality, because critical services
need a signature of the user inside the command: 7.12 and 7.13 (schema ``1 2 3``, critical in the public request
matrix) allow ``4 5 6 7``; 7.14 and 7.15 (schema ``4 5 6 7``, not critical) allow ``1 2 3``, as the published request
templates do. ``schema_command_variants`` keeps what the comments of the schema say. An empty list of target device
types means that the DSP itself answers.

``use_cases.csv`` says which GBCS use case carries a service to a device type. Its ``source`` is ``matrix`` for the
public request matrix, ``digest`` for duis-dsp.md 5 and the reference messages, ``assumed`` where only the nature of
the device speaks for it.
"""

import csv
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from types import MappingProxyType


class FutureDating(StrEnum):
    """Who holds a future-dated command until its time has come."""

    NONE = "none"
    DSP = "dsp"
    DEVICE = "device"
    DSP_AND_DEVICE = "dsp device"


class UserRole(StrEnum):
    """User roles of the request matrix: who may ask."""

    IMPORT_SUPPLIER = "IS"
    EXPORT_SUPPLIER = "ES"
    GAS_SUPPLIER = "GS"
    REGISTERED_SUPPLIER_AGENT = "RSA"
    ELECTRICITY_DISTRIBUTOR = "ED"
    GAS_TRANSPORTER = "GT"
    OTHER_USER = "OU"


@dataclass(frozen=True, slots=True)
class UseCase:
    """A GBCS use case that carries a service to one device type, with its message codes (none where unknown)."""

    name: str
    message_codes: tuple[int, ...]
    device_type: str
    source: str


@dataclass(frozen=True, slots=True)
class Service:
    """One row of the catalogue: a service reference variant such as ``6.15.1``.

    ``command_variants`` are the numbers 1 to 8 a request may carry. ``eligible_roles`` is empty where the matrix lists
    none. Roles, names and dating come from the public request matrix, variants from the DUIS schema (duis-dsp.md 1.2).
    """

    variant: str
    reference: str
    name: str
    body_element: str
    command_variants: frozenset[int]
    schema_command_variants: frozenset[int]
    critical: bool
    non_device: bool
    on_demand: bool
    future_dated: FutureDating
    dcc_scheduled: bool
    eligible_roles: frozenset[UserRole]
    target_device_types: tuple[str, ...]
    use_cases: tuple[UseCase, ...] = ()

    def __post_init__(self) -> None:
        """Hold the shape of a row; raises ``ValueError``."""
        numbers = self.variant.split(".")
        if self.reference != ".".join(numbers[:2]) or not all(n.isdigit() for n in numbers):
            raise ValueError(f"{self.variant}: a service reference is the first two numbers of its variant")
        if not self.command_variants or not self.command_variants <= frozenset(range(1, 9)):
            raise ValueError(f"{self.variant}: command variants are numbers from 1 to 8")
        if self.critical != (4 in self.command_variants) or self.non_device != (8 in self.command_variants):
            raise ValueError(f"{self.variant}: critical services have variant 4, non-device services variant 8")

    def use_cases_for(self, device_type: str) -> tuple[UseCase, ...]:
        """The use cases that carry this service to a device type, such as ``ESME``; none if it is not for one."""
        return tuple(use_case for use_case in self.use_cases if use_case.device_type == device_type)


@functools.cache
def services() -> Mapping[str, Service]:
    """Every service by its variant, in the order of the schema; read once, on first use."""
    use_cases: dict[str, list[UseCase]] = {}
    for row in _table("use_cases.csv"):
        use_cases.setdefault(row["variant"], []).append(_use_case(row))
    rows = [_service(row, tuple(use_cases.get(row["variant"], ()))) for row in _table("catalogue.csv")]
    return MappingProxyType({service.variant: service for service in rows})


@functools.cache
def body_elements() -> frozenset[str]:
    """The names of all request body elements that belong to one service."""
    return frozenset(service.body_element for service in services().values())


@functools.cache
def service_references() -> frozenset[str]:
    """The closed list of service references, such as ``6.15``."""
    return frozenset(service.reference for service in services().values())


@functools.cache
def response_codes() -> Mapping[str, str]:
    """Every response code of the closed list, with the schema version (5.1 or 5.4) that first allows it."""
    return MappingProxyType({row["code"]: row["since"] for row in _table("response_codes.csv")})


def _table(name: str) -> list[dict[str, str]]:
    text = files("trustcell.duis").joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def _use_case(row: Mapping[str, str]) -> UseCase:
    codes = tuple(int(code, 16) for code in row["message_codes"].split())
    return UseCase(row["use_case"], codes, row["device_type"], row["source"])


def _service(row: Mapping[str, str], use_cases: tuple[UseCase, ...]) -> Service:
    return Service(
        variant=row["variant"],
        reference=row["reference"],
        name=row["name"],
        body_element=row["body_element"],
        command_variants=_numbers(row["command_variants"]),
        schema_command_variants=_numbers(row["schema_command_variants"]),
        critical=_flag(row["critical"]),
        non_device=_flag(row["non_device"]),
        on_demand=_flag(row["on_demand"]),
        future_dated=FutureDating(row["future_dated"]),
        dcc_scheduled=_flag(row["dcc_scheduled"]),
        eligible_roles=frozenset(UserRole(role) for role in row["eligible_roles"].split()),
        target_device_types=tuple(row["target_device_types"].split()),
        use_cases=use_cases,
    )


def _numbers(text: str) -> frozenset[int]:
    return frozenset(int(number) for number in text.split())


def _flag(text: str) -> bool:
    return {"yes": True, "no": False}[text]
