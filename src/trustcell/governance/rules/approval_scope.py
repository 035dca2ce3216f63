"""The scope of an approval as JSON, and what each kind of approval has to say in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trustcell.governance.rules import clauses, fields
from trustcell.governance.rules.approvals import ApprovalKind, Scope
from trustcell.governance.rules.canonical import moment
from trustcell.vocab import Clause, Finding, KeyUsage, RemotePartyRole

LISTED = frozenset(
    {
        RemotePartyRole.RECOVERY,
        RemotePartyRole.TRANSITIONAL_COS,
        RemotePartyRole.WAN_PROVIDER,
        RemotePartyRole.ACCESS_CONTROL_BROKER,
    }
)
"""The Remote Party Roles of L11.4B(b)."""

MAX_YEARS = 50
MAX_CERTIFICATES = 1_000_000


@dataclass(frozen=True, slots=True)
class KindRules:
    """What stands in the code book about one kind of approval; ``modification`` is what brought it, if one did."""

    clause: Clause
    modification: str = ""
    roles: frozenset[RemotePartyRole] = frozenset(RemotePartyRole)
    names_keys: bool = False
    names_validity: bool = False

    @property
    def legal_basis(self) -> str:
        """As it stands in the record."""
        return f"{self.clause.ref}, {self.clause.source}"


KIND_RULES: Mapping[ApprovalKind, KindRules] = {
    ApprovalKind.VALIDITY: KindRules(clauses.VALIDITY, "MP261", names_validity=True),
    ApprovalKind.KEY_REUSE: KindRules(clauses.KEY_REUSE, "MP261", LISTED, names_keys=True),
    ApprovalKind.RECOVERY_USE: KindRules(clauses.RECOVERY),
    ApprovalKind.CPS_APPROVAL: KindRules(clauses.DOCUMENT_SET),
}

_USAGES = {usage.title: usage for usage in (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT)}


def _usage(value: Any) -> KeyUsage:
    if not isinstance(value, str) or value not in _USAGES:
        raise ValueError(f"one of {', '.join(_USAGES)} was expected")
    return _USAGES[value]


_READERS: Mapping[str, fields.Reader] = {
    "exact": fields.flag,
    "key_usages": fields.distinct(_usage),
    "keys": fields.distinct(fields.sha256),
    "max_certificates": fields.number(1, MAX_CERTIFICATES),
    "not_after": fields.optional(fields.moment),
    "purpose": fields.text,
    "requests": fields.distinct(fields.sha256),
    "roles": fields.distinct(fields.role),
    "subjects": fields.distinct(fields.eui64),
    "years": fields.optional(fields.number(1, MAX_YEARS)),
}
_SETS = frozenset({"key_usages", "keys", "requests", "roles", "subjects"})


def scope_json(scope: Scope) -> dict[str, Any]:
    """JSON values, sets in order."""
    return {
        "exact": scope.exact,
        "key_usages": sorted(each.title for each in scope.key_usages),
        "keys": sorted(scope.keys),
        "max_certificates": scope.max_certificates,
        "not_after": None if scope.not_after is None else moment(scope.not_after),
        "purpose": scope.purpose,
        "requests": sorted(scope.requests),
        "roles": sorted(int(each) for each in scope.roles),
        "subjects": sorted(str(each) for each in scope.subjects),
        "years": scope.years,
    }


def read_scope(value: Any) -> Scope:
    """Read back what ``scope_json`` wrote; raises ``ValueError`` for anything else."""
    if not isinstance(value, Mapping) or set(value) != set(_READERS):
        raise ValueError(f"the fields {', '.join(_READERS)} were expected")
    found: dict[str, Any] = {}
    for field, reader in _READERS.items():
        try:
            read = reader(value[field])
        except ValueError as error:
            raise ValueError(f"{field}: {error}") from None
        found[field] = frozenset(read) if field in _SETS else read
    return Scope(**found)


def scope_findings(kind: ApprovalKind, scope: Scope) -> Iterator[Finding]:
    """What keeps this scope from being one of this kind."""
    rules = KIND_RULES[kind]
    if not scope.roles:
        yield rules.clause.breach("approval_scope_role", "scope.roles", "no role is named", "name the roles it is for")
    if beyond := scope.roles - rules.roles:
        titles, allowed = _titles(beyond), _titles(rules.roles)
        yield clauses.LISTED_ROLES.breach(
            "approval_scope_role", "scope.roles", f"{titles} is not listed", f"{allowed} only"
        )
    if rules.names_keys and not scope.keys:
        message = "no Public Key is named that may be repeated"
        yield rules.clause.breach("approval_scope_key", "scope.keys", message, "name the keys by SHA-256")
    periods = (scope.years is not None) + (scope.not_after is not None)
    if rules.names_validity and periods != 1:
        message = "neither years nor an end is named" if not periods else "both years and an end are named"
        yield rules.clause.breach("approval_scope_validity", "scope.years", message, "name years, or an end")
    if not rules.names_validity and periods:
        message = f"a {kind} approval says nothing about how long a certificate holds"
        yield rules.clause.breach(
            "approval_scope_validity", "scope.years", message, "draft a VALIDITY approval as well"
        )


def _titles(roles: frozenset[RemotePartyRole]) -> str:
    return ", ".join(each.title for each in sorted(roles))
