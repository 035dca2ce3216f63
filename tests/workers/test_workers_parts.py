"""What workers are made of: where a request goes, values as plain JSON, messages over a socket, users read again."""

import asyncio
import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell import duis
from trustcell.adapters.worker_link import Link, LinkGone, Message, serve_link
from trustcell.app.doors import UserEntry
from trustcell.app.users import UserBook, WatchedUsers
from trustcell.app.workers import talk
from trustcell.app.workers.plain import from_plain, to_plain
from trustcell.app.workers.routing import subject_of
from trustcell.dsp import (
    DeviceRecord,
    DeviceStatus,
    Effects,
    Occupant,
    Registration,
    SlotChange,
    TrailEntry,
    UserStatus,
    Work,
)
from trustcell.dsp.rules.plan import DeviceChange
from trustcell.dsp.rules.services.subject import subject
from trustcell.duis import UserRole
from trustcell.vocab import CellId, Clause, DeviceType, Eui64, KeyUsage, Refused, RemotePartyRole, WireError

A, B = Eui64(bytes(7) + b"\x01"), Eui64(bytes(7) + b"\x02")


def test_every_template_goes_where_its_books_are(shared):
    """All DUIS templates: the device that the rules call the subject; where there is none, the originator."""
    seen = 0
    for path in sorted((shared / "duis-templates").glob("*REQUEST*")):
        octets = path.read_bytes()
        try:
            request = duis.parse_request(octets).request
        except WireError:
            continue
        seen += 1
        expected = subject(request)
        if request.service.non_device and expected == request.request_id.target:
            expected = request.request_id.originator
        assert subject_of(octets) == expected, path.name
    assert seen > 100


@pytest.mark.parametrize("octets", [b"", b"<no/>", b"\xff" * 99, b"RequestID>12:13:1<"])
def test_what_names_nobody_goes_anywhere(octets):
    assert subject_of(octets) is None


@given(st.binary(max_size=300))
def test_routing_takes_any_octets(octets):
    assert subject_of(octets) is None or re.search(rb"RequestID>", octets)


def test_works_of_an_operator_go_both_ways():

    now = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    cell = CellId(RemotePartyRole.SUPPLIER, KeyUsage.DIGITAL_SIGNATURE)
    record = DeviceRecord(
        A, DeviceType.ESME, status=DeviceStatus.PENDING, status_since=now, hub=B, signing_point=b"\x04" * 65,
        details={"UPRN": "1"},
    )  # fmt: skip
    effects = Effects(
        slots=(SlotChange(cell, Occupant(B, bytes(8))),),
        devices=(DeviceChange(A, record, "made"), DeviceChange(B, None, "gone")),
        registrations=(Registration("1234567890", A, B, now),),
    )
    work = Work(A, effects=effects, trail=(TrailEntry("made", str(A), {"type": "ESME"}, "1-x"),))
    assert from_plain(Work, json.loads(json.dumps(to_plain(work)))) == work


@pytest.mark.parametrize("plain", [{}, {"device": "00"}, {"device": 7}, {"device": "00" * 8, "surprise": 1}])
def test_plain_values_of_another_shape_are_refused(plain):
    with pytest.raises((TypeError, ValueError, KeyError)):
        from_plain(Work, plain)


def test_refusals_and_errors_go_both_ways():
    finding = Clause("a", "b").breach("some_code", "field", "it is wrong", "make it right")
    with pytest.raises(Refused) as refused:
        talk.check_said(talk.said_error(Refused([finding])))
    assert refused.value.findings == (finding,)
    with pytest.raises(Exception, match="home 1") as found:
        talk.check_said(talk.said_error(talk.elsewhere("1")))
    assert found.value.code == "home_elsewhere"


def test_messages_overtake_each_other_and_a_worker_that_goes_away_is_said(tmp_path):
    async def play() -> None:
        stopping, path = asyncio.Event(), tmp_path / "s"
        slow = asyncio.Event()

        async def answer(message: Message) -> Message:
            if message.head["do"] == "slow":
                await slow.wait()
            if message.head["do"] == "fail":
                raise RuntimeError("no")
            return Message({"said": message.head["do"]}, message.octets[::-1])

        serving = asyncio.create_task(serve_link(path, answer, stopping))
        while not path.exists():
            await asyncio.sleep(0.01)
        assert path.stat().st_mode & 0o777 == 0o600
        link = Link(str(path))
        waiting = asyncio.create_task(link.ask(Message({"do": "slow"}, b"12"), 30))
        fast = await asyncio.gather(*(link.ask(Message({"do": "fast"}, bytes([n])), 30) for n in range(50)))
        assert [each.octets for each in fast] == [bytes([n]) for n in range(50)]
        assert not waiting.done()
        slow.set()
        assert (await waiting).octets == b"21"
        assert (await link.ask(Message({"do": "fail"}), 30)).head["unavailable"] == "internal_error"
        slow.clear()
        lost = asyncio.create_task(link.ask(Message({"do": "slow"}), 0.2))
        with pytest.raises(LinkGone):
            await lost
        slow.set()
        stopping.set()
        await serving
        with pytest.raises(LinkGone):
            await link.ask(Message({"do": "fast"}), 5)
        await link.close()

    asyncio.run(play())


@pytest.mark.parametrize("octets", [bytes(4), b"\xff" * 40, (20).to_bytes(4) + bytes(8) + b"\xff" * 12])
def test_a_frame_that_is_none_ends_its_connection_and_nothing_else(tmp_path, octets):
    async def play() -> None:
        stopping, path = asyncio.Event(), tmp_path / "s"

        async def answer(message: Message) -> Message:
            return message

        serving = asyncio.create_task(serve_link(path, answer, stopping))
        while not path.exists():
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(octets)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        link = Link(str(path))
        assert (await link.ask(Message({"a": 1}), 30)).head == {"a": 1}
        await link.close()
        stopping.set()
        await serving

    asyncio.run(play())


def test_users_are_read_again_when_their_file_is_replaced(tmp_path):
    path = tmp_path / "users.json"
    book = UserBook.open(path, {A: UserEntry(A, frozenset({UserRole.GAS_SUPPLIER}), callback="http://127.0.0.1:1/")})
    book.keep()
    watched = WatchedUsers(path)
    assert watched.users().keys() == {A}
    assert watched.callbacks() == {A: "http://127.0.0.1:1/"}
    book.put(UserEntry(A, frozenset({UserRole.GAS_SUPPLIER}), UserStatus.SUSPENDED), datetime(2026, 3, 2, tzinfo=UTC))
    assert watched.users()[A].status is UserStatus.SUSPENDED
    book.remove(A, datetime(2026, 3, 2, tzinfo=UTC))
    assert watched.users() == {}
