"""What commands share: where the home is, who acts, what the clock shows, which device."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from trustcell.vocab import Eui64

DEFAULT_HOME = Path("trustcell-home")

_MOMENT = "%Y-%m-%dT%H:%M:%SZ"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def read_moment(text: str) -> datetime:
    """``2024-03-01T12:00:00Z``, or a day, which is its first second in UTC; wrong use otherwise."""
    try:
        if _DAY.fullmatch(text):
            return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        return datetime.strptime(text, _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no moment such as 2024-03-01T12:00:00Z") from None


def read_eui(text: str) -> Eui64:
    """An EUI-64 as people write it; wrong use otherwise."""
    try:
        return Eui64.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


HomeFolder = Annotated[
    Path, typer.Option("--home", metavar="FOLDER", envvar="TRUSTCELL_HOME", help="The home: database, keys, settings.")
]
AsPerson = Annotated[str, typer.Option("--as", metavar="PERSON", help="Who acts, by the name in the register.")]
AtMoment = Annotated[
    datetime | None,
    typer.Option("--at", metavar="MOMENT", parser=read_moment, help="What the clock shows; now without it."),
]
