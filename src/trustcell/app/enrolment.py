"""Enrolment: a key of his own for each person, an IKI Certificate over it, and the statement that makes him known.

What was interrupted goes on when it is done again: a key or certificate that is there is used.
"""

import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import tomli_w
from cryptography.hazmat.primitives.serialization import Encoding

from trustcell import certs
from trustcell.adapters.credentials import PersonCredential, read_certificate
from trustcell.adapters.keystore_errors import checked_label, label_in_use
from trustcell.adapters.keystore_file import write_private
from trustcell.app.cast import PARTIES, PEOPLE, SampleParty, SamplePerson
from trustcell.governance import Governance
from trustcell.governance.ports import Credential
from trustcell.governance.rules.canonical import digest
from trustcell.smki.ports import KeyKind, Keystore, Signer, Store
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.records import Family
from trustcell.smki.service.hierarchy import Hierarchy
from trustcell.smki.service.people import issue_person_certificate
from trustcell.vocab import RemotePartyRole, Unavailable

if TYPE_CHECKING:
    from trustcell.adapters.keystore_pkcs11 import Pkcs11Keystore

Step = Callable[[str], None]


def _no_pin(name: str) -> str:
    raise Unavailable(f"no PIN is known for the token of {name} [keystore_pin_missing]")


@dataclass(frozen=True)
class People:
    """A folder of credentials: ``NAME.pem``, the IKI Certificate, over ``NAME.key`` or the key of a token.

    ``NAME.token`` says which: module and label of the token, on which the key is called NAME. ``pin_of`` gives the PIN
    of a person's token.
    """

    folder: Path
    keystore: Keystore
    pin_of: Callable[[str], str] = field(default=_no_pin, repr=False)

    def credential(self, name: str) -> PersonCredential:
        """The credential of this person; ``Unavailable`` when it is not here."""
        certificate = read_certificate(self.folder / f"{checked_label(name)}.pem")
        return PersonCredential(name, certificate, self._keys(name).signer(name))

    def names(self) -> list[str]:
        """Whose credentials are here."""
        return sorted(path.stem for path in self.folder.glob("*.pem"))

    def signer(self, name: str) -> Signer:
        """The key of this person, made if there is none."""
        keys = self._keys(checked_label(name))
        return keys.signer(name) if name in keys.labels() else keys.generate(name, KeyKind.RSA2048)

    def use_token(self, name: str, module: Path, token: str) -> None:
        """Let the key of this person be one on a token, from before there is a key.

        ``Refused`` (``key_label_in_use``) when the key is in a file or on another token; ``Unavailable`` when the
        token cannot be opened, and then nothing is kept.
        """
        path, values = self.folder / f"{checked_label(name)}.token", {"module": str(module), "token": token}
        if name in self.keystore.labels() or (path.exists() and path.read_text() != tomli_w.dumps(values)):
            raise label_in_use(name)
        self._on_token(name, module, token).close()
        with suppress(FileExistsError):
            write_private(path, tomli_w.dumps(values).encode())

    def _keys(self, name: str) -> Keystore:
        path = self.folder / f"{name}.token"
        if not path.exists():
            return self.keystore
        try:
            values = tomllib.loads(path.read_text())
            module, token = Path(values["module"]), str(values["token"])
        except (OSError, ValueError, KeyError, TypeError):
            raise Unavailable(f"{path} names no token [credential_unreadable]") from None
        return self._on_token(name, module, token)

    def _on_token(self, name: str, module: Path, token: str) -> "Pkcs11Keystore":
        from trustcell.adapters.keystore_pkcs11 import Pkcs11Keystore  # loads a native library that files do not need

        return Pkcs11Keystore(module, token, self.pin_of(name))


@dataclass(frozen=True)
class Office:
    """All that enrolment works with."""

    environment: Environment
    store: Store
    governance: Governance
    hierarchy: Hierarchy
    random: Callable[[int], bytes]
    people: People


def certified(
    office: Office, name: str, organisation: str, role: RemotePartyRole, *, by: str, now: datetime
) -> PersonCredential:
    """A person's credential, with a new key and a certificate of the ICA unless they are there already."""
    people = office.people
    path = people.folder / f"{name}.pem"
    if not path.exists():
        signer = people.signer(name)
        der = _issued(office, signer)
        if not der:
            csr = certs.iki_csr(organisation, role, name, signer.public_key, signer.sign)
            der = issue_person_certificate(
                office.store, office.hierarchy.ica, office.environment, csr, now=now, random=office.random, by=by
            ).der
        write_private(path, certs.Certificate.from_der(der).x509.public_bytes(Encoding.PEM))
    return people.credential(name)


def _issued(office: Office, signer: Signer) -> bytes:
    """The certificate that is over this key already, when enrolment was interrupted behind it."""
    with office.store.reading() as books:
        found = books.certificates.with_key(bytes.fromhex(digest(signer.public_key)), Family.IKI)
    return found[0].der if found else b""


def enrol_registrar(office: Office, person: SamplePerson, now: datetime) -> PersonCredential:
    """The first person, who enrols the others; he founds the register unless it is there."""
    credential = certified(office, person.name, person.organisation, person.role, by="ceremony", now=now)
    with office.store.reading() as books:
        founded = bool(office.governance.register(books).people)
    if not founded:
        with office.store.transaction(now) as books:
            office.governance.found(
                books, credential, title=person.title, identity=person.human,
                ica=office.hierarchy.ica.certificate.der, now=now,
            )  # fmt: skip
    return credential


def enrol_person(office: Office, registrar: Credential, person: SamplePerson, now: datetime) -> PersonCredential:
    """A person of the register with a credential; nothing happens when he is there."""
    credential = certified(office, person.name, person.organisation, person.role, by=registrar.person, now=now)
    with office.store.transaction(now) as books:
        if person.name not in office.governance.register(books).people:
            office.governance.add_person(
                books, registrar, person.name, title=person.title, identity=person.human,
                capacities=person.capacities, acts_for=person.acts_for,
                certificate=digest(credential.certificate), now=now,
            )  # fmt: skip
    return credential


def enrol_party(office: Office, registrar: Credential, party: SampleParty, now: datetime) -> None:
    """A party of the register, a DCC User if it is one; nothing happens when it is there."""
    with office.store.transaction(now) as books:
        known = office.governance.register(books).parties.get(party.name)
        if known is None:
            office.governance.add_party(
                books, registrar, party.name, title=party.title, kind=party.kind, entities=party.entities,
                subscribes=party.subscribes, now=now,
            )  # fmt: skip
        if party.user and (known is None or not known.user_history):
            office.governance.set_user_status(books, registrar, party.name, user=True, since=now, now=now)


def enrol_cast(
    office: Office,
    registrar: Credential,
    now: datetime,
    *,
    parties: Sequence[SampleParty] = PARTIES,
    people: Sequence[SamplePerson] = PEOPLE,
    step: Step = lambda _: None,
) -> None:
    """The whole sample cast; ``step`` is told each one."""
    for party in parties:
        enrol_party(office, registrar, party, now)
        step(f"party {party.name}")
    for person in people:
        enrol_person(office, registrar, person, now)
        step(f"person {person.name}")
