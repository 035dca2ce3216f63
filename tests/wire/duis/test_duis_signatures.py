"""Signatures of DUIS: what verifies, and the rows S1 to S8 with wrapping attacks on a really signed request."""

import re

import pytest

from trustcell.duis import build_request, parse_document, parse_request, read_signature, verify
from trustcell.vocab import Refused, WireError
from wire.duis.duis_signature_tools import C14N, DS, EXC, VALUE, attackers_body, codes, resigned


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
