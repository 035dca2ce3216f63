"""``kill -9`` at named points, inside transactions and at random moments, and what must hold afterwards (I1, I2, I3).

``TRUSTCELL_SOAK`` multiplies the random rounds.
"""

import hashlib
import json
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from trustcell.adapters.sqlite_ledger import SqliteLedger

from dsp import dsp_world as w
from trustcell import devices
from trustcell.devices import DeviceState
from trustcell.dsp import Ledger, Submission, effects_of
from trustcell.gbcs import decode, decode_payload
from trustcell.vocab import MAX_SEQ_NUMBER

SOAK = int(os.environ.get("TRUSTCELL_SOAK", "1"))
CALLS = ("transform", "reserve", "record", "keep", "learn", "time_out")
Arm = Callable[[SqliteLedger], Ledger]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Killing:
    """A ledger whose process is killed before or after the n-th call of one method."""

    def __init__(self, ledger: SqliteLedger, call: str, when: str, left: int) -> None:
        self._ledger, self._call, self._when, self._left = ledger, call, when, left

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._ledger, name)
        if name != self._call:
            return method

        def called(*arguments: Any) -> Any:
            self._left -= 1
            if self._left == 0 and self._when == "before":
                die()
            result = method(*arguments)
            if self._left == 0:
                die()
            return result

        return called


def at_call(call: str, when: str, left: int) -> Arm:
    return lambda ledger: Killing(ledger, call, when, left)


def at_statement(left: int) -> Arm:
    """Killed before the n-th SQL statement that writes: inside a transaction, between two of its rows."""

    def arm(ledger: SqliteLedger) -> Ledger:
        count = 0

        def executed(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            nonlocal count
            count += statement.startswith(("INSERT", "UPDATE"))
            if count == left:
                die()

        event.listen(ledger._engine, "before_cursor_execute", executed)
        return ledger

    return arm


@dataclass
class Site:
    """What survives a kill: the ledger's file, the device, the clock, and a log of everything that was said."""

    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "ledger.db"

    def say(self, **entry: Any) -> None:
        with (self.folder / "log").open("a") as log:
            log.write(json.dumps(entry) + "\n")

    def said(self) -> list[dict[str, Any]]:
        log = self.folder / "log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def device_state(self) -> DeviceState:
        path = self.folder / "device"
        return DeviceState.decode(path.read_bytes()) if path.exists() else devices.AS_MADE

    def keep_device(self, state: DeviceState) -> None:
        (self.folder / "device.new").write_bytes(state.encode())
        (self.folder / "device.new").rename(self.folder / "device")


class Player:
    """The DSP and its users: operators leave and arrive for ever, and a device that remembers."""

    def __init__(self, site: Site, ledger: Ledger, seed: int) -> None:
        self.site, self.dice = site, random.Random(seed)
        self.world = w.world(ledger, state=site.device_state())
        self.world.now = datetime.now(UTC) - timedelta(days=400)

    def heal(self) -> None:
        """What a restart does: finish, send again, give up on what stays silent."""
        submissions, _receptions = self.world.manager.resume(self.world.now)
        for submission in submissions:
            self.acknowledged(submission)
        for command in self.world.manager.outbox():
            if not self.send(command.octets):
                self.world.manager.time_out(command, self.world.now)
                self.site.say(silent=command.key.counter)

    def acknowledged(self, submission: Submission) -> None:
        if submission.command is not None:
            key = submission.command.key
            self.site.say(
                accepted=key.counter, originator=str(key.originator), request=str(submission.command.request_id)
            )

    def send(self, octets: bytes) -> bool:
        message = decode(octets)
        digest = hashlib.sha256(octets).hexdigest()
        self.site.say(sent=message.originator_counter, originator=str(message.originator), digest=digest)
        self.world.device, answers = devices.receive(self.world.device, octets, self.world.now)
        self.site.keep_device(self.world.device.state)
        for answer in answers:
            self.world.take(answer)
            self.site.say(highest=self.world.highest)
        return bool(answers)

    def ask(self, submission: Submission) -> bool:
        self.acknowledged(submission)
        if submission.command is None:
            return False
        if self.send(submission.command.octets):
            return True
        self.world.manager.time_out(submission.command, self.world.now)
        return False

    def step(self) -> None:
        world, people = self.world, w.cast()
        world.request_number = time.time_ns()
        world.now += timedelta(seconds=1)
        if world.occupant() == people.broker.entity:
            operator = self.dice.choice((people.leaving, people.arriving))
            if not self.ask(world.handover(operator)):
                world.request_number += 1
                self.ask(world.read(w.NO))
            return
        operator = people.leaving if world.occupant() == people.leaving.entity else people.arriving
        counter = min(world.device.usc(w.NO) + self.dice.randrange(1, 2**50), MAX_SEQ_NUMBER - 1)
        self.ask(world.update(operator, counter))


def live(site: Site, arm: Arm, seed: int, steps: int) -> None:
    """The life of one process: restart, then step after step until somebody kills it."""
    player = Player(site, arm(SqliteLedger(site.database)), seed)
    player.heal()
    for _ in range(steps):
        player.step()


def round_of(site: Site, arm: Arm, seed: int, milliseconds: float | None = None, steps: int = 6) -> bool:
    """One process in a fork; killed by its arm, or from outside after some time of its own. True when it was killed."""
    child = os.fork()
    if child == 0:
        try:
            live(site, arm, seed, steps)
        except BaseException as error:  # a forked child must never return into the test runner
            site.say(failed=repr(error))
        finally:
            os._exit(0)
    if milliseconds is not None and not ended_before(child, milliseconds):
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def ended_before(child: int, milliseconds: float) -> bool:
    """Wait until a process had so much of a processor, by whatever clock; true when it ended by itself before that.

    The clock on the wall would kill it before its first step on a machine that is busy with other things.
    """
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if int(Path(f"/proc/{child}/schedstat").read_text().split()[0]) >= milliseconds * 1_000_000:
            return False
        time.sleep(0.001)
    return True


def check(site: Site) -> None:
    """The checker: it reads the log, the file and the device, and believes nobody."""
    said = site.said()
    assert [entry for entry in said if "failed" in entry] == []
    digests: dict[tuple[str, int], str] = {}
    for entry in said:
        if "sent" in entry:
            assert digests.setdefault((entry["originator"], entry["sent"]), entry["digest"]) == entry["digest"]
    heights = [entry["highest"] for entry in said if entry.get("highest") is not None]
    assert heights == sorted(heights)
    if not site.database.exists():
        return
    with closing(sqlite3.connect(site.database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return
        commands = connection.execute("SELECT originator, counter, octets, state, variant FROM command").fetchall()
        stored = {
            (originator.hex("-").upper(), int.from_bytes(counter, "big")): hashlib.sha256(octets).hexdigest()
            for originator, counter, octets, _state, _variant in commands
        }
        assert len(stored) == len(commands)
        for key, digest in digests.items():
            assert stored[key] == digest
        for entry in said:
            if "accepted" in entry:
                assert (entry["originator"], entry["accepted"]) in stored
        (highest,) = connection.execute("SELECT max(network_operator_highest) FROM device_counter").fetchone()
        assert not heights or highest >= heights[-1]
        messages = connection.execute("SELECT octets FROM device_message WHERE verdict = 'response'").fetchall()
        for (octets,) in messages:
            message = decode(octets)
            if message.message_code == 0x0103 and message.target != w.cast().broker.entity:
                effects = effects_of("6.15.1", w.GPF, "SMETS2", decode_payload(message), w.cast().broker.entity)
                assert effects.learned == message.originator_counter <= highest
        settled = connection.execute("SELECT count(*) FROM request WHERE state = 'commanded'").fetchone()[0]
        assert settled == len(commands)


def epilogue(site: Site) -> None:
    """After everything: healed, a departure and a handover still work, and nothing is left over."""
    player = Player(site, SqliteLedger(site.database), 0)
    player.heal()
    for _ in range(4):
        player.step()
    if player.world.occupant() == w.cast().broker.entity:
        player.step()
    before = player.world.occupant()
    assert before != w.cast().broker.entity
    operator = w.cast().leaving if before == w.cast().leaving.entity else w.cast().arriving
    player.world.operator_leaves(player.world.device.usc(w.NO) + 2**40, operator)
    player.world.operator_takes_over()
    assert player.world.manager.resume(player.world.now) == ([], [])
    assert list(player.world.manager.outbox()) == []
    player.world.ledger.close()
    check(site)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    w.cast()
    return Site(tmp_path)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", CALLS)
def test_killed_at_a_named_point(call: str, when: str, site: Site) -> None:
    killed = 0
    for left in (1, 2, 3, 1):
        killed += round_of(site, at_call(call, when, left), left)
        check(site)
    assert killed >= 3 or call == "time_out"
    epilogue(site)


def test_killed_inside_transactions(site: Site) -> None:
    killed = 0
    for left in range(1, 31):
        killed += round_of(site, at_statement(left), left)
        check(site)
    assert killed >= 25
    epilogue(site)


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_random_moments(seed: int, site: Site) -> None:
    dice = random.Random(seed)
    killed = 0
    for number in range(50 * SOAK):
        killed += round_of(site, lambda ledger: ledger, number, dice.uniform(2, 120), steps=1000)
        check(site)
    assert killed == 50 * SOAK
    assert any("highest" in entry for entry in site.said())
    epilogue(site)


def test_the_checker_finds_two_octet_strings_under_one_number(site: Site) -> None:
    live(site, lambda ledger: ledger, 1, 3)
    check(site)
    entry = next(entry for entry in site.said() if "sent" in entry)
    site.say(**{**entry, "digest": "another"})
    with pytest.raises(AssertionError):
        check(site)


@pytest.mark.parametrize("entry", [{"highest": 1}, {"accepted": 12, "originator": "nobody"}, {"failed": "x"}])
def test_the_checker_finds_a_fall_and_a_loss(entry: dict[str, Any], site: Site) -> None:
    live(site, lambda ledger: ledger, 1, 4)
    check(site)
    site.say(**entry)
    with pytest.raises(AssertionError):
        check(site)
