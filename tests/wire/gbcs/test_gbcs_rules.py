"""Rules that gbcs.md 1, 4.1 and 4.3 read off the vectors, held against every visible RTDS 4.5.0 message."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trustcell import gbcs
from trustcell.gbcs import Cra, Shape, UpdateSecurityCredentials
from trustcell.gbcs.usecases.cs02cde import DeviceCredentialRequest
from trustcell.gbcs.usecases.joining import JoinDevice
from trustcell.vocab import RemotePartyRole
from wire.gbcs.rtds import Vector, asn1, pairs, vectors

UPDATES = {*range(0x0100, 0x010A), 0x0125, 0x0126}


def updates(shared: Path) -> list[tuple[Vector, UpdateSecurityCredentials]]:
    """Every CS02b and CS02g command and pre-command."""
    found = [each for each in asn1(shared) if each.message.message_code in UPDATES and each.message.cra is Cra.COMMAND]
    return [(each, gbcs.decode_payload(each.message)) for each in found]


def exchanges(shared: Path) -> list[tuple[str, UpdateSecurityCredentials, Any]]:
    """CS02b and CS02g commands with their responses."""
    return [
        (command.name, gbcs.decode_payload(command.message), gbcs.decode_payload(response.message))
        for command, response in pairs(shared)
        if command.message.message_code in UPDATES
    ]


def test_1_a_response_swaps_the_ends_and_keeps_counter_and_code(shared: Path) -> None:
    assert len(pairs(shared)) == 320
    for command, response in pairs(shared):
        asked, told = command.message, response.message
        assert (asked.cra, told.cra) == (Cra.COMMAND, Cra.RESPONSE)
        assert (told.originator, told.target) == (asked.target, asked.originator), command.name
        assert told.originator_counter == asked.originator_counter, command.name
        assert told.message_code == asked.message_code, command.name


def test_1_1_a_response_echoes_supplementary_id_and_counter_but_no_certificate(shared: Path) -> None:
    found = [(c.message.supplementary, r.message.supplementary, c.name) for c, r in pairs(shared)]
    assert sum(asked is not None for asked, _, _ in found) > 20
    for asked, told, name in found:
        assert (asked is None) == (told is None), name
        if asked is not None and told is not None:
            assert (told.party, told.counter) == (asked.party, asked.counter), name
            assert told.certificate == b""


def test_1_1_a_date_time_stands_in_responses_as_their_message_code_says(shared: Path) -> None:
    shown: dict[int, set[bool]] = {}
    for each in vectors(shared).values():
        if each.message.cra is Cra.RESPONSE:
            shown.setdefault(each.message.message_code, set()).add(bool(each.message.date_time))
        else:
            assert each.message.date_time == b"", each.name
    for code, forms in shown.items():
        row = gbcs.message_code(code)
        assert row is not None
        assert forms == {row.response_date_time}, f"{code:04X}"


def test_1_2_and_1_3_outermost_tag_and_shape(shared: Path) -> None:
    for each in vectors(shared).values():
        message = each.message
        assert each.octets[0] == (0xDD if message.mac is not None else 0xDF)
        assert (message.signature is None) == (message.shape is Shape.PRE_COMMAND) == ("_PRECOMMAND" in each.name)


def test_1_3_pre_command_and_signature_are_the_inner_part_of_the_command(shared: Path) -> None:
    found = vectors(shared)
    checked = 0
    for name, before in found.items():
        if name.endswith("_PRECOMMAND"):
            message = found[name.removesuffix("PRECOMMAND") + "COMMAND"].message
            assert message.signature is not None
            assert before.octets + b"\x40" + message.signature == gbcs.inner_octets(message), name
            checked += 1
    assert checked == 115


def test_4_1_lengths_from_128_take_three_octets_outside_certificates(shared: Path) -> None:
    middle = 0
    for each in asn1(shared):
        octets, foreign = each.message.payload, verbatim(gbcs.decode_payload(each.message))
        for at in constructed(octets, 0, len(octets), foreign):
            assert octets[at + 1] < 0x80 or octets[at + 1] == 0x82, each.name
            middle += octets[at + 1 : at + 3] == b"\x82\x00"
    assert middle > 10


def verbatim(value: Any) -> tuple[bytes, ...]:
    """Certificates and certification requests in a payload, which keep their own lengths."""
    if isinstance(value, UpdateSecurityCredentials):
        return (*(each.certificate for each in value.replacements), *value.path_certificates)
    if isinstance(value, JoinDevice):
        return (value.other_device_certificate,) if value.other_device_certificate else ()
    return (value,) if isinstance(value, bytes) and value[:1] == b"\x30" else ()


def constructed(octets: bytes, at: int, end: int, foreign: tuple[bytes, ...]) -> Iterator[int]:
    """Offsets of constructed types in DER, read here without the codec under test."""
    while at < end:
        if any(octets.startswith(each, at) for each in foreign):
            at += next(len(each) for each in foreign if octets.startswith(each, at))
            continue
        first = octets[at + 1]
        size = first & 0x7F if first >= 0x80 else 0
        start = at + 2 + size
        stop = start + (int.from_bytes(octets[at + 2 : start], "big") if size else first)
        if octets[at] & 0x20:
            yield at
            yield from constructed(octets, start, stop, foreign)
        at = stop
    assert at == end


def test_4_3_rule_1_the_counter_of_the_header_is_repeated(shared: Path) -> None:
    assert len(updates(shared)) == 34
    for each, command in updates(shared):
        assert command.control.seq_number == each.message.originator_counter, each.name


def test_4_3_message_code_follows_from_the_mode_and_the_authorising_cell_from_the_table(shared: Path) -> None:
    for each, command in updates(shared):
        assert command.control.mode.message_code == each.message.message_code, each.name
        assert command.control.authorising_cell is not None
        assert command.control.authorising_cell.role is gbcs.authorising_role(command.control.mode), each.name
    assert gbcs.authorising_role(gbcs.CredentialsReplacementMode.ANY_BY_CONTINGENCY) is None


def test_4_3_rule_3_floors_of_the_authorising_role_or_of_the_replaced_one(shared: Path) -> None:
    modes = set()
    for each, command in updates(shared):
        control = command.control
        modes.add(control.mode.value)
        if control.mode in (2, 3, 10):
            assert control.floor == 0, each.name
            assert (control.specialist_floors is not None) == (control.mode == 2), each.name
            assert control.other_changes is None, each.name
        elif control.mode in (7, 11):
            assert (control.floor, control.specialist_floors) == (None, None), each.name
            if command.execution_date_time != gbcs.NEVER or control.mode == 11:
                (change,) = control.other_changes or ()
                role = RemotePartyRole.SUPPLIER if control.mode == 7 else RemotePartyRole.LOAD_CONTROLLER
                assert change.role is role, each.name
                assert (change.specialist_floors is not None) == (control.mode == 7), each.name
    assert modes == {2, 3, 7, 8, 10, 11}


def test_4_3_rule_4_the_response_lists_the_floors_asked_for(shared: Path) -> None:
    checked = 0
    for name, command, response in exchanges(shared):
        if response.outcome is None:
            continue
        control = command.control
        expected = control.other_changes or ()
        if control.floor is not None:
            role = gbcs.authorising_role(control.mode)
            assert role is not None
            own = gbcs.RemotePartySeqNumberChange(role, control.floor, control.specialist_floors)
            expected = (own, *expected)
        assert response.outcome.seq_number_changes == expected, name
        checked += 1
    assert checked >= 8


def test_4_3_rule_5_one_outcome_for_each_replacement_in_order(shared: Path) -> None:
    for name, command, response in exchanges(shared):
        if response.outcome is not None:
            told = [each.cell for each in response.outcome.replacement_outcomes]
            assert told == [each.cell for each in command.replacements], name
            for each in response.outcome.replacement_outcomes:
                if each.status is not gbcs.StatusCode.SUCCESS:
                    kept = (each.existing_entity, each.existing_key_id)
                    assert kept == (each.replacing_entity, each.replacing_key_id), name


def test_4_3_rule_7_a_dated_command_is_only_accepted(shared: Path) -> None:
    dated = 0
    for name, command, response in exchanges(shared):
        assert (response.outcome is None) == (command.execution_date_time is not None), name
        dated += response.outcome is None
    assert 0 < dated < len(exchanges(shared))


def test_4_7_the_counter_inside_cs06_is_the_one_of_the_header(shared: Path) -> None:
    found = [each for each in asn1(shared) if each.message.message_code == 0x0012 and each.message.cra is Cra.COMMAND]
    assert found
    for each in found:
        assert gbcs.decode_payload(each.message).originator_counter == each.message.originator_counter, each.name


def test_4_5_a_request_names_one_key_usage(shared: Path) -> None:
    requests = [gbcs.decode_payload(e.message) for e in asn1(shared) if e.message.message_code in (0x000A, 0x000C)]
    assert sum(isinstance(value, DeviceCredentialRequest) for value in requests) > 3
