"""The shape of the catalogue, and that it says what its sources say."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from trustcell.duis import FutureDating, Service, UserRole, response_codes, services


def test_there_are_129_services_with_unique_names_and_bodies() -> None:
    rows = services()
    assert len(rows) == 129
    assert len({service.body_element for service in rows.values()}) == 129
    assert len({service.name for service in rows.values()}) == 129
    assert all(re.fullmatch(r"[A-Z][A-Za-z0-9]+", service.body_element) for service in rows.values())


def test_variants_follow_criticality_with_two_exceptions() -> None:
    rows = services()
    assert Counter(tuple(sorted(service.command_variants)) for service in rows.values()) == {
        (1, 2, 3): 75,
        (4, 5, 6, 7): 36,
        (8,): 16,
        (4, 5): 1,
        (1,): 1,
    }
    assert rows["8.1.1"].command_variants == {4, 5}
    assert rows["8.5"].command_variants == {1}
    differing = {v for v, service in rows.items() if service.command_variants != service.schema_command_variants}
    assert differing == {"7.12", "7.13", "7.14", "7.15"}
    assert rows["7.12"].critical


def test_the_rows_in_scope() -> None:
    handover = services()["6.21"]
    assert (handover.reference, handover.critical, handover.non_device) == ("6.21", False, False)
    assert handover.eligible_roles == {UserRole.IMPORT_SUPPLIER, UserRole.GAS_SUPPLIER}
    assert services()["6.15.1"].future_dated is FutureDating.DEVICE
    assert services()["6.23"].future_dated is FutureDating.DSP_AND_DEVICE
    assert services()["6.20.1"].reference == "6.20"


DATING = {"No": "none", "DSP": "dsp", "Device": "device", "DSP & Device": "dsp device"}


def test_the_catalogue_agrees_with_the_whole_matrix(shared: Path) -> None:
    """srv-matrix.csv column by column; device types may be more than the templates show, never fewer."""
    with (shared / "domain" / "srv-matrix.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["srv"] for row in rows] == list(services())
    for row in rows:
        service = services()[row["srv"]]
        # A spreadsheet has made 6.2 of the references 6.20.
        assert row["service_reference"] == service.reference.replace("6.20", "6.2")
        assert service.name == row["name"]
        assert service.body_element == row["duis_body_element_in_templates"]
        assert {role.value for role in service.eligible_roles} == set(row["eligible_user_roles"].split())
        assert " ".join(map(str, sorted(service.schema_command_variants))) == row["command_variants_xsd"]
        flags = (service.critical, service.non_device, service.on_demand, service.dcc_scheduled)
        columns = ("critical", "non_device", "on_demand", "dcc_scheduled")
        assert flags == tuple(row[column] == "Yes" for column in columns)
        assert service.future_dated.value == DATING[row["future_dated"]]
        assert set(row["template_target_device_types"].split()) - {"DSP"} <= set(service.target_device_types)
        assert (row["template_target_device_types"] == "DSP") == (service.target_device_types == ())
        written = {
            f"{case.name}[{'/'.join(f'{code:04x}' for code in case.message_codes) or '?'}]@{case.device_type}"
            for case in service.use_cases
            if case.source == "matrix"
        }
        assert written == set(row["gbcs_use_cases_with_message_code_at_device"].split())


def test_every_target_has_a_use_case_and_its_codes_are_known(shared: Path) -> None:
    with (shared / "domain" / "message-codes.csv").open(encoding="utf-8", newline="") as stream:
        known = {int(row["code"], 16) for row in csv.DictReader(stream)}
    for service in services().values():
        devices = {case.device_type for case in service.use_cases} - {"DSP"}
        assert devices == set(service.target_device_types), service.variant
        for case in service.use_cases:
            assert case.source in ("matrix", "digest", "assumed")
            assert set(case.message_codes) <= known, case
    handover = services()["6.21"].use_cases_for("GPF")
    assert [(case.name, case.message_codes) for case in handover] == [
        ("CS02bNOByNOHandover", (0x0103,)),
        ("CS02bSupplierBySupplierHandover", (0x0102,)),
    ]
    assert services()["6.21"].use_cases_for("CHF") == ()


def test_the_response_codes_are_those_of_the_schema(shared: Path) -> None:
    text = (shared / "schema" / "DUIS Schema V5.4.xsd").read_text("utf-8")
    block = text[text.index('<xs:simpleType name="ResponseCode">') :]
    block = block[: block.index("</xs:simpleType>")]
    assert set(response_codes()) == set(re.findall(r'value="([^"]+)"', block))
    assert {code for code, since in response_codes().items() if since == "5.4"} == {
        "E050111",
        "E050112",
        "E081406",
        "E110106",
        "E120103",
    }


@pytest.mark.parametrize(
    "field",
    [
        {"reference": "6.1"},
        {"command_variants": frozenset({0})},
        {"critical": True},
        {"non_device": True},
        {"command_variants": frozenset()},
    ],
)
def test_a_row_cannot_contradict_itself(field: dict[str, object]) -> None:
    good = services()["6.21"]
    fields = {name: getattr(good, name) for name in Service.__slots__} | field
    with pytest.raises(ValueError):
        Service(**fields)
