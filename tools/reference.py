"""Writes the pages of docs/reference from the source; with --check it tells which differ and exits with 1."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from trustcell import duis
from trustcell.app.settings import Settings
from trustcell.dsp.rules.access import CHECKS as DSP_CHECKS
from trustcell.dsp.rules.reasons import RESPONSE_CODE
from trustcell.gbcs.codes import alert_codes, message_codes
from trustcell.smki.rules.checks import CHECKS as CSR_CHECKS
from trustcell.web.api import ENDPOINTS, openapi

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"
_ORIGIN = "`tools/reference.py` writes this page; a test compares it with the source."

Rows = Iterable[Iterable[Any]]


def page(title: str, about: str, heads: str, rows: Rows) -> str:
    """One page with one table; a cell never ends its row."""
    names = heads.split(", ")
    body = "".join(
        f"| {' | '.join(str(cell if cell is not None else '').replace('|', chr(92) + '|') for cell in row)} |\n"
        for row in rows
    )
    return f"# {title}\n\n{about} {_ORIGIN}\n\n| {' | '.join(names)} |\n|{' --- |' * len(names)}\n{body}"


def settings() -> str:
    """The environment variables."""
    fields = Settings.model_fields.items()
    prefix = Settings.model_config["env_prefix"]
    return page(
        "Settings",
        "Settings come from the environment or from a file `.env` in the current folder; an empty one does not count. "
        "The options of a command go first ([cli.md](../cli.md)).",
        "variable, what it is, without it",
        ((f"`{prefix}{name.upper()}`", field.description, _shown(field.get_default())) for name, field in fields),
    )


def _shown(default: Any) -> str:
    plain = default.get_secret_value() if hasattr(default, "get_secret_value") else default
    return "none" if plain in (None, "") else str(plain)


def response_codes() -> str:
    """The response codes and the reasons of ours that lead to each."""
    reasons: dict[str, list[str]] = {}
    for reason, code in RESPONSE_CODE.items():
        reasons.setdefault(code, []).append(f"`{reason}`")
    return page(
        "Response codes",
        "Every response code of DUIS, and the reasons for which this DSP gives it ([refusals.md](../refusals.md)).",
        "code, since DUIS, reasons",
        ((code, since, ", ".join(reasons.get(code, []))) for code, since in duis.response_codes().items()),
    )


def services() -> str:
    """The catalogue of services."""
    return page(
        "Services",
        "Every service request of DUIS: who may send it, to which device, in which command variants.",
        "variant, name, critical, command variants, roles, devices, use cases",
        (
            (
                each.variant,
                each.name,
                "yes" if each.critical else "no",
                " ".join(map(str, sorted(each.command_variants))),
                " ".join(sorted(role.value for role in each.eligible_roles)),
                " ".join(each.target_device_types),
                ", ".join(dict.fromkeys(case.name for case in each.use_cases)),
            )
            for each in duis.services().values()
        ),
    )


def messages() -> str:
    """The message codes."""
    return page(
        "Message codes",
        "Every message code of GBCS that `trustcell gbcs decode` names.",
        "code, use case, title, payload, category, protected against replay, SRV",
        (
            (
                f"`{each.code:04X}`",
                each.use_case,
                each.title,
                each.payload,
                each.category,
                _yes(each.replay_protected),
                each.srv,
            )
            for each in message_codes().values()
        ),
    )


def alerts() -> str:
    """The alert codes."""
    return page(
        "Alert codes",
        "Every alert code of GBCS that is known here.",
        "code, title, class, sent over the WAN",
        ((f"`{each.code:04X}`", each.title, each.classed, _yes(each.sent)) for each in alert_codes().values()),
    )


def _yes(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"


def checks() -> str:
    """The checks of a DUIS request and of a CSR, in their order."""
    return page(
        "Checks",
        "What a request for an Organisation Certificate and a DUIS request have to pass, in this order.",
        "check, asked of, what it asks, clause",
        [
            *((check.name, "CSR", check.title, check.clause) for check in CSR_CHECKS),
            *((check.number, "DUIS request", check.title, "duis-dsp checks 1-18") for check in DSP_CHECKS),
        ],
    )


def api() -> str:
    """The endpoints of the JSON API."""
    paths = openapi(ENDPOINTS)["paths"]
    return page(
        "JSON API",
        "The whole document is at `/api/openapi.json` of a running server ([serve.md](../serve.md)).",
        "method, path, what it does, for whom",
        (
            (method.upper(), f"`{path}`", operation["summary"], operation["description"].removeprefix("For: "))
            for path, methods in sorted(paths.items())
            for method, operation in methods.items()
        ),
    )


PAGES: dict[str, Callable[[], str]] = {
    "alert-codes.md": alerts,
    "api.md": api,
    "checks.md": checks,
    "message-codes.md": messages,
    "response-codes.md": response_codes,
    "services.md": services,
    "settings.md": settings,
}


def main(check: bool) -> int:
    """Write what differs, or name it."""
    FOLDER.mkdir(exist_ok=True)
    differ = []
    for name, make in PAGES.items():
        path, text = FOLDER / name, make()
        if not path.exists() or path.read_text("utf-8") != text:
            differ.append(name)
            if not check:
                path.write_text(text, "utf-8")
    sys.stdout.writelines(f"{name}\n" for name in differ)
    return 1 if check and differ else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
