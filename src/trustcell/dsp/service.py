"""The request manager's heart: requests in, commands out, device messages in, answers out (duis-dsp.md 4 and 7)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import duis, gbcs
from trustcell.dsp.ports import (
    Broker,
    Command,
    CommandKey,
    DeviceRecord,
    Directory,
    Inventory,
    Kind,
    Ledger,
    Reservation,
)
from trustcell.dsp.rules import completion, transform
from trustcell.dsp.rules.effects import effects_of
from trustcell.dsp.rules.reasons import response_code
from trustcell.vocab import CellId, Clause, DeviceType, KeyUsage, Refused, RemotePartyRole, WireError

_PROCESSING = Clause("SEC Appendix AB", "Service Request Processing Document")
_BROKER_AGREEMENT_CELL = CellId(RemotePartyRole.ACCESS_CONTROL_BROKER, KeyUsage.KEY_AGREEMENT)
_FUTURE_DATED_ALERTS = frozenset({0x00CB, 0x0124})


@dataclass(frozen=True, slots=True)
class Policy:
    """Choices of this DSP. ``track_counters`` off is the world before SECMP0128A, kept to show the difference."""

    track_counters: bool = True


@dataclass(frozen=True, slots=True)
class Submission:
    """The synchronous answer to a request, signed, and the command it put into the outbox, if any."""

    response: bytes
    code: str
    command: Command | None = None
    refusal: Refused | None = None


@dataclass(frozen=True, slots=True)
class Reception:
    """What a device message led to: a verdict, what was learned, and the answer for the user, signed."""

    verdict: str
    learned: int | None = None
    delivery: bytes | None = None


class RequestManager:
    """One DSP over its ports; holds no state of its own, so several may share a ledger."""

    def __init__(
        self, ledger: Ledger, inventory: Inventory, directory: Directory, broker: Broker, policy: Policy | None = None
    ) -> None:
        """Ports are used as given; nothing is opened here."""
        self._ledger = ledger
        self._inventory = inventory
        self._directory = directory
        self._broker = broker
        self._policy = policy or Policy()

    def submit(self, octets: bytes, now: datetime) -> Submission:
        """Answer one signed ``sr:Request``; raises ``WireError`` where no DUIS answer is possible (HTTP 400)."""
        try:
            parsed = duis.parse_request(octets)
        except duis.RequestMismatch as refused:
            return self._refusal(refused.parsed.request, refused, now)
        request = parsed.request
        try:
            self._authenticate(parsed)
        except Refused as refused:
            return self._refusal(request, refused, now, from_signature=True)
        try:
            return self._process(request, octets, now)
        except Refused as refused:
            return self._refusal(request, refused, now)

    def receive(self, octets: bytes, now: datetime) -> Reception:
        """Take one device message: keep it as it came, then judge it and learn from it."""
        return self._judge(self._ledger.keep(octets, now), octets, now)

    def resume(self, now: datetime) -> tuple[list[Command], list[Reception]]:
        """Finish what a crash interrupted: build reserved commands, judge kept messages."""
        commands = [
            self._build_reserved(duis.parse_request(reserved.octets).request, reserved.counter, now)
            for reserved in self._ledger.reserved()
        ]
        receptions = [self._judge(number, octets, now) for number, octets in self._ledger.unprocessed()]
        return commands, receptions

    def outbox(self) -> Sequence[Command]:
        """Commands that still wait for an answer, oldest first; sending one again is harmless."""
        return self._ledger.outbox()

    def time_out(self, command: Command, now: datetime) -> bytes:
        """Give up waiting: the request is silent (E21), a late answer still teaches. Returns the answer, signed."""
        self._ledger.time_out(command.key, now)
        return self._signed(self._answer(command, "E21", None, now))

    # ---- requests ----

    def _authenticate(self, parsed: duis.ParsedRequest) -> None:
        """Checks 3 and 4: the signature verifies, and the signer is the originator of the request ID."""
        originator = parsed.request.request_id.originator

        def signing_key(claim: duis.SignatureClaim) -> ec.EllipticCurvePublicKey:
            signer = self._directory.xml_signer(claim.issuer_name, claim.serial)
            if signer is None:
                raise _refused(
                    "signer_unknown",
                    "Signature.KeyInfo",
                    f"no XML signing certificate {claim.serial} of {claim.issuer_name} is known",
                    "sign with a certificate that is in the repository and not revoked",
                )
            if signer.entity != originator:
                raise _refused(
                    "signer_not_originator",
                    "Header.RequestID",
                    f"the signer is {signer.entity}, the originator of the request ID {originator}",
                    "sign with the originator's own XML signing certificate",
                )
            return signer.public_key

        duis.verify(parsed, signing_key)

    def _process(self, request: duis.Request, octets: bytes, now: datetime) -> Submission:
        device = self._device(request)
        match request.body:
            case duis.UpdateSecurityCredentialsKRP():
                return self._transform(request, device, now)
            case duis.SignedPreCommand():
                return self._send_pre_command(request, device, now)
            case duis.RequestHandoverOfDCCControlledDevice() | duis.RetrieveDeviceSecurityCredentialsKRP():
                return self._send_as_broker(request, octets, device, now)
        raise _refused(
            "service_not_offered",
            "Header.ServiceReferenceVariant",
            f"service {request.service_reference_variant} is not offered yet",
            "use 6.15.1, 6.21 or 6.24.1",
        )

    def _device(self, request: duis.Request) -> DeviceRecord:
        device = self._inventory.device(request.request_id.target)
        if device is None:
            raise _refused(
                "device_unknown",
                "Header.RequestID",
                f"{request.request_id.target} is not in the inventory",
                "pre-notify the device",
            )
        body = request.body
        role = getattr(body, "remote_party_role", None)
        if role is RemotePartyRole.NETWORK_OPERATOR and device.device_type is DeviceType.GSME:
            raise _refused(
                "service_not_for_device",
                "RemotePartyRole",
                f"a {device.device_type.name} has no network operator cell",
                "address the GPF of the meter",
            )
        return device

    def _transform(self, request: duis.Request, device: DeviceRecord, now: datetime) -> Submission:
        body = request.body
        assert isinstance(body, duis.UpdateSecurityCredentialsKRP)
        ids = request.request_id
        payload = transform.update_credentials(body, ids.counter)
        code = payload.control.mode.message_code
        offered = completion.offered_octets(transform.command(ids.originator, ids.target, ids.counter, code, payload))
        self._ledger.transform(ids, request.service_reference_variant, offered, now)
        message = duis.ResponseMessage(
            request.service_reference,
            request.service_reference_variant,
            duis.PreCommand(device.gbcs_version, offered),
        )
        return Submission(self._signed(duis.Response("I0", now, message, ids)), "I0")

    def _send_pre_command(self, request: duis.Request, device: DeviceRecord, now: datetime) -> Submission:
        body = request.body
        assert isinstance(body, duis.SignedPreCommand)
        ids = request.request_id
        offered = self._ledger.pre_command(ids)
        if offered is None:
            raise _refused(
                "pre_command_unknown",
                "Header.RequestID",
                "nothing was transformed under this request ID, or it was sent already",
                "send the service request to the transform service first",
            )
        keys = self._slot_keys(ids.originator, device, offered)
        message = completion.completed(offered, body.gbcs_payload, keys)
        return self._acknowledged(request, self._record(request, device, message, now), now)

    def _slot_keys(self, originator: Any, device: DeviceRecord, offered: bytes) -> Sequence[Any]:
        """Keys the authorising slot may hold: the one on record if it is the originator's, else all of its keys."""
        control = gbcs.decode_payload(gbcs.decode(offered)).control
        slot = self._ledger.slot(device.eui, control.authorising_cell)
        key_id = slot[1] if slot is not None and slot[0] == originator else None
        return self._directory.signing_keys(originator, key_id) or self._directory.signing_keys(originator, None)

    def _send_as_broker(self, request: duis.Request, octets: bytes, device: DeviceRecord, now: datetime) -> Submission:
        self._broker_message(request, device, 0)
        raises = self._policy.track_counters and transform.raises_above_stored(
            request.body, device.device_type, device.generation
        )
        choice = self._ledger.reserve(
            Reservation(request.request_id, request.service_reference_variant, octets, self._broker.entity, raises),
            now,
        )
        return self._acknowledged(request, self._build_reserved(request, choice.counter, now), now)

    def _build_reserved(self, request: duis.Request, counter: int, now: datetime) -> Command:
        device = self._device(request)
        message, key_id = self._broker_message(request, device, counter)
        if isinstance(request.body, duis.RequestHandoverOfDCCControlledDevice):
            message = gbcs.attach_signature(message, self._broker.sign(gbcs.signed_octets(message), key_id))
        return self._record(request, device, message, now)

    def _broker_message(
        self, request: duis.Request, device: DeviceRecord, counter: int
    ) -> tuple[gbcs.Message, bytes | None]:
        """A command the broker originates itself, not protected yet, and the key its slot is known to hold."""
        body, broker = request.body, self._broker.entity
        if isinstance(body, duis.RetrieveDeviceSecurityCredentialsKRP):
            code = transform.details_message_code(body)
            return transform.command(broker, device.eui, counter, code, transform.details(body)), None
        assert isinstance(body, duis.RequestHandoverOfDCCControlledDevice)
        payload = transform.update_credentials(body, counter)
        message = transform.command(broker, device.eui, counter, payload.control.mode.message_code, payload)
        cell = CellId(body.remote_party_role, KeyUsage.DIGITAL_SIGNATURE)
        slot = self._ledger.slot(device.eui, cell)
        if slot is not None and slot[0] != broker:
            raise _refused(
                "slot_not_broker",
                "RemotePartyRole",
                f"the {cell} cell of {device.eui} is held by {slot[0]}, not by the broker",
                "let the party in the slot hand over by 6.15.1 first",
            )
        return message, slot[1] if slot is not None else None

    def _record(self, request: duis.Request, device: DeviceRecord, message: gbcs.Message, now: datetime) -> Command:
        slot = self._ledger.slot(device.eui, _BROKER_AGREEMENT_CELL)
        secret = self._broker.shared_secret(device.agreement_key, slot[1] if slot is not None else None)
        protected = gbcs.attach_mac(message, gbcs.make_mac(message, secret))
        key = CommandKey(message.originator, device.eui, message.originator_counter)
        command = Command(
            key,
            message.message_code,
            request.request_id,
            request.service_reference_variant,
            gbcs.encode(protected),
        )
        self._ledger.record(command, now)
        return command

    def _acknowledged(self, request: duis.Request, command: Command, now: datetime) -> Submission:
        return Submission(self._signed(_acknowledgement(request, "I99", now)), "I99", command)

    def _refusal(
        self, request: duis.Request, refused: Refused, now: datetime, *, from_signature: bool = False
    ) -> Submission:
        code = response_code(refused.code, from_signature=from_signature)
        return Submission(self._signed(_acknowledgement(request, code, now)), code, None, refused)

    # ---- device messages ----

    def _judge(self, number: int, octets: bytes, now: datetime) -> Reception:
        verdict, message, payload, command = self._identify(octets)
        if command is None or message is None:
            self._ledger.dismiss(number, verdict, now)
            return Reception(verdict)
        device = self._inventory.device(command.key.device)
        if device is None or not self._authentic(message, device):
            self._ledger.dismiss(number, "not_authentic", now)
            return Reception("not_authentic")
        effects = effects_of(
            command.service_variant, device.device_type, device.generation, payload, (self._broker.entity,)
        )
        if not self._policy.track_counters:
            effects = replace(effects, learned=None, learned_from="")
        kind = Kind.ALERT if message.cra is gbcs.Cra.ALERT else Kind.RESPONSE
        settled = self._ledger.learn(number, command.key, kind, effects, now)
        if not settled.first:
            return Reception("repeated", effects.learned)
        content: duis.GbcsPayload | duis.FutureDatedDeviceAlertMessage = duis.GbcsPayload(octets)
        if kind is Kind.ALERT:
            content = duis.FutureDatedDeviceAlertMessage(f"{payload.alert_code:04X}", octets)
        return Reception(verdict, effects.learned, self._signed(self._answer(command, "I0", content, now)))

    def _identify(self, octets: bytes) -> tuple[str, gbcs.Message | None, Any, Command | None]:
        """Decode a message and find its command; the verdict says why there is none."""
        try:
            message = gbcs.decode(octets)
            payload = gbcs.decode_payload(message)
        except WireError as error:
            return error.code, None, None, None
        if message.cra is gbcs.Cra.RESPONSE:
            command = self._ledger.correlate(CommandKey(message.target, message.originator, message.originator_counter))
            if command is not None and command.message_code == message.message_code:
                return "answered", message, payload, command
            return "not_correlated", message, payload, None
        if message.cra is gbcs.Cra.ALERT and message.message_code in _FUTURE_DATED_ALERTS:
            # the header of an alert carries the device's own counter; the command's stands in the payload
            command = self._ledger.correlate(CommandKey(message.target, message.originator, payload.outcome.seq_number))
            if command is not None and command.message_code == payload.outcome.mode.message_code:
                return "alert", message, payload, command
        return "not_correlated", message, payload, None

    def _authentic(self, message: gbcs.Message, device: DeviceRecord) -> bool:
        """The protections the DSP can check: the device's signature, or the MAC when the broker is the target."""
        if message.signature:
            return gbcs.check_signature(device.signing_key, gbcs.signed_octets(message), message.signature)
        if message.mac is None or message.target != self._broker.entity:
            return False
        slot = self._ledger.slot(device.eui, _BROKER_AGREEMENT_CELL)
        secret = self._broker.shared_secret(device.agreement_key, slot[1] if slot is not None else None)
        return gbcs.check_mac(message, secret)

    def _answer(self, command: Command, code: str, content: Any, now: datetime) -> duis.Response:
        reference = duis.services()[command.service_variant].reference
        message = duis.ResponseMessage(reference, command.service_variant, content)
        return duis.Response(code, now, message, command.request_id, command.request_id.response_id())

    def _signed(self, response: duis.Response) -> bytes:
        return self._broker.sign_response(duis.build_response(response))


def _acknowledgement(request: duis.Request, code: str, now: datetime) -> duis.Response:
    return duis.acknowledgement(
        request.request_id, request.service_reference, request.service_reference_variant, code, now
    )


def _refused(code: str, field: str, message: str, remedy: str) -> Refused:
    return Refused([_PROCESSING.breach(code, field, message, remedy)])
