"""What all commands share: reading inputs, printing trees or JSON, and turning refusals into exit code 1."""

import functools
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.markup import escape

from trustcell.app.files import MAX_INPUT_OCTETS, read_input
from trustcell.vocab import TrustcellError, WireError

if TYPE_CHECKING:  # few commands print a tree or a bar
    from rich.progress import Progress

    from trustcell.gbcs import Node

P = ParamSpec("P")
R = TypeVar("R")

STANDARD_INPUT = Path("-")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
KeysFile = Annotated[
    Path,
    typer.Option(
        "--keys",
        metavar="FILE",
        help="Key file: the format of rtds/keys.json, of zaz1-test-keys.json, or a client's keystore.json.",
    ),
]

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def refusals(command: Callable[P, R]) -> Callable[P, R]:
    """Turn every ``TrustcellError`` into one sentence on standard error and exit code 1."""

    @functools.wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except TrustcellError as error:
            err.print(f"[red]refused:[/red] {escape(str(error))}")
            raise typer.Exit(1) from None

    return guarded


def read(path: Path) -> bytes:
    """The octets of a file, or of standard input for ``-``; errors name the file."""
    if path != STANDARD_INPUT:
        return read_input(path)
    octets = sys.stdin.buffer.read(MAX_INPUT_OCTETS + 1)
    if len(octets) > MAX_INPUT_OCTETS:
        raise WireError(-1, "standard input", f"at most {MAX_INPUT_OCTETS} octets expected", "input_too_large")
    return octets


def in_file(path: Path, error: WireError) -> WireError:
    """The same error with the name of the input in front of its field."""
    name = "standard input" if path == STANDARD_INPUT else str(path)
    return WireError(error.offset, f"{name}: {error.path}" if error.path else name, error.reason, error.code)


def print_json(value: Any) -> None:
    """JSON on standard output, unstyled."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_tree(node: "Node") -> None:
    """A tree of labels and texts; lines are as long as they are, so that nothing of an identifier is cut off."""
    from rich.text import Text

    out.print(Text.assemble((node.label, "bold"), f": {node.text}" if node.text else ""))
    for guides, child in _below(node, ""):
        told = f": {child.text}" if child.text or not child.children else ""
        out.print(Text.assemble((guides, "dim"), (child.label, "cyan"), told))


def with_progress(title: str, total: int) -> "Progress":
    """A progress bar on standard error that disappears when done; one task, already added."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
    )
    progress.add_task(title, total=total)
    return progress


def lines(texts: Iterable[str]) -> None:
    """Plain lines, no markup."""
    for text in texts:
        out.print(escape(text))


def _below(node: "Node", guides: str) -> Iterator[tuple[str, "Node"]]:
    """Everything below a node, depth first, with the lines that lead to it."""
    for position, child in enumerate(node.children, 1):
        is_last = position == len(node.children)
        yield f"{guides}{'└── ' if is_last else '├── '}", child
        yield from _below(child, f"{guides}{'    ' if is_last else '│   '}")
