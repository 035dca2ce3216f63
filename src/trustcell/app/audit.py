"""The audit program run as what it is, another program: trustcell hands it files and octets and reads its verdict."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from trustcell.vocab import Unavailable

_PROGRAM = (sys.executable, "-m", "trustcell_audit")
_LARGEST_VERDICT = 1


def run_audit(command: str, file: Path, *, heads: Path | None = None, anchors: Sequence[str] = ()) -> Mapping[str, Any]:
    """Run ``verify`` or ``bundle`` on a file; gives ``ok``, ``problems``, ``facts`` and ``relied_on``.

    ``Unavailable`` when the program itself fails.
    """
    arguments = [*_PROGRAM, command, str(file), "--json"]
    for anchor in anchors:
        arguments += ["--anchor", anchor]
    if heads is not None:
        arguments += ["--heads", str(heads)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode > _LARGEST_VERDICT or not done.stdout:
        raise Unavailable(f"the audit program could not check {file}: {done.stderr.strip()}")
    verdict: Mapping[str, Any] = json.loads(done.stdout)
    return verdict


class Relint:
    """The audit program as a judge of certificates in bulk: a lot goes in, its problems come out, in turns."""

    def __init__(self, rules: Mapping[str, Any], issuers: Sequence[bytes]) -> None:
        """``rules`` has policies by family and years by kind; ``issuers`` are DER of every authority."""
        self._process = subprocess.Popen([*_PROGRAM, "lint"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._send({"issuers": [each.hex() for each in issuers], "rules": rules})

    def __enter__(self) -> "Relint":
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the program."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.wait()

    def ask(self, lot: Sequence[Mapping[str, Any]]) -> None:
        """Send a lot: ``der`` and ``kind``, ``record`` and ``csr`` if they are to be held against it."""
        self._send({"certificates": list(lot)})

    def answer(self) -> list[dict[str, Any]]:
        """The problems of the lot sent last, each with the ``number`` of its certificate in the lot, from 0."""
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            raise Unavailable("the audit program ended before it answered")
        problems: list[dict[str, Any]] = json.loads(line)["problems"]
        return problems

    def _send(self, value: Mapping[str, Any]) -> None:
        line = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Unavailable("the audit program ended before it was asked") from None
