"""Loading the official schemas: offline, by name, with the failures named."""

from pathlib import Path

import pytest

from trustcell.duis import load_schema, parse_document
from trustcell.vocab import Unavailable, WireError


def test_a_folder_without_schemas_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="there is no DUIS schema"):
        load_schema(tmp_path)
    with pytest.raises(Unavailable, match="does not load"):
        load_schema(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "content", [b"", b"not xml", b"<a/>", b"<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'><xs:x/></xs:schema>"]
)
def test_a_broken_schema_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "DUIS.xsd").write_bytes(content)
    with pytest.raises(Unavailable, match="does not load"):
        load_schema(tmp_path)


def test_a_missing_import_is_named(tmp_path: Path, shared: Path) -> None:
    name = "DUIS Schema V5.4.xsd"
    (tmp_path / name).write_bytes((shared / "schema" / name).read_bytes())
    with pytest.raises(Unavailable):
        load_schema(tmp_path)


def test_an_import_cannot_leave_the_folder(tmp_path: Path) -> None:
    outside = tmp_path / "secret.xsd"
    outside.write_bytes(b"<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' targetNamespace='u:x'/>")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "DUIS.xsd").write_bytes(
        b"<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>"
        b"<xs:import namespace='u:x' schemaLocation='../secret.xsd'/><xs:element name='a'/></xs:schema>"
    )
    with pytest.raises(Unavailable):
        load_schema(inside)


def test_a_reason_is_short_and_names_the_element(schema) -> None:
    long = b"x" * 5000
    octets = b'<sr:Request xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway" schemaVersion="' + long + b'"/>'
    with pytest.raises(WireError) as refusal:
        schema.validate(parse_document(octets))
    assert refusal.value.code == "schema_invalid"
    assert len(refusal.value.reason) <= 200
    assert "Request" in refusal.value.reason
