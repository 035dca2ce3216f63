"""DUIS: XML signatures made and checked, with and without the official schema, on a 6.15.1."""

import base64
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.harness import Case, Ratio
from trustcell import duis, gbcs
from trustcell.app.key_files import read_key_file

_ECDSA = ec.ECDSA(hashes.SHA256())
_REPEAT = 100

RATIOS = (
    Ratio(
        "T5: parse + XSD + signature checked / ECDSA verifications",
        "verify + XSD",
        "one verify",
        2.0,
        False,
        must=False,
    ),
    Ratio("T5: parse + XSD + signature made / ECDSA signatures", "sign + XSD", "one sign", 3.2, False, must=False),
)


def cases(shared: Path) -> list[Case]:
    """The cases over the 6.15.1 template, signed by the network operator of the ZAZ1 key file."""
    key = read_key_file(shared / "zaz1-test-keys.json").named("xml-sign-90B3D51F30020000-ds")
    private, public, certificate = key.key.private_key, key.key.public_key, key.certificate
    assert private is not None
    assert certificate is not None
    schema = duis.load_schema(shared / "schema")
    template = shared / "duis-templates" / "CS02bNOByNO_6.15.1_SUCCESS_REQUEST_DUIS.XML"
    request = duis.parse_request(template.read_bytes()).request
    unsigned = duis.build_request(request)
    issuer, serial = certificate.issuer.rfc4514, certificate.serial

    def sign(octets: bytes) -> bytes:
        return gbcs.sign(private, octets)

    signed = duis.sign(unsigned, issuer_name=issuer, serial=serial, sign=sign)
    message = base64.b64encode(bytes(300))
    bare = private.sign(message, _ECDSA)

    def verify(with_schema: duis.Schema | None) -> None:
        for _ in range(_REPEAT):
            document = duis.parse_document(signed)
            if with_schema is not None:
                with_schema.validate(document)
            duis.verify(document, public)

    def make(with_schema: duis.Schema | None) -> None:
        for _ in range(_REPEAT):
            document = duis.parse_document(unsigned)
            if with_schema is not None:
                with_schema.validate(document)
            duis.sign(document, issuer_name=issuer, serial=serial, sign=sign)

    def typed(with_schema: duis.Schema | None) -> None:
        for _ in range(_REPEAT):
            duis.parse_request(signed, schema=with_schema)

    def bare_verify() -> None:
        for _ in range(_REPEAT):
            public.verify(bare, message, _ECDSA)

    def bare_sign() -> None:
        for _ in range(_REPEAT):
            private.sign(message, _ECDSA)

    return [
        Case("one verify", bare_verify, _REPEAT),
        Case("one sign", bare_sign, _REPEAT),
        Case("typed request", lambda: typed(None), _REPEAT),
        Case("typed request + XSD", lambda: typed(schema), _REPEAT),
        Case("verify", lambda: verify(None), _REPEAT),
        Case("verify + XSD", lambda: verify(schema), _REPEAT),
        Case("sign", lambda: make(None), _REPEAT),
        Case("sign + XSD", lambda: make(schema), _REPEAT),
    ]
