"""Parties and people: who there is, what each may do, and since when (smki.md 1.1, 1.4, 3.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from trustcell.vocab import Eui64, RemotePartyRole


class PartyKind(StrEnum):
    """What an organisation is under the SEC."""

    DCC = "dcc"
    SUPPLIER = "supplier"
    GAS_NETWORK = "gas-network"
    ELECTRICITY_NETWORK = "electricity-network"
    LOAD_CONTROLLER = "load-controller"
    OTHER_USER = "other-user"
    RDP = "rdp"
    MANUFACTURER = "manufacturer"


class Capacity(StrEnum):
    """In what capacity a person acts."""

    REGISTRAR = "registrar"
    """SMKI Registration Authority: keeps the register of parties and people."""
    ARO = "aro"
    """Authorised Responsible Officer: asks for certificates on behalf of a party."""
    SSC = "ssc"
    """Records the views of the Security Sub-Committee."""
    PMA = "pma"
    """Records the decisions of the SMKI PMA."""
    ISSUER = "issuer"
    """Operates the authority: issues what was requested and approved, revokes, makes lists."""
    PACKER = "packer"
    """Assembles and publishes manufacturing packs."""
    AUDITOR = "auditor"
    """Reads everything, writes nothing."""
    CUSTODIAN = "custodian"
    """Key Custodian at a ceremony."""


@dataclass(frozen=True)
class Person:
    """A person of the register. ``identity`` names the human being: two accounts of one person share it.

    ``delegate_of`` names the person on whose behalf this one acts: both count as one when duties are separated.
    ``capacities`` holds when each began; ``withdrawn`` when each ended. ``acts_for`` are names of parties (ARO).
    ``certificates`` are SHA-256 digests (hex) of IKI certificates.
    """

    name: str
    title: str
    identity: str
    capacities: Mapping[Capacity, datetime] = field(default_factory=dict)
    withdrawn: Mapping[Capacity, datetime] = field(default_factory=dict)
    acts_for: frozenset[str] = frozenset()
    delegate_of: str = ""
    certificates: tuple[str, ...] = ()

    def holds(self, capacity: Capacity, at: datetime) -> bool:
        """Whether the person has this capacity at this moment."""
        began, ended = self.capacities.get(capacity), self.withdrawn.get(capacity)
        return began is not None and began <= at and (ended is None or at < ended or ended < began)


@dataclass(frozen=True)
class Party:
    """An organisation with its EUI-64s, each with the Remote Party Roles it is used in.

    ``subscribes`` holds the certificate families (``device``, ``organisation``, ``iki``) it is an Authorised Subscriber
    for. ``user_history`` is (since, whether a DCC User), oldest first. ``leaving_since`` is set while a notice stands
    that it will not be, or remain, a DCC User (SECMP0128A requirement 5).
    """

    name: str
    title: str
    kind: PartyKind
    entities: Mapping[Eui64, frozenset[RemotePartyRole]] = field(default_factory=dict)
    subscribes: frozenset[str] = frozenset()
    user_history: tuple[tuple[datetime, bool], ...] = ()
    leaving_since: datetime | None = None

    def is_user(self, at: datetime) -> bool:
        """Whether the party is a DCC User at this moment."""
        return next((user for since, user in reversed(self.user_history) if since <= at), False)
