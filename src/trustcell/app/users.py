"""DCC Users of one DSP and the addresses of their callbacks, kept in a file of the home or for as long as it runs."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trustcell.adapters.keystore_file import write_private
from trustcell.app.doors import UserEntry
from trustcell.dsp import User, UserStatus
from trustcell.duis import UserRole
from trustcell.vocab import Eui64, WireError

USERS_FILE = "users.json"
REMOVED = "removed"
Turns = Mapping[Eui64, Sequence[tuple[datetime, str]]]
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is read for every request: made anew when somebody is registered, never changed."""

    users: Mapping[Eui64, User]
    callbacks: Mapping[Eui64, str]


class UserBook:
    """Users by EUI-64. Readers see one state or the next; there is one writer, the thread of the operator's calls."""

    def __init__(
        self, entries: Mapping[Eui64, UserEntry], path: Path | None = None, turns: Turns | None = None
    ) -> None:
        """Begin with these, and keep what changes in ``path``; ``turns`` is what came before."""
        self._entries = dict(entries)
        self._turns = dict(turns or {})
        self._path = path
        self._known = self._made()

    @classmethod
    def open(cls, path: Path | None, begin: Mapping[Eui64, UserEntry]) -> "UserBook":
        """The users in a file, or these when it is not there yet; ``WireError`` (``users_format``)."""
        if path is None or not path.exists():
            return cls(begin, path)
        try:
            rows = json.loads(path.read_bytes())
            entries = [_entry(row) for row in rows if row["status"] != REMOVED]
            turns = {Eui64.parse(row["id"]): _turns(row) for row in rows}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise WireError(-1, str(path), f"a list of users was expected: {error}", "users_format") from None
        return cls({entry.entity: entry for entry in entries}, path, turns)

    def users(self) -> Mapping[Eui64, User]:
        """Every user."""
        return self._known.users

    def callbacks(self) -> Mapping[Eui64, str]:
        """Every address."""
        return self._known.callbacks

    def entries(self) -> list[UserEntry]:
        """Every user, in order of EUI-64."""
        return [self._entries[entity] for entity in sorted(self._entries)]

    def turns(self) -> Turns:
        """Since when each user, those removed as well, had which status, oldest first; none before the first change."""
        return {
            **{key: ((_ALWAYS, entry.status.value),) for key, entry in self._entries.items()},
            **{key: each for key, each in self._turns.items() if each},
        }

    def keep(self) -> None:
        """Write the file if there is one to write: others read it."""
        self._change(self._entries)

    def put(self, entry: UserEntry, at: datetime) -> None:
        """Register a user, or change one."""
        self._turn(entry.entity, entry.status.value, at)
        self._change({**self._entries, entry.entity: entry})

    def remove(self, entity: Eui64, at: datetime) -> bool:
        """Deregister a user; whether there was one."""
        if entity not in self._entries:
            return False
        self._turn(entity, REMOVED, at)
        self._change({key: entry for key, entry in self._entries.items() if key != entity})
        return True

    def _turn(self, entity: Eui64, status: str, at: datetime) -> None:
        before = self._turns.get(entity, ())
        held = self._entries.get(entity)
        if not before:
            before = ((_ALWAYS, REMOVED if held is None else held.status.value),)
        if before[-1][1] != status:
            self._turns[entity] = (*before, (at, status))

    def _change(self, entries: dict[Eui64, UserEntry]) -> None:
        """The file first: what cannot be kept is not believed."""
        if self._path is not None:
            gone = sorted(set(self._turns) - set(entries))
            rows = [_row(entries[entity], self._turns.get(entity, ())) for entity in sorted(entries)]
            rows += [{"id": str(entity), "status": REMOVED, "turns": _told(self._turns[entity])} for entity in gone]
            temporary = self._path.with_name(f".{self._path.name}.new")
            temporary.unlink(missing_ok=True)
            write_private(temporary, json.dumps(rows, indent=1).encode())
            os.replace(temporary, self._path)
        self._entries = entries
        self._known = self._made()

    def _made(self) -> _Known:
        users = {key: User(key, entry.roles, entry.status) for key, entry in self._entries.items()}
        callbacks = {key: entry.callback for key, entry in self._entries.items() if entry.callback is not None}
        return _Known(users, callbacks)


class WatchedUsers:
    """The users in a file that another process writes, read again when it was replaced."""

    def __init__(self, path: Path) -> None:
        """Reads it once; ``WireError`` as ``UserBook`` has it."""
        self._path = path
        self._seen = self._mark()
        self._book = UserBook.open(path, {})

    def users(self) -> Mapping[Eui64, User]:
        """Every user as of now."""
        return self._current().users()

    def callbacks(self) -> Mapping[Eui64, str]:
        """Every address as of now."""
        return self._current().callbacks()

    def _current(self) -> UserBook:
        mark = self._mark()
        if mark != self._seen:
            self._book, self._seen = UserBook.open(self._path, {}), mark
        return self._book

    def _mark(self) -> tuple[int, int]:
        """A file that is replaced is another one."""
        found = self._path.stat()
        return found.st_ino, found.st_mtime_ns


def _row(entry: UserEntry, turns: Sequence[tuple[datetime, str]]) -> dict[str, Any]:
    return {
        "id": str(entry.entity),
        "roles": sorted(entry.roles),
        "status": entry.status.value,
        "callback": entry.callback,
        "turns": _told(turns),
    }


def _told(turns: Sequence[tuple[datetime, str]]) -> list[list[str]]:
    return [[at.isoformat(), status] for at, status in turns]


def _turns(row: Mapping[str, Any]) -> tuple[tuple[datetime, str], ...]:
    return tuple((datetime.fromisoformat(at), str(status)) for at, status in row.get("turns", ()))


def _entry(row: Mapping[str, Any]) -> UserEntry:
    roles = frozenset(map(UserRole, row["roles"]))
    return UserEntry(Eui64.parse(row["id"]), roles, UserStatus(row["status"]), row.get("callback"))
