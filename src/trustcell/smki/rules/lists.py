"""Revocation lists: who is on one, for how long it stands, and when the next one is due (smki.md 3.7)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from trustcell.certs import Certificate
from trustcell.governance.rules.canonical import moment
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.records import IntentRecord, ListRecord, Revoked
from trustcell.smki.rules.revocation import SUPERSEDED
from trustcell.vocab import Clause, Finding

FREQUENCY_CLAUSE = Clause("SEC Appendix B 4.9.7", "Organisation Certificate Policy, frequency of lists (recalled)")
EXPIRED_CLAUSE = Clause("RFC 5280 3.3", "RFC 5280")
ENTRIES_CLAUSE = Clause("RFC 5280 5.1.2.6", "RFC 5280")
NUMBER_CLAUSE = Clause("RFC 5280 5.2.3", "RFC 5280")


class ListKind(StrEnum):
    """The two lists of the OCA."""

    CRL = "crl"
    """Organisation Certificates, signed by the Issuing OCA."""
    ARL = "arl"
    """OCA Certificates, signed by the Root OCA."""

    @property
    def long_name(self) -> str:
        """How the code book calls it."""
        return "Organisation CRL" if self is ListKind.CRL else "Organisation ARL"

    def issuer(self, environment: Environment) -> str:
        """The CN of the authority that signs it."""
        return environment.issuing_oca if self is ListKind.CRL else environment.root_oca

    def period(self, environment: Environment) -> timedelta:
        """From thisUpdate to nextUpdate."""
        return environment.crl_period if self is ListKind.CRL else environment.arl_period

    def reissue(self, environment: Environment) -> timedelta:
        """How long after thisUpdate the next one is made at the latest."""
        return environment.crl_reissue if self is ListKind.CRL else environment.arl_reissue


class DueReason(StrEnum):
    """Why a list must be made."""

    NONE_YET = "there is none yet"
    REISSUE = "it is time for the next one"
    REVOCATION = "it does not name all that is revoked"
    STORED = "a newer one is stored but not served"


@dataclass(frozen=True, slots=True)
class Due:
    """One list that must be made: why, and by when; ``late`` once that has passed."""

    kind: ListKind
    reason: DueReason
    by: datetime
    late: bool

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"list": self.kind.value, "reason": self.reason.value, "by": moment(self.by), "late": self.late}


def due(
    kind: ListKind,
    environment: Environment,
    served: ListRecord | None,
    newest: ListRecord | None,
    unlisted: datetime | None,
    now: datetime,
) -> Due | None:
    """Whether a list must be made now, for the reason that presses most.

    ``unlisted`` is the time of the first revocation that the list served does not name.
    """
    if served is None:
        return Due(kind, DueReason.NONE_YET, now, False)
    found = []
    if newest is not None and newest.number > served.number:
        found.append((DueReason.STORED, newest.this_update + environment.crl_after_revocation))
    if unlisted is not None:
        found.append((DueReason.REVOCATION, unlisted + environment.crl_after_revocation))
    regular = min(served.this_update + kind.reissue(environment), served.next_update)
    if now >= regular:
        found.append((DueReason.REISSUE, regular))
    if not found:
        return None
    reason, by = min(found, key=lambda each: each[1])
    return Due(kind, reason, by, now > by)


def running_time(wall: datetime, started: datetime, elapsed: timedelta) -> datetime:
    """The time for ``due`` in a process that ran for ``elapsed`` of a monotonic clock since the wall said ``started``.

    A list falls due although the clock on the wall stands still or went back (hostile T7).
    """
    return max(wall, started + elapsed)


def still_listed(not_after: datetime, revoked_at: datetime, previous: datetime | None) -> bool:
    """Whether an entry is on the next list: until one list was made after the certificate ended (RFC 5280 3.3).

    ``previous`` is thisUpdate of the list served now. What was revoked after it had ended is on one list as well.
    """
    return previous is None or previous <= max(not_after, revoked_at)


def entries(revoked: Iterable[Revoked], abandoned: Iterable[IntentRecord], previous: datetime | None) -> list[Revoked]:
    """The entries of the next list by time and serial; ``abandoned`` are signed certificates that were never kept."""
    found = [each for each in revoked if still_listed(each.not_after, each.revoked_at, previous)]
    found += [each for each in map(given_up, abandoned) if still_listed(each.not_after, each.revoked_at, previous)]
    return sorted(found, key=lambda entry: (entry.revoked_at, entry.serial))


def given_up(intent: IntentRecord) -> Revoked:
    """How a list names a certificate that may have been signed and was never kept (K39)."""
    return Revoked(intent.serial, intent.at, SUPERSEDED, Certificate.from_der(intent.twin).not_after)


def number_findings(number: int, this_update: datetime, newest: ListRecord | None) -> list[Finding]:
    """Numbers only rise, and so do the times of lists."""
    found = []
    if newest is not None and number <= newest.number:
        found.append(
            NUMBER_CLAUSE.breach(
                "crl_number_fell", "cRLNumber", f"{number} is not above {newest.number}", "take the next number"
            )
        )
    if newest is not None and this_update < newest.this_update:
        found.append(
            NUMBER_CLAUSE.breach(
                "clock_went_back",
                "thisUpdate",
                f"{moment(this_update)} is before {moment(newest.this_update)}, that of list {newest.number}",
                "set the clock right",
            )
        )
    return found
