"""Certificates of the repository, and the requests and decisions behind those of an authority that is served."""

import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from trustcell import certs
from trustcell.app.accounts import ConsoleRole
from trustcell.app.certificate_facts import role_title
from trustcell.app.repository_facts import facts, same_to_a_device
from trustcell.smki.rules.ask import Ask
from trustcell.smki.rules.records import CertificateRecord, Family, Query, RequestState, Status
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole
from trustcell.web.console.authority import home_of, moment_field, whole
from trustcell.web.console.devices import PAGE_ROWS
from trustcell.web.console.visit import Page, Section, Visit, download

_ROLES = {role.title: role for role in RemotePartyRole}
_USAGES = {
    KeyUsage.DIGITAL_SIGNATURE.title: KeyUsage.DIGITAL_SIGNATURE,
    KeyUsage.KEY_AGREEMENT.title: KeyUsage.KEY_AGREEMENT,
}
_STATUSES = {
    "pending": Status.PENDING,
    "in use": Status.IN_USE,
    "not in use": Status.NOT_IN_USE,
    "expired": Status.EXPIRED,
    "revoked": Status.REVOKED,
}
_HOLDERS = 50
_FIELDS = ("entity", "role", "usage", "status", "ski", "pack", "ends")
REQUESTERS = frozenset({ConsoleRole.REQUESTER})
ISSUERS = frozenset({ConsoleRole.ISSUER})
AUDITORS = frozenset({ConsoleRole.AUDITOR, ConsoleRole.OPERATOR, ConsoleRole.ISSUER})


async def certificates(visit: Visit) -> Response:
    """Search: every field narrows."""
    chosen = {name: visit.asked(name) for name in _FIELDS}
    door = visit.door.repository
    now = door.clock()
    query = _query(chosen, now)
    search = door.repository.search
    found = await visit.ask(
        lambda: door.repository.search_pack(chosen["pack"], query, now) if chosen["pack"] else search(query, now)
    )
    shown = [facts(each, now) for each in found.records[:PAGE_ROWS]]
    return visit.page(
        "certificates", found=shown, more=len(found.records) > PAGE_ROWS, altered=found.altered, chosen=chosen,
        roles=list(_ROLES), usages=list(_USAGES), statuses=list(_STATUSES), waiting=await visit.ask(_requests, visit),
        now=visit.door.authority_now(),
    )  # fmt: skip


def _query(chosen: dict[str, str], now: datetime) -> Query:
    ends = int(chosen["ends"]) if chosen["ends"] else None
    query = Query(limit=PAGE_ROWS + 1)
    if not any(chosen.values()):
        return replace(query, family=Family.ORGANISATION)
    return replace(
        query,
        entity_id=Eui64.parse(chosen["entity"]) if chosen["entity"] else None,
        role=_one_of(_ROLES, chosen["role"], "role"),
        key_usage=_one_of(_USAGES, chosen["usage"], "use"),
        status=_one_of(_STATUSES, chosen["status"], "status"),
        ski=bytes.fromhex(chosen["ski"].replace(":", "")) if chosen["ski"] else None,
        expires_from=None if ends is None else now,
        expires_to=None if ends is None else now + timedelta(days=ends),
    )


def _one_of(known: dict[str, Any], text: str, name: str) -> Any:
    if not text:
        return None
    if text not in known:
        raise ValueError(f"{name}: one of {', '.join(known)}")
    return known[text]


def _requests(visit: Visit) -> list[dict[str, Any]]:
    """Requests that wait for an issuer."""
    if visit.door.authority is None:
        return []
    with visit.door.authority.store.reading() as books:
        return [
            {
                "name": each.name, "party": each.party, "role": role_title(each.role), "requester": each.requester,
                "usage": each.key_usage.title, "at": f"{each.at:%Y-%m-%d %H:%M}",
            }
            for each in books.requests.search(RequestState.APPROVED)
        ]  # fmt: skip


async def certificate(visit: Visit) -> Response:
    """Its fields against the profile, its chain, why it was issued, what shares its key, where it sits."""
    record = await _needed(visit)
    return visit.page("certificate", **await visit.ask(_all_of, visit, record))


async def _needed(visit: Visit) -> CertificateRecord:
    door = visit.door.repository
    try:
        serial = int(visit.path("serial"), 16)
    except ValueError:
        raise LookupError("a serial in hex was expected") from None
    found = await visit.ask(door.repository.retrieve, visit.path("issuer"), serial, door.clock())
    if found is None:
        raise LookupError(f"the repository holds no certificate {visit.path('issuer')}/{visit.path('serial')}")
    return found


def _all_of(visit: Visit, record: CertificateRecord) -> dict[str, Any]:
    door = visit.door.repository
    now = door.clock()
    read = certs.Certificate.from_der(record.der)
    rows = certs.profile_rows(read)
    companions = door.repository.companions(record, now).records
    explained = None
    if visit.door.authority is not None and record.request:
        explained = visit.door.authority.authority.explain(record.request, record.issued_at).as_json()
    holders: list[str] = []
    if visit.door.dsp is not None and record.entity_id is not None:
        holders = [str(each) for each in visit.door.dsp.views.holders(record.ski, _HOLDERS)]
    return {
        "record": facts(record, now),
        "approvals": record.approvals,
        "sha256": hashlib.sha256(record.der).hexdigest(),
        "rows": [(row.field, row.value, row.expected, row.clause, row.finding is None) for row in rows],
        "chain": _chain(visit, record),
        "companions": [(facts(each, now), same_to_a_device(each, record)) for each in companions],
        "explained": explained,
        "holders": holders,
        "holders_cut": len(holders) == _HOLDERS,
    }


def _chain(visit: Visit, record: CertificateRecord) -> list[dict[str, Any]]:
    """From the certificate up, as far as the repository has the authorities."""
    repository, now = visit.door.repository.repository, visit.door.repository.clock()
    found = [
        {
            "name": f"{record.issuer}/{record.serial:X}",
            "subject": record.subject,
            "ends": f"{record.not_after:%Y-%m-%d}",
        }
    ]
    at = record
    for _ in range(4):
        key = certs.Certificate.from_der(at.der).authority_key_identifier
        above = (
            []
            if key is None
            else [
                e
                for e in repository.search(Query(ski=key), now).records
                if e.family is not Family.DEVICE or e.kind != record.kind
            ]
        )
        if not above or (above[0].issuer, above[0].serial) == (at.issuer, at.serial):
            break
        at = above[0]
        found.append({"name": f"{at.issuer}/{at.serial:X}", "subject": at.subject, "ends": f"{at.not_after:%Y-%m-%d}"})
    return found


async def file(visit: Visit) -> Response:
    """The certificate as PEM."""
    record = await _needed(visit)
    name = f"{record.issuer}-{record.serial:X}.pem"
    return download(ssl.DER_cert_to_PEM_cert(record.der).encode(), name, "application/x-pem-file")


async def bundle(visit: Visit) -> Response:
    """The evidence of one certificate, which the audit program checks offline."""
    from trustcell.app.audit_home import bundle_of

    record = await _needed(visit)
    home = home_of(visit)
    octets = await visit.ask(bundle_of, home, record.issuer, record.serial, visit.door.authority_now())
    return download(octets, f"{record.issuer}-{record.serial:X}-evidence.jsonl", "application/jsonl")


async def request(visit: Visit) -> Response:
    """One request: each check with facts and clause, and what was decided."""
    home, name = home_of(visit), visit.path("name")
    told = await visit.ask(home.authority.explain, name, visit.door.authority_now())

    def state() -> str:
        with home.store.reading() as books:
            found = books.requests.get(told.request)
            return "not submitted" if found is None else found.state.value

    return visit.page("csr", told=told.as_json(), state=await visit.ask(state), now=visit.door.authority_now())


async def submit(visit: Visit) -> Response:
    """A CSR, signed for by an ARO."""
    home, form = home_of(visit), visit.form
    csr = visit.uploads.get("csr") or form.get("csr_text", "").encode()
    ask = read_ask(visit)
    person = home.credential(visit.person, form.get("pin", ""))
    made = await visit.ask(
        home.authority.submit, csr, ask, person, visit.door.authority_now(), confirm_clock=_clock_is_right(form)
    )
    return visit.go(f"/console/certificates/requests/{made.name}", "It waits for an issuer, who is somebody else.")


def read_ask(visit: Visit) -> Ask:
    """What is asked for besides a CSR."""
    form = visit.form
    approvals = tuple(form.get("approvals", "").replace(",", " ").split())
    return Ask(whole(form, "years"), None, moment_field(form, "not_after"), approvals, form.get("purpose", "").strip())


def _clock_is_right(form: Mapping[str, str]) -> bool:
    """Somebody has looked at it, which a clock far ahead of the last decision needs."""
    return form.get("clock") == "right"


async def issue(visit: Visit) -> Response:
    """Issue what was requested."""
    home = home_of(visit)
    person = home.credential(visit.person, visit.form.get("pin", ""))
    now, is_right = visit.door.authority_now(), _clock_is_right(visit.form)
    made = await visit.ask(home.authority.issue, visit.path("name"), person, now, confirm_clock=is_right)
    return visit.go(f"/console/certificates/{made.issuer}/{made.serial:X}", "It is issued and in the repository.")


SECTIONS = (Section("Certificates", "/console/certificates", "trust"),)
PAGES = (
    Page("/console/certificates", certificates),
    Page("/console/certificates/{issuer}/{serial}/certificate.pem", file),
    Page("/console/certificates/{issuer}/{serial}", certificate),
)
AUTHORITY_PAGES = (
    Page("/console/certificates/requests/{name}", request),
    Page("/console/certificates/requests/{name}/issue", issue, ISSUERS, "POST"),
    Page("/console/certificates/requests", submit, REQUESTERS, "POST"),
    Page("/console/certificates/{issuer}/{serial}/evidence", bundle, AUDITORS),
)
