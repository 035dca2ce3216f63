"""Who may subscribe for which Organisation Certificate (checks C4 and C9; smki.md 1.4, 3.1)."""

from collections.abc import Iterator

from trustcell.governance.rules.canonical import moment
from trustcell.governance.rules.parties import Capacity, PartyKind
from trustcell.smki.rules.clauses import L3, LEAVING, PROFILE
from trustcell.smki.rules.facts import Application, Facts
from trustcell.vocab import Finding, RemotePartyRole

AUTHORITIES = frozenset({RemotePartyRole.ROOT, RemotePartyRole.ISSUING_AUTHORITY})
"""Roles whose certificates come out of a key ceremony, never of a CSR."""

KINDS = {
    RemotePartyRole.SUPPLIER: frozenset({PartyKind.SUPPLIER}),
    RemotePartyRole.NETWORK_OPERATOR: frozenset({PartyKind.GAS_NETWORK, PartyKind.ELECTRICITY_NETWORK}),
    RemotePartyRole.LOAD_CONTROLLER: frozenset({PartyKind.LOAD_CONTROLLER}),
    RemotePartyRole.RDP_FILE_SIGN: frozenset({PartyKind.RDP}),
}
"""Which kinds of party a role belongs to; supplier and network operator recalled, load controller assumed (1.4)."""

USERS = frozenset({RemotePartyRole.OTHER, RemotePartyRole.XML_SIGN})
"""Roles of any DCC User, and of the DCC (recalled, smki.md 1.4)."""


def eligible(application: Application, facts: Facts) -> Iterator[Finding]:
    """C4: the ARO acts for the Authorised Subscriber whose EUI-64 it is, and that may have this role."""
    csr, party, requester = application.csr, facts.party, facts.requester
    if csr.entity_id is None or csr.role is None:
        return  # C2 says so
    acts = requester is not None and requester.holds(Capacity.ARO, facts.now)
    if not acts or party is None or requester is None or party.name not in requester.acts_for:
        # One code and one sentence for a stranger's EUI-64 and for an unknown one: nobody learns which it is.
        message = f"{csr.entity_id} is of no party that this person may act for"
        yield L3.breach("subscriber_not_authorised", "uniqueIdentifier", message, "an EUI-64 of a party of the ARO")
        return
    if "organisation" not in party.subscribes:
        message = f"{party.title} is no Authorised Subscriber for Organisation Certificates"
        yield L3.breach("subscriber_not_authorised", "subscriber", message, "subscribe under Appendix B first")
    try:
        role = RemotePartyRole(csr.role)
    except ValueError:
        yield L3.breach("role_unknown", "role", f"{csr.role:02X} is no role that can be subscribed for", "a known role")
        return
    if role in AUTHORITIES:
        message = f"{role.title} is the role of an authority"
        yield PROFILE.breach("role_is_authority", "role", message, "a key ceremony")
    elif not _may_have(role, facts):
        message = f"{party.title} may not subscribe for {role.title}"
        yield L3.breach("role_not_eligible", "role", message, f"a party for {role.title}", role=role.title)
    elif role not in party.entities.get(csr.entity_id, frozenset()):
        known = ", ".join(sorted(each.title for each in party.entities[csr.entity_id])) or "no role"
        message = f"{csr.entity_id} is registered for {known}, not for {role.title}"
        yield L3.breach("role_not_registered", "role", message, "have the role registered", role=role.title)


def _may_have(role: RemotePartyRole, facts: Facts) -> bool:
    party = facts.party
    if party is None:
        return False
    if party.kind is PartyKind.DCC:
        return role in facts.environment.dcc_only or role in USERS
    return party.kind in KINDS.get(role, ()) or (role in USERS and party.is_user(facts.now))


def gas_network_stays(application: Application, facts: Facts) -> Iterator[Finding]:
    """C9, since MP128A: a gas network that will not be, or remain, a DCC User subscribes for nothing further."""
    party = facts.party
    if party is None or party.kind is not PartyKind.GAS_NETWORK or not facts.rules.has("MP128A"):
        return
    if application.csr.role != RemotePartyRole.NETWORK_OPERATOR:
        return
    if party.leaving_since is not None and party.leaving_since <= facts.now:
        message = f"{party.title} gave notice at {moment(party.leaving_since)} that it will not remain a DCC User"
        yield LEAVING.breach("subscriber_leaving", "subscriber", message, "withdraw the notice first")
    elif not party.is_user(facts.now):
        message = f"{party.title} is no DCC User, so it could never replace its certificates on devices"
        yield LEAVING.breach("subscriber_not_user", "subscriber", message, "become a DCC User first")
