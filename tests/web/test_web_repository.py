"""The repository over HTTP, line by line of dcc-boxed-interface.md 4, 5 and 7, and what hostile clients send (A, X)."""

import base64
import io
import json
import re
import socket
import threading
import time
import zipfile

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from web.serving import KEY, XML, data_request, running, search_request

SUPPLIER = "90-B3-D5-1F-30-01-00-00"
DEVICE = "00-DB-12-34-56-78-90-A3"
ROLES = {
    "90-B3-D5-1F-30-00-00-01": {"1"},
    "90-B3-D5-1F-30-00-00-02": {"4", "137"},
    "90-B3-D5-1F-30-00-00-04": {"5"},
    "90-B3-D5-1F-30-00-00-07": {"6"},
    SUPPLIER: {"2", "135"},
    "90-B3-D5-1F-30-02-00-00": {"3", "135"},
    "90-B3-D5-1F-30-01-00-08": {"8"},
    "00-DB-12-34-56-78-00-04": {"127", "135"},
}


def names(element) -> list[str]:
    return [child.tag for child in element]


def test_a_device_search_has_the_shape_clients_read(lab):
    reply = lab.search(search_request(CertificateSubjectAltName=DEVICE))
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/xml; charset=utf-8"
    assert reply.body.startswith(b'<?xml version="1.0" encoding="utf-8"?><CertificateSearchResponse>')
    root = reply.xml
    assert names(root) == ["ResponseCode", "ResponseMessage", "AuditReference", "Result", "Result"]
    assert (reply.code, reply.message) == ("200", "Success")
    assert re.fullmatch(r"[0-9]{10}-[0-9a-f]{9}", root.findtext("AuditReference"))
    for result in root.iter("Result"):
        assert names(result) == [
            "CertificateSerial", "CertificateSubjectAltName", "CertificateStatus", "CertificateUsage",
            "ManufacturingFlag",
        ]  # fmt: skip
        assert re.fullmatch(r"[0-9A-F]{32}", result.findtext("CertificateSerial"))
        assert result.findtext("CertificateSubjectAltName") == DEVICE
        assert (result.findtext("CertificateStatus"), result.findtext("ManufacturingFlag")) == ("I", "false")
    assert {result.findtext("CertificateUsage") for result in root.iter("Result")} == {"DS", "KA"}


@pytest.mark.parametrize("entity", ROLES)
def test_organisations_have_a_subject_name_and_a_decimal_role(lab, entity):
    root = lab.search(search_request(CertificateSubjectName=entity)).xml
    results = list(root.iter("Result"))
    assert {result.findtext("CertificateRole") for result in results} == ROLES[entity]
    for result in results:
        assert result.findtext("CertificateSubjectName") == entity
        assert result.find("CertificateSubjectAltName") is None


def test_the_eui_may_be_written_in_either_case(lab):
    answers = [
        [result.findtext("CertificateSerial") for result in lab.search(request).xml.iter("Result")]
        for form in (str.lower, str.upper, str.title)
        for request in [search_request(CertificateSubjectAltName=form(DEVICE))]
    ]
    assert len(answers[0]) == 2
    assert answers[0] == answers[1] == answers[2]


def test_every_reference_is_another(lab):
    replies = [lab.search(search_request(CertificateSubjectAltName=DEVICE)) for _ in range(5)]
    assert len({reply.xml.findtext("AuditReference") for reply in replies}) == 5
    reference = replies[0].xml.findtext("AuditReference")
    assert f"{reference} search {DEVICE}: 2 certificates" in lab.log.read_text()


def test_a_retrieved_certificate_has_the_shape_clients_read(lab):
    for field, entity in (("CertificateSubjectAltName", DEVICE), ("CertificateSubjectName", SUPPLIER)):
        listed = lab.search(search_request(**{field: entity})).xml.find("Result")
        serial = listed.findtext("CertificateSerial")
        reply = lab.retrieve(data_request(serial))
        assert (reply.status, reply.code, reply.message) == (200, "200", "Success")
        assert reply.headers["content-type"] == "application/xml; charset=utf-8"
        assert names(reply.xml) == ["ResponseCode", "ResponseMessage", "AuditReference", "CertificateResponse"]
        answer = reply.xml.find("CertificateResponse")
        wanted = {field, "CertificateSerial", "CertificateStatus", "CertificateBody", "CertificateUsage"}
        wanted |= {"ManufacturingFlag"} | ({"CertificateRole"} if entity == SUPPLIER else set())
        assert set(names(answer)) == wanted
        certificate = x509.load_der_x509_certificate(base64.b64decode(answer.findtext("CertificateBody")))
        assert certificate.serial_number == int(serial, 16)
        for name in wanted - {"CertificateBody"}:
            assert answer.findtext(name) == listed.findtext(name)


def test_serials_are_compared_as_numbers(lab):
    found = lab.search(search_request(CertificateSubjectName="90-B3-D5-1F-30-02-00-00")).xml
    for result in found.iter("Result"):
        serial = result.findtext("CertificateSerial")
        forms = (serial, serial.lower(), f"{int(serial, 16):x}", serial.rjust(40, "0"), f" {serial} ")
        bodies = {lab.retrieve(data_request(form)).xml.findtext(".//CertificateBody") for form in forms}
        assert len(bodies) == 1
        assert None not in bodies


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"CertificateUsage": "KA"}, {("2", "KA")}),
        ({"CertificateRole": "135"}, {("135", "DS")}),
        ({"CertificateRole": "2", "CertificateUsage": "DS", "CertificateStatus": "I"}, {("2", "DS")}),
    ],
)
def test_further_elements_narrow_the_search(lab, fields, expected):
    reply = lab.search(search_request(CertificateSubjectName=SUPPLIER, **fields))
    found = {(r.findtext("CertificateRole"), r.findtext("CertificateUsage")) for r in reply.xml.iter("Result")}
    assert found == expected
    assert lab.search(search_request(CertificateSubjectName=SUPPLIER, CertificateStatus="R")).status == 402


@pytest.mark.parametrize(
    "request_text",
    [
        search_request(CertificateSubjectAltName="00-DB-12-34-56-78-90-EE"),
        search_request(CertificateSubjectName=DEVICE),
        search_request(CertificateSubjectAltName=SUPPLIER),
    ],
)
def test_nothing_found_is_402(lab, request_text):
    reply = lab.search(request_text)
    assert (reply.status, reply.code, reply.message) == (402, "402", "Nothing found")
    assert reply.headers["content-type"] == "application/xml; charset=utf-8"
    assert reply.xml.find("Result") is None


@pytest.mark.parametrize("serial", ["1", "0", "F" * 40, "F" * 64])
def test_an_unknown_serial_is_402(lab, serial):
    reply = lab.retrieve(data_request(serial))
    assert (reply.status, reply.code, reply.xml.tag) == (402, "402", "CertificateDataResponse")


ENTITIES = "<!ENTITY a 'aaaaaaaaaa'>" + "".join(
    f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
PROLOG = '<?xml version="1.0" encoding="utf-8"?>'
HOSTILE = {
    "empty": (b"", "xml_not_well_formed"),
    "no subject": (search_request(), "search_parameter_invalid"),
    "both subjects": (
        search_request(CertificateSubjectName=SUPPLIER, CertificateSubjectAltName=SUPPLIER),
        "search_parameter_invalid",
    ),
    "empty subject": (search_request(CertificateSubjectName=""), "search_parameter_invalid"),
    "percent": (search_request(CertificateSubjectName="%"), "search_parameter_invalid"),
    "wildcards": (search_request(CertificateSubjectName="90-B3-D5-1F-30-__-__-__"), "search_parameter_invalid"),
    "sql": (search_request(CertificateSubjectName="' OR 1=1 --"), "search_parameter_invalid"),
    "a megabyte": (search_request(CertificateSubjectName="A" * 1_000_000), "xml_limit_exceeded"),
    "seven octets": (search_request(CertificateSubjectName="90-B3-D5-1F-30-01-00"), "search_parameter_invalid"),
    "two subjects": (
        search_request(CertificateSubjectName=f"{SUPPLIER}</CertificateSubjectName><CertificateSubjectName>{SUPPLIER}"),
        "search_parameter_invalid",
    ),
    "element in subject": (search_request(CertificateSubjectName=f"<b>{SUPPLIER}</b>"), "search_parameter_invalid"),
    "unknown element": (
        search_request(CertificateSubjectName=SUPPLIER, CertificateColour="red"), "search_parameter_invalid"
    ),
    "role in hex": (search_request(CertificateSubjectName=SUPPLIER, CertificateRole="0x2"), "search_parameter_invalid"),
    "role too large": (
        search_request(CertificateSubjectName=SUPPLIER, CertificateRole="999"), "search_parameter_invalid"
    ),
    "usage": (search_request(CertificateSubjectName=SUPPLIER, CertificateUsage="ds"), "search_parameter_invalid"),
    "status": (search_request(CertificateSubjectName=SUPPLIER, CertificateStatus="X"), "search_parameter_invalid"),
    "another root": (data_request("1"), "search_parameter_invalid"),
    "a namespace": (
        search_request(CertificateSubjectName=SUPPLIER).replace("SearchRequest>", 'SearchRequest xmlns="urn:x">', 1),
        "search_parameter_invalid",
    ),
    "text beside": (
        search_request(CertificateSubjectName=SUPPLIER).replace("</CertificateSearch", "stray</CertificateSearch"),
        "search_parameter_invalid",
    ),
    "dtd": (
        f"{PROLOG}<!DOCTYPE CertificateSearchRequest SYSTEM 'file:///etc/passwd'><CertificateSearchRequest/>",
        "xml_dtd_forbidden",
    ),
    "billion laughs": (
        f"{PROLOG}<!DOCTYPE CertificateSearchRequest [{ENTITIES}]><CertificateSearchRequest>"
        "<CertificateSubjectName>&i;</CertificateSubjectName></CertificateSearchRequest>",
        "xml_dtd_forbidden",
    ),
    "utf-16": (search_request(CertificateSubjectName=SUPPLIER).encode("utf-16"), "xml_encoding_unsupported"),
    "utf-7": (
        search_request(CertificateSubjectName=SUPPLIER).replace("utf-8", "utf-7"), "xml_encoding_unsupported"
    ),
    "latin-1 octet": (search_request(CertificateSubjectName="\xe9").encode("latin-1"), "xml_not_well_formed"),
    "nul": (search_request(CertificateSubjectName="\0"), "xml_not_well_formed"),
    "control character": (search_request(CertificateSubjectName="\x08"), "xml_not_well_formed"),
    "surrogate": (search_request(CertificateSubjectName="&#xD800;"), "xml_not_well_formed"),
    "processing instruction": (
        search_request(CertificateSubjectName=f"{SUPPLIER}<?php evil?>"), "xml_pi_forbidden"
    ),
    "cut": (search_request(CertificateSubjectName=SUPPLIER)[:-5], "xml_not_well_formed"),
    "deep": (f"{PROLOG}{'<a>' * 5000}{'</a>' * 5000}", "xml_limit_exceeded"),
    "json": (b'{"CertificateSubjectName": "x"}', "xml_not_well_formed"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "code"), HOSTILE.values(), ids=HOSTILE.keys())
def test_nonsense_is_401_and_says_why(lab, body, code):
    began = time.perf_counter()
    reply = lab.search(body)
    assert time.perf_counter() - began < 1
    assert (reply.status, reply.code) == (401, "401")
    assert reply.headers["content-type"] == "application/xml; charset=utf-8"
    assert reply.xml.tag == "CertificateSearchResponse"
    assert f"[{code}]" in reply.message
    assert reply.xml.find("Result") is None


@pytest.mark.parametrize("serial", ["", "%", "xyz", "0x12", "-1", "1" * 65, "12 34", "1;DROP TABLE certificate"])
def test_a_serial_that_is_no_number_is_401(lab, serial):
    reply = lab.retrieve(data_request(serial))
    assert (reply.status, reply.code, reply.xml.tag) == (401, "401", "CertificateDataResponse")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/xml; charset=utf-8"}, 200),
        ({"Content-Type": "APPLICATION/XML"}, 200),
        ({"Content-Type": "text/xml"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({}, 415),
        ({**XML, "Content-Encoding": "gzip"}, 415),
    ],
)
def test_bodies_come_as_plain_application_xml(lab, headers, status):
    body = search_request(CertificateSubjectAltName=DEVICE).encode()
    assert lab.ask("POST", f"/services/certificatesearch?{KEY}", body, headers).status == status


def test_other_methods_and_paths(lab):
    assert lab.ask("GET", f"/services/certificatesearch?{KEY}").status == 405
    assert lab.ask("POST", "/services/nothing", b"").status == 404
    assert lab.ask("POST", "/health", b"").status == 405


def test_any_key_will_do_unless_keys_are_set(lab):
    body = search_request(CertificateSubjectAltName=DEVICE)
    assert {lab.search(body, query).status for query in (KEY, "", "apikey=other")} == {200}


def test_the_log_does_not_hold_api_keys(lab):
    lab.search(search_request(CertificateSubjectAltName=DEVICE), "apikey=verysecretvalue")
    text = lab.log.read_text()
    assert "verysecretvalue" not in text
    assert "u3bg9gt38htd0j2" not in text


@pytest.fixture(scope="module")
def guarded(shared, tmp_path_factory):
    keys = ("--keys", str(shared / "zaz1-test-keys.json"))
    folder = tmp_path_factory.mktemp("guarded")
    with running(folder, *keys, TRUSTCELL_REPOSITORY_API_KEYS="first-key second-key") as server:
        yield server


def test_with_keys_set_only_these_open_the_door(guarded):
    known = search_request(CertificateSubjectName=SUPPLIER)
    for query in ("apikey=first-key", "apikey=second-key"):
        assert guarded.search(known, query).status == 200
    for query in ("", "apikey=", "apikey=first-kez", "apikey=first-key%20second-key", "apikey=%FF", "key=first-key"):
        refused = guarded.search(known, query)
        assert (refused.status, refused.code, refused.message) == (401, "401", "Invalid API key")


def test_who_has_no_key_cannot_tell_what_is_there(guarded):
    """Hostile A2, A11: known or unknown, the answer is the same but for its reference."""
    answers = set()
    for entity in (SUPPLIER, "00-DB-12-34-56-78-90-EE", "%"):
        reply = guarded.search(search_request(CertificateSubjectName=entity), "apikey=wrong")
        answers.add(re.sub(rb"<AuditReference>.*</AuditReference>", b"", reply.body))
    assert len(answers) == 1


# The key archive.


def test_the_archive_has_pairs_that_match(lab, shared):
    head = lab.ask("HEAD", "/assets/crypto/org-crypto.zip")
    assert (head.status, head.headers["content-type"], head.body) == (200, "application/zip", b"")
    got = lab.ask("GET", "/assets/crypto/org-crypto.zip", None, {"Accept-Encoding": "identity"})
    assert len(got.body) == int(head.headers["content-length"]) == int(got.headers["content-length"]) > 0
    archive = zipfile.ZipFile(io.BytesIO(got.body))
    entries = set(archive.namelist())
    found = set()
    for path in entries:
        if path.endswith(".pem"):
            assert "cert" in path.rpartition("/")[0]
            other = path.replace("/cert/", "/key/").removesuffix(".pem") + ".key"
            certificate = x509.load_pem_x509_certificate(archive.read(path))
            pem = archive.read(other)
            assert pem.startswith(b"-----BEGIN PRIVATE KEY-----"), "PKCS 8"
            assert load_pem_private_key(pem, None).public_key() == certificate.public_key()
            found.add(path.rpartition("/")[2].removesuffix(".pem"))
            entries = entries - {path, other}
    assert entries == set()
    named = {entry["name"] for entry in json.loads((shared / "zaz1-test-keys.json").read_bytes())}
    assert found == named - {"mdr-ds", "mdr-ka"}
    assert {"Z1-supplier-ds", "Z1-supplierPP-ka", "dsp-xml-sign-90B3D51F30000002-ds"} <= found


# The rest.


def test_health_tells_which_environment(lab):
    reply = lab.ask("GET", "/health")
    assert (reply.status, json.loads(reply.body)["status"]) == (200, "ok")
    assert json.loads(reply.body)["environment"] == "zaz1-lab"


@pytest.mark.parametrize(
    "path", ["/crl/Z1.crl", "/crl/..%2f..%2fetc%2fpasswd.crl", "/crl/%00.crl", "/arl/ZA.crl", "/crl/../etc/passwd.crl"]
)
def test_lists_that_are_not_there_are_404(lab, path):
    assert lab.ask("GET", path).status == 404


def test_a_slow_client_is_told_so_and_holds_up_nobody(lab):
    """Hostile X13: one octet a second; the others are answered meanwhile."""
    host, _, port = lab.address.partition(":")
    head = f"POST /services/certificatesearch?{KEY} HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\n"
    answered: list[bytes] = []

    def crawl():
        with socket.create_connection((host, int(port)), timeout=15) as connection:
            connection.sendall(f"{head}Content-Length: 1000\r\n\r\n".encode())
            answer = b""
            for _ in range(60):
                if not answer:
                    connection.sendall(b"<")
                connection.settimeout(0.2)
                try:
                    more = connection.recv(4096)
                except TimeoutError:
                    continue
                answer += more
                if not more:
                    break
            answered.append(answer)

    crawlers = [threading.Thread(target=crawl) for _ in range(20)]
    for crawler in crawlers:
        crawler.start()
    worst = 0.0
    for _ in range(50):
        began = time.perf_counter()
        assert lab.search(search_request(CertificateSubjectAltName=DEVICE)).status == 200
        worst = max(worst, time.perf_counter() - began)
    assert worst < 1
    for crawler in crawlers:
        crawler.join(20)
    assert len(answered) == 20
    assert all(answer.startswith(b"HTTP/1.1 408") and b"body_too_slow" in answer for answer in answered)


def test_a_connection_that_never_gets_to_a_request_is_closed(lab):
    host, _, port = lab.address.partition(":")
    with (
        socket.create_connection((host, int(port)), timeout=15) as silent,
        socket.create_connection((host, int(port)), timeout=15) as started,
        socket.create_connection((host, int(port)), timeout=15) as again,
    ):
        started.sendall(b"POST /services/certificatesearch HTTP/1.1\r\nHos")
        again.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        while b"}" not in again.recv(4096):
            continue
        again.sendall(b"GET /health HTTP/1.1\r\nHos")
        assert silent.recv(4096) == b""
        assert started.recv(4096) == b""
        assert again.recv(4096) == b"", "a kept connection has to get to its next request as well"


@pytest.mark.parametrize(
    "octets",
    [
        b"POST /services/certificatesearch HTTP/1.1\r\nHost: x\r\nContent-Length: nonsense\r\n\r\n",
        b"POST /services/certificatesearch HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5000,
    ],
    ids=["length no number", "two lengths", "TLS", "endless head"],
)
def test_what_is_no_http_is_400(lab, octets):
    host, _, port = lab.address.partition(":")
    with socket.create_connection((host, int(port)), timeout=15) as connection:
        connection.sendall(octets)
        assert connection.recv(4096).startswith((b"HTTP/1.1 400", b"HTTP/1.1 431"))
