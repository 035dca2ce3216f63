"""A service user with the public packages, unmodified, against a running ``trustcell serve --lab``."""

import base64
import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trustcell import certs, duis, gbcs
from trustcell.adapters.keyfiles import KeyFile, read_key_file
from trustcell.app.lab import key_pair
from trustcell.app.lab_facts import zaz1
from trustcell.vocab import Eui64
from web.duis_client import MODULES, Client, duis_client
from web.serving import Running, running

KEYS_DRIVER = Path(__file__).with_name("key_client.js")
SUPPLIER = "90-B3-D5-1F-30-01-00-00"
OPERATOR = "90-B3-D5-1F-30-02-00-00"
BROKER = "90-B3-D5-1F-30-00-00-02"
ESME, CHF, GPF = "00-DB-12-34-56-78-90-A0", "00-DB-12-34-56-78-90-A2", "00-DB-12-34-56-78-90-A3"
DOORS = {1: "serviceS", 4: "serviceT", 5: "serviceS", 8: "serviceD"}
SECONDS = 3.0
"""After this a client has given up; it does not try again (dcc-boxed-interface.md 2.2)."""


def free_port() -> int:
    """A port that is free now, for a callback whose address the server is told before anybody listens."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@dataclass
class Keys:
    """The public key store as a process."""

    process: subprocess.Popen

    def do(self, job: str, **values: str) -> dict:
        self.process.stdin.write(json.dumps({"do": job, **values}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer

    def sign(self, eui: str, pre_command: str) -> str:
        """The pre-command (base64) with the user's signature."""
        return self.do("sign", eui=eui, payload=pre_command)["payload"]

    def certificate(self, eui: str, usage: str) -> certs.Certificate:
        """The one certificate in use; a client fails with none and with two."""
        (found,) = self.do("certificate", eui=eui, usage=usage)["found"]
        return certs.Certificate.from_der(base64.b64decode(found))


@dataclass
class Users:
    """Supplier and operator at their desks: what they send, and what comes back."""

    client: Client
    keys: Keys
    server: Running
    files: KeyFile
    schema: duis.Schema
    waiting: list[dict] = field(default_factory=list)
    used: int = field(default_factory=lambda: time.time_ns() // 1_000_000)

    # ---- out ----

    def send(self, template: str, counter: int | None = None, target: str = "", **body: Any) -> dict:
        """A packaged request under a new counter, its body with other fields; what came back, checked."""
        return self.post(self.request(template, counter, target, **body))

    def request(self, template: str, counter: int | None = None, target: str = "", **body: Any) -> dict:
        """The packaged request with these fields of its body replaced, ``None`` to leave one out."""
        request = self.client.template(template)
        ids = request["header"]["requestId"]
        ids["counter"] = str(self.next() if counter is None else counter)
        if target:
            ids["targetId"] = target
        if not body:
            return request
        ((name, inner),) = request["body"].items()
        first = {each: value for each, value in body.items() if each not in inner}  # an execution time comes first
        whole = {**first, **inner, **body}
        request["body"][name] = {each: value for each, value in whole.items() if value is not None}
        return request

    def next(self) -> int:
        """A counter as clients make them: milliseconds since 1970, and never the same twice."""
        self.used = max(self.used + 1, time.time_ns() // 1_000_000)
        return self.used

    def post(self, request: dict, service: str = "") -> dict:
        """Send to the service of the variant; the answer is one the packaged tool takes in time."""
        variant = request["header"]["commandVariant"]
        if isinstance(variant, dict):
            variant = variant["number"]
        answer = self.client.exchange(service or DOORS[variant], request)
        assert (answer["status"], answer["type"]) == (200, "application/xml"), answer
        assert answer["milliseconds"] < SECONDS * 1000
        assert answer["valid"], answer
        self.check(answer["body"])
        header = answer["message"]["header"]
        assert header["requestId"]["counter"] == request["header"]["requestId"]["counter"]
        assert "responseId" not in header, "an acknowledgement has none"
        return answer

    def critical(self, request: dict, signer: str = "") -> dict:
        """Transform, sign, send as the client does: the ID in lower case, the signed payload, variant 5."""
        answer = self.post(request)
        assert self.code(answer) == "I0", answer
        message = answer["message"]
        offered = next(iter(message["body"].values()))["PreCommand"]["GBCSPayload"]
        originator = request["header"]["requestId"]["originatorId"]
        return self.post(self.signed(message, self.keys.sign(signer or originator, offered)))

    def signed(self, answer: dict, payload: str) -> dict:
        """The second request of a critical service, made from the answer to the first."""
        ids = answer["header"]["requestId"]
        lower = {name: value.lower() for name, value in ids.items()}
        return {
            "header": {
                "type": "request",
                "requestId": lower,
                "commandVariant": 5,
                **{name: answer["body"]["ResponseMessage"][name[0].upper() + name[1:]] for name in REFERENCES},
            },
            "body": {"SignedPreCommand": {"GBCSPayload": payload}},
        }

    # ---- back ----

    @staticmethod
    def code(answer: dict) -> str:
        """The response code."""
        return answer["message"]["header"]["responseCode"]

    def accepted(self, answer: dict) -> str:
        """The request ID of what was accepted, in lower case."""
        assert self.code(answer) == "I99", answer
        return id_of(answer["message"]["header"]["requestId"])

    def response(self, request_id: str) -> dict:
        """The callback that answers a request, validated by the packaged tool and by DUIS 5.4."""
        return self.until(lambda each: request_id in id_of(each["message"]["header"].get("requestId")))

    def until(self, wanted: Any, seconds: float = 60) -> dict:
        """The first callback that is wanted; others wait."""
        end = time.monotonic() + seconds
        while True:
            for each in self.waiting:
                if wanted(each):
                    self.waiting.remove(each)
                    return each
            callback = self.client.callback(max(end - time.monotonic(), 0.1))
            assert callback["valid"], callback
            self.check(callback["body"])
            self.waiting.append(callback)

    def check(self, xml: str) -> None:
        """One line, no white space between elements, valid against DUIS 5.4."""
        assert "\n" not in xml
        assert "> <" not in xml
        self.schema.validate(duis.parse_document(xml.encode()))

    # ---- GBCS ----

    def message(self, callback: dict) -> gbcs.Message:
        """The GBCS message inside a response or an alert."""
        parsed = duis.parse_response(callback["body"].encode()).response
        content = getattr(parsed.message, "content", None) or parsed.message
        return gbcs.decode(content.gbcs_payload)

    def check_mac(self, message: gbcs.Message, recipient_key: str) -> None:
        """The MAC with the device's certificate from the repository and the recipient's key."""
        device = self.keys.certificate(str(message.originator), "keyAgreement")
        secret = gbcs.agree(key_pair(self.files, recipient_key).private_key, device.public_key)
        assert gbcs.check_mac(message, secret)

    def check_signature(self, message: gbcs.Message) -> None:
        """The device's signature with its certificate from the repository."""
        device = self.keys.certificate(str(message.originator), "digitalSignature")
        assert gbcs.check_signature(device.public_key, gbcs.signed_octets(message), message.signature or b"")

    def outcome(self, callback: dict) -> gbcs.ExecutionOutcome:
        """What an update of credentials came to."""
        payload = gbcs.decode_payload(self.message(callback))
        assert isinstance(payload, gbcs.UpdateSecurityCredentialsResponse), payload
        assert payload.outcome is not None
        return payload.outcome

    def certificate(self, name: str) -> str:
        """A certificate of the public key file, in base64."""
        return base64.b64encode(key_pair(self.files, name).certificate.der).decode()


REFERENCES = ("serviceReference", "serviceReferenceVariant")


def id_of(ids: dict | None) -> str:
    """A parsed request ID as text in lower case."""
    return ":".join(ids[name] for name in ("originatorId", "targetId", "counter")).lower() if ids else ""


def path_certificates() -> dict:
    """The issuing certificate that a command carries."""
    return {"Certificate": base64.b64encode(zaz1().issuing).decode()}


@contextlib.contextmanager
def users(shared: Path, folder: Path, *arguments: str) -> Iterator[Users]:
    """The lab served as its own program, with everybody connected."""
    port = free_port()
    lab = ("--lab", str(shared / "zaz1-lab.json"), "--keys", str(shared / "zaz1-test-keys.json"))
    callback = ("--callback", f"127.0.0.1:{port}/smartdcc/duis")
    files = read_key_file(shared / "zaz1-test-keys.json")
    with (
        running(folder, *lab, *callback, *arguments) as server,
        duis_client(server.told["duis"]) as client,
        subprocess.Popen(
            ["node", KEYS_DRIVER, MODULES, server.address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        client.listen(port)
        yield Users(client, Keys(process), server, files, duis.load_schema(shared / "schema"))
        process.stdin.close()
        process.wait(20)
        assert "Traceback" not in server.log.read_text()


__all__ = [
    "BROKER",
    "CHF",
    "ESME",
    "GPF",
    "OPERATOR",
    "SUPPLIER",
    "Eui64",
    "Users",
    "id_of",
    "path_certificates",
    "users",
]
