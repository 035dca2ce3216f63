"""The PIN of a home: from a variable, a file or the generated one; never from an argument, never in a message."""

import base64
import os
import re
from pathlib import Path

from trustcell.adapters.clock import system_random
from trustcell.adapters.keystore_file import write_private
from trustcell.app.settings import Settings
from trustcell.vocab import Unavailable

PIN_FILE = "pin"
_PIN_OCTETS = 20


def find_pin(folder: Path, pin_file: Path | None = None) -> str:
    """The PIN in ``pin_file``, else in ``TRUSTCELL_PIN``, else the one that was generated for this home.

    ``Unavailable`` (``keystore_pin_missing``) when there is none.
    """
    if pin_file is not None:
        return _read(pin_file)
    if given := Settings().pin.get_secret_value():
        return given
    if not (folder / PIN_FILE).exists():
        raise Unavailable("no PIN: set TRUSTCELL_PIN or name a file with --pin-file [keystore_pin_missing]")
    return _read(folder / PIN_FILE)


def person_pin(folder: Path, name: str) -> str:
    """The PIN of a person's token: ``TRUSTCELL_PIN_NAME`` in capitals, with ``_`` for other signs, or the home's."""
    variable = "TRUSTCELL_PIN_" + re.sub("[^A-Z0-9]", "_", name.upper())
    return os.environ.get(variable) or find_pin(folder)


def generate_pin(folder: Path) -> str:
    """A PIN of 160 random bits, written 0600 into the home and shown nowhere."""
    pin = base64.b32encode(system_random(_PIN_OCTETS)).decode()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(folder / PIN_FILE, pin.encode() + b"\n")
    except OSError as error:
        raise Unavailable(f"{folder / PIN_FILE} cannot be written: {error.strerror} [home_failed]") from None
    return pin


def _read(path: Path) -> str:
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        raise Unavailable(f"the PIN file {path} cannot be read [keystore_pin_missing]") from None
    if not lines or not lines[0].strip():
        raise Unavailable(f"the PIN file {path} is empty [keystore_pin_missing]")
    return lines[0].strip()
