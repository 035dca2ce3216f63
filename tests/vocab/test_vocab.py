"""Nouns, findings and errors."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell.vocab import CellId, CellUsage, Clause, Eui64, KeyUsage, Refused, RemotePartyRole, Severity, WireError


@given(st.binary(min_size=8, max_size=8))
def test_an_eui64_is_the_same_in_every_spelling(octets):
    eui = Eui64(octets)
    for text in (str(eui), str(eui).lower(), octets.hex(), octets.hex(":")):
        assert Eui64.parse(text) == eui
    assert eui == octets


@pytest.mark.parametrize("text", ["", "90-B3-D5-1F-30-01-00", "90-B3-D5-1F-30-01-00-0G", "90B3D51F3001000", "٩" * 16])
def test_what_is_no_eui64_is_refused(text):
    with pytest.raises(ValueError, match="is not an EUI-64"):
        Eui64.parse(text)


@pytest.mark.parametrize("length", [0, 7, 9])
def test_an_eui64_has_eight_octets(length):
    with pytest.raises(ValueError, match="8 octets"):
        Eui64(bytes(length))


def test_a_cell_is_named_by_role_usage_and_purpose():
    top_up = CellId(RemotePartyRole.SUPPLIER, KeyUsage.KEY_AGREEMENT, CellUsage.PRE_PAYMENT_TOP_UP)
    assert str(top_up) == "supplier/keyAgreement/prePaymentTopUp"
    assert (
        str(CellId(RemotePartyRole.NETWORK_OPERATOR, KeyUsage.DIGITAL_SIGNATURE)) == "networkOperator/digitalSignature"
    )


def test_every_role_and_usage_has_the_spelling_of_the_code_book():
    assert RemotePartyRole.TRANSITIONAL_COS.title == "transitionalCoS"
    assert all(role.title for role in RemotePartyRole)
    assert (KeyUsage.KEY_CERT_SIGN | KeyUsage.CRL_SIGN).title == "keyCertSign+cRLSign"


def test_a_finding_names_clause_field_and_remedy_in_one_sentence():
    clause = Clause("SEC L11.4B", "SEC Section L, as amended by MP261", date(2024, 2, 29))
    finding = clause.breach("role-not-listed", "role", "the role is supplier", "ask for a listed role", role=2)
    assert str(finding) == "role: the role is supplier (SEC L11.4B; ask for a listed role) [role-not-listed]"
    assert finding.as_json()["facts"] == {"role": "2"}
    assert finding.severity is Severity.ERROR


def test_a_refusal_needs_a_reason_and_carries_its_code():
    with pytest.raises(ValueError, match="at least one finding"):
        Refused([])
    finding = Clause("X", "Y").breach("some_code", "field", "is wrong")
    assert Refused([finding]).code == "some_code"


def test_a_wire_error_keeps_its_place_when_seen_from_outside():
    error = WireError(3, "serial", "an INTEGER expected", "certificate_not_der").moved(10, "path[0]")
    assert (error.offset, error.path, error.code) == (13, "path[0].serial", "certificate_not_der")
    assert str(error) == "offset 13, path[0].serial: an INTEGER expected [certificate_not_der]"
