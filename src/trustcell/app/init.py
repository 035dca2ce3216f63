"""What ``trustcell init`` does: an environment from a file or of its own, a home, its ceremony, perhaps the cast."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from trustcell.adapters.clock import system_now
from trustcell.app.cast import PARTIES, PEOPLE, REGISTRAR
from trustcell.app.enrolment import enrol_cast
from trustcell.app.environment_file import read_environment_file
from trustcell.app.home import DEFAULT_CUSTODIANS, ENVIRONMENT_FILE, FILES, Home, KeystorePlace, create_home, open_home
from trustcell.app.pin import PIN_FILE, find_pin, generate_pin
from trustcell.governance.rules.canonical import digest, moment
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.hierarchy import AUDIT_KEY, AUTHORITIES
from trustcell.smki.rules.records import Family, Query
from trustcell.smki.service.ceremony import ceremony_complete
from trustcell.vocab import Clause, Refused, Unavailable

STEPS = 2 * len(AUTHORITIES) + 2
"""How often ``step`` is called without a cast: keys, certificates, the audit key and the registrar."""
CAST_STEPS = len(PARTIES) + len(PEOPLE)
"""How often more with the cast."""

_HOME = Clause("home", "our rule: a ceremony is held once")


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for; whatever is ``None`` has its default."""

    folder: Path
    environment: Path | None = None
    keystore: KeystorePlace = FILES
    pin_file: Path | None = None
    database: str | None = None
    custodians: tuple[str, ...] = DEFAULT_CUSTODIANS
    cast: bool = False
    at: datetime | None = None


def initialise(wish: Wish, step: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Make the home, or go on where it was interrupted; what is there now, as plain values.

    ``Refused``: ``home_complete`` when there is nothing left to do, and as ``create_home``.
    """
    now = wish.at or system_now()
    environment = _environment(wish, now)
    pin = _pin(wish)
    _refuse_complete(wish, pin)
    home = create_home(
        wish.folder,
        environment,
        database=wish.database,
        pin=pin,
        keystore=wish.keystore,
        now=now,
        custodians=wish.custodians,
        step=step,
    )
    try:
        if wish.cast:
            enrol_cast(home.office, home.credential(REGISTRAR.name), now, step=step)
        return _told(home, now)
    finally:
        home.close()


def _environment(wish: Wish, now: datetime) -> Environment:
    there = wish.folder / ENVIRONMENT_FILE
    begins = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if there.is_file():
        known = read_environment_file(there)
        return known if wish.environment is None else read_environment_file(wish.environment, known.begins)
    if wish.environment is not None:
        return read_environment_file(wish.environment, begins)
    return Environment("local", "an SMKI of its own, for trying things out", begins)


def _pin(wish: Wish) -> str:
    try:
        return find_pin(wish.folder, wish.pin_file)
    except Unavailable:
        if wish.pin_file is not None or wish.keystore.kind != "file":
            raise
        return generate_pin(wish.folder)


def _refuse_complete(wish: Wish, pin: str) -> None:
    if wish.cast or not (wish.folder / ENVIRONMENT_FILE).is_file():
        return
    try:
        home = open_home(wish.folder, pin=pin)
    except Unavailable:
        return  # create_home tells what is in the way, or goes on
    try:
        with home.store.reading() as books:
            done = ceremony_complete(books) and bool(home.governance.register(books).people)
    finally:
        home.close()
    if done:
        message = f"{wish.folder} is a home with its ceremony held"
        raise Refused([_HOME.breach("home_complete", "home", message, "another folder, or --cast to enrol people")])


def _told(home: Home, now: datetime) -> dict[str, Any]:
    audit_key = home.hierarchy.audit_key.public_key
    with home.store.reading() as books:
        register = home.governance.register(books)
        credentials = books.certificates.search(Query(family=Family.IKI, kind="IKI"), now)
    ends = {digest(each.der): each.not_after for each in credentials}
    pin = home.folder / PIN_FILE
    return {
        "home": str(home.folder),
        "environment": home.environment.identifier,
        "begins": moment(home.environment.begins),
        "authorities": [
            {
                "label": row.label,
                "kind": key.record.kind,
                "subject": key.record.subject,
                "serial": f"{key.record.serial:X}",
                "not_before": moment(key.record.not_before),
                "not_after": moment(key.record.not_after),
                "sha256": digest(key.record.der),
                "public_key_sha256": key.record.key.hex(),
                "clause": row.clause.ref,
            }
            for row, key in zip(AUTHORITIES, home.hierarchy, strict=True)
        ],
        "audit_key": {"label": AUDIT_KEY, "public_key_sha256": digest(audit_key)},
        "pin_file": str(pin) if pin.exists() else None,
        "parties": [{"name": each.name, "title": each.title} for each in register.parties.values()],
        "people": [
            {
                "name": each.name,
                "title": each.title,
                "capacities": sorted(capacity.value for capacity in each.capacities),
                "acts_for": sorted(each.acts_for),
                "credential_until": moment(max(ends[name] for name in each.certificates)),
            }
            for each in register.people.values()
        ],
    }
