"""A home: one folder with an environment, its database, keys, people and evidence, and the services on top of them.

``environment.toml`` what the environment fixes; ``home.toml`` where database and keys are; ``trustcell.db``;
``keys/`` of the authorities; ``authorities.pem`` their certificates; ``people/`` NAME.key and NAME.pem;
``evidence/``; ``audit-heads.jsonl``; ``pin``, only if it was generated.
"""

import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w
from sqlalchemy.engine import URL, make_url

from trustcell.adapters.clock import system_now, system_random
from trustcell.adapters.credentials import PersonCredential
from trustcell.adapters.evidence import FileEvidence
from trustcell.adapters.keystore_file import FileKeystore, write_private
from trustcell.adapters.store import SqlStore, open_store
from trustcell.app.anchors import read_anchors, write_anchors
from trustcell.app.cast import REGISTRAR
from trustcell.app.enrolment import Office, People, enrol_registrar
from trustcell.app.environment_file import environment_text, read_environment_file
from trustcell.app.pin import find_pin, person_pin
from trustcell.app.settings import Settings
from trustcell.governance import Governance
from trustcell.smki.ports import KeyKind, Keystore
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.hierarchy import AUDIT_KEY
from trustcell.smki.service.ceremony import hold_ceremony
from trustcell.smki.service.hierarchy import Hierarchy, load_environment, load_hierarchy
from trustcell.vocab import Unavailable, WireError

if TYPE_CHECKING:  # each service is imported when it is asked for: most commands want one
    from trustcell.packs.service import Packs
    from trustcell.smki.service.archive import Archive
    from trustcell.smki.service.batch import Batches
    from trustcell.smki.service.calendar import Calendar
    from trustcell.smki.service.issuing import Authority
    from trustcell.smki.service.repository import Repository
    from trustcell.smki.service.revocation import Revocation

ENVIRONMENT_FILE, SETTINGS_FILE, HEADS_FILE = "environment.toml", "home.toml", "audit-heads.jsonl"

DEFAULT_CUSTODIANS = ("first custodian", "second custodian")
"""Who holds the ceremony when nobody is named."""


@dataclass(frozen=True)
class KeystorePlace:
    """Where the authorities' keys are: in files of the home, or on a token reached through a PKCS#11 module."""

    kind: str = "file"
    module: str = ""
    token: str = ""

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for a kind there is not, or a token without its module."""
        if self.kind not in ("file", "pkcs11"):
            raise ValueError("a keystore is file or pkcs11")
        wanted = self.kind == "pkcs11"
        if bool(self.module) != wanted or bool(self.token) != wanted:
            raise ValueError("a pkcs11 keystore has a module and a token, a file keystore has neither")


FILES = KeystorePlace()


@dataclass(frozen=True)
class Home:
    """An opened home. Nothing that needs the PIN is touched before something is written, signed or acted."""

    folder: Path
    environment: Environment
    store: SqlStore
    random: Callable[[int], bytes]
    _keys: Callable[[], Keystore] = field(repr=False)
    _pin: Callable[[], str] = field(repr=False)

    @cached_property
    def keystore(self) -> Keystore:
        """The keys of the authorities."""
        return self._keys()

    @cached_property
    def people(self) -> People:
        """The credentials of people."""
        folder = self.folder / "people"
        return People(folder, FileKeystore(folder, self._pin()), lambda name: person_pin(self.folder, name))

    @cached_property
    def hierarchy(self) -> Hierarchy:
        """The authorities with their keys."""
        with self.store.reading() as books:
            return load_hierarchy(books, self.keystore)

    @cached_property
    def governance(self) -> Governance:
        """Parties, people, approvals."""
        return governance_of(self.environment)

    @cached_property
    def evidence(self) -> FileEvidence:
        """Files of evidence by their SHA-256."""
        return FileEvidence(self.folder / "evidence")

    @cached_property
    def authority(self) -> "Authority":
        """The Issuing OCA at work."""
        from trustcell.smki.service.issuing import Authority

        return Authority(self.store, self.governance, self.environment, self.hierarchy, self.evidence, self.random)

    @cached_property
    def batches(self) -> "Batches":
        """The Issuing DCA at work."""
        from trustcell.smki.service.batch import Batches

        return Batches(self.store, self.governance, self.environment, self.hierarchy, self.random)

    @cached_property
    def revocation(self) -> "Revocation":
        """Revocation and its lists."""
        from trustcell.smki.service.revocation import Revocation

        return Revocation(self.store, self.governance, self.environment, self.hierarchy)

    @cached_property
    def repository(self) -> "Repository":
        """The SMKI Repository."""
        from trustcell.smki.service.repository import Repository

        return Repository(self.store, self.environment, read_anchors(self.folder))

    @cached_property
    def calendar(self) -> "Calendar":
        """Everything that ends."""
        from trustcell.smki.service.calendar import Calendar

        return Calendar(self.store, self.governance, self.environment)

    @cached_property
    def archive(self) -> "Archive":
        """The archive of public keys."""
        from trustcell.smki.service.archive import Archive

        return Archive(self.store, self.environment)

    @cached_property
    def packs(self) -> "Packs":
        """Manufacturing packs."""
        from trustcell.packs.service import Packs

        return Packs(self.store, self.governance, self.environment)

    @property
    def office(self) -> Office:
        """What enrolment works with."""
        return Office(self.environment, self.store, self.governance, self.hierarchy, self.random, self.people)

    def credential(self, person: str, pin: str = "") -> PersonCredential:
        """The credential of a person whose key is in the home; ``Unavailable`` when it is not.

        ``pin`` opens the person's own token in place of what the environment says.
        """
        people = replace(self.people, pin_of=lambda _: pin) if pin else self.people
        return people.credential(person)

    def now(self) -> datetime:
        """What the clock of the machine shows."""
        return system_now()

    def close(self) -> None:
        """Release the database."""
        self.store.close()


def create_home(
    folder: Path,
    environment: Environment,
    *,
    database: str | None = None,
    pin: str,
    keystore: KeystorePlace = FILES,
    now: datetime,
    custodians: Sequence[str] = DEFAULT_CUSTODIANS,
    step: Callable[[str], None] = lambda _: None,
) -> Home:
    """Make a home, hold its ceremony and enrol the registrar; one that was interrupted goes on.

    ``Refused`` as ``hold_ceremony``; ``Unavailable``: ``home_differs`` when the folder is the home of another
    environment, and what store and keystore say.
    """
    _write_settings(folder, environment, database, keystore)
    keys = _keystore(folder, keystore, lambda: pin)
    if AUDIT_KEY not in keys.labels():  # no transaction commits without it, not even the ceremony's first
        keys.generate(AUDIT_KEY, KeyKind.P256)
    home = _opened(folder, environment, database or _read_settings(folder)[0], lambda: keys, lambda: pin)
    try:
        hold_ceremony(home.store, keys, environment, now=now, random=home.random, custodians=custodians, step=step)
        write_anchors(folder, home.hierarchy)
        enrol_registrar(home.office, REGISTRAR, now)
        step(f"person {REGISTRAR.name}")
    except BaseException:
        home.close()
        raise
    return home


def governance_of(environment: Environment) -> Governance:
    """Governance with the choices of this environment."""
    return Governance(
        environment.identifier,
        approvals_bind_requests=environment.approvals_bind_requests,
        clock_tolerance=environment.clock_tolerance,
    )


def open_home(folder: Path, *, pin: str | None = None) -> Home:
    """Open a home; the PIN is looked for only when it is needed (see ``find_pin``).

    ``Unavailable``: ``home_missing``, ``environment_differs`` when ``environment.toml`` is not what the books hold.
    """
    if not (folder / ENVIRONMENT_FILE).is_file():
        raise Unavailable(f"{folder} is no home: trustcell init makes one [home_missing]")
    environment = read_environment_file(folder / ENVIRONMENT_FILE)
    database, place = _read_settings(folder)
    secret = cache(lambda: pin or find_pin(folder))
    home = _opened(folder, environment, database, cache(lambda: _keystore(folder, place, secret)), secret)
    try:
        with home.store.reading() as books:
            if load_environment(books) != environment:
                message = f"{folder / ENVIRONMENT_FILE} is not the environment the books were made with"
                raise Unavailable(f"{message} [environment_differs]")
    except Unavailable:
        home.close()
        raise
    return home


def database_of(folder: Path) -> str | None:
    """The URL of the database that the settings name, or those of a home; ``None`` when it is the home's own file."""
    kept = _read_settings(folder)[0] if (folder / SETTINGS_FILE).is_file() else None
    return Settings().database or kept


def _opened(
    folder: Path,
    environment: Environment,
    database: str | None,
    keys: Callable[[], Keystore],
    pin: Callable[[], str],
) -> Home:
    url = Settings().database or database or f"sqlite:///{folder.resolve() / 'trustcell.db'}"
    store = open_store(
        url,
        environment.identifier,
        seal=lambda octets: keys().signer(AUDIT_KEY).sign(octets),
        head_file=folder / HEADS_FILE,
    )
    return Home(folder, environment, store, system_random, keys, pin)


def _keystore(folder: Path, place: KeystorePlace, pin: Callable[[], str]) -> Keystore:
    if place.kind == "file":
        return FileKeystore(folder / "keys", pin())
    from trustcell.adapters.keystore_pkcs11 import Pkcs11Keystore  # loads a native library that files do not need

    return Pkcs11Keystore(Path(place.module), place.token, pin())


def _write_settings(folder: Path, environment: Environment, database: str | None, place: KeystorePlace) -> None:
    path = folder / ENVIRONMENT_FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            if read_environment_file(path) != environment or _read_settings(folder)[1] != place:
                raise Unavailable(f"{folder} is the home of another environment or keystore [home_differs]")
            return
        values: dict[str, Any] = {"keystore": {"kind": place.kind, "module": place.module, "token": place.token}}
        if database is not None:
            # No password is written: TRUSTCELL_DATABASE or the client's own means (PGPASSWORD, .pgpass) bring it.
            url = make_url(database)
            bare = URL.create(url.drivername, url.username, None, url.host, url.port, url.database, url.query)
            values["database"] = bare.render_as_string(hide_password=False)
        with suppress(FileExistsError):
            write_private(folder / SETTINGS_FILE, tomli_w.dumps(values).encode())
        write_private(path, environment_text(environment).encode())
    except OSError as error:
        raise Unavailable(f"{folder} cannot be made a home: {error.strerror} [home_failed]") from None


def _read_settings(folder: Path) -> tuple[str | None, KeystorePlace]:
    path = folder / SETTINGS_FILE
    try:
        values = tomllib.loads(path.read_text())
        return values.get("database"), KeystorePlace(**values["keystore"])
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror} [home_failed]") from None
    except (ValueError, KeyError, TypeError) as error:
        raise WireError(-1, str(path), f"the settings of a home were expected: {error}", "home_format") from None
