"""Acts of a registrar, and of parties about themselves: who there is, and what each may do."""

import base64
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from trustcell.governance.ports import Books, Credential
from trustcell.governance.rules.canonical import digest, moment
from trustcell.governance.rules.parties import Capacity, Party, PartyKind, Person
from trustcell.governance.rules.people_statements import FOUNDED
from trustcell.governance.service.stating import Stating
from trustcell.vocab import Eui64, RemotePartyRole


class Registration(Stating):
    """Parties and people; each act is one statement and one audit entry."""

    def found(
        self, books: Books, credential: Credential, *, title: str, identity: str, ica: bytes, now: datetime
    ) -> Person:
        """The first registrar founds the register and names the ICA (DER) that all credentials chain to."""
        body = {
            "certificate": digest(credential.certificate),
            "ica": base64.b64encode(ica).decode(),
            "identity": identity,
            "title": title,
        }
        return self._act(books, credential, FOUNDED, credential.person, body, now).people[credential.person]

    def add_party(
        self,
        books: Books,
        credential: Credential,
        name: str,
        *,
        title: str,
        kind: PartyKind,
        entities: Mapping[Eui64, Collection[RemotePartyRole]],
        subscribes: Iterable[str] = (),
        now: datetime,
    ) -> Party:
        """A party with its EUI-64s, their roles, and the certificate families it is an Authorised Subscriber for."""
        body = {**_party_body(title, entities, subscribes), "kind": kind.value}
        return self._act(books, credential, "party.added", name, body, now).parties[name]

    def change_party(
        self,
        books: Books,
        credential: Credential,
        name: str,
        *,
        title: str,
        entities: Mapping[Eui64, Collection[RemotePartyRole]],
        subscribes: Iterable[str],
        now: datetime,
    ) -> Party:
        """What a party is called, has and subscribes for from now on."""
        body = _party_body(title, entities, subscribes)
        return self._act(books, credential, "party.changed", name, body, now).parties[name]

    def set_user_status(
        self, books: Books, credential: Credential, name: str, *, user: bool, since: datetime, now: datetime
    ) -> Party:
        """Whether a party is a DCC User since this moment."""
        body = {"since": moment(since), "user": user}
        return self._act(books, credential, "party.user", name, body, now).parties[name]

    def give_notice(
        self,
        books: Books,
        credential: Credential,
        name: str,
        *,
        reference: str,
        since: datetime | None = None,
        now: datetime,
    ) -> Party:
        """A party will not be, or remain, a DCC User: it subscribes for nothing further (SECMP0128A requirement 5)."""
        body = {"reference": reference, "since": moment(since or now)}
        return self._act(books, credential, "party.leaving", name, body, now).parties[name]

    def withdraw_notice(
        self, books: Books, credential: Credential, name: str, *, reference: str, now: datetime
    ) -> Party:
        """It stays after all; both notices stay on record."""
        return self._act(books, credential, "party.staying", name, {"reference": reference}, now).parties[name]

    def add_person(
        self,
        books: Books,
        credential: Credential,
        name: str,
        *,
        title: str,
        identity: str,
        certificate: str,
        capacities: Iterable[Capacity] = (),
        acts_for: Iterable[str] = (),
        delegate_of: str = "",
        now: datetime,
    ) -> Person:
        """A person with a credential of his own; ``certificate`` is the SHA-256 (hex) of the IKI certificate."""
        body = {
            "acts_for": sorted(acts_for),
            "capacities": sorted(each.value for each in capacities),
            "certificate": certificate,
            "delegate_of": delegate_of,
            "identity": identity,
            "title": title,
        }
        return self._act(books, credential, "person.added", name, body, now).people[name]

    def grant(
        self,
        books: Books,
        credential: Credential,
        name: str,
        capacity: Capacity,
        *,
        acts_for: Iterable[str] = (),
        now: datetime,
    ) -> Person:
        """A person acts in this capacity from now on; an ARO for these parties as well."""
        body = {"acts_for": sorted(acts_for), "capacity": capacity.value}
        return self._act(books, credential, "person.capacity_granted", name, body, now).people[name]

    def withdraw_capacity(
        self, books: Books, credential: Credential, name: str, capacity: Capacity, *, reason: str, now: datetime
    ) -> Person:
        """A person acts in this capacity no longer; what he decided for the SMKI PMA is void from now on."""
        body = {"capacity": capacity.value, "reason": reason}
        return self._act(books, credential, "person.capacity_withdrawn", name, body, now).people[name]

    def add_credential(
        self, books: Books, credential: Credential, name: str, *, certificate: str, now: datetime
    ) -> Person:
        """A further IKI certificate of a person, by its SHA-256 (hex)."""
        body = {"certificate": certificate}
        return self._act(books, credential, "person.credential_added", name, body, now).people[name]

    def withdraw_credential(
        self, books: Books, credential: Credential, name: str, *, certificate: str, now: datetime
    ) -> Person:
        """An IKI certificate that signs for this person no longer."""
        body = {"certificate": certificate}
        return self._act(books, credential, "person.credential_withdrawn", name, body, now).people[name]


def _party_body(
    title: str, entities: Mapping[Eui64, Collection[RemotePartyRole]], subscribes: Iterable[str]
) -> dict[str, Any]:
    return {
        "entities": {str(entity): sorted(int(role) for role in roles) for entity, roles in entities.items()},
        "subscribes": sorted(subscribes),
        "title": title,
    }
