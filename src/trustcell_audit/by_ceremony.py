"""Certificates without a request to the OCA or DCA: those of authorities, made at a ceremony, and those of people."""

from trustcell_audit.findings import Report
from trustcell_audit.keys import sha256
from trustcell_audit.match import match_request
from trustcell_audit.opened import Opened, issued_at_entry, own_twin, told

_CUSTODIANS = 2
_FAMILIES = ("organisation", "device", "iki")
_CEREMONY = "ceremony"
"""Who issued the credential of the first registrar, before there was anybody."""


def check_by_ceremony(opened: Opened, report: Report) -> None:
    """Its key and that of its issuer were made in front of custodians, who certified these octets and no others."""
    certificate, record, label = opened.certificate, opened.record, opened.part("label")
    twin = own_twin(opened.part("twin"), certificate, report)
    digests = {"tbs": sha256(certificate.tbs), "twin": sha256(twin), "serial": f"{certificate.serial:X}"}
    told(opened, "ceremony.twin", label, digests, report)
    facts = {
        "certificate": sha256(certificate.der),
        "issuer": record["issuer"],
        "key": sha256(certificate.key_info),
        "serial": f"{certificate.serial:X}",
        "subject": record["subject"],
        "tbs": sha256(certificate.tbs),
    }
    made = told(opened, "ceremony.certificate", label, facts, report)
    issued_at_entry(opened, "ceremony.certificate", label, report)
    told(opened, "ceremony.key", label, {"key": record["key"]}, report)
    if made is None:
        return
    enough = len(set(made["custodians"])) >= _CUSTODIANS
    message = f"{_CUSTODIANS} Key Custodians were expected, not {', '.join(made['custodians'])}"
    report.need(enough, "ceremony_custodians", "audit", message, "custodians")
    if opened.path:
        key = sha256(opened.path[0].certificate.key_info)
        told(opened, "ceremony.key", made["signed_by"], {"key": key}, report)
    _environment(opened, report)
    report.facts["custodians"] = ", ".join(made["custodians"])


def check_for_person(opened: Opened, report: Report) -> None:
    """Its request proves its key, what was linted was signed, and a registrar says whose credential it is."""
    certificate, record = opened.certificate, opened.record
    csr = bytes.fromhex(opened.part("csr"))
    report.add(match_request(certificate, csr, "IKI", "csr"))
    request = sha256(csr)
    report.need(record["request"] == request, "request_differs", "record", "of another request", "request")
    twin = own_twin(opened.part("twin"), certificate, report)
    serial = f"{certificate.serial:X}"
    told(opened, "iki.prepared", request, {"serial": serial, "twin": sha256(twin)}, report)
    facts = {
        "certificate": sha256(certificate.der),
        "issuer": record["issuer"],
        "key": record["key"],
        "serial": serial,
        "subject": record["subject"],
    }
    issued = told(opened, "iki.issued", request, facts, report)
    issued_at_entry(opened, "iki.issued", request, report)
    if issued is not None:
        _holder(opened, issued["by"], report)


def _holder(opened: Opened, by: str, report: Report) -> None:
    """Who issued it was a registrar then; who holds it was made known with these octets, or nobody was yet."""
    digest = sha256(opened.certificate.der)
    naming = [each for each in opened.statements.in_order() if each.body.get("certificate") == digest]
    holders = sorted({each.subject for each in naming})
    report.facts["holder"] = ", ".join(holders) or "nobody yet"
    if not naming:
        report.relied.append("nobody having used it: no statement makes it the credential of a person")
    if by == _CEREMONY:
        founded = any(each.kind == "register.founded" for each in naming) or not naming
        message = "the ceremony issues to the first registrar alone"
        report.need(founded, "issued_by_nobody", "audit", message, "by")
        return
    registrar = opened.people.people.get(by)
    known = registrar is not None and "registrar" in registrar.spans
    report.need(known or not naming, "not_authorised", "audit", f"{by} was no registrar", "by")


def _environment(opened: Opened, report: Report) -> None:
    """The rules of the bundle are those the ceremony began with."""
    began = opened.entry("ceremony.began", opened.bundle.manifest["environment"])
    if not report.need(began is not None, "audit_entry_missing", "audit", "no ceremony.began"):
        return
    assert began is not None
    values = began.raw["body"]["environment"]
    for family in _FAMILIES:
        policy = opened.rules.policies.get(family)
        same = policy == values[f"{family}_policy"]
        report.need(same, "rules_differ", "rules", f"the ceremony began with {values[f'{family}_policy']}", family)
