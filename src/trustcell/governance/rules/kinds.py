"""The one table of statement kinds: who may state what (smki.md 1.1, 8). Kinds of other rooms have no effect here."""

from collections.abc import Mapping

from trustcell.governance.rules.approval_statements import APPROVAL_KINDS
from trustcell.governance.rules.clauses import DUTIES
from trustcell.governance.rules.kind import StatementKind
from trustcell.governance.rules.parties import Capacity
from trustcell.governance.rules.party_statements import PARTY_KINDS
from trustcell.governance.rules.people_statements import PEOPLE_KINDS

_ELSEWHERE: Mapping[str, frozenset[Capacity]] = {
    "csr.submit": frozenset({Capacity.ARO}),
    "certificate.issue": frozenset({Capacity.ISSUER}),
    "certificate.accept": frozenset({Capacity.ARO}),
    "certificate.reject": frozenset({Capacity.ARO}),
    "certificates.import": frozenset({Capacity.ISSUER}),
    "batch.submit": frozenset({Capacity.ARO}),
    "batch.issue": frozenset({Capacity.ISSUER}),
    "revocation.request": frozenset({Capacity.ARO, Capacity.PMA}),
    "revocation.decision": frozenset({Capacity.ISSUER}),
    "list.issue": frozenset({Capacity.ISSUER}),
    "pack.publish": frozenset({Capacity.PACKER}),
}
"""Kinds that concern certificates and packs: governance looks at the capacity, the room at the rest."""

KINDS: Mapping[str, StatementKind] = {
    each.name: each
    for each in (
        *PARTY_KINDS,
        *PEOPLE_KINDS,
        *APPROVAL_KINDS,
        *(StatementKind(name, capacities, DUTIES) for name, capacities in _ELSEWHERE.items()),
    )
}

FOLDED = tuple(name for name, kind in KINDS.items() if kind.effect is not None)
"""The kinds the register is made of."""
