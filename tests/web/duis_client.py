"""The public DUIS client packages as a process of their own; ``MODULES`` is where ``tools/setup.sh dev`` puts them."""

import contextlib
import json
import os
import subprocess
import threading
from pathlib import Path
from queue import Queue

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = Path(os.environ.get("TRUSTCELL_CLIENTS", ROOT / ".cache" / "clients" / "node_modules"))
PACKAGES = ("duis-sign-wrap", "duis-parser", "duis-templates", "dccboxed-keystore")
DRIVER = Path(__file__).with_name("duis_client.js")


class Client:
    """One node process: jobs are answered in order, callbacks come when they come."""

    def __init__(self, base: str) -> None:
        missing = [name for name in PACKAGES if not (MODULES / "@smartdcc" / name).is_dir()]
        if missing:
            pytest.fail(f"the public clients {', '.join(missing)} are missing: run tools/setup.sh dev")
        self.process = subprocess.Popen(
            ["node", DRIVER, MODULES, base], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.answers: Queue = Queue()
        self.callbacks: Queue = Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            plain = json.loads(line)
            if "callback" in plain:
                self.callbacks.put(plain["callback"])
            else:
                self.answers.put(plain)

    def do(self, job: str, **values) -> dict:
        self.process.stdin.write(json.dumps({"do": job, **values}) + "\n")
        self.process.stdin.flush()
        answer = self.answers.get(timeout=60)
        assert "error" not in answer, answer["error"]
        return answer

    def template(self, name: str) -> dict:
        """A packaged request as a simplified object; counters are text."""
        return self.do("template", name=name)["request"]

    def exchange(self, service: str, request: dict, **values) -> dict:
        """Build, sign, send, and check what comes back with the packaged tools."""
        return self.do("exchange", service=service, request=request, **values)

    def listen(self, port: int = 0, path: str = "/smartdcc/duis") -> int:
        """Start the user's callback server; its port."""
        return self.do("listen", port=port, path=path)["port"]

    def callback(self, seconds: float = 60) -> dict:
        """The next callback: body, whether the packaged tool accepts it, and what the parser reads."""
        return self.callbacks.get(timeout=seconds)

    def close(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(20)
        finally:
            if self.process.poll() is None:
                self.process.kill()
            self.reader.join(5)
            self.process.stdout.close()


@contextlib.contextmanager
def duis_client(base: str):
    """A client of the services at ``base``, for example ``http://127.0.0.1:8079``."""
    client = Client(base)
    try:
        yield client
    finally:
        client.close()
