"""Any DUIS address as the system under test: users and devices of a lab file, keys of key files, a callback of ours."""

import http.server
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trustcell import duis
from trustcell.adapters.clock import system_now_exact
from trustcell.adapters.keyfiles import Credential, KeyFile, read_key_files
from trustcell.app.callbacks import DEFAULT_PATH
from trustcell.app.campaigning import Numbers
from trustcell.app.duis_client import send_request
from trustcell.app.lab import read_lab
from trustcell.app.lab_facts import facts_in
from trustcell.app.sit_client import SitParty, SitUsers
from trustcell.sit.rules.scenario import DEVICES, StepPlan
from trustcell.sit.rules.verdict import Seen
from trustcell.stories import KeyPair
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole, WireError

_MOST = 4 * 1024 * 1024
_ROLES = {"operator": ("GT", RemotePartyRole.NETWORK_OPERATOR), "supplier": ("GS", RemotePartyRole.SUPPLIER)}


@dataclass
class Remote:
    """See ``sit.ports.System``; what only its operator can do is out of reach."""

    users: SitUsers
    name: str
    can_control: bool = False

    def has(self) -> Collection[str]:
        """See the port."""
        return (*self.users.parties, *self.users.devices)

    def begin(self) -> None:
        """Nothing: the system is as it is."""

    def do(self, step: StepPlan) -> Seen:
        """See the port."""
        return self.users.do(step)


@contextmanager
def remote_system(
    url: str, lab: Path, keys: Sequence[Path], callback_port: int, patience: float = 30.0
) -> Iterator[tuple[Remote, str]]:
    """The system, and the callback address that its operator has to know.

    ``WireError`` for a lab file without what is needed.
    """
    with _Callbacks(callback_port) as callbacks:
        facts, key_file = read_lab(lab), read_key_files(keys)
        parties, devices = _parties(facts, key_file), _devices(facts)
        broker = Eui64.parse(facts["dcc"]["access_control_broker"]["id"])
        users = SitUsers(
            parties,
            devices,
            (facts_in(facts, str(lab)).issuing,),
            broker,
            lambda variant, octets: send_request(url, variant, octets),
            lambda ids: callbacks.wait(ids, patience),
            Numbers(system_now_exact),
        )
        yield Remote(users, url), callbacks.address


class _Callbacks:
    """Takes responses, keeps the last of each request."""

    def __init__(self, port: int) -> None:
        self._got: dict[duis.RequestId, bytes] = {}
        self._came = threading.Condition()
        took = self._took

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = min(int(self.headers.get("Content-Length") or 0), _MOST)
                took(self.rfile.read(length))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}{DEFAULT_PATH}"

    def __enter__(self) -> "_Callbacks":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, ids: duis.RequestId, seconds: float) -> bytes | None:
        end = time.monotonic() + seconds
        with self._came:
            while ids not in self._got:
                left = end - time.monotonic()
                if left <= 0 or not self._came.wait(left):
                    break
            return self._got.get(ids)

    def _took(self, octets: bytes) -> None:
        try:
            response = duis.parse_response(octets).response
        except WireError:
            return  # somebody else's message: the scenario waits for its own
        if response.request_id is not None:
            with self._came:
                self._got[response.request_id] = octets
                self._came.notify_all()


def _parties(lab: Mapping[str, Any], keys: KeyFile) -> dict[str, SitParty]:
    found: dict[str, SitParty] = {}
    for name, (role, certified) in _ROLES.items():
        users = [Eui64.parse(user["id"]) for user in lab["users"] if role in user["roles"]]
        first = f"{name}-a" if name == "operator" else name
        for label, entity in zip((first, f"{name}-b"), users, strict=False):
            party = _party(entity, certified, keys)
            if party is not None:
                found[label] = party
    broker = _party(Eui64.parse(lab["dcc"]["access_control_broker"]["id"]), RemotePartyRole.ACCESS_CONTROL_BROKER, keys)
    if broker is not None:
        found["acb"] = broker
    return found


def _party(entity: Eui64, role: RemotePartyRole, keys: KeyFile) -> SitParty | None:
    own = [each for each in keys.credentials if each.certificate is not None and each.certificate.entity_id == entity]
    signing = _first(own, role, KeyUsage.DIGITAL_SIGNATURE)
    agreement = _first(own, role, KeyUsage.KEY_AGREEMENT)
    if signing is None or agreement is None:
        return None
    xml = _first(own, RemotePartyRole.XML_SIGN, KeyUsage.DIGITAL_SIGNATURE)
    pairs = {
        pair.certificate.subject_key_identifier or b"": pair
        for each in own
        if each.certificate is not None and each.certificate.role == role and (pair := _pair(each)) is not None
    }
    assert signing.certificate is not None
    assert agreement.certificate is not None
    return SitParty(
        entity, None if xml is None else _pair(xml), pairs, signing.certificate.der, agreement.certificate.der
    )


def _first(own: Sequence[Credential], role: RemotePartyRole, usage: KeyUsage) -> Credential | None:
    """The oldest, by the order of the file: devices of a lab were made with the first generation."""
    for each in own:
        certificate = each.certificate
        if certificate is not None and certificate.role == role and usage in certificate.key_usage:
            return each
    return None


def _pair(credential: Credential) -> KeyPair | None:
    if credential.certificate is None or credential.key.private_key is None:
        return None
    return KeyPair(credential.certificate, credential.key.private_key)


def _devices(lab: Mapping[str, Any]) -> dict[str, tuple[Eui64, str]]:
    gpfs = [device for device in lab["devices"] if device["type"] == "GPF"]
    return {
        name: (Eui64.parse(device["id"]), str(device.get("mprn", "")))
        for name, device in zip(DEVICES, gpfs, strict=False)
    }
