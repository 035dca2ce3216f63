"""Messages for people and for JSON: every visible RTDS 4.5.0 message renders, in the spelling of GBCS."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell import gbcs
from trustcell.certs import Certificate
from trustcell.gbcs import Cra, Message, Node, as_plain, as_tree
from trustcell.gbcs.dlms import Service
from trustcell.gbcs.dlms.names import names_of, obis_text
from trustcell.gbcs.gbz.names import GENERAL_COMMANDS, attribute_name, cluster_name, command_name
from trustcell.gbcs.render_dlms import data_as_plain, date_time_text
from trustcell.vocab import WireError
from wire.gbcs.rtds import NO_BY_NO, NO_BY_NO_RESPONSE, PARTIES, ring, vector, vectors


def no_certificate(_: bytes) -> None:
    return None


def key_id(der: bytes) -> dict[str, Any] | None:
    try:
        identifier = Certificate.from_der(der).subject_key_identifier
    except WireError:
        return None
    return {"ski": identifier.hex() if identifier else None}


def plain(shared: Path, name: str) -> dict[str, Any]:
    rendered = as_plain(vector(shared, name).message, key_id)
    assert json.loads(json.dumps(rendered)) == rendered
    return rendered


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def test_every_visible_message_renders(shared: Path) -> None:
    for each in vectors(shared).values():
        rendered = as_plain(each.message, key_id)
        assert json.loads(json.dumps(rendered)) == rendered, each.name
        assert [*rendered] == ["header", "payload", "protection"]
        tree = as_tree(rendered, each.name)
        assert all(node.label.isprintable() and node.text.isprintable() for node in nodes(tree))
        assert sum(1 for _ in nodes(tree)) > 10


def test_header_and_protection(shared: Path) -> None:
    rendered = plain(shared, NO_BY_NO_RESPONSE)
    header = rendered["header"]
    assert header["kind"] == "response"
    assert (header["message_code"], header["use_case"]) == ("0103", "CS02b")
    assert header["service_references"] == ["6.15.1", "6.21"]
    assert (header["originator"], header["target"]) == ("00-DB-12-34-56-78-90-A0", "90-B3-D5-1F-30-02-00-00")
    assert header["originator_counter"] == 1200
    assert header["date_time"] == "2015-01-01T00:00:00Z (status not stated)"
    assert rendered["protection"]["shape"] == "signed"
    assert len(rendered["protection"]["signature"]) == 128
    assert rendered["protection"]["mac"] is None


def test_supplementary_fields(shared: Path) -> None:
    header = plain(shared, "ECS21b_4.14_URP_SUCCESS_RESPONSE")["header"]
    assert header["supplementary"]["party"] == "90-B3-D5-1F-30-01-00-00"
    assert header["supplementary"]["originator_counter"] == 2002
    asked = plain(shared, "ECS21b_4.14_URP_SUCCESS_COMMAND")["header"]["supplementary"]
    assert [*asked["certificate"]] == ["ski"]


def test_a_command_in_the_words_of_gbcs(shared: Path) -> None:
    body = plain(shared, NO_BY_NO)["payload"]
    assert body["type"] == "UpdateSecurityCredentials"
    assert body["authorisingRemotePartyControl"] == {
        "credentialsReplacementMode": "networkOperatorByNetworkOperator (3)",
        "authorisingRemotePartySeqNumber": 1200,
        "authorisingRemotePartyTACellIdentifier": "networkOperator/digitalSignature",
        "applyTimeBasedCPVChecks": "apply (0)",
        "newRemotePartyFloorSeqNumber": 0,
    }
    assert body["replacements"][0] == {
        "replacementCertificate": {"ski": "4238d306b6f725a2"},
        "targetTrustAnchorCell": "networkOperator/digitalSignature",
    }
    assert body["certificationPathCertificates"] == [{"ski": "4f5688d7ec933be2"}]


def test_a_response_in_the_words_of_gbcs(shared: Path) -> None:
    outcome = plain(shared, NO_BY_NO_RESPONSE)["payload"]["executionOutcome"]
    assert outcome["remotePartySeqNumberChanges"] == [{"remotePartyRole": "networkOperator (3)", "floorSeqNumber": 0}]
    assert outcome["replacementOutcomes"][0] == {
        "affectedTrustAnchorCell": "networkOperator/digitalSignature",
        "statusCode": "success (0)",
        "existingSubjectUniqueID": "90-B3-D5-1F-30-02-00-00",
        "existingSubjectKeyIdentifier": "48cf97fa9f827fb5",
        "replacingSubjectUniqueID": "90-B3-D5-1F-30-02-00-00",
        "replacingSubjectKeyIdentifier": "4238d306b6f725a2",
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("CS02bSupplierBySupplier_6.15.1_CANCELLATION_SUCCESS_COMMAND", '"executionDateTime": "never"'),
        ("CS02bSupplierBySupplier_6.15.1_IMMEDIATE_ERROR_RESPONSE", '"statusCode": "noTrustAnchor (10)"'),
        ("CS02bSupplierBySupplier_6.15.1_IMMEDIATE_SUCCESS_COMMAND", '"applyTimeBasedCPVChecks": "disapply (1)"'),
        ("CS02bSupplierByTransCoS_6.23_IMMEDIATE_SUCCESS_COMMAND", '"supplierByTransCoS (7)"'),
        ("CS02bSupplierByTransCoS_6.23_IMMEDIATE_SUCCESS_COMMAND", "supplier/keyAgreement/prePaymentTopUp"),
        ("CS02bSupplierBySupplier_6.15.1_8F66_FUTURE_DATED_SUCCESS_ALERT", '"alertCode": "8F66 ('),
        ("CS02bSupplierBySupplier_6.15.1_8F66_FUTURE_DATED_SUCCESS_ALERT", '"2030-01-15T00:00:00Z"'),
        ("CS02aMAC_6.24.1_ERROR_RESPONSE", '"statusCode": "trustAnchorNotFound (25)"'),
        ("CS07_8.9_SUCCESS_RESPONSE", '"deviceType": "'),
        ("GCA-DLMS_NA_8F30_ALERT", '"alert_code": "8F30 (sender has no authority for this command)"'),
        ("GCA-DLMS_NA_8F30_ALERT", '"alert_date_time": "2015-01-01T00:00:00Z'),
    ],
)
def test_meanings_stand_beside_numbers(shared: Path, name: str, words: str) -> None:
    assert words in json.dumps(plain(shared, name))


def test_gbz_and_dlms_details(shared: Path) -> None:
    kinds = {"codes": 0, "times": 0, "results": 0}
    for each in vectors(shared).values():
        body = as_plain(each.message, no_certificate)["payload"]
        body = body.get("frame", body)
        if body["type"] == "GbzAlert":
            assert " (" in body["alert_code"], each.name
            assert body["alert_date_time"].startswith("20"), each.name
            kinds["codes"] += 1
        for component in body.get("components", []):
            assert len(component["cluster"]) == 4
            kinds["times"] += component.get("from_date_time", "").startswith("20")
        results = body.get("results", [])
        kinds["results"] += any((each["service"], each["result"]) == ("action", "success (0)") for each in results)
    assert min(kinds.values()) > 0, kinds


def test_everything_that_the_visible_messages_address_has_a_name(shared: Path) -> None:
    """Objects, classes, attributes, methods, clusters, commands, attributes, fields: none is only a number."""
    instructions = components = 0
    for each in vectors(shared).values():
        body = as_plain(each.message, no_certificate)["payload"]
        body = body.get("frame", body)
        for instruction in body.get("instructions", []):
            names = [instruction[key] for key in ("object", "class", "attribute", "method") if key in instruction]
            assert len(names) == 3, each.name
            assert all(" (" in name for name in names), (each.name, names)
            instructions += 1
        for component in body.get("components", []):
            assert component["cluster_name"], each.name
            assert " (" in component["command"], (each.name, component["command"])
            named = [a if isinstance(a, str) else a["attribute"] for a in component.get("attributes", [])]
            named += [component["answers"]] if component.get("answers", "FF") != "FF" else []
            assert all(" (" in name for name in named), (each.name, named)
            components += 1
    assert instructions > 1000
    assert components >= 500


def test_every_address_of_the_reference_set_has_a_name(shared: Path) -> None:
    """The digest lists what all 1,275 messages address, the held-back ones included; our tables name all of it."""
    with (shared / "domain" / "dlms-objects.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        service = Service.ACTION if row["element"] == "method" else Service.GET
        names = names_of(int(row["class_id"]), bytes.fromhex(row["obis_hex"]), int(row["index"]), service)
        assert None not in (names.class_name, names.object, names.element), row
        assert obis_text(bytes.fromhex(row["obis_hex"])) == row["obis"]
    with (shared / "domain" / "gbz-commands.csv").open() as lines:
        commands = list(csv.DictReader(lines))
    for row in commands:
        cluster, number, server = int(row["cluster"], 16), int(row["id"], 16), row["direction"] == "server-to-client"
        assert cluster_name(cluster), row
        if row["command_kind"] == "attribute":
            assert attribute_name(cluster, number), row
        elif row["command_kind"] == "cluster":
            assert command_name(cluster, server, number), row
        else:
            assert number in GENERAL_COMMANDS, row
    assert (len(rows), len(commands)) == (311, 146)


def test_a_protected_read_in_names(shared: Path) -> None:
    (instruction,) = plain(shared, "ECS21b_4.14_URP_SUCCESS_COMMAND")["payload"]["instructions"]
    assert instruction["object"] == "protected daily prepayment log (0-0:43.2.6.255)"
    read = instruction["data"]["protected_read"]
    assert read["objects"] == [
        {
            "object": "daily prepayment log (0-0:98.1.8.255)",
            "class": "profile (7)",
            "attribute": "buffer (2)",
            "between": ["2014-12-25T23:30:00Z (status not stated)", "2015-01-01T00:00:00Z (status not stated)"],
        }
    ]
    assert read["recipient"] == "00-DB-12-34-56-78-90-A0"
    (result,) = plain(shared, "ECS21b_4.14_URP_SUCCESS_RESPONSE")["payload"]["results"]
    protection, encrypted = result["data"]["structure"]
    assert protection == {
        "protection": {
            "counter": 1302,
            "originator": "00-DB-12-34-56-78-90-A0",
            "recipient": "90-B3-D5-1F-30-00-00-02",
        }
    }
    assert [*encrypted] == ["encrypted"]


def test_a_typed_payload_keeps_its_frame_beside_it(shared: Path) -> None:
    body = plain(shared, "ECS70_6.11_SUCCESS_COMMAND")["payload"]
    assert body["type"] == "SetClock"
    assert body["validity_interval_start"] == "2014-12-31T23:59:10Z"
    assert [each["service"] for each in body["frame"]["instructions"]] == ["set", "action", "action", "get", "get"]
    assert body["frame"]["instructions"][1]["method"] == "preset adjusting time (5)"
    assert body["frame"]["instructions"][1]["data"]["structure"][0]["date_time"] == "never"
    failed = plain(shared, "ECS70_6.11_ERROR_RESPONSE")["payload"]
    assert (failed["type"], failed["at"], failed["result"]) == ("InstructionFailed", 3, 1)
    assert failed["frame"]["results"][4]["result"] == "other reason (250)"


@pytest.mark.parametrize(
    ("octets", "plain_data"),
    [
        ("00", "null"),
        ("03FF", {"boolean": True}),
        ("0403A0", {"bit-string": "101"}),
        ("0C0161", {"utf8-string": "a"}),
        ("0102 1101 1605", {"array": [{"unsigned": 1}, {"enum": 5}]}),
        (
            "090C 07DF0101FF000000008000FF",
            {"octet-string": "07df0101ff000000008000ff", "date_time": "2015-01-01T00:00:00Z (status not stated)"},
        ),
        (
            "13 0203 06 01 0002 11 09 09 00000005 0102 020A0B",
            {
                "compact-array": {
                    "row": {"structure": ["double-long-unsigned", {"2 times": "unsigned"}, "octet-string"]},
                    "rows": [[5, [1, 2], "0a0b"]],
                }
            },
        ),
        ("13 04 02 03A0", {"compact-array": {"row": "bit-string", "rows": ["101"]}}),
    ],
)
def test_values_of_dlms_in_words(octets: str, plain_data: Any) -> None:
    assert data_as_plain(gbcs.dlms.decode_data(bytes.fromhex(octets))) == plain_data


def test_plaintexts_are_decoded(shared: Path) -> None:
    seen: dict[str, int] = {}
    for each in vectors(shared).values():
        opened = ring(shared).open_parts(each.message, gbcs.decode_payload(each.message))
        for part in gbcs.parts_as_plain(each.message, opened):
            assert json.loads(json.dumps(part)) == part
            (key,) = part.keys() - {"part"}
            seen[key] = seen.get(key, 0) + 1
    assert seen == {"data": 10, "attributes": 7, "fields": 8}


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        ("07DF0101FF000000008000FF", "2015-01-01T00:00:00Z (status not stated)"),
        ("07DF0101FF00000000800000", "2015-01-01T00:00:00Z (reliable)"),
        ("07DF0101FF00000000800004", "2015-01-01T00:00:00Z (reliable, by the clock of the GSME)"),
        ("07DF0101FF00000000800002", "2015-01-01T00:00:00Z (unreliable)"),
        ("07DF0101FF00000000800006", "2015-01-01T00:00:00Z (unreliable, by the clock of the GSME)"),
        ("07DF0101FF00000000003C81", "2015-01-01T00:00:00 deviating 60 minutes (status 81)"),
        ("FFFFFFFFFFFFFFFFFF8000FF", "never"),
        ("0000000000000000008000FF", "now"),
        ("FFFF0CFFFF0A00FF008000FF", "*-12-*T10:00:*Z (status not stated)"),
        ("0000FEFDFF181818001234FF", "0000-254-253T24:24:24 deviating 4660 minutes (status not stated)"),
    ],
)
def test_date_times_of_the_header(octets: str, text: str) -> None:
    assert date_time_text(bytes.fromhex(octets)) == text


@pytest.mark.parametrize(
    ("code", "cra", "octets", "body"),
    [
        (0xFFFF, Cra.COMMAND, "0102", {"type": "UnknownPayload", "octets": "0102"}),
        (0x000F, Cra.COMMAND, "04083132333435363738", {"type": "Eui64", "value": "31-32-33-34-35-36-37-38"}),
        (0x0013, Cra.COMMAND, "0500", {"type": "NoneType", "value": None}),
        (0x000B, Cra.COMMAND, "30020500", {"type": "bytes", "value": "30020500"}),
        (0x000D, Cra.RESPONSE, "02010D", {"type": "JoinResult", "value": "noCBKEResponse (13)"}),
        (0x000A, Cra.RESPONSE, "020103", {"type": "IssueCredentialsFailure", "value": "cRProductionFailed (3)"}),
        (0x000A, Cra.COMMAND, "300403020780", {"type": "DeviceCredentialRequest", "keyUsage": "digitalSignature"}),
        (0x0008, Cra.RESPONSE, "3000", {"type": "list", "value": []}),
    ],
)
def test_bare_values(code: int, cra: Cra, octets: str, body: dict[str, Any]) -> None:
    message = Message(cra, 1, PARTIES["Sup"], PARTIES["A0"], code, bytes.fromhex(octets))
    rendered = as_plain(message, no_certificate)
    assert rendered["payload"] == body
    assert as_tree(rendered).label == "message"


@pytest.mark.parametrize(
    ("date", "text"), [("00000000", "now"), ("FFFFFFFF", "never"), ("1C0E6C00", "2014-12-01T00:00:00Z")]
)
def test_dates_of_gbz_components(date: str, text: str) -> None:
    octets = bytes.fromhex("010901 11 0702 0007" + date + "000000")
    message = Message(Cra.COMMAND, 1, PARTIES["Sup"], PARTIES["A1"], 0x0084, octets)
    assert as_plain(message, no_certificate)["payload"]["components"][0]["from_date_time"] == text


def test_a_payload_that_does_not_decode_is_a_wire_error() -> None:
    message = Message(Cra.COMMAND, 1, PARTIES["Sup"], PARTIES["A0"], 0x0103, b"\x31")
    with pytest.raises(WireError):
        as_plain(message, no_certificate)


@given(st.text(), st.text())
def test_text_from_outside_stays_on_its_line(label: str, text: str) -> None:
    tree = as_tree({"a": {label: text}, "b": [text, text], "c": [{label: [text]}], "d": None, "e": []}, label)
    for node in nodes(tree):
        assert node.label.isprintable()
        assert node.text.isprintable()


def test_a_value_of_dlms_takes_one_line() -> None:
    tree = as_tree(
        {"data": {"unsigned": 1}, "structure": [{"enum": 5}, "null", {"array": [{"enum": 1}]}], "e": {"a": None}}
    )
    assert [(node.label, node.text) for node in nodes(tree)] == [
        ("message", ""),
        ("data", "unsigned: 1"),
        ("structure", ""),
        ("structure[0]", "enum: 5"),
        ("structure[1]", "null"),
        ("structure[2]", ""),
        ("array", ""),
        ("array[0]", "enum: 1"),
        ("e", "a: none"),
    ]


def test_steering_characters_are_spelt_out() -> None:
    (child,) = as_tree({"a": "\x1b[31mred\nline \u202eback [bold]"}).children
    assert child.text == "\\x1b[31mred\\nline \\u202eback [bold]"


@given(st.binary(max_size=120), st.sampled_from([0x0103, 0x0008, 0x0034, 0x1000, 0x0012]), st.sampled_from(Cra))
def test_any_payload_renders_or_is_refused(octets: bytes, code: int, cra: Cra) -> None:
    for head in (b"", b"\x0f\x20\x00\x00\x01\x00", b"\x01\x09\x01", b"\xda\x20\x00\x00\x01\x00\x00"):
        message = Message(cra, 1, PARTIES["Sup"], PARTIES["A0"], code, head + octets)
        try:
            rendered = as_plain(message, key_id)
        except WireError:
            continue
        assert json.loads(json.dumps(rendered)) == rendered
        assert list(nodes(as_tree(rendered)))


def test_the_front_door_names_what_it_gives() -> None:
    assert len({*gbcs.__all__}) == len(gbcs.__all__)
    assert all(hasattr(gbcs, name) for name in gbcs.__all__)
