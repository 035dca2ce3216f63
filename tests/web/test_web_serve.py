"""``trustcell serve`` as a program: ready when it says so, stopped in good order, one sentence when it cannot."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from web.serving import KEY, running, search_request, wait_for

TRUSTCELL = Path(sys.executable).with_name("trustcell")
SUPPLIER = "90-B3-D5-1F-30-01-00-00"


@pytest.fixture(scope="module")
def keys(shared):
    return ("--keys", str(shared / "zaz1-test-keys.json"))


def attempt(folder, *arguments, **environment):
    command = [TRUSTCELL, "serve", *arguments]
    env = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=60, env=env)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_once_it_says_so_and_ends_with_0(tmp_path, keys, number):
    with running(tmp_path, *keys) as server:
        assert server.told["ready"] is True
        assert server.told["clock"].startswith("2024-03-01T09:0"), "when all public certificates are valid"
        assert server.search(search_request(CertificateSubjectName=SUPPLIER)).status == 200
        server.process.send_signal(number)
        assert server.process.wait(15) == 0
        assert server.process.stdout.read() == b""
        assert "Traceback" not in server.log.read_text()


def test_what_has_begun_is_answered_before_it_stops(tmp_path, keys):
    with running(tmp_path, *keys) as server:
        host, _, port = server.address.partition(":")
        body = search_request(CertificateSubjectName=SUPPLIER).encode()
        head = f"POST /services/certificatesearch?{KEY} HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\n"
        with socket.create_connection((host, int(port)), timeout=15) as connection:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:20])
            server.ask("GET", "/health")  # by now the head was read
            server.process.send_signal(signal.SIGTERM)
            threading.Timer(0.5, connection.sendall, (body[20:],)).start()
            answer = b""
            while chunk := connection.recv(65_536):
                answer += chunk
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"</CertificateSearchResponse>" in answer
        assert server.process.wait(15) == 0


def test_a_port_in_use_is_one_sentence(tmp_path, keys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = attempt(tmp_path, *keys, "--repository-port", port)
    assert done.returncode == 1
    assert f"127.0.0.1:{port} cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--keys", "nothing.json"), "input_missing"),
        (("--lab", "nothing.json"), "lab_missing"),
        (("--lab", "list.json"), "lab_format"),
        (("--keys", "list.json"), "import_format"),
    ],
)
def test_files_that_are_not_there_are_named(tmp_path, arguments, code):
    (tmp_path / "list.json").write_text("[]")
    done = attempt(tmp_path, *arguments, "--repository-port", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"[{code}]" in done.stderr


def test_wrong_use_is_2(tmp_path, keys):
    assert attempt(tmp_path, *keys, "--repository-port", "70000").returncode == 2
    assert attempt(tmp_path, *keys, "--at", "yesterday").returncode == 2


def test_what_is_left_out_of_a_lab_is_said(tmp_path, keys):
    with running(tmp_path, *keys) as server:
        text = server.log.read_text()
    assert text.count("[certificate_null_algorithm_parameters]") == 2
    assert "mdr-ds" in text


def test_public_keys_are_not_served_to_other_machines_unless_told(tmp_path, keys):
    done = attempt(tmp_path, *keys, "--host", "0.0.0.0", "--repository-port", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert "[public_keys_on_open_address]" in done.stderr
    with running(tmp_path, *keys, "--host", "0.0.0.0", "--i-know-these-keys-are-public") as server:
        wait_for(lambda: "private keys of the lab" in server.log.read_text())


def test_log_lines_can_be_json(tmp_path, keys):
    with running(tmp_path, *keys, "--log-json") as server:
        server.search(search_request(CertificateSubjectName=SUPPLIER), "apikey=verysecretvalue")
        wait_for(lambda: "search" in server.log.read_text())
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    assert any(line["logger"] == "trustcell.web" and SUPPLIER in line["event"] for line in lines)
    assert "verysecretvalue" not in server.log.read_text()


def test_without_json_it_says_where_it_is(tmp_path, keys):
    command = [TRUSTCELL, "serve", *keys, "--repository-port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tmp_path
    ) as process:
        first = process.stdout.readline()
        process.terminate()
        assert first.startswith("repository of zaz1-lab at http://127.0.0.1:")
        assert process.wait(15) == 0


def test_nothing_of_a_lab_stays(tmp_path, keys):
    before = set(tmp_path.iterdir())
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with running(tmp_path, *keys, TMPDIR=str(scratch)) as server:
        assert list(scratch.glob("trustcell-lab-*"))
        assert server.stop() == 0
    assert list(scratch.glob("trustcell-lab-*")) == []
    assert {each.name for each in tmp_path.iterdir()} - {each.name for each in before} == {"scratch", "serve.log"}
    assert json.dumps(server.told)


def test_a_lab_given_a_home_is_kept_there(tmp_path, keys, shared):
    """What was asked before a restart is known after it."""
    home, tokens = tmp_path / "kept", str(tmp_path / "tokens.json")
    runner = [TRUSTCELL, "token", "make", "desk", "--role", "operator", "--tokens", tokens]
    token = subprocess.run(runner, capture_output=True, text=True, check=True).stdout.strip()
    arguments = (*keys, "--lab", str(shared / "zaz1-lab.json"), "--home", str(home), "--tokens", tokens)
    path = "/api/users/90-B3-D5-1F-30-03-00-00"
    statuses = []
    for method, body in (("PUT", b'{"roles": ["GS"]}'), ("GET", None)):
        with running(tmp_path, *arguments) as server:
            connection = http.client.HTTPConnection(urlsplit(server.told["api"]).netloc, timeout=30)
            with contextlib.closing(connection):
                headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
                connection.request(method, path, body, headers)
                statuses.append(connection.getresponse().status)
            assert server.stop() == 0
    assert statuses == [200, 200]


@pytest.mark.parametrize("given", [("--tls-key", "x.key"), ("--tls-certificate", "x.pem")])
def test_certificate_and_key_go_together(tmp_path, keys, shared, given):
    done = attempt(tmp_path, *keys, "--lab", str(shared / "zaz1-lab.json"), *given)
    assert done.returncode == 2
    assert "go together" in done.stderr
