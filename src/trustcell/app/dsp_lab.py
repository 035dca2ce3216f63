"""A DSP with its devices, made from a lab file and key files: the public ZAZ1 identities, ready for their clients."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from trustcell import certs
from trustcell.adapters.dsp_store import Settings as Books
from trustcell.adapters.dsp_store import SqlHomes, open_homes
from trustcell.adapters.keyfiles import KeyFile
from trustcell.adapters.parties import LocalBroker, LocalParty
from trustcell.app.lab import key_pair
from trustcell.app.lab_facts import facts_in
from trustcell.devices import CellOccupant, CertificateSource, DevicePolicy, Estate, Fleet, ManufacturePack, Region
from trustcell.dsp import DeviceRecord, DeviceStatus, Effects, Occupant, Registration, SlotChange, Store, User, Work
from trustcell.dsp.rules.plan import DeviceChange
from trustcell.duis import UserRole
from trustcell.stories import KeyPair
from trustcell.vocab import CellId, CellUsage, DeviceType, Eui64, KeyUsage, RemotePartyRole, WireError

_T = TypeVar("_T")
_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
_MADE = "made by the lab"
_DS, _KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
_ROLES = {
    "supplier": RemotePartyRole.SUPPLIER,
    "networkOperator": RemotePartyRole.NETWORK_OPERATOR,
    "accessControlBroker": RemotePartyRole.ACCESS_CONTROL_BROKER,
}
_ON_HUB = (DeviceType.CHF, DeviceType.GPF)
_DETAILS = {
    "DeviceManufacturer": "trustcell",
    "DeviceModel": "virtual",
    "SMETSCHTSVersion": "2.0",
    "DeviceFirmwareVersion": "00000000",
}


@dataclass(frozen=True, slots=True)
class LabParties:
    """Who is in a lab: the DCC's parties with their keys, the users, and where their responses go."""

    broker: LocalBroker
    transitional_cos: LocalParty
    users: Mapping[Eui64, User]
    callbacks: Mapping[Eui64, str]


@dataclass(frozen=True, slots=True)
class _Party:
    """The certificates an organisation puts into cells."""

    entity: Eui64
    signing: KeyPair
    agreement: KeyPair
    top_up: KeyPair


class LabFile:
    """A lab file and the keys it names. Every reader raises ``WireError`` naming the field that is not as it should."""

    def __init__(
        self,
        path: Path,
        lab: Mapping[str, Any],
        keys: KeyFile,
        certificates: CertificateSource | None = None,
    ) -> None:
        """Reads nothing yet. ``certificates`` gives the Device Certificates that devices were made with."""
        self._path, self._lab, self._keys, self._certificates = path, lab, keys, certificates

    def parties(self, callback: str | None) -> LabParties:
        """The parties; ``callback`` is the address for every user, in place of that of the file."""
        return self._read(lambda: self._parties(callback))

    def estate(self, seed: bytes, now: datetime) -> Estate:
        """The devices as the file describes them, each in its hub's network."""
        return self._read(lambda: self._estate(seed, now))

    def works(self, estate: Estate, now: datetime) -> list[Work]:
        """What the DSP knows of them from the start: inventory, slots, registrations."""
        return self._read(lambda: [self._work(entry, estate, now) for entry in self._lab["devices"]])

    def fleet(self, seed: bytes) -> Fleet:
        """What the lab's devices are made from: the DCC's parties in their cells, and keys derived from the seed."""
        return self._read(lambda: self._fleet(seed))

    def _read(self, read: Callable[[], _T]) -> _T:
        try:
            return read()
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            field = error.args[0] if isinstance(error, KeyError) else "lab"
            reason = "the field is missing" if isinstance(error, KeyError) else f"a lab file was expected: {error}"
            raise WireError(-1, f"{self._path}: {field}", reason, "lab_format") from None

    # ---- parties ----

    def _parties(self, callback: str | None) -> LabParties:
        dcc = self._lab["dcc"]
        broker, cos = dcc["access_control_broker"], dcc["transitional_cos"]
        url = callback or str(self._lab.get("callback", "")).partition(",")[0].strip()
        users = {
            Eui64.parse(user["id"]): User(Eui64.parse(user["id"]), frozenset(map(UserRole, user["roles"])))
            for user in self._lab["users"]
        }
        return LabParties(
            LocalBroker(
                Eui64.parse(broker["id"]),
                self._pairs(broker["digital_signature"]),
                self._pairs(broker["key_agreement"]),
                self._pair(dcc["xml_signing"]),
            ),
            LocalParty(Eui64.parse(cos["id"]), self._pairs(cos["digital_signature"])),
            users,
            dict.fromkeys(users, url) if url else {},
        )

    def _pair(self, name: str) -> KeyPair:
        return key_pair(self._keys, name)

    def _pairs(self, name: str) -> tuple[KeyPair, ...]:
        """The pair of this name, then every other one the same party has for the same: devices may hold any of them."""
        first = self._pair(name)
        mine = first.certificate
        others = (
            KeyPair(each.certificate, each.key.private_key)
            for each in self._keys.credentials
            if each.certificate is not None
            and each.key.private_key is not None
            and each.key.name != name
            and (each.certificate.entity_id, each.certificate.role) == (mine.entity_id, mine.role)
            and each.certificate.key_usage == mine.key_usage
        )
        return first, *others

    def _party(self, entity: Eui64) -> _Party:
        """Whoever the file gives this EUI-64: a user, or the broker."""
        for entry in (*self._lab["users"], self._lab["dcc"]["access_control_broker"]):
            if Eui64.parse(entry["id"]) == entity:
                agreement = self._pair(entry["key_agreement"])
                top_up = entry.get("key_agreement_top_up")
                signing = self._pair(entry["digital_signature"])
                return _Party(entity, signing, agreement, self._pair(top_up) if top_up else agreement)
        raise ValueError(f"nobody in the file is {entity}")

    # ---- devices ----

    def _fleet(self, seed: bytes) -> Fleet:
        facts = facts_in(self._lab, str(self._path))
        root = facts.root
        dcc = self._lab["dcc"]
        broker = dcc["access_control_broker"] | dcc.get("made_with", {})
        names = [broker["digital_signature"], broker["key_agreement"]]
        names += [dcc[party]["digital_signature"] for party in ("recovery", "transitional_cos", "wan_provider")]
        pack = ManufacturePack.of(
            CellOccupant.root(certs.method2_ski(root), root),
            [self._pair(name).certificate.der for name in names],
        )
        policy = DevicePolicy(certificate_time=facts.certificates_at)
        return Fleet(seed, pack, policy, certificates=self._certificates)

    def _estate(self, seed: bytes, now: datetime) -> Estate:
        estate = Estate({"": self._fleet(seed)}, seed)
        entries = self._lab["devices"]
        for entry in entries:
            if _type(entry) is DeviceType.CHF:
                hub = Eui64.parse(entry["id"])
                gpf = self._gpf_of(hub) or _beside(hub)
                region = Region.NORTH if entry.get("csp_region") == "North" else Region.CENTRAL_AND_SOUTH
                estate.add_hub(hub, gpf, region, dual_band=entry.get("han_variant") == "Dual Band")
        for entry in entries:
            if _type(entry) not in _ON_HUB:
                eui = Eui64.parse(entry["id"])
                estate.add(eui, _type(entry), Eui64.parse(entry["hub"]) if entry.get("hub") else None)
                if entry.get("hub"):
                    estate.install(eui, now)
        for entry in entries:
            eui = Eui64.parse(entry["id"])
            device = estate.book.device(eui)
            state = device.state
            for cell, certificate in self._cells(entry):
                if device.cell(cell) is not None:
                    state = state.with_cell(cell, CellOccupant.of(certificate))
            estate.put(device.with_state(state))
        return estate

    def _gpf_of(self, hub: Eui64) -> Eui64 | None:
        for entry in self._lab["devices"]:
            if _type(entry) is DeviceType.GPF and Eui64.parse(entry["hub"]) == hub:
                return Eui64.parse(entry["id"])
        return None

    def _cells(self, entry: Mapping[str, Any]) -> Iterable[tuple[CellId, certs.Certificate]]:
        """What the file says of a device's cells, besides what every device is made with."""
        for name, holder in entry.get("slots", {}).items():
            role = _ROLES[name]
            if role is RemotePartyRole.ACCESS_CONTROL_BROKER:
                continue
            party = self._party(Eui64.parse(holder))
            yield CellId(role, _DS), party.signing.certificate
            yield CellId(role, _KA), party.agreement.certificate
            if role is RemotePartyRole.SUPPLIER:
                yield CellId(role, _KA, CellUsage.PRE_PAYMENT_TOP_UP), party.top_up.certificate
        for name in entry.get("network_operator_certificates", ()):
            certificate = self._pair(name).certificate
            yield CellId(RemotePartyRole.NETWORK_OPERATOR, certificate.key_usage), certificate

    # ---- what the DSP knows ----

    def _work(self, entry: Mapping[str, Any], estate: Estate, now: datetime) -> Work:
        eui = Eui64.parse(entry["id"])
        device = estate.book.device(eui)
        # "recorded": false is a device that the DSP has not heard of yet: it has to find out what the cells hold.
        cells = device.cells() if entry.get("recorded", True) else {}
        slots = tuple(SlotChange(cell, Occupant(held.entity, held.key_id)) for cell, held in cells.items())
        status = DeviceStatus(entry["status"])
        hub = Eui64.parse(entry["hub"]) if entry.get("hub") else None
        record = DeviceRecord(
            eui,
            _type(entry),
            entry.get("generation", "SMETS2"),
            status,
            device.public_point(_DS),
            device.public_point(_KA),
            status_since=now,
            commissioned_at=now if status is DeviceStatus.COMMISSIONED else None,
            hub=eui if _type(entry) is DeviceType.CHF else hub,
            gpf=self._gpf_of(eui) if _type(entry) is DeviceType.CHF else None,
            import_mpxn=entry.get("mpan") or entry.get("mprn") or "",
            details=_DETAILS | _region(entry) | entry.get("details", {}),
        )
        mine = [each for each in self._registrations() if each.mpxn in record.mpxns]
        changes = (DeviceChange(eui, record, _MADE),)
        return Work(eui, effects=Effects(slots=slots, devices=changes, registrations=tuple(mine)))

    def _registrations(self) -> Sequence[Registration]:
        return [
            Registration(
                entry.get("mpan") or entry["mprn"],
                Eui64.parse(entry["supplier"]),
                Eui64.parse(entry["network_operator"]),
                _ALWAYS,
            )
            for entry in self._lab["registrations"]
        ]


def open_lab_books(url: str, environment: str) -> SqlHomes:
    """The DSP's books of a lab."""
    return open_homes(Books(url, environment))


def take_in(store: Store, works: Sequence[Work], now: datetime) -> None:
    """Give an empty DSP what it knows from the start."""
    for start in range(0, len(works), 64):
        store.commit(works[start : start + 64], now)


def _region(entry: Mapping[str, Any]) -> dict[str, str]:
    """What the inventory says of a hub: which CSP serves it."""
    return {"CSPRegion": str(entry["csp_region"])} if "csp_region" in entry else {}


def _type(entry: Mapping[str, Any]) -> DeviceType:
    return DeviceType[entry["type"]]


def _beside(hub: Eui64) -> Eui64:
    """The GPF of a hub whose file names none: the next EUI-64."""
    return Eui64((int.from_bytes(hub, "big") + 1).to_bytes(8, "big"))


__all__ = ["LabFile", "LabParties", "open_lab_books", "take_in"]
