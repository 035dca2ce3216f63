"""Rows S of the hostile inputs, through HTTP: a 6.15.1 that would be transformed, if its signature were one."""

import json
import re

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from served_lab import OPERATOR
from wire.duis.duis_signature_tools import C14N, DS, EXC, ORDER, VALUE, attackers_body, resigned, with_value

T = "serviceT"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"


@pytest.fixture
def signed(lab) -> bytes:
    return lab.signed(lab.update())


@pytest.fixture
def refused(lab, contract):
    """E48 with these reasons; as signed as it can be, so that nothing but the defect is wrong."""

    def check(octets: bytes, *reasons: str, code: str = "E48", status: int = 200, sign_again: bool = False) -> None:
        evil = resigned(octets, lab.pair("xml-sign-90B3D51F30020000-ds").sign) if sign_again else octets
        contract.refuses(lambda: lab.post(T, evil), status, code, reasons=set(reasons))

    return check


def signature(octets: bytes) -> bytes:
    found = re.search(rb"<ds:Signature .*</ds:Signature>", octets)
    assert found is not None
    return found[0]


def inner(octets: bytes) -> bytes:
    return octets[octets.index(b"?>") + 2 :]


def test_s1_no_signature(refused, signed):
    refused(signed.replace(signature(signed), b""), "signature_missing")


def test_s1_an_empty_value(refused, signed):
    refused(VALUE.sub(rb"\1", signed), "signature_missing")


def test_s1_a_digest_without_a_value_is_not_what_the_schema_allows(refused, signed):
    evil = re.sub(rb"<ds:SignatureValue>[^<]*</ds:SignatureValue>", b"", signed)
    refused(evil, "signature_missing")


def test_s2_the_signed_request_moved_into_an_object(refused, signed):
    moved = re.sub(rb"<ds:Signature .*</ds:Signature>", b"", inner(signed))
    evil = attackers_body(signed).replace(b"</ds:Signature>", b"<ds:Object>%b</ds:Object></ds:Signature>" % moved)
    refused(evil)
    whole = attackers_body(signed).replace(
        b"</ds:Signature>", b"<ds:Object>%b</ds:Object></ds:Signature>" % inner(signed)
    )
    refused(whole, "signature_misplaced")


@pytest.mark.parametrize("place", [b"</sr:Header>", b"</sr:Body>", b"</sr:Request>"])
def test_s2_elsewhere_the_schema_has_no_place_for_it(refused, signed, place):
    evil = attackers_body(signed).replace(place, inner(signed) + place)
    refused(evil, code="schema_invalid", status=400)


def test_s2_an_attackers_body_under_a_good_signature(refused, signed):
    refused(attackers_body(signed), "signature_invalid")


def test_s3_a_reference_by_id(refused, signed):
    evil = signed.replace(b'URI=""', b'URI="#a"')
    refused(evil, "reference_not_whole_document", sign_again=True)
    twice = evil.replace(b"</ds:Signature>", b'<ds:Object Id="a"/><ds:Object Id="a"/></ds:Signature>')
    refused(twice, "reference_not_whole_document", sign_again=True)
    refused(evil.replace(b"<sr:Body>", b'<sr:Body Id="a">'), code="schema_invalid", status=400, sign_again=True)


def test_s5_a_signature_before_its_time_is_not_what_the_schema_allows(refused, signed):
    without = signed.replace(signature(signed), b"")
    for place in (b"<sr:Header>", b"<sr:Body>", b"</sr:Body>"):
        refused(without.replace(place, signature(signed) + place), code="schema_invalid", status=400)


@pytest.mark.parametrize("uri", ["http://TRAP/a.xml", "file://SECRET", "#xpointer(/)", "#", "cid:x"])
def test_s6_other_uris_are_not_followed(refused, signed, watch, uri):
    uri = uri.replace("TRAP", watch.address).replace("SECRET", str(watch.secret))
    refused(signed.replace(b'URI=""', f'URI="{uri}"'.encode()), "reference_not_whole_document", sign_again=True)


def test_s6_no_uri_no_reference_two_references(refused, signed):
    found = re.search(rb"<ds:Reference.*</ds:Reference>", signed)
    assert found is not None
    refused(signed.replace(b' URI=""', b""), "reference_not_whole_document", sign_again=True)
    refused(signed.replace(found[0], b""), "reference_not_whole_document", sign_again=True)
    refused(signed.replace(found[0], found[0] * 2), "reference_not_whole_document", sign_again=True)


XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"


@pytest.mark.parametrize(
    "transforms",
    [
        [],
        ["ENVELOPED", "ENVELOPED"],
        ["ENVELOPED", "http://www.w3.org/TR/1999/REC-xslt-19991116"],
        ["ENVELOPED", XPATH],
        [XPATH],
        [f"{DS}base64", "ENVELOPED"],
        ["ENVELOPED", EXC],
        ["ENVELOPED", C14N],
        ["ENVELOPED", f"{C14N}#WithComments"],
    ],
)
def test_s7_s8_other_transforms(refused, signed, transforms):
    names = [each.replace("ENVELOPED", f"{DS}enveloped-signature") for each in transforms]
    wanted = "".join(f'<ds:Transform Algorithm="{each}"/>' for each in names).encode()
    evil = re.sub(rb"<ds:Transforms>.*</ds:Transforms>", b"<ds:Transforms>" + wanted + b"</ds:Transforms>", signed)
    refused(evil, "transform_forbidden", sign_again=True)


@pytest.mark.parametrize(
    "method",
    [f"{EXC}WithComments", "http://www.w3.org/2006/12/xml-c14n11", C14N, f"{C14N}#WithComments", "urn:nothing", ""],
)
def test_s8_other_canonicalizations(refused, signed, method):
    evil = signed.replace(f'Method Algorithm="{EXC}"'.encode(), f'Method Algorithm="{method}"'.encode())
    assert evil != signed
    refused(evil, "canonicalization_forbidden", sign_again=True)


@pytest.mark.parametrize(
    "method", [f"{MORE}rsa-sha256", f"{MORE}ecdsa-sha1", f"{MORE}ecdsa-sha384", f"{MORE}hmac-sha256", f"{DS}hmac-sha1"]
)
def test_s9_other_algorithms_are_refused_before_a_key_is_looked_for(refused, signed, method):
    evil = signed.replace(f"{MORE}ecdsa-sha256".encode(), method.encode())
    unknown = re.sub(rb"(<ds:X509SerialNumber>)\d+", rb"\g<1>1", evil)
    refused(evil, "algorithm_forbidden", sign_again=True)
    refused(unknown, "algorithm_forbidden", sign_again=True)


def changed(octets: bytes, change) -> bytes:
    return with_value(octets, change)


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
        lambda v: b"\xff" * 64,
        lambda v: v[32:] + v[:32],
    ],
)
def test_s10_values_that_are_none(refused, signed, change):
    refused(changed(signed, change), "signature_invalid")


def flipped(octets: bytes) -> bytes:
    """s replaced by n - s: as good a signature of the same message."""
    return changed(octets, lambda v: v[:32] + (ORDER - int.from_bytes(v[32:], "big")).to_bytes(32, "big"))


def test_s11_the_other_s_verifies_and_makes_no_new_request(lab, contract):
    first = lab.signed(lab.inventory())
    assert lab.post("serviceD", flipped(first)).code == "I0"
    contract.refuses(lambda: lab.post("serviceD", first), 200, "E62", reasons={"request_id_used"})
    contract.refuses(lambda: lab.post("serviceD", flipped(first)), 200, "E62", reasons={"request_id_used"})


def test_somebody_elses_signature(lab, contract):
    """Check 4: a good signature of a known certificate, but not of the originator."""
    request = lab.update()
    evil = resigned(lab.signed(request), lab.pair("xml-sign-90B3D51F30010000-ds").sign)
    contract.refuses(lambda: lab.post(T, evil), 200, "E48", reasons={"signature_invalid"})
    other = lab.pair("xml-sign-90B3D51F30010000-ds").certificate
    named = re.sub(rb"(<ds:X509SerialNumber>)\d+", rb"\g<1>%d" % other.serial, lab.signed(request))
    evil = resigned(named, lab.pair("xml-sign-90B3D51F30010000-ds").sign)
    contract.refuses(lambda: lab.post(T, evil), 200, "E49", reasons={"signer_not_originator"})
    unknown = re.sub(rb"(<ds:X509SerialNumber>)\d+", rb"\g<1>17", lab.signed(request))
    evil = resigned(unknown, lab.pair("xml-sign-90B3D51F30020000-ds").sign)
    contract.refuses(lambda: lab.post(T, evil), 200, "E49", reasons={"signer_unknown"})
    assert request.request_id.originator == OPERATOR


def test_every_foreign_signature_is_refused_alone_and_in_a_request(lab, contract, signed, shared):
    folder = shared / "conformance" / "xmldsig"
    entries = json.loads((folder / "index.json").read_bytes())["entries"]
    assert len(entries) == 10
    for entry in entries:
        octets = (folder / entry["file"]).read_bytes()
        code = "xml_dtd_forbidden" if b"<!DOCTYPE" in octets else "schema_invalid"
        contract.refuses(lambda octets=octets: lab.post(T, octets), 400, code)
        foreign = re.search(rb"<(\w+:)?Signature [^>]*>.*</(\w+:)?Signature>", octets, re.DOTALL)
        assert foreign is not None, entry["file"]
        evil = signed.replace(signature(signed), foreign[0])
        answer = contract.refuses(lambda evil=evil: lab.post(T, evil), lab.post(T, evil).status)
        assert answer.status == 400 or answer.code == "E48", entry["file"]
