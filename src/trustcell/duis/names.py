"""Names that DUIS fixes: XML namespaces and the clauses that findings of this room cite."""

from trustcell.vocab import Clause, Finding

SR = "http://www.dccinterface.co.uk/ServiceUserGateway"
DS = "http://www.w3.org/2000/09/xmldsig#"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

SIGNATURE_TAG = f"{{{DS}}}Signature"

DUIS_SCHEMA = Clause("DUIS schema 5.4", source="SEC Appendix AD, DUIS XML schema")
DUIS_SIGNATURE = Clause("DUIS XML signature", source="SEC Appendix AD; W3C XML Signature, the profile of DUIS clients")
COMMAND_VARIANTS = Clause("DUIS CommandVariant", source="SEC Appendix AD, comments of ServiceReferenceVariant")

_REMEDY = {
    "signature_missing": "sign the message",
    "signature_misplaced": "make the signature the last child of the root, once",
    "signature_malformed": "write the signature as the DUIS profile has it",
    "signature_invalid": "sign the message as it is sent, with the key the certificate names",
    "algorithm_forbidden": "use ecdsa-sha256 on P-256 and SHA-256",
    "canonicalization_forbidden": "use exclusive C14N without comments",
    "reference_not_whole_document": 'use one reference with URI=""',
    "transform_forbidden": "use the enveloped-signature transform alone",
}
"""What would make a refused signature pass."""


def signature_finding(code: str, field: str, message: str, defect: str = "profile") -> Finding:
    """What is wrong with an XML signature, and what would make it pass."""
    return DUIS_SIGNATURE.breach(code, field, message, _REMEDY[code], defect=defect)


def sr(name: str) -> str:
    """The lxml tag of an element in the service user gateway namespace."""
    return f"{{{SR}}}{name}"
