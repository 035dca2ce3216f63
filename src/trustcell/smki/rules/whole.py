"""Invariants that no single certificate shows: keys once a family, uses counted, statements sound (I4, I5, I6)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from trustcell import certs
from trustcell.governance.rules.approvals import Approval
from trustcell.governance.rules.objections import objections
from trustcell.governance.rules.register import Register
from trustcell.governance.rules.statements import SignedStatement
from trustcell.smki.rules.agreement import Fault
from trustcell.smki.rules.records import CertificateRecord, Family
from trustcell.smki.rules.revocation import identity

Use = tuple[int, str, int, datetime]


@dataclass
class KeyUses:
    """Which keys were seen in which family. One that stands in a single certificate costs one entry and no more."""

    once: dict[tuple[Family, bytes], tuple[str, int, int]] = field(default_factory=dict)
    more: dict[tuple[Family, bytes], list[tuple[str, int, int]]] = field(default_factory=dict)

    def see(self, record: CertificateRecord) -> None:
        """Count a certificate; one that was given up before it was one does not count."""
        if record.key_use < 0:
            return
        key, found = (record.family, record.key), (record.issuer, record.serial, record.key_use)
        if key in self.more:
            self.more[key].append(found)
        elif key in self.once:
            self.more[key] = [self.once[key], found]
        else:
            self.once[key] = found

    def faults(self) -> Iterator[Fault]:
        """Keys that stand in several certificates of a family without each repeat being counted (I5)."""
        for (family, key), found in self.more.items():
            uses = sorted(use for _, _, use in found)
            if uses != list(range(len(uses))):
                names = ", ".join(identity(issuer, serial) for issuer, serial, _ in found)
                message = f"{names} hold it, counted as {uses}"
                yield Fault("I5", "key_not_unique", f"{family} key {key.hex()[:16]}", message, "key_use")


def use_faults(
    approvals: Mapping[str, Approval],
    uses: Mapping[str, list[Use]],
    cited: Mapping[tuple[str, int], tuple[str, ...]],
) -> Iterator[Fault]:
    """Uses within the number granted, each by a certificate that cites the approval, each citation counted (I6).

    ``cited`` are the approvals of every certificate that has any.
    """
    for name, found in uses.items():
        limit = approvals[name].scope.max_certificates
        if len(found) > limit:
            yield Fault("I6", "approval_overused", f"approval {name}", f"{len(found)} uses of {limit} granted", "uses")
        if [number for number, *_ in found] != list(range(1, len(found) + 1)):
            numbers = ", ".join(str(number) for number, *_ in found)
            yield Fault(
                "I6", "approval_uses_numbered", f"approval {name}", f"its uses have the numbers {numbers}", "uses"
            )
        for _, issuer, serial, _ in found:
            if name not in cited.get((issuer, serial), ()):
                message = f"{identity(issuer, serial)} is counted and does not cite it"
                yield Fault("I6", "approval_use_foreign", f"approval {name}", message, "uses")
    for (issuer, serial), names in cited.items():
        for name in names:
            counted = sum((a, b) == (issuer, serial) for _, a, b, _ in uses.get(name, []))
            if counted != 1:
                message = f"its use of {name} is counted {counted} times"
                yield Fault("I6", "approval_use_uncounted", identity(issuer, serial), message, "approvals")


def read_register(statements: Iterable[SignedStatement]) -> tuple[Register, list[Fault]]:
    """The register as the statements leave it, and those that the rules did not let their actors make then (I4)."""
    register, faults = Register(), []
    for signed in statements:
        for finding in objections(register, signed.statement):
            message = f"{finding.message} [{finding.code}]"
            faults.append(Fault("I4", "statement_not_allowed", _named(signed), message, finding.field))
        register = register.after(signed)
    return register, faults


def statement_faults(
    statements: Iterable[SignedStatement], credentials: Mapping[str, CertificateRecord]
) -> Iterator[Fault]:
    """Every statement signed with a credential of ours, in its period (I4).

    ``credentials`` are the IKI Certificates of the books by their SHA-256.
    """
    for signed in statements:
        statement = signed.statement
        name = _named(signed)
        made = certs.Certificate.from_der(signed.certificate)
        if not certs.verify_rsa(made.spki, signed.signature, statement.octets):
            yield Fault("I4", "statement_signature", name, "not signed with the key beside it", "signature")
        record = credentials.get(made.sha256.hex())
        if record is None:
            yield Fault("I4", "credential_unknown", name, "the certificate beside it is none of ours", "certificate")
        elif not record.not_before <= statement.at <= record.not_after:
            yield Fault("I4", "credential_period", name, "made outside the period of the credential", "at")


def _named(signed: SignedStatement) -> str:
    return f"statement {signed.digest[:16]} ({signed.statement.kind} by {signed.statement.actor})"
