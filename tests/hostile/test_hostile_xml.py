"""Rows X of the hostile inputs, through HTTP."""

import base64
import contextlib
import gzip
import http.client
import json
import re
import socket
import threading
import time

import pytest

from served_lab import XML, Answer
from wire.duis.duis_signature_tools import resigned
from wire.duis.test_duis_xml import STAGES

T, S, D = "serviceT", "serviceS", "serviceD"
LAUGHS = b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))


@pytest.fixture
def signed(lab) -> bytes:
    """A 6.15.1 that would be transformed."""
    return lab.signed(lab.update())


def bodied(octets: bytes) -> bytes:
    return octets[octets.index(b"?>") + 2 :]


def again(lab, octets: bytes) -> bytes:
    """Signed once more, whatever it says now."""
    return resigned(octets, lab.pair("xml-sign-90B3D51F30020000-ds").sign)


def sending(lab, octets: bytes, door: str = T, headers=None):
    return lambda: lab.post(door, octets, headers)


def doctyped(octets: bytes, internal: bytes, use: bytes = b"") -> bytes:
    doctype = b"<!DOCTYPE x [" + internal + b"]>"
    return doctype + (bodied(octets).replace(b">NetworkOperator<", b">" + use + b"<") if use else bodied(octets))


@pytest.mark.parametrize("name", ["laughs", "quadratic", "attribute", "file", "network", "parameter"])
def test_x3_entities(lab, contract, watch, signed, name):
    far = f"http://{watch.address}/x.dtd".encode()
    evil = {
        "laughs": doctyped(signed, b'<!ENTITY a0 "ha">' + LAUGHS, b"&a9;"),
        "quadratic": doctyped(signed, b'<!ENTITY a "' + b"x" * 50_000 + b'">', b"&a;" * 20_000),
        "attribute": doctyped(signed, b'<!ENTITY a "5.4">').replace(b'schemaVersion="5.4"', b'schemaVersion="&a;"'),
        "file": doctyped(signed, b'<!ENTITY a SYSTEM "file://' + str(watch.secret).encode() + b'">', b"&a;"),
        "network": doctyped(signed, b'<!ENTITY a SYSTEM "' + far + b'">', b"&a;"),
        "parameter": doctyped(signed, b'<!ENTITY % p SYSTEM "' + far + b'"> %p;'),
    }[name]
    contract.refuses(sending(lab, evil), 400, "xml_dtd_forbidden")


def test_x3_every_public_xml_attack(lab, contract, shared):
    folder = shared / "conformance" / "xml-attacks"
    for entry in json.loads((folder / "index.json").read_bytes())["entries"]:
        contract.refuses(sending(lab, (folder / entry["file"]).read_bytes(), D), 400, "xml_dtd_forbidden")


def test_every_duis_attack_is_refused_at_or_before_its_stage(lab, contract, watch, shared):
    folder = shared / "conformance" / "duis-attacks"
    entries = json.loads((folder / "index.json").read_bytes())["entries"]
    assert len(entries) == 21
    for entry in entries:
        octets = (folder / entry["file"]).read_bytes()
        for place in re.findall(rb"file:///[^\"'< ]+", octets):
            octets = octets.replace(place, b"file://" + str(watch.secret).encode())
        for place in re.findall(rb"http://[0-9a-z.]+:\d+", octets):
            octets = octets.replace(place, f"http://{watch.address}".encode())
        stage = STAGES[entry["file"]]
        if stage in ("signature_invalid", "service_reference_mismatch"):  # told to nobody whose signature is none
            contract.refuses(sending(lab, octets), 200, "E48", reasons={"signature_invalid"})
        else:
            contract.refuses(sending(lab, octets), 400, stage)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda o: b"\xff\xfe" + bodied(o).decode().encode("utf-16-le"), "xml_encoding_unsupported"),
        (lambda o: bodied(o).decode().encode("utf-16-be"), "xml_encoding_unsupported"),
        (lambda o: b'<?xml version="1.0" encoding="UTF-7"?>' + bodied(o), "xml_encoding_unsupported"),
        (lambda o: b'<?xml version="1.0" encoding="ISO-8859-1"?>' + bodied(o), "xml_encoding_unsupported"),
        (lambda o: o.replace(b">NetworkOperator<", b">Network\xe9Operator<"), "xml_not_well_formed"),
        (lambda o: b"\xef\xbb\xbf " + o, "xml_not_well_formed"),
        (lambda o: b" " + o, "xml_not_well_formed"),
        (lambda o: b"\xef\xbb\xbf\xef\xbb\xbf" + o, "xml_not_well_formed"),
    ],
)
def test_x5_encodings(lab, contract, signed, change, code):
    contract.refuses(sending(lab, change(signed)), 400, code)


@pytest.mark.parametrize(
    "evil", [b"\0", b"\x01", b"\x1b", b"&#0;", b"&#x1;", b"&#xD800;", b"\xed\xa0\x80", b"\xef\xbf\xbf", b"\xc0\x80"]
)
def test_x7_characters_that_no_document_has(lab, contract, signed, evil):
    spoiled = signed.replace(b"<sr:RequestID>", b"<sr:RequestID>" + evil)
    contract.refuses(sending(lab, spoiled), 400, "xml_not_well_formed")


def part(octets: bytes, name: bytes) -> bytes:
    found = re.search(rb"<%s[ >].*</%s>" % (name, name), octets, re.DOTALL)
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda o: o.replace(part(o, b"sr:Header"), part(o, b"sr:Header") * 2),
        lambda o: o.replace(part(o, b"sr:Body"), part(o, b"sr:Body") * 2),
        lambda o: o.replace(b"<sr:Body>", b"<sr:Body><sr:ReadFirmwareVersion/>"),
        lambda o: o.replace(part(o, b"ds:Signature"), b"").replace(
            b"</sr:Header>", part(o, b"ds:Signature") + b"</sr:Header>"
        ),
        lambda o: o.replace(part(o, b"ds:Signature"), part(o, b"ds:Signature") * 2),
        lambda o: o.replace(part(o, b"sr:Body"), b""),
        lambda o: o.replace(b"<sr:Body>", b"text<sr:Body>"),
    ],
)
def test_x9_parts_twice_or_out_of_place(lab, contract, signed, change):
    contract.refuses(sending(lab, change(signed)), 400, "schema_invalid")


def test_x10_another_namespace_and_another_alphabet(lab, contract, signed):
    contract.refuses(sending(lab, signed.replace(b"ServiceUserGateway", b"ServiceUserGatevay")), 400, "schema_invalid")
    cyrillic = again(lab, signed.replace(b">NetworkOperator<", ">Netw\u043erkOperator<".encode()))
    contract.refuses(sending(lab, cyrillic), 400, "schema_invalid")


def test_x10_another_prefix_for_the_same_namespace_is_accepted(lab, signed):
    renamed = again(lab, signed.replace(b"sr:", b"other:").replace(b"xmlns:sr=", b"xmlns:other="))
    assert lab.post(T, renamed).code == "I0"


@pytest.mark.parametrize("version", [b"9.9", b"4.9", b"6.0", b"5.4.1", b"", b"five", None])
def test_x11_schema_versions(lab, contract, signed, version):
    replacement = b"" if version is None else b' schemaVersion="%s"' % version
    evil = again(lab, signed.replace(b' schemaVersion="5.4"', replacement))
    contract.refuses(sending(lab, evil), 400, "schema_version_unsupported")


def test_x11_a_decimal_may_be_written_5_40(lab, signed):
    assert lab.post(T, again(lab, signed.replace(b'"5.4"', b'"5.40"'))).code == "I0"


def test_x12_a_reference_that_does_not_fit_its_body(lab, contract):
    request = lab.signed(lab.update())
    evil = again(
        lab,
        request.replace(b">6.15<", b">6.21<").replace(b">6.15.1<", b">6.21<").replace(b"Variant>4<", b"Variant>1<"),
    )
    contract.refuses(sending(lab, evil, S), 200, "E12", reasons={"service_reference_mismatch"})


def test_x12_a_variant_that_does_not_fit_the_service(lab, contract):
    evil = again(lab, lab.signed(lab.update()).replace(b"Variant>4<", b"Variant>1<"))
    contract.refuses(sending(lab, evil, S), 200, "E12", reasons={"command_variant_mismatch"})


@pytest.mark.parametrize("door", [S, D])
def test_x12_the_wrong_address(lab, contract, signed, door):
    contract.refuses(sending(lab, signed, door), 200, "E13", reasons={"wrong_address"})


# X13 --------------------------------------------------------------------------------------------------------------


def raw(lab, head: str, body: bytes, *, drip: float = 0.0, half: bool = False) -> Answer:
    """Octets as they are; ``drip`` seconds between single octets, ``half`` closes our side afterwards."""
    with contextlib.closing(socket.create_connection(("127.0.0.1", lab.duis_port), timeout=20)) as connection:
        lines = f"POST /api/v1/serviceD HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\n{head}\r\n"
        connection.sendall(lines.encode())
        try:
            for octet in body if drip else ():
                connection.sendall(bytes((octet,)))
                time.sleep(drip)
            connection.sendall(b"" if drip else body)
            if half:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has answered already
        response = http.client.HTTPResponse(connection)
        response.begin()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())


def test_x13_a_compressed_bomb_is_not_opened(lab, contract):
    bomb = gzip.compress(bytes(20 << 20))
    headers = XML | {"Content-Encoding": "gzip"}
    contract.refuses(sending(lab, bomb, D, headers), 415, "content_encoding_unsupported")


def test_x13_a_length_that_is_not_kept(lab, contract):
    octets = lab.signed(lab.inventory())
    head = f"Content-Length: {len(octets) + 10}\r\n"
    contract.refuses(lambda: raw(lab, head, octets, half=True), 400, "body_incomplete")


def test_x13_chunks_without_end(lab, contract):
    contract.refuses(lambda: raw(lab, "Transfer-Encoding: chunked\r\n", b"5\r\n<a><b\r\n"), 408, "body_too_slow")


def test_x13_one_octet_now_and_then_holds_up_nobody(lab, contract):
    octets = lab.signed(lab.inventory())
    head = f"Content-Length: {len(octets)}\r\n"
    slow: list[Answer] = []
    threads = [threading.Thread(target=lambda: slow.append(raw(lab, head, octets, drip=0.2))) for _ in range(5)]
    for each in threads:
        each.start()
    served = 0
    while len(slow) < 5:
        assert lab.ask(lab.inventory()).code == "I0"
        served += 1
    for each in threads:
        each.join()
    assert {(each.status, each.code) for each in slow} == {(408, "body_too_slow")}
    assert served > 10
    contract.refuses(lambda: raw(lab, head, octets, drip=0.5), 408, "body_too_slow")


# X14 --------------------------------------------------------------------------------------------------------------


def with_certificate(lab, text: bytes) -> bytes:
    """The signing certificate of a 6.15.1 in other words."""
    octets = lab.signed(lab.update())
    known = base64.b64encode(lab.certificate("Z1-accessControlBroker-ds"))
    assert octets.count(known) == 1
    return again(lab, octets.replace(known, text))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (lambda der: base64.b64encode(der + b"\0\0\0\0"), "certificate_trailing_data"),
        (
            lambda der: base64.b64encode(
                b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
            ),
            "certificate_not_der",
        ),
        (lambda der: b"!!!!" + base64.b64encode(der), None),
        (lambda der: b"", None),
        (lambda der: base64.b64encode(bytes(500_000)), None),
    ],
)
def test_x14_certificates_that_are_none(lab, contract, text, code):
    evil = with_certificate(lab, text(lab.certificate("Z1-accessControlBroker-ds")))
    contract.refuses(sending(lab, evil), 400, code)


def test_x14_a_megabyte_of_certificate_is_too_long_for_its_door(lab, contract):
    contract.refuses(
        lambda: lab.post(T, with_certificate(lab, base64.b64encode(bytes(1 << 20)))), 413, "body_too_large"
    )


def test_x14_four_path_certificates(lab, contract):
    octets = lab.signed(lab.update())
    one = re.search(rb"<sr:CertificationPathCertificates>(.*)</sr:CertificationPathCertificates>", octets)
    assert one is not None
    contract.refuses(sending(lab, again(lab, octets.replace(one[1], one[1] * 4))), 400, "schema_invalid")
