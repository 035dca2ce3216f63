"""The DUIS services over HTTP: dcc-boxed-interface.md 2 and 7 line by line, and hostile input X13 on real sockets."""

import contextlib
import gzip
import http.client
import json
import logging
import re
import socket
import threading
import time

import pytest

from trustcell.adapters import http_protocol
from trustcell.adapters.http_protocol import Limits
from trustcell.app.doors import DUIS_DOORS, DuisLimits
from trustcell.vocab import Unavailable
from web.doors import XML, duis_door

BODY = b"<I99/>"
HEAD = b"POST /api/v1/serviceS HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\n"


@pytest.fixture(scope="module")
def open_door():
    with duis_door() as door:
        yield door


@pytest.fixture
def door(open_door):
    open_door.engine.seen.clear()
    open_door.engine.error = None
    return open_door


def refusal(reply) -> dict:
    assert reply.headers["content-type"] == "application/problem+json"
    plain = json.loads(reply.body)
    assert plain["status"] == reply.status
    assert re.fullmatch(r"[0-9]{10}-\w+", plain["reference"])
    assert plain["detail"]
    return plain


def exchange(door, octets: bytes, *, half_close: bool = False) -> bytes:
    with door.connect() as connection:
        connection.sendall(octets)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
    return answer


# Checklist 1: 200 and application/xml on all three services, also for refusals.


@pytest.mark.parametrize("name", DUIS_DOORS)
@pytest.mark.parametrize("code", ["I0", "I99", "E12", "E062103"])
def test_every_duis_answer_is_200_and_application_xml(door, name, code):
    sent = f"<{code}/>".encode()
    reply = door.ask(path=f"/api/v1/{name}", body=sent)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/xml")
    assert reply.body == f"<sr:Response>{code}</sr:Response>".encode()
    assert int(reply.headers["content-length"]) == len(reply.body)
    assert door.engine.seen == [(sent, name)]


def test_octets_reach_the_engine_as_they_were_sent(door):
    """The digest is over these octets: nothing may be decoded, trimmed or joined differently on the way."""
    body = b"<a>\r\n\t\xc3\xa9 &#13;\n</a>\r\n" * 20_000
    door.ask(path="/api/v1/serviceT", body=body)
    assert door.engine.seen == [(body, "serviceT")]


def test_chunked_bodies_are_joined(door):
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=15)
    connection.request("POST", "/api/v1/serviceS", iter([b"<I9", b"9", b"/>"]), XML, encode_chunked=True)
    assert connection.getresponse().read() == b"<sr:Response>I99</sr:Response>"
    connection.close()
    assert door.engine.seen == [(BODY, "serviceS")]


def test_a_connection_is_kept_between_requests(door):
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=15)
    for _ in range(3):
        connection.request("POST", "/api/v1/serviceS", BODY, XML)
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"<sr:Response>I99</sr:Response>")
    connection.request("POST", "/api/v1/serviceS", b"no xml", XML)
    assert connection.getresponse().read()
    connection.request("POST", "/api/v1/serviceS", BODY, XML)
    assert connection.getresponse().status == 200
    connection.close()


def test_a_thousand_answers_do_not_wait_for_a_delayed_acknowledgement(door):
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=15)
    began = time.perf_counter()
    for _ in range(200):
        connection.request("POST", "/api/v1/serviceS", BODY, XML)
        connection.getresponse().read()
    connection.close()
    assert time.perf_counter() - began < 6, "200 answers at 40 ms of delayed acknowledgement are 8 seconds"


# What is no DUIS answer.


def test_a_body_that_is_not_xml_is_400_with_code_sentence_and_the_engines_reference(door):
    reply = door.ask(body=b"hello")
    plain = refusal(reply)
    assert (reply.status, plain["code"], plain["reference"]) == (400, "xml_not_well_formed", "1709283600-engine")
    assert "an XML document was expected" in plain["detail"]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("GET", "/api/v1/serviceS", XML, 405, "method_not_allowed"),
        ("PUT", "/api/v1/serviceD", XML, 405, "method_not_allowed"),
        ("POST", "/api/v1/serviceX", XML, 404, "not_found"),
        ("POST", "/api/v1/serviceS/", XML, 404, "not_found"),
        ("POST", "/api/v1/servicess", XML, 404, "not_found"),
        ("POST", "/", XML, 404, "not_found"),
        ("POST", "/api/v1/serviceS", {"Content-Type": "text/xml"}, 415, "content_type_unsupported"),
        ("POST", "/api/v1/serviceS", {}, 415, "content_type_unsupported"),
        ("POST", "/api/v1/serviceS", {**XML, "Content-Encoding": "gzip"}, 415, "content_encoding_unsupported"),
        ("POST", "/api/v1/serviceS", {**XML, "Content-Encoding": "identity, br"}, 415, "content_encoding_unsupported"),
    ],
)
def test_refusals_before_the_engine(door, method, path, headers, status, code):
    reply = door.ask(method, path, BODY, headers)
    assert (reply.status, refusal(reply)["code"]) == (status, code)
    assert door.engine.seen == []
    if status == 405:
        assert reply.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "kind", ["application/xml; charset=utf-8", "APPLICATION/XML", "application/xml;charset=UTF-8; x=y"]
)
def test_parameters_and_case_of_the_media_type_do_not_matter(door, kind):
    assert door.ask(body=BODY, headers={"Content-Type": kind}).status == 200


@pytest.mark.parametrize(("name", "limit"), [("serviceS", 1 << 20), ("serviceT", 1 << 20), ("serviceD", 16 << 20)])
def test_size_is_bounded_by_door(door, name, limit):
    body = b"<I99/>".ljust(limit, b" ")
    assert door.ask(path=f"/api/v1/{name}", body=body).status == 200
    reply = door.ask(path=f"/api/v1/{name}", body=body + b" ")
    assert (reply.status, refusal(reply)["code"]) == (413, "body_too_large")
    assert len(door.engine.seen) == 1


def test_a_firmware_image_of_14_megabytes_comes_through(door):
    body = b"<I0/>" + b"QUJD" * (14 << 18)
    assert door.ask(path="/api/v1/serviceD", body=body).status == 200
    assert len(door.engine.seen[0][0]) == len(body)


def test_a_length_beyond_all_bounds_is_refused_without_reading(door):
    answer = exchange(door, HEAD + b"Content-Length: 99999999999\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"body_too_large" in answer


def test_a_full_disk_is_503_storage_full(door):
    """F1: told as such, and the next request is served."""

    class Full(Unavailable):
        code = "storage_full"

    door.engine.error = Full("the disk of the store is full")
    reply = door.ask(body=BODY)
    plain = refusal(reply)
    assert (reply.status, plain["code"], reply.headers["retry-after"]) == (503, "storage_full", "1")
    door.engine.error = None
    assert door.ask(body=BODY).status == 200


def test_no_traceback_reaches_a_client(door, caplog):
    door.engine.error = RuntimeError("secret in a message")
    with caplog.at_level(logging.ERROR):
        reply = door.ask(body=BODY)
    plain = refusal(reply)
    assert (reply.status, plain["code"]) == (500, "internal_error")
    assert b"secret" not in reply.body
    assert any(plain["reference"] in record.getMessage() for record in caplog.records), "found by its reference"


def test_one_log_line_for_one_refusal_under_its_reference(door, caplog):
    with caplog.at_level(logging.INFO, "trustcell.web.duis"):
        plain = refusal(door.ask(body=BODY, headers={}))
    lines = [record.getMessage() for record in caplog.records if plain["reference"] in record.getMessage()]
    assert len(lines) == 1
    assert "[content_type_unsupported]" in lines[0]


def test_headers_let_no_browser_do_anything(door):
    refused = door.ask("GET")
    assert refused.headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in refused.headers["content-security-policy"]
    for reply in (door.ask(body=BODY), refused):
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cache-control"] == "no-store"
        assert "set-cookie" not in reply.headers
        assert "server" not in reply.headers
        assert "access-control-allow-origin" not in reply.headers


# X13.


@pytest.fixture(scope="module")
def hasty():
    """A door that waits a second for bodies."""
    with duis_door(DuisLimits(body_seconds=1.0)) as door:
        yield door


def test_a_gzip_bomb_is_not_opened(door):
    bomb = gzip.compress(bytes(50 << 20))
    reply = door.ask(body=bomb, headers={**XML, "Content-Encoding": "gzip"})
    assert reply.status == 415
    assert door.engine.seen == []


def test_a_body_shorter_than_announced_is_400_when_the_sender_leaves(door):
    answer = exchange(door, HEAD + b"Content-Length: 100\r\n\r\n" + BODY, half_close=True)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"body_incomplete" in answer
    assert door.engine.seen == []


def test_chunks_without_an_end_are_400_when_the_sender_leaves(door):
    answer = exchange(door, HEAD + b"Transfer-Encoding: chunked\r\n\r\n6\r\n<I99/>\r\n", half_close=True)
    assert answer.startswith(b"HTTP/1.1 400")
    assert door.engine.seen == []


def test_a_sender_that_has_said_everything_may_close_his_side(door):
    answer = exchange(door, HEAD + b"Content-Length: 6\r\n\r\n" + BODY, half_close=True)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"<sr:Response>I99</sr:Response>")


def test_a_body_longer_than_announced_is_400(door):
    answer = exchange(door, HEAD + b"Content-Length: 6\r\n\r\n" + BODY + b"<evil/>")
    assert answer.startswith(b"HTTP/1.1 400")
    assert door.engine.seen == [], "who is told 400 has asked for nothing"


def test_what_follows_a_whole_request_later_is_400_as_well(door):
    with door.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 6\r\n\r\n" + BODY)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        connection.sendall(b"<evil/>")
        assert connection.recv(4096).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "octets",
    [
        HEAD + b"Content-Length: 6\r\nContent-Length: 7\r\n\r\n" + BODY,
        HEAD + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n" + BODY,
        HEAD + b"Content-Length: 0x6\r\n\r\n" + BODY,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n" + BODY,
        b"POST /api/v1/serviceS HTTP/9.9\r\n\r\n",
        b"POST http://\x00 HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03",
    ],
    ids=["two lengths", "length and chunks", "below zero", "hex", "chunk size", "version", "NUL", "TLS"],
)
def test_lengths_that_contradict_themselves_are_400(door, octets):
    """Request smuggling needs two readings of one length."""
    assert exchange(door, octets).startswith(b"HTTP/1.1 400")
    assert door.engine.seen == []


@pytest.mark.parametrize(
    "start", [b"Content-Length: 1000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"], ids=["length", "chunks"]
)
def test_slow_bodies_are_408_and_hold_up_nobody(hasty, start):
    answers: list[bytes] = []

    def crawl():
        with hasty.connect() as connection:
            connection.sendall(HEAD + start)
            connection.settimeout(0.2)
            answer = b""
            for _ in range(60):
                try:
                    connection.sendall(b"1\r\n<\r\n" if b"chunked" in start else b"<")
                    more = connection.recv(4096)
                except TimeoutError:
                    continue
                except OSError:
                    break
                answer += more
                if not more:
                    break
            answers.append(answer)

    crawlers = [threading.Thread(target=crawl) for _ in range(20)]
    for crawler in crawlers:
        crawler.start()
    worst = 0.0
    for _ in range(50):
        began = time.perf_counter()
        assert hasty.ask(body=BODY).status == 200
        worst = max(worst, time.perf_counter() - began)
    assert worst < 1
    for crawler in crawlers:
        crawler.join(20)
    assert len(answers) == 20
    assert all(answer.startswith(b"HTTP/1.1 408") and b"body_too_slow" in answer for answer in answers)


def test_chunks_that_never_end_stop_at_the_limit():
    with duis_door(DuisLimits(octets=dict.fromkeys(DUIS_DOORS, 1000))) as door, door.connect() as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        sent, answer = 0, b""
        with contextlib.suppress(OSError):
            while sent < 64 << 20:
                connection.sendall(chunk)
                sent += len(chunk)
        with contextlib.suppress(OSError):
            answer = connection.recv(4096)
        assert sent < 64 << 20
        assert answer == b"" or answer.startswith(b"HTTP/1.1 413"), "a reset may overtake the answer"
        assert door.ask(body=BODY).status == 200


def test_large_bodies_together_have_a_bound():
    limits = DuisLimits(octets_in_hand=2 << 20, body_seconds=3)
    with duis_door(limits) as door:
        half = HEAD.replace(b"serviceS", b"serviceD") + b"Content-Length: 4000000\r\n\r\n" + b"<" * (3 << 19)
        with door.connect() as first:
            first.sendall(half)
            time.sleep(0.3)
            reply = door.ask(path="/api/v1/serviceD", body=b"<I99/>".ljust(1 << 20, b" "))
            assert (reply.status, refusal(reply)["code"]) == (503, "busy")
            assert door.ask(body=BODY).status == 200, "small ones go on"
        deadline = time.monotonic() + 10
        while door.ask(path="/api/v1/serviceD", body=b"<I99/>".ljust(1 << 20, b" ")).status != 200:
            assert time.monotonic() < deadline, "what was taken is given back"


@pytest.mark.parametrize(
    "octets",
    [
        HEAD + b"A: " + b"b" * 20_000,
        HEAD + b"A: b\r\n" * 5000 + b"Content-Length: 6\r\n\r\n" + BODY,
        b"POST /" + b"a" * 20_000,
        HEAD + b"A: " + b"b" * 20_000 + b"\r\nContent-Length: 6\r\n\r\n" + BODY,
    ],
    ids=["one header", "many headers", "address", "whole"],
)
def test_a_head_is_bounded_in_size(door, octets):
    assert exchange(door, octets).startswith((b"HTTP/1.1 400", b"HTTP/1.1 431"))
    assert door.engine.seen == []


def test_a_head_that_does_not_come_closes_the_connection(monkeypatch):
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.5)
    with duis_door() as door, door.connect() as silent, door.connect() as started, door.connect() as kept:
        started.sendall(HEAD[:20])
        kept.sendall(HEAD + b"Content-Length: 6\r\n\r\n" + BODY)
        assert kept.recv(4096).startswith(b"HTTP/1.1 200")
        kept.sendall(HEAD[:20])
        assert [each.recv(4096) for each in (silent, started)] == [b"", b""]
        received = b""
        while chunk := kept.recv(4096):
            received += chunk
        assert b"HTTP" not in received.partition(b"</sr:Response>")[2]


def test_connections_of_one_client_are_bounded():
    with duis_door(server=Limits(connections_per_client=3)) as door:
        held = [door.connect() for _ in range(3)]
        for each in held:
            each.sendall(HEAD)
        time.sleep(0.2)
        assert exchange(door, b"").startswith(b"HTTP/1.1 429")
        for each in held:
            each.close()
        deadline = time.monotonic() + 10
        while door.ask(body=BODY).status != 200:
            assert time.monotonic() < deadline


def test_too_many_requests_of_one_address_are_429():
    ticks = [100.0]
    with duis_door(DuisLimits(rate=1.0, burst=3.0), ticks=lambda: ticks[0]) as door:
        assert [door.ask(body=BODY).status for _ in range(4)] == [200, 200, 200, 429]
        reply = door.ask(body=BODY)
        assert (refusal(reply)["code"], reply.headers["retry-after"]) == ("rate_exceeded", "1")
        assert len(door.engine.seen) == 3
        ticks[0] += 2.0
        assert [door.ask(body=BODY).status for _ in range(3)] == [200, 200, 429]
