"""The acceptance table of gbcs.md 8 (RTDS 4.5.0, public) and the facts below it, row by row and bullet by bullet."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from trustcell import gbcs
from trustcell.gbcs import (
    NEVER,
    CredentialsReplacementMode,
    Shape,
    StatusCode,
    TimeBasedChecks,
    Verdict,
    check_utrn,
    decode,
    derive_key,
    mac_key_info,
    parse_utrn,
    payload_key_info,
    signed_octets,
)
from trustcell.gbcs.protect import decrypt
from trustcell.vocab import CellId, Eui64, KeyUsage, RemotePartyRole, WireError
from wire.gbcs.rtds import (
    HANDOVER,
    HANDOVER_RESPONSE,
    NO_BY_NO,
    NO_BY_NO_RESPONSE,
    PARTIES,
    agreement_key,
    payload,
    ring,
    vector,
    vectors,
)

# SBYS: SupplierBySupplier, SBYT: SupplierByTransCoS.
# file | length | code | CRA | counter | from>to | length of OtherInformation | protection | K | SHA-256
TABLE = """
CS02bNOByNO_6.15.1_SUCCESS_PRECOMMAND 1328 0103 1 1200 NO>A0 2 pre - 2cff4b42d71d
CS02bNOByNO_6.15.1_SUCCESS_COMMAND 1420 0103 1 1200 NO>A0 2 SM 5642f8d9c3873198dbbdc311d3623ce9 c8f50d5db81e
CS02bNOByNO_6.15.1_SUCCESS_RESPONSE 247 0103 2 1200 A0>NO 2 S - a7e2d3338646
CS02bNOByNOHandover_6.21_SUCCESS_COMMAND 1421 0103 1 1301 ACB>A3 2 SM eeb761530d68641aeeb921b2150ef800 bd94ff8b8450
CS02bNOByNOHandover_6.21_SUCCESS_RESPONSE 247 0103 2 1301 A3>ACB 2 S - d9fa2b2b91fd
CS02bSBYSHandover_6.21_SUCCESS_COMMAND 1878 0102 1 1300 ACB>A3 2 SM 57ec003e8fbde451446c113af83626a5 445218cc45c3
CS02bSBYS_6.15.1_IMMEDIATE_SUCCESS_COMMAND 1879 0102 1 1000 Sup>A0 2 SM ec1d51bd8f8bf0cdd2314cf396cc12c0 fd0edf706c56
CS02bSBYS_6.15.1_IMMEDIATE_ERROR_RESPONSE 318 0102 2 1003 A0>Sup 2 S - 3715e7a0aebc
CS02bSBYS_6.15.1_FUTURE_DATED_SUCCESS_COMMAND 1893 0102 1 1001 Sup>A0 2 SM 82ed5e3f1f6c761c0df6705b64e21088 2b18f2af7eb2
CS02bSBYS_6.15.1_CANCELLATION_SUCCESS_COMMAND 1893 0102 1 1002 Sup>A0 2 SM 6a59d4e1810ab992cdb1861874cb9590 b1697b297059
CS02bSBYS_6.15.1_CANCELLATION_SUCCESS_RESPONSE 115 0102 2 1002 A0>Sup 2 S - 4c4f0a1e00e4
CS02bSBYS_6.15.1_8F66_FUTURE_DATED_SUCCESS_ALERT 326 00CB 3 2000 A0>Sup 2 S - 1ebf0c3dcd12
CS02bSBYS_6.15.1_8F67_FUTURE_DATED_ERROR_ALERT 326 00CB 3 2002 A0>Sup 2 S - aa6bf568f001
CS02bSBYT_6.23_IMMEDIATE_SUCCESS_COMMAND 1885 0107 1 6001 TCoS>A0 2 SM 70e26964ff942ca0f84810d7af1575cd eee8cac197b4
CS02bSBYT_6.23_CANCELLATION_SUCCESS_COMMAND 1882 0107 1 6003 TCoS>A0 2 SM 6787b45c92c3ae67d375c95a15d37daa ba56938f90e6
CS02bAnyExceptAbnormalRootByRecovery_NA_SUCCESS_COMMAND 3986 0108 1 7000 Rec>A0 2 S - e0dc6a1bf3ab
CS02gLoadControllerBySupplier_6.15.1_IMMEDIATE_ERROR_RESPONSE 247 0126 2 1003 A0>Sup 2 S - cb25f550397c
CS02aMAC_6.24.1_SUCCESS_COMMAND 79 0008 1 1302 ACB>A0 2 M 58ccd7d6e09f01fe98441277d5ede298 c951a0e7c5b4
CS02aMAC_6.24.1_SUCCESS_RESPONSE 225 0008 2 1302 A0>ACB 2 M 151abca3be2346fee4ffaf25d0759a17 fdfa34cfd673
CS02aMAC_6.24.1_ERROR_RESPONSE 109 0008 2 1302 A1>ACB 2 M 8cc0287c9d6db8761ca68f738cd6f29f 7d98b8d2a63c
CS02aSignature_NA_ERROR_COMMAND 118 0008 1 6000 TCoS>A0 2 S - 87d653ef12fc
CS02c_6.17_SUCCESS_RESPONSE 380 000A 2 1000 A0>Sup 2 S - 6c6d56ad5d58
CS02d_6.15.2_SUCCESS_COMMAND 549 000B 1 1000 Sup>A0 2 SM ec1d51bd8f8bf0cdd2314cf396cc12c0 1f173dbe752c
CS06_11.3_CANCELLATION_SUCCESS_COMMAND 182 0012 1 1002 Sup>A0 2 SM 6a59d4e1810ab992cdb1861874cb9590 a27cf155bd09
CS07_8.9_SUCCESS_COMMAND 62 0013 1 1001 Sup>A1 2 M d17ca6ff2492e33d06ab3da67caafbc8 0304c48e15a6
CS07_8.9_SUCCESS_RESPONSE 112 0013 2 1001 A1>Sup 2 M 7f52fd35bdde2478818637f0c89d3369 4b22ee8459e1
CS07_8.9_ERROR_COMMAND 78 0013 1 1301 ACB>A1 18 M ccbede279b3f4d8fc871b2ae1c1580e4 e73198f18cb7
CS07_8.9_ERROR_RESPONSE 81 0013 2 1301 A1>ACB 18 M aa82e8a46a4c43132c430176a885a737 b32124af656d
ECS21b_4.14_URP_SUCCESS_COMMAND 612 0034 1 1302 ACB>A0 424 M 58ccd7d6e09f01fe98441277d5ede298 115929900c9d
ECS21b_4.14_URP_SUCCESS_RESPONSE 383 0034 2 1302 A0>ACB 26 M 151abca3be2346fee4ffaf25d0759a17 05c93a51adfc
ECS22b_4.8.1_SINGLE_SUCCESS_RESPONSE 552 0037 2 1002 A0>Sup 2 M 462d40639abcb8a986424d91a712d8ba dd23f68f3ec2
CS14_NA_8F12_ALERT 174 0018 3 4000 A2>ACB 2 M 50c4b0ab96af419136bb2d210fc0165c fc0ebbee7f3f
GCA-DLMS_NA_8F30_ALERT 124 1000 3 2000 A0>Sup 2 S - f68c41e52450
CS01a_2.2_SUCCESS_COMMAND 100 0007 1 12884901888 Sup>A0 2 M 1ff6c2da093143cbb880b6e2de9e4cd6 ca64564e05f1
"""
ROWS = [
    line.replace("SBYS", "SupplierBySupplier").replace("SBYT", "SupplierByTransCoS").split()
    for line in TABLE.strip().splitlines()
]
SHAPES = {"pre": Shape.PRE_COMMAND, "S": Shape.SIGNED, "M": Shape.MAC, "SM": Shape.SIGNED_AND_MAC}
DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
SUPPLIER_BY_SUPPLIER = "CS02bSupplierBySupplier_6.15.1_"


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_table(shared: Path, row: list[str]) -> None:
    name, length, code, cra, counter, ends, other, protection, key, digest = row
    octets, message = vector(shared, name).octets, vector(shared, name).message
    originator, target = (PARTIES[end] for end in ends.split(">"))
    assert len(octets) == int(length)
    assert hashlib.sha256(octets).hexdigest().startswith(digest)
    assert (message.message_code, message.cra) == (int(code, 16), int(cra))
    assert message.originator_counter == int(counter)
    assert (message.originator, message.target) == (originator, target)
    assert other_information_length(message) == int(other)
    assert message.shape is SHAPES[protection]
    verdicts = ring(shared).check(message)
    assert verdicts.signature is (Verdict.VALID if protection in ("S", "SM") else Verdict.ABSENT)
    assert verdicts.mac is (Verdict.VALID if protection in ("M", "SM") else Verdict.ABSENT)
    if key != "-":
        ours, theirs = ring(shared).mac_pairs(message)[0]
        assert derive_key(ring(shared).shared_secret(ours, theirs), mac_key_info(message)).hex() == key
        assert ours.entity == (PARTIES["ACB"] if cra == "1" else message.target)


def test_the_table_is_complete() -> None:
    assert len(ROWS) == 34


def other_information_length(message: gbcs.Message) -> int:
    """Length of the field, from what stands in it."""
    extra = message.supplementary
    if extra is None:
        return 2
    return 10 + 8 * (extra.counter is not None) + 8 * (extra.originator_counter is not None) + len(extra.certificate)


@pytest.mark.parametrize("name", [NO_BY_NO, HANDOVER])
def test_tampering_any_octet_from_df_on_breaks_the_mac(shared: Path, name: str) -> None:
    octets = vector(shared, name).octets
    for at in range(octets.index(0xDF), len(octets)):
        changed = bytearray(octets)
        changed[at] ^= 0x01
        assert mac_verdict(shared, bytes(changed)) is not Verdict.VALID, at


def mac_verdict(shared: Path, octets: bytes) -> Verdict | None:
    """The verdict on the MAC; ``None`` when the octets are no message with one."""
    try:
        message = decode(octets)
    except WireError:
        return None
    secrets = [ring(shared).shared_secret(*pair) for pair in ring(shared).mac_pairs(message)]
    if not secrets:
        return Verdict.NO_KEY
    return Verdict.VALID if any(gbcs.check_mac(message, secret) for secret in secrets) else Verdict.INVALID


@pytest.mark.parametrize("name", [NO_BY_NO, NO_BY_NO_RESPONSE, HANDOVER, HANDOVER_RESPONSE])
def test_tampering_any_octet_from_09_to_the_payload_end_breaks_the_signature(shared: Path, name: str) -> None:
    message = vector(shared, name).message
    covered = signed_octets(message)
    key = next(entry.public_key for entry in ring(shared).signing_keys(message.originator) if fits(entry, message))
    assert covered[0] == 0x09
    assert covered.endswith(message.payload)
    assert message.signature is not None
    for at in range(len(covered)):
        changed = bytearray(covered)
        changed[at] ^= 0x01
        assert not gbcs.check_signature(key, bytes(changed), message.signature), at


def fits(entry: gbcs.KeyEntry, message: gbcs.Message) -> bool:
    return gbcs.check_signature(entry.public_key, signed_octets(message), message.signature or b"")


def test_only_the_immediate_success_of_supplier_by_supplier_disapplies_time_based_checks(shared: Path) -> None:
    names = [name for name in vectors(shared) if name.startswith(SUPPLIER_BY_SUPPLIER) and "COMMAND" in name]
    found = {name: payload(shared, name).control.time_based_checks for name in names}
    disapplied = {name for name, checks in found.items() if checks is TimeBasedChecks.DISAPPLY}
    assert disapplied == {SUPPLIER_BY_SUPPLIER + "IMMEDIATE_SUCCESS_" + kind for kind in ("COMMAND", "PRECOMMAND")}
    assert bytes.fromhex("810101") in vector(shared, SUPPLIER_BY_SUPPLIER + "IMMEDIATE_SUCCESS_COMMAND").octets
    assert len(found) > 2


def test_the_second_replacement_of_immediate_error_found_no_trust_anchor(shared: Path) -> None:
    outcome = payload(shared, SUPPLIER_BY_SUPPLIER + "IMMEDIATE_ERROR_RESPONSE").outcome
    assert [entry.status for entry in outcome.replacement_outcomes] == [0, 10, 0]
    second = outcome.replacement_outcomes[1]
    assert second.status is StatusCode.NO_TRUST_ANCHOR
    assert (second.existing_entity, second.existing_key_id) == (second.replacing_entity, second.replacing_key_id)
    assert second.existing_key_id.hex().upper() == "405B8C62687D8F70"


def test_a_cancellation_never_executes_and_is_simply_accepted(shared: Path) -> None:
    for name in (SUPPLIER_BY_SUPPLIER + "CANCELLATION_SUCCESS_", "CS02bSupplierByTransCoS_6.23_CANCELLATION_SUCCESS_"):
        assert payload(shared, name + "COMMAND").execution_date_time == NEVER
        assert b"99991231235959Z" in vector(shared, name + "COMMAND").octets
        assert vector(shared, name + "RESPONSE").message.payload == bytes.fromhex("30020500")
        assert payload(shared, name + "RESPONSE").outcome is None


@pytest.mark.parametrize(
    ("name", "code", "seq_number", "counter"),
    [
        ("8F66_FUTURE_DATED_SUCCESS_ALERT", 0x8F66, 1001, 2000),
        ("8F67_FUTURE_DATED_ERROR_ALERT", 0x8F67, 1004, 2002),
    ],
)
def test_alerts_of_future_dated_commands(shared: Path, name: str, code: int, seq_number: int, counter: int) -> None:
    alert = payload(shared, SUPPLIER_BY_SUPPLIER + name)
    assert alert.execution_date_time == datetime(2030, 1, 15, tzinfo=UTC)
    assert (alert.alert_code, alert.outcome.seq_number) == (code, seq_number)
    assert vector(shared, SUPPLIER_BY_SUPPLIER + name).message.originator_counter == counter
    assert bytes.fromhex("020300") + code.to_bytes(2, "big") in vector(shared, SUPPLIER_BY_SUPPLIER + name).octets


def test_recovery_is_the_largest_message_and_has_no_mac(shared: Path) -> None:
    name = "CS02bAnyExceptAbnormalRootByRecovery_NA_SUCCESS_COMMAND"
    command = payload(shared, name)
    assert max(vectors(shared).values(), key=lambda each: len(each.octets)).name == name
    assert vector(shared, name).octets[0] == 0xDF
    assert vector(shared, name).message.mac is None
    assert len(command.replacements) == 8
    assert command.control.floor is not None
    assert [change.role for change in command.control.other_changes] == [2, 3, 4, 5]
    assert command.control.mode is CredentialsReplacementMode.ANY_EXCEPT_ABNORMAL_ROOT_BY_RECOVERY
    assert command.control.authorising_cell == CellId(RemotePartyRole.RECOVERY, DS)


def test_credential_details_of_an_electricity_meter(shared: Path) -> None:
    command = payload(shared, "CS02aMAC_6.24.1_SUCCESS_COMMAND")
    assert command.roles == (2, 3)
    assert command.authorising_cell == CellId(RemotePartyRole.ACCESS_CONTROL_BROKER, KA)
    supplier, operator = payload(shared, "CS02aMAC_6.24.1_SUCCESS_RESPONSE")
    assert (supplier.role, supplier.status, supplier.current_seq_number) == (2, 0, 0)
    assert (operator.role, operator.status, operator.current_seq_number) == (3, 0, 1)


def test_a_gas_meter_has_no_network_operator_cell(shared: Path) -> None:
    broker, operator = payload(shared, "CS02aMAC_6.24.1_ERROR_RESPONSE")
    assert (broker.role, broker.status) == (4, StatusCode.SUCCESS)
    assert operator == gbcs.RoleDetails(RemotePartyRole.NETWORK_OPERATOR, StatusCode.TRUST_ANCHOR_NOT_FOUND)


def test_one_use_case_for_a_known_and_for_an_unknown_party(shared: Path) -> None:
    known = vector(shared, "CS07_8.9_SUCCESS_COMMAND").message
    unknown = vector(shared, "CS07_8.9_ERROR_COMMAND").message
    assert known.message_code == unknown.message_code == 0x0013
    assert (known.originator, known.supplementary) == (PARTIES["Sup"], None)
    assert unknown.supplementary == gbcs.Supplementary(PARTIES["Sup"], 1002)
    assert (unknown.originator, unknown.originator_counter) == (PARTIES["ACB"], 1301)
    assert vector(shared, "CS07_8.9_ERROR_RESPONSE").message.payload == bytes.fromhex("3003020101")


def test_data_for_an_unknown_party_need_the_supplementary_originator_counter(shared: Path) -> None:
    command = vector(shared, "ECS21b_4.14_URP_SUCCESS_COMMAND").message
    response = vector(shared, "ECS21b_4.14_URP_SUCCESS_RESPONSE").message
    assert command.supplementary is not None
    assert command.supplementary.certificate[:1] == b"\x30"
    assert response.supplementary is not None
    assert (response.supplementary.party, response.supplementary.originator_counter) == (PARTIES["Sup"], 2002)
    assert response.supplementary.counter == command.supplementary.counter
    assert opened_by(shared, response, "Sup", payload_key_info(response))
    of_the_header = payload_key_info(response).replace((2002).to_bytes(8, "big"), (1302).to_bytes(8, "big"))
    assert of_the_header != payload_key_info(response)
    assert not opened_by(shared, response, "Sup", of_the_header)


def test_a_single_profile_decrypts_with_the_supplier_key(shared: Path) -> None:
    response = vector(shared, "ECS22b_4.8.1_SINGLE_SUCCESS_RESPONSE").message
    info = payload_key_info(response)
    assert info[15:25].hex() == "0904" + (1002).to_bytes(8, "big").hex()
    assert opened_by(shared, response, "Sup", info)
    assert not opened_by(shared, response, "NO", info)


def opened_by(shared: Path, response: gbcs.Message, reader: str, info: bytes) -> bool:
    """Whether this reader's key opens every encrypted part of the response."""
    secret = ring(shared).shared_secret(
        agreement_key(shared, PARTIES[reader]), agreement_key(shared, response.originator)
    )
    parts = gbcs.encrypted_parts(gbcs.decode_payload(response))
    key = derive_key(secret, info)
    assert parts
    return all(decrypt(key, response.originator, part.ciphertext, part.tag) is not None for part in parts)


def test_a_top_up_authenticates_with_the_prepayment_key(shared: Path) -> None:
    message = vector(shared, "CS01a_2.2_SUCCESS_COMMAND").message
    utrn = parse_utrn("73946144332040217315")
    assert b"73946144332040217315" in message.payload
    assert (utrn.value_class, utrn.value, utrn.truncated_counter) == (1, 10, 3)
    device = agreement_key(shared, PARTIES["A0"])
    assert check(message, utrn, ring(shared).shared_secret(prepayment_key(shared), device))
    assert not check(message, utrn, ring(shared).shared_secret(agreement_key(shared, PARTIES["Sup"]), device))


def prepayment_key(shared: Path) -> gbcs.KeyEntry:
    return agreement_key(shared, PARTIES["Sup"], prepayment=True)


def check(message: gbcs.Message, utrn: Any, secret: bytes) -> bool:
    return check_utrn(utrn, message.originator, message.target, message.originator_counter, secret)


@pytest.mark.parametrize(
    ("name", "digits"),
    [
        ("CS01a_2.2_SUCCESS_COMMAND", "73946144332040217315"),
        ("CS01a_2.2_ERROR_COMMAND", "73948959061972833313"),
        ("CS01b_2.2_SUCCESS_COMMAND", "73950067887105178605"),
    ],
)
def test_every_visible_top_up_with_a_check_digit(shared: Path, name: str, digits: str) -> None:
    message = vector(shared, name).message
    assert digits.encode() in message.payload
    secret = ring(shared).shared_secret(prepayment_key(shared), agreement_key(shared, Eui64(message.target)))
    utrn = parse_utrn(digits)
    assert check(message, utrn, secret)
    assert not check_utrn(utrn, message.originator, message.target, message.originator_counter + 1, secret)
    assert not check_utrn(utrn, message.originator, message.target, message.originator_counter + (1 << 32), secret)
