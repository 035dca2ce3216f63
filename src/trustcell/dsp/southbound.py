"""Southbound: a verified request becomes a pre-command or a command in the outbox (duis-dsp.md 4.1, 5 and 7.3)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import duis, gbcs
from trustcell.dsp.answers import Answers, Submission
from trustcell.dsp.ports import (
    Broker,
    Command,
    DeviceRecord,
    Directory,
    Inventory,
    Ledger,
    Offered,
    Reservation,
    Reserved,
)
from trustcell.dsp.rules import completion, eligibility, transform
from trustcell.dsp.rules.correlation import CommandKey
from trustcell.dsp.rules.reasons import response_code
from trustcell.vocab import CellId, Eui64, Finding, KeyUsage, Refused, RemotePartyRole, WireError

BROKER_AGREEMENT_CELL = CellId(RemotePartyRole.ACCESS_CONTROL_BROKER, KeyUsage.KEY_AGREEMENT)


def broker_secret(ledger: Ledger, broker: Broker, device: DeviceRecord) -> bytes:
    """What broker and device agree on for MACs, with the key that is known to be in the device's broker cell."""
    slot = ledger.slot(device.eui, BROKER_AGREEMENT_CELL)
    return broker.shared_secret(device.agreement_key, slot[1] if slot is not None else None)


@dataclass(frozen=True, slots=True)
class Southbound:
    """Requests to commands over the ports. ``track_counters`` is the rule of SECMP0128A."""

    ledger: Ledger
    inventory: Inventory
    directory: Directory
    broker: Broker
    answers: Answers
    track_counters: bool

    def process(self, request: duis.Request, octets: bytes, now: datetime) -> Submission:
        """Checks 5 to 17, then the work; ``Refused`` leaves everything as it was."""
        ids = request.request_id
        roles = self.directory.roles(ids.originator)
        _require(eligibility.user_findings(roles))
        offered = self.ledger.offered(ids)
        _require(eligibility.service_findings(request, roles))
        device = self._device(ids.target)
        _require(eligibility.target_findings(request, device.device_type))
        match request.body:
            case duis.UpdateSecurityCredentialsKRP() as body:
                return self._transform(request, body, device, now)
            case duis.SignedPreCommand() as body:
                return self._complete(request, body, offered, device, now)
            case _:
                return self._originate(request, octets, device, now)

    def rebuild(self, reserved: Reserved, now: datetime) -> Submission | None:
        """Build the command of a reservation that a crash interrupted, or give the reservation up for good.

        ``None`` when another worker has done either meanwhile.
        """
        ids, variant = reserved.request_id, reserved.service_variant
        try:
            request = duis.parse_request(reserved.octets).request
            device = self._device(ids.target)
            key_id = self._signing_key(request, device)
            secret = broker_secret(self.ledger, self.broker, device)
            return self._sent(request, device, reserved.counter, key_id, secret, now)
        except WireError as error:
            finding = eligibility.PROCESSING.breach(
                "request_unreadable", "Request", str(error), "send the request again under a new request ID"
            )
            refused = Refused([finding])
        except Refused as found:
            refused = found
        if not self.ledger.abandon(ids, refused.code, now):
            return None
        return self.answers.refused(ids, variant, response_code(refused.code), refused, now)

    def _device(self, eui: Eui64) -> DeviceRecord:
        device = self.inventory.device(eui)
        if device is None:
            raise _refused("device_unknown", "Header.RequestID", f"{eui} is not in the inventory", "pre-notify it")
        return device

    # ---- critical: transform, then the signed pre-command ----

    def _transform(
        self, request: duis.Request, body: duis.UpdateSecurityCredentialsKRP, device: DeviceRecord, now: datetime
    ) -> Submission:
        ids, variant = request.request_id, request.service_reference_variant
        payload = transform.update_credentials(body, ids.counter)
        code = payload.control.mode.message_code
        offered = completion.offered_octets(transform.command(ids.originator, ids.target, ids.counter, code, payload))
        self.ledger.transform(ids, variant, offered, now)
        return self.answers.transformed(ids, variant, duis.PreCommand(device.gbcs_version, offered), now)

    def _complete(
        self,
        request: duis.Request,
        body: duis.SignedPreCommand,
        offered: Offered | None,
        device: DeviceRecord,
        now: datetime,
    ) -> Submission:
        variant = request.service_reference_variant
        if offered is None:
            raise _refused(
                "pre_command_unknown",
                "Header.RequestID",
                "nothing was transformed under this request ID",
                "send the service request to the transform service first",
            )
        if offered.service_variant != variant:
            raise _refused(
                "pre_command_other_service",
                "Header.ServiceReferenceVariant",
                f"the pre-command under this request ID is for {offered.service_variant}, not for {variant}",
                f"name {offered.service_variant}",
            )
        message = completion.returned(offered.octets, body.gbcs_payload)
        completion.require_signature(offered.octets, message, self._slot_keys(device, message))
        secret = broker_secret(self.ledger, self.broker, device)
        sealed = gbcs.seal(message, secret, body.gbcs_payload)
        return self._recorded(request, device, message, sealed, now)

    def _slot_keys(self, device: DeviceRecord, message: gbcs.Message) -> Sequence[ec.EllipticCurvePublicKey]:
        """The key in the authorising slot, if the slot is known to be the originator's; else any key of his.

        Nobody is locked out by a lost response: who took the slot unheard may sign with any of his keys, and the
        device decides.
        """
        role = gbcs.authorising_role(gbcs.replacement_mode(message.message_code))
        slot = self.ledger.slot(device.eui, CellId(role, KeyUsage.DIGITAL_SIGNATURE)) if role is not None else None
        key_id = slot[1] if slot is not None and slot[0] == message.originator else None
        return self.directory.signing_keys(message.originator, key_id)

    # ---- what the broker originates itself ----

    def _originate(self, request: duis.Request, octets: bytes, device: DeviceRecord, now: datetime) -> Submission:
        key_id = self._signing_key(request, device)  # whatever can be refused is refused before a number is taken
        secret = broker_secret(self.ledger, self.broker, device)
        raises = self.track_counters and transform.raises_above_stored(
            request.body, device.device_type, device.generation
        )
        choice = self.ledger.reserve(
            Reservation(request.request_id, request.service_reference_variant, octets, raises), now
        )
        try:
            return self._sent(request, device, choice.counter, key_id, secret, now)
        except Refused as refused:
            self.ledger.abandon(request.request_id, refused.code, now)
            raise

    def _signing_key(self, request: duis.Request, device: DeviceRecord) -> bytes | None:
        """The broker's key in the slot of a 6.21; ``Refused`` if the request cannot become a command."""
        if not isinstance(request.body, duis.RequestHandoverOfDCCControlledDevice):
            return None
        transform.update_credentials(request.body, 0)
        return self._broker_key(device, CellId(request.body.remote_party_role, KeyUsage.DIGITAL_SIGNATURE))

    def _sent(
        self,
        request: duis.Request,
        device: DeviceRecord,
        counter: int,
        key_id: bytes | None,
        secret: bytes,
        now: datetime,
    ) -> Submission:
        body, broker = request.body, self.broker.entity
        if isinstance(body, duis.RetrieveDeviceSecurityCredentialsKRP):
            code = transform.details_message_code(body)
            message = transform.command(broker, device.eui, counter, code, transform.details(body))
            return self._recorded(request, device, message, gbcs.seal(message, secret), now)
        assert isinstance(body, duis.RequestHandoverOfDCCControlledDevice)
        payload = transform.update_credentials(body, counter)
        message = transform.command(broker, device.eui, counter, payload.control.mode.message_code, payload)
        message = gbcs.attach_signature(message, self.broker.sign(gbcs.signed_octets(message), key_id))
        return self._recorded(request, device, message, gbcs.seal(message, secret), now)

    def _broker_key(self, device: DeviceRecord, cell: CellId) -> bytes | None:
        """The broker's key in a cell, by what is known; ``None`` when nothing is."""
        slot = self.ledger.slot(device.eui, cell)
        if slot is None:
            return None
        entity, key_id = slot
        if entity != self.broker.entity:
            raise _refused(
                "slot_not_broker",
                "RemotePartyRole",
                f"the {cell} cell of {device.eui} is held by {entity}, not by the broker",
                "let the party in the slot hand over by 6.15.1, or read the slot by 6.24.1 if a response was lost",
            )
        if not self.broker.holds(key_id):
            raise _refused(
                "slot_key_not_held",
                "RemotePartyRole",
                f"the {cell} cell of {device.eui} holds the broker's key {key_id.hex()}, which is not in use",
                "only recovery or contingency can open this slot again",
            )
        return key_id

    def _recorded(
        self, request: duis.Request, device: DeviceRecord, message: gbcs.Message, sealed: bytes, now: datetime
    ) -> Submission:
        command = Command(
            CommandKey(message.originator, device.eui, message.originator_counter),
            message.message_code,
            request.request_id,
            request.service_reference_variant,
            sealed,
        )
        self.ledger.record(command, now)
        return self.answers.accepted(command, now)


def _require(findings: Iterable[Finding]) -> None:
    found = list(findings)
    if found:
        raise Refused(found)


def _refused(code: str, field: str, message: str, remedy: str) -> Refused:
    return Refused([eligibility.PROCESSING.breach(code, field, message, remedy)])
