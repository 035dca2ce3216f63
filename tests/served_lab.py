"""The lab of ``trustcell serve`` in this process: real doors and books, virtual devices, and a clock one can move."""

import asyncio
import contextlib
import http.client
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import uvloop

from trustcell import duis, gbcs
from trustcell.adapters import http_server
from trustcell.adapters.keyfiles import read_key_file
from trustcell.app.accounts import AccountBook
from trustcell.app.front import Front
from trustcell.app.lab import key_pair
from trustcell.app.lab_facts import zaz1
from trustcell.app.lab_serving import LabOptions, opened_lab
from trustcell.app.tokens import make_token
from trustcell.devices import NO_FAULTS, Faults
from trustcell.devices.parcels import Way
from trustcell.devices.post import Sending
from trustcell.dsp import Policy
from trustcell.dsp.rules.request_checks import DOORS
from trustcell.stories import KeyPair
from trustcell.vocab import CellId, Eui64, KeyUsage, RemotePartyRole

SUPPLIER = Eui64.parse("90-B3-D5-1F-30-01-00-00")
OPERATOR = Eui64.parse("90-B3-D5-1F-30-02-00-00")
BROKER = Eui64.parse("90-B3-D5-1F-30-00-00-02")
GPF = Eui64.parse("00-DB-12-34-56-78-90-A3")
ESME = Eui64.parse("00-DB-12-34-56-78-90-A0")
CHF = Eui64.parse("00-DB-12-34-56-78-90-A2")
NO, SUP = RemotePartyRole.NETWORK_OPERATOR, RemotePartyRole.SUPPLIER
DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
NO_DS, NO_KA = CellId(NO, DS), CellId(NO, KA)
XML = {"Content-Type": "application/xml"}
QUICK = Policy(callback_delay=timedelta(0))
_KEPT = 2.0
"""Seconds for which a connection is used again."""
_BOOKKEEPING = {"trail", "audit_head"}
"""Tables in which a refusal is told."""
_COME_AND_GO = ("dsp-heads", "dsp.db-", "han.db-", "lab.db-")
_MOVES_BY_ITSELF = ("until", "seq", "hash")
"""Columns of ``lease`` that renewing and the trail move; ``given``, the last number given out, is not among them."""


@dataclass(frozen=True)
class Answer:
    """What a door said."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def response(self) -> duis.Response:
        return duis.parse_response(self.body).response

    @property
    def code(self) -> str:
        """The response code of a DUIS answer, the machine code of any other."""
        return self.response.response_code if self.status == 200 else json.loads(self.body)["code"]

    @property
    def reference(self) -> str:
        """Under which the trail or the log has its line."""
        return self.headers.get("x-reference") or json.loads(self.body)["reference"]

    @property
    def pre_command(self) -> bytes:
        content = self.response.message.content
        assert isinstance(content, duis.PreCommand), self.code
        return content.gbcs_payload


class Users:
    """Where the responses of all users go; ``status`` is what they are answered with."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.status = 204
        users = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if users.status == 204:
                    users.got.append(body)
                self.send_response(users.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing to say."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_port}/smartdcc/duis"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@dataclass
class MovingClock:
    """The machine's, ahead by as much as a test says, or one that stands still."""

    ahead: timedelta = timedelta(0)
    stopped: datetime | None = None

    def __call__(self) -> datetime:
        return self.stopped or datetime.now(UTC) + self.ahead

    @contextlib.contextmanager
    def standing_still(self) -> Iterator[int]:
        """For a while; gives the milliseconds it shows."""
        self.stopped = self().replace(microsecond=0) + timedelta(seconds=1)
        try:
            yield int(self.stopped.timestamp()) * 1000
        finally:
            self.ahead += self.stopped + timedelta(milliseconds=5) - datetime.now(UTC) - self.ahead
            self.stopped = None


@dataclass
class ServedLab:
    """A served lab and those who talk to it."""

    folder: Path
    keys: Any
    dsp: Any
    duis_port: int
    api_port: int
    loop: asyncio.AbstractEventLoop
    clock: MovingClock
    users: Users
    tokens: dict[str, str]
    counter: int = 0
    connections: dict[int, http.client.HTTPConnection] = field(default_factory=dict)
    asked_at: dict[int, float] = field(default_factory=dict)

    # ---- doors ----

    def post(self, door: str, octets: bytes, headers: dict[str, str] | None = None) -> Answer:
        return self._ask(self.duis_port, "POST", f"/api/v1/{door}", octets, XML if headers is None else headers)

    def api(self, method: str, path: str, body: Any = None, token: str = "operator") -> Answer:
        headers = {"Authorization": f"Bearer {self.tokens.get(token, token)}"}
        octets = b""
        if body is not None:
            octets, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        return self._ask(self.api_port, method, path, octets, headers)

    def told(self, path: str) -> Any:
        answer = self.api("GET", path)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def _ask(self, port: int, method: str, path: str, octets: bytes, headers: dict[str, str]) -> Answer:
        connection = self.connections.setdefault(port, http.client.HTTPConnection("127.0.0.1", port, timeout=30))
        if time.monotonic() - self.asked_at.get(port, 0.0) > _KEPT:
            connection.close()  # the server may be about to
        self.asked_at[port] = time.monotonic()
        try:
            connection.request(method, path, octets, headers)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        except (OSError, http.client.HTTPException):
            connection.close()
            raise

    def close(self) -> None:
        """Connections to the doors are opened again when they are needed."""
        for connection in self.connections.values():
            connection.close()

    # ---- people ----

    def pair(self, name: str) -> KeyPair:
        return key_pair(self.keys, name)

    def signed(self, request: duis.Request) -> bytes:
        """The request as its originator signs it."""
        name = f"xml-sign-{str(request.request_id.originator).replace('-', '')}-ds"
        return self.pair(name).sign_xml(duis.build_request(request))

    def next_counter(self) -> int:
        """A number no request has had: milliseconds, as real clients count."""
        self.counter = max(self.counter + 1, int(self.clock().timestamp() * 1000))
        return self.counter

    def ids(self, originator: Eui64 = SUPPLIER, target: Eui64 = GPF, counter: int | None = None) -> duis.RequestId:
        return duis.RequestId(originator, target, self.next_counter() if counter is None else counter)

    # ---- requests ----

    def inventory(self, target: Eui64 = GPF, counter: int | None = None) -> duis.Request:
        """An 8.2."""
        return duis.Request(
            self.ids(target=BROKER, counter=counter), 8, "8.2", "8.2", duis.ReadInventory(device_id=target)
        )

    def read(self, *roles: RemotePartyRole, target: Eui64 = GPF) -> duis.Request:
        """A 6.24.1."""
        body = duis.RetrieveDeviceSecurityCredentialsKRP(roles or (NO,))
        return duis.Request(self.ids(target=target), 1, "6.24", "6.24.1", body)

    def firmware(self, target: Eui64 = ESME, counter: int | None = None) -> duis.Request:
        """An 11.2."""
        return duis.Request(self.ids(target=target, counter=counter), 1, "11.2", "11.2", duis.ReadFirmwareVersion())

    def update(self, counter: int | None = None, target: Eui64 = GPF, user: Eui64 = OPERATOR, **body: Any) -> Any:
        """A 6.15.1; by default the operator leaves, and the broker comes into its slot."""
        fields: dict[str, Any] = {
            "remote_party_role": NO,
            "path_certificates": (self.path,),
            "apply_time_based_cpv_checks": True,
            "digital_signing_certificate": self.certificate("Z1-accessControlBroker-ds"),
            "key_agreement_certificate": self.certificate("Z1-accessControlBroker-ka"),
            "floor_seq_number": 0,
        }
        ids = self.ids(user, target, counter)
        return duis.Request(ids, 4, "6.15", "6.15.1", duis.UpdateSecurityCredentialsKRP(**{**fields, **body}))

    def handover(self, target: Eui64 = GPF, role: RemotePartyRole = NO, **body: Any) -> duis.Request:
        """A 6.21 that puts the operator back."""
        fields: dict[str, Any] = {
            "remote_party_role": role,
            "digital_signing_certificate": self.certificate("Z1-networkOperator-ds"),
            "path_certificates": (self.path,),
            "apply_time_based_cpv_checks": True,
            "key_agreement_certificate": self.certificate("Z1-networkOperator-ka"),
            "floor_seq_number": 0,
        }
        made = duis.RequestHandoverOfDCCControlledDevice(**{**fields, **body})
        return duis.Request(self.ids(target=target), 1, "6.21", "6.21", made)

    def certificate(self, name: str) -> bytes:
        return self.pair(name).certificate.der

    @property
    def path(self) -> bytes:
        """The certificate of the issuing authority."""
        return zaz1().issuing

    def ask(self, request: duis.Request) -> Answer:
        """Signed by its originator, to the service its variant belongs to."""
        return self.post(DOORS[request.command_variant], self.signed(request))

    def accepted(self, request: duis.Request) -> duis.RequestId:
        answer = self.ask(request)
        assert answer.code == "I99", self.why(request)
        self.run(lambda: None)  # one turn of the engine later the command is on its way
        return request.request_id

    def completed(self, request: duis.Request, signer: str = "Z1-networkOperator-ds") -> duis.Request:
        """A transform asked for, and the signed pre-command that answers it."""
        message = gbcs.decode(self.ask(request).pre_command)
        signed = gbcs.attach_signature(message, self.pair(signer).sign(gbcs.signed_octets(message)))
        return duis.signed_pre_command(request, gbcs.encode(signed))

    def leave(self, counter: int | None = None, signer: str = "Z1-networkOperator-ds", **body: Any) -> duis.RequestId:
        """A 6.15.1 through transform and signed pre-command."""
        return self.accepted(self.completed(self.update(counter, **body), signer))

    # ---- what comes of them ----

    def outcomes(self, request_id: duis.RequestId) -> list[duis.Response]:
        """What the user was told about a request by callback."""
        found = [duis.parse_response(octets).response for octets in list(self.users.got)]
        return [each for each in found if each.request_id == request_id]

    def outcome(self, request_id: duis.RequestId, many: int = 1) -> duis.Response:
        """The newest answer to a request, once there are so many."""
        self.wait(lambda: len(self.outcomes(request_id)) >= many, f"{request_id} was not answered")
        return self.outcomes(request_id)[-1]

    def wait(self, what: Any, why: str = "it did not happen", seconds: float = 15.0) -> None:
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, why
            time.sleep(0.01)

    def device_said(self, request_id: duis.RequestId) -> Any:
        """The payload of the device's answer to a request."""
        response = self.outcome(request_id)
        assert response.response_code == "I0", self.trail(str(request_id))
        message = gbcs.decode(response.message.content.gbcs_payload)
        return gbcs.decode_payload(message)

    def command(self, request_id: duis.RequestId) -> gbcs.Message:
        """The newest command that was made of a request."""
        with self.books() as books:
            (found,) = books.execute(
                "SELECT octets FROM command WHERE request_originator = ? AND request_target = ? AND request_counter = ?"
                " ORDER BY number DESC LIMIT 1",
                (request_id.originator, request_id.target, request_id.counter.to_bytes(8, "big")),
            ).fetchone()
        return gbcs.decode(found)

    # ---- the network ----

    def run(self, action: Any) -> Any:
        """Something on the engine's thread."""
        return asyncio.run_coroutine_threadsafe(self.dsp.engine.call(action), self.loop).result(15)

    def break_way(self, device: Eui64 = GPF, **faults: float) -> None:
        self.run(lambda: self.dsp.wan.estate.set_faults(device, Faults(**faults)))

    def pass_time(self, seconds: float) -> None:
        """So many seconds later; the engine looks around at once."""
        self.clock.ahead += timedelta(seconds=seconds)
        self.dsp.engine.wake()

    def on_its_way(self, device: Eui64 = GPF) -> int:
        """How many messages are between a device and the DSP."""
        return self.run(lambda: sum(each.device == device for each in self.dsp.wan.estate.post.parcels()))

    def arrives(self, octets: bytes, device: Eui64 = GPF) -> None:
        """A message comes from the network, whoever wrote it."""

        def act() -> None:
            now = self.clock()
            self.dsp.wan.estate.post.send(Sending(Way.FROM_DEVICE, device, octets, now, now), NO_FAULTS, 0)

        self.run(act)

    def device(self, eui: Eui64 = GPF) -> Any:
        return self.run(lambda: self.dsp.wan.estate.book.device(eui))

    def put(self, device: Any) -> None:
        self.run(lambda: self.dsp.wan.estate.put(device))

    def occupant(self, cell: CellId = NO_DS, device: Eui64 = GPF) -> Eui64:
        return self.device(device).cell(cell).entity

    # ---- the books ----

    def counters(self, device: Eui64 = GPF) -> Any:
        return self.told(f"/api/devices/{device}/counters")

    def highest(self, device: Eui64 = GPF) -> int | None:
        found = self.counters(device)["highest"]
        return None if found is None else int(found["counter"])

    def slot(self, cell: CellId = NO_DS, device: Eui64 = GPF) -> str:
        """Who sits in a cell as far as the DSP knows."""
        current = self.told(f"/api/devices/{device}/slots")["current"]
        return next(line["entity"] for line in current if line["cell"] == str(cell))

    @contextlib.contextmanager
    def books(self) -> Iterator[sqlite3.Connection]:
        """The database itself, beside the program."""
        connection = sqlite3.connect(f"file:{self.folder / 'dsp.db'}?mode=ro", uri=True)
        with contextlib.closing(connection):
            yield connection

    def trail(self, subject: str | None = None, after: int = 0) -> list[dict[str, Any]]:
        """Lines of the Service Audit Trail."""
        with self.books() as books:
            found = books.execute("SELECT seq, octets FROM trail WHERE seq > ? ORDER BY seq", (after,)).fetchall()
        lines = [json.loads(octets) | {"seq": seq} for seq, octets in found]
        return [line for line in lines if subject is None or line["subject"] == subject]

    def last_line(self) -> int:
        """The number of the newest line of the trail."""
        with self.books() as books:
            (last,) = books.execute("SELECT coalesce(max(seq), 0) FROM trail").fetchone()
        return last

    def why(self, request: duis.Request) -> Any:
        return self.trail(str(request.request_id))[-1:]

    def settled(self) -> dict[str, Any]:
        """``dump``, once everything that can be delivered was."""

        def waiting() -> int:
            with self.books() as books:
                (count,) = books.execute("SELECT count(*) FROM delivery WHERE state = 'waiting'").fetchone()
            return count

        self.wait(lambda: not waiting(), "deliveries wait")
        return self.dump()

    def dump(self) -> dict[str, Any]:
        """Everything that is kept, but for the trail: rows of each table, and the files with their sizes."""
        found: dict[str, Any] = {}
        for name in ("dsp.db", "han.db", "lab.db"):
            connection = sqlite3.connect(f"file:{self.folder / name}?mode=ro", uri=True)
            with contextlib.closing(connection):
                tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
                for (table,) in tables:
                    if table not in _BOOKKEEPING:
                        found[f"{name} {table}"] = _rows(connection, table)
        found["files"] = sorted(each.name for each in self.folder.iterdir() if not each.name.startswith(_COME_AND_GO))
        found["users"] = len(self.users.got)
        return found


def _rows(connection: sqlite3.Connection, table: str) -> list[Any]:
    cursor = connection.execute(f'SELECT * FROM "{table}"')
    names = [column[0] for column in cursor.description]
    kept = [place for place, name in enumerate(names) if table != "lease" or name not in _MOVES_BY_ITSELF]
    return sorted(([row[place] for place in kept] for row in cursor), key=repr)


@contextlib.contextmanager
def served_lab(
    shared: Path,
    folder: Path,
    policy: Policy = QUICK,
    lab: Path | None = None,
    accounts: AccountBook | None = None,
    **front: Any,
):
    """Open a lab in this folder, serve it from a thread, and stop it in the end."""
    users, clock = Users(), MovingClock()
    folder.mkdir(exist_ok=True)
    names = {
        "operator": "operator",
        "auditor": "auditor",
        "supplier": f"user:{SUPPLIER}",
        "network": f"user:{OPERATOR}",
    }
    tokens = folder / "tokens.json"
    made = {} if tokens.exists() else {
        name: make_token(tokens, name, role, clock(), os.urandom) for name, role in names.items()
    }  # fmt: skip
    lab, key_file = lab or shared / "zaz1-lab.json", shared / "zaz1-test-keys.json"
    options = LabOptions(
        lab, (key_file,), None, folder, users.address, Front(duis_port=0, api_port=0, **front), clock, policy,
        accounts=accounts, duis_url=lambda: f"http://127.0.0.1:{listening[0].socket.getsockname()[1]}",
    )  # fmt: skip
    loops: list[asyncio.AbstractEventLoop] = []
    ready, ends = threading.Event(), threading.Event()
    failures: list[BaseException] = []
    with contextlib.closing(users), opened_lab(options) as opened:
        listening = [
            http_server.listen(
                each.name,
                getattr(import_module(each.application.partition(":")[0]), each.application.partition(":")[2])(
                    each.door
                ),
                each.host,
                each.port,
                each.tls,
                each.limits,
            )
            for each in opened.services
        ]

        async def until_told(_stopping: asyncio.Event) -> None:
            loops.append(asyncio.get_running_loop())
            while not ends.is_set():
                await asyncio.sleep(0.02)

        def serve() -> None:
            try:
                uvloop.run(http_server.serve(listening, ready.set, [*opened.work, until_told], signals=False))
            except BaseException as error:
                failures.append(error)
                ready.set()

        thread = threading.Thread(target=serve, name="doors")
        thread.start()
        try:
            assert ready.wait(15)
            assert not failures, failures
            ports = [each.socket.getsockname()[1] for each in listening]
            served = ServedLab(
                folder, read_key_file(key_file), opened.dsp, ports[0], ports[1], loops[0], clock, users, made
            )
            yield served
            served.close()
        finally:
            ends.set()
            thread.join(20)
        assert not failures, failures
