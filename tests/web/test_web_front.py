"""The whole front around one engine: three doors, a delivery on its way, counted, and stopped in good order."""

import asyncio
import http.client
import json
import threading
from importlib import import_module

import pytest
import uvloop

from trustcell.adapters import http_server
from trustcell.app.callbacks import CallbackRules
from trustcell.app.front import Behind, Front, open_front
from trustcell.app.tokens import make_token
from web.books import NOW, SUPPLIER, Books, Desk
from web.doors import XML, Engine, Numbers
from web.test_web_callbacks import Receiver, Shelf


def ask(listening, method, path, body=b"", headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", listening.socket.getsockname()[1], timeout=15)
    try:
        connection.request(method, path, body, XML if headers is None else headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_doors_api_and_deliveries_run_together_and_stop(tmp_path):
    token = make_token(tmp_path / "tokens.json", "desk", "operator", NOW, lambda size: b"x" * size)
    books, shelf, engine = Books(), Shelf(), Engine()
    addresses: dict = {}
    front = Front(duis_port=0, api_port=0, tokens=tmp_path / "tokens.json", callbacks=CallbackRules(lab=True))
    opened = open_front(
        front, Behind(engine, books, Desk(books), shelf, addresses.get, lambda: NOW, Numbers())
    )  # fmt: skip
    applications = [
        getattr(import_module(each.application.partition(":")[0]), each.application.partition(":")[2])(each.door)
        for each in opened.services
    ]
    duis, api = (http_server.listen("x", each, "127.0.0.1", 0) for each in applications)
    got: list = []
    asked: dict = {}
    ready = threading.Event()

    def drive():
        assert ready.wait(15)
        asked["duis"] = ask(duis, "POST", "/api/v1/serviceS", b"<I99/>")
        asked["whoami"] = ask(api, "GET", "/api/whoami", b"", {"Authorization": f"Bearer {token}"})

    async def user(stopping):
        async with Receiver() as receiver:
            addresses[SUPPLIER] = receiver.url
            shelf.put(SUPPLIER, b"<sr:Response/>", NOW)
            opened.wake()
            while not shelf.over or thread.is_alive():
                await asyncio.sleep(0.01)
            asked["metrics"] = await asyncio.to_thread(ask, api, "GET", "/metrics")
            got.extend(receiver.got)

    thread = threading.Thread(target=drive)
    thread.start()
    uvloop.run(http_server.serve([duis, api], ready.set, [user, *opened.work], signals=False))
    thread.join(5)
    assert asked["duis"] == (200, b"<sr:Response>I99</sr:Response>")
    assert json.loads(asked["whoami"][1]) == {"name": "desk", "role": "operator"}
    assert [body for _, body in got] == [b"<sr:Response/>"]
    assert shelf.over == {1: "204"}
    text = asked["metrics"][1].decode()
    assert 'trustcell_deliveries_total{outcome="done"} 1.0' in text
    assert 'trustcell_requests_total{code="I99",door="serviceS",status="200"} 1.0' in text


def test_work_that_fails_stops_the_servers_and_is_heard_of():
    listening = http_server.listen("x", Engine(), "127.0.0.1", 0)

    async def broken(stopping):
        await asyncio.sleep(0.05)
        raise RuntimeError("the engine has stopped")

    with pytest.raises(RuntimeError, match="the engine has stopped"):
        uvloop.run(http_server.serve([listening], lambda: None, [broken], signals=False))


def test_work_that_does_not_end_is_cancelled(monkeypatch):
    monkeypatch.setattr(http_server, "STOP_SECONDS", 0.2)
    listening = http_server.listen("x", Engine(), "127.0.0.1", 0)
    ended: list[str] = []

    async def quick(stopping):
        await asyncio.sleep(0.05)

    async def stubborn(stopping):
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cancelled")

    uvloop.run(http_server.serve([listening], lambda: None, [quick, stubborn], signals=False))
    assert ended == ["cancelled"]


def test_a_callback_has_time_to_start_a_java_program():
    with pytest.raises(ValueError):
        Front(callback_seconds=3)
