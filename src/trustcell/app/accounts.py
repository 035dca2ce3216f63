"""Accounts of the console: names, roles, whose key they may use, Argon2id of the password, and who is locked out.

SEC Appendix P, portal login: a password is changed at the first sign-in; five wrong ones within an hour lock the
account for an hour from the first of them, that of an ARO until somebody unlocks it (smki.md 5.1).
"""

import base64
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from trustcell.adapters.keystore_file import write_private
from trustcell.vocab import Clause, Refused, Unavailable, WireError

ACCOUNTS_FILE = "accounts.json"
SIGN_IN = Clause("Appendix P", "SMKI Repository Code of Connection, portal login")
WRONG_PASSWORDS, WITHIN = 5, timedelta(hours=1)
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256
FIRST_ACCOUNT = "operator"
_STRANGERS = 1_000
_TURNS = threading.BoundedSemaphore(2)
"""Argon2 takes 64 MiB a turn: whoever sends a thousand passwords a second waits for his turn like everybody else."""


class ConsoleRole(StrEnum):
    """What an account may do in the console; what a decision needs besides, the register of people says."""

    REQUESTER = "requester"
    """Drafts approvals and submits CSRs, as an ARO."""
    APPROVER = "approver"
    """Records views of the SSC and decisions of the SMKI PMA."""
    ISSUER = "issuer"
    """Issues certificates, publishes packs."""
    OPERATOR = "operator"
    """Makes and breaks devices, moves the clock, runs departures and tests, lets requests go on."""
    AUDITOR = "auditor"
    """Reads the audit log and takes evidence away."""
    VIEWER = "viewer"
    """Looks."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account. ``person`` is whose key in the register it may use; ``one_time`` passwords are changed at once.

    ``wrong`` are the moments of the wrong passwords since the last right one.
    """

    name: str
    roles: frozenset[ConsoleRole]
    secret: str = field(repr=False)
    person: str = ""
    one_time: bool = True
    wrong: tuple[datetime, ...] = ()

    def locked_until(self, now: datetime) -> datetime | None:
        """When it opens again; the end of time for an ARO's, which somebody has to unlock; ``None`` when it is open."""
        if len(self.wrong) < WRONG_PASSWORDS:
            return None
        if ConsoleRole.REQUESTER in self.roles:
            return datetime.max.replace(tzinfo=UTC)
        until = self.wrong[0] + WITHIN
        return until if now < until else None


class AccountBook:
    """The accounts of a file, or of a run that keeps nothing. Threads may use one."""

    def __init__(self, path: Path | None, hasher: PasswordHasher | None = None) -> None:
        """``hasher`` with its usual costs unless a test wants less."""
        self._path, self._hasher = path, hasher or PasswordHasher()
        self._lock = threading.Lock()
        self._nobody = self._hasher.hash("nobody has this password")
        self._strangers: OrderedDict[str, Account] = OrderedDict()
        self._mark: tuple[int, int] | None = None
        self._accounts: dict[str, Account] = {}

    def find(self, name: str) -> Account | None:
        """The account as it is now."""
        with self._lock:
            return self._read().get(name)

    def all(self) -> list[Account]:
        """Every account, by name."""
        with self._lock:
            found = self._read()
        return [found[name] for name in sorted(found)]

    def make(self, name: str, roles: Iterable[ConsoleRole], person: str, random: Callable[[int], bytes]) -> str:
        """A new account; its one-time password, which stands nowhere else. ``Refused``: ``account_name``."""
        if not name or not name.isprintable() or len(name) > 64 or name != name.strip():
            raise _refused("account_name", "name", "a name has 1 to 64 printable characters", "choose another name")
        granted = frozenset(roles)
        if not granted:
            raise _refused("account_roles", "roles", "an account without a role could do nothing", "give it a role")
        password = base64.b32encode(random(15)).decode().lower()
        account = Account(name, granted, self._hash(password), person)
        with self._lock:
            known = dict(self._read())
            if name in known:
                raise _refused("account_name", "name", f"there is an account {name}", "choose another name")
            self._write({**known, name: account})
        return password

    def remove(self, name: str) -> None:
        """It signs in no more, and who is signed in is signed out. ``Refused``: ``account_unknown``."""
        self._change(name, lambda _: None)

    def unlock(self, name: str) -> None:
        """The wrong passwords are forgotten. ``Refused``: ``account_unknown``."""
        self._change(name, lambda account: replace(account, wrong=()))

    def check(self, name: str, password: str, now: datetime) -> Account:
        """Whose password this is; ``Refused``: ``sign_in_refused``, ``account_locked``.

        A name that nobody has takes as long, and is locked as well, so that nobody learns which names there are.
        """
        with self._lock:
            account = self._read().get(name)
        known = account or self._strangers.get(name) or Account(name, frozenset(), self._nobody)
        if (until := known.locked_until(now)) is not None:
            told = "until somebody unlocks it" if until.year == datetime.max.year else f"until {until:%H:%M} UTC"
            message = f"{WRONG_PASSWORDS} wrong passwords within an hour lock an account, {told}"
            raise _refused("account_locked", "name", message, "wait, or trustcell account unlock")
        right = self._matches(known.secret, password) and account is not None
        self._count(name, now, wrong=not right)
        if not right or account is None:
            raise _refused("sign_in_refused", "password", "name and password do not belong together", "try again")
        return account

    def change_password(self, name: str, old: str, new: str, now: datetime) -> Account:
        """Somebody's own. ``Refused``: as ``check``, and ``password_short``, ``password_same``."""
        self.check(name, old, now)
        if not SHORTEST_PASSWORD <= len(new) <= LONGEST_PASSWORD:
            message = f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
            raise _refused("password_short", "password", message, "choose a longer one")
        if new == old:
            raise _refused("password_same", "password", "this is the old one", "choose another one")
        secret = self._hash(new)
        return self._change(name, lambda account: replace(account, secret=secret, one_time=False))

    def _count(self, name: str, now: datetime, *, wrong: bool) -> None:
        with self._lock:
            known = dict(self._read())
            account = known.get(name) or self._strangers.get(name) or Account(name, frozenset(), self._nobody)
            recent = tuple(at for at in account.wrong if now - at < WITHIN)
            counted = replace(account, wrong=(*recent, now) if wrong else ())
            if name in known:
                if counted != account:
                    self._write({**known, name: counted})
            else:
                self._strangers[name] = counted
                self._strangers.move_to_end(name)
                if len(self._strangers) > _STRANGERS:
                    self._strangers.popitem(last=False)

    def _change(self, name: str, change: Callable[[Account], Account | None]) -> Account:
        with self._lock:
            known = dict(self._read())
            if name not in known:
                raise _refused("account_unknown", "name", f"there is no account {name}", "see trustcell account list")
            account = known.pop(name)
            changed = change(account)
            self._write(known if changed is None else {**known, name: changed})
            return changed or account

    def _hash(self, password: str) -> str:
        with _TURNS:
            return self._hasher.hash(password)

    def _matches(self, secret: str, password: str) -> bool:
        if len(password) > LONGEST_PASSWORD:
            password = ""
        try:
            with _TURNS:
                return self._hasher.verify(secret, password)
        except (VerificationError, InvalidHashError):
            return False

    def _read(self) -> Mapping[str, Account]:
        """Read again when the file was replaced; ``WireError`` (``accounts_format``)."""
        if self._path is None:
            return self._accounts
        try:
            about = self._path.stat()
        except OSError:
            return {}
        mark = (about.st_ino, about.st_mtime_ns)
        if mark != self._mark:
            try:
                rows = json.loads(self._path.read_bytes())["accounts"]
                self._accounts = {row["name"]: _account(row) for row in rows}
            except (KeyError, TypeError, ValueError):
                told = "a file made by trustcell account make was expected"
                raise WireError(-1, str(self._path), told, "accounts_format") from None
            self._mark = mark
        return self._accounts

    def _write(self, accounts: dict[str, Account]) -> None:
        """Whole or not at all, readable by its owner alone."""
        if self._path is not None:
            octets = json.dumps({"accounts": [_row(accounts[name]) for name in sorted(accounts)]}, indent=1).encode()
            temporary = self._path.with_name(f".{self._path.name}.new")
            try:
                temporary.unlink(missing_ok=True)
                write_private(temporary, octets + b"\n")
                os.replace(temporary, self._path)
            except OSError as error:
                raise Unavailable(f"{self._path}: the accounts cannot be written: {error.strerror}") from None
            self._mark = None
        self._accounts = accounts


def _refused(code: str, where: str, message: str, remedy: str) -> Refused:
    return Refused([SIGN_IN.breach(code, where, message, remedy)])


def _row(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "roles": sorted(account.roles),
        "person": account.person,
        "argon2": account.secret,
        "one_time": account.one_time,
        "wrong": [at.isoformat() for at in account.wrong],
    }


def _account(row: Mapping[str, Any]) -> Account:
    return Account(
        str(row["name"]),
        frozenset(map(ConsoleRole, row["roles"])),
        str(row["argon2"]),
        str(row["person"]),
        bool(row["one_time"]),
        tuple(datetime.fromisoformat(at) for at in row["wrong"]),
    )
