"""Tokens of the JSON API: who may do what. A file keeps their names, roles and SHA-256, never the tokens themselves."""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from trustcell.adapters.keystore_file import write_private
from trustcell.vocab import Clause, Eui64, Refused, Unavailable, WireError

TOKENS = Clause("trustcell tokens", "docs/serve.md, tokens of the JSON API")
TOKENS_FILE = "tokens.json"
_PREFIX = "tc_"
_OCTETS = 32
_MAX_TOKENS = 1_000
_FIELDS = {"name", "role", "sha256", "made_at"}


class Role(StrEnum):
    """What a token's holder may do."""

    OPERATOR = "operator"
    """Read everything but keys, and change what ``Operator`` offers."""
    AUDITOR = "auditor"
    """Read everything but keys."""
    USER = "user"
    """Read one user's own requests, and the devices it is responsible for."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of a token; ``user`` is whose requests a ``USER`` may see."""

    name: str
    role: Role
    user: Eui64 | None = None

    @classmethod
    def of(cls, name: str, role: str) -> "Principal":
        """Read ``operator``, ``auditor`` or ``user:EUI-64``; raises ``ValueError``."""
        kind, _, entity = role.partition(":")
        parsed = Role(kind)
        if (parsed is Role.USER) != bool(entity):
            raise ValueError("a user has an EUI-64, nobody else has one")
        return cls(name, parsed, Eui64.parse(entity) if entity else None)

    @property
    def title(self) -> str:
        """The role as it is written."""
        return self.role.value if self.user is None else f"{self.role.value}:{self.user}"


@dataclass(frozen=True, slots=True)
class TokenEntry:
    """One line of the file."""

    principal: Principal
    digest: str
    made_at: str


class TokenBook:
    """The tokens of a file, read again when it has changed, and ``further`` ones; without any nobody gets in."""

    def __init__(self, path: Path | None, further: Sequence[TokenEntry] = ()) -> None:
        """Nothing is read before it is needed."""
        self._path = path
        self._further = tuple(further)
        self._seen: tuple[int, int, int] | None = None
        self._entries: tuple[TokenEntry, ...] = ()

    def find(self, token: str) -> Principal | None:
        """Whose token this is. It is compared with every entry, so that the time tells nothing (hostile input A9)."""
        digest = _digest(token)
        found = None
        for entry in (*self.entries(), *self._further):
            if hmac.compare_digest(entry.digest, digest):
                found = entry.principal
        return found

    def entries(self) -> tuple[TokenEntry, ...]:
        """Every token of the file; ``WireError`` (``tokens_format``) for a file that is none."""
        if self._path is None:
            return ()
        try:
            about = self._path.stat()
            seen = (about.st_mtime_ns, about.st_size, about.st_ino)
            if seen != self._seen:
                self._entries = _read(self._path, self._path.read_bytes())
                self._seen = seen
        except FileNotFoundError:
            self._seen, self._entries = None, ()
        except OSError as error:
            raise Unavailable(f"{self._path}: the tokens cannot be read: {error.strerror}") from None
        return self._entries


def make_token(path: Path, name: str, role: str, now: datetime, random: Callable[[int], bytes]) -> str:
    """Add a token and return it, the only time it can be seen. ``Refused``: ``token_exists``, ``token_role``, ..."""
    try:
        principal = Principal.of(name, role)
    except ValueError:
        raise Refused(
            [TOKENS.breach("token_role", "role", f"{role!r} is no role", "operator, auditor or user:EUI-64")]
        ) from None
    entries = TokenBook(path).entries()
    if any(entry.principal.name == name for entry in entries):
        raise Refused([TOKENS.breach("token_exists", "name", f"there is a token named {name}", "choose another name")])
    if not name or not name.isprintable() or len(name) > 64:
        raise Refused([TOKENS.breach("token_name", "name", "a name has 1 to 64 printable characters")])
    if len(entries) >= _MAX_TOKENS:
        raise Refused([TOKENS.breach("token_limit", "name", f"there are {_MAX_TOKENS} tokens", "revoke some")])
    token, made = new_token(principal, now, random)
    _write(path, (*entries, made))
    return token


def new_token(principal: Principal, now: datetime, random: Callable[[int], bytes]) -> tuple[str, TokenEntry]:
    """A token that stands in no file yet, and its line."""
    token = _PREFIX + base64.urlsafe_b64encode(random(_OCTETS)).decode().rstrip("=")
    return token, TokenEntry(principal, _digest(token), now.strftime("%Y-%m-%dT%H:%M:%SZ"))


def revoke_token(path: Path, name: str) -> None:
    """Take a token away; a running server sees it at the next request. ``Refused``: ``token_unknown``."""
    entries = TokenBook(path).entries()
    kept = tuple(entry for entry in entries if entry.principal.name != name)
    if len(kept) == len(entries):
        raise Refused([TOKENS.breach("token_unknown", "name", f"there is no token named {name}")])
    _write(path, kept)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _read(path: Path, octets: bytes) -> tuple[TokenEntry, ...]:
    try:
        plain = json.loads(octets)
        entries = tuple(_entry(each) for each in plain["tokens"])
    except (KeyError, TypeError, ValueError):
        raise WireError(-1, str(path), "a file made by trustcell token make was expected", "tokens_format") from None
    return entries


def _entry(plain: dict[str, Any]) -> TokenEntry:
    if set(plain) != _FIELDS or len(bytes.fromhex(plain["sha256"])) != hashlib.sha256().digest_size:
        raise ValueError("not an entry")
    return TokenEntry(Principal.of(plain["name"], plain["role"]), plain["sha256"].lower(), plain["made_at"])


def _write(path: Path, entries: tuple[TokenEntry, ...]) -> None:
    """Whole or not at all, readable by its owner alone."""
    plain = {
        "tokens": [
            {
                "name": entry.principal.name,
                "role": entry.principal.title,
                "sha256": entry.digest,
                "made_at": entry.made_at,
            }
            for entry in entries
        ]
    }
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.unlink(missing_ok=True)
        write_private(temporary, (json.dumps(plain, indent=2, ensure_ascii=False) + "\n").encode())
        os.replace(temporary, path)
    except OSError as error:
        raise Unavailable(f"{path}: the tokens cannot be written: {error.strerror}") from None
