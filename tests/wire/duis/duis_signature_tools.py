"""Tools of the signature tests: change a signed request, sign it again, name the refusal."""

import base64
import hashlib
import re
from collections.abc import Callable

import pytest
from lxml import etree

from trustcell.duis import parse_document, parse_request, verify
from trustcell.vocab import Refused, WireError

DS = "http://www.w3.org/2000/09/xmldsig#"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXC = "http://www.w3.org/2001/10/xml-exc-c14n#"
VALUE = re.compile(rb"(<ds:SignatureValue>)([^<]*)")


def codes(octets: bytes, supplier) -> set[str]:
    """The codes of a refusal, through the whole request or, where the schema already refuses, the bare document."""
    with pytest.raises((Refused, WireError)) as refusal:
        verify(parse_document(octets), supplier.public_key)
    error = refusal.value
    found = {finding.code for finding in error.findings} if isinstance(error, Refused) else {error.code}
    with pytest.raises((Refused, WireError)):
        verify(parse_request(octets), supplier.public_key)
    return found


def with_value(signed: bytes, change: Callable[[bytes], bytes]) -> bytes:
    def replace(match: re.Match[bytes]) -> bytes:
        return match[1] + base64.b64encode(change(base64.b64decode(match[2])))

    return VALUE.sub(replace, signed)


def resigned(octets: bytes, supplier) -> bytes:
    """The same document with a right digest and a right value for whatever its SignedInfo now says."""
    root = etree.fromstring(octets)
    signature = root[-1]
    root.remove(signature)
    digest = base64.b64encode(hashlib.sha256(etree.tostring(root, method="c14n")).digest()).decode()
    root.append(signature)
    for element in signature.iter(f"{{{DS}}}DigestValue"):
        element.text = digest
    info = etree.tostring(signature[0], method="c14n", exclusive=True)
    signature.find(f"{{{DS}}}SignatureValue").text = base64.b64encode(supplier(info)).decode()
    return etree.tostring(root)


def attackers_body(signed: bytes) -> bytes:
    return signed.replace(b">NetworkOperator<", b">Supplier<")
