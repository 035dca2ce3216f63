"""``trustcell device``: the virtual devices of a running server, over its JSON API."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustcell.cli.options import read_eui
from trustcell.cli.output import AsJson, in_file, lines, print_json, read, refusals
from trustcell.cli.tables import print_facts, print_rows
from trustcell.vocab import Eui64, WireError

if TYPE_CHECKING:
    from trustcell.app.api_client import ApiClient

app = typer.Typer(help="Virtual devices of a running server: make, show, break and mend them.", no_args_is_help=True)

ServerUrl = Annotated[
    str, typer.Option("--url", metavar="URL", envvar="TRUSTCELL_URL", help="The JSON API of the server.")
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="A file with a token; TRUSTCELL_TOKEN, or what the server left for this user, without it."
    ),
]
Device = Annotated[Eui64, typer.Argument(metavar="EUI-64", parser=read_eui, help="A virtual device.")]
DEFAULT_URL = "http://127.0.0.1:8081"
_LIST = ("eui", "device_type", "hub", "region", "band", "on", "reachable", "link", "firmware", "clock_skew_seconds")
_TABLES = {
    "cells": ("cell", "entity", "key_id", "serial", "not_after"),
    "counters": ("role", "update", "other"),
    "keys": ("usage", "in_use", "waiting", "serial"),
    "joined": ("device", "type", "joined"),
    "pending": ("due", "message_code", "originator", "counter"),
    "log": ("at", "code", "reason", "text"),
}


@app.callback()
def group() -> None:
    """Virtual devices of a running server: make, show, break and mend them."""


@app.command("list")
@refusals
def show_all(url: ServerUrl = DEFAULT_URL, token_file: TokenFile = None, as_json: AsJson = False) -> None:
    """Every virtual device: type, hub, region, power, whether it can be reached."""
    rows = list(_client(url, token_file).pages("/api/han"))
    if as_json:
        print_json(rows)
    else:
        print_rows(rows, _LIST, "no devices")


@app.command()
@refusals
def show(
    device: Device,
    table: Annotated[str | None, typer.Option(metavar="NAME", help=f"One table alone: {', '.join(_TABLES)}.")] = None,
    url: ServerUrl = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """A device read as tables: cells, stored counters, own keys, network, dated commands, security log."""
    if table is not None and table not in _TABLES:
        raise typer.BadParameter(f"one of {', '.join(_TABLES)} was expected")
    found = _client(url, token_file).get(f"/api/han/{device}")
    if as_json:
        print_json(found if table is None else found[table])
        return
    if table is not None:
        print_rows(found[table], _TABLES[table], "nothing")
        return
    print_facts(found["device"])
    for name, columns in _TABLES.items():
        lines(["", f"{name}:"])
        print_rows(found[name], columns, "nothing")


@app.command()
@refusals
def make(
    device: Device,
    device_type: Annotated[
        str, typer.Option("--type", metavar="TYPE", help="CHF (comes with its GPF), ESME, GSME, PPMID or HCALCS.")
    ],
    hub: Annotated[Eui64 | None, typer.Option(metavar="EUI-64", parser=read_eui, help="The hub it can hear.")] = None,
    install: Annotated[bool, typer.Option("--install", help="In the hub's network at once.")] = False,
    mpxn: Annotated[str | None, typer.Option(metavar="MPXN", help="Its metering point.")] = None,
    detail: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=TEXT", help="An element of the inventory, such as CSPRegion=North; several times."),
    ] = None,
    count: Annotated[
        int, typer.Option(metavar="N", min=1, max=100_000, help="So many, with identifiers that follow (a hub: by 2).")
    ] = 1,
    url: ServerUrl = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Make virtual devices, with their entries in the inventory."""
    details = dict(each.partition("=")[::2] for each in detail or ())
    first, step = int.from_bytes(device, "big"), 2 if device_type == "CHF" else 1
    if first + step * count > 2**64:
        raise typer.BadParameter("there are no so many identifiers")
    client = _client(url, token_file)
    made = []
    for number in range(count):
        eui = Eui64((first + step * number).to_bytes(8, "big"))
        body = {"eui": str(eui), "device_type": device_type, "hub": _text(hub), "install": install, "mpxn": mpxn}
        made.append(client.ask("POST", "/api/han", {**body, "details": details}))
    if as_json:
        print_json(made)
    else:
        lines([f"made {each['device_type']} {each['eui']}" for each in made[:20]])
        lines([f"... {len(made)} devices"] if len(made) > 20 else [])


@app.command()
@refusals
def remove(device: Device, url: ServerUrl = DEFAULT_URL, token_file: TokenFile = None, as_json: AsJson = False) -> None:
    """Take a virtual device away; its entry in the inventory stays until DUIS ends it."""
    found = _client(url, token_file).ask("DELETE", f"/api/han/{device}")
    if as_json:
        print_json(found)
    else:
        lines([f"removed {found['removed']}"])


@app.command("break")
@refusals
def break_(
    device: Device,
    link: Annotated[
        str | None, typer.Option(metavar="HOW", help="slow, unreachable or lossy; on a hub for all its devices.")
    ] = None,
    delay: Annotated[float | None, typer.Option(metavar="SECONDS", help="So much later, each way.")] = None,
    lost: Annotated[float | None, typer.Option(metavar="FRACTION", help="So many messages are lost.")] = None,
    twice: Annotated[float | None, typer.Option(metavar="FRACTION", help="So many arrive two times.")] = None,
    late: Annotated[float | None, typer.Option(metavar="FRACTION", help="So many are overtaken.")] = None,
    off: Annotated[bool, typer.Option("--off", help="No power.")] = False,
    tamper: Annotated[bool, typer.Option("--tamper", help="Somebody opens it.")] = False,
    alarm: Annotated[
        str | None, typer.Option(metavar="CODE", help="An event with this alert code, 4 hex digits.")
    ] = None,
    clock: Annotated[int | None, typer.Option(metavar="SECONDS", help="Its clock is ahead by so much.")] = None,
    clock_status: Annotated[
        str, typer.Option(metavar="STATUS", help="What it says of its clock: reliable, invalid or unreliable.")
    ] = "reliable",
    cell: Annotated[
        str | None, typer.Option(metavar="CELL", help="A cell such as networkOperator/digitalSignature, and ...")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="... the certificate it holds from now on, PEM or DER.")
    ] = None,
    role: Annotated[str | None, typer.Option(metavar="ROLE", help="A role such as networkOperator, and ...")] = None,
    number: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="... the number the device has stored for it.")
    ] = None,
    failing: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="Commands of this message code fail; several times.")
    ] = None,
    memory: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An old memory, kept by device memory, is put back (N17).")
    ] = None,
    url: ServerUrl = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Break a device or the way to it; the DSP hears nothing of it but what devices say."""
    if (cell is None) != (certificate is None) or (role is None) != (number is None):
        raise typer.BadParameter("--cell and --certificate go together, and --role and --number")
    way = {"delay": delay, "lost": lost, "twice": twice, "late": late}
    ways = {name: value for name, value in way.items() if value is not None}
    body: dict[str, Any] = {
        "link": link,
        "way": ways or None,
        "power": "off" if off else None,
        "tamper": tamper or None,
        "alarm": alarm,
        "clock": None if clock is None else {"seconds": clock, "status": clock_status},
        "certificate": None if certificate is None else {"cell": cell, "certificate": _der(certificate).hex()},
        "counters": None if number is None else {"role": role, "number": str(number)},
        "failing": failing or None,
        "memory": None if memory is None else _memory(memory),
    }
    wanted = {name: value for name, value in body.items() if value is not None}
    if not wanted:
        raise typer.BadParameter("say what shall be wrong: see --help")
    _tell(_client(url, token_file).ask("POST", f"/api/han/{device}/break", wanted), as_json)


@app.command()
@refusals
def mend(device: Device, url: ServerUrl = DEFAULT_URL, token_file: TokenFile = None, as_json: AsJson = False) -> None:
    """Reachable, powered, its clock right, nothing fails; cells and counters stay as they are."""
    _tell(_client(url, token_file).ask("POST", f"/api/han/{device}/mend"), as_json)


@app.command()
@refusals
def move(
    device: Device,
    hub: Annotated[
        Eui64 | None, typer.Option(metavar="EUI-64", parser=read_eui, help="The hub it hears; none without it.")
    ] = None,
    band: Annotated[int, typer.Option(metavar="0|1", min=0, max=1, help="1 is sub-GHz, of a dual-band hub.")] = 0,
    url: ServerUrl = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Move a device to another hub, where it joins once it is whitelisted, or out of reach."""
    body = {"hub": _text(hub), "band": band}
    _tell(_client(url, token_file).ask("POST", f"/api/han/{device}/move", body), as_json)


@app.command()
@refusals
def memory(
    device: Device,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to; standard output without it.")
    ] = None,
    url: ServerUrl = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Keep what a device remembers now, in hex, to put it back later by break --memory."""
    from trustcell.app.files import write_output

    found = _client(url, token_file).get(f"/api/han/{device}/memory")
    if out is not None:
        write_output(out, f"{found['memory']}\n".encode())
    if as_json:
        print_json({"device": str(device), **(found if out is None else {"out": str(out)})})
    elif out is None:
        sys.stdout.write(f"{found['memory']}\n")


def _client(url: str, token_file: Path | None) -> "ApiClient":
    from trustcell.app.api_client import ApiClient
    from trustcell.app.settings import Settings

    return ApiClient.of(url, Settings().token.get_secret_value(), token_file)


def _text(eui: Eui64 | None) -> str | None:
    return None if eui is None else str(eui)


def _der(path: Path) -> bytes:
    from trustcell import certs

    try:
        return certs.load_certificates(read(path))[0].der
    except WireError as error:
        raise in_file(path, error) from None


def _memory(path: Path) -> str:
    try:
        return bytes.fromhex(read(path).decode()).hex()
    except ValueError:
        raise WireError(-1, str(path), "hex digits from device memory were expected", "memory_format") from None


def _tell(device: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(device)
    else:
        print_facts(device)
