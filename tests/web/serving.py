"""A running ``trustcell serve``: the real program as a process of its own, on a free port."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lxml import etree

KEY = "apikey=u3bg9gt38htd0j2"
XML = {"Content-Type": "application/xml"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def xml(self):
        return etree.fromstring(self.body)

    @property
    def code(self) -> str:
        return self.xml.findtext("ResponseCode")

    @property
    def message(self) -> str:
        return self.xml.findtext("ResponseMessage")


@dataclass
class Running:
    process: subprocess.Popen
    told: dict
    log: Path

    @property
    def address(self) -> str:
        return urlsplit(self.told["repository"]).netloc

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
        host, _, port = self.address.partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body, XML if headers is None else headers)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, found, response.read())

    def search(self, body: str | bytes, query: str = KEY) -> Reply:
        octets = body if isinstance(body, bytes) else body.encode()
        return self.ask("POST", f"/services/certificatesearch?{query}", octets)

    def retrieve(self, body: str | bytes) -> Reply:
        octets = body if isinstance(body, bytes) else body.encode()
        return self.ask("POST", f"/services/retrievecertificate?{KEY}", octets)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)


@contextlib.contextmanager
def running(folder: Path, *arguments: str, **environment: str):
    """Start it, wait until it says that it is ready, and stop it in the end."""
    ports = [each for name in ("repository", "duis", "api") for each in (f"--{name}-port", "0")]
    command = [Path(sys.executable).with_name("trustcell"), "serve", *ports, "--json", *arguments]
    log = folder / "serve.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, cwd=folder, env={**os.environ, **environment}
        )
    try:
        line = process.stdout.readline()
        assert line, log.read_text()
        yield Running(process, json.loads(line), log)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
        process.stdout.close()


def wait_for(what, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def search_request(**fields: str) -> str:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return f'<?xml version="1.0" encoding="utf-8"?><CertificateSearchRequest>{inner}</CertificateSearchRequest>'


def data_request(serial: str) -> str:
    inner = f"<CertificateSerial>{serial}</CertificateSerial>"
    return f'<?xml version="1.0" encoding="utf-8"?><CertificateDataRequest>{inner}</CertificateDataRequest>'
