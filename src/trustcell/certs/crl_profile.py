"""The profile of revocation lists: version 2, ecdsa-with-SHA256, cRLNumber and AKI (smki.md 3.7, RFC 5280 5)."""

from collections.abc import Iterator
from datetime import datetime

from trustcell.certs import extensions as ext
from trustcell.certs._clauses import REVOCATION, rfc5280
from trustcell.certs._library import TIME_FORM_WRONG
from trustcell.certs.certificate import ALGORITHM_MISMATCH, Certificate
from trustcell.certs.crl import VALID_REASONS, CertificateList
from trustcell.certs.keys import KeyForm
from trustcell.certs.name import same_name
from trustcell.certs.rules import Field, ProfileRow, findings_of, rows_of
from trustcell.certs.signature import ECDSA_SHA256_OID, NONMINIMAL_DER, SIGNATURE_MALFORMED
from trustcell.vocab import Finding, KeyUsage, Severity

_ALLOWED = frozenset({ext.CRL_NUMBER, ext.AUTHORITY_KEY_IDENTIFIER})


def check_crl(crl: CertificateList, *, issuer: Certificate | None = None, now: datetime | None = None) -> list[Finding]:
    """What keeps the list from its profile; with ``issuer`` its signature, with ``now`` its period is checked too."""
    return findings_of(crl_rows(crl, issuer=issuer, now=now))


def crl_rows(
    crl: CertificateList, *, issuer: Certificate | None = None, now: datetime | None = None
) -> list[ProfileRow]:
    """Every field of the list against its profile: a row a field, or a row for each finding."""
    return rows_of((*_head(crl, issuer), *_times(crl, now), *_entries(crl), *_extensions(crl)))


def _signature(crl: CertificateList, issuer: Certificate | None) -> str:
    if issuer is None:
        return "not looked at"
    if not same_name(crl.issuer, issuer.subject):
        return "of another issuer"
    if issuer.key_form is not KeyForm.P256:
        return "of a key that is not P-256"
    return "right" if crl.verify(issuer.public_key) else "wrong"


def _head(crl: CertificateList, issuer: Certificate | None) -> Iterator[Field]:
    version = Field("version", str(crl.version), rfc5280("5.1.2.1"), "2")
    version.need(crl.version == 2, "crl_version", rfc5280("5.1.2.1"), "2")
    algorithm = Field("signatureAlgorithm", crl.signature_algorithm, REVOCATION, "ecdsa-with-SHA256")
    ecdsa, mismatch = crl.signature_algorithm == ECDSA_SHA256_OID, ALGORITHM_MISMATCH in crl.flags
    algorithm.need(ecdsa, "crl_signature_algorithm", REVOCATION, "ecdsa-with-SHA256")
    expected = "one algorithm inside and outside"
    algorithm.need(not mismatch, "crl_signature_algorithm_mismatch", rfc5280("5.1.1.2"), expected)
    section, made = rfc5280("5.1.1.3"), _signature(crl, issuer)
    signature = Field("signatureValue", made, section, "in DER, made by the issuer's key")
    strict = not crl.flags & {NONMINIMAL_DER, SIGNATURE_MALFORMED}
    signature.need(strict, "crl_signature_encoding", section, "strict DER")
    signature.need(made in ("right", "not looked at"), "crl_signature_wrong", section, "made by the issuer's key")
    name = Field("issuer", str(crl.issuer) or "empty", rfc5280("5.1.2.3"), "a name, with cRLSign")
    name.need(bool(crl.issuer.rdns), "crl_issuer_empty", rfc5280("5.1.2.3"), "a name")
    signs = issuer is None or KeyUsage.CRL_SIGN in issuer.key_usage
    name.need(signs, "crl_issuer_key_usage", rfc5280("4.2.1.3"), "an issuer with cRLSign")
    yield from (version, algorithm, signature, name)


def _times(crl: CertificateList, now: datetime | None) -> Iterator[Field]:
    expected, section, end = "Zulu, UTCTime up to 2049", rfc5280("5.1.2.5"), crl.next_update
    this = Field("thisUpdate", crl.this_update.isoformat(), rfc5280("5.1.2.4"), expected)
    this.need(TIME_FORM_WRONG not in crl.flags, "crl_time_form", rfc5280("5.1.2.4"), expected)
    following = Field("nextUpdate", end.isoformat() if end else "absent", section, "after thisUpdate, not past")
    following.need(end is not None, "crl_next_update_missing", section, "present")
    following.need(end is None or end > crl.this_update, "crl_next_update_early", section, "after thisUpdate")
    current = now is None or (end is not None and crl.this_update <= now <= end)
    following.need(current, "crl_out_of_date", rfc5280("6.3.3"), "a period that holds now")
    yield from (this, following)


def _entries(crl: CertificateList) -> Iterator[Field]:
    section, expected = rfc5280("5.1.2.6"), "no serial twice, reasonCode alone"
    oids = {extension.oid for entry in crl.entries for extension in entry.extensions}
    shown = f"{len(crl.entries)} entries with {', '.join(sorted(map(ext.title, oids))) or 'no extensions'}"
    revoked = Field("revokedCertificates", shown, section, expected)
    unique = len({entry.serial for entry in crl.entries}) == len(crl.entries)
    revoked.need(unique, "crl_serial_repeated", section, "no serial twice")
    revoked.need(oids <= {ext.CRL_REASON}, "crl_entry_extension_not_allowed", REVOCATION, "reasonCode alone")
    reasons = {entry.reason for entry in crl.entries if entry.reason is not None}
    section, expected = rfc5280("5.3.1"), "1 to 6 or 8 to 10, none for unspecified"
    reason = Field("reasonCode", ", ".join(map(str, sorted(reasons))) or "none", section, expected)
    reason.need(reasons <= VALID_REASONS, "crl_reason_not_valid", section, expected)
    yield from (revoked, reason)


def _extensions(crl: CertificateList) -> Iterator[Field]:
    critical = {extension.oid for extension in crl.extensions if extension.critical}
    section, aki = rfc5280("5.2.3"), crl.authority_key_identifier
    number = Field("cRLNumber", str(crl.number), section, "present, not critical")
    number.need(crl.number is not None, "crl_number_missing", section, "present")
    number.need(ext.CRL_NUMBER not in critical, "crl_number_critical", section, "not critical")
    section = rfc5280("5.2.1")
    key = Field("authorityKeyIdentifier", aki.hex() if aki is not None else "absent", section, "present, not critical")
    key.need(aki is not None, "crl_aki_missing", section, "a key identifier")
    key.need(ext.AUTHORITY_KEY_IDENTIFIER not in critical, "crl_aki_critical", section, "not critical")
    oids, expected = {extension.oid for extension in crl.extensions}, "cRLNumber and AKI alone"
    extensions = Field("extensions", ", ".join(map(ext.title, oids)) or "none", REVOCATION, expected)
    extensions.need(ext.DELTA_CRL not in oids, "crl_delta", REVOCATION, "a full list")
    extensions.need(oids <= _ALLOWED, "crl_extension_not_allowed", REVOCATION, expected, Severity.WARNING)
    yield from (number, key, extensions)
