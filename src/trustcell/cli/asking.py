"""Options that say what is asked of the authority besides a CSR, and parsers of the nouns in them."""

from datetime import datetime
from typing import Annotated

import typer

from trustcell.app.repository_facts import USAGES
from trustcell.cli.options import read_moment
from trustcell.smki.rules.ask import Ask
from trustcell.vocab import KeyUsage, RemotePartyRole

_ROLES = {role.title.casefold(): role for role in RemotePartyRole}


def read_role(text: str) -> RemotePartyRole:
    """A name as the code book spells it, or two hex digits; wrong use otherwise."""
    if (named := _ROLES.get(text.casefold())) is not None:
        return named
    try:
        return RemotePartyRole(int(text, 16))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no role: a name such as supplier, or two hex digits") from None


def read_usage(text: str) -> KeyUsage:
    """DS or KA, or the long names; wrong use otherwise."""
    for usage, names in USAGES.items():
        if text.casefold() in (name.casefold() for name in names):
            return usage
    raise typer.BadParameter(f"{text!r} is no key usage: DS or KA was expected")


def read_serial(text: str) -> tuple[str, int]:
    """``T1/3A5F``: the CN of the issuer and the serial in hex; wrong use otherwise."""
    issuer, _, serial = text.partition("/")
    try:
        return issuer, int(serial, 16)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no certificate: issuer/serial in hex was expected") from None


Years = Annotated[int | None, typer.Option(min=1, max=1000, help="So many calendar years less a second; 10 without.")]
NotBefore = Annotated[
    datetime | None,
    typer.Option("--not-before", metavar="MOMENT", parser=read_moment, help="Begins then; at issue without it."),
]
NotAfter = Annotated[
    datetime | None,
    typer.Option("--not-after", metavar="MOMENT", parser=read_moment, help="Ends then, instead of --years."),
]
Purpose = Annotated[str, typer.Option(metavar="TEXT", help="What it is for, a manufacturing pack for example.")]
Approvals = Annotated[
    list[str] | None, typer.Option("--approval", metavar="NAME", help="An approval it relies on; may be repeated.")
]


def asked(
    years: int | None,
    not_before: datetime | None,
    not_after: datetime | None,
    purpose: str,
    approvals: list[str] | None = None,
) -> Ask:
    """The options together; wrong use when they contradict each other."""
    try:
        return Ask(years, not_before, not_after, tuple(approvals or ()), purpose)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
