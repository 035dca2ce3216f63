"""Messages between the processes of one service over Unix sockets: a head in JSON and octets, many under way at once.

A frame is its length (4 octets, big-endian) and its number (8); then the length of the head (4), the head, the octets.
The answer to a frame has its number.
"""

import asyncio
import itertools
import json
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trustcell.vocab import Unavailable

_LOG = logging.getLogger("trustcell.workers")
_LENGTH, _NUMBER = 4, 8
LONGEST = 64 << 20
"""A firmware image of 11.1 comes to 16 MiB."""


@dataclass(frozen=True, slots=True)
class Message:
    """Plain facts and octets."""

    head: Mapping[str, Any]
    octets: bytes = field(default=b"", repr=False)

    def framed(self, number: int) -> bytes:
        """The frame of this message."""
        head = json.dumps(dict(self.head), separators=(",", ":")).encode()
        body = b"".join((number.to_bytes(_NUMBER), len(head).to_bytes(_LENGTH), head, self.octets))
        return len(body).to_bytes(_LENGTH) + body


class LinkGone(Unavailable):
    """The other process is not there, or went away before it answered: nobody knows what it did."""

    code = "worker_gone"


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, Message]:
    """The next frame; ``asyncio.IncompleteReadError`` at the end, ``ValueError`` for anything that is none."""
    length = int.from_bytes(await reader.readexactly(_LENGTH))
    if not _NUMBER + _LENGTH <= length <= LONGEST:
        raise ValueError("a frame of another length was expected")
    body = await reader.readexactly(length)
    number = int.from_bytes(body[:_NUMBER])
    begin = _NUMBER + _LENGTH
    end = begin + int.from_bytes(body[_NUMBER:begin])
    if end > length:
        raise ValueError("the head ends within its frame")
    head = json.loads(body[begin:end])
    if not isinstance(head, dict):
        raise ValueError("a head is an object")
    return number, Message(head, body[end:])


class Link:
    """A way to one process; connected when first used, and again after it was gone. For one event loop."""

    def __init__(self, path: str) -> None:
        """Nothing is opened yet."""
        self.path = path
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()

    async def ask(self, message: Message, seconds: float) -> Message:
        """The answer; ``LinkGone`` when none comes."""
        writer = await self._connected()
        number = next(self._numbers)
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            writer.write(message.framed(number))
            await writer.drain()
            return await asyncio.wait_for(answer, seconds)
        except (OSError, TimeoutError) as error:
            raise LinkGone(f"the worker at {self.path} does not answer: {type(error).__name__}") from None
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """Give the connection up; whoever waits hears ``LinkGone``."""
        if self._writer is not None:
            self._writer.close()
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    async def _connected(self) -> asyncio.StreamWriter:
        async with self._connecting:
            if self._writer is None or self._writer.is_closing():
                try:
                    reader, self._writer = await asyncio.open_unix_connection(self.path)
                except OSError as error:
                    raise LinkGone(f"the worker at {self.path} is not there: {error.strerror}") from None
                self._reading = asyncio.create_task(self._read(reader, self._writer))
            return self._writer

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                number, message = await read_frame(reader)
                waiting = self._waiting.get(number)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
        except (OSError, EOFError, ValueError):
            pass
        finally:
            writer.close()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(LinkGone(f"the worker at {self.path} went away"))


async def serve_link(path: Path, answer: Callable[[Message], Awaitable[Message]], stopping: asyncio.Event) -> None:
    """Answer messages at a socket that only this user may reach, each as soon as it can be, until ``stopping``."""
    tasks: set[asyncio.Task[None]] = set()
    writers: set[asyncio.StreamWriter] = set()

    async def reply(number: int, message: Message, writer: asyncio.StreamWriter) -> None:
        try:
            said = await answer(message)
        except Exception:
            _LOG.exception("a message of another process failed")
            said = Message({"unavailable": "internal_error", "text": "the message could not be processed"})
        if not writer.is_closing():
            writer.write(said.framed(number))
            with suppress(OSError):
                await writer.drain()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        try:
            while True:
                number, message = await read_frame(reader)
                task = asyncio.create_task(reply(number, message, writer))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
        except (OSError, EOFError, ValueError):
            pass
        finally:
            writers.discard(writer)
            writer.close()

    path.unlink(missing_ok=True)  # of a process before this one
    server = await asyncio.start_unix_server(connected, path)
    os.chmod(path, 0o600)
    try:
        await stopping.wait()
    finally:
        server.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in list(writers):
            writer.close()
