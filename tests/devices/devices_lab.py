"""A small world for device tests: RTDS and ZAZ1 identities, devices with derived keys, and a sender of commands."""

import base64
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell.certs import Certificate
from trustcell.devices import CellOccupant, Device, DevicePolicy, DeviceState, Fleet, ManufacturePack
from trustcell.gbcs import frame, protect
from trustcell.gbcs.frame import Cra, Message, Shape, Supplementary
from trustcell.gbcs.payload import decode_payload, encode_payload
from trustcell.gbcs.usecases.cs02b import (
    AuthorisingRemotePartyControl,
    CredentialsReplacementMode,
    Replacement,
    UpdateSecurityCredentials,
)
from trustcell.vocab import CellId, CellUsage, DeviceType, Eui64, KeyUsage, RemotePartyRole

NOW = datetime(2016, 6, 1, tzinfo=UTC)
SEED = b"devices under test"

A0, A1, A2, A3 = (Eui64.parse(f"00DB1234567890A{n}") for n in range(4))
REC, ACB, TCOS = (Eui64.parse(f"90B3D51F3000000{n}") for n in (1, 2, 4))
SUP, NO, SUP2 = (Eui64.parse(f"90B3D51F300{n}0000") for n in (1, 2, 3))

Role, Mode = RemotePartyRole, CredentialsReplacementMode
DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
SUP_DS, SUP_KA = CellId(Role.SUPPLIER, DS), CellId(Role.SUPPLIER, KA)
SUP_TOP_UP = CellId(Role.SUPPLIER, KA, CellUsage.PRE_PAYMENT_TOP_UP)
NO_DS, NO_KA = CellId(Role.NETWORK_OPERATOR, DS), CellId(Role.NETWORK_OPERATOR, KA)
COS_DS, REC_DS = CellId(Role.TRANSITIONAL_COS, DS), CellId(Role.RECOVERY, DS)
ACB_DS, ACB_KA = CellId(Role.ACCESS_CONTROL_BROKER, DS), CellId(Role.ACCESS_CONTROL_BROKER, KA)
LC_DS, LC_KA = CellId(Role.LOAD_CONTROLLER, DS), CellId(Role.LOAD_CONTROLLER, KA)

# Root ZA, smki.md 2.8.
ROOT = CellOccupant.root(
    bytes.fromhex("48cf1b32697c4669"),
    bytes.fromhex(
        "040691e68b45c57e2ec7974ef6d1360a50da01576e0ee0b3b4c67f64127120e63f"
        "31771cc9dcbd5ae007d0c6170951d7035bcefc8b1f81805e0fd0f7a555dcca78"
    ),
)


@dataclass(frozen=True)
class Credential:
    """A certificate and, where published, its private key."""

    der: bytes
    private: ec.EllipticCurvePrivateKey | None

    @property
    def certificate(self) -> Certificate:
        return Certificate.from_der(self.der)

    @property
    def occupant(self) -> CellOccupant:
        return CellOccupant.of(self.certificate)

    @property
    def key_id(self) -> bytes:
        return self.certificate.subject_key_identifier or b""


def _private(scalar: str | None) -> ec.EllipticCurvePrivateKey | None:
    return ec.derive_private_key(int(scalar, 16), ec.SECP256R1()) if scalar else None


class Lab:
    """Everything the tests know; one for the session, since it never changes."""

    def __init__(self, shared: Path) -> None:
        self.messages = shared / "rtds" / "messages"
        self._packs: dict[tuple[bool, bool], ManufacturePack] = {}
        self.named: dict[str, Credential] = {}
        for entry in json.loads((shared / "zaz1-test-keys.json").read_text()):
            der = base64.b64decode(entry["certificate_der_b64"])
            self.named[entry["name"]] = Credential(der, _private(entry["private_scalar_hex"]))
        self.rtds: dict[tuple[str, str, bool], Credential] = {}
        for entry in json.loads((shared / "rtds" / "keys.json").read_text()):
            if "certificate_der_b64" in entry:
                der = base64.b64decode(entry["certificate_der_b64"])
                found = Credential(der, _private(entry.get("private_scalar_hex")))
                self.rtds[entry["eui64"], entry["usage"], entry["prepayment"]] = found
        self.issuing_oca = self.payload("CS02bNOByNO_6.15.1_SUCCESS_COMMAND").path_certificates[0]

    def octets(self, name: str) -> bytes:
        """A real message by its file name without ``_GBCS.HEX``."""
        (path,) = self.messages.glob(f"*/{name}_GBCS.HEX")
        return bytes.fromhex(path.read_text())

    def message(self, name: str) -> Message:
        return frame.decode(self.octets(name))

    def payload_octets(self, name: str) -> bytes:
        return self.message(name).payload

    def payload(self, name: str):
        return decode_payload(self.message(name))

    def of(self, eui: Eui64, usage: str, top_up: bool = False) -> Credential:
        """An RTDS key-file credential."""
        return self.rtds[eui.hex(), usage, top_up]

    def reissued(self, template: str, usage: KeyUsage) -> Certificate:
        """A certificate of 2025 from a DUIS template: same subject and key as in 2015, other serial and dates."""
        text = (self.messages.parent.parent / "duis-templates" / f"{template}_REQUEST_DUIS.XML").read_text()
        ders = [base64.b64decode(found) for found in re.findall(r">\s*(MIIB[A-Za-z0-9+/=\s]+?)\s*<", text)]
        certificates = [Certificate.from_der(der) for der in ders]
        return next(c for c in certificates if c.key_usage == usage and not c.is_authority)

    def pack(self, owned: bool, load_controller: bool = False) -> ManufacturePack:
        """Devices as RTDS has them (``owned``: supplier's and operator's certificates) or with defaults."""
        if (owned, load_controller) not in self._packs:
            self._packs[owned, load_controller] = self._new_pack(owned, load_controller)
        return self._packs[owned, load_controller]

    def _new_pack(self, owned: bool, load_controller: bool) -> ManufacturePack:
        ders = [self.of(e, u).der for e, u in ((REC, "DS"), (ACB, "DS"), (ACB, "KA"), (TCOS, "DS"))]
        ders.append(self.named["Z1-wanProvider-ds"].der)
        top_up = None
        if owned:
            ders += [self.of(e, u).der for e in (SUP, NO) for u in ("DS", "KA")]
            top_up = self.of(SUP, "KA", True).der
        if load_controller:
            ders += [self.rtds["90b3d51f30010008", usage, False].der for usage in ("DS", "KA")]
        return ManufacturePack.of(
            ROOT,
            ders,
            top_up=top_up,
            with_load_controller=load_controller,
            first_alert=2000,
            firmware_version=bytes.fromhex("0123abcf"),
        )

    def esme(self, policy: DevicePolicy | None = None, load_controller: bool = False) -> Device:
        """A0 with its owners' certificates."""
        return Fleet(SEED, self.pack(True, load_controller), policy).device(A0, DeviceType.ESME)

    def gpf(self, policy: DevicePolicy | None = None) -> Device:
        """A3 as made: every party cell holds the broker."""
        return Fleet(SEED, self.pack(False), policy).device(A3, DeviceType.GPF)

    def gpf_of_no(self, policy: DevicePolicy | None = None) -> Device:
        """A3 after a network operator took its cells."""
        state = DeviceState().with_cell(NO_DS, self.of(NO, "DS").occupant).with_cell(NO_KA, self.of(NO, "KA").occupant)
        return self.gpf(policy).with_state(state)

    # -- commands -------------------------------------------------------------------------------------------------

    def secret(self, device: Device) -> bytes:
        """The broker's side of the key agreement with a virtual device."""
        private = self.of(ACB, "KA").private
        assert private is not None
        return protect.agree(private, protect.public_key_from_point(device.public_point(KA)))

    def send(
        self,
        device: Device,
        originator: Eui64,
        code: int,
        counter: int,
        payload: bytes,
        *,
        signer: Credential | None = None,
        mac: bool = True,
        supplementary: Supplementary | None = None,
        target: Eui64 | None = None,
        cra: Cra = Cra.COMMAND,
    ) -> bytes:
        """A protected command for a virtual device."""
        message = Message(cra, counter, originator, target or device.eui, code, payload, b"", supplementary)
        if signer is not None:
            assert signer.private is not None
            signature = protect.sign(signer.private, frame.signed_octets(message))
            message = protect.attach_signature(message, signature)
        if mac:
            if message.signature is None:
                message = replace(message, signature=b"")
            message = protect.attach_mac(message, protect.make_mac(message, self.secret(device)))
        return frame.encode(message)

    def update(
        self,
        device: Device,
        originator: Eui64,
        mode: CredentialsReplacementMode,
        counter: int,
        replacements: list[tuple[CellId, bytes]],
        signer: Credential | None,
        *,
        cell: CellId | None,
        path: tuple[bytes, ...] | None = None,
        due: datetime | None = None,
        mac: bool = True,
        **control: object,
    ) -> bytes:
        """A CS02b or CS02g command."""
        value = UpdateSecurityCredentials(
            AuthorisingRemotePartyControl(mode, counter, cell, **control),
            tuple(Replacement(der, target) for target, der in replacements),
            (self.issuing_oca,) if path is None else path,
            due,
        )
        payload = encode_payload(mode.message_code, Cra.COMMAND, value)
        return self.send(device, originator, mode.message_code, counter, payload, signer=signer, mac=mac)

    def resend(self, name: str, device: Device) -> bytes:
        """The payload of a real command, signed and MACed again for a virtual device by the same parties."""
        message = self.message(name)
        signed = message.shape in (Shape.SIGNED, Shape.SIGNED_AND_MAC)
        signer = self.of(message.originator, "DS") if signed else None
        return self.send(
            device,
            message.originator,
            message.message_code,
            message.originator_counter,
            message.payload,
            signer=signer,
            mac=message.mac is not None,
            supplementary=message.supplementary,
        )

    def give_back(self, device: Device, counter: int = 5000, signer: Credential | None = None, **control) -> bytes:
        """6.15.1 of the network operator that leaves: its cells go to the broker (gbcs.md 5.3 step 1)."""
        cells = [(NO_DS, self.of(ACB, "DS").der), (NO_KA, self.of(ACB, "KA").der)]
        control.setdefault("floor", 0)
        mode = Mode.NETWORK_OPERATOR_BY_NETWORK_OPERATOR
        return self.update(device, NO, mode, counter, cells, signer or self.of(NO, "DS"), cell=NO_DS, **control)

    def hand_over(self, device: Device, counter: int, **control) -> bytes:
        """6.21 of the broker: a network operator gets the cells (gbcs.md 5.3 step 4)."""
        cells = [(NO_DS, self.of(NO, "DS").der), (NO_KA, self.of(NO, "KA").der)]
        control.setdefault("floor", 0)
        mode = Mode.NETWORK_OPERATOR_BY_NETWORK_OPERATOR
        return self.update(device, ACB, mode, counter, cells, self.of(ACB, "DS"), cell=NO_DS, **control)


def refused(device: Device, octets: bytes, reason: str | None = None, now: datetime = NOW) -> Device:
    """The message is discarded: no answer, state octets as before, exactly one more log line."""
    from trustcell.devices import receive

    before = device.state.encode()
    after, answers = receive(device, octets, now)
    assert answers == ()
    assert after.state == device.state
    assert after.state.encode() == before
    assert after.log[:-1] == device.log
    assert len(after.log) == len(device.log) + 1
    if reason is not None:
        assert after.log[-1].reason == reason, after.log[-1]
    return after


def reply(octets: bytes):
    """The typed payload of an answer."""
    return decode_payload(frame.decode(octets))


def check_signed(device: Device, octets: bytes) -> Message:
    """The answer is signed by the device and has no MAC."""
    message = frame.decode(octets)
    assert message.shape is Shape.SIGNED
    key = protect.public_key_from_point(device.public_point(DS))
    assert protect.check_signature(key, frame.signed_octets(message), message.signature or b"")
    return message
