"""Signing, signxml as an oracle both ways, and the fast way held to lxml."""

import base64
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from signxml import CanonicalizationMethod, DigestAlgorithm, SignatureMethod, SignatureReference, XMLSigner, XMLVerifier
from signxml.verifier import SignatureConfiguration

from trustcell.duis import build_request, parse_document, parse_request, read_signature, sign, verify
from trustcell.duis.canonical import _as_received, _by_lxml, cut_signature
from trustcell.duis.signature import _walk, read_claim, signed_info_octets
from trustcell.vocab import Refused, WireError
from wire.duis.duis_signature_tools import attackers_body, codes

# signing ----------------------------------------------------------------------------------------------------------


def test_a_signed_message_stands_on_one_line_with_the_signature_last(signed, schema) -> None:
    assert signed.count(b"\n") == 0
    assert re.search(rb">\s+<", signed) is None
    assert signed.endswith(b"</ds:Signature></sr:Request>")
    schema.validate(parse_document(signed))


def test_signing_twice_or_with_a_bad_signer_is_refused(handover, signed) -> None:
    with pytest.raises(WireError) as refusal:
        sign(signed, issuer_name="CN=Z1,OU=07", serial=1, sign=bytes)
    assert refusal.value.code == "already_signed"
    unsigned = build_request(handover)
    for bad in (
        {"sign": lambda _: b"short"},
        {"serial": -1},
        {"serial": 1 << 160},
        {"serial": True},
        {"issuer_name": ""},
        {"issuer_name": "\0"},
    ):
        with pytest.raises(ValueError):
            sign(unsigned, **{"issuer_name": "CN=Z1", "serial": 1, "sign": lambda _: bytes(64), **bad})


def test_an_issuer_name_with_markup_survives(handover, supplier) -> None:
    octets = sign(build_request(handover), issuer_name="CN=<Z&1>", serial=5, sign=supplier)
    claim = verify(parse_request(octets), supplier.public_key)
    assert (claim.issuer_name, claim.serial) == ("CN=<Z&1>", 5)


def test_every_template_can_be_signed_as_it_stands_and_as_written_back(shared, supplier, dsp) -> None:
    for path in sorted((shared / "duis-templates").iterdir())[::7]:
        original = path.read_bytes()
        pretty = re.sub(rb"<ds:Signature .*</ds:Signature>", b"", original, flags=re.DOTALL)
        for octets in (pretty, build_request(parse_request(original).request)):
            done = supplier.sign(octets)
            verify(parse_request(done), supplier.public_key)
            assert codes(done, dsp) == {"signature_invalid"}


# the oracle -------------------------------------------------------------------------------------------------------


def test_signxml_verifies_what_we_sign(signed, supplier) -> None:
    expected = SignatureConfiguration(
        require_x509=False,
        expect_references=1,
        signature_methods=frozenset({SignatureMethod.ECDSA_SHA256}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
        default_reference_c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0,
    )
    result = XMLVerifier().verify(
        signed, x509_cert=supplier.certificate.public_bytes(_pem()).decode(), expect_config=expected
    )
    assert result.signed_data == cut_signature(parse_document(signed), parse_document(signed).root[-1]).canonical
    with pytest.raises(Exception, match=r"(?i)digest|signature"):
        XMLVerifier().verify(
            attackers_body(signed), x509_cert=supplier.certificate.public_bytes(_pem()).decode(), expect_config=expected
        )


def test_we_verify_what_signxml_makes_of_the_profile(handover, supplier) -> None:
    class Profile(XMLSigner):
        """The profile of DUIS: SignedInfo in exclusive C14N, the reference in inclusive C14N, not named."""

        def _unpack(self, data, references):
            *parts, _ = super()._unpack(data, references)
            return *parts, [SignatureReference(URI="", c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0)]

    signer = Profile(
        signature_algorithm=SignatureMethod.ECDSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    root = etree.fromstring(build_request(handover))
    made = etree.tostring(
        signer.sign(root, key=supplier.key, cert=[supplier.certificate], exclude_c14n_transform_element=True)
    )
    issuer = b"<ds:X509IssuerName>CN=Z1</ds:X509IssuerName><ds:X509SerialNumber>7</ds:X509SerialNumber>"
    named = (
        b"<ds:KeyInfo><ds:X509Data><ds:X509IssuerSerial>"
        + issuer
        + b"</ds:X509IssuerSerial></ds:X509Data></ds:KeyInfo>"
    )
    ours = re.sub(rb"<ds:KeyInfo>.*</ds:KeyInfo>", named, made, flags=re.DOTALL)
    assert ours != made
    claim = verify(parse_request(ours), supplier.public_key)
    assert (claim.issuer_name, claim.serial) == ("CN=Z1", 7)
    assert codes(attackers_body(ours), supplier) == {"signature_invalid"}


def _pem():
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.PEM


# two ways, one result ---------------------------------------------------------------------------------------------


def test_the_fast_way_and_lxml_agree_on_a_usual_message(signed) -> None:
    document = parse_document(signed)
    cut = _as_received(document.octets, True)
    assert cut is not None
    assert cut.canonical == _by_lxml(document, document.root[-1])
    assert read_claim(document.root[-1], cut.tail) == _walk(document.root[-1])
    info = etree.tostring(document.root[-1][0], method="c14n", exclusive=True)
    assert signed_info_octets(base64.b64encode(read_claim(document.root[-1]).digest).decode()) == info


FRAGMENTS = st.sampled_from(
    rb"""
| |&amp;|>|<sr:X/>|<!-- c -->|<![CDATA[<ds:Signature>]]>|!|?|"|<sr:X a='1'></sr:X>|<y:X xmlns:y='u:y'/>|]]&gt;|&#13;
|<ds:Signature/>|/|<sr:X ></sr:X >| xmlns:a='u:a'| xmlns='u:d'| b='>'| xmlns:ds="u:x"|<!--<ds:Signature>-->|&#9;|\t
""".split(b"|")
)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_wherever_the_fast_way_answers_lxml_says_the_same(signed, data) -> None:
    octets = signed
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.sampled_from([m.end() for m in re.finditer(rb"[<>]|<sr:Request|</?\w+:\w+", octets)]))
        octets = octets[:at] + data.draw(FRAGMENTS) + octets[at:]
    try:
        document = parse_document(octets)
    except WireError:
        return
    try:
        read_signature(document)
    except (Refused, WireError):
        return
    cut = _as_received(document.octets, True)
    if cut is not None:
        assert cut.canonical == _by_lxml(document, document.root[-1])
        assert read_claim(document.root[-1], cut.tail) == _walk(document.root[-1])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_mutated_signed_request_never_verifies_as_another_one(signed, supplier, data) -> None:
    position = data.draw(st.integers(0, len(signed) - 1))
    octet = data.draw(st.integers(0, 255))
    mutated = signed[:position] + bytes([octet]) + signed[position + 1 :]
    try:
        parsed = parse_request(mutated)
        verify(parsed, supplier.public_key)
    except (WireError, Refused):
        return
    assert parsed.request == parse_request(signed).request
