"""Claims of device messages, judged by every response and future-dated alert of the RTDS (duis-dsp.md 4.4)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dsp.rules_world import BROKER, ESME, OPERATOR, SUPPLIER, rtds
from trustcell import duis, gbcs
from trustcell.dsp.rules.correlation import CommandKey, Kind, Protection, claim_of

SUFFIX = "_GBCS.HEX"


def message(path: Path) -> gbcs.Message:
    return gbcs.decode(bytes.fromhex(path.read_text()))


def claim(found: gbcs.Message) -> Any:
    return claim_of(found, gbcs.decode_payload(found), BROKER)


def pairs(shared: Path) -> Iterator[tuple[str, gbcs.Message, gbcs.Message]]:
    """Commands of the RTDS with their responses."""
    for path in sorted((shared / "rtds" / "messages").glob(f"*/*_RESPONSE{SUFFIX}")):
        command = path.with_name(path.name.replace("_RESPONSE", "_COMMAND"))
        if command.is_file():
            yield path.name, message(command), message(path)


def test_every_response_claims_its_command_and_has_the_protection_it_must_have(shared: Path) -> None:
    seen = dict.fromkeys(Protection, 0)
    for name, command, response in pairs(shared):
        if command.message_code in HAN_ONLY:
            continue
        found = claim(response)
        assert found is not None, name
        assert found.key == CommandKey(command.originator, command.target, command.originator_counter), name
        assert (found.message_code, found.kind) == (command.message_code, Kind.RESPONSE), name
        assert found.protection.shape is response.shape, name
        assert (found.protection is Protection.BROKER_MAC) is (
            response.shape is gbcs.Shape.MAC and response.target == BROKER
        )
        asked_by = command.supplementary or gbcs.Supplementary(command.originator, command.originator_counter)
        assert asked_by.counter is not None
        ids = duis.RequestId(asked_by.party, command.target, asked_by.counter)
        assert found.fits(command.message_code, ids), name
        assert not found.fits(command.message_code ^ 1, ids), name
        seen[found.protection] += 1
    assert seen == {Protection.DEVICE_SIGNATURE: 128, Protection.BROKER_MAC: 35, Protection.USER_MAC: 155}


HAN_ONLY = frozenset({0x0090, 0x009B})
"""PCS01 and PCS02 go from a display to a gas meter and never reach the DSP."""


def alerts(shared: Path) -> list[Path]:
    """Alerts of future-dated commands that this DSP offers: CS02b, CS02g, CS06."""
    found = sorted((shared / "rtds" / "messages").glob(f"*/*_ALERT{SUFFIX}"))
    return [path for path in found if message(path).message_code in (0x00CA, 0x00CB, 0x0124)]


def test_every_future_dated_alert_claims_the_command_in_its_payload(shared: Path) -> None:
    codes = set()
    for path in alerts(shared):
        alert = message(path)
        found = claim(alert)
        assert found is not None, path.name
        assert found.kind is Kind.ALERT
        assert found.protection is Protection.DEVICE_SIGNATURE
        assert found.key.counter != alert.originator_counter, path.name
        commands = [message(each) for each in path.parent.glob(f"*_COMMAND{SUFFIX}")]
        keys = {CommandKey(c.originator, c.target, c.originator_counter): c.message_code for c in commands}
        assert keys[found.key] == found.message_code, path.name
        codes.add(found.message_code)
    assert codes == {0x0012, 0x0102, 0x0107, 0x0125, 0x0126}


def response(shared: Path, name: str) -> gbcs.Message:
    return gbcs.decode(rtds(shared, f"{name}_RESPONSE"))


def test_whom_the_broker_acted_for_must_be_whoever_asked(shared: Path) -> None:
    found = claim(response(shared, "CCS01_8.11_SUCCESS"))
    assert found is not None
    ids = duis.RequestId(found.supplementary.party, found.key.device, found.supplementary.counter)
    assert found.fits(0x0001, ids)
    assert not found.fits(0x0001, replace(ids, counter=ids.counter + 1))
    assert not found.fits(0x0001, replace(ids, originator=OPERATOR))


def test_only_the_broker_acts_for_somebody(shared: Path) -> None:
    real = response(shared, "CS07_8.9_SUCCESS")
    assert claim(real) is not None
    assert claim(replace(real, supplementary=gbcs.Supplementary(SUPPLIER, 1))) is None


def test_a_response_that_contradicts_itself_claims_nothing(shared: Path) -> None:
    real = response(shared, "CS02bNOByNO_6.15.1_SUCCESS")
    assert claim(real) is not None
    for spoiled in (replace(real, originator_counter=real.originator_counter + 1), replace(real, message_code=0x0102)):
        assert claim(spoiled) is None


def test_commands_unknown_codes_and_alerts_about_nothing_claim_nothing(shared: Path) -> None:
    command = gbcs.decode(rtds(shared, "CS07_8.9_SUCCESS_COMMAND"))
    assert claim(command) is None
    assert claim(replace(response(shared, "CCS02_8.11_SUCCESS"), message_code=0x7FFF)) is None
    assert claim(gbcs.decode(rtds(shared, "GCA-DLMS_NA_8F30_ALERT"))) is None
    assert claim(gbcs.decode(rtds(shared, "CS14_NA_8F12_ALERT"))) is None


@pytest.mark.parametrize("code", [0x00CB, 0x0124])
def test_an_alert_of_the_other_use_case_claims_nothing(code: int, shared: Path) -> None:
    (path,) = [each for each in alerts(shared) if message(each).message_code == code][:1]
    real = message(path)
    assert claim(real) is not None
    assert claim(replace(real, message_code=0x00CB if code == 0x0124 else 0x0124)) is None


def test_an_answer_to_a_read_goes_by_whom_it_is_for(shared: Path) -> None:
    """CS02a may be MACed or signed: for the broker it is MACed (gbcs.md 4.4)."""
    found = claim(response(shared, "CS02aMAC_6.24.1_SUCCESS"))
    assert found.protection is Protection.BROKER_MAC
    other = claim(gbcs.decode(rtds(shared, "CS02fSignature_NA_SUCCESS_RESPONSE")))
    assert other.protection is Protection.DEVICE_SIGNATURE
    assert other.key.device != ESME or other.key.originator == SUPPLIER
