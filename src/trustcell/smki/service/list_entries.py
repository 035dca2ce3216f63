"""The entries of the next revocation list: taken over from the list served, or put together anew.

What the served list says is taken over as its octets stand, once its signature was verified, when the books show that
nothing but what happened since can differ: then one more revocation costs one more entry. Otherwise the list is built
from the books. Both give the same octets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell.certs import verify_ecdsa_der
from trustcell.certs.crl_fast import EncodedEntries
from trustcell.certs.crl_splice import cut_list, serials_of
from trustcell.governance.rules.canonical import canonical, digest, moment, read_moment
from trustcell.smki.ports import Books
from trustcell.smki.rules.lists import entries, given_up, still_listed
from trustcell.smki.rules.records import ListRecord, Revoked
from trustcell.vocab import WireError

KEPT = "list-entries"
"""Kind of the documents that say, by issuer, what can be taken over from the list stored last."""
FEW = 64
"""New or leaving entries up to which a list is taken over: each is looked for among all the others."""
_EVER = datetime(1950, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class NextEntries:
    """Entries encoded; those to be looked at one by one, and whether they are all; what is kept for the next list."""

    encoded: EncodedEntries
    shown: Sequence[Revoked]
    whole: bool
    kept: Mapping[str, object]


def next_entries(
    books: Books, issuer: str, key: ec.EllipticCurvePublicKey, served: ListRecord | None, number: int, now: datetime
) -> NextEntries:
    """The entries of list ``number`` to be made at this moment; ``key`` has signed the list that is served."""
    previous = served.this_update if served else None
    taken = None if served is None else _taken_over(books, issuer, key, served)
    if taken is None:
        found = entries(books.revocations.gone(issuer), books.requests.abandoned(issuer), previous)
        encoded = EncodedEntries()
    else:
        encoded, found = taken
    settled = sum(each.revoked_at < now for each in found)
    encoded.extend(_told(found[:settled]))
    kept = {
        "abandoned": _abandoned(books, issuer, now, previous),
        "count": len(encoded),
        "gone": books.revocations.gone_before(issuer, now),
        "number": number,
        "octets": len(encoded.octets),
        "previous": moment(previous) if previous else "",
    }
    encoded.extend(_told(found[settled:]))
    return NextEntries(encoded, found, taken is None, kept)


def _taken_over(
    books: Books, issuer: str, key: ec.EllipticCurvePublicKey, served: ListRecord
) -> tuple[EncodedEntries, list[Revoked]] | None:
    """What stands in the list served and stays, and what comes behind it; nothing when it cannot be told for sure.

    Taken over is what was revoked before that list was made. Nothing else than at its making was revoked before it if
    as many certificates were, for a revocation is never taken back; what has ended since then is left out.
    """
    found, began = books.documents.get(KEPT, issuer), served.this_update
    if found is None:  # it is written with each list that is stored, so it is of a later one while that is not served
        return None
    kept: Mapping[str, Any] = found[0]
    same = (kept["number"], kept["gone"], kept["abandoned"]) == (
        served.number, books.revocations.gone_before(issuer, began), _abandoned(books, issuer, began, began),
    )  # fmt: skip
    since = read_moment(str(kept["previous"])) if kept["previous"] else _EVER
    leaving = books.revocations.ended(issuer, since, began)
    late = [intent for intent in books.requests.abandoned(issuer) if intent.at >= began]
    new = entries(books.revocations.gone(issuer, began), late, began) if same and len(leaving) <= FEW else ()
    if not same or len(leaving) > FEW or len(new) > FEW:
        return None
    try:
        tbs, signature, inside = cut_list(served.der)
        if not verify_ecdsa_der(key, signature, tbs):
            return None
        cut = int(kept["octets"])
        if not 0 <= cut <= len(inside) or not _follows(inside[cut:], new):
            return None
        encoded = EncodedEntries.taken_over(inside[:cut], int(kept["count"]))
        for each in leaving:
            encoded.remove(each.serial, each.revoked_at, each.reason)
    except (WireError, ValueError):
        return None
    return encoded, list(new)


def _follows(rest: memoryview, new: Sequence[Revoked]) -> bool:
    """Whether what is not taken over of a list is whole entries, all of them among those put behind it again."""
    serials = serials_of(rest)
    return serials is not None and {int.from_bytes(each, "big") for each in serials} <= {each.serial for each in new}


def _abandoned(books: Books, issuer: str, before: datetime, previous: datetime | None) -> str:
    """A digest of what was given up before a moment and is on the list."""
    lost = sorted(given_up(intent) for intent in books.requests.abandoned(issuer) if intent.at < before)
    listed = [each for each in lost if still_listed(each.not_after, each.revoked_at, previous)]
    return digest(canonical({"lost": [[f"{each.serial:X}", moment(each.revoked_at)] for each in listed]}))


def _told(found: Sequence[Revoked]) -> list[tuple[int, datetime, int | None]]:
    return [(each.serial, each.revoked_at, each.reason) for each in found]
