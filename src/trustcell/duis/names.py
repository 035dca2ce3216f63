"""Names that DUIS fixes: XML namespaces and the clauses that findings of this room cite."""

from trustcell.vocab import Clause

SR = "http://www.dccinterface.co.uk/ServiceUserGateway"
DS = "http://www.w3.org/2000/09/xmldsig#"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

SIGNATURE_TAG = f"{{{DS}}}Signature"

DUIS_SCHEMA = Clause("DUIS schema 5.4", source="SEC Appendix AD, DUIS XML schema")
DUIS_SIGNATURE = Clause("DUIS XML signature", source="SEC Appendix AD; W3C XML Signature, the profile of DUIS clients")
COMMAND_VARIANTS = Clause("DUIS CommandVariant", source="SEC Appendix AD, comments of ServiceReferenceVariant")


def sr(name: str) -> str:
    """The lxml tag of an element in the service user gateway namespace."""
    return f"{{{SR}}}{name}"
