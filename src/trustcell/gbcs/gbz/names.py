"""What clusters, attributes and commands are called, from ``attributes.csv`` and ``commands.csv``."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final

from trustcell.gbcs.gbz.commands import key, layouts

GENERAL_COMMANDS: Final = MappingProxyType(
    {0x00: "Read Attributes", 0x01: "Read Attributes Response", 0x0B: "Default Response"}
)
"""Commands that every cluster has; GBCS uses no other."""

STATUSES: Final = MappingProxyType({0x00: "success", 0x01: "not executed", 0x8B: "not found", 0xC0: "hardware failure"})
"""ZCL statuses that GBCS uses (dlms-gbz.md 3.3)."""


def cluster_name(cluster: int) -> str | None:
    """The name of a cluster."""
    return _clusters().get(cluster)


def attribute_name(cluster: int, attribute: int) -> str | None:
    """The name of an attribute of a cluster's server."""
    return _attributes().get((cluster, attribute))


def command_name(cluster: int, from_server: bool, command: int) -> str | None:
    """The name of a cluster command."""
    layout = layouts().get(key(cluster, from_server, command))
    return layout.name if layout else None


@cache
def _rows() -> tuple[dict[str, str], ...]:
    with resources.files(__package__).joinpath("attributes.csv").open(encoding="utf-8") as lines:
        return tuple(csv.DictReader(lines))


@cache
def _clusters() -> Mapping[int, str]:
    return MappingProxyType({int(row["cluster"], 16): row["cluster_name"] for row in _rows()})


@cache
def _attributes() -> Mapping[tuple[int, int], str]:
    named = (row for row in _rows() if row["attribute"])
    return MappingProxyType({(int(row["cluster"], 16), int(row["attribute"], 16)): row["name"] for row in named})
