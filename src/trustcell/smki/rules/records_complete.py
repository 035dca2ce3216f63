"""What must be on record before a certificate is made: a new serial, and who asked and who issues (C10 and C11)."""

from collections.abc import Iterator

from trustcell.governance.rules.duties import act_as_one
from trustcell.smki.rules.clauses import DUTIES, PROFILE
from trustcell.smki.rules.facts import Application, Facts
from trustcell.vocab import Finding

SERIAL_OCTETS = 16


def serial_fits(serial: int) -> bool:
    """Whether it has 16 octets, the first 10 to 7F (smki.md 2.1)."""
    return 0x10 <= serial >> 8 * (SERIAL_OCTETS - 1) <= 0x7F


def serial_new(_: Application, facts: Facts) -> Iterator[Finding]:
    """C10: a serial of 16 octets that the issuer has never used."""
    if facts.serial is None or facts.serial_taken:
        yield PROFILE.breach("serial_in_use", "serialNumber", "no serial is free", "a working random source")
    elif not serial_fits(facts.serial):
        message = f"it is {facts.serial:X}"
        yield PROFILE.breach("serial_form", "serialNumber", message, "16 octets, the first 10 to 7F")


def on_record(_: Application, facts: Facts) -> Iterator[Finding]:
    """C11: the request was signed by somebody known, and no human being both asks and issues (hostile A3).

    That whoever approved is a third person belongs to the approval itself.
    """
    requester, operator = facts.requester, facts.operator
    if requester is None or not facts.statement:
        message = "no signed statement of an ARO stands behind the request"
        yield DUTIES.breach("request_not_signed", "requester", message, "submit it with an ARO's credential")
    elif operator is not None and act_as_one(requester.name, operator.name, facts.people):
        message = f"{requester.name} asked and {operator.name} issues: they act as one person"
        yield DUTIES.breach("separation_of_duties", "people", message, "another person issues it")
