"""CS02a and CS02f: Provide Security Credential Details (gbcs.md 4.4)."""

from dataclasses import dataclass

from trustcell.gbcs.der import Field, Sequence, SequenceOf
from trustcell.gbcs.der_types import Enumeration
from trustcell.gbcs.usecases import common
from trustcell.gbcs.usecases.common import StatusCode
from trustcell.vocab import CellId, CellUsage, Eui64, KeyUsage, RemotePartyRole


@dataclass(frozen=True, slots=True)
class ProvideCredentialDetails:
    """Command payload: which cell authorises, and the roles asked for.

    CommandPayload ::= SEQUENCE { authorisingRemotePartyTACellIdentifier TrustAnchorCellIdentifier,
      remotePartyRolesCredentialsRequired SEQUENCE OF RemotePartyRole }
    """

    authorising_cell: CellId
    roles: tuple[RemotePartyRole, ...]


@dataclass(frozen=True, slots=True)
class CellDetails:
    """Who sits in one cell of a role.

    SEQUENCE { keyUsage, cellUsage OPTIONAL, existingSubjectUniqueID OCTET STRING(8),
      existingSubjectKeyIdentifier OCTET STRING(8) }
    """

    key_usage: KeyUsage
    cell_usage: CellUsage
    entity: Eui64
    key_id: bytes


@dataclass(frozen=True, slots=True)
class RoleDetails:
    """Status, stored sequence number and cells of one role; number and cells only with success.

    SEQUENCE { remotePartyRole, statusCode StatusCode, currentSeqNumber SeqNumber OPTIONAL,
      trustAnchorCellsDetails SEQUENCE OF CellDetails OPTIONAL }
    """

    role: RemotePartyRole
    status: StatusCode
    current_seq_number: int | None = None
    cells: tuple[CellDetails, ...] | None = None


COMMAND = Sequence(
    ProvideCredentialDetails,
    Field("authorising_cell", common.CELL, "authorisingRemotePartyTACellIdentifier"),
    Field("roles", SequenceOf(common.ROLE), "remotePartyRolesCredentialsRequired"),
)
RESPONSE = SequenceOf(
    Sequence(
        RoleDetails,
        Field("role", common.ROLE, "remotePartyRole"),
        Field("status", common.STATUS, "statusCode"),
        Field("current_seq_number", common.SEQ_NUMBER, absent=None),
        Field(
            "cells",
            SequenceOf(
                Sequence(
                    CellDetails,
                    Field("key_usage", common.KEY_USAGE),
                    Field("cell_usage", Enumeration(CellUsage), absent=CellUsage.MANAGEMENT),
                    Field("entity", common.ENTITY, "existingSubjectUniqueID"),
                    Field("key_id", common.KEY_ID, "existingSubjectKeyIdentifier"),
                )
            ),
            "trustAnchorCellsDetails",
            absent=None,
        ),
    )
)
