"""Processes that die or stop inside a transaction, at a statement that is chosen."""

import os
import signal
from collections.abc import Callable
from typing import Any

from trustcell.adapters.dsp_store import SqlHome
from trustcell.adapters.dsp_store.session import Session

SURVIVED = 0
Work = Callable[[], object]


class Counting:
    """A connection that gets a signal before its n-th statement."""

    def __init__(self, driver: Any, number: int, what: signal.Signals) -> None:
        self._driver, self._left, self._what = driver, number, what

    def execute(self, *call: Any) -> Any:
        self._count()
        return self._driver.execute(*call)

    def executemany(self, *call: Any) -> Any:
        self._count()
        return self._driver.executemany(*call)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), self._what)


def stop_at(store: SqlHome, number: int, what: signal.Signals) -> None:
    """Send this process a signal before the n-th statement of a store from now on."""
    session = Session(store._engine)
    session._driver = Counting(session._driver, number, what)
    store._session = session


def forked(child: Callable[[], int]) -> int:
    """Run in a process of its own; its id. Connections of this process must be closed before."""
    pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        code = child()
    finally:
        os._exit(code)


def ended(pid: int) -> int:
    """How it ended: its code, or minus the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def stopped(pid: int) -> None:
    """Wait until it has stopped."""
    _, status = os.waitpid(pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), status
