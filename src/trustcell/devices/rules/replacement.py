"""Step 11 of gbcs.md 6.1: each replacement judged and stored by itself, then the floors (4.3 rules 4 to 9)."""

from datetime import datetime

from trustcell.certs import Certificate
from trustcell.devices.cells import KEY_ID_LENGTH, ROOT_ENTITY, CellOccupant
from trustcell.devices.fleet import Device
from trustcell.devices.rules import replay
from trustcell.devices.rules.policy import TimeChecks
from trustcell.gbcs.usecases.common import RemotePartySeqNumberChange, StatusCode
from trustcell.gbcs.usecases.cs02b import (
    CredentialsReplacementMode,
    ExecutionOutcome,
    Replacement,
    ReplacementOutcome,
    TimeBasedChecks,
    UpdateSecurityCredentials,
)
from trustcell.vocab import ROOT_CELL, CellId, RemotePartyRole

_Mode = CredentialsReplacementMode
_Role = RemotePartyRole

_REPLACED_ROLE = {
    _Mode.SUPPLIER_BY_SUPPLIER: _Role.SUPPLIER,
    _Mode.NETWORK_OPERATOR_BY_NETWORK_OPERATOR: _Role.NETWORK_OPERATOR,
    _Mode.ACCESS_CONTROL_BROKER_BY_ACB: _Role.ACCESS_CONTROL_BROKER,
    _Mode.WAN_PROVIDER_BY_WAN_PROVIDER: _Role.WAN_PROVIDER,
    _Mode.TRANS_COS_BY_TRANS_COS: _Role.TRANSITIONAL_COS,
    _Mode.SUPPLIER_BY_TRANS_COS: _Role.SUPPLIER,
    _Mode.LOAD_CONTROLLER_BY_LOAD_CONTROLLER: _Role.LOAD_CONTROLLER,
    _Mode.LOAD_CONTROLLER_BY_SUPPLIER: _Role.LOAD_CONTROLLER,
}

# Certificate roles a cell takes besides its own (gbcs.md 4.3 rule 9, 6.1 step 11).
_GUESTS = {
    _Role.SUPPLIER: (_Role.ACCESS_CONTROL_BROKER,),
    _Role.NETWORK_OPERATOR: (_Role.ACCESS_CONTROL_BROKER,),
    _Role.LOAD_CONTROLLER: (_Role.SUPPLIER,),
}

_NOBODY = CellOccupant(ROOT_ENTITY, bytes(KEY_ID_LENGTH), None, bytes(65))
"""Reported for a cell that does not exist: zeros (assumed, no vector)."""


def replaces(mode: CredentialsReplacementMode, role: RemotePartyRole) -> bool:
    """Whether a mode may replace credentials of a role; recovery may for all but the root (gbcs.md 4.3)."""
    if mode is _Mode.ANY_EXCEPT_ABNORMAL_ROOT_BY_RECOVERY:
        return role is not _Role.ROOT
    return _REPLACED_ROLE.get(mode) is role


def execute(
    device: Device, command: UpdateSecurityCredentials, cell: CellId, now: datetime
) -> tuple[Device, ExecutionOutcome]:
    """Work through the replacements in order; floors follow if any of them succeeded (gbcs.md 5.2)."""
    control = command.control
    before = device.cell(cell)
    judge = _Judge(device, command, now)
    outcomes = []
    for replacement in command.replacements:
        device, outcome = _replace(device, replacement, judge)
        outcomes.append(outcome)
    if any(outcome.status is StatusCode.SUCCESS for outcome in outcomes):
        after = device.cell(cell)
        changed = before is not None and after is not None and before.entity != after.entity
        if control.floor is not None:
            device = replay.own_floor(device, cell.role, control.floor, control.specialist_floors, changed)
        device = replay.other_floors(device, control.other_changes or ())
    return device, ExecutionOutcome(control.seq_number, control.mode, _changes(command, cell), tuple(outcomes))


def not_executed(device: Device, command: UpdateSecurityCredentials, cell: CellId) -> ExecutionOutcome:
    """The outcome of a command that lost its authority while it waited: every status ``other``."""
    outcomes = []
    for replacement in command.replacements:
        held = device.cell(replacement.cell) or _NOBODY
        outcomes.append(_outcome(replacement.cell, StatusCode.OTHER, held, held))
    control = command.control
    return ExecutionOutcome(control.seq_number, control.mode, _changes(command, cell), tuple(outcomes))


def _changes(command: UpdateSecurityCredentials, cell: CellId) -> tuple[RemotePartySeqNumberChange, ...]:
    """The floors as the command gave them: the authorising role's if [4] is there, then [6] (4.3 rule 4)."""
    control = command.control
    others = control.other_changes or ()
    if control.floor is None:
        return others
    return (RemotePartySeqNumberChange(cell.role, control.floor, control.specialist_floors), *others)


def _replace(device: Device, replacement: Replacement, judge: "_Judge") -> tuple[Device, ReplacementOutcome]:
    """One replacement; on failure the cell keeps its occupant and both halves of the outcome name it (rule 5)."""
    cell = replacement.cell
    held = device.cell(cell)
    if held is None or not judge.permits(cell):
        known = held or _NOBODY
        return device, _outcome(cell, StatusCode.TRUST_ANCHOR_NOT_FOUND, known, known)
    verdict = judge.verdict(replacement)
    if isinstance(verdict, StatusCode):
        return device, _outcome(cell, verdict, held, held)
    device = device.with_state(device.state.with_cell(cell, verdict))
    return device, _outcome(cell, StatusCode.SUCCESS, held, verdict)


def _outcome(cell: CellId, status: StatusCode, existing: CellOccupant, after: CellOccupant) -> ReplacementOutcome:
    return ReplacementOutcome(cell, status, existing.entity, existing.key_id, after.entity, after.key_id)


class _Judge:
    """What is the same for every replacement of one command: mode, path certificates, root, clock."""

    def __init__(self, device: Device, command: UpdateSecurityCredentials, now: datetime) -> None:
        self._mode = command.control.mode
        self._fleet = device.fleet
        self._root = device.cell(ROOT_CELL)
        wanted = command.control.time_based_checks is TimeBasedChecks.APPLY
        moment = device.policy.certificate_time or now
        self._now = moment if wanted and device.policy.time_checks is TimeChecks.AS_COMMANDED else None
        parsed = (device.fleet.certificate(der) for der in command.path_certificates)
        self._path = tuple(certificate for certificate in parsed if certificate is not None)

    def permits(self, cell: CellId) -> bool:
        """Whether the mode may replace this cell."""
        return replaces(self._mode, cell.role)

    def verdict(self, replacement: Replacement) -> CellOccupant | StatusCode:
        """The new occupant, badCertificate for what the certificate says, or noTrustAnchor for its path."""
        certificate = self._fleet.certificate(replacement.certificate)
        if certificate is None or not _fits(certificate, replacement.cell):
            return StatusCode.BAD_CERTIFICATE
        try:
            occupant = CellOccupant.of(certificate)
        except ValueError:
            return StatusCode.BAD_CERTIFICATE
        return occupant if self._trusted(certificate) else StatusCode.NO_TRUST_ANCHOR

    def _trusted(self, certificate: Certificate) -> bool:
        """Whether a path through the command's certificates ends at the root cell."""
        return self._root is not None and self._fleet.trusts(certificate, self._path, self._root, self._now)


def _fits(certificate: Certificate, cell: CellId) -> bool:
    """Exactly the cell's key usage, and a role this cell takes; ``CellOccupant.of`` asks for the P-256 key."""
    if certificate.key_usage != cell.key_usage:
        return False
    return certificate.role == cell.role or certificate.role in _GUESTS.get(cell.role, ())
