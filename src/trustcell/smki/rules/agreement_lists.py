"""Whether a revocation list that is given out names all that is revoked and nothing else (smki.md 3.7; RFC 5280)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from trustcell import certs
from trustcell.governance.rules.canonical import moment
from trustcell.smki.rules.agreement import Fault
from trustcell.smki.rules.lists import still_listed
from trustcell.smki.rules.records import ListRecord
from trustcell.smki.rules.revocation import identity


@dataclass(frozen=True, slots=True)
class Gone:
    """What the books say is revoked: a certificate, or one that was signed and given up."""

    serial: int
    not_after: datetime
    revoked_at: datetime
    reason: int | None


def list_agreement(
    record: ListRecord, found: certs.CertificateList, gone: Iterable[Gone], previous: datetime | None
) -> Iterator[Fault]:
    """What does not agree about the list an issuer gives out.

    ``found`` is what its octets say; ``previous`` is thisUpdate of the one given out before. What was revoked since
    this one was made is on the next.
    """
    name = f"list {record.number} of {record.issuer}"
    said = (found.number, found.this_update, found.next_update)
    if said != (record.number, record.this_update, record.next_update):
        yield Fault("I4", "list_differs", name, "its number or times are not those of its record", "cRLNumber")
    listed = {each.serial: each for each in found.entries}
    for each in gone:
        entry = listed.pop(each.serial, None)
        certificate = identity(record.issuer, each.serial)
        at = each.revoked_at.replace(microsecond=0)
        if entry is None:
            if at < found.this_update and still_listed(each.not_after, each.revoked_at, previous):
                message = f"{certificate} was revoked at {moment(at)} and is not on it"
                yield Fault("I4", "list_entry_missing", name, message, "revokedCertificates")
        elif (entry.revoked_at, entry.reason or None) != (at, each.reason or None):
            message = f"{certificate} stands there with another time or reason than in the books"
            yield Fault("I4", "list_entry_differs", name, message, "revokedCertificates")
    for serial in listed:
        message = f"{identity(record.issuer, serial)} is on it and nobody revoked it"
        yield Fault("I4", "list_entry_foreign", name, message, "revokedCertificates")
