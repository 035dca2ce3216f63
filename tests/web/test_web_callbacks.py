"""Callbacks: over real sockets, in order for each user, many at once, again until taken; and whom nobody may call."""

import asyncio
import socket
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from trustcell.adapters.http_client import Poster
from trustcell.app.callbacks import CallbackRules, read_callback
from trustcell.app.deliverer import Deliverer
from trustcell.dsp.rules.retry import RetrySchedule
from trustcell.dsp.rules.work import Delivery, DeliveryState
from trustcell.vocab import Eui64, WireError

LAB = CallbackRules(lab=True)
FAST = RetrySchedule((timedelta(milliseconds=20), timedelta(milliseconds=40)))


def eui(number: int) -> Eui64:
    return Eui64(number.to_bytes(8, "big"))


class Shelf:
    """The contract of ``Store.deliveries`` in memory: the oldest waiting one of each user, or a few in a row."""

    def __init__(self, count: int = 1) -> None:
        self.waiting: dict[int, Delivery] = {}
        self.over: dict[int, str] = {}
        self.count = count
        self.groups: list[int] = []

    def put(self, user: Eui64, octets: bytes, due: datetime) -> None:
        number = len(self.waiting) + len(self.over) + 1
        self.waiting[number] = Delivery(number, user, octets, None, True, 0, due)

    async def deliveries(self, now, limit):
        rows = defaultdict(list)
        for each in self.waiting.values():
            rows[each.user].append(each)
        found = []
        for row in rows.values():
            for each in row[: self.count]:
                if each.next_at > now:
                    break
                found.append(each)
        return found[:limit]

    async def next_delivery(self):
        heads = {each.user: each for each in reversed(self.waiting.values())}
        return min((each.next_at for each in heads.values()), default=None)

    async def settle_deliveries(self, outcomes, now):
        self.groups.append(len(outcomes))
        for number, said, again in outcomes:
            delivery = self.waiting[number]
            assert delivery.state is DeliveryState.WAITING
            if again is None:
                self.over[number] = said
                del self.waiting[number]
            else:
                self.waiting[number] = Delivery(
                    number, delivery.user, delivery.octets, None, True, delivery.attempts + 1, again, last=said
                )


class Receiver:
    """A user's HTTP server that answers as it is told and remembers what came."""

    def __init__(self, *answers: bytes, pause: float = 0.0) -> None:
        self.answers = list(answers)
        self.pause = pause
        self.got: list[tuple[bytes, bytes]] = []
        self.connections = 0

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.talk, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/smartdcc/duis"
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def talk(self, reader, writer):
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:-2])
                body = await reader.readexactly(int(fields[b"content-length"]))
                self.got.append((head, body))
                await asyncio.sleep(self.pause)
                answer = self.answers.pop(0) if self.answers else b"204 No Content"
                writer.write(b"HTTP/1.1 " + answer + b"\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def now() -> datetime:
    return datetime.now(UTC)


async def deliver(shelf, address, until, *, rules=LAB, seconds=10.0, limit=10.0):
    """Run a deliverer until ``until()`` holds."""
    stopping = asyncio.Event()
    async with Poster(rules.may_connect, seconds) as way:
        deliverer = Deliverer(shelf, way, address, now, FAST)
        running = asyncio.create_task(deliverer.run(stopping))
        end = time.monotonic() + limit
        while not until():
            assert time.monotonic() < end, "it did not happen in time"
            assert not running.done(), running.exception()
            await asyncio.sleep(0.005)
        stopping.set()
        await running


def test_a_response_is_posted_once_as_it_was_signed():
    async def story():
        shelf = Shelf()
        shelf.put(eui(1), b"<sr:Response/>", now())
        async with Receiver() as user:
            await deliver(shelf, {eui(1): user.url}.get, lambda: shelf.over)
            return user.got, shelf.over

    got, over = asyncio.run(story())
    assert [body for _, body in got] == [b"<sr:Response/>"]
    head = got[0][0]
    assert head.startswith(b"POST /smartdcc/duis HTTP/1.1\r\n")
    assert b"\r\nContent-Type: application/xml\r\n" in head
    assert b"chunked" not in head.lower()
    assert over == {1: "204"}


@pytest.mark.parametrize("count", [1, 8])
def test_each_user_gets_his_in_order_over_one_connection(count):
    async def story():
        shelf = Shelf(count)
        for number in range(60):
            shelf.put(eui(number % 3), b"%d" % number, now())
        async with Receiver() as one, Receiver() as two, Receiver() as three:
            users = [one, two, three]
            urls = {eui(number): user.url for number, user in enumerate(users)}
            await deliver(shelf, urls.get, lambda: len(shelf.over) == 60)
            return [[int(body) for _, body in user.got] for user in users], [user.connections for user in users]

    got, connections = asyncio.run(story())
    assert got == [[*range(start, 60, 3)] for start in range(3)]
    assert connections == [1, 1, 1]


def test_one_that_is_away_holds_up_nobody_and_gets_everything_in_order_later():
    async def story():
        shelf = Shelf(4)
        for number in range(20):
            shelf.put(eui(number % 2), b"%d" % number, now())
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        urls = {eui(0): f"http://127.0.0.1:{port}/a"}
        async with Receiver() as present:
            urls[eui(1)] = present.url
            await deliver(shelf, urls.get, lambda: len(shelf.over) == 10)
        assert all(each.user == eui(0) for each in shelf.waiting.values())
        first = shelf.waiting[1]
        assert first.attempts >= 1
        assert first.last.startswith("no connection")
        assert {each.attempts for number, each in shelf.waiting.items() if number != 1} == {0}, "none overtakes"
        async with Receiver() as back:
            urls[eui(0)] = back.url
            await deliver(shelf, urls.get, lambda: not shelf.waiting)
            return [int(body) for _, body in back.got]

    assert asyncio.run(story()) == [*range(0, 20, 2)]


def test_a_slow_user_holds_up_nobody():
    async def story():
        shelf = Shelf()
        shelf.put(eui(0), b"slow", now())
        for number in range(20):
            shelf.put(eui(1), b"%d" % number, now())
        async with Receiver(pause=1.5) as slow, Receiver() as quick:
            urls = {eui(0): slow.url, eui(1): quick.url}
            began = time.monotonic()
            await deliver(shelf, urls.get, lambda: len(quick.got) == 20)
            quick_took = time.monotonic() - began
            return quick_took, len(shelf.over)

    took, over = asyncio.run(story())
    assert took < 1.4, "the quick one was done before the slow one answered"
    assert over >= 19


@pytest.mark.parametrize("status", [b"400 Bad Request", b"404 Not Found", b"413 Too Large"])
def test_what_will_never_be_taken_is_dropped_and_the_next_goes_on(status):
    async def story():
        shelf = Shelf()
        shelf.put(eui(1), b"bad", now())
        shelf.put(eui(1), b"good", now())
        async with Receiver(status) as user:
            await deliver(shelf, {eui(1): user.url}.get, lambda: len(shelf.over) == 2)
            return shelf.over, len(user.got)

    over, posted = asyncio.run(story())
    assert over == {1: status[:3].decode(), 2: "204"}
    assert posted == 2


@pytest.mark.parametrize("status", [b"500 Oops", b"503 Later", b"301 Moved\r\nLocation: http://127.0.0.1:9/"])
def test_other_answers_are_tried_again_with_the_same_octets(status):
    async def story():
        shelf = Shelf()
        shelf.put(eui(1), b"<x/>", now())
        async with Receiver(status, status, status) as user:
            await deliver(shelf, {eui(1): user.url}.get, lambda: shelf.over)
            return [body for _, body in user.got]

    assert asyncio.run(story()) == [b"<x/>"] * 4


def test_redirects_lead_nowhere():
    async def story():
        shelf = Shelf()
        shelf.put(eui(1), b"<x/>", now())
        async with Receiver() as elsewhere:
            moved = b"307 Moved\r\nLocation: " + elsewhere.url.encode()
            async with Receiver(moved, moved) as user:
                await deliver(shelf, {eui(1): user.url}.get, lambda: shelf.over)
                return len(user.got), elsewhere.connections

    assert asyncio.run(story()) == (3, 0)


def test_a_user_that_never_answers_is_given_up_in_time():
    async def story():
        shelf = Shelf()
        shelf.put(eui(1), b"<x/>", now())
        async with Receiver(pause=30) as user:
            await deliver(shelf, {eui(1): user.url}.get, lambda: shelf.waiting[1].attempts, seconds=0.3)
            return shelf.waiting[1].last

    assert asyncio.run(story()) == "no answer within 0.3 seconds"


def test_a_user_without_an_address_waits():
    async def story():
        shelf = Shelf()
        shelf.put(eui(1), b"<x/>", now())
        await deliver(shelf, {}.get, lambda: shelf.waiting[1].attempts > 1)
        return shelf.waiting[1].last

    assert asyncio.run(story()) == "no address is known"


def test_nonsense_of_a_receiver_is_a_failure_like_another():
    async def story():
        async def nonsense(reader, writer):
            await reader.read(10)
            writer.write(b"\x00\xff" * 1000)
            writer.close()

        shelf = Shelf()
        shelf.put(eui(1), b"<x/>", now())
        server = await asyncio.start_server(nonsense, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        await deliver(shelf, {eui(1): f"http://127.0.0.1:{port}/"}.get, lambda: shelf.waiting[1].attempts)
        server.close()
        return shelf.waiting[1].last

    said = asyncio.run(story())
    assert said.startswith(("no valid answer", "no connection"))
    assert "\x00" not in said


# A8: whom nobody may call.


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("127.0.0.1:1880/smartdcc/duis", "http://127.0.0.1:1880/smartdcc/duis"),
        ("127.0.0.1:1880", "http://127.0.0.1:1880/smartdcc/duis"),
        ("http://localhost:1880/x", "http://localhost:1880/x"),
        ("[::1]:1880/x", "http://[::1]:1880/x"),
    ],
)
def test_an_address_as_operators_type_it(text, url):
    assert read_callback(text, LAB) == url


HOSTILE = [
    "file:///etc/passwd",
    "https://127.0.0.1:1880/",
    "gopher://127.0.0.1:1880/",
    "ftp://127.0.0.1/",
    "//127.0.0.1/",
    "user:pw@127.0.0.1:1880/",
    "127.0.0.1:1880/../x",
    "127.0.0.1:1880/x?y",
    "127.0.0.1:1880/x#y",
    "127.0.0.1:1880/\r\nX: y",
    "127.0.0.1:99999/",
    "127.0.0.1:0/",
    "2130706433:1880/",
    "0x7f000001:1880/",
    "127.1:1880/",
    "0177.0.0.1:1880/",
    "",
    "a" * 300,
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("lab", [True, False])
def test_what_is_no_address(text, lab):
    allowed = frozenset({"127.0.0.1:1880", "2130706433:1880", "127.1:1880", "0x7f000001:1880", "0177.0.0.1:1880"})
    with pytest.raises(WireError) as caught:
        read_callback(text, CallbackRules(allowed, lab))
    assert caught.value.code in ("callback_address_invalid", "callback_not_allowed")


def test_outside_a_lab_only_what_is_listed_and_never_this_machine():
    rules = CallbackRules(frozenset({"user.example:1880", "192.0.2.1:80", "127.0.0.1:1880", "169.254.169.254:80"}))
    assert read_callback("USER.example:1880/x", rules) == "http://user.example:1880/x"
    for text in (
        "user.example:1881/x", "other.example:1880/x", "127.0.0.1:1880/x", "localhost:1880/x", "[::1]:1880/",
        "169.254.169.254:80/", "0.0.0.0:1880/",
    ):  # fmt: skip
        with pytest.raises(WireError) as caught:
            read_callback(text, rules)
        assert caught.value.code == "callback_not_allowed"


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("198.51.100.7", True),
        ("10.1.2.3", True),
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("169.254.169.254", False),
        ("fe80::1%eth0", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("nonsense", False),
    ],
)
def test_where_a_name_may_lead(address, allowed):
    assert CallbackRules().may_connect(address) is allowed


def test_a_name_that_leads_to_this_machine_is_not_called():
    """DNS can change after the address was accepted."""

    async def story():
        shelf = Shelf()
        shelf.put(eui(1), b"<x/>", now())
        async with Receiver() as here:
            urls = {eui(1): f"http://localhost:{here.port}/"}
            await deliver(shelf, urls.get, lambda: shelf.waiting[1].attempts, rules=CallbackRules())
            return here.connections, shelf.waiting[1].last

    assert asyncio.run(story()) == (0, "no connection: its address may not be called")
