"""The profile of revocation lists: version 2, ecdsa-with-SHA256, cRLNumber and AKI (smki.md 3.7, RFC 5280 5)."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from trustcell.certs import extensions as ext
from trustcell.certs.certificate import ALGORITHM_MISMATCH, TIME_FORM_WRONG, Certificate
from trustcell.certs.crl import VALID_REASONS, CertificateList
from trustcell.certs.keys import KeyForm
from trustcell.certs.name import same_name
from trustcell.certs.rules import ProfileRow, ProfileRule
from trustcell.certs.signature import ECDSA_SHA256_OID, NONMINIMAL_DER, SIGNATURE_MALFORMED
from trustcell.vocab import Clause, Finding, KeyUsage, Severity

_SMKI = Clause("smki.md 3.7", "Organisation Certificate Policy, as digested in smki.md; the format is assumed there")
_LIST = Clause("RFC 5280 5.1", "RFC 5280")
_EXTENSIONS = Clause("RFC 5280 5.2", "RFC 5280")
_ENTRIES = Clause("RFC 5280 5.3", "RFC 5280")
_ALLOWED = frozenset({ext.CRL_NUMBER, ext.AUTHORITY_KEY_IDENTIFIER})


@dataclass(frozen=True, slots=True)
class _View:
    crl: CertificateList
    issuer: Certificate | None
    now: datetime | None


class _Rule(ProfileRule[_View]):
    __slots__ = ()


def check_crl(crl: CertificateList, *, issuer: Certificate | None = None, now: datetime | None = None) -> list[Finding]:
    """What keeps the list from its profile; with ``issuer`` its signature, with ``now`` its period is checked too."""
    return [row.finding for row in crl_rows(crl, issuer=issuer, now=now) if row.finding is not None]


def crl_rows(
    crl: CertificateList, *, issuer: Certificate | None = None, now: datetime | None = None
) -> list[ProfileRow]:
    """Every field of the list against its profile."""
    view = _View(crl, issuer, now)
    return [rule.row(view) for rule in _RULES]


def _criticality(v: _View, oid: str) -> str:
    extension = v.crl.extension(oid)
    return "absent" if extension is None else "critical" if extension.critical else "not critical"


def _signature(v: _View) -> str:
    if v.issuer is None:
        return "not looked at"
    if not same_name(v.crl.issuer, v.issuer.subject):
        return "of another issuer"
    if v.issuer.key_form is not KeyForm.P256:
        return "of a key that is not P-256"
    return "right" if v.crl.verify(v.issuer.public_key) else "wrong"


def _repeated(v: _View) -> str:
    counts = Counter(entry.serial for entry in v.crl.entries)
    return ", ".join(f"{serial:X}" for serial, count in counts.items() if count > 1)[:200] or "none"


def _reasons(v: _View) -> str:
    bad = {entry.reason for entry in v.crl.entries if entry.reason is not None and entry.reason not in VALID_REASONS}
    return ", ".join(str(reason) for reason in sorted(bad)) or "none"


def _entry_extensions(v: _View) -> str:
    titles = {e.title for entry in v.crl.entries for e in entry.extensions if e.oid != ext.CRL_REASON}
    return ", ".join(sorted(titles)) or "none"


def _others(v: _View) -> str:
    return ", ".join(e.title for e in v.crl.extensions if e.oid not in _ALLOWED) or "none"


def _period(v: _View) -> str:
    if v.now is None:
        return "not looked at"
    end = v.crl.next_update
    return "current" if v.crl.this_update <= v.now and end is not None and v.now <= end else "out of date"


def _aki(v: _View) -> str:
    return v.crl.authority_key_identifier.hex() if v.crl.authority_key_identifier is not None else "absent"


_RULES: tuple[_Rule, ...] = (
    _Rule("crl_version", "version", _SMKI, "2", lambda v: str(v.crl.version), lambda v: v.crl.version == 2),
    _Rule("crl_signature_algorithm", "signatureAlgorithm", _SMKI, "ecdsa-with-SHA256",
          lambda v: v.crl.signature_algorithm, lambda v: v.crl.signature_algorithm == ECDSA_SHA256_OID),
    _Rule("crl_signature_algorithm_mismatch", "signature", _LIST, "one algorithm inside and outside",
          lambda v: "two" if ALGORITHM_MISMATCH in v.crl.flags else "one",
          lambda v: ALGORITHM_MISMATCH not in v.crl.flags),
    _Rule("crl_signature_encoding", "signatureValue", _SMKI, "strict DER",
          lambda v: ", ".join(sorted(v.crl.flags & {NONMINIMAL_DER, SIGNATURE_MALFORMED})) or "strict DER",
          lambda v: not v.crl.flags & {NONMINIMAL_DER, SIGNATURE_MALFORMED}),
    _Rule("crl_signature_wrong", "signatureValue", _LIST, "made by the issuer's key", _signature,
          lambda v: _signature(v) in ("right", "not looked at")),
    _Rule("crl_issuer_key_usage", "issuer", _LIST, "cRLSign",
          lambda v: v.issuer.key_usage.title if v.issuer else "not looked at",
          lambda v: v.issuer is None or KeyUsage.CRL_SIGN in v.issuer.key_usage),
    _Rule("crl_issuer_empty", "issuer", _LIST, "a name", lambda v: str(v.crl.issuer) or "empty",
          lambda v: bool(v.crl.issuer.rdns)),
    _Rule("crl_time_form", "thisUpdate", _LIST, "Zulu, UTCTime up to 2049", lambda v: v.crl.this_update.isoformat(),
          lambda v: TIME_FORM_WRONG not in v.crl.flags),
    _Rule("crl_next_update_missing", "nextUpdate", _LIST, "present",
          lambda v: v.crl.next_update.isoformat() if v.crl.next_update else "absent",
          lambda v: v.crl.next_update is not None),
    _Rule("crl_next_update_early", "nextUpdate", _LIST, "after thisUpdate",
          lambda v: v.crl.next_update.isoformat() if v.crl.next_update else "absent",
          lambda v: v.crl.next_update is None or v.crl.next_update > v.crl.this_update),
    _Rule("crl_out_of_date", "nextUpdate", _SMKI, "current", _period, lambda v: _period(v) != "out of date"),
    _Rule("crl_serial_repeated", "revokedCertificates", _ENTRIES, "no serial twice", _repeated,
          lambda v: _repeated(v) == "none"),
    _Rule("crl_reason_not_valid", "reasonCode", _ENTRIES, "1 to 6 or 8 to 10, none for unspecified", _reasons,
          lambda v: _reasons(v) == "none"),
    _Rule("crl_entry_extension_not_allowed", "revokedCertificates", _SMKI, "reasonCode alone", _entry_extensions,
          lambda v: _entry_extensions(v) == "none"),
    _Rule("crl_number_missing", "cRLNumber", _SMKI, "present", lambda v: str(v.crl.number),
          lambda v: v.crl.number is not None),
    _Rule("crl_number_negative", "cRLNumber", _EXTENSIONS, "0 or more", lambda v: str(v.crl.number),
          lambda v: (v.crl.number or 0) >= 0),
    _Rule("crl_number_critical", "cRLNumber", _EXTENSIONS, "not critical", lambda v: _criticality(v, ext.CRL_NUMBER),
          lambda v: _criticality(v, ext.CRL_NUMBER) != "critical"),
    _Rule("crl_aki_missing", "authorityKeyIdentifier", _SMKI, "a key identifier", _aki, lambda v: _aki(v) != "absent"),
    _Rule("crl_aki_critical", "authorityKeyIdentifier", _EXTENSIONS, "not critical",
          lambda v: _criticality(v, ext.AUTHORITY_KEY_IDENTIFIER),
          lambda v: _criticality(v, ext.AUTHORITY_KEY_IDENTIFIER) != "critical"),
    _Rule("crl_delta", "deltaCRLIndicator", _SMKI, "absent: a full list", lambda v: _criticality(v, ext.DELTA_CRL),
          lambda v: _criticality(v, ext.DELTA_CRL) == "absent"),
    _Rule("crl_extension_not_allowed", "extensions", _SMKI, "cRLNumber and AKI alone", _others,
          lambda v: _others(v) == "none", Severity.WARNING),
)  # fmt: skip
