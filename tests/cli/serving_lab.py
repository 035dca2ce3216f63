"""A lab at work: the real program with the public identities on free ports, and the commands that talk to it."""

import contextlib
import itertools
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

from typer.testing import CliRunner

from trustcell.cli import app
from web.serving import Running, running

SUPPLIER, OPERATOR = "90-B3-D5-1F-30-01-00-00", "90-B3-D5-1F-30-02-00-00"
BROKER = "90-B3-D5-1F-30-00-00-02"
HUB, GPF, ESME = "00-DB-12-34-56-78-90-A2", "00-DB-12-34-56-78-90-A3", "00-DB-12-34-56-78-90-A0"
SIGNING = {SUPPLIER: "xml-sign-90B3D51F30010000-ds", OPERATOR: "xml-sign-90B3D51F30020000-ds"}
READ = """<sr:Request xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway" schemaVersion="5.1"><sr:Header>
<sr:RequestID>{id}</sr:RequestID><sr:CommandVariant>1</sr:CommandVariant><sr:ServiceReference>6.24</sr:ServiceReference>
<sr:ServiceReferenceVariant>6.24.1</sr:ServiceReferenceVariant></sr:Header><sr:Body>
<sr:RetrieveDeviceSecurityCredentialsKRP><sr:RemotePartyRole>NetworkOperator</sr:RemotePartyRole>
</sr:RetrieveDeviceSecurityCredentialsKRP></sr:Body></sr:Request>"""


@dataclass
class ServedLab:
    """One server, its home, and a place for files."""

    server: Running
    home: Path
    folder: Path
    keys: Path
    environment: dict[str, str]
    numbers: itertools.count = field(default_factory=lambda: itertools.count(1302))

    def run(self, *words: object, code: int = 0, **environment: str) -> str:
        """A command; standard output, or what it says when it refuses."""
        done = CliRunner().invoke(app, [str(each) for each in words], env={**self.environment, **environment})
        assert done.exit_code == code, f"{done.output}{done.stderr}{done.exception!r}"
        return done.stdout if code == 0 else done.stderr

    def device(self, *words: object, code: int = 0, **environment: str) -> str:
        return self.run("device", *words, "--url", self.server.told["api"], code=code, **environment)

    def dsp(self, *words: object, code: int = 0) -> str:
        return self.run("dsp", *words, "--home", self.home, code=code)

    def json(self, room: str, *words: object) -> object:
        return json.loads({"device": self.device, "dsp": self.dsp}[room](*words, "--json"))

    def read(self, device: str = GPF, user: str = SUPPLIER) -> tuple[str, str]:
        """A 6.24.1, signed and sent by commands: its request ID and the code of the synchronous answer."""
        request_id = f"{user}:{device}:{next(self.numbers)}"
        drawn, signed = self.folder / "request.xml", self.folder / "signed.xml"
        drawn.write_text(READ.format(id=request_id))
        self.run("duis", "sign", drawn, "--keys", self.keys, "--key", SIGNING[user], "--out", signed)
        told = json.loads(self.run("duis", "send", signed, "--url", self.server.told["duis"], "--json"))
        return request_id, told["response_code"]

    def settled(self, request_id: str) -> dict:
        """The tree of a request once it has an answer."""
        end = time.monotonic() + 20
        while True:
            tree = self.json("dsp", "trail", request_id)
            answered = tree["request"]["state"] in ("responded", "delivered")
            if (answered and tree["deliveries"]) or time.monotonic() > end:
                return tree
            time.sleep(0.05)

    def sealed(self) -> None:
        """Wait until the server has sealed a head of its trail and exported it."""
        end = time.monotonic() + 20
        while not any((self.home / "dsp-heads").glob("*.jsonl")):
            assert time.monotonic() < end, "no head was exported"
            time.sleep(0.05)


@contextlib.contextmanager
def served_lab(folder: Path, shared: Path):
    """Serve the lab of the shared folder, kept in a home."""
    session = folder / "session"
    session.mkdir(mode=0o700)
    environment = {"XDG_RUNTIME_DIR": str(session)}
    keys = shared / "zaz1-test-keys.json"
    words = ("--lab", str(shared / "zaz1-lab.json"), "--keys", str(keys), "--home", str(folder / "home"))
    with running(folder, *words, "--duis-port", "0", "--api-port", "0", **environment) as server:
        yield ServedLab(server, folder / "home", folder, keys, environment)
