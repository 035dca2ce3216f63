"""Signatures of DUIS: the rows S1 to S11, wrapping attacks on a really signed request, and signxml as an oracle."""

import base64
import hashlib
import re
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from signxml import CanonicalizationMethod, DigestAlgorithm, SignatureMethod, XMLSigner, XMLVerifier
from signxml.verifier import SignatureConfiguration

from trustcell.duis import build_request, parse_document, parse_request, read_signature, sign, verify
from trustcell.duis.canonical import _as_received, _by_lxml, cut_signature
from trustcell.duis.signature import _walk, read_claim, signed_info_octets
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


def test_a_signed_request_verifies_and_names_its_signer(signed, supplier, schema) -> None:
    parsed = parse_request(signed, schema=schema)
    claim = verify(parsed, supplier.public_key)
    assert claim == read_signature(parsed)
    assert (claim.issuer_name, claim.serial) == ("CN=Z1,OU=07", supplier.serial)
    assert supplier.certificate.serial_number == claim.serial
    assert verify(parsed, lambda found: supplier.public_key if found.serial == supplier.serial else None) == claim


def test_the_other_key_does_not_verify(signed, dsp) -> None:
    assert codes(signed, dsp) == {"signature_invalid"}


def test_any_change_of_the_message_is_found(signed, supplier) -> None:
    changed = signed.replace(b">NetworkOperator<", b">Supplier<")
    assert changed != signed
    assert codes(changed, supplier) == {"signature_invalid"}
    assert codes(signed.replace(b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"', b""), supplier) == {
        "signature_invalid"
    }


def test_carriage_returns_inside_the_value_are_tolerated(signed, supplier) -> None:
    wrapped = VALUE.sub(lambda m: m[1] + m[2][:76] + b"&#13;\n" + m[2][76:], signed)
    assert b"&#13;" in wrapped
    assert verify(parse_request(wrapped), supplier.public_key) == read_signature(parse_request(signed))
    raw = VALUE.sub(lambda m: m[1] + b"\r\n" + m[2][:40] + b"\r\n\t " + m[2][40:] + b"\n", signed)
    verify(parse_request(raw), supplier.public_key)


def test_another_prefix_and_pretty_printing_inside_the_signature_verify(signed, supplier) -> None:
    for prefix in (b"dsig:", b""):
        renamed = signed.replace(b"<ds:", b"<" + prefix).replace(b"</ds:", b"</" + prefix)
        declared = b'xmlns="' if not prefix else b'xmlns:dsig="'
        renamed = renamed.replace(b'Signature xmlns:ds="', b"Signature " + declared)
        verify(parse_request(resigned(renamed, supplier)), supplier.public_key)
    spaced = signed.replace(b"><ds:", b">\n  <ds:").replace(b">\n  <ds:Signature xmlns", b"><ds:Signature xmlns")
    verify(parse_request(resigned(spaced, supplier)), supplier.public_key)
    commented = signed.replace(b"<ds:KeyInfo>", b"<!-- who --><ds:KeyInfo>")
    verify(parse_request(commented), supplier.public_key)


# S1 ---------------------------------------------------------------------------------------------------------------


def test_s1_no_signature(handover, supplier) -> None:
    assert codes(build_request(handover), supplier) == {"signature_missing"}


@pytest.mark.parametrize("value", [b"", b" ", b"&#13;\n"])
def test_s1_an_empty_value(signed, supplier, value: bytes) -> None:
    assert codes(VALUE.sub(lambda m: m[1] + value, signed), supplier) == {"signature_missing"}


def test_s1_a_digest_without_a_value(signed, supplier) -> None:
    gone = re.sub(rb"<ds:SignatureValue>[^<]*</ds:SignatureValue>", b"", signed)
    assert "signature_missing" in codes(gone, supplier)


# S2 ---------------------------------------------------------------------------------------------------------------


def attackers_body(signed: bytes) -> bytes:
    return signed.replace(b">NetworkOperator<", b">Supplier<")


def test_s2_the_signed_request_inside_an_object(signed, supplier) -> None:
    inner = signed[signed.index(b"?>") + 2 :]
    evil = attackers_body(signed).replace(b"</ds:Signature>", b"<ds:Object>" + inner + b"</ds:Object></ds:Signature>")
    assert "signature_misplaced" in codes(evil, supplier)
    bare = re.sub(rb"<ds:Signature.*</ds:Signature>", b"", inner)
    evil = attackers_body(signed).replace(b"</ds:Signature>", b"<ds:Object>" + bare + b"</ds:Object></ds:Signature>")
    assert codes(evil, supplier) & {"signature_malformed", "signature_invalid"}


def test_s2_the_signed_request_inside_the_header_or_body(signed, supplier) -> None:
    inner = signed[signed.index(b"?>") + 2 :]
    for place in (b"</sr:Header>", b"</sr:Body>"):
        assert "signature_misplaced" in codes(attackers_body(signed).replace(place, inner + place), supplier)


def test_s2_the_signed_request_inside_an_attackers_root(signed, supplier) -> None:
    inner = signed[signed.index(b"?>") + 2 :]
    evil = attackers_body(inner).replace(b"</sr:Request>", b"")
    evil = re.sub(rb"<ds:Signature.*</ds:Signature>", b"", evil) + inner + b"</sr:Request>"
    assert codes(evil, supplier) == {"signature_misplaced"}


def test_s2_a_signature_hidden_in_comments_and_cdata(signed, supplier) -> None:
    signature = re.search(rb"<ds:Signature.*</ds:Signature>", signed)[0]
    for hidden in (b"<!--" + signature + b"-->", b"<![CDATA[" + signature + b"]]>"):
        evil = attackers_body(signed).replace(b"<ds:Signature ", hidden + b"<ds:Signature ", 1)
        with pytest.raises((Refused, WireError)):
            verify(parse_document(evil), supplier.public_key)
        evil = attackers_body(signed).replace(b"</ds:Signature>", hidden + b"</ds:Signature>")
        with pytest.raises((Refused, WireError)):
            verify(parse_document(evil), supplier.public_key)


# S3, S6 -----------------------------------------------------------------------------------------------------------


def test_s3_a_reference_by_id(signed, supplier) -> None:
    evil = signed.replace(b'URI=""', b'URI="#a"').replace(b"<sr:Body>", b'<sr:Body Id="a">')
    assert "reference_not_whole_document" in codes(resigned(evil, supplier), supplier)
    twice = evil.replace(b"<sr:Header>", b'<sr:Header Id="a">')
    assert "reference_not_whole_document" in codes(resigned(twice, supplier), supplier)


@pytest.mark.parametrize(
    "uri", [b"http://127.0.0.1:9/a.xml", b"file:///etc/hostname", b"#xpointer(/)", b"#", b" ", b"cid:x"]
)
def test_s6_other_uris(signed, supplier, uri: bytes) -> None:
    evil = resigned(signed.replace(b'URI=""', b'URI="' + uri + b'"'), supplier)
    assert codes(evil, supplier) == {"reference_not_whole_document"}


def test_s6_no_uri_no_reference_two_references(signed, supplier) -> None:
    assert codes(signed.replace(b' URI=""', b""), supplier) == {"reference_not_whole_document"}
    reference = re.search(rb"<ds:Reference.*</ds:Reference>", signed)[0]
    assert "reference_not_whole_document" in codes(signed.replace(reference, b""), supplier)
    assert "reference_not_whole_document" in codes(signed.replace(reference, reference * 2), supplier)
    assert codes(resigned(signed.replace(reference, reference * 2), supplier), supplier) == {
        "reference_not_whole_document",
        "transform_forbidden",
    }


@pytest.mark.parametrize("attribute", [b"Id='a'", b"Type='x'"])
def test_s6_further_attributes(signed, supplier, attribute: bytes) -> None:
    for name in (b"Signature ", b"SignedInfo", b'Reference URI=""', b"SignatureValue", b"KeyInfo"):
        evil = signed.replace(b"<ds:" + name, b"<ds:" + name.rstrip() + b" " + attribute + b" ", 1)
        assert codes(resigned(evil, supplier), supplier) == {"signature_malformed"}


# S5 ---------------------------------------------------------------------------------------------------------------


def test_s5_a_signature_that_is_not_last_or_not_a_child_of_the_root(signed, supplier) -> None:
    signature = re.search(rb"<ds:Signature.*</ds:Signature>", signed)[0]
    without = signed.replace(signature, b"")
    for place in (b"<sr:Header>", b"<sr:Body>", b"</sr:Header>", b"</sr:Body>"):
        assert codes(without.replace(place, signature + place, 1), supplier) == {"signature_misplaced"}
    assert codes(signed.replace(b"</sr:Request>", b"<sr:X/></sr:Request>"), supplier) == {"signature_misplaced"}
    assert codes(signed.replace(signature, signature * 2), supplier) == {"signature_misplaced"}


# S7, S8 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "transforms",
    [
        b"",
        b"ENVELOPED ENVELOPED",
        b"http://www.w3.org/TR/1999/REC-xslt-19991116",
        b"ENVELOPED http://www.w3.org/TR/1999/REC-xslt-19991116",
        b"ENVELOPED http://www.w3.org/TR/1999/REC-xpath-19991116",
        b"http://www.w3.org/2000/09/xmldsig#base64 ENVELOPED",
        b"ENVELOPED http://www.w3.org/2001/10/xml-exc-c14n#",
        b"ENVELOPED http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        b"ENVELOPED http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
    ],
)
def test_s7_s8_other_transforms(signed, supplier, transforms: bytes) -> None:
    wanted = b"".join(
        b'<ds:Transform Algorithm="%s"></ds:Transform>' % name
        for name in transforms.replace(b"ENVELOPED", DS.encode() + b"enveloped-signature").split()
    )
    evil = re.sub(rb"<ds:Transforms>.*</ds:Transforms>", b"<ds:Transforms>" + wanted + b"</ds:Transforms>", signed)
    assert codes(resigned(evil, supplier), supplier) == {"transform_forbidden"}


def test_s7_no_transforms_element_and_an_xpath_inside_the_enveloped_one(signed, supplier) -> None:
    gone = re.sub(rb"<ds:Transforms>.*</ds:Transforms>", b"", signed)
    assert codes(resigned(gone, supplier), supplier) == {"transform_forbidden"}
    xpath = signed.replace(b"</ds:Transform>", b"<ds:XPath>not(self::sr:Body)</ds:XPath></ds:Transform>")
    assert codes(resigned(xpath, supplier), supplier) == {"transform_forbidden"}


@pytest.mark.parametrize(
    "method", [C14N, f"{C14N}#WithComments", f"{EXC}WithComments", "http://www.w3.org/2006/12/xml-c14n11", "u:x", ""]
)
def test_s8_other_canonicalizations_of_signed_info(signed, supplier, method: str) -> None:
    evil = signed.replace(EXC.encode(), method.encode(), 1)
    assert codes(resigned(evil, supplier), supplier) == {"canonicalization_forbidden"}


def test_s8_an_inclusive_prefix_list(signed, supplier) -> None:
    evil = signed.replace(
        b"</ds:CanonicalizationMethod>",
        b'<e:InclusiveNamespaces xmlns:e="' + EXC.encode() + b'" PrefixList="sr"/></ds:CanonicalizationMethod>',
    )
    assert codes(resigned(evil, supplier), supplier) == {"canonicalization_forbidden"}


# S9 ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method",
    [
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "",
    ],
)
def test_s9_other_signature_methods_are_refused_before_a_key_is_used(signed, supplier, method: str) -> None:
    evil = resigned(signed.replace(b"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", method.encode()), supplier)
    assert codes(evil, supplier) == {"algorithm_forbidden"}
    with pytest.raises(Refused):
        verify(parse_request(evil), lambda _: pytest.fail("a key was asked for"))


@pytest.mark.parametrize(
    "method", ["http://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2001/04/xmlenc#sha512"]
)
def test_s9_other_digest_methods(signed, supplier, method: str) -> None:
    evil = signed.replace(b"http://www.w3.org/2001/04/xmlenc#sha256", method.encode())
    assert codes(resigned(evil, supplier), supplier) == {"algorithm_forbidden"}


def test_s9_an_hmac_output_length(signed, supplier) -> None:
    evil = signed.replace(
        b"</ds:SignatureMethod>", b"<ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>"
    )
    assert codes(resigned(evil, supplier), supplier) == {"algorithm_forbidden"}


def test_s9_a_key_on_another_curve(signed) -> None:
    key = ec.generate_private_key(ec.SECP384R1()).public_key()
    with pytest.raises(Refused) as refusal:
        verify(parse_request(signed), key)
    assert refusal.value.code == "algorithm_forbidden"


# S10, S11 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v[:63],
        lambda v: v + b"\0",
        lambda v: b"\0" + v[:32] + b"\0" + v[32:],
        lambda v: encode_dss_signature(int.from_bytes(v[:32], "big"), int.from_bytes(v[32:], "big")),
        lambda v: bytes(32) + v[32:],
        lambda v: v[:32] + bytes(32),
        lambda v: ORDER.to_bytes(32, "big") + v[32:],
        lambda v: v[:32] + ORDER.to_bytes(32, "big"),
        lambda v: b"\xff" * 32 + v[32:],
        lambda v: v[:32] + b"\xff" * 32,
        lambda v: v[32:] + v[:32],
        lambda v: bytes(64),
        lambda v: bytes([v[0] ^ 1]) + v[1:],
    ],
)
def test_s10_r_and_s_are_32_octets_each_from_1_to_n_minus_1(signed, supplier, change) -> None:
    assert codes(with_value(signed, change), supplier) == {"signature_invalid"}


@pytest.mark.parametrize("value", [b"!!!!", b"QQ", b"=", b"Q" * 85])
def test_s10_values_that_are_not_base64(signed, supplier, value: bytes) -> None:
    assert codes(VALUE.sub(lambda m: m[1] + value, signed), supplier) == {"signature_invalid"}


def test_s11_the_other_s_verifies_and_keeps_the_request_id(signed, supplier) -> None:
    def negate(value: bytes) -> bytes:
        return value[:32] + (ORDER - int.from_bytes(value[32:], "big")).to_bytes(32, "big")

    flipped = with_value(signed, negate)
    assert flipped != signed
    verify(parse_request(flipped), supplier.public_key)
    assert parse_request(flipped).request == parse_request(signed).request


# key information --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("serial", [b"", b"-1", b"0x1F", b"1a", b"9" * 50, "\u0661".encode()])
def test_a_serial_is_decimal(signed, supplier, serial: bytes) -> None:
    evil = re.sub(rb"(<ds:X509SerialNumber>)[^<]*", lambda m: m[1] + serial, signed)
    assert codes(evil, supplier) == {"schema_invalid"}


def test_key_information_is_issuer_and_serial_only(signed, supplier) -> None:
    more = signed.replace(b"</ds:X509Data>", b"<ds:X509Certificate>MAA=</ds:X509Certificate></ds:X509Data>")
    assert codes(more, supplier) == {"signature_malformed"}
    gone = re.sub(rb"<ds:KeyInfo>.*</ds:KeyInfo>", b"", signed)
    assert codes(gone, supplier) == {"signature_malformed"}
    text = signed.replace(b"<ds:KeyInfo>", b"<ds:KeyInfo>text")
    assert codes(text, supplier) == {"schema_invalid"}


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
        """signxml always names the canonicalisation as a second transform; the profile of DUIS does not."""

        def _build_transforms_for_reference(self, *, transforms_node, reference, exclude_c14n_transform_element=False):
            super()._build_transforms_for_reference(
                transforms_node=transforms_node, reference=reference, exclude_c14n_transform_element=True
            )

    signer = Profile(
        signature_algorithm=SignatureMethod.ECDSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    root = etree.fromstring(build_request(handover))
    made = etree.tostring(signer.sign(root, key=supplier.key, cert=[supplier.certificate]))
    value = re.search(rb"<ds:SignatureValue>([^<]*)<", made)
    assert value is not None
    assert len(base64.b64decode(value[1])) == 64


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
    [
        b" ",
        b"\n",
        b"&amp;",
        b">",
        b"<sr:X/>",
        b"<!-- c -->",
        b"<![CDATA[<ds:Signature>]]>",
        b"\xc3\xa9",
        b"!",
        b"?",
        b'"',
    ]
    + [
        b"<sr:X a='1'></sr:X>",
        b"<y:X xmlns:y='u:y'/>",
        b"]]&gt;",
        b"&#13;",
        b"<ds:Signature/>",
        b"/",
        b"<sr:X ></sr:X >",
    ]
    + [b" xmlns:a='u:a'", b" xmlns='u:d'", b" b='>'", b' xmlns:ds="u:x"', b"<!--<ds:Signature>-->"]
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
