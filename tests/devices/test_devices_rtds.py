"""Virtual devices in the place of the RTDS devices: every response and outcome alert equals the real one.

Commands are the RTDS payloads, protected again for derived device keys; what is compared is everything a signature
covers. RTDS devices think it is 2015-01-01, before their certificates, so certificate dates are not looked at here.
"""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from devices.devices_lab import A0, A1, A2, A3, NOW, SEED, Lab, check_signed
from trustcell.devices import Device, DevicePolicy, DeviceState, Fleet, HeldImage, TimeChecks, advance, receive
from trustcell.gbcs import frame, protect
from trustcell.gbcs.frame import Shape
from trustcell.gbcs.payload import decode_payload
from trustcell.vocab import DeviceType, Eui64, RemotePartyRole

A6 = Eui64.parse("00DB1234567890A6")
RTDS_TIME = datetime(2015, 1, 1, tzinfo=UTC)
POLICY = DevicePolicy(time_checks=TimeChecks.NEVER)
KINDS = {A0: DeviceType.ESME, A1: DeviceType.GSME, A2: DeviceType.CHF, A3: DeviceType.GPF, A6: DeviceType.ESME}

ONE_OF_OPERATOR = DeviceState().with_usc(RemotePartyRole.NETWORK_OPERATOR, 1)
ONE_OF_LOAD_CONTROLLER = DeviceState().with_usc(RemotePartyRole.LOAD_CONTROLLER, 1)
EXCHANGES = {
    "CS02bNOByNO_6.15.1_SUCCESS": DeviceState(),
    "CS02bNOByNOHandover_6.21_SUCCESS": DeviceState(),
    "CS02bSupplierBySupplierHandover_6.21_SUCCESS": DeviceState(),
    "CS02bSupplierBySupplier_6.15.1_IMMEDIATE_SUCCESS": DeviceState(),
    "CS02bSupplierBySupplier_6.15.1_IMMEDIATE_ERROR": DeviceState(),
    "CS02bSupplierBySupplier_6.15.1_FUTURE_DATED_SUCCESS": DeviceState(),
    "CS02bSupplierBySupplier_6.15.1_FUTURE_DATED_ERROR": DeviceState(),
    "CS02bSupplierBySupplier_6.15.1_CANCELLATION_SUCCESS": DeviceState(),
    "CS02bSupplierByTransCoS_6.23_IMMEDIATE_SUCCESS": DeviceState(),
    "CS02bSupplierByTransCoS_6.23_FUTURE_DATED_SUCCESS": DeviceState(),
    "CS02bSupplierByTransCoS_6.23_CANCELLATION_SUCCESS": DeviceState(),
    "CS02bAnyExceptAbnormalRootByRecovery_NA_SUCCESS": DeviceState(),
    "CS02gLoadControllerBySupplier_6.15.1_IMMEDIATE_SUCCESS": DeviceState(),
    "CS02gLoadControllerBySupplier_6.15.1_IMMEDIATE_ERROR": DeviceState(),
    "CS02gLoadControllerBySupplier_6.15.1_FUTURE_DATED_SUCCESS": DeviceState(),
    "CS02gLoadControllerBySupplier_6.15.1_FUTURE_DATED_ERROR": DeviceState(),
    "CS02gLoadControllerBySupplier_6.15.1_CANCELLATION_SUCCESS": DeviceState(),
    "CS02gLoadControllerByLoadController_NA_IMMEDIATE_SUCCESS": DeviceState(),
    "CS02gLoadControllerByLoadController_NA_FUTURE_DATED_SUCCESS": DeviceState(),
    "CS02gLoadControllerByLoadController_NA_CANCELLATION_SUCCESS": DeviceState(),
    "CS02aMAC_6.24.1_SUCCESS": ONE_OF_OPERATOR,
    "CS02aMAC_6.24.1_ERROR": DeviceState(),
    "CS02aSignature_NA_SUCCESS": DeviceState(),
    "CS02aSignature_NA_ERROR": DeviceState(),
    "CS02fMAC_6.24.1_SUCCESS": ONE_OF_LOAD_CONTROLLER,
    "CS02fMAC_6.24.1_ERROR": DeviceState(),
    "CS02fSignature_NA_SUCCESS": ONE_OF_OPERATOR,
    "CS02fSignature_NA_ERROR": DeviceState(),
    "CS06_11.3_IMMEDIATE_SUCCESS": DeviceState(),
    "CS06_11.3_IMMEDIATE_ERROR": DeviceState(),
    "CS06_11.3_FUTURE_DATED_SUCCESS": DeviceState(),
    "CS06_11.3_FUTURE_DATED_ERROR": DeviceState(),
    "CS06_11.3_CANCELLATION_SUCCESS": DeviceState(),
}
ALERTS = {
    "CS02bSupplierBySupplier_6.15.1_FUTURE_DATED_SUCCESS": "CS02bSupplierBySupplier_6.15.1_8F66_FUTURE_DATED_SUCCESS",
    "CS02bSupplierBySupplier_6.15.1_FUTURE_DATED_ERROR": "CS02bSupplierBySupplier_6.15.1_8F67_FUTURE_DATED_ERROR",
    "CS02bSupplierByTransCoS_6.23_FUTURE_DATED_SUCCESS": "CS02bSupplierByTransCoS_6.23_8F66_FUTURE_DATED_SUCCESS",
    "CS02gLoadControllerBySupplier_6.15.1_FUTURE_DATED_SUCCESS": (
        "CS02gLoadControllerBySupplier_6.15.1_8F66_FUTURE_DATED_SUCCESS"
    ),
    "CS02gLoadControllerBySupplier_6.15.1_FUTURE_DATED_ERROR": (
        "CS02gLoadControllerBySupplier_6.15.1_8F67_FUTURE_DATED_ERROR"
    ),
    "CS02gLoadControllerByLoadController_NA_FUTURE_DATED_SUCCESS": (
        "CS02gLoadControllerByLoadController_NA_8F66_FUTURE_DATED_SUCCESS"
    ),
    "CS06_11.3_FUTURE_DATED_SUCCESS": "CS06_11.3_8F66_FUTURE_DATED_SUCCESS",
    "CS06_11.3_FUTURE_DATED_ERROR": "CS06_11.3_8F67_FUTURE_DATED_ERROR",
}


def device_for(lab: Lab, exchange: str) -> Device:
    """The virtual device a command is for, in the state the real response shows."""
    target = lab.message(f"{exchange}_COMMAND").target
    kind = KINDS[target]
    pack = lab.pack(kind is not DeviceType.GPF, load_controller=True)
    device = Fleet(SEED, pack, POLICY).device(target, kind, EXCHANGES[exchange])
    if exchange.startswith("CS06"):
        image_hash = lab.payload(f"{exchange}_COMMAND").image_hash
        if exchange.endswith("FUTURE_DATED_ERROR"):
            device = device.holding(HeldImage(bytes(32), bytes(4)))
        elif exchange.endswith("SUCCESS"):
            version = "0123abcf" if "FUTURE" in exchange else "0123abce"
            device = device.holding(HeldImage(image_hash, bytes.fromhex(version)))
    return device


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_response_equals_the_real_one(lab: Lab, exchange: str):
    device = device_for(lab, exchange)
    expected = lab.message(f"{exchange}_RESPONSE")
    after, (answer,) = receive(device, lab.resend(f"{exchange}_COMMAND", device), RTDS_TIME)
    found = frame.decode(answer)
    assert frame.signed_octets(found) == frame.signed_octets(expected)
    assert found.shape == expected.shape
    if found.shape is Shape.SIGNED:
        check_signed(device, answer)
    else:
        assert protect.check_mac(found, lab.secret(device))
    if exchange.startswith(("CS02a", "CS02f")):
        assert after == device


@pytest.mark.parametrize("exchange", ALERTS)
def test_alert_at_execution_equals_the_real_one(lab: Lab, exchange: str):
    expected = lab.message(f"{ALERTS[exchange]}_ALERT")
    device = device_for(lab, exchange)
    device = device.with_state(replace(device.state, alert_counter=expected.originator_counter))
    device, _ = receive(device, lab.resend(f"{exchange}_COMMAND", device), RTDS_TIME)
    stored = device.state
    assert DeviceState.decode(stored.encode()) == stored
    due = decode_payload(expected).execution_date_time
    assert advance(device, due.replace(year=2029)) == (device, ())
    device, (alert,) = advance(device, due)
    assert frame.signed_octets(check_signed(device, alert)) == frame.signed_octets(expected)
    assert device.alert_counter == expected.originator_counter + 1
    assert device.state.pending == ()
    assert advance(device, due) == (device, ())


def test_with_time_checks_the_dated_certificates_have_expired(lab: Lab):
    device = lab.esme()
    device, _ = receive(device, lab.resend("CS02bSupplierBySupplier_6.15.1_FUTURE_DATED_SUCCESS_COMMAND", device), NOW)
    before = device.cells()
    device, (alert,) = advance(device, datetime(2030, 2, 1, tzinfo=UTC))
    value = decode_payload(frame.decode(alert))
    assert value.alert_code == 0x8F67
    assert [entry.status for entry in value.outcome.replacement_outcomes] == [10, 10, 10]
    assert device.cells() == before
    assert device.log[-1].reason == "no_update"


def test_a_cancellation_removes_the_pending_command_without_alert(lab: Lab):
    device = lab.esme()
    name = "CS02bSupplierBySupplier_6.15.1"
    device, _ = receive(device, lab.resend(f"{name}_FUTURE_DATED_SUCCESS_COMMAND", device), NOW)
    assert len(device.state.pending) == 1
    device, (answer,) = receive(device, lab.resend(f"{name}_CANCELLATION_SUCCESS_COMMAND", device), NOW)
    assert frame.decode(answer).payload.hex() == "30020500"
    assert device.state.pending == ()
    assert device.usc(RemotePartyRole.SUPPLIER) == 1002
    assert advance(device, datetime(2031, 1, 1, tzinfo=UTC)) == (device, ())
