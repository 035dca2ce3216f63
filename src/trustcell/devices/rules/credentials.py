"""CS02b and CS02g: steps 3 to 10 and 12 of gbcs.md 6.1, in that order; step 11 is in ``replacement``."""

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
from trustcell.devices.rules.replacement import execute, not_executed, replaces
from trustcell.gbcs.frame import Cra, Message, Shape
from trustcell.gbcs.payload import decode_payload, encode_payload
from trustcell.gbcs.usecases import cs02b
from trustcell.gbcs.usecases.common import StatusCode
from trustcell.gbcs.usecases.cs02b import (
    CredentialsReplacementMode,
    ExecutionOutcome,
    UpdateSecurityCredentials,
    UpdateSecurityCredentialsAlert,
    UpdateSecurityCredentialsResponse,
    authorising_role,
)
from trustcell.vocab import BROKER_CELL, CellId, DeviceType, KeyUsage

Mode = CredentialsReplacementMode

MODES = {mode.message_code: mode for mode in Mode}
CS02G_MODES = (Mode.LOAD_CONTROLLER_BY_LOAD_CONTROLLER, Mode.LOAD_CONTROLLER_BY_SUPPLIER)
NOT_MODELLED = (Mode.ROOT_BY_SUPPLIER, Mode.ROOT_BY_WAN_PROVIDER, Mode.ANY_BY_CONTINGENCY)
"""Root replacement and contingency have no command vectors (gbcs.md 10)."""

CS02B_ALERT = 0x00CB
CS02G_ALERT = 0x0124

MAX_ENTRIES = 32
"""Entries of each list of a command; a device has at most a dozen cells and ten roles (assumed)."""


def update(device: Device, message: Message, now: datetime) -> Outcome:
    """Authenticate, commit the counter, then execute at once or keep the command for its date."""
    mode = MODES[message.message_code]
    if mode in NOT_MODELLED:
        raise Discard(Event.COMMAND_NOT_SUPPORTED, "mode_not_modelled", f"mode {mode.name} is not modelled")
    shape = _shape(mode, device.device_type)
    require_shape(message, shape)
    command: UpdateSecurityCredentials = decode_payload(message)
    _require_content(message, command, mode)
    cell = _authorising_cell(command, mode, device.device_type)
    signer = require_originator(device, message, cell)
    replay.require_fresh(message.originator_counter, device.usc(cell.role), cell.role)
    if shape is not Shape.SIGNED:
        require_mac(device, message)
    if shape is not Shape.MAC:
        require_signature(device, message, signer)
    device = replay.accepted_update(device, cell.role, message.originator_counter)
    outcome: ExecutionOutcome | None = None
    if command.execution_date_time is not None:
        device = pending.schedule(device, message, cell.role, command.execution_date_time)
    else:
        device, outcome = execute(device, command, cell, now)
        device = device.logged(_log_line(outcome, now))
    payload = encode_payload(message.message_code, Cra.RESPONSE, UpdateSecurityCredentialsResponse(outcome))
    return Outcome(device, (answers.signed_response(device, message, payload, now),))


def update_due(device: Device, due: PendingCommand, now: datetime) -> tuple[Device, bytes]:
    """Execute a command whose date has come; paths are judged now, and the originator is told by alert (6.3)."""
    command = cs02b.COMMAND.decode(due.payload)
    mode = command.control.mode
    cell = command.control.authorising_cell or BROKER_CELL
    if still_in_cell(device, due.originator, cell):
        device, outcome = execute(device, command, cell, now)
        device = device.logged(_log_line(outcome, now))
    else:
        outcome = not_executed(device, command, cell)
    done = all(entry.status is StatusCode.SUCCESS for entry in outcome.replacement_outcomes)
    event = Event.FUTURE_DATED_ACTIONED if done else Event.FUTURE_DATED_NOT_ACTIONED
    code = CS02G_ALERT if mode in CS02G_MODES else CS02B_ALERT
    payload = encode_payload(code, Cra.ALERT, UpdateSecurityCredentialsAlert(event, due.due, outcome))
    return answers.alert(device, due.originator, code, payload)


def _shape(mode: CredentialsReplacementMode, device_type: DeviceType) -> Shape:
    """Step 3: recovery is signed only; the broker replaces itself by MAC alone except on a CHF; the rest has both."""
    if mode is Mode.ANY_EXCEPT_ABNORMAL_ROOT_BY_RECOVERY:
        return Shape.SIGNED
    if mode is Mode.ACCESS_CONTROL_BROKER_BY_ACB and device_type is not DeviceType.CHF:
        return Shape.MAC
    return Shape.SIGNED_AND_MAC


def _require_content(message: Message, command: UpdateSecurityCredentials, mode: CredentialsReplacementMode) -> None:
    """Step 4: mode and counter repeat the header, lists are bounded, other floors stay within the mode."""
    control = command.control
    if control.mode is not mode:
        text = f"message code {message.message_code:04X} means mode {mode}, the payload says {control.mode}"
        raise Discard(Event.FORMAT_CHECK_FAILED, "mode_mismatch", text)
    if control.seq_number != message.originator_counter:
        text = "the sequence number [3] must be the Originator Counter of the header"
        raise Discard(Event.FORMAT_CHECK_FAILED, "counter_mismatch", text)
    if control.plaintext_symmetric_key is not None:
        text = "the key [0] belongs to mode anyByContingency alone"
        raise Discard(Event.FORMAT_CHECK_FAILED, "plaintext_key_not_expected", text)
    changes = control.other_changes or ()
    lists = (command.replacements, command.path_certificates, control.specialist_floors or (), changes)
    if any(len(entries) > MAX_ENTRIES for entries in (*lists, *(c.specialist_floors or () for c in changes))):
        raise Discard(Event.FORMAT_CHECK_FAILED, "too_many_entries", f"a list has more than {MAX_ENTRIES} entries")
    for change in changes:
        if not replaces(mode, change.role):
            text = f"mode {mode} does not replace {change.role.title}, so it sets no floor for it"
            raise Discard(Event.NO_AUTHORITY, "floor_outside_mode", text)


def _authorising_cell(
    command: UpdateSecurityCredentials, mode: CredentialsReplacementMode, device_type: DeviceType
) -> CellId:
    """Step 4: the cell the table of gbcs.md 4.3 fixes for the mode; left out only by the broker, except on a CHF."""
    role = authorising_role(mode)
    named = command.control.authorising_cell
    by_mac = mode is Mode.ACCESS_CONTROL_BROKER_BY_ACB and device_type is not DeviceType.CHF
    expected = None if by_mac or role is None else CellId(role, KeyUsage.DIGITAL_SIGNATURE)
    if named != expected:
        text = f"mode {mode} is authorised by {expected or 'no named cell'}, the payload names {named or 'none'}"
        raise Discard(Event.NO_AUTHORITY, "authorising_cell_wrong", text)
    return expected or BROKER_CELL


def _log_line(outcome: ExecutionOutcome, now: datetime) -> LogEntry:
    """Step 12: the update stands in the security log, one line a command."""
    entries = outcome.replacement_outcomes
    good = sum(entry.status is StatusCode.SUCCESS for entry in entries)
    reason = "credentials_updated" if good == len(entries) else "credentials_partly_updated" if good else "no_update"
    text = f"mode {outcome.mode}, counter {outcome.seq_number}: {good} of {len(entries)} replacements done"
    return LogEntry(now, Event.CREDENTIALS_UPDATE, reason, text)
