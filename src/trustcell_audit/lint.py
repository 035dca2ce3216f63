"""The linter: every field of a certificate against the octets that its profile gives for it."""

from collections.abc import Iterator, Sequence

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustcell_audit import der
from trustcell_audit import profiles as p
from trustcell_audit.certificate import Extension, Parsed
from trustcell_audit.findings import Problem
from trustcell_audit.profiles import PROFILES, Profile, Rules

_HEX = set("0123456789ABCDEF")

Fault = tuple[str, int, str]
"""Field, octet in the certificate, what is wrong."""


def lint(found: Parsed, kind: str, issuers: Sequence[Parsed], rules: Rules, place: str) -> list[Problem]:
    """What keeps the certificate from the profile of its kind and from the chain to its issuer.

    ``issuers`` are the certificates under the issuer's name; a root finds itself among them.
    """
    profile = PROFILES.get(kind)
    if profile is None:
        return [Problem("lint_kind", place, f"there is no profile for {kind!r}")]
    issuer = _issuer(found, issuers)
    faults = [
        *_head(found, profile),
        *_names(found, profile, kind, issuer),
        *_period(found, profile, kind, issuer, rules),
    ]
    faults += [*_key(found, profile), *_extensions(found, profile, issuer, rules), *_signature(found, profile, issuer)]
    return [
        Problem(f"lint_{name}", place, f"{message} ({p.CLAUSES.get(name, p.CLAUSES['extensions'])})", name, octet)
        for name, octet, message in faults
    ]


def _issuer(found: Parsed, issuers: Sequence[Parsed]) -> Parsed | None:
    """The issuer's certificate whose key the AKI names; any under the name when none does."""
    named = [each for each in issuers if each.subject == found.issuer]
    aki = found.extension(p.AKI)
    for each in named:
        if aki and aki.value[-8:] == each.key_identifier:
            return each
    return named[0] if named else None


def _head(found: Parsed, profile: Profile) -> Iterator[Fault]:
    version, octet = found.fields.get("version", (b"", 4))
    if version != bytes.fromhex("a003020102"):
        yield "version", octet, "v3 was expected"
    serial, octet = found.fields["serialNumber"]
    if len(serial) != 18 or not 0x10 <= serial[2] <= 0x7F:
        yield "serialNumber", octet, "16 octets, the first 10 to 7F, were expected"
    algorithm, octet = found.fields["signature"]
    if algorithm != (p.RSA_SHA256 if profile.rsa else p.ECDSA_SHA256) or found.algorithm != algorithm:
        title = "sha256WithRSAEncryption" if profile.rsa else "ecdsa-with-SHA256 without parameters"
        yield "signature", octet, f"{title} was expected, inside and outside"
    for name in ("uniqueIdentifiers", "unknown"):
        if name in found.fields:
            yield "uniqueIdentifiers", found.fields[name][1], "a field that no profile has"


def _names(found: Parsed, profile: Profile, kind: str, issuer: Parsed | None) -> Iterator[Fault]:
    if issuer is None:
        yield "issuer", found.fields["issuer"][1], "no authority has this name, octet for octet"
    subject, octet = found.fields["subject"]
    if kind == "device":
        expected = der.tlv(der.SEQUENCE)
    elif profile.authority:
        unit = [] if profile.unit is None else [(p.UNIT, der.PRINTABLE, profile.unit.encode())]
        names = found.attributes(p.COMMON_NAME)
        text = names[0] if len(names) == 1 and isinstance(names[0], str) else ""
        expected = der.name(*unit, (p.COMMON_NAME, der.PRINTABLE, text.encode()))
        if not 1 <= len(text) <= 4:
            yield "subject", octet, "a CN of one to four characters was expected"
    else:
        expected = _person(found) if kind == "IKI" else _organisation(found)
    if subject != expected:
        yield "subject", octet, "another form than that of the profile"


def _organisation(found: Parsed) -> bytes:
    """The subject that these values give; no octets when they can give none."""
    units, identifiers = found.attributes(p.UNIT), found.attributes(p.UNIQUE_IDENTIFIER)
    if len(units) != 1 or len(identifiers) != 1:
        return b""
    (unit,), (identifier,) = units, identifiers
    if not isinstance(unit, str) or len(unit) != 2 or not set(unit) <= _HEX:
        return b""
    if not isinstance(identifier, bytes) or len(identifier) != 9 or identifier[0]:
        return b""
    common = [str(each).encode() for each in found.attributes(p.COMMON_NAME)]
    if common and not 1 <= len(common[0]) <= 64:
        return b""
    return der.name(
        *((p.COMMON_NAME, der.UTF8, each) for each in common[:1]),
        (p.UNIT, der.UTF8, unit.encode()),
        (p.UNIQUE_IDENTIFIER, der.BIT_STRING, identifier),
    )


def _person(found: Parsed) -> bytes:
    """The subject of an IKI Certificate that these values give."""
    values = [found.attributes(oid) for oid in (p.ORGANISATION, p.UNIT, p.COMMON_NAME)]
    texts = [each[0] if len(each) == 1 and isinstance(each[0], str) else "" for each in values]
    if not all(1 <= len(text) <= 64 for text in texts) or len(texts[1]) != 2 or not set(texts[1]) <= _HEX:
        return b""
    kinds = (p.ORGANISATION, p.UNIT, p.COMMON_NAME)
    return der.name(*((oid, der.UTF8, text.encode()) for oid, text in zip(kinds, texts, strict=True)))


def _period(found: Parsed, profile: Profile, kind: str, issuer: Parsed | None, rules: Rules) -> Iterator[Fault]:
    octets, octet = found.fields["validity"]
    begin, end = found.not_before, found.not_after
    if octets != der.tlv(der.SEQUENCE, der.time(begin), der.time(end)):
        yield "validity", octet, "another form of time than UTCTime to 2049, GeneralizedTime from 2050"
    if begin > end:
        yield "validity", octet, "it ends before it begins"
    years = rules.years.get(kind, profile.years)
    if kind == "device":
        if not octets.endswith(p.NO_EXPIRY):
            yield "validity", octet, "a Device Certificate ends on 9999-12-31T23:59:59Z"
    elif profile.authority and not p.years_fit(begin, end, years):
        yield "validity", octet, f"{years} years were expected"
    elif issuer is not None and end > issuer.not_after:
        yield "validity", octet, "it ends after the certificate of its issuer"


def _key(found: Parsed, profile: Profile) -> Iterator[Fault]:
    info, octet = found.fields["subjectPublicKeyInfo"]
    key = found.key
    if profile.rsa:
        large = isinstance(key, RSAPublicKey) and key.key_size == 2048 and key.public_numbers().e == 65537
        if key is None or not large or key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != info:
            yield "subjectPublicKeyInfo", octet, "an RSA key of 2048 bits with exponent 65537 was expected"
        return
    point = info.startswith(p.P256_INFO) and len(info) == len(p.P256_INFO) + 65 and info[len(p.P256_INFO)] == 4
    if not point or key is None:
        yield "subjectPublicKeyInfo", octet, "an uncompressed point on P-256 was expected"


def _extensions(found: Parsed, profile: Profile, issuer: Parsed | None, rules: Rules) -> Iterator[Fault]:
    start = found.fields.get("extensions", (b"", -1))[1]
    present = [each.oid for each in found.extensions]
    for oid in profile.extensions:
        if oid not in present:
            yield p.TITLES[oid], start, "it is missing"
    for each in found.extensions:
        title = p.TITLES.get(each.oid, "extensions")
        if each.oid not in profile.extensions + profile.optional:
            yield title, each.octet, f"an extension the profile does not have: {each.oid}"
        elif each.octets not in _expected(found, each, profile, issuer, rules):
            yield title, each.octet, "another value, form or criticality than that of the profile"
    wanted = [oid for oid in profile.extensions + profile.optional if oid in present]
    known = [oid for oid in present if oid in wanted]
    if known != wanted:
        yield "extensions", start, "another order than that of the profile, or one twice"


def _expected(
    found: Parsed, asked: Extension, profile: Profile, issuer: Parsed | None, rules: Rules
) -> tuple[bytes, ...]:
    """The octets an extension may have."""
    match oid := asked.oid:
        case p.KEY_USAGE:
            return tuple(der.extension(oid, True, each) for each in profile.usages)
        case p.BASIC_CONSTRAINTS:
            return (p.basic_constraints(profile.path_length),)
        case p.SKI:
            return (p.subject_key_identifier(found.key_identifier),)
        case p.AKI:
            named = asked.value[-8:] if issuer is None else issuer.key_identifier
            return (p.authority_key_identifier(named),)
        case p.POLICIES:
            return (p.policies(rules.policies[profile.family]),)
        case p.ALTERNATIVE_NAME:
            value = hardware_module(found)
            return () if value is None else (p.hardware_module_name(*value),)
        case _:
            return (der.extension(oid, False, asked.value),)


def hardware_module(found: Parsed) -> tuple[bytes, bytes] | None:
    """hwType (DER) and hwSerialNum of the certificate's only alternative name, if that is one of a device."""
    extension = found.extension(p.ALTERNATIVE_NAME)
    try:
        octets = extension.value if extension else b""
        ((_, body, end),) = der.elements(octets)
        ((_, body, end),) = der.elements(octets, body, end)
        _, (_, body, end) = der.elements(octets, body, end)
        ((_, body, end),) = der.elements(octets, body, end)
        kind, serial = der.elements(octets, body, end)
    except ValueError:
        return None
    entity_id = octets[serial[1] : serial[2]]
    return (octets[kind[0] : kind[2]], entity_id) if len(entity_id) == 8 else None


def _signature(found: Parsed, profile: Profile, issuer: Parsed | None) -> Iterator[Fault]:
    if profile.root and found.subject != found.issuer:
        yield "issuer", found.fields["issuer"][1], "a root is issued by itself"
    if issuer is not None and not found.signed(issuer.key):
        yield "signatureValue", found.signature_octet, "not made by the issuer's key over these octets"
