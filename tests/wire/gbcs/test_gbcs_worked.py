"""The worked examples of gbcs.md 5.4 to 5.6 and 2.7, field by field; messages are RTDS 4.5.0 (public)."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trustcell import gbcs
from trustcell.certs import Certificate
from trustcell.gbcs import (
    AuthorisingRemotePartyControl,
    Cra,
    CredentialsReplacementMode,
    Message,
    Replacement,
    StatusCode,
    TimeBasedChecks,
    UpdateSecurityCredentials,
    derive_key,
    inner_octets,
    mac_key_info,
    signed_octets,
)
from trustcell.vocab import CellId, Eui64, KeyUsage, RemotePartyRole
from wire.gbcs.rtds import (
    HANDOVER,
    HANDOVER_RESPONSE,
    NO_BY_NO,
    NO_BY_NO_RESPONSE,
    PARTIES,
    agreement_key,
    certificate,
    payload,
    ring,
    vector,
)

NO_BY_NO_MODE = CredentialsReplacementMode.NETWORK_OPERATOR_BY_NETWORK_OPERATOR
CELL_DS = CellId(RemotePartyRole.NETWORK_OPERATOR, KeyUsage.DIGITAL_SIGNATURE)
CELL_KA = CellId(RemotePartyRole.NETWORK_OPERATOR, KeyUsage.KEY_AGREEMENT)
NO_CHANGE = gbcs.RemotePartySeqNumberChange(RemotePartyRole.NETWORK_OPERATOR, 0)
ISSUER_SKI = "4f5688d7ec933be2"


def ski(der: bytes) -> str | None:
    identifier = Certificate.from_der(der).subject_key_identifier
    return identifier.hex() if identifier else None


def sha256(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def control(counter: int) -> AuthorisingRemotePartyControl:
    return AuthorisingRemotePartyControl(NO_BY_NO_MODE, counter, CELL_DS, floor=0)


def assert_network_operator_command(command: UpdateSecurityCredentials, counter: int, key_ids: list[str]) -> None:
    """What both worked commands have in common."""
    assert command.control == control(counter)
    assert command.control.time_based_checks is TimeBasedChecks.APPLY
    assert command.execution_date_time is None
    assert [entry.cell for entry in command.replacements] == [CELL_DS, CELL_KA]
    assert [ski(entry.certificate) for entry in command.replacements] == key_ids
    (issuer,) = command.path_certificates
    assert ski(issuer) == ISSUER_SKI


def test_5_4_command_octets(shared: Path) -> None:
    octets = vector(shared, NO_BY_NO).octets
    assert octets.startswith(bytes.fromhex("DD 000000000000 82 0582 11 00000000"))
    assert octets[15:].startswith(
        bytes.fromhex("DF 09 01 00000000000004B0 08 90B3D51F30020000 08 00DB1234567890A0 00 02 0103 82 050C")
    )
    body = vector(shared, NO_BY_NO).message.payload
    assert body.startswith(bytes.fromhex("30820508 3013 020103 A207 020103 03020780 830204B0 840100 30820347 308201A0"))
    assert bytes.fromhex("3007 020103 03020780 3082019F") in body
    assert bytes.fromhex("3007 020103 03020308 308201A4") in body


def test_5_4_command_values(shared: Path) -> None:
    command = payload(shared, NO_BY_NO)
    assert_network_operator_command(command, 1200, ["4238d306b6f725a2", "483e0ad640c236c5"])
    issuer = Certificate.from_der(command.path_certificates[0])
    assert issuer.authority_key_identifier == bytes.fromhex("48CF1B32697C4669")


def test_5_4_signature(shared: Path) -> None:
    message = vector(shared, NO_BY_NO).message
    covered = signed_octets(message)
    assert (len(covered), sha256(covered)) == (1327, "55d49bd5be824a23850a89c27290487c0e2ba1e0f8ed074069c678d6ab5830c1")
    assert message.signature is not None
    assert (message.signature[:4].hex(), message.signature[-4:].hex()) == ("4d0d0c90", "f884a5a0")
    signer = certificate(shared, PARTIES["NO"], "DS")
    assert ski(signer) == "48cf97fa9f827fb5"
    assert gbcs.check_signature(Certificate.from_der(signer).public_key, covered, message.signature)


def test_5_4_mac(shared: Path) -> None:
    message = vector(shared, NO_BY_NO).message
    secret = ring(shared).shared_secret(agreement_key(shared, PARTIES["ACB"]), agreement_key(shared, PARTIES["A0"]))
    info = mac_key_info(message)
    assert secret.hex() == "ed342441df01551a6beaff3b54adc981f4c6a7e71dff4c3e1cc80b3c9f4e5ac0"
    assert info.hex() == "6085740608030090b3d51f30020000090100000000000004b000db1234567890a0"
    assert derive_key(secret, info).hex() == "5642f8d9c3873198dbbdc311d3623ce9"
    assert message.mac == bytes.fromhex("5EF46D9F5E4564B1D6C7DEB5") == gbcs.make_mac(message, secret)


def test_5_4_response_octets(shared: Path) -> None:
    message, octets = vector(shared, NO_BY_NO_RESPONSE).message, vector(shared, NO_BY_NO_RESPONSE).octets
    unsigned = bytes.fromhex(
        "DF 09 02 00000000000004B0 08 00DB1234567890A0 08 90B3D51F30020000 0C 07DF0101FF000000008000FF 02 0103 81 87"
        "30 82 00 83 05 00 30 7F 02 02 04B0 02 01 03 30 08 30 06 02 01 03 02 01 00 30 6C"
        "30 34 3007 020103 03020780 0A0100 0408 90B3D51F30020000 0408 48CF97FA9F827FB5"
        "      0408 90B3D51F30020000 0408 4238D306B6F725A2"
        "30 34 3007 020103 03020308 0A0100 0408 90B3D51F30020000 0408 4BC9D38D1CB49F2A"
        "      0408 90B3D51F30020000 0408 483E0AD640C236C5"
    )
    assert octets[: len(unsigned)] == unsigned
    assert octets[len(unsigned)] == 0x40
    assert len(octets) == len(unsigned) + 1 + 64
    covered = signed_octets(message)
    assert (len(covered), sha256(covered)) == (181, "3ff173db3d730f63d14af02cc794bd3daf9f43aa49d64a5d632580840cdc8627")


def outcomes(shared: Path, name: str) -> list[tuple[CellId, StatusCode, Eui64, str, Eui64, str]]:
    return [
        (each.cell, each.status, each.existing_entity, each.existing_key_id.hex(), each.replacing_entity,
         each.replacing_key_id.hex())
        for each in payload(shared, name).outcome.replacement_outcomes
    ]  # fmt: skip


def test_5_4_response_values(shared: Path) -> None:
    outcome = payload(shared, NO_BY_NO_RESPONSE).outcome
    operator, success = PARTIES["NO"], StatusCode.SUCCESS
    assert (outcome.seq_number, outcome.mode, outcome.seq_number_changes) == (1200, NO_BY_NO_MODE, (NO_CHANGE,))
    assert outcomes(shared, NO_BY_NO_RESPONSE) == [
        (CELL_DS, success, operator, "48cf97fa9f827fb5", operator, "4238d306b6f725a2"),
        (CELL_KA, success, operator, "4bc9d38d1cb49f2a", operator, "483e0ad640c236c5"),
    ]


def test_5_5_command(shared: Path) -> None:
    octets, message = vector(shared, HANDOVER).octets, vector(shared, HANDOVER).message
    assert octets[15:].startswith(
        bytes.fromhex("DF 09 01 0000000000000515 08 90B3D51F30000002 08 00DB1234567890A3 00 02 0103 82 050D")
    )
    assert bytes.fromhex("3013 020103 A207 020103 03020780 83020515 840100") in message.payload
    command = payload(shared, HANDOVER)
    assert_network_operator_command(command, 1301, ["48cf97fa9f827fb5", "4bc9d38d1cb49f2a"])
    for entry in command.replacements:
        new = Certificate.from_der(entry.certificate)
        assert (new.entity_id, new.role) == (PARTIES["NO"], RemotePartyRole.NETWORK_OPERATOR)
    assert message.supplementary is None


def test_5_5_protection(shared: Path) -> None:
    message = vector(shared, HANDOVER).message
    covered = signed_octets(message)
    assert (len(covered), sha256(covered)) == (1328, "f077e2ed8bfd986c978e4d3d7ce181d14418ba9891555f89d7a3eef22414315d")
    broker = certificate(shared, PARTIES["ACB"], "DS")
    assert ski(broker) == "42693535d3dde101"
    assert gbcs.check_signature(Certificate.from_der(broker).public_key, covered, message.signature or b"")
    secret = ring(shared).shared_secret(agreement_key(shared, PARTIES["ACB"]), agreement_key(shared, PARTIES["A3"]))
    assert derive_key(secret, mac_key_info(message)).hex() == "eeb761530d68641aeeb921b2150ef800"
    assert message.mac == bytes.fromhex("F499637EF0EAD9DEFBF3EA39") == gbcs.make_mac(message, secret)


def test_5_5_response(shared: Path) -> None:
    message, outcome = vector(shared, HANDOVER_RESPONSE).message, payload(shared, HANDOVER_RESPONSE).outcome
    assert (message.originator_counter, message.originator, message.target) == (1301, PARTIES["A3"], PARTIES["ACB"])
    assert (outcome.seq_number, outcome.mode, outcome.seq_number_changes) == (1301, NO_BY_NO_MODE, (NO_CHANGE,))
    broker, operator, success = PARTIES["ACB"], PARTIES["NO"], StatusCode.SUCCESS
    assert outcomes(shared, HANDOVER_RESPONSE) == [
        (CELL_DS, success, broker, "42693535d3dde101", operator, "48cf97fa9f827fb5"),
        (CELL_KA, success, broker, "4a9ce02c39ab910b", operator, "4bc9d38d1cb49f2a"),
    ]


# gbcs.md 5.6: built with the reference encoder of the digest, not RTDS; the second row is also the real 6.21 command.
CONSTRUCTED = [
    ("6.15.1 to the ACB", "NO", "ACB", 5000, 1328, "3490d0c3ed21d449b3627a0b71d705eb4f8c61ac092f17857e93f4dfedaa6885"),
    ("6.21, lower", "ACB", "NO", 1301, 1329, "f504e7a2d8691e55a5b782d6ab4315873e723d2ac4c152b2228071c487ed58a2"),
    ("6.21, equal", "ACB", "NO", 5000, 1329, "7a6b9e208cdf142d545ae1a823989c6fcf5a6cd30c3a084e722c7c44bd658220"),
    ("6.21, greater", "ACB", "NO", 5001, 1329, "737fee7ce7ae5f1d09384a30f2a1bcad895e44e300d8bf5b65162c794e95be8b"),
]


@pytest.mark.parametrize("row", CONSTRUCTED, ids=[row[0] for row in CONSTRUCTED])
def test_5_6_constructed_companions(shared: Path, row: tuple[str, str, str, int, int, str]) -> None:
    _, originator, holder, counter, length, digest = row
    command = UpdateSecurityCredentials(
        control(counter),
        (
            Replacement(certificate(shared, PARTIES[holder], "DS"), CELL_DS),
            Replacement(certificate(shared, PARTIES[holder], "KA"), CELL_KA),
        ),
        payload(shared, NO_BY_NO).path_certificates,
    )
    octets = gbcs.encode_payload(0x0103, Cra.COMMAND, command)
    message = Message(Cra.COMMAND, counter, PARTIES[originator], PARTIES["A3"], 0x0103, octets)
    inner = inner_octets(message)
    assert inner == gbcs.encode(message)
    assert (len(inner), sha256(inner)) == (length, digest)


def test_5_6_the_lower_counter_is_the_real_command_without_its_signature(shared: Path) -> None:
    assert sha256(b"\xdf" + signed_octets(vector(shared, HANDOVER).message)) == CONSTRUCTED[1][-1]


def test_5_6_expected_response_payload() -> None:
    expected = bytes.fromhex(
        "308200830500307f0202138802010330083006020103020100306c30343007020103030207800a0100040890b3d51f30020000040848cf"
        "97fa9f827fb5040890b3d51f30000002040842693535d3dde10130343007020103030203080a0100040890b3d51f3002000004084bc9d3"
        "8d1cb49f2a040890b3d51f3000000204084a9ce02c39ab910b"
    )
    operator, broker, success = PARTIES["NO"], PARTIES["ACB"], StatusCode.SUCCESS
    value = gbcs.UpdateSecurityCredentialsResponse(
        gbcs.ExecutionOutcome(
            5000,
            NO_BY_NO_MODE,
            (NO_CHANGE,),
            (
                replaced(CELL_DS, success, (operator, "48cf97fa9f827fb5"), (broker, "42693535d3dde101")),
                replaced(CELL_KA, success, (operator, "4bc9d38d1cb49f2a"), (broker, "4a9ce02c39ab910b")),
            ),
        )
    )
    assert len(expected) == 135
    assert gbcs.encode_payload(0x0103, Cra.RESPONSE, value) == expected


def replaced(
    cell: CellId, status: StatusCode, before: tuple[Eui64, str], after: tuple[Eui64, str]
) -> gbcs.ReplacementOutcome:
    return gbcs.ReplacementOutcome(cell, status, before[0], bytes.fromhex(before[1]), after[0], bytes.fromhex(after[1]))


def test_2_7_independent_vector_of_the_specification(shared: Path) -> None:
    """GBCS 18.4, ECS04b: shared secret and key; its 178 octets are not in the folder, so the MAC cannot be computed."""
    broker = agreement_key(shared, Eui64.parse("abababababababab"))
    device = agreement_key(shared, Eui64.parse("fffffffffffffffe"))
    assert broker.private_key is not None
    assert f"{broker.private_key.private_numbers().private_value:064x}".startswith("e4a6cfb4")
    assert f"{device.public_key.public_numbers().x:064x}".startswith("2db45a3f")
    secret = gbcs.agree(broker.private_key, device.public_key)
    assert secret.hex() == "9aacf2e6d51bd5ff8f37bf368019a691cb5b2fcb7b5f030a00063647b20e13fe"
    originator, target = Eui64.parse("123456789ABCDEF0"), Eui64.parse("FFFFFFFFFFFFFFFE")
    info = mac_key_info(Message(Cra.COMMAND, 1, originator, target, 0, b""))
    assert len(info) == 33
    assert derive_key(secret, info).hex() == "859b846a24e1ea70a168409a1180676b"


def test_a_date_beyond_all_clocks_means_never() -> None:
    assert datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) == gbcs.NEVER
