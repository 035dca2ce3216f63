"""ASN.1 use cases: every visible RTDS 4.5.0 payload comes back octet for octet, every value we can make reads back."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustcell import gbcs
from trustcell.gbcs import Cra, Message, UnknownPayload, decode_payload, encode_payload
from trustcell.gbcs.dlms import AccessRequest
from trustcell.gbcs.usecases import common, cs02a, cs02b, cs02cde, device_logs, firmware, gcs28, joining
from trustcell.gbcs.usecases.table import ASN1_USE_CASES, wire_names
from trustcell.vocab import (
    MAX_SEQ_NUMBER,
    CellId,
    CellUsage,
    DeviceType,
    Eui64,
    KeyUsage,
    RemotePartyRole,
    WireError,
)
from wire.gbcs.rtds import NO_BY_NO, asn1, payload, vector, vectors

SEQ_NUMBERS = st.integers(0, MAX_SEQ_NUMBER)
ENTITIES = st.binary(min_size=8, max_size=8).map(Eui64)
KEY_IDS = st.binary(min_size=8, max_size=8)
VERSIONS = st.binary(min_size=4, max_size=4)
CODES = st.integers(0, 0xFFFFFFFF)
TIMES = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)).map(
    lambda time: time.replace(microsecond=0, tzinfo=UTC)
)
ROLES = st.sampled_from([role for role in RemotePartyRole if role < 128])
USAGES = st.integers(1, 511).map(KeyUsage)
CELLS = st.builds(CellId, ROLES, USAGES, st.sampled_from(CellUsage))
CERTIFICATES = st.binary(max_size=300).map(lambda body: b"\x30\x82" + (len(body) + 128).to_bytes(2) + bytes(128) + body)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), values)


def listed(values: st.SearchStrategy[Any], least: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, min_size=least, max_size=4).map(tuple)


SPECIALISTS = listed(st.builds(common.SpecialistSeqNumber, st.just(0), SEQ_NUMBERS))
CHANGES = listed(st.builds(common.RemotePartySeqNumberChange, ROLES, SEQ_NUMBERS, maybe(SPECIALISTS)))
ENTRIES = listed(st.builds(common.LogEntry, ENTITIES, st.sampled_from(DeviceType)))
CONTROLS = st.builds(
    cs02b.AuthorisingRemotePartyControl,
    st.sampled_from(cs02b.CredentialsReplacementMode),
    SEQ_NUMBERS,
    maybe(CELLS),
    st.sampled_from(cs02b.TimeBasedChecks),
    maybe(SEQ_NUMBERS),
    maybe(SPECIALISTS),
    maybe(CHANGES),
    maybe(st.binary(max_size=40)),
)
REPLACEMENT_OUTCOMES = st.builds(
    cs02b.ReplacementOutcome, CELLS, st.sampled_from(common.StatusCode), ENTITIES, KEY_IDS, ENTITIES, KEY_IDS
)
OUTCOMES = st.builds(
    cs02b.ExecutionOutcome,
    SEQ_NUMBERS,
    st.sampled_from(cs02b.CredentialsReplacementMode),
    CHANGES,
    listed(REPLACEMENT_OUTCOMES),
)
ACTIVATIONS = st.builds(firmware.ActivationOutcome, st.sampled_from(firmware.ActivateImageResponseCode), VERSIONS)
CELL_DETAILS = st.builds(cs02a.CellDetails, USAGES, st.sampled_from(CellUsage), ENTITIES, KEY_IDS)
JOINED = st.builds(
    device_logs.RestoredEntry,
    st.builds(common.LogEntry, ENTITIES, st.sampled_from(DeviceType)),
    st.sampled_from(joining.JoinResult),
)
C, R, A = Cra.COMMAND, Cra.RESPONSE, Cra.ALERT
VALUES: dict[tuple[int, Cra], st.SearchStrategy[Any]] = {
    (0x0008, C): st.builds(cs02a.ProvideCredentialDetails, CELLS, listed(ROLES)),
    (0x0008, R): listed(
        st.builds(
            cs02a.RoleDetails,
            ROLES,
            st.sampled_from(common.StatusCode),
            maybe(SEQ_NUMBERS),
            maybe(listed(CELL_DETAILS)),
        )
    ),
    (0x000A, C): st.builds(cs02cde.DeviceCredentialRequest, USAGES),
    (0x000A, R): st.one_of(st.sampled_from(cs02cde.IssueCredentialsFailure), CERTIFICATES),
    (0x000B, C): CERTIFICATES,
    (0x000B, R): st.sampled_from(cs02cde.UpdateDeviceCertificateResult),
    (0x000C, C): st.builds(cs02cde.DeviceCredentialRequest, USAGES),
    (0x000C, R): st.one_of(st.sampled_from(cs02cde.ProvideDeviceCertificateFailure), CERTIFICATES),
    (0x000D, C): st.builds(
        joining.JoinDevice,
        st.sampled_from(joining.JoinMethodAndRole),
        ENTITIES,
        st.sampled_from(DeviceType),
        maybe(CERTIFICATES),
    ),
    (0x000D, R): st.sampled_from(joining.JoinResult),
    (0x000F, C): ENTITIES,
    (0x000F, R): st.sampled_from(joining.UnjoinResult),
    (0x0012, C): st.builds(firmware.ActivateFirmware, st.binary(min_size=32, max_size=32), SEQ_NUMBERS, maybe(TIMES)),
    (0x0012, R): maybe(ACTIVATIONS),
    (0x0013, C): st.none(),
    (0x0013, R): st.builds(device_logs.DeviceLog, st.sampled_from(device_logs.ReadLogResult), maybe(ENTRIES)),
    (0x007F, C): st.builds(gcs28.SetTime, TIMES, TIMES),
    (0x007F, R): st.builds(gcs28.TimeSet, TIMES, st.sampled_from(gcs28.DeviceTimeStatus)),
    (0x008C, C): st.builds(device_logs.RestoreDeviceLog, ENTRIES),
    (0x008C, R): st.builds(device_logs.RestoredDeviceLog, listed(JOINED)),
    (0x00B2, A): st.builds(device_logs.DeviceLogAlert, CODES, TIMES, ENTRIES),
    (0x00CA, A): st.builds(firmware.ActivateFirmwareAlert, CODES, TIMES, SEQ_NUMBERS, ACTIVATIONS),
    (0x00CB, A): st.builds(cs02b.UpdateSecurityCredentialsAlert, CODES, TIMES, OUTCOMES),
    (0x0103, C): st.builds(
        cs02b.UpdateSecurityCredentials,
        CONTROLS,
        listed(st.builds(cs02b.Replacement, CERTIFICATES, CELLS)),
        listed(CERTIFICATES),
        maybe(TIMES),
    ),
    (0x0103, R): st.builds(cs02b.UpdateSecurityCredentialsResponse, maybe(OUTCOMES)),
    (0x0128, A): st.builds(
        firmware.ImageTransferAlert, CODES, TIMES, ENTITIES, VERSIONS, st.sampled_from(firmware.ImageTransferResult)
    ),
    (0x0129, C): st.none(),
    (0x0129, R): st.builds(firmware.FirmwareVersion, VERSIONS, st.sampled_from(firmware.ReadResult)),
    (0x012B, A): st.builds(firmware.FirmwareVersionAlert, CODES, TIMES, VERSIONS, st.sampled_from(firmware.ReadResult)),
}
MODEL = Message(C, 1000, Eui64(bytes(8)), Eui64(bytes(8)), 0x0008, b"")


def carrying(code: int, cra: Cra, octets: bytes) -> Message:
    return Message(cra, 1000, MODEL.originator, MODEL.target, code, octets)


def test_every_visible_asn1_payload_comes_back_octet_for_octet(shared: Path) -> None:
    assert len(asn1(shared)) == 137
    for each in asn1(shared):
        value = decode_payload(each.message)
        assert encode_payload(each.message.message_code, each.message.cra, value) == each.message.payload, each.name


def test_every_visible_payload_is_of_the_kind_its_code_says(shared: Path) -> None:
    for each in vectors(shared).values():
        row = gbcs.message_code(each.message.message_code)
        assert row is not None
        kind = gbcs.payload_kind(each.message)
        assert kind is not None
        assert row.payload in (kind, "mixed"), each.name
        assert gbcs.is_asn1(each.message) == (kind == "asn1")
        assert (gbcs.decode_frame(each.message) is None) == (kind == "asn1")


@pytest.mark.parametrize("key", VALUES, ids=[f"{code:04X}-{cra.name}" for code, cra in VALUES])
@given(data=st.data())
def test_values_we_make_read_back(key: tuple[int, Cra], data: st.DataObject) -> None:
    value = data.draw(VALUES[key])
    octets = encode_payload(*key, value)
    assert decode_payload(carrying(*key, octets)) == value


def test_the_values_cover_every_asn1_type_of_the_table() -> None:
    made = {id(ASN1_USE_CASES[code][cra]) for code, cra in VALUES}
    assert made >= {id(asn1) for row in ASN1_USE_CASES.values() for asn1 in row.values()}
    assert {*ASN1_USE_CASES} == {
        0x0008, *range(0x000A, 0x0011), 0x0012, 0x0013, 0x007F, 0x008C, 0x00AB, 0x00AF, 0x00B2, 0x00CA, 0x00CB,
        *range(0x0100, 0x010A), 0x011B, *range(0x0124, 0x0127), 0x0128, 0x0129, 0x012B,
    }  # fmt: skip


@pytest.mark.parametrize("key", VALUES, ids=[f"{code:04X}-{cra.name}" for code, cra in VALUES])
def test_a_value_of_another_kind_is_a_value_error(key: tuple[int, Cra]) -> None:
    for wrong in (object(), 5, "5", (object(),), (MODEL,), MODEL, AccessRequest(1, ())):
        with pytest.raises(ValueError):
            encode_payload(*key, wrong)


def test_a_direction_that_a_use_case_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match="0103 has no alert"):
        encode_payload(0x0103, A, UnknownPayload(b"\x05\x00"))
    with pytest.raises(WireError) as caught:
        decode_payload(carrying(0x00CB, C, b"\x05\x00"))
    assert caught.value.code == "gbcs_message_code"
    with pytest.raises(ValueError, match="0034 does not carry"):
        encode_payload(0x0034, C, None)


def test_an_unknown_code_keeps_its_octets() -> None:
    for octets in (b"", b"\x30\x00", bytes(300)):
        value = decode_payload(carrying(0xFFFF, R, octets))
        assert value == UnknownPayload(octets)
        assert encode_payload(0xFFFF, R, value) == octets
        assert gbcs.encrypted_parts(value) == ()


@pytest.mark.parametrize(
    ("old", "new", "path", "code"),
    [
        ("020103A2", "02010CA2", "authorisingRemotePartyControl.credentialsReplacementMode", "asn1_value"),
        ("830204B0", "83020001", "authorisingRemotePartyControl.authorisingRemotePartySeqNumber", "asn1_integer"),
        ("830204B0", "8302F4B0", "authorisingRemotePartyControl.authorisingRemotePartySeqNumber", "asn1_integer"),
        ("840100", "8401FF", "authorisingRemotePartyControl.newRemotePartyFloorSeqNumber", "asn1_integer"),
        (
            "A207020103",
            "A207020109",
            "authorisingRemotePartyControl.authorisingRemotePartyTACellIdentifier.remotePartyRole",
            "asn1_value",
        ),
        ("30070201030302078030", "30070201030302078130", "replacements[0].targetTrustAnchorCell.keyUsage",
         "asn1_bit_string"),
        ("308201A0", "318201A0", "replacements[0]", "asn1_tag"),
        ("840100", "860100", "authorisingRemotePartyControl", "asn1_trailing"),
    ],
)  # fmt: skip
def test_the_path_of_a_misfit_is_spelled_as_in_gbcs(shared: Path, old: str, new: str, path: str, code: str) -> None:
    octets = vector(shared, NO_BY_NO).message.payload
    assert bytes.fromhex(old) in octets
    changed = octets.replace(bytes.fromhex(old), bytes.fromhex(new), 1)
    with pytest.raises(WireError) as caught:
        decode_payload(carrying(0x0103, C, changed))
    assert (caught.value.path, caught.value.code) == (path, code)
    assert octets[caught.value.offset - 2 :] != changed[caught.value.offset - 2 :] or code == "asn1_trailing"


def test_names_of_gbcs_for_every_attribute() -> None:
    names = wire_names()
    assert names[cs02b.ReplacementOutcome]["existing_entity"] == "existingSubjectUniqueID"
    assert names[cs02b.UpdateSecurityCredentials]["execution_date_time"] == "executionDateTime"
    assert names[cs02b.ExecutionOutcome]["replacement_outcomes"] == "replacementOutcomes"
    assert names[cs02a.RoleDetails]["cells"] == "trustAnchorCellsDetails"
    assert names[common.LogEntry] == {"device": "deviceEntityIdentifier", "device_type": "deviceType"}
    for attributes in names.values():
        assert len({*attributes.values()}) == len(attributes)


def mutations(octets: bytes) -> list[tuple[str, Callable[[], bytes]]]:
    """A payload cut at every octet, and with every octet changed."""
    cuts = [(f"cut {at}", lambda at=at: octets[:at]) for at in range(len(octets))]
    changes = [
        (f"octet {at}", lambda at=at: octets[:at] + bytes((octets[at] ^ 0x11,)) + octets[at + 1 :])
        for at in range(len(octets))
    ]
    return cuts + changes


def test_cut_and_bent_payloads_of_every_use_case_get_a_verdict(shared: Path) -> None:
    shortest: dict[tuple[int, Cra], bytes] = {}
    for each in asn1(shared):
        key = (each.message.message_code, each.message.cra)
        shortest[key] = min(shortest.get(key, each.message.payload), each.message.payload, key=len)
    assert len(shortest) > 30
    for (code, cra), octets in shortest.items():
        for what, mutation in mutations(octets[:400]):
            changed = mutation()
            try:
                value = decode_payload(carrying(code, cra, changed))
            except WireError as error:
                named = bool(error.path) and 0 <= error.offset <= len(changed)
            else:
                named = encode_payload(code, cra, value) == changed
            assert named, (f"{code:04X}", cra, what)


def test_a_symmetric_key_does_not_show_in_text(shared: Path) -> None:
    control = payload(shared, NO_BY_NO).control
    secret = cs02b.AuthorisingRemotePartyControl(control.mode, 1, plaintext_symmetric_key=b"sesame")
    assert "sesame" not in repr(secret)
