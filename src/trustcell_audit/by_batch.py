"""Device Certificates issued for an item of a batch: what was asked for, what was about to be signed, who issued it."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from typing import Any

from trustcell_audit import der
from trustcell_audit import profiles as p
from trustcell_audit.certificate import Parsed
from trustcell_audit.findings import Report
from trustcell_audit.keys import sha256
from trustcell_audit.lint import hardware_module
from trustcell_audit.match import match_request
from trustcell_audit.opened import Opened, issued_at_entry, told
from trustcell_audit.people import party_at

_ARMOUR = re.compile(rb"-----[A-Z ]+-----")
_SAME = ("version", "signature", "issuer", "validity", "subject")
_VARYING = frozenset({p.SKI, p.ALTERNATIVE_NAME})


def check_by_batch(opened: Opened, report: Report) -> None:
    """Whether it was asked for in the batch, drafted, linted in its shape, and issued by another person."""
    batch, item = opened.part("batch"), opened.part("item")
    name, body, number = batch["name"], batch["body"], item["number"]
    of_item = opened.record["request"] == f"{name}/{number}"
    report.need(of_item, "request_differs", "record", f"it is not about item {number} of {name}", "request")
    csr = _asked(opened, body, item, report)
    told(opened, "batch.submitted", name, body, report)
    _people(opened, name, body, report)
    twin = _twin(opened, report)
    _intent(opened, name, number, sha256(twin), report)
    facts = {
        "batch": name,
        "csr_sha256": sha256(csr),
        "item": number,
        "sha256": sha256(opened.certificate.der),
        "twin_sha256": sha256(twin),
    }
    told(opened, "certificate.issued", opened.identity, facts, report)
    issued_at_entry(opened, "certificate.issued", opened.identity, report)
    uses = sorted(each["key_use"] for each in opened.part("holders") if each["key_use"] >= 0)
    report.need(uses == [0], "key_not_unique", "holders", f"certificates over the key are numbered {uses}", "key_use")


def _asked(opened: Opened, body: dict[str, Any], item: dict[str, Any], report: Report) -> bytes:
    """The CSR of the item in DER; it was in the batch that was signed for, in this place, and asks for this."""
    octets = bytes.fromhex(item["csr"])
    root = _root(octets, item["number"], body["count"], item["path"])
    message = "the path from this CSR in this place does not lead to the root that was signed for"
    report.need(root == body["csrs_root"], "item_not_in_batch", "item", message, "path")
    csr = _der(octets)
    report.add(match_request(opened.certificate, csr, "device", "item"))
    return csr


def _people(opened: Opened, name: str, body: dict[str, Any], report: Report) -> None:
    """An ARO of the party signed for the batch, an ISSUER began to issue it, and they are two human beings."""
    statements, people = opened.statements, opened.people
    asked = statements.all.get(body["statement"])
    if report.need(asked is not None, "statement_missing", "batch", "no statement of who asked", "statement"):
        assert asked is not None
        place = asked.place
        report.need(asked.actor == body["requester"], "requester_differs", place, "by somebody else", "actor")
        report.need(asked.subject == name, "batch_differs", place, "about another batch", "subject")
        for field in ("ad_hoc", "count", "csrs_root", "csrs_sha256", "purpose"):
            same = asked.body.get(field) == body[field]
            report.need(same, "batch_differs", place, "another batch was signed for", field)
        person = people.people.get(asked.actor)
        acts = person is not None and person.holds("aro", asked.at) and body["party"] in person.acts_for
        report.need(acts, "not_authorised", place, f"{asked.actor} was no ARO of {body['party']}", "actor")
        entitled = "device" in party_at(statements, body["party"], asked.at).get("subscribes", ())
        message = f"{body['party']} did not subscribe for Device Certificates"
        report.need(entitled, "subscriber_not_eligible", "batch", message, "party")
    runs = [each for kind in ("batch.started", "batch.resumed") for each in opened.entries if each.raw["kind"] == kind]
    runs = [each for each in runs if each.raw["subject"] == name]
    report.need(bool(runs), "audit_entry_missing", "audit", f"no batch.started about {name}")
    for run in runs:
        said, operator = statements.all.get(run.raw["body"]["statement"]), run.raw["body"]["operator"]
        if not report.need(said is not None, "statement_missing", "batch", "no statement of who issued", "statement"):
            continue
        assert said is not None
        report.need(said.actor == operator, "decider_differs", said.place, "by somebody else", "actor")
        report.need(said.subject == name, "batch_differs", said.place, "about another batch", "subject")
        person = people.people.get(operator)
        may = person is not None and person.holds("issuer", said.at)
        report.need(may, "not_authorised", said.place, f"{operator} was no issuer", "actor")
        for sentence in people.separate([("asked", body["requester"]), ("issued", operator)]):
            report.need(False, "separation_of_duties", "people", sentence)


def _twin(opened: Opened, report: Report) -> bytes:
    """The twin of the shape: the same octets but for serial, device, key and what follows from the key."""
    text = opened.part("twin")
    if not report.need(text is not None, "twin_missing", "twin", "nothing says what was linted"):
        return b""
    octets = bytes.fromhex(text)
    try:
        twin = Parsed.read(octets)
    except ValueError as error:
        report.need(False, "twin_unreadable", "twin", str(error))
        return octets
    for field in _differing(twin, opened.certificate):
        report.need(False, "twin_differs", "twin", "the certificate is of another shape", field)
    own = twin.signature != opened.certificate.signature
    report.need(own, "twin_signed_for_real", "twin", "it has the signature of the certificate")
    return octets


def _differing(twin: Parsed, made: Parsed) -> Iterator[str]:
    for name in _SAME:
        if twin.fields.get(name, (b"",))[0] != made.fields.get(name, (b"",))[0]:
            yield name
    if twin.key_info[: len(p.P256_INFO)] != made.key_info[: len(p.P256_INFO)]:
        yield "subjectPublicKeyInfo"
    if [each.oid for each in twin.extensions] != [each.oid for each in made.extensions]:
        yield "extensions"
        return
    for here, there in zip(twin.extensions, made.extensions, strict=True):
        if here.oid not in _VARYING and here.octets != there.octets:
            yield p.TITLES.get(here.oid, here.oid)
    modules = (hardware_module(twin), hardware_module(made))
    if modules[0] is None or modules[1] is None or modules[0][0] != modules[1][0]:
        yield "subjectAltName"


def _intent(opened: Opened, name: str, number: int, twin: str, report: Report) -> None:
    """The octets that were signed are among those the chunk was to sign, and the log holds the hash of all of them."""
    intent = opened.part("intent")
    if not report.need(intent is not None, "intent_missing", "intent", "nothing says what was to be signed"):
        return
    body, octets = intent["body"], bytes.fromhex(intent["octets"])
    said = [
        each.raw["body"]
        for each in opened.entries
        if (each.raw["kind"], each.raw["subject"]) == ("batch.intended", name)
        and each.raw["body"]["first"] <= number <= each.raw["body"]["last"]
    ]
    if not report.need(bool(said), "audit_entry_missing", "audit", f"no batch.intended about item {number}"):
        return
    same = said[-1]["tbs_sha256"] == sha256(octets)
    report.need(same, "intent_differs", "intent", "the audit log has the hash of other octets", "tbs_sha256")
    report.need(twin in said[-1]["twins"], "twin_differs", "intent", "the log names other twins", "twins")
    place = list(body["numbers"]).index(number) if number in body["numbers"] else -1
    drafts = [octets[start:end] for start, _, end in der.elements(octets)]
    found = drafts[place] if 0 <= place < len(drafts) else b""
    report.need(found == opened.certificate.tbs, "intent_differs", "intent", "other octets were to be signed", "tbs")


def _root(octets: bytes, number: int, count: int, path: list[str]) -> str:
    """The root of the hash tree (RFC 6962 2.1) that the octets stand in at this place, among so many."""
    here, place, width, left = hashlib.sha256(b"\x00" + octets).digest(), number - 1, count, list(path)
    while width > 1:
        if place ^ 1 < width:
            if not left:
                return ""
            beside = bytes.fromhex(left.pop(0))
            pair = beside + here if place % 2 else here + beside
            here = hashlib.sha256(b"\x01" + pair).digest()
        place, width = place // 2, (width + 1) // 2
    return "" if left or not 0 < number <= count else here.hex()


def _der(octets: bytes) -> bytes:
    """A CSR as it was sent, in DER: binary, base64, or PEM."""
    if octets[:1] == b"\x30":
        return octets
    try:
        return base64.b64decode(b"".join(_ARMOUR.sub(b"", octets).split()), validate=True)
    except binascii.Error:
        return octets
