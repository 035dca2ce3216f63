"""``trustcell serve --workers 2`` on a real PostgreSQL: a lab with meters in both homes, requests signed with the
public test keys, callbacks counted, and what the books say of it."""

import asyncio
import base64
import contextlib
import http.client
import http.server
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import duis, gbcs
from trustcell.adapters.dsp_store import Settings, open_homes, problems
from trustcell.adapters.worker_link import Link, Message
from trustcell.app.dsp_books import ENVIRONMENT
from trustcell.certs import Certificate
from trustcell.vocab import Eui64, RemotePartyRole
from web.serving import Running, running, wait_for

SUPPLIER = Eui64.parse("90B3D51F30010000")
HUB = Eui64.parse("00DB1234567890A2")
METERS = [Eui64.parse(f"00DB12345678{number:04X}") for number in range(0x9100, 0x9110)]
XML = {"Content-Type": "application/xml"}


def lab_file(shared: Path, folder: Path) -> Path:
    """The public lab with sixteen meters more."""
    lab = json.loads((shared / "zaz1-lab.json").read_bytes())
    meter = next(each for each in lab["devices"] if each["type"] == "ESME")
    for number, eui in enumerate(METERS):
        mpan = f"13123456{number:05d}"
        lab["devices"].append({**meter, "id": str(eui), "mpan": mpan})
        lab["registrations"].append({**lab["registrations"][0], "mpan": mpan})
    path = folder / "lab.json"
    path.write_text(json.dumps(lab))
    return path


class Callbacks(http.server.ThreadingHTTPServer):
    """A user's callback server: counts what comes, by the request it answers."""

    daemon_threads = True

    def __init__(self) -> None:
        self.got: Counter[str] = Counter()
        lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                octets = self.rfile.read(int(self.headers["Content-Length"]))
                response = duis.parse_response(octets).response
                with lock:
                    self.server.got[str(response.request_id)] += 1
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)


@dataclass
class World:
    server: Running
    url: str
    callbacks: Callbacks
    signer: tuple[str, int, ec.EllipticCurvePrivateKey]
    token: str
    heads: Path
    numbers: dict[Eui64, int] = field(default_factory=dict)
    sent: list[duis.RequestId] = field(default_factory=list)

    # -- requests -----------------------------------------------------------------------------------------------

    def request(self, meter: Eui64) -> tuple[duis.RequestId, bytes]:
        """A signed 6.24.1 of the supplier, with the next request ID of the meter."""
        number = self.numbers[meter] = self.numbers.get(meter, 0) + 1
        ids = duis.RequestId(SUPPLIER, meter, number)
        body = duis.RetrieveDeviceSecurityCredentialsKRP((RemotePartyRole.SUPPLIER,))
        issuer, serial, key = self.signer
        octets = duis.build_request(duis.Request(ids, 1, "6.24", "6.24.1", body))
        return ids, duis.sign(octets, issuer_name=issuer, serial=serial, sign=lambda info: gbcs.sign(key, info))

    def post(self, octets: bytes, seconds: float = 60) -> tuple[int, bytes]:
        """One body on a connection of its own, to whichever worker takes it."""
        address = urlsplit(self.server.told["duis"]).netloc
        with contextlib.closing(http.client.HTTPConnection(address, timeout=seconds)) as connection:
            connection.request("POST", "/api/v1/serviceS", octets, XML)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def ask(self, octets: bytes) -> str:
        """The response code; again, as a client does, while a home changes hands or a worker is gone."""
        end = time.monotonic() + 90
        while time.monotonic() < end:
            with contextlib.suppress(OSError, http.client.HTTPException):
                status, body = self.post(octets)
                if status == 200:
                    return code_of(body)
                assert status == 503, body
            time.sleep(0.3)
        raise AssertionError("no answer within 90 seconds")

    # -- workers ------------------------------------------------------------------------------------------------

    def api(self, method: str, path: str, body: dict | None = None) -> tuple[int, dict]:
        address = urlsplit(self.server.told["api"]).netloc
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        with contextlib.closing(http.client.HTTPConnection(address, timeout=60)) as connection:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")

    def owners(self) -> dict[str, str | None]:
        """Which worker holds each home, by the API."""
        _, found = self.api("GET", "/api/homes")
        return {each["name"]: each["owner"] for each in found["items"]}

    def living_owners(self) -> dict[str, str]:
        _, found = self.api("GET", "/api/homes")
        now = datetime.now().astimezone()
        items = [each for each in found["items"] if each["owner"] and datetime.fromisoformat(each["until"]) > now]
        return {each["name"]: each["owner"] for each in items}

    def say(self, path: str, head: dict, octets: bytes = b"") -> Message:
        """A message straight to one worker."""

        async def ask() -> Message:
            link = Link(path)
            try:
                return await link.ask(Message(head, octets), 60)
            finally:
                await link.close()

        return asyncio.run(ask())

    def process(self, path: str) -> int:
        return self.say(path, {"do": "status"}).head["process"]

    def workers(self) -> list[str]:
        """Where the workers are reached."""
        folder = Path(next(iter(filter(None, self.owners().values())))).parent
        return sorted(map(str, folder.iterdir()))

    # -- what came of it ----------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def books(self):
        homes = open_homes(Settings(self.url, ENVIRONMENT))
        try:
            yield homes
        finally:
            homes.close()

    def all_answered(self, ids: list[duis.RequestId], seconds: float = 120) -> None:
        """Every request that was acknowledged led to an answer at its user's address."""
        wait_for(lambda: all(self.callbacks.got[str(each)] for each in ids), seconds)

    def check(self, ids: list[duis.RequestId]) -> None:
        """The books are sound; one command for each request; no number twice; answered in the order of commands."""
        with self.books() as homes:
            assert list(problems(homes)) == []
            views = homes.views
            numbers: Counter[tuple[Eui64, Eui64, int]] = Counter()
            order: dict[Eui64, list[tuple[int, int, datetime]]] = {}
            for each in ids:
                (command,) = views.commands_of(each)
                assert command.state == "answered", (each, command.state)
                key = command.key
                numbers[key.originator, key.device, key.counter] += 1
                answered = min(at for at, _, verdict in views.messages_of(key) if verdict == "response")
                order.setdefault(key.device, []).append((command.number, key.counter, answered))
            assert set(numbers.values()) <= {1}
            for device, rows in order.items():
                rows.sort()
                counters, times = [row[1] for row in rows], [row[2] for row in rows]
                assert counters == sorted(counters), device
                assert times == sorted(times), device


def code_of(body: bytes) -> str:
    return duis.parse_response(body).response.response_code


@contextlib.contextmanager
def served(shared: Path, folder: Path, url: str, workers: int = 2, *more: str):
    """A service of so many workers, with its callback server."""
    callbacks = Callbacks()
    thread = threading.Thread(target=callbacks.serve_forever, daemon=True)
    thread.start()
    token, tokens = made_token(folder)
    keys = shared / "zaz1-test-keys.json"
    arguments = ["--lab", str(lab_file(shared, folder)), "--keys", str(keys), "--database", url]
    arguments += ["--workers", str(workers), "--tokens", str(tokens), "--home", str(folder / "home"), *more]
    arguments += ["--callback", f"127.0.0.1:{callbacks.server_address[1]}/smartdcc/duis"]
    try:
        with running(folder, *arguments) as server:
            yield World(server, url, callbacks, signer_of(keys), token, folder / "home" / "dsp-heads")
    finally:
        callbacks.shutdown()
        thread.join()
        callbacks.server_close()


def signer_of(keys: Path) -> tuple[str, int, ec.EllipticCurvePrivateKey]:
    entries = {each["name"]: each for each in json.loads(keys.read_bytes())}
    entry = entries["xml-sign-90B3D51F30010000-ds"]
    certificate = Certificate.from_der(base64.b64decode(entry["certificate_der_b64"]))
    key = ec.derive_private_key(int(entry["private_scalar_hex"], 16), ec.SECP256R1())
    return "CN=Z1,OU=07", certificate.serial, key


def made_token(folder: Path) -> tuple[str, Path]:
    path = folder / "tokens.json"
    command = [Path(sys.executable).with_name("trustcell"), "token", "make", "desk", "--role", "operator"]
    done = subprocess.run([*command, "--tokens", str(path)], capture_output=True, text=True, check=True)
    return done.stdout.strip(), path
