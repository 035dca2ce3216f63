"""Everything that ends: certificates, keys of authorities, packs, approvals, lists (features row 19, N14)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from trustcell.governance.rules.approvals import Approval, ApprovalState
from trustcell.governance.rules.canonical import moment
from trustcell.smki.rules.clauses import KEY_PERIOD, L11_4A
from trustcell.smki.rules.lists import FREQUENCY_CLAUSE, ListKind
from trustcell.smki.rules.records import CertificateRecord, Family, ListRecord
from trustcell.smki.rules.revocation import identity
from trustcell.vocab import Clause

PERIOD_CLAUSE = Clause("SEC Appendix B 6.3.2(A)", "Organisation Certificate Policy as amended by MP261")
PACK_CLAUSE = Clause("MP261 Modification Report", "MP261, manufacturing packs and installation with expired ones")

_SECOND, _DAY = timedelta(seconds=1), timedelta(days=1)
_LIVE = {ApprovalState.DRAFT, ApprovalState.SSC_CONSULTED, ApprovalState.APPROVED}


class EndingKind(StrEnum):
    """What kind of thing ends."""

    CERTIFICATE = "certificate"
    CREDENTIAL = "credential"
    CA_KEY = "ca-key"
    LAST_ISSUE = "last-issue"
    PACK = "pack"
    APPROVAL = "approval"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Companion:
    """Another certificate that a device cannot tell from this one: same subject, key and key usage."""

    certificate: str
    ends: datetime


@dataclass(frozen=True, slots=True)
class Ending:
    """One thing that ends: what, when (UTC), what follows from it, and the clause that says so.

    ``certificate`` is its issuer and serial when it is one.
    """

    kind: EndingKind
    what: str
    ends: datetime
    remark: str = ""
    clause: str = ""
    companions: tuple[Companion, ...] = ()
    certificate: str = ""

    @property
    def assumed(self) -> datetime:
        """The end to count with: the earliest of all that a device may hold, as long as its pack is not known."""
        return min((self.ends, *(each.ends for each in self.companions)))

    def days_left(self, now: datetime) -> int:
        """Whole days until it ends; negative once it has."""
        return (self.ends - now) // _DAY

    def as_json(self, now: datetime) -> dict[str, Any]:
        """Plain values."""
        return {
            "kind": self.kind.value,
            "what": self.what,
            "certificate": self.certificate,
            "ends": moment(self.ends),
            "days_left": self.days_left(now),
            "assumed": moment(self.assumed),
            "remark": self.remark,
            "clause": self.clause,
            "same_to_a_device": [{"certificate": c.certificate, "ends": moment(c.ends)} for c in self.companions],
        }


def last_start(end: datetime, years: int) -> datetime | None:
    """The last second at which a certificate of so many years can begin and end by ``end``; ``None`` before year 1.

    A period is calendar years less one second; one that begins on 29 February counts to 28 February.
    """
    limit = end + _SECOND
    if limit.year - years < 1:
        return None
    try:
        begin = limit.replace(year=limit.year - years)
    except ValueError:
        return limit.replace(year=limit.year - years, day=28, hour=23, minute=59, second=59)
    leap = begin + _DAY
    if (leap.month, leap.day) == (2, 29) and (limit + _DAY).month == 3:
        return leap
    return begin


def of_certificate(record: CertificateRecord, same_key: Sequence[CertificateRecord]) -> Ending:
    """The end of a certificate that is no authority's; ``same_key`` holds all certificates over its key."""
    name = identity(record.issuer, record.serial)
    if record.family is Family.IKI:
        remark = "issue a new credential before that"
        return Ending(EndingKind.CREDENTIAL, record.subject, record.not_after, remark, certificate=name)
    role = f"role {record.role:02X}, " if record.role is not None else ""
    what = f"{record.entity_id or record.subject}, {role}{record.key_usage.title}"
    companions = tuple(
        Companion(identity(each.issuer, each.serial), each.not_after)
        for each in same_key
        if (each.issuer, each.serial) != (record.issuer, record.serial)
        and (each.entity_id, each.key_usage) == (record.entity_id, record.key_usage)
        and each.family is record.family
    )
    ends = sorted({each.ends.year for each in companions} | {record.not_after.year})
    remarks = []
    if record.purpose:
        remarks.append(f"used for {record.purpose}")
    if record.superseded_at is not None:
        remarks.append("superseded")
    if companions:
        years = " or ".join(map(str, ends))
        remarks.append(f"same to a device as {len(companions)} other: {years}, {ends[0]} is assumed")
    clause = L11_4A if companions else PERIOD_CLAUSE
    return Ending(EndingKind.CERTIFICATE, what, record.not_after, "; ".join(remarks), clause.ref, companions, name)


def of_authority(record: CertificateRecord, years: int) -> list[Ending]:
    """The end of an authority's key, and the last moment when a certificate of ``years`` years fits under it."""
    what, name = f"{record.kind} {record.subject}", identity(record.issuer, record.serial)
    ours = record.family is Family.ORGANISATION  # the policies of the other families were not at hand
    clause, period = (KEY_PERIOD.ref, PERIOD_CLAUSE.ref) if ours else ("", "")
    remark = "its key signs nothing after this"
    key = Ending(EndingKind.CA_KEY, what, record.not_after, remark, clause, certificate=name)
    last = last_start(record.not_after, years) if years else None
    if last is None or last < record.not_before:
        return [key]
    remark = f"{years} years from then end with the authority; a second later they do not fit"
    return [key, Ending(EndingKind.LAST_ISSUE, f"{years} years under {what}", last, remark, period, certificate=name)]


def of_approval(approval: Approval, uses: int, now: datetime) -> Ending | None:
    """The end of an approval that can still be used or decided on."""
    state = approval.state_at(now, uses)
    if state not in _LIVE:
        return None
    remark = f"{state.value}, {uses} of {approval.scope.max_certificates} used"
    what = f"{approval.name} version {approval.version} ({approval.kind.value})"
    return Ending(EndingKind.APPROVAL, what, approval.expires, remark, approval.legal_basis)


def of_list(kind: ListKind, served: ListRecord, reissue_at: datetime) -> Ending:
    """The end of the list that is served."""
    remark = f"number {served.number}, the next one is due {moment(reissue_at)}"
    what = f"{kind.long_name} of {served.issuer}"
    return Ending(EndingKind.LIST, what, served.next_update, remark, FREQUENCY_CLAUSE.ref)


def of_pack(name: str, not_after: datetime) -> Ending:
    """The end of the first certificate of a manufacturing pack."""
    remark = "devices can be installed with it afterwards, but are to be updated at once"
    return Ending(EndingKind.PACK, name, not_after, remark, PACK_CLAUSE.ref)


def in_order(endings: Iterable[Ending], begin: datetime | None, end: datetime | None) -> list[Ending]:
    """Those that end within the window, borders included, by time and name."""
    found = (each for each in endings if (begin is None or begin <= each.ends) and (end is None or each.ends <= end))
    return sorted(found, key=lambda each: (each.ends, each.kind, each.what, each.certificate))
