"""The lint of a list before it is signed: frame and new entries as a twin, what was taken over by comparison."""

from collections.abc import Iterator
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from trustcell.certs import CertificateList, CrlTemplate, assemble, check_crl, same_name
from trustcell.certs.crl_fast import EncodedEntries, crl_tbs_of
from trustcell.certs.crl_splice import entries_of, frame_of, names, serials_of
from trustcell.smki.rules.lists import ENTRIES_CLAUSE
from trustcell.smki.service.hierarchy import CaKey
from trustcell.smki.service.list_entries import NextEntries
from trustcell.vocab import Finding, Severity

_KNOWN_TO_ALL = ec.derive_private_key(1, ec.SECP256R1())
"""The throw-away key of twins: everybody knows it, so that what it signs is worth nothing."""
_MOST_SHOWN = 1000
"""Entries of a list built anew that are decoded one by one; all of a longer one are matched against their form."""
_REPEATED = "crl_serial_repeated"


def lint(template: CrlTemplate, tbs: bytes, made: NextEntries, authority: CaKey, now: datetime) -> list[Finding]:
    """What is wrong with a list that is about to be signed."""
    shown = [(each.serial, each.revoked_at, each.reason) for each in made.shown[:_MOST_SHOWN]]
    part = crl_tbs_of(template, EncodedEntries(shown))
    twin = CertificateList.from_der(assemble(part, _KNOWN_TO_ALL.sign(part, ec.ECDSA(hashes.SHA256()))))
    found = [each for each in check_crl(twin, now=now) if each.severity is Severity.ERROR]
    if not same_name(twin.issuer, authority.certificate.subject):
        found.append(wrong("crl_issuer_wrong", "issuer", "it is not the name of the authority"))
    if twin.authority_key_identifier != authority.certificate.subject_key_identifier:
        found.append(wrong("crl_aki_wrong", "authorityKeyIdentifier", "it is not the key of the authority"))
    if frame_of(part) != frame_of(tbs):
        found.append(wrong("twin_differs", "tbsCertList", "it differs from its twin around the entries"))
    inside = bytes(entries_of(tbs))
    known = {each.code for each in found}
    others = _all_of(inside) if made.whole else _added(inside, bytes(entries_of(part)), twin)
    return found + [each for each in others if each.code not in known]


def wrong(code: str, field: str, message: str) -> Finding:
    """A finding about a list that nobody but the authority itself can have caused."""
    return ENTRIES_CLAUSE.breach(code, field, message, "this is a fault of the authority: stop and look")


def _all_of(inside: bytes) -> Iterator[Finding]:
    serials = serials_of(inside)
    if serials is None:
        yield wrong("crl_entry_form", "revokedCertificates", "not all of it is entries of the profile")
    elif len(set(serials)) != len(serials):
        yield wrong(_REPEATED, "revokedCertificates", "a serial is there twice")


def _added(inside: bytes, new: bytes, twin: CertificateList) -> Iterator[Finding]:
    """What comes behind the entries taken over is what the twin has, and none of it was there before."""
    cut = len(inside) - len(new)
    if cut < 0 or inside[cut:] != new:
        yield wrong("twin_differs", "revokedCertificates", "what is new differs from the twin")
    before = inside[: max(cut, 0)]
    if any(names(before, each.serial) for each in twin.entries):
        yield wrong(_REPEATED, "revokedCertificates", "a serial is there twice")
