"""CS06: activate the firmware image a device holds, at once or at a date (gbcs.md 4.7, 6.2, 6.3)."""

from dataclasses import replace
from datetime import datetime

from trustcell.devices import answers
from trustcell.devices.fleet import Device
from trustcell.devices.log import Discard, Event, LogEntry
from trustcell.devices.memory import PendingCommand
from trustcell.devices.outcome import Outcome
from trustcell.devices.rules import pending, replay
from trustcell.devices.rules.authority import (
    require_mac,
    require_originator,
    require_shape,
    require_signature,
    still_in_cell,
)
from trustcell.gbcs.frame import Cra, Message, Shape
from trustcell.gbcs.payload import decode_payload, encode_payload
from trustcell.gbcs.usecases import firmware as cs06
from trustcell.gbcs.usecases.firmware import (
    ActivateFirmware,
    ActivateFirmwareAlert,
    ActivateImageResponseCode,
    ActivationOutcome,
)
from trustcell.vocab import SUPPLIER_CELL, RemotePartyRole

CS06 = 0x0012
OUTCOME_ALERT = 0x00CA

_SUPPLIER = RemotePartyRole.SUPPLIER


def activate(device: Device, message: Message, now: datetime) -> Outcome:
    """Verify, then execute at once or keep the command; the answer is signed and carries the date-time."""
    require_shape(message, Shape.SIGNED_AND_MAC)
    command: ActivateFirmware = decode_payload(message)
    if command.originator_counter != message.originator_counter:
        reason = "the counter in the payload must be that of the header"
        raise Discard(Event.FORMAT_CHECK_FAILED, "counter_mismatch", reason)
    supplier = require_originator(device, message, SUPPLIER_CELL)
    replay.require_fresh(message.originator_counter, device.exec(_SUPPLIER), _SUPPLIER)
    require_mac(device, message)
    require_signature(device, message, supplier)
    device = replay.accepted_other(device, _SUPPLIER, message.originator_counter)
    outcome: ActivationOutcome | None = None
    if command.execution_date_time is not None:
        device = pending.schedule(device, message, _SUPPLIER, command.execution_date_time)
    else:
        device, outcome = _execute(device, command, now)
    payload = encode_payload(CS06, Cra.RESPONSE, outcome)
    return Outcome(device, (answers.signed_response(device, message, payload, now),))


def activate_due(device: Device, due: PendingCommand, now: datetime) -> tuple[Device, bytes]:
    """Execute a command whose date has come, and alert its originator."""
    command = cs06.CS06_COMMAND.decode(due.payload)
    if still_in_cell(device, due.originator, SUPPLIER_CELL):
        device, outcome = _execute(device, command, now)
    else:
        outcome = ActivationOutcome(ActivateImageResponseCode.ACTIVATION_FAILURE, device.firmware_version)
    done = outcome.result is ActivateImageResponseCode.SUCCESS
    code = Event.FUTURE_DATED_ACTIONED if done else Event.FUTURE_DATED_NOT_ACTIONED
    value = ActivateFirmwareAlert(code, due.due, due.counter, outcome)
    return answers.alert(device, due.originator, OUTCOME_ALERT, encode_payload(OUTCOME_ALERT, Cra.ALERT, value))


def _execute(device: Device, command: ActivateFirmware, now: datetime) -> tuple[Device, ActivationOutcome]:
    """No image, wrong hash, failed activation, or the image runs; the version reported is the one that runs then."""
    image = device.state.held_image
    if image is None:
        result = ActivateImageResponseCode.NO_IMAGE_HELD
    elif image.image_hash != command.image_hash:
        result = ActivateImageResponseCode.HASH_MISMATCH
    elif image.faulty:
        result = ActivateImageResponseCode.ACTIVATION_FAILURE
    else:
        result = ActivateImageResponseCode.SUCCESS
        device = device.with_state(replace(device.state, firmware_version=image.version, held_image=None))
        text = f"firmware {image.version.hex().upper()} runs"
        device = device.logged(LogEntry(now, Event.FIRMWARE_CHANGED, "firmware_changed", text))
    return device, ActivationOutcome(result, device.firmware_version)
