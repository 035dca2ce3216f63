"""What the pages of the console lead to: accounts, the DSP and its lab, the repository, and an authority's home."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from trustcell.app.accounts import FIRST_ACCOUNT, AccountBook, ConsoleRole
from trustcell.app.doors import ApiDoor, new_reference
from trustcell.app.jobs import Jobs
from trustcell.app.oidc import OIDC, Oidc, provider_of
from trustcell.app.serve import RepositoryDoor
from trustcell.app.settings import Settings
from trustcell.vocab import Refused

if TYPE_CHECKING:
    from trustcell.app.home import Home

_EVERY_ROLE = frozenset(ConsoleRole) - {ConsoleRole.REQUESTER}
"""Of the first account: an ARO's locks for good after five wrong passwords, and there is nobody yet to unlock it."""


@dataclass(frozen=True, slots=True)
class ConsoleDoor:
    """What is served decides which pages there are: ``dsp`` with a lab, ``authority`` with a home made by init.

    ``folder`` is where the lab is kept, with reports and departures, ``database`` its books when they are elsewhere;
    ``keys`` are the files with the keys of the lab's users, ``duis_url`` tells where its DUIS services answer.
    ``advance`` moves the clock of a lab.
    """

    accounts: AccountBook
    repository: RepositoryDoor
    random: Callable[[int], bytes]
    dsp: ApiDoor | None = None
    authority: "Home | None" = None
    folder: Path | None = None
    database: str | None = None
    keys: tuple[Path, ...] = ()
    duis_url: Callable[[], str] = lambda: ""
    advance: Callable[[timedelta], datetime] | None = None
    oidc: Oidc | None = None
    jobs: Jobs = field(default_factory=Jobs)
    ticks: Callable[[], float] = perf_counter

    def now(self) -> datetime:
        """What the clock of what is served shows: the DSP's, else that of the repository."""
        return self.repository.clock() if self.dsp is None else self.dsp.clock()

    def authority_now(self) -> datetime:
        """What the clock of the authority shows."""
        return self.repository.clock() if self.dsp is None or self.authority is None else self.authority.now()

    def reference(self) -> str:
        """A new id for a log line and the page that belongs to it."""
        return new_reference(self.now(), self.random)

    def record(self, kind: str, subject: str, facts: Mapping[str, Any]) -> None:
        """One entry of the audit log of the repository's store; ``Unavailable`` when it cannot be written."""
        now = self.repository.clock()
        with self.repository.repository.store.transaction(now) as books:
            books.audit.append(kind, subject, facts, now)


def authority_in(folder: Path | None) -> "Home | None":
    """The authority whose home a folder is, if it is one."""
    from trustcell.app.home import ENVIRONMENT_FILE, open_home  # a lab does without keystores

    return open_home(folder) if folder is not None and (folder / ENVIRONMENT_FILE).is_file() else None


def oidc_of_settings(random: Callable[[int], bytes]) -> Oidc | None:
    """The OpenID Provider of the settings, if there is one. ``Refused`` (``oidc_settings``)."""
    try:
        provider = provider_of(Settings())
    except ValueError as error:
        raise Refused([OIDC.breach("oidc_settings", "settings", str(error), "see docs/console.md")]) from None
    return None if provider is None else Oidc(provider, random, perf_counter)


def first_account(accounts: AccountBook, random: Callable[[int], bytes]) -> str | None:
    """The one-time password of the first account, when there was none yet."""
    if accounts.all():
        return None
    return accounts.make(FIRST_ACCOUNT, _EVERY_ROLE, "", random)
