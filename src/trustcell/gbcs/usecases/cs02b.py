"""CS02b and CS02g: Update Security Credentials (gbcs.md 4.3)."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from trustcell.gbcs.der import Field, Implicit, Sequence, SequenceOf
from trustcell.gbcs.der_types import Enumeration, Null, Octets, Verbatim
from trustcell.gbcs.usecases import common
from trustcell.gbcs.usecases.common import RemotePartySeqNumberChange, SpecialistSeqNumber, StatusCode
from trustcell.vocab import CellId, Eui64, RemotePartyRole


class CredentialsReplacementMode(IntEnum):
    """Who replaces whose credentials; the message code follows from it."""

    ROOT_BY_SUPPLIER = 0
    ROOT_BY_WAN_PROVIDER = 1
    SUPPLIER_BY_SUPPLIER = 2
    NETWORK_OPERATOR_BY_NETWORK_OPERATOR = 3
    ACCESS_CONTROL_BROKER_BY_ACB = 4
    WAN_PROVIDER_BY_WAN_PROVIDER = 5
    TRANS_COS_BY_TRANS_COS = 6
    SUPPLIER_BY_TRANS_COS = 7
    ANY_EXCEPT_ABNORMAL_ROOT_BY_RECOVERY = 8
    ANY_BY_CONTINGENCY = 9
    LOAD_CONTROLLER_BY_LOAD_CONTROLLER = 10
    LOAD_CONTROLLER_BY_SUPPLIER = 11

    @property
    def message_code(self) -> int:
        """0x0100 and the mode for CS02b; CS02g has codes of its own."""
        return {10: 0x0125, 11: 0x0126}.get(self.value, 0x0100 + self.value)


class TimeBasedChecks(IntEnum):
    """applyTimeBasedCPVChecks: whether the device compares certificate dates with its clock."""

    APPLY = 0
    DISAPPLY = 1


_AUTHORISING_CELL = {
    CredentialsReplacementMode.ROOT_BY_SUPPLIER: RemotePartyRole.SUPPLIER,
    CredentialsReplacementMode.ROOT_BY_WAN_PROVIDER: RemotePartyRole.WAN_PROVIDER,
    CredentialsReplacementMode.SUPPLIER_BY_SUPPLIER: RemotePartyRole.SUPPLIER,
    CredentialsReplacementMode.NETWORK_OPERATOR_BY_NETWORK_OPERATOR: RemotePartyRole.NETWORK_OPERATOR,
    CredentialsReplacementMode.ACCESS_CONTROL_BROKER_BY_ACB: RemotePartyRole.ACCESS_CONTROL_BROKER,
    CredentialsReplacementMode.WAN_PROVIDER_BY_WAN_PROVIDER: RemotePartyRole.WAN_PROVIDER,
    CredentialsReplacementMode.TRANS_COS_BY_TRANS_COS: RemotePartyRole.TRANSITIONAL_COS,
    CredentialsReplacementMode.SUPPLIER_BY_TRANS_COS: RemotePartyRole.TRANSITIONAL_COS,
    CredentialsReplacementMode.ANY_EXCEPT_ABNORMAL_ROOT_BY_RECOVERY: RemotePartyRole.RECOVERY,
    CredentialsReplacementMode.LOAD_CONTROLLER_BY_LOAD_CONTROLLER: RemotePartyRole.LOAD_CONTROLLER,
    CredentialsReplacementMode.LOAD_CONTROLLER_BY_SUPPLIER: RemotePartyRole.SUPPLIER,
}


_MODE_OF_CODE = {mode.message_code: mode for mode in CredentialsReplacementMode}


def replacement_mode(message_code: int) -> CredentialsReplacementMode:
    """The mode a message code of CS02b or CS02g stands for; ``KeyError`` for other codes."""
    return _MODE_OF_CODE[message_code]


def authorising_role(mode: CredentialsReplacementMode) -> RemotePartyRole | None:
    """The role whose cell authorises a mode (table of gbcs.md 4.3); ``None`` for contingency, which has no cell."""
    return _AUTHORISING_CELL.get(mode)


@dataclass(frozen=True, slots=True)
class AuthorisingRemotePartyControl:
    """Who authorises, with which counter, and which floors are set.

    authorisingRemotePartyControl SEQUENCE {
      credentialsReplacementMode INTEGER, plaintextSymmetricKey [0] OCTET STRING OPTIONAL,
      applyTimeBasedCPVChecks [1] INTEGER { apply 0, disapply 1 } DEFAULT apply,
      authorisingRemotePartyTACellIdentifier [2] TrustAnchorCellIdentifier OPTIONAL,
      authorisingRemotePartySeqNumber [3] SeqNumber, newRemotePartyFloorSeqNumber [4] SeqNumber OPTIONAL,
      newRemotePartySpecialistFloorSeqNumber [5] SEQUENCE OF SpecialistSeqNumber OPTIONAL,
      otherRemotePartySeqNumberChanges [6] SEQUENCE OF RemotePartySeqNumberChange OPTIONAL }
    """

    mode: CredentialsReplacementMode
    seq_number: int
    authorising_cell: CellId | None = None
    time_based_checks: TimeBasedChecks = TimeBasedChecks.APPLY
    floor: int | None = None
    specialist_floors: tuple[SpecialistSeqNumber, ...] | None = None
    other_changes: tuple[RemotePartySeqNumberChange, ...] | None = None
    plaintext_symmetric_key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Replacement:
    """SEQUENCE { replacementCertificate Certificate, targetTrustAnchorCell TrustAnchorCellIdentifier }."""

    certificate: bytes
    cell: CellId


@dataclass(frozen=True, slots=True)
class UpdateSecurityCredentials:
    """Command payload.

    CommandPayload ::= SEQUENCE { authorisingRemotePartyControl, replacements SEQUENCE OF Replacement,
      certificationPathCertificates SEQUENCE OF Certificate, executionDateTime GeneralizedTime OPTIONAL }
    """

    control: AuthorisingRemotePartyControl
    replacements: tuple[Replacement, ...]
    path_certificates: tuple[bytes, ...]
    execution_date_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReplacementOutcome:
    """What became of one replacement; ``replacing_*`` describes the cell afterwards (gbcs.md 4.3 rule 5).

    SEQUENCE { affectedTrustAnchorCell, statusCode, existingSubjectUniqueID OCTET STRING(8),
      existingSubjectKeyIdentifier OCTET STRING(8), replacingSubjectUniqueID OCTET STRING(8),
      replacingSubjectKeyIdentifier OCTET STRING(8) }
    """

    cell: CellId
    status: StatusCode
    existing_entity: Eui64
    existing_key_id: bytes
    replacing_entity: Eui64
    replacing_key_id: bytes


@dataclass(frozen=True, slots=True)
class ExecutionOutcome:
    """What a command did.

    ExecutionOutcome ::= SEQUENCE { authorisingRemotePartySeqNumber SeqNumber, credentialsReplacementMode INTEGER,
      remotePartySeqNumberChanges SEQUENCE OF RemotePartySeqNumberChange,
      replacementOutcomes SEQUENCE OF ReplacementOutcome }
    """

    seq_number: int
    mode: CredentialsReplacementMode
    seq_number_changes: tuple[RemotePartySeqNumberChange, ...]
    replacement_outcomes: tuple[ReplacementOutcome, ...]


@dataclass(frozen=True, slots=True)
class UpdateSecurityCredentialsResponse:
    """ResponsePayload ::= SEQUENCE { commandAccepted NULL, executionOutcome ExecutionOutcome OPTIONAL }."""

    outcome: ExecutionOutcome | None = None
    command_accepted: None = None


@dataclass(frozen=True, slots=True)
class UpdateSecurityCredentialsAlert:
    """AlertPayload ::= SEQUENCE { alertCode INTEGER, executionDateTime GeneralizedTime, executionOutcome }."""

    alert_code: int
    execution_date_time: datetime
    outcome: ExecutionOutcome


_MODE = Enumeration(CredentialsReplacementMode)
_CHANGES = SequenceOf(common.SEQ_NUMBER_CHANGE)
_CONTROL = Sequence(
    AuthorisingRemotePartyControl,
    Field("mode", _MODE, "credentialsReplacementMode"),
    Field("plaintext_symmetric_key", Implicit(0, Octets()), absent=None),
    Field(
        "time_based_checks",
        Implicit(1, Enumeration(TimeBasedChecks)),
        "applyTimeBasedCPVChecks",
        absent=TimeBasedChecks.APPLY,
    ),
    Field("authorising_cell", Implicit(2, common.CELL), "authorisingRemotePartyTACellIdentifier", absent=None),
    Field("seq_number", Implicit(3, common.SEQ_NUMBER), "authorisingRemotePartySeqNumber"),
    Field("floor", Implicit(4, common.SEQ_NUMBER), "newRemotePartyFloorSeqNumber", absent=None),
    Field("specialist_floors", Implicit(5, common.SPECIALISTS), "newRemotePartySpecialistFloorSeqNumber", absent=None),
    Field("other_changes", Implicit(6, _CHANGES), "otherRemotePartySeqNumberChanges", absent=None),
)
_OUTCOME = Sequence(
    ExecutionOutcome,
    Field("seq_number", common.SEQ_NUMBER, "authorisingRemotePartySeqNumber"),
    Field("mode", _MODE, "credentialsReplacementMode"),
    Field("seq_number_changes", _CHANGES, "remotePartySeqNumberChanges"),
    Field(
        "replacement_outcomes",
        SequenceOf(
            Sequence(
                ReplacementOutcome,
                Field("cell", common.CELL, "affectedTrustAnchorCell"),
                Field("status", common.STATUS, "statusCode"),
                Field("existing_entity", common.ENTITY, "existingSubjectUniqueID"),
                Field("existing_key_id", common.KEY_ID, "existingSubjectKeyIdentifier"),
                Field("replacing_entity", common.ENTITY, "replacingSubjectUniqueID"),
                Field("replacing_key_id", common.KEY_ID, "replacingSubjectKeyIdentifier"),
            )
        ),
    ),
)
COMMAND = Sequence(
    UpdateSecurityCredentials,
    Field("control", _CONTROL, "authorisingRemotePartyControl"),
    Field(
        "replacements",
        SequenceOf(
            Sequence(
                Replacement,
                Field("certificate", Verbatim(), "replacementCertificate"),
                Field("cell", common.CELL, "targetTrustAnchorCell"),
            )
        ),
    ),
    Field("path_certificates", SequenceOf(Verbatim()), "certificationPathCertificates"),
    Field("execution_date_time", common.TIME, absent=None),
)
RESPONSE = Sequence(
    UpdateSecurityCredentialsResponse,
    Field("command_accepted", Null()),
    Field("outcome", _OUTCOME, "executionOutcome", absent=None),
)
ALERT = Sequence(
    UpdateSecurityCredentialsAlert,
    Field("alert_code", common.ALERT_CODE),
    Field("execution_date_time", common.TIME),
    Field("outcome", _OUTCOME, "executionOutcome"),
)
