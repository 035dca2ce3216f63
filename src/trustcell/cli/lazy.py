"""Groups that import the module of a command when it is run: ``gbcs decode`` has no use for a database."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

_ASKED_FOR_HELP = "trustcell.cli.lazy.help"


@dataclass(frozen=True, slots=True)
class Lazy:
    """Where a command is: its module, the name in it of a ``Typer`` or of the function, and its line in the help."""

    module: str
    attribute: str
    help: str

    def load(self, name: str) -> Any:
        """Import the module and make the command."""
        found = getattr(importlib.import_module(self.module), self.attribute)
        if isinstance(found, typer.Typer):
            command: Any = typer.main.get_command(found)
        else:
            alone = typer.Typer(
                add_completion=False,
                pretty_exceptions_enable=False,
                context_settings={"help_option_names": ["-h", "--help"]},
            )
            alone.command(name)(found)
            command = typer.main.get_command(alone)
        command.name = name
        return command


class LazyGroup(TyperGroup):
    """A group with a table instead of commands; its help is written from the table alone.

    Contexts and commands are not typed: some releases of typer have their own, some those of click.
    """

    table: ClassVar[Mapping[str, Lazy]] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        """The commands of the group itself, then those of the table."""
        return [*super().list_commands(ctx), *self.table]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported; in a help text only what its line says."""
        lazy = self.table.get(cmd_name)
        if lazy is None:
            return super().get_command(ctx, cmd_name)
        if ctx.meta.get(_ASKED_FOR_HELP):
            return TyperCommand(cmd_name, help=lazy.help)
        return lazy.load(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help without importing anything."""
        ctx.meta[_ASKED_FOR_HELP] = True
        super().format_help(ctx, formatter)
