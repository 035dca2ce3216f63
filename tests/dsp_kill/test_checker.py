"""The checker is tested: sound books are sound, and one planted violation of each invariant is found where it is."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from databases import Cluster
from dsp_kill import kill_world as w
from trustcell_audit.dsp import Evidence, check_dsp, digest_of_books
from trustcell_audit.dsp.books import open_books
from trustcell_audit.dsp.octets import carries, device_memory, head
from trustcell_audit.program import main

OPERATOR = f"usc {w.NO.value}"


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> w.Site:
    """Books with a departure and two handovers, one refused request, a slot read, everything delivered."""
    site = w.found(tmp_path_factory.mktemp("lived") / "site", 2)
    people, device, numbers = w.cast(), w.gpf_of(0), w.Numbers()
    node = w.Node(site, w.BEGINS)
    node.hand_over(people.leaving, device, numbers.next())
    node.carry()
    node.look()
    node.depart(people.leaving, device, 2**62)
    node.rest()
    node.look()
    node.hand_over(people.arriving, device, numbers.next())
    node.rest()
    assert node.hand_over(people.arriving, device, numbers.last).code.startswith("E")
    node.read(device, numbers.next())
    node.rest()
    node.look()
    site.say("run", input="a", clock="b", seed="c", outcome="d")
    node.close()
    return site


@pytest.fixture
def site(lived: w.Site, place: Path) -> w.Site:
    return lived.copy(place / "site")


def plant(url: str, *statements: str) -> None:
    """Write past everything that guards the books."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database, database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchall():
            database.execute(f"DROP INDEX {name}")
        database.create_function("longer", 1, lambda octets: octets + b"!")
        for statement in statements:
            assert database.execute(statement).rowcount, statement


def found(site: w.Site, *, at_rest: bool = True) -> set[tuple[str, str]]:
    return {(problem.code, problem.place.split(" ")[0]) for problem in site.problems(at_rest=at_rest)}


def test_sound_books_are_sound(site: w.Site) -> None:
    assert site.problems(at_rest=True) == []
    report = check_dsp(Evidence(site.url, site.heads, site.history, site.devices_url))
    assert report.relied == []
    assert report.facts["requests"] == 4
    assert report.facts["refusals"] == 1
    assert report.facts["slots_compared"] > 10


COPY = "request, request_originator, request_target, request_counter, service_variant"
BOOKS = {
    "two octet strings under one number": (
        "I1", "command",
        "INSERT INTO command SELECT number + 1000000, home, part, originator, device, counter, message_code, "
        f"{COPY}, longer(octets), state, alert_pending, schedule, not_after, at, changed_at FROM command LIMIT 1",
    ),
    "a command whose octets carry another number": (
        "I1", "command",
        "UPDATE command SET counter = x'0000000000000001' WHERE number = (SELECT min(number) FROM command)",
    ),
    "a number given to two requests": (
        "I1", "request",
        "UPDATE request SET reserved_by = (SELECT reserved_by FROM request WHERE reserved IS NOT NULL LIMIT 1), "
        "reserved = (SELECT reserved FROM request WHERE reserved IS NOT NULL LIMIT 1) WHERE reserved IS NOT NULL",
    ),
    "a stored counter that fell": (
        "I2", "trail", "UPDATE gpf_network_operator_floor SET highest_counter = 5",
    ),
    "a stored counter that is gone": ("I2", "counter_event", "DELETE FROM gpf_network_operator_floor"),
    "an own sequence that fell": ("I2", "request", "UPDATE originator_counter SET last_own = 1"),
    "an acknowledged request that is gone": ("I3", "history", "DELETE FROM request WHERE state = 'delivered'"),
    "a commanded request without a command": ("I3", "request", "UPDATE request SET state = 'commanded'"),
    "a held request that nobody wakes": ("I3", "request", "UPDATE request SET state = 'held'"),
    "a user who is not told": ("I3", "request", "DELETE FROM delivery"),
    "a user who is told twice": (
        "I3", "request",
        "INSERT INTO delivery SELECT number + 1000000, home, part, user_id, request, request_originator, "
        "request_target, request_counter, final, attempts, next_at, state, last, at FROM delivery WHERE final = 1",
        "INSERT INTO delivery_octets SELECT number + 1000000, octets FROM delivery_octets",
    ),
    "a delivery that says other things than were heard": (
        "I3", "history", "UPDATE delivery_octets SET octets = longer(octets)",
    ),
    "a state that is none": ("I3", "request", "UPDATE request SET state = 'lost'"),
    "an entry that was changed": (
        "I7", "trail",
        "UPDATE trail SET octets = CAST(replace(octets, '\"at\":\"2', '\"at\":\"3') AS BLOB) WHERE seq = 3",
    ),
    "an entry that is gone": ("I7", "trail", "DELETE FROM trail WHERE seq = 4"),
    "a log that was cut off": ("I7", "lease", "DELETE FROM trail WHERE seq = (SELECT max(seq) FROM trail)"),
    "an entry in another place": ("I7", "trail", "UPDATE trail SET part = part + 1 WHERE seq = 2"),
    "a head that is of another log": ("I7", "audit_head", "UPDATE audit_head SET hash = zeroblob(32)"),
    "a device message that was changed": ("I7", "inbound", "UPDATE inbound SET octets = longer(octets)"),
    "a request of which no entry tells": (
        "I8", "request", "UPDATE trail SET request = NULL, subject = 'nobody' WHERE request IS NOT NULL",
    ),
    "a command for a request that nobody accepted": (
        "I8", "command", "UPDATE command SET request_counter = x'0000000000000009'",
    ),
    "a slot that the device does not hold": (
        "I10", "slot", "UPDATE slot SET key_id = x'0102030405060708' WHERE cell / 16777216 = 3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOOKS)
def test_a_violation_planted_in_the_books_is_found(name: str, site: w.Site) -> None:
    code, place, *statements = BOOKS[name]
    plant(site.url, *statements)
    assert (code, place) in found(site)


def test_a_refusal_that_left_a_request_is_found(site: w.Site) -> None:
    octets = w.signed(w.cast().supplier, w.handover_request(w.cast().arriving, w.gpf_of(1), 7))
    node = w.Node(site, w.BEGINS.replace(year=2025))
    assert node.submit(octets.replace(b"<sr:RequestID>", b"<sr:RequestID >"), "serviceT").code.startswith("E")
    node.rest()
    node.close()
    (digest,) = (
        sqlite3.connect(site.url.removeprefix("sqlite:///"))
        .execute("SELECT octets FROM trail ORDER BY seq DESC LIMIT 1")
        .fetchone()
    )
    refused = json.loads(digest)
    assert refused["kind"] == "refused"
    assert site.problems() == []
    sent = octets.replace(b"<sr:RequestID>", b"<sr:RequestID >")
    plant(site.url, f"UPDATE request_octets SET received = x'{sent.hex()}'")
    assert ("I8", "request") in found(site)


HISTORY: dict[str, tuple[str, dict[str, object]]] = {
    "sent under a number of the outbox": ("I1", {"op": "sent", "octets": ""}),
    "seen lower than before": ("I2", {"op": "highest", "device": str(w.gpf_of(0)), "outcome": 7}),
    "acknowledged and nowhere": (
        "I3", {"op": "submit", "request": f"{w.hub_of(0)}:{w.gpf_of(0)}:12", "outcome": "I99", "input": "x"},
    ),
    "a refusal that changed something": (
        "I8",
        {"op": "submit", "request": f"{w.hub_of(0)}:{w.gpf_of(0)}:13", "outcome": "E62", "before": "1", "after": "2"},
    ),
    "a device whose number fell": (
        "I11", {"op": "device", "device": str(w.gpf_of(0)), "cells": {}, "numbers": {OPERATOR: 5}},
    ),
    "other octets from the same": ("I12", {"op": "run", "input": "a", "clock": "b", "seed": "c", "outcome": "e"}),
}  # fmt: skip


@pytest.mark.parametrize("name", HISTORY)
def test_a_violation_in_the_history_is_found(name: str, site: w.Site) -> None:
    code, event = HISTORY[name][0], dict(HISTORY[name][1])
    if event["op"] == "sent":
        with open_books(site.url, "command") as books:
            octets = bytes(books.all("SELECT octets FROM command LIMIT 1")[0][0])
        event = {**event, "octets": (octets[:-1] + bytes([octets[-1] ^ 1])).hex()}
    site.say(str(event.pop("op")), **event)
    assert (code, "history") in found(site, at_rest=False)


def test_a_transform_that_is_answered_differently_is_found(site: w.Site) -> None:
    lines = [json.loads(line) for line in site.history.read_text().splitlines()]
    transform = next(line for line in lines if line.get("content"))
    site.say(**{**transform, "content": "other"})
    assert ("I12", "history") in found(site)


def test_a_number_that_fell_to_a_floor_that_came_is_no_violation(site: w.Site) -> None:
    """The commands of this history carry a floor of zero."""
    site.say("device", device=str(w.gpf_of(0)), cells={}, numbers={OPERATOR: 0})
    assert found(site, at_rest=False) == set()
    site.say("device", device=str(w.gpf_of(1)), cells={}, numbers={OPERATOR: 9})
    site.say("device", device=str(w.gpf_of(1)), cells={}, numbers={OPERATOR: 0})
    assert ("I11", "history") in found(site, at_rest=False)


def test_integers_are_found_in_octets() -> None:
    assert carries(bytes.fromhex("30060201070203008000"), 0x8000)
    assert not carries(bytes.fromhex("30060201070203008000"), 0x80)


def test_heads_outside_know_what_was_cut_off(site: w.Site) -> None:
    (path,) = site.heads.glob("*.jsonl")
    last = json.loads(path.read_text().splitlines()[-1])
    plant(
        site.url, "DELETE FROM audit_head", f"DELETE FROM trail WHERE seq > {last['seq'] - 1}",
        f"UPDATE lease SET seq = {last['seq'] - 1}, hash = (SELECT hash FROM trail WHERE seq = {last['seq'] - 1})",
    )  # fmt: skip
    assert ("I7", path.name) in found(site)
    assert ("I7", path.name) not in {
        (problem.code, problem.place.split(" ")[0]) for problem in check_dsp(Evidence(site.url)).problems
    }


def test_a_device_may_be_ahead_while_its_answer_is_on_the_way(site: w.Site) -> None:
    node = w.Node(site, w.BEGINS.replace(year=2025))
    node.hand_over(w.cast().leaving, w.gpf_of(1), 99)
    node.manager.dispatch(node.now)
    node.wan.work(node.now)
    assert node.occupant(w.gpf_of(1)) != node.known(w.gpf_of(1))
    node.abandon()
    assert found(site, at_rest=False) == set()
    assert ("I10", "slot") in found(site)


def test_the_program_says_which_row_breaks_which_invariant(site: w.Site, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["dsp", "--database", site.url, "--heads", str(site.heads), "--devices", site.devices_url]
    assert main([*arguments, "--history", str(site.history), "--at-rest"]) == 0
    assert "sound" in capsys.readouterr().out
    plant(site.url, "UPDATE gpf_network_operator_floor SET highest_counter = 5")
    assert main([*arguments, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert {problem["code"] for problem in told["problems"]} == {"I2"}
    assert "gpf_network_operator_floor" in told["problems"][0]["message"]
    assert told["relied_on"] == ["no history to compare with"]


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "mysql://x", "postgresql://localhost:1/x"])
def test_a_database_that_cannot_be_read_is_a_problem(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dsp", "--database", url]) == 1
    assert "database_unreadable" in capsys.readouterr().out


def test_wrong_files_are_wrong_use(site: w.Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dsp", "--database", site.url, "--history", str(site.folder / "nothing")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_a_history_with_a_line_that_is_none_is_a_problem(site: w.Site) -> None:
    with site.history.open("a") as file:
        file.write("{ what\n")
    assert ("history_malformed", "history") in found(site)


def test_the_digest_of_books_leaves_out_the_log_alone(site: w.Site) -> None:
    def digest() -> str:
        with open_books(site.url, "lease") as books:
            return digest_of_books(books)

    before = digest()
    plant(site.url, "DELETE FROM trail WHERE seq = 3")
    assert digest() == before
    plant(site.url, "UPDATE originator_counter SET last_own = last_own + 1")
    assert digest() != before


def test_the_checker_reads_octets_by_itself_as_the_product_writes_them(lived: w.Site) -> None:
    node_estate = w.Estate.load({"": w.fleet()}, w.SEED, w.SqlEstateStore(lived.devices_url))
    with open_books(lived.devices_url, "han_device") as books:
        read = {
            m.device: m for m in (device_memory(bytes(row[0])) for row in books.rows("SELECT octets FROM han_device"))
        }
    for device in node_estate.book:
        memory = read[str(device.eui)]
        assert memory.numbers == {
            **{f"usc {role.value}": number for role, number in device.state.usc},
            **{f"exec {role.value}": number for role, number in device.state.exec},
        }
        assert memory.cells == {
            cell.role << 24 | cell.key_usage << 8 | cell.cell_usage: (str(held.entity), held.key_id.hex())
            for cell, held in device.state.cells
        }
    with open_books(lived.url, "command") as books:
        for originator, device, counter, octets in books.rows(
            "SELECT originator, device, counter, octets FROM command"
        ):
            assert head(bytes(octets))[0] == str(w.Eui64(originator))
            assert head(bytes(octets))[1:] == (str(w.Eui64(device)), int.from_bytes(counter, "big"))


def test_books_on_postgresql_are_read_the_same(postgresql: Cluster, place: Path) -> None:
    url = postgresql.new()
    site = w.found(place / "site", 1, url)
    node = w.Node(site, w.BEGINS)
    node.hand_over(w.cast().leaving, w.gpf_of(0), 1)
    node.rest()
    node.depart(w.cast().leaving, w.gpf_of(0), 2**62)
    node.rest()
    assert node.hand_over(w.cast().arriving, w.gpf_of(0), 1).code.startswith("E")
    node.look()
    node.close()
    assert site.problems(at_rest=True) == []
    with open_books(url, "lease") as books:
        before = digest_of_books(books)
        assert len(before) == 64
    database = url.split("/")[3].split("?")[0]
    postgresql.execute("ALTER TABLE gpf_network_operator_floor DISABLE TRIGGER ALL", database)
    postgresql.execute("UPDATE gpf_network_operator_floor SET highest_counter = 5", database)
    assert {problem.code for problem in site.problems(at_rest=True)} == {"I2"}
    postgresql.release(url)


@pytest.mark.parametrize("read", [head, device_memory])
def test_octets_that_are_none_are_refused(read: Callable[[bytes], object]) -> None:
    for octets in (b"", b"\xdd", b"\xdf\x09\x01", b"\x01\x00", bytes(40)):
        with pytest.raises(ValueError):
            read(octets)
