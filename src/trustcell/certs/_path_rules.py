"""What each certificate and list on a path must say; every check cites RFC 5280 (smki.md 2.1)."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell.certs import extensions as ext
from trustcell.certs.certificate import Certificate
from trustcell.certs.crl import CertificateList
from trustcell.certs.keys import KeyForm
from trustcell.certs.name import Name, same_name
from trustcell.certs.signature import NONMINIMAL_DER
from trustcell.vocab import Clause, Finding, KeyUsage

_SOURCE = "RFC 5280"
_BASIC = Clause("RFC 5280 4.1", source=_SOURCE)
_EXTENSIONS = Clause("RFC 5280 4.2", source=_SOURCE)
_TIME = Clause("RFC 5280 6.1.3(a)(2)", source=_SOURCE)
_AUTHORITY = Clause("RFC 5280 6.1.4", source=_SOURCE)
_LEAF = Clause("RFC 5280 6.1.5", source=_SOURCE)
_CRL = Clause("RFC 5280 6.3.3", source=_SOURCE)

_TOLERATED = frozenset({NONMINIMAL_DER, ext.POLICY_QUALIFIERS})
_NOT_PROCESSED = frozenset({ext.NAME_CONSTRAINTS, ext.POLICY_MAPPINGS, ext.POLICY_CONSTRAINTS, ext.INHIBIT_ANY_POLICY})
_NEVER_CRITICAL = (ext.SUBJECT_KEY_IDENTIFIER, ext.AUTHORITY_KEY_IDENTIFIER)


def leaf_findings(
    leaf: Certificate, as_authority: bool, extended_key_usages: frozenset[str], now: datetime | None
) -> list[Finding]:
    """What is wrong with the certificate at the end of a path."""
    found = list(_common(leaf, now))
    if as_authority:
        found += _authority(leaf)
    elif leaf.is_authority:
        found.append(_LEAF.breach("path_leaf_is_authority", "basicConstraints", "an end entity is no CA"))
    elif KeyUsage.KEY_CERT_SIGN in leaf.key_usage:
        found.append(_LEAF.breach("path_leaf_key_usage", "keyUsage", "keyCertSign without cA TRUE"))
    alternative = leaf.extension(ext.SUBJECT_ALTERNATIVE_NAME)
    if leaf.subject.is_empty and (alternative is None or not alternative.critical):
        found.append(_LEAF.breach("path_leaf_nameless", "subject", "an empty subject needs a critical subjectAltName"))
    purposes = leaf.extended_key_usages
    if purposes is not None and not extended_key_usages & set(purposes):
        found.append(_LEAF.breach("path_leaf_extended_key_usage", "extKeyUsage", "none of its purposes is asked for"))
    return found


def authority_findings(issuer: Certificate, below: int, now: datetime | None) -> list[Finding]:
    """What is wrong with an intermediate that has ``below`` intermediates (self-issued ones aside) under it."""
    return [*_common(issuer, now), *_authority(issuer), *_length(issuer, below)]


def anchor_findings(root: Certificate, below: int, now: datetime | None) -> list[Finding]:
    """What is wrong with a trust anchor that is known by a certificate."""
    found = [*_common(root, now), *_authority(root), *_length(root, below)]
    aki, ski = root.authority_key_identifier, root.subject_key_identifier
    if same_name(root.subject, root.issuer) and aki is not None and aki != ski:
        found.append(_EXTENSIONS.breach("path_root_aki", "authorityKeyIdentifier", "a root's AKI is its own SKI"))
    return found


def crl_findings(
    child: Certificate,
    issuer: Name,
    key: ec.EllipticCurvePublicKey,
    issuer_certificate: Certificate | None,
    crls: Sequence[CertificateList],
    now: datetime | None,
) -> list[Finding]:
    """What the lists of this issuer say about ``child``; a list of the issuer that cannot be used is a finding too."""
    found: list[Finding] = []
    for crl in crls:
        if not same_name(crl.issuer, issuer):
            continue
        if not crl.verify(key):
            found.append(_CRL.breach("crl_signature_wrong", "crl", f"the list of {issuer} is not signed by its key"))
            continue
        found += _usable(crl, issuer_certificate, now)
        entry = crl.entry(child.serial)
        if entry is not None:
            text = f"serial {child.serial:X} was revoked at {entry.revoked_at.isoformat()}"
            found.append(_CRL.breach("path_certificate_revoked", "serial", text))
    return found


def _usable(crl: CertificateList, issuer: Certificate | None, now: datetime | None) -> Iterator[Finding]:
    if issuer is not None and issuer.extension(ext.KEY_USAGE) and KeyUsage.CRL_SIGN not in issuer.key_usage:
        yield _CRL.breach("crl_issuer_key_usage", "keyUsage", "the issuer may not sign lists: cRLSign is missing")
    number = crl.extension(ext.CRL_NUMBER)
    if number is None or number.critical:
        yield _CRL.breach("crl_number", "cRLNumber", "a list has a non-critical cRLNumber")
    identifier, ski = crl.authority_key_identifier, issuer.subject_key_identifier if issuer else None
    if identifier is None or (ski is not None and identifier != ski):
        yield _CRL.breach("crl_aki", "authorityKeyIdentifier", "a list names the key that signed it")
    for extension in crl.extensions:
        if extension.critical and extension.oid != ext.CRL_NUMBER:
            yield _CRL.breach("crl_extension_critical", extension.title, "it is critical and not processed")
    if crl.flags - {NONMINIMAL_DER}:
        yield _CRL.breach("crl_encoding", "crl", ", ".join(sorted(crl.flags)))
    if now is not None and (now < crl.this_update or crl.next_update is None or now > crl.next_update):
        yield _CRL.breach("crl_out_of_date", "nextUpdate", f"the list of {crl.issuer} does not cover {now.isoformat()}")


def _common(certificate: Certificate, now: datetime | None) -> Iterator[Finding]:
    if now is not None and not certificate.not_before <= now <= certificate.not_after:
        period = f"{certificate.not_before.isoformat()} to {certificate.not_after.isoformat()}"
        early = now < certificate.not_before
        code = "path_not_yet_valid" if early else "path_expired"
        yield _TIME.breach(code, "validity", f"{certificate.subject or 'the leaf'} is valid {period}")
    if certificate.version != 3:
        yield _BASIC.breach("path_version", "version", "version 3 was expected")
    if certificate.serial.bit_length() > 159:
        yield _BASIC.breach("path_serial", "serial", "a serial has at most 20 octets")
    if certificate.key_form is not KeyForm.P256:
        yield _BASIC.breach("path_key_not_p256", "publicKeyInfo", f"a P-256 key was expected: {certificate.key_form}")
    if not certificate.flags <= _TOLERATED:
        names = ", ".join(sorted(certificate.flags - _TOLERATED))
        yield _BASIC.breach("path_encoding", "certificate", f"its encoding is not allowed: {names}")
    if certificate.issuer.is_empty:
        yield _BASIC.breach("path_issuer_empty", "issuer", "an issuer has a name")
    for extension in certificate.extensions:
        oid = extension.oid
        if oid in _NOT_PROCESSED:
            yield _EXTENSIONS.breach("path_extension_not_processed", extension.title, "constraints are not processed")
        elif extension.critical and oid not in ext.SMKI_EXTENSIONS:
            yield _EXTENSIONS.breach("path_critical_extension_unknown", extension.title, "it is critical and unknown")
        elif extension.critical and oid in _NEVER_CRITICAL:
            yield _EXTENSIONS.breach("path_extension_critical", extension.title, "it must not be critical")
    if certificate.authority_key_identifier is None and not (
        certificate.is_authority and same_name(certificate.subject, certificate.issuer)
    ):
        yield _EXTENSIONS.breach("path_aki_missing", "authorityKeyIdentifier", "only a root may leave it out")
    elif certificate.authority_key_identifier is None and certificate.extension(ext.AUTHORITY_KEY_IDENTIFIER):
        yield _EXTENSIONS.breach("path_aki_malformed", "authorityKeyIdentifier", "it has no key identifier")


def _authority(issuer: Certificate) -> Iterator[Finding]:
    constraints = issuer.extension(ext.BASIC_CONSTRAINTS)
    if constraints is None or not issuer.is_authority:
        yield _AUTHORITY.breach("path_issuer_not_authority", "basicConstraints", f"{issuer.subject} is no CA")
    elif not constraints.critical:
        yield _AUTHORITY.breach("path_basic_constraints_not_critical", "basicConstraints", "it must be critical")
    if issuer.extension(ext.KEY_USAGE) and KeyUsage.KEY_CERT_SIGN not in issuer.key_usage:
        yield _AUTHORITY.breach("path_issuer_key_usage", "keyUsage", f"{issuer.subject} may not sign certificates")
    if issuer.extension(ext.EXTENDED_KEY_USAGE):
        yield _AUTHORITY.breach("path_authority_extended_key_usage", "extKeyUsage", "an authority of SMKI has none")
    if issuer.subject.is_empty:
        yield _AUTHORITY.breach("path_authority_without_name", "subject", "an authority has a name")
    if issuer.subject_key_identifier is None:
        yield _AUTHORITY.breach("path_ski_missing", "subjectKeyIdentifier", f"{issuer.subject} has none")


def _length(issuer: Certificate, below: int) -> Iterator[Finding]:
    constraints = issuer.basic_constraints
    if constraints is not None and constraints.path_length is not None and below > constraints.path_length:
        yield _AUTHORITY.breach(
            "path_length_exceeded", "basicConstraints", f"{issuer.subject} allows {constraints.path_length} below it"
        )
