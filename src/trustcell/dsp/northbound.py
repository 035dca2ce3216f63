"""Northbound: a device message is kept, correlated, verified, learned from and answered (duis-dsp.md 4.4 and 7.2)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from trustcell import duis, gbcs
from trustcell.dsp.answers import Answers
from trustcell.dsp.ports import Broker, Command, DeviceRecord, Inventory, Ledger
from trustcell.dsp.rules.correlation import Claim, Kind, claim_of
from trustcell.dsp.rules.effects import effects_of
from trustcell.dsp.southbound import broker_secret
from trustcell.vocab import WireError


@dataclass(frozen=True, slots=True)
class Reception:
    """What a device message led to.

    The verdict is ``response`` or ``alert`` for the first in time, ``repeated`` for one that came again or too late,
    ``not_correlated``, ``not_authentic`` (worth an alarm), or the code of a format error. ``learned`` is the number it
    taught, ``delivery`` the answer for the user, signed.
    """

    verdict: str
    learned: int | None = None
    delivery: bytes | None = None


@dataclass(frozen=True, slots=True)
class Northbound:
    """Device messages to answers over the ports. ``track_counters`` is the rule of SECMP0128A."""

    ledger: Ledger
    inventory: Inventory
    broker: Broker
    answers: Answers
    track_counters: bool

    def judge(self, number: int, octets: bytes, now: datetime) -> Reception:
        """Judge the kept message with this number; what does not verify or correlate teaches nothing."""
        try:
            message = gbcs.decode(octets)
            payload = gbcs.decode_payload(message)
        except WireError as error:
            return self._dismissed(number, error.code, now)
        claim = claim_of(message, payload)
        command = self.ledger.correlate(claim.key) if claim is not None else None
        if claim is None or command is None or command.message_code != claim.message_code:
            return self._dismissed(number, "not_correlated", now)
        device = self.inventory.device(claim.key.device)
        if device is None or not self._authentic(message, claim, device):
            return self._dismissed(number, "not_authentic", now)
        effects = effects_of(
            command.service_variant, device.device_type, device.generation, payload, self.broker.entity
        )
        if not self.track_counters:
            effects = replace(effects, learned=None, learned_from="")
        settled = self.ledger.learn(number, claim.key, claim.kind, effects, now)
        if not settled.first:
            return Reception("repeated", effects.learned)
        return Reception(claim.kind.value, effects.learned, self._delivery(command, claim.kind, payload, octets, now))

    def _dismissed(self, number: int, verdict: str, now: datetime) -> Reception:
        self.ledger.dismiss(number, verdict, now)
        return Reception(verdict)

    def _authentic(self, message: gbcs.Message, claim: Claim, device: DeviceRecord) -> bool:
        """Exactly the protection that belongs to this answer: the device's signature, or the MAC for the broker."""
        if message.shape is not claim.shape:
            return False
        if claim.shape is gbcs.Shape.SIGNED:
            return gbcs.check_signature(device.signing_key, gbcs.signed_octets(message), message.signature or b"")
        return gbcs.check_mac(message, broker_secret(self.ledger, self.broker, device))

    def _delivery(self, command: Command, kind: Kind, payload: Any, octets: bytes, now: datetime) -> bytes:
        if kind is Kind.RESPONSE:
            return self.answers.outcome(command, "I0", now, duis.GbcsPayload(octets))
        alert = duis.FutureDatedDeviceAlertMessage(f"{payload.alert_code:04X}", octets)
        return self.answers.outcome(command, "I0", now, alert)
