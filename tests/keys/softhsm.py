"""A SoftHSM module with tokens in a folder of its own; the module reads its settings once a process."""

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

PIN = "correct horse"
_PLACES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
_TOKENS = 40


def module() -> Path:
    """The PKCS#11 module, which tools/setup.sh dev installs."""
    found = next((Path(place) for place in _PLACES if Path(place).exists()), None)
    assert found is not None, "softhsm2 is missing: run tools/setup.sh dev"
    return found


@functools.cache
def folder() -> Path:
    """A folder with empty tokens ``token-0`` and up, made before the module is loaded; SOFTHSM2_CONF leads to it."""
    place = Path(tempfile.mkdtemp(prefix="trustcell-softhsm-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    os.environ["SOFTHSM2_CONF"] = new_tokens(place, _TOKENS)
    return place


def new_tokens(place: Path, count: int) -> str:
    """Make so many tokens below ``place``; the value of SOFTHSM2_CONF that leads to them."""
    (place / "tokens").mkdir()
    settings = place / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {place / 'tokens'}\nlog.level = ERROR\n")
    for number in range(count):
        command = ["softhsm2-util", "--init-token", "--free", "--label", f"token-{number}"]
        environment = {**os.environ, "SOFTHSM2_CONF": str(settings)}
        subprocess.run(
            [*command, "--so-pin", "security", "--pin", PIN], check=True, capture_output=True, env=environment
        )
    return str(settings)


_free = iter(range(_TOKENS))


def unused_token() -> str:
    """The label of a token that no test has used."""
    folder()
    return f"token-{next(_free)}"
