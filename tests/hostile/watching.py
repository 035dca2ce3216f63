"""What a refusal must not touch: a file and an address that hostile input names, and whatever Python opens."""

import contextlib
import ctypes
import os
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SERVING = ("dsp", "doors")
"""Threads of the served lab; a library's own threads work for the repository only."""
_OPENING = ("open", "socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system")
_IN_ACCESS, _IN_OPEN, _IN_NONBLOCK = 0x1, 0x20, 0x800


@dataclass
class Watch:
    """A secret file under the kernel's eyes (libxml2 opens files behind Python's back), and an address that waits."""

    secret: Path
    inotify: int
    trap: socket.socket
    opened: list[tuple[str, Any]] = field(default_factory=list)

    @classmethod
    @contextlib.contextmanager
    def over(cls, secret: Path) -> Iterator["Watch"]:
        secret.write_text("the secret of this machine")
        libc = ctypes.CDLL(None, use_errno=True)
        inotify = libc.inotify_init1(_IN_NONBLOCK)
        assert inotify >= 0
        assert libc.inotify_add_watch(inotify, os.fsencode(secret), _IN_ACCESS | _IN_OPEN) >= 0
        with socket.create_server(("127.0.0.1", 0)) as trap:
            trap.setblocking(False)
            found = cls(secret, inotify, trap)
            sys.addaudithook(found._hook)
            try:
                yield found
            finally:
                os.close(inotify)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _OPENING and threading.current_thread().name in _SERVING:
            self.opened.append((event, arguments[0]))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.trap.getsockname()[1]}"

    def touched(self) -> list[object]:
        """What happened to file and address since the last time."""
        found: list[object] = []
        with contextlib.suppress(BlockingIOError):
            found.append(os.read(self.inotify, 4096))
        with contextlib.suppress(BlockingIOError):
            connection, peer = self.trap.accept()
            connection.close()
            found.append(peer)
        return found
