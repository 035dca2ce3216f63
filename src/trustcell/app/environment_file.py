"""``environment.toml``: every field of an environment with a line that says what it is."""

import tomllib
from datetime import datetime
from pathlib import Path

import tomli_w

from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.environment_form import environment_values, read_environment
from trustcell.vocab import WireError

_COMMENTS = {
    "identifier": "Stands in every statement and audit head; never changes.",
    "name": "For people.",
    "begins": "No ceremony is held before.",
    "organisation_policy": "Policy OIDs of the certificate families; those of production are not public.",
    "root_oca": "CNs of the authorities, all different.",
    "root_years": "Years that certificates hold, less one second.",
    "archive_years": "How long archived public keys are kept after their certificates have ended (recalled).",
    "certificates_per_device": "How many certificates a device may have had (SEC Appendix M).",
    "batch_limit": "The most requests in a batch (SEC L8.2).",
    "crl_period": "Organisation CRL: how long a list holds, when one is due, how soon after a revocation (recalled).",
    "arl_period": "Organisation ARL: how long a list holds, and when the next is due (recalled).",
    "device_certificates_revocable": "No source knows a list for Device Certificates (recalled).",
    "approvals_bind_requests": "Whether an approval must name the requests it is for (our reading).",
    "clock_tolerance": "How far the clock may go back before issuing stops.",
    "clock_jump": "How far it may go forward between two decisions before issuing asks for confirmation.",
    "dcc_only": "Roles that only the DCC subscribes for (in part recalled).",
}


def environment_text(environment: Environment) -> str:
    """The text of ``environment.toml``, defaults written out."""
    lines = ["# What this environment fixes. The books hold the same: a change here alone is refused."]
    for name, value in environment_values(environment).items():
        if name in _COMMENTS:
            lines += ["", f"# {_COMMENTS[name]}"]
        lines.append(tomli_w.dumps({name: value}).rstrip())
    return "\n".join(lines) + "\n"


def read_environment_file(path: Path, begins: datetime | None = None) -> Environment:
    """Read such a file; fields left out have their defaults, ``begins`` the one given.

    Raises ``WireError``: ``input_missing``, ``environment_not_toml``, ``environment_field_...`` naming the field.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise WireError(-1, str(path), f"the file cannot be read: {error.strerror}", "input_missing") from None
    except ValueError as error:
        raise WireError(-1, str(path), f"TOML was expected: {error}", "environment_not_toml") from None
    try:
        return read_environment(values, begins)
    except WireError as error:
        raise error.moved(0, str(path)) from None
