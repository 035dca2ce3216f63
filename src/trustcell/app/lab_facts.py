"""Who stands above the certificates of a lab: the public ZAZ1 authorities, or those of a lab that made its own."""

import base64
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from trustcell import certs
from trustcell.adapters.keystore_file import write_private
from trustcell.vocab import Unavailable, WireError

FACTS_FILE = "lab-authority.json"
AUTHORITY = "authority"
"""The object of a lab file that has these facts; a lab file without it is of ZAZ1."""


@dataclass(frozen=True, slots=True)
class LabFacts:
    """The environment of a lab.

    ``root`` is the public point of the Root OCA, ``issuing`` the certificate of the Issuing OCA, ``authorities``
    points of authorities by CN. ``begins`` is what the repository's clock shows at first, ``None`` for now;
    ``certificates_at`` is a moment at which every certificate is in its period; ``made`` when the environment began.
    """

    environment: str
    title: str
    root: bytes
    issuing: bytes
    authorities: Mapping[str, bytes]
    made: datetime
    certificates_at: datetime
    begins: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """The object of a lab file."""
        return {
            "environment": self.environment,
            "title": self.title,
            "root": self.root.hex(),
            "issuing": base64.b64encode(self.issuing).decode(),
            "authorities": {name: point.hex() for name, point in self.authorities.items()},
            "made": self.made.isoformat(),
            "certificates_at": self.certificates_at.isoformat(),
        }


@cache
def zaz1() -> LabFacts:
    """Public facts of the ZAZ1 environment: root key, issuing certificate, a moment inside all validity periods."""
    facts = tomllib.loads(files("trustcell.app").joinpath("zaz1.toml").read_text("utf-8"))
    return LabFacts(
        "zaz1-lab",
        "public ZAZ1 certificates and lab devices",
        bytes.fromhex(facts["root"]),
        base64.b64decode(facts["issuing"]),
        {name: bytes.fromhex(point) for name, point in facts["authorities"].items()},
        facts["begins"],
        facts["certificates_at"],
        facts["begins"],
    )


def facts_in(lab: Mapping[str, Any], where: str) -> LabFacts:
    """Those of a lab file; ``WireError`` (``lab_format``) when they are there and cannot be read."""
    if AUTHORITY not in lab:
        return zaz1()
    try:
        told = lab[AUTHORITY]
        issuing = base64.b64decode(told["issuing"], validate=True)
        certs.Certificate.from_der(issuing)
        return LabFacts(
            str(told["environment"]),
            str(told["title"]),
            bytes.fromhex(told["root"]),
            issuing,
            {str(name): bytes.fromhex(point) for name, point in told["authorities"].items()},
            _moment(told["made"]),
            _moment(told["certificates_at"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, WireError) as error:
        reason = f"the authority of a lab made by trustcell lab make was expected: {error}"
        raise WireError(-1, f"{where}: {AUTHORITY}", reason, "lab_format") from None


def kept_facts(folder: Path) -> LabFacts:
    """Those of the lab that is kept in a folder."""
    path = folder / FACTS_FILE
    try:
        return facts_in({AUTHORITY: json.loads(path.read_bytes())}, str(path))
    except FileNotFoundError:
        return zaz1()
    except (OSError, ValueError) as error:
        raise WireError(-1, str(path), f"the facts of a lab were expected: {error}", "lab_format") from None


def keep_facts(folder: Path, facts: LabFacts) -> None:
    """Beside the books, for whoever reads those without the lab file; those of ZAZ1 need no file."""
    if facts is zaz1():
        return
    path, temporary = folder / FACTS_FILE, folder / f".{FACTS_FILE}.new"
    try:
        temporary.unlink(missing_ok=True)
        write_private(temporary, json.dumps(facts.as_json(), indent=1).encode())
        os.replace(temporary, path)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror} [lab_failed]") from None


def _moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError("a moment has a time zone")
    return read.astimezone(UTC)
