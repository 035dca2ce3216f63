"""SEC L11.4 to L11.4B: a Public Key stands in one certificate of its family, unless (checks C5 and C6)."""

from collections.abc import Iterator

from trustcell import certs
from trustcell.governance.rules.approval_scope import LISTED
from trustcell.governance.rules.approvals import ApprovalKind
from trustcell.governance.rules.parties import PartyKind
from trustcell.smki.rules import cited
from trustcell.smki.rules.clauses import COMPROMISE, L11_4_B, L11_4A, L11_4B_A, L11_4B_B
from trustcell.smki.rules.facts import Application, Facts
from trustcell.smki.rules.records import CertificateRecord, Family
from trustcell.vocab import Clause, Finding, RemotePartyRole, Severity

_COMPROMISED = frozenset({1, 2})
"""keyCompromise and cACompromise of RFC 5280 5.3.1."""


def holders(facts: Facts) -> tuple[CertificateRecord, ...]:
    """Organisation and OCA Certificates over the key."""
    return tuple(each for each in facts.holders if each.family is Family.ORGANISATION)


def repeats_a_key(application: Application, facts: Facts) -> bool:
    """Whether the key stands, or is about to stand, in another certificate of the family."""
    return bool(holders(facts)) or any(each.request != application.name for each in facts.pending)


def key_unique(application: Application, facts: Facts) -> Iterator[Finding]:
    """C5, L11.4(b): no CSR for a key that is contained in any other Organisation Certificate or OCA Certificate."""
    yield from _barred(application, facts)
    yield from _other_families(facts)
    if not repeats_a_key(application, facts) or not any(_missing_limbs(application, facts)):
        return
    for each in holders(facts):
        state = each.status(facts.now).name.lower().replace("_", " ")
        message = f"it stands in the certificate of {each.issuer} with serial {each.serial:032X} ({state})"
        yield L11_4_B.breach(
            "public_key_in_use",
            "publicKey",
            message,
            "a new key pair",
            issuer=each.issuer,
            serial=f"{each.serial:032X}",
        )
    for use in facts.pending:
        if use.request != application.name:
            message = f"a certificate over it was begun and may exist: {use.issuer}, serial {use.serial:032X}"
            yield L11_4_B.breach(
                "public_key_in_use",
                "publicKey",
                message,
                "a new key pair",
                issuer=use.issuer,
                serial=f"{use.serial:032X}",
            )


def key_reuse(application: Application, facts: Facts) -> Iterator[Finding]:
    """C6, L11.4A and L11.4B: the DCC, a listed role, an approval; each limb that is missing is named."""
    if repeats_a_key(application, facts):
        yield from _missing_limbs(application, facts)


def _missing_limbs(application: Application, facts: Facts) -> Iterator[Finding]:
    if not facts.rules.has("MP261"):
        message = f"no exception is in force under the rules of {facts.rules.name}"
        yield _missing(L11_4_B, "rules", message, "L11.4A and L11.4B, in force since 2024-02-29")
        return
    if facts.party is None or facts.party.kind is not PartyKind.DCC:
        who = facts.party.title if facts.party else "nobody who is known"
        yield _missing(L11_4A, "subscriber", f"it is {who}", "the DCC, which alone may repeat a key")
    yield from _not_the_same(application, facts)
    role = application.csr.role
    if role not in LISTED:
        yield _missing(
            L11_4B_B, "role", f"it is {_titled(role)}", f"one of {', '.join(sorted(r.title for r in LISTED))}"
        )
    chosen, findings = cited.choose(ApprovalKind.KEY_REUSE, application, facts)
    if chosen is None:
        message = "no approval of the SMKI PMA, with the views of the SSC taken into account, covers it"
        yield _missing(L11_4B_A, "approval", message, "cite an approval to repeat this key")
        yield from findings


def _not_the_same(application: Application, facts: Facts) -> Iterator[Finding]:
    """Our reading of "existing Organisation Certificate" (smki.md 9, A3): same role, EUI-64 and key usage."""
    csr = application.csr
    for each in holders(facts):
        same = (each.role, each.entity_id, each.key_usage) == (csr.role, csr.entity_id, csr.key_usage)
        if not same or each.kind != certs.CertificateKind.ORGANISATION:
            what = f"{_titled(each.role)}, {each.entity_id or 'no EUI-64'}, {each.key_usage.title}"
            message = f"{each.issuer} {each.serial:032X} is an {each.kind} certificate for {what}"
            yield _missing(L11_4A, "existing certificate", message, "the role, EUI-64 and usage of the existing one")


def _barred(application: Application, facts: Facts) -> Iterator[Finding]:
    remedy = "a new key pair"
    if facts.barred is not None:
        yield COMPROMISE.breach("public_key_barred", "publicKey", f"it is barred: {facts.barred}", remedy)
    for each in facts.holders:
        if each.revoked_at is not None and each.revocation_reason in _COMPROMISED:
            message = f"the certificate of {each.issuer} with serial {each.serial:032X} was revoked for compromise"
            yield COMPROMISE.breach(
                "public_key_barred", "publicKey", message, remedy, issuer=each.issuer, serial=f"{each.serial:032X}"
            )


def _other_families(facts: Facts) -> Iterator[Finding]:
    """Nothing forbids a key in two families (smki.md 9, A12); it is never silent."""
    for each in facts.holders:
        if each.family is not Family.ORGANISATION:
            message = (
                f"it stands in a certificate of the {each.family} family: {each.issuer}, serial {each.serial:032X}"
            )
            yield L11_4_B.breach(
                "public_key_in_other_family", "publicKey", message, "a key pair of its own", Severity.WARNING,
                issuer=each.issuer, serial=f"{each.serial:032X}", family=each.family,
            )  # fmt: skip


def _missing(clause: Clause, field: str, message: str, remedy: str) -> Finding:
    return clause.breach("key_reuse_not_approved", field, message, remedy, limb=clause.ref)


def _titled(role: int | None) -> str:
    try:
        return RemotePartyRole(role).title if role is not None else "no role"
    except ValueError:
        return f"role {role:02X}"
