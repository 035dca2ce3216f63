"""People and parties of a home as plain values, and people with a credential of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from trustcell import certs
from trustcell.app.enrolment import certified
from trustcell.app.files import read_input, write_output
from trustcell.app.governing import act
from trustcell.app.home import Home
from trustcell.governance.rules.canonical import digest, moment
from trustcell.governance.rules.clauses import REGISTRATION
from trustcell.governance.rules.parties import Capacity, Party, PartyKind, Person
from trustcell.smki.service.people import issue_person_certificate
from trustcell.vocab import Refused, RemotePartyRole


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Whom a registrar adds. With ``csr`` the key is the person's own and stays with him; else one is made in the home.

    With ``token`` and ``module`` it is made on a PKCS#11 token, which it never leaves. ``organisation`` and ``role`` go
    into O and OU of an IKI certificate over a key made here.
    """

    name: str
    title: str
    identity: str
    capacities: Sequence[Capacity] = ()
    acts_for: Sequence[str] = ()
    delegate_of: str = ""
    organisation: str = ""
    role: RemotePartyRole = RemotePartyRole.OTHER
    csr: Path | None = None
    certificate: Path | None = None
    token: str = ""
    module: Path | None = None


def add_person(home: Home, registrar: str, new: NewPerson, now: datetime) -> Person:
    """Give a person a credential and make him known; what was interrupted goes on when it is done again."""
    _not_known(home, new.name)
    if new.csr is not None:
        record = issue_person_certificate(
            home.store,
            home.hierarchy.ica,
            home.environment,
            read_input(new.csr),
            now=now,
            random=home.random,
            by=registrar,
        )
        held = record.der
        if new.certificate is not None:
            write_output(new.certificate, certs.Certificate.from_der(held).x509.public_bytes(Encoding.PEM))
    elif new.certificate is not None:
        held = certs.load_certificates(read_input(new.certificate))[0].der
    else:
        if new.module is not None:
            home.people.use_token(new.name, new.module, new.token)
        organisation = new.organisation or _organisation(home, new)
        held = certified(home.office, new.name, organisation, new.role, by=registrar, now=now).certificate
    return act(
        home, registrar, new.name, now,
        lambda books, credential: home.governance.add_person(
            books, credential, new.name, title=new.title, identity=new.identity, certificate=digest(held),
            capacities=new.capacities, acts_for=new.acts_for, delegate_of=new.delegate_of, now=now,
        ),
    )  # fmt: skip


def _not_known(home: Home, name: str) -> None:
    """Before a key is made for a name that is taken."""
    with home.store.reading() as books:
        if name in home.governance.register(books).people:
            message = f"{name} is in the register"
            raise Refused([REGISTRATION.breach("person_known", "person", message, "another name")])


def _organisation(home: Home, new: NewPerson) -> str:
    with home.store.reading() as books:
        parties = home.governance.register(books).parties
    found = [parties[name].title for name in new.acts_for if name in parties]
    return found[0] if found else home.environment.name


def party_facts(party: Party, now: datetime) -> dict[str, Any]:
    """Plain values."""
    return {
        "party": party.name,
        "title": party.title,
        "kind": party.kind.value,
        "entities": {str(entity): [role.title for role in sorted(roles)] for entity, roles in party.entities.items()},
        "subscribes": sorted(party.subscribes),
        "dcc_user": party.is_user(now) if party.kind is not PartyKind.DCC else None,
        "user_history": [{"since": moment(since), "user": user} for since, user in party.user_history],
        "leaving_since": None if party.leaving_since is None else moment(party.leaving_since),
    }


def person_facts(person: Person, now: datetime) -> dict[str, Any]:
    """Plain values."""
    return {
        "person": person.name,
        "title": person.title,
        "identity": person.identity,
        "capacities": sorted(each.value for each in person.capacities if person.holds(each, now)),
        "since": {each.value: moment(at) for each, at in person.capacities.items()},
        "withdrawn": {each.value: moment(at) for each, at in person.withdrawn.items()},
        "acts_for": sorted(person.acts_for),
        "delegate_of": person.delegate_of,
        "certificates": list(person.certificates),
    }
