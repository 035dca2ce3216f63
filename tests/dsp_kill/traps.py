"""Processes that get a signal at a chosen call of a port, at a chosen SQL statement, or after some processor time."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trustcell.adapters.dsp_store import SqlHome
from trustcell.adapters.dsp_store.session import Session

SURVIVED = 0


@dataclass(frozen=True)
class Point:
    """Where a process is to die: in a phase of its script, ``before`` or ``after`` the ``nth`` call that begins so.

    A call is ``store.commit``, ``wan.send``, ``sql COMMIT``. ``within`` must have been said in the same transaction.
    """

    phase: str
    call: str
    when: str
    nth: int = 1
    within: str = ""


class Trap:
    """Sends this process a signal when its point is reached; without a point it never does."""

    def __init__(self, point: Point | None, what: signal.Signals = signal.SIGKILL) -> None:
        self.point, self.what, self.phase, self._left = point, what, "", 0 if point is None else point.nth
        self._said: list[str] = []

    def meet(self, call: str, when: str) -> None:
        point = self.point
        if call.startswith("sql BEGIN"):
            self._said = []
        if point is None or (self.phase, when) != (point.phase, point.when) or not call.startswith(point.call):
            self._remember(call, when)
            return
        if not point.within or any(said.startswith(f"sql {point.within}") for said in self._said):
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), self.what)
        self._remember(call, when)

    def _remember(self, call: str, when: str) -> None:
        if when == "after" and call.startswith("sql "):
            self._said.append(call)

    def wrap(self, name: str, port: Any) -> Any:
        """Between the DSP and a port."""
        if isinstance(port, SqlHome):
            session = Session(port._engine)
            session._driver = _Driver(session._driver, self)
            port._session = session
        return _Port(name, port, self)


class _Port:
    def __init__(self, name: str, port: Any, trap: Trap) -> None:
        self._name, self._port, self._trap = name, port, trap

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def called(*arguments: Any) -> Any:
            self._trap.meet(f"{self._name}.{name}", "before")
            result = found(*arguments)
            self._trap.meet(f"{self._name}.{name}", "after")
            return result

        return called


class _Driver:
    """A database connection that meets the trap at every statement."""

    def __init__(self, driver: Any, trap: Trap) -> None:
        self._driver, self._trap = driver, trap

    def execute(self, text: str, *values: Any) -> Any:
        return self._at(text, lambda: self._driver.execute(text, *values))

    def executemany(self, text: str, *values: Any) -> Any:
        return self._at(text, lambda: self._driver.executemany(text, *values))

    def _at(self, text: str, run: Callable[[], Any]) -> Any:
        self._trap.meet(f"sql {text}", "before")
        result = run()
        self._trap.meet(f"sql {text}", "after")
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)


def forked(child: Callable[[], None], failure: Path) -> int:
    """Run in a process of its own; its id. Databases of this process must be closed before."""
    pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        child()
        code = SURVIVED
    except BaseException as error:  # a forked child must never return into the test runner
        failure.write_text(repr(error))
    finally:
        os._exit(code)


def ended(pid: int, failure: Path) -> int:
    """How it ended: its code, or minus the signal; what it failed with is raised here."""
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code <= 0, failure.read_text() if failure.exists() else code
    return code


def stopped(pid: int) -> None:
    """Wait until it has stopped."""
    _, status = os.waitpid(pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), status


def killed_after(pid: int, milliseconds: float) -> None:
    """Kill a process once it had so much of a processor; the wall clock would kill it unborn on a busy machine."""
    schedule = Path(f"/proc/{pid}/schedstat")
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if int(schedule.read_text().split()[0]) >= milliseconds * 1_000_000:
            break
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
