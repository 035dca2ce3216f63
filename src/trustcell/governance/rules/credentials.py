"""Whose signature stands under a statement, checked with nothing but the ICA certificate at hand."""

from collections.abc import Iterator
from datetime import datetime

from trustcell.certs import Certificate, issued_by_ica, verify_rsa
from trustcell.governance.rules.canonical import moment
from trustcell.governance.rules.clauses import CREDENTIALS
from trustcell.governance.rules.statements import SignedStatement
from trustcell.vocab import Finding, KeyUsage, WireError


def verify_statement(signed: SignedStatement, ica_certificate: bytes) -> list[Finding]:
    """What is wrong with the signature of a statement, its certificate, or the ICA (DER) that should have issued it.

    Empty when the certificate beside the statement held at its moment, is of that ICA, and verifies the signature.
    Whether the certificate belongs to the actor is for the register to say, which names it by its digest.
    """
    at = signed.statement.at
    found = credential_findings(signed.certificate, ica_certificate, at)
    return found or signature_findings(signed)


def credential_findings(certificate: bytes, ica_certificate: bytes, at: datetime) -> list[Finding]:
    """What keeps this IKI certificate (DER) from signing at this moment; revocation is not looked at."""
    try:
        held, ica = Certificate.from_der(certificate), Certificate.from_der(ica_certificate)
    except WireError as error:
        return [CREDENTIALS.breach("credential_malformed", "certificate", str(error), "an IKI certificate in DER")]
    return list(_credential(held, ica, at))


def _credential(held: Certificate, ica: Certificate, at: datetime) -> Iterator[Finding]:
    if not issued_by_ica(held, ica) or held.is_authority:
        message = f"{held.issuer} is named as its issuer; the ICA of this environment did not issue it"
        yield CREDENTIALS.breach("credential_of_other_ica", "certificate", message, "an IKI certificate of this ICA")
    if held.key_usage != KeyUsage.DIGITAL_SIGNATURE:
        message = f"its key usage is {held.key_usage.title}"
        yield CREDENTIALS.breach("credential_key_usage", "certificate", message, "digitalSignature")
    for whose, each in (("it", held), ("its ICA", ica)):
        if not each.covers(at):
            message = f"{whose} holds from {moment(each.not_before)} to {moment(each.not_after)}"
            yield CREDENTIALS.breach("credential_period", "certificate", message, "a credential that is in date")


def signature_findings(signed: SignedStatement) -> list[Finding]:
    """Whether the certificate beside the statement verifies its signature."""
    try:
        key = Certificate.from_der(signed.certificate).spki
    except WireError as error:
        return [CREDENTIALS.breach("credential_malformed", "certificate", str(error), "an IKI certificate in DER")]
    if verify_rsa(key, signed.signature, signed.statement.octets):
        return []
    message = "it was not made over these octets with the key of the certificate"
    return [CREDENTIALS.breach("statement_signature_wrong", "signature", message, "sign with the person's credential")]
