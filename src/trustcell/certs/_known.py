"""The extensions that SMKI uses, decoded together with what they say about each other (smki.md 2.1)."""

from trustcell.certs import extensions as ext
from trustcell.certs.extensions import BasicConstraints, Extension
from trustcell.vocab import KeyUsage, WireError

AKI_NAMES_ISSUER = "aki_names_issuer"
POLICY_QUALIFIERS = "policy_qualifiers"
KEY_USAGE_NOT_DER = "key_usage_not_der"


def decode_extensions(found: tuple[Extension, ...], flags: set[str]) -> tuple[dict[str, object], bool]:
    """Values by the names that ``Certificate`` gives them, and whether others are left for a second opinion.

    Adds to ``flags``. Raises ``WireError`` with a bare code.
    """
    usage, constraints, alternative, foreign = None, None, None, False
    values: dict[str, object] = {
        "subject_key_identifier": None,
        "authority_key_identifier": None,
        "policies": (),
        "hardware_module_name": None,
    }
    for extension in found:
        oid, value = extension.oid, extension.value
        if oid == ext.KEY_USAGE:
            usage, minimal = ext.read_key_usage(value)
            if not minimal:
                flags.add(KEY_USAGE_NOT_DER)
        elif oid == ext.SUBJECT_KEY_IDENTIFIER:
            values["subject_key_identifier"] = ext.read_subject_key_identifier(value)
        elif oid == ext.CERTIFICATE_POLICIES:
            values["policies"], qualified = ext.read_policies(value)
            if qualified:
                flags.add(POLICY_QUALIFIERS)
        elif oid == ext.AUTHORITY_KEY_IDENTIFIER:
            authority = ext.read_authority_key_identifier(value)
            values["authority_key_identifier"] = authority.key_identifier
            if authority.names_issuer:
                flags.add(AKI_NAMES_ISSUER)
        elif oid == ext.BASIC_CONSTRAINTS:
            constraints = ext.read_basic_constraints(value)
        elif oid == ext.SUBJECT_ALTERNATIVE_NAME:
            alternative = value
        else:
            foreign = True
            if oid == ext.EXTENDED_KEY_USAGE:
                ext.read_extended_key_usages(value)
            elif oid == ext.CRL_DISTRIBUTION_POINTS:
                ext.check_distribution_points(value)
    values["key_usage"] = KeyUsage(0) if usage is None else usage
    values["basic_constraints"] = constraints
    if constraints is not None and constraints.path_length is not None:
        _path_length_allowed(constraints, usage)
    if alternative is not None:
        module = values["hardware_module_name"] = ext.read_hardware_module_name(alternative)
        foreign = foreign or module is None
    return values, foreign


def _path_length_allowed(constraints: BasicConstraints, usage: KeyUsage | None) -> None:
    if not constraints.authority or (usage is not None and KeyUsage.KEY_CERT_SIGN not in usage):
        reason = "a path length needs cA TRUE and keyCertSign (RFC 5280 4.2.1.9)"
        raise WireError(-1, "extensions.basicConstraints", reason, "path_length_without_authority")
