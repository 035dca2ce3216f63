"""DUIS request bodies to GBCS commands: 6.15.1, 6.21 and 6.24.1 (gbcs.md 4.3 and 4.4; duis-dsp.md 5)."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from trustcell import duis, gbcs
from trustcell.dsp.rules import dating
from trustcell.gbcs import CredentialsReplacementMode as Mode
from trustcell.vocab import (
    MAX_SEQ_NUMBER,
    CellId,
    CellUsage,
    Clause,
    DeviceType,
    Eui64,
    Finding,
    KeyUsage,
    Refused,
    RemotePartyRole,
)

GBCS_CS02B = Clause("GBCS CS02b", "GBCS use case CS02b, Update Security Credentials")

_ROLE_MODE = {
    RemotePartyRole.SUPPLIER: Mode.SUPPLIER_BY_SUPPLIER,
    RemotePartyRole.NETWORK_OPERATOR: Mode.NETWORK_OPERATOR_BY_NETWORK_OPERATOR,
}
_OWN_FLOOR_MODES = frozenset({Mode.SUPPLIER_BY_SUPPLIER, Mode.NETWORK_OPERATOR_BY_NETWORK_OPERATOR})
# Where a role has cells, as far as it depends on the device type (gbcs.md 4.4; smki.md 4.2).
_CELLS_ON: Mapping[RemotePartyRole, frozenset[DeviceType]] = MappingProxyType(
    {
        RemotePartyRole.NETWORK_OPERATOR: frozenset({DeviceType.ESME, DeviceType.GPF}),
        RemotePartyRole.LOAD_CONTROLLER: frozenset({DeviceType.ESME}),
    }
)

UpdateBody = duis.UpdateSecurityCredentialsKRP | duis.RequestHandoverOfDCCControlledDevice
Certificates = UpdateBody | duis.UpdateSecurityCredentialsCoS


def has_cells(device_type: DeviceType, role: RemotePartyRole) -> bool:
    """Whether this type of device has cells for a role at all."""
    return device_type in _CELLS_ON.get(role, (device_type,))


def replacement_mode(body: UpdateBody) -> Mode:
    """The mode a role asks for; ``Refused`` for roles whose slots these services cannot change."""
    mode = _mode(body)
    if mode is None:
        raise Refused([_not_replaceable(body.remote_party_role)])
    return mode


def _mode(body: UpdateBody) -> Mode | None:
    role = body.remote_party_role
    if isinstance(body, duis.UpdateSecurityCredentialsKRP) and role is RemotePartyRole.LOAD_CONTROLLER:
        return Mode.LOAD_CONTROLLER_BY_SUPPLIER
    return _ROLE_MODE.get(role)


def _not_replaceable(role: RemotePartyRole) -> Finding:
    return GBCS_CS02B.breach(
        "role_not_replaceable",
        "RemotePartyRole",
        f"the {role.title} slot cannot be changed by this service",
        "name Supplier, NetworkOperator or, in 6.15.1, LoadController",
        role=role.title,
    )


def update_credentials(body: UpdateBody, counter: int) -> gbcs.UpdateSecurityCredentials:
    """The CS02b or CS02g payload for a 6.15.1 or 6.21; ``counter`` stands in header and payload alike.

    Raises ``Refused`` for a counter above 2^63 - 1, no certificate at all, or a top-up certificate for a role that
    has no such cell.
    """
    findings = list(update_findings(body, counter))
    if findings:
        raise Refused(findings)
    mode = replacement_mode(body)
    role = body.remote_party_role
    specialist = specialist_floor(body.top_up_floor_seq_number)
    own = mode in _OWN_FLOOR_MODES
    authorising = RemotePartyRole.SUPPLIER if mode is Mode.LOAD_CONTROLLER_BY_SUPPLIER else role
    control = gbcs.AuthorisingRemotePartyControl(
        mode,
        counter,
        CellId(authorising, KeyUsage.DIGITAL_SIGNATURE),
        time_based_checks(apply=body.apply_time_based_cpv_checks),
        body.floor_seq_number if own else None,
        specialist if own else None,
        None if own or body.floor_seq_number is None else other_floors(role, body.floor_seq_number, specialist),
    )
    # A 6.21 is held by the DSP until its date, so the device never sees one.
    dated = dating.gbcs_time(body.execution_date_time) if isinstance(body, duis.UpdateSecurityCredentialsKRP) else None
    return gbcs.UpdateSecurityCredentials(control, tuple(replacements(role, body)), body.path_certificates, dated)


def command(originator: Eui64, target: Eui64, counter: int, message_code: int, payload: object) -> gbcs.Message:
    """An unprotected command message around a payload value."""
    octets = gbcs.encode_payload(message_code, gbcs.Cra.COMMAND, payload)
    return gbcs.Message(gbcs.Cra.COMMAND, counter, originator, target, message_code, octets)


def raises_above_stored(body: duis.Body, device_type: DeviceType, generation: str) -> bool:
    """Whether the counter rule of SECMP0128A applies: 6.21, Network Operator, SMETS2 GPF (duis-dsp.md 7.3)."""
    return (
        isinstance(body, duis.RequestHandoverOfDCCControlledDevice)
        and body.remote_party_role is RemotePartyRole.NETWORK_OPERATOR
        and device_type is DeviceType.GPF
        and generation == "SMETS2"
    )


def replacements(role: RemotePartyRole, body: Certificates) -> Iterator[gbcs.Replacement]:
    """The certificates of a body, each with the cell it goes to, in the order of DUIS."""
    for certificate, cell in zip(certificates(body), cells_of(role), strict=True):
        if certificate is not None:
            yield gbcs.Replacement(certificate, cell)


def certificates(body: Certificates) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Digital Signature, Key Agreement and Key Agreement for prepayment top-up."""
    return (
        body.digital_signing_certificate,
        body.key_agreement_certificate,
        body.key_agreement_top_up_certificate,
    )


def cells_of(role: RemotePartyRole) -> tuple[CellId, CellId, CellId]:
    """The cells of a role in the same order; only a supplier has the last one."""
    agreement = KeyUsage.KEY_AGREEMENT
    return (
        CellId(role, KeyUsage.DIGITAL_SIGNATURE),
        CellId(role, agreement),
        CellId(role, agreement, CellUsage.PRE_PAYMENT_TOP_UP),
    )


def time_based_checks(*, apply: bool) -> gbcs.TimeBasedChecks:
    """Whether the device compares certificate dates with its clock."""
    return gbcs.TimeBasedChecks.APPLY if apply else gbcs.TimeBasedChecks.DISAPPLY


def specialist_floor(floor: int | None) -> tuple[gbcs.SpecialistSeqNumber, ...] | None:
    """A floor for prepayment top-ups, if any."""
    return None if floor is None else (gbcs.SpecialistSeqNumber(0, floor),)


def other_floors(
    role: RemotePartyRole, floor: int, specialist: tuple[gbcs.SpecialistSeqNumber, ...] | None
) -> tuple[gbcs.RemotePartySeqNumberChange, ...]:
    """Floors for a role that does not authorise the command itself."""
    return (gbcs.RemotePartySeqNumberChange(role, floor, specialist),)


def counter_findings(counter: int) -> Iterator[Finding]:
    """Why a counter of a request ID cannot be a sequence number in a payload."""
    if counter > MAX_SEQ_NUMBER:
        yield GBCS_CS02B.breach(
            "counter_above_seq_number",
            "RequestID",
            f"the counter {counter} is above {MAX_SEQ_NUMBER}, where sequence numbers of a device end",
            f"use a counter up to {MAX_SEQ_NUMBER}",
            counter=counter,
        )


def update_findings(body: UpdateBody, counter: int) -> Iterator[Finding]:
    """Why a body cannot become a command under this counter."""
    if _mode(body) is None:
        yield _not_replaceable(body.remote_party_role)
        return
    yield from counter_findings(counter)
    if not any(certificates(body)):
        yield GBCS_CS02B.breach(
            "no_replacement",
            "ReplacementCertificates",
            "the request replaces no certificate",
            "give at least one of the three",
        )
    top_up = body.key_agreement_top_up_certificate or body.top_up_floor_seq_number is not None
    if top_up and body.remote_party_role is not RemotePartyRole.SUPPLIER:
        yield GBCS_CS02B.breach(
            "no_top_up_cell",
            "KeyAgreementTopUpCertificate",
            f"the {body.remote_party_role.title} role has no prepayment top-up cell",
            "leave top-up certificate and floor out",
        )
