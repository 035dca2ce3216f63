"""The hardened parser: hostile documents of the conformance folders and of families X3, X5 and X7."""

import codecs
import json
import resource
import socket
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell.duis import parse_document, parse_request, verify
from trustcell.vocab import Refused, WireError

PLAIN = b"<a><b>text</b></a>"
CODES = {
    "",
    "xml_dtd_forbidden",
    "xml_encoding_unsupported",
    "xml_limit_exceeded",
    "xml_not_well_formed",
    "xml_pi_forbidden",
}
STAGES = {
    "00-baseline.xml": "signature_invalid",
    "01-doctype-empty.xml": "xml_dtd_forbidden",
    "02-xxe-file.xml": "xml_dtd_forbidden",
    "04-billion-laughs.xml": "xml_dtd_forbidden",
    "05-xinclude.xml": "schema_invalid",
    "06-remote-schema-location.xml": "signature_invalid",
    "07-stylesheet-pi.xml": "xml_pi_forbidden",
    "08-utf16.xml": "xml_encoding_unsupported",
    "10-deep-nesting.xml": "xml_limit_exceeded",
    "11-many-attributes.xml": "xml_limit_exceeded",
    "13-cdata-request-id.xml": "signature_invalid",
    "14-nul-char-ref.xml": "xml_not_well_formed",
    "15-two-headers.xml": "schema_invalid",
    "17-two-payloads.xml": "schema_invalid",
    "20-counter-negative.xml": "schema_invalid",
    "21-counter-leading-zeros.xml": "schema_invalid",
    "23-srv-mismatch.xml": "service_reference_mismatch",
    "24-schema-version.xml": "schema_version_unsupported",
    "25-cert-trailing-bytes.xml": "certificate_trailing_data",
    "27-role-homoglyph.xml": "schema_invalid",
    "30-bom-and-whitespace.xml": "xml_not_well_formed",
}


def code_of(octets: bytes, **limits: int) -> str:
    with pytest.raises(WireError) as refusal:
        parse_document(octets, **limits)
    return refusal.value.code


def outcome(read, octets: bytes) -> str:
    try:
        read(octets)
    except (WireError, Refused) as refusal:
        return refusal.code
    return ""


def verdict(octets: bytes, supplier, schema) -> str:
    try:
        verify(parse_request(octets, schema=schema), supplier.public_key)
    except (WireError, Refused) as refusal:
        return refusal.code
    return "accepted"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("the parser touched the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("with_schema", [False, True])
def test_every_duis_attack_is_refused_by_name(shared: Path, supplier, schema, with_schema: bool) -> None:
    folder = shared / "conformance" / "duis-attacks"
    entries = json.loads((folder / "index.json").read_text("utf-8"))["entries"]
    assert {entry["file"] for entry in entries} == set(STAGES)
    for entry in entries:
        octets = (folder / entry["file"]).read_bytes()
        began = time.process_time()
        first = verdict(octets, supplier, schema if with_schema else None)
        assert time.process_time() - began < 1.0
        assert first == STAGES[entry["file"]], entry["file"]
        assert verdict(octets, supplier, schema if with_schema else None) == first


@pytest.mark.usefixtures("no_network")
def test_every_xml_attack_is_refused_before_anything_expands(shared: Path) -> None:
    folder = shared / "conformance" / "xml-attacks"
    for entry in json.loads((folder / "index.json").read_text("utf-8"))["entries"]:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.process_time()
        assert code_of((folder / entry["file"]).read_bytes()) == "xml_dtd_forbidden", entry["file"]
        assert time.process_time() - began < 1.0
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


@pytest.mark.parametrize(
    "octets",
    [
        b"<!DOCTYPE a><a/>",
        b"<?xml version='1.0'?><!-- c --> <!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
        b"\xef\xbb\xbf<!DOCTYPE a><a/>",
        b"<!-- <a> --><!DOCTYPE a SYSTEM 'http://127.0.0.1:9/x.dtd'><a/>",
        b"<?xml version='1.0'?>\r\n<?pi x?><!DOCTYPE a><a/>",
        b"<!DOCTYPE a [<!ENTITY a '1'><!ENTITY b '&a;&a;'>]><a b='&b;'/>",
    ],
)
def test_a_doctype_is_refused_wherever_it_may_stand(octets: bytes) -> None:
    assert code_of(octets) == "xml_dtd_forbidden"


@pytest.mark.parametrize(
    "octets", [b"<a/><!DOCTYPE a>", b"<a><!DOCTYPE a></a>", b"x<!DOCTYPE a><a/>", b"<!doctype a><a/>"]
)
def test_a_doctype_elsewhere_is_not_well_formed(octets: bytes) -> None:
    assert code_of(octets) == "xml_not_well_formed"


def test_the_letters_of_a_doctype_are_plain_text_in_comments_and_cdata() -> None:
    assert parse_document(b"<!-- <!DOCTYPE a> --><a><![CDATA[<!DOCTYPE a>]]></a>").root.text == "<!DOCTYPE a>"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "cp037"])
def test_other_encodings_are_refused_even_with_a_doctype_inside(encoding: str) -> None:
    text = "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>"
    assert code_of(text.encode(encoding)) == "xml_encoding_unsupported"


@pytest.mark.parametrize("name", ["UTF-7", "ISO-8859-1", "UTF-16", "US-ASCII", "utf8", "windows-1252", "EBCDIC-CP-US"])
def test_other_declared_encodings_are_refused(name: str) -> None:
    assert code_of(f'<?xml version="1.0" encoding="{name}"?><a/>'.encode()) == "xml_encoding_unsupported"


@pytest.mark.parametrize("name", ["UTF-8", "utf-8", "Utf-8"])
def test_utf_8_is_accepted_however_it_is_written(name: str) -> None:
    assert parse_document(f"<?xml version='1.0' encoding='{name}'?><a>\u00e9</a>".encode()).root.text == "\u00e9"


def test_one_byte_order_mark_is_tolerated_and_two_are_not() -> None:
    assert parse_document(codecs.BOM_UTF8 + PLAIN).octets == PLAIN
    assert code_of(codecs.BOM_UTF8 * 2 + PLAIN) == "xml_not_well_formed"
    assert code_of(codecs.BOM_UTF8 + b" <?xml version='1.0'?><a/>") == "xml_not_well_formed"


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b" ",
        b"text",
        b"<a>",
        b"<a></b>",
        b"<a/><b/>",
        b"<a>\x00</a>",
        b"<a>&#0;</a>",
        b"<a>&#x1F;</a>",
        b"<a>\x07</a>",
        b"<a>&#xD800;</a>",
        b"<a>\xed\xa0\x80</a>",
        b"<a>&#xFFFE;</a>",
        b"<a>\xe9</a>",
        b"<a>\xc0\xaf</a>",
        b"<a>&undefined;</a>",
        b"<a b='&undefined;'/>",
        b"<a b='1' b='2'/>",
        b"<x:a/>",
        b"<a>]]></a>",
        b"<?xml version='1.1'?><a/>",
        b"<?xml version='1.0' encoding=UTF-8?><a/>",
        b"<?xml encoding='UTF-8'?><a/>",
        b"<?xml version='1.0'",
        b"<?xml ",
    ],
)
def test_what_is_not_well_formed_is_named_so(octets: bytes) -> None:
    assert code_of(octets) == "xml_not_well_formed"


@pytest.mark.parametrize("octets", [b"<?p x?><a/>", b"<a><?p x?></a>", b"<a/><?p x?>", b"<a><b/><?p?></a>"])
def test_processing_instructions_are_refused(octets: bytes) -> None:
    assert code_of(octets) == "xml_pi_forbidden"


def test_a_comment_cannot_cut_a_value_short() -> None:
    root = parse_document(b"<a>admin<!-- x -->istrator</a>").root
    assert root.text == "administrator"


def test_bounds_refuse_what_no_message_needs() -> None:
    assert code_of(b"<a>" + b"x" * 100 + b"</a>", max_octets=50) == "xml_limit_exceeded"
    assert code_of(b"<a>" + b"x" * (2 * 1024 * 1024) + b"</a>") == "xml_limit_exceeded"
    assert code_of(b"<a>" + b"<b/>" * 30_000 + b"</a>") == "xml_limit_exceeded"
    assert code_of(b"<a>" * 300 + b"</a>" * 300) == "xml_limit_exceeded"
    assert code_of(b"<a " + b" ".join(b"x%d='%d'" % (n, n) for n in range(9_000)) + b"/>") == "xml_limit_exceeded"
    assert code_of(b"<a " + b" ".join(b"xmlns:x%d='u:%d'" % (n, n) for n in range(900)) + b"/>") == "xml_limit_exceeded"
    assert code_of(b"<a>" + b"".join(b"<n%05d/>" % n for n in range(9_000)) + b"</a>") == "xml_limit_exceeded"


@pytest.mark.parametrize(
    "octets",
    [
        b"<a>" + b"<b/>" * 19_000 + b"</a>",
        b"<a>" + b"x" * (2 * 1024 * 1024 - 7) + b"</a>",
        b"<a>" + b"&#65;" * 400_000 + b"</a>",
        b"<a>" + b"<![CDATA[x]]>" * 19_000 + b"</a>",
        b"<" * 2_000_000,
        b"<a>" + b"<!--x-->" * 19_000 + b"</a>",
        b"<!--" + b"-" * 2_000_000,
        b"<?xml " + b" " * 2_000_000,
        b"<a b='" + b"&lt;" * 400_000 + b"'/>",
        b"<a " + b" " * 2_000_000,
    ],
)
def test_the_worst_within_the_bounds_is_quick_and_small(octets: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    assert outcome(parse_document, octets) in ("", "xml_limit_exceeded", "xml_not_well_formed")
    assert time.process_time() - began < 1.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


@given(st.binary(max_size=200))
def test_any_octets_have_a_verdict(octets: bytes) -> None:
    assert outcome(parse_document, octets) in CODES
    assert outcome(parse_request, octets) in CODES | {"schema_invalid"}


@given(
    st.text(max_size=60), st.sampled_from([b"<a>%s</a>", b"<a b='%s'/>", b"%s<a/>", b"<?xml%s?><a/>", b"<!--%s--><a/>"])
)
def test_any_text_in_a_frame_has_a_verdict(text: str, frame: bytes) -> None:
    assert outcome(parse_document, frame.replace(b"%s", text.encode("utf-8", "surrogatepass"))) in CODES
