"""Plans to protected messages: signatures of DCC parties, and the MAC of the broker on everything (duis-dsp.md 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import duis, gbcs
from trustcell.dsp.ports import Broker, Directory, Party
from trustcell.dsp.rules import completion
from trustcell.dsp.rules.clauses import PROCESSING
from trustcell.dsp.rules.facts import DeviceRecord, Facts, Occupant
from trustcell.dsp.rules.plan import Author, CommandPlan
from trustcell.vocab import CellId, Eui64, KeyUsage, Refused, RemotePartyRole

BROKER_AGREEMENT_CELL = CellId(RemotePartyRole.ACCESS_CONTROL_BROKER, KeyUsage.KEY_AGREEMENT)

Slots = Mapping[CellId, Occupant]


@dataclass(frozen=True, slots=True)
class Builder:
    """Makes the octets of commands; keys stay with their parties."""

    directory: Directory
    broker: Broker
    transitional_cos: Party

    def entity(self, author: Author, request_id: duis.RequestId) -> Eui64:
        """Who originates: the user, the broker or the transitional CoS party."""
        return request_id.originator if author is Author.USER else self._party(author).entity

    def pre_command(self, plan: CommandPlan, request_id: duis.RequestId) -> bytes:
        """What a user has to sign, with a final zero octet, the empty signature."""
        counter = request_id.counter
        return completion.offered_octets(
            _message(plan, request_id.originator, request_id.target, counter, plan.payload(counter))
        )

    def completed(
        self, offered: bytes, octets: bytes, device: DeviceRecord, facts: Facts
    ) -> tuple[gbcs.Message, bytes]:
        """A signed pre-command and its protected octets; ``Refused`` if it is not what was offered, or not signed."""
        message = completion.returned(offered, octets)
        completion.require_signature(offered, message, self._slot_keys(message.originator, facts.slots))
        return message, gbcs.seal(message, self.secret(device, facts.slots), octets)

    def sealed(self, octets: bytes, device: DeviceRecord, slots: Slots) -> tuple[gbcs.Message, bytes]:
        """A signed pre-command that was looked at before, and its protected octets."""
        message = gbcs.decode(octets)
        return message, gbcs.seal(message, self.secret(device, slots), octets)

    def command(
        self,
        plan: CommandPlan,
        request_id: duis.RequestId,
        counter: int,
        device: DeviceRecord,
        slots: Slots,
        attempt: int = 0,
    ) -> tuple[gbcs.Message, bytes]:
        """The message of a plan under this counter, and its protected octets; ``attempt`` chooses among unknown keys.

        ``Refused`` when the key in the slot is not the signer's, ``Unavailable`` when a key is not at hand.
        """
        originator = self.entity(plan.originator, request_id)
        supplementary = None
        if plan.supplementary:
            supplementary = gbcs.Supplementary(request_id.originator, request_id.counter)
        message = _message(plan, originator, device.eui, counter, plan.payload(counter), supplementary)
        if plan.signer is not None:
            party = self._party(plan.signer)
            signature = party.sign(gbcs.signed_octets(message), self.signing_key(plan, device, slots))
            message = gbcs.attach_signature(message, signature)
        return message, gbcs.seal(message, self.secret(device, slots, attempt))

    def require_keys(self, plan: CommandPlan, device: DeviceRecord, slots: Slots) -> None:
        """Whatever can be refused is refused before a number is taken."""
        self.signing_key(plan, device, slots)
        self.secret(device, slots)

    def signing_key(self, plan: CommandPlan, device: DeviceRecord, slots: Slots) -> bytes | None:
        """Which key of the signer is in the slot; ``None``, the newest, when nothing is known of it."""
        if plan.broker_cell is None or plan.signer is None:
            return None
        occupant = slots.get(plan.broker_cell)
        if occupant is None:
            return None
        party = self._party(plan.signer)
        if occupant.entity != party.entity:
            raise _refused(
                "slot_not_broker",
                "RemotePartyRole",
                f"the {plan.broker_cell} cell of {device.eui} is held by {occupant.entity}, not by {party.entity}",
                "let the party in the slot hand over by 6.15.1, or read the slot by 6.24.1 if a response was lost",
            )
        if not party.holds(occupant.key_id):
            raise _refused(
                "slot_key_not_held",
                "RemotePartyRole",
                f"the {plan.broker_cell} cell of {device.eui} holds the key {occupant.key_id.hex()}, "
                "which is not in use",
                "only recovery or contingency can open this slot again",
            )
        return occupant.key_id

    def secret(self, device: DeviceRecord, slots: Slots, attempt: int = 0) -> bytes:
        """What broker and device agree on for MACs, with the key that is known to be in the device's broker cell.

        While none is known, each attempt takes the next of the broker's keys, the newest first.
        """
        point = device.agreement_point or self.directory.device_points(device.eui)[1]
        if point is None:
            raise no_certificate(device.eui, "Key Agreement")
        keys = self.candidates(slots)
        key_id = keys[min(attempt, len(keys) - 1)]  # meanwhile one may be on record
        if key_id is not None and key_id not in self.broker.agreement_key_ids:
            raise _refused(
                "broker_key_not_held",
                "Header.RequestID",
                f"the {BROKER_AGREEMENT_CELL} cell of {device.eui} holds the key {key_id.hex()}, "
                "which is none of the broker's",
                "only recovery can open this cell again",
            )
        return self.broker.shared_secret(point, key_id)

    def candidates(self, slots: Slots) -> Sequence[bytes | None]:
        """The broker's keys that may be in the device's broker cell: the one on record, else all, newest first."""
        occupant = slots.get(BROKER_AGREEMENT_CELL)
        return (occupant.key_id,) if occupant is not None else self.broker.agreement_key_ids or (None,)

    def device_key(self, device: DeviceRecord) -> ec.EllipticCurvePublicKey:
        """The key that a device signs with."""
        point = device.signing_point or self.directory.device_points(device.eui)[0]
        if point is None:
            raise no_certificate(device.eui, "Digital Signature")
        return self.directory.key(point)

    def _party(self, author: Author) -> Party:
        return self.transitional_cos if author is Author.TRANSITIONAL_COS else self.broker

    def _slot_keys(self, originator: Eui64, slots: Slots) -> Sequence[ec.EllipticCurvePublicKey]:
        """The keys in slots that are known to be the originator's; else any key of his.

        Nobody is locked out by a lost response: who took a slot unheard may sign with any of his keys, and the device
        decides.
        """
        held = {
            occupant.key_id
            for cell, occupant in slots.items()
            if cell.key_usage is KeyUsage.DIGITAL_SIGNATURE and occupant.entity == originator
        }
        keys = [key for key_id in sorted(held) for key in self.directory.signing_keys(originator, key_id)]
        return keys or self.directory.signing_keys(originator, None)


def no_certificate(device: Eui64, usage: str) -> Refused:
    """The DCC has no certificate of this device."""
    return _refused(
        "device_certificate_unknown",
        "Header.RequestID",
        f"no {usage} certificate of {device} is known",
        "lodge the device's certificates with the repository",
    )


def _message(
    plan: CommandPlan,
    originator: Eui64,
    target: Eui64,
    counter: int,
    payload: bytes,
    supplementary: gbcs.Supplementary | None = None,
) -> gbcs.Message:
    return gbcs.Message(gbcs.Cra.COMMAND, counter, originator, target, plan.message_code, payload, b"", supplementary)


def _refused(code: str, field: str, message: str, remedy: str) -> Refused:
    return Refused([PROCESSING.breach(code, field, message, remedy)])
