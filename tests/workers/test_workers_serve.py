"""Two workers on one PostgreSQL, through their doors: forwarded, repeated, killed, paused past a lease, stopped.

Every test of this file uses one service, in order; the last one stops it.
"""

import concurrent.futures
import contextlib
import os
import re
import signal
import time
from functools import partial

import httpx
import pytest

from trustcell.vocab import Eui64
from web.serving import wait_for
from workers.workers_world import METERS, SUPPLIER, World, code_of, served

LEASE = 10.0


@pytest.fixture(scope="module")
def world(shared, postgresql, tmp_path_factory):
    url = postgresql.new()
    with served(shared, tmp_path_factory.mktemp("workers"), url) as made:
        yield made
    postgresql.release(url)


def submit(world: World, path: str, octets: bytes) -> str:
    """Straight to one worker, which finds the home by itself; again while it has an old view of who holds it."""
    end = time.monotonic() + 90
    while True:
        answer = world.say(path, {"do": "submit", "door": "serviceS"}, octets)
        if answer.head.get("unavailable") != "home_elsewhere":
            return code_of(answer.octets)
        assert time.monotonic() < end, "no answer within 90 seconds"
        time.sleep(0.3)


def home_of(world: World, meter: Eui64) -> str:
    with world.books() as homes:
        return homes.home_of(meter)


def one_of_each(world: World) -> dict[str, Eui64]:
    with world.books() as homes:
        return {homes.home_of(meter): meter for meter in METERS}


def test_each_worker_has_a_home_and_serves_both(world: World):
    owners = world.owners()
    assert len(set(owners.values())) == len(owners) == 2
    ids = []
    for path in world.workers():
        for meter in one_of_each(world).values():
            asked, octets = world.request(meter)
            assert submit(world, path, octets) == "I99"
            ids.append(asked)
    for _ in range(8):
        for meter in one_of_each(world).values():
            asked, octets = world.request(meter)
            assert world.ask(octets) == "I99"
            ids.append(asked)
    world.all_answered(ids)
    world.check(ids)
    for path in world.workers():
        said = world.say(path, {"do": "status"}).head
        assert len(said["homes"]) == 1
        assert said["forwarded"] > 0


def test_a_request_for_a_home_that_is_elsewhere_is_never_passed_on_twice(world: World):
    """A worker that is asked as the owner and is not says so."""
    (first, path), (_, _) = sorted(world.owners().items())
    other = next(each for each in world.workers() if each != path)
    meter = one_of_each(world)[first]
    _, octets = world.request(meter)
    said = world.say(other, {"do": "submit", "home": first, "door": "serviceS"}, octets).head
    assert said["unavailable"] == "home_elsewhere"
    assert world.ask(octets) == "I99"


def test_the_same_request_to_both_workers_is_one_command(world: World):
    for meter in one_of_each(world).values():
        ids, octets = world.request(meter)
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            paths = world.workers() * 3
            codes = list(pool.map(partial(submit, world, octets=octets), paths))
        assert "I99" in codes
        world.all_answered([ids])
        with world.books() as homes:
            assert len(homes.views.commands_of(ids)) == 1
        world.check([ids])


def test_octets_that_are_no_request_are_refused_by_whichever_worker(world: World):
    status, body = world.post(b"<no/>")
    assert status == 400
    assert b"schema_invalid" in body or b"code" in body


def test_health_homes_and_metrics_name_the_workers(world: World):
    status, found = world.api("GET", "/api/health")
    assert (status, found["status"]) == (200, "ok")
    assert {"worker 0", "worker 1", "virtual devices"} <= found["components"].keys()
    assert sum(name.startswith("home ") and "held by worker" in name for name in found["components"]) == 2


def test_an_operator_changes_what_is_in_a_home(world: World):
    """Users are read again by every worker; each change is a line in the home it belongs to."""
    stranger = "90-B3-D5-1F-30-07-00-00"
    assert world.api("PUT", f"/api/users/{stranger}", {"roles": ["GS"]})[0] == 200
    for meter in one_of_each(world).values():
        registration = {
            "mpxn": "1399999999999",
            "supplier": str(SUPPLIER),
            "network_operator": "90-B3-D5-1F-30-02-00-00",
            "begins": "2030-01-01T00:00:00Z",
        }
        assert world.api("POST", "/api/registrations", registration)[0] in (200, 201)
        ids, octets = world.request(meter)
        assert world.ask(octets) == "I99"
        status, refused = world.api("POST", f"/api/requests/{ids}/cancel")
        assert (status, refused["code"]) == (409, "request_not_waiting")
        world.all_answered([ids])
    with world.books() as homes:
        kinds = {entry.kind for _, _, entry in homes.views.trail(stranger)}
    assert "user" in kinds


def test_a_suspended_user_is_refused_by_both_workers_and_comes_back(world: World):
    _, known = world.api("GET", f"/api/users/{SUPPLIER}")
    facts = {"roles": known["roles"], "callback": known["callback"]}
    assert world.api("PUT", f"/api/users/{SUPPLIER}", {**facts, "status": "suspended"})[0] == 200
    try:
        for meter in one_of_each(world).values():
            assert world.ask(world.request(meter)[1]) not in ("I99", "I0")
    finally:
        assert world.api("PUT", f"/api/users/{SUPPLIER}", {**facts, "status": "active"})[0] == 200
    for meter in one_of_each(world).values():
        assert world.ask(world.request(meter)[1]) == "I99"


def test_a_device_that_cannot_be_reached_is_said_by_the_pump(world: World):
    """E20 comes through the tables, long before the time-out (E21)."""
    meter = METERS[0]
    assert world.api("POST", f"/api/han/{meter}/break", {"link": "unreachable"})[0] == 200
    ids, octets = world.request(meter)
    assert world.ask(octets) == "I99"
    world.all_answered([ids], 60)
    with world.books() as homes:
        (command,) = homes.views.commands_of(ids)
        assert (command.state, homes.views.request(ids).code) == ("unreachable", "E20")
    assert world.api("POST", f"/api/han/{meter}/mend")[0] == 200
    ids, octets = world.request(meter)
    assert world.ask(octets) == "I99"
    world.all_answered([ids])


def load(world: World, each: int, midway) -> list:
    """So many requests for every meter, those of a meter one after the other; ``midway`` happens meanwhile."""
    row = {meter: [world.request(meter) for _ in range(each)] for meter in METERS}

    def client(meter: Eui64) -> list:
        for _, octets in row[meter]:
            world.ask(octets)
        return [ids for ids, _ in row[meter]]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(client, meter) for meter in METERS]
        midway()
        return [ids for future in futures for ids in future.result()]


def test_a_worker_killed_under_load_loses_nothing(world: World):
    path = world.owners()["0"]
    with world.books() as homes, homes.session() as session, session.reading():
        before = dict(session.all("SELECT home, epoch FROM lease"))

    def kill() -> None:
        time.sleep(0.5)
        os.kill(world.process(path), signal.SIGKILL)

    ids = load(world, 4, kill)
    world.all_answered(ids)
    world.check(ids)
    with world.books() as homes, homes.session() as session, session.reading():
        after = dict(session.all("SELECT home, epoch FROM lease"))
    assert after[0] > before[0]
    wait_for(lambda: len(world.living_owners()) == 2, 30)


def test_a_worker_paused_past_its_lease_is_fenced_and_started_again(world: World):
    path = world.owners()["0"]
    process = world.process(path)
    meter = next(each for each in METERS if home_of(world, each) == "0")
    os.kill(process, signal.SIGSTOP)
    try:
        wait_for(lambda: world.living_owners().get("0") not in (None, path), 4 * LEASE)
        ids, octets = world.request(meter)
        assert world.ask(octets) == "I99"
        world.all_answered([ids])
    finally:
        os.kill(process, signal.SIGCONT)

    def again() -> bool:
        with contextlib.suppress(Exception):
            return world.process(path) != process
        return False

    wait_for(again, 90)
    assert "another worker has taken over" in world.server.log.read_text()
    asked = [world.request(each) for each in METERS]
    assert [world.ask(octets) for _, octets in asked] == ["I99"] * len(asked)
    world.all_answered([ids for ids, _ in asked])
    world.check([ids for ids, _ in asked])


def test_the_console_reads_what_every_worker_writes_and_changes_devices(world: World):
    """Its pages are of the supervisor; the clock of several processes is not moved."""
    ready = world.server.told
    with httpx.Client(base_url=ready["console"].removesuffix("/console"), follow_redirects=True) as browser:
        once, own = ready["one_time_password"], "a password of my own"
        browser.post("/console/sign-in", data={"name": ready["account"], "password": once})
        form = re.search(r'name="form" value="(\w+)"', browser.get("/console/password").text)[1]
        browser.post("/console/password", data={"form": form, "old": once, "new": own, "again": own})
        home = browser.get("/console")
        assert "Network operator slots" in home.text
        assert browser.get(f"/console/devices/{METERS[0]}").status_code == 200
        lab = browser.get("/console/lab").text
        assert "Move the clock" not in lab
        form = re.search(r'name="form" value="(\w+)"', lab)[1]
        assert browser.post("/console/lab/clock", data={"form": form, "hours": "1"}).status_code == 400
        for change, told in (("unreachable", "no"), ("mend", "yes")):
            page = browser.post(f"/console/lab/devices/{METERS[0]}", data={"form": form, "change": change})
            row = next(part for part in page.text.split("<tr>") if f"eui-{METERS[0]}" in part)
            assert f">{told}<" in row
        assert browser.get("/console/departures").status_code == 200


def test_everything_stops_in_order(world: World):
    processes = [world.process(path) for path in world.workers()]
    folder = os.path.dirname(world.workers()[0])
    world.server.process.send_signal(signal.SIGTERM)
    assert world.server.process.wait(60) == 0
    for each in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(each, 0)
    assert not os.path.exists(folder)
    with world.books() as homes:
        assert set(homes.leases().values()) == {None}
    assert "Traceback" not in world.server.log.read_text()
