"""The cluster commands we know, one row each in ``commands.csv`` (dlms-gbz.md 3.4)."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from trustcell.gbcs.gbz.layouts import Layout


class CommandFields(tuple[Layout, tuple[Any, ...]]):
    """The payload of a cluster command: its layout and one value for each field, in order."""

    __slots__ = ()

    def __new__(cls, layout: Layout, values: tuple[Any, ...]) -> "CommandFields":
        """Refuse values that the fields cannot hold."""
        layout.write(values)
        return tuple.__new__(cls, (layout, values))

    def __getnewargs__(self) -> tuple[Layout, tuple[Any, ...]]:
        """Copies are made of both."""
        return self[0], self[1]

    def __repr__(self) -> str:
        """The command with its fields."""
        return f"CommandFields({self[0].name!r}, {self.named()})"

    @property
    def layout(self) -> Layout:
        """What the fields are called."""
        return self[0]

    @property
    def values(self) -> tuple[Any, ...]:
        """The values in order."""
        return self[1]

    def field(self, name: str) -> Any:
        """The value of one field; ``KeyError`` for a name this command has not."""
        return self[1][self[0].position(name)]

    def named(self) -> dict[str, Any]:
        """The values by name."""
        return {field.name: value for field, value in zip(self[0].fields, self[1], strict=True)}


def key(cluster: int, from_server: bool, command: int) -> int:
    """Cluster, sender and command as one number."""
    return cluster << 16 | (8 if from_server else 0) << 8 | command


@cache
def layouts() -> Mapping[int, Layout]:
    """The layout of every command we know, by ``key``."""
    with resources.files(__package__).joinpath("commands.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return MappingProxyType(
        {
            key(int(row["cluster"], 16), row["sender"] == "server", int(row["command"], 16)): Layout(
                row["name"], row["fields"]
            )
            for row in rows
        }
    )


def command_fields(cluster: int, from_server: bool, command: int, /, **values: Any) -> CommandFields:
    """The payload of one command from its fields by name; ``ValueError`` for names that are not its fields."""
    layout = layouts().get(key(cluster, from_server, command))
    if layout is None:
        raise ValueError(f"no command {command:02X} of the {'server' if from_server else 'client'} in {cluster:04X}")
    names = [field.name for field in layout.fields]
    wanted = {field.name for field in layout.fields if not field.optional}
    if not wanted <= values.keys() <= set(names):
        raise ValueError(f"{layout.name} has the fields {', '.join(names)}")
    return CommandFields(layout, tuple(values.get(name) for name in names))
