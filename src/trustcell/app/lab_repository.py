"""The repository of a lab: public certificates from key files, certificates for devices that have none, one process."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustcell import certs, gbcs
from trustcell.adapters.clock import system_random
from trustcell.adapters.foreign import foreign_items
from trustcell.adapters.key_archive import key_archive
from trustcell.adapters.keyfiles import read_key_file
from trustcell.adapters.store import open_store
from trustcell.app.audit_key import audit_key, made_audit_key
from trustcell.app.lab import read_lab
from trustcell.app.lab_facts import LabFacts, facts_in, keep_facts, kept_facts, zaz1
from trustcell.app.serve import RepositoryDoor, api_keys, running_clock
from trustcell.devices import derive_private_key
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.foreign import ForeignItem, Outcome
from trustcell.smki.rules.records import Family, Query
from trustcell.smki.service.importing import Imported, take_in
from trustcell.smki.service.repository import Repository
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole, Unavailable, WireError

LAB_SEED = b"trustcell lab devices"
"""From this the private keys of lab devices and of the lab's device authority are derived."""
DEVICE_AUTHORITY = "LABD"
_USAGES = (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT)
_NOBODY = Eui64(bytes(8))


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab that is ready to be served: the door, what the key files gave, how many device certificates were made.

    ``issue`` gives one more device its certificates, ``certificate`` is the one it has for a use of its first key,
    ``seal`` signs heads of audit chains.
    """

    door: RepositoryDoor
    imported: Imported
    devices_made: int
    issue: Callable[[Eui64, datetime], None]
    certificate: Callable[[Eui64, KeyUsage], bytes]
    seal: Callable[[bytes], bytes]


@contextmanager
def open_lab(
    lab: Path | None, key_files: Sequence[Path], at: datetime | None, folder: Path | None = None
) -> Iterator[Lab]:
    """The repository of a lab, kept in ``folder``; without one, everything it holds is gone afterwards.

    Its clock shows ``at`` when it is opened and runs on; without it, the moment at which all public ZAZ1 certificates
    are valid. Self-signed certificates of the key files are pinned (trap T4). Raises ``WireError`` as the readers of
    the files do.
    """
    facts = zaz1() if lab is None else facts_in(read_lab(lab), str(lab))
    clock = running_clock(at or facts.begins)
    now = clock()
    environment = _environment(facts)
    items = [ForeignItem("the Issuing OCA", facts.issuing)]
    items += [item for file in key_files for item in foreign_items(file)]
    credentials = [each for file in key_files for each in read_key_file(file).credentials]
    devices = lab_devices(lab) if lab is not None else ()
    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trustcell-lab-")))
        keep_facts(place, facts)
        key = made_audit_key(place)

        def seal(octets: bytes) -> bytes:
            return gbcs.sign(key, octets)

        repository = stack.enter_context(_repository(place, seal))
        store = repository.store

        def certificate(device: Eui64, usage: KeyUsage) -> bytes:
            return _device_certificate(device, usage, facts.made, environment.device_policy)

        def issue(devices: Iterable[Eui64], now: datetime) -> int:
            with store.transaction(now) as books:
                made = [
                    ForeignItem(f"lab device {device}", certificate(device, usage))
                    for device in devices
                    for usage in _USAGES
                    if not books.certificates.search(
                        Query(entity_id=device, key_usage=usage, family=Family.DEVICE, limit=1), now
                    )
                ]
                if made:
                    take_in(repository, books, made, now)
            return len(made)

        def issue_one(device: Eui64, _: datetime) -> None:
            issue([device], clock())

        pins = {hashlib.sha256(item.der).hexdigest() for item in items if item.der}
        imported = Imported((), "")
        if repository.head() is None:  # a lab that was kept has them
            with store.transaction(now) as books:
                imported = take_in(repository, books, items, now, pins)
                if not any(verdict.taken for verdict in imported.verdicts):
                    reason = f"no certificate can be kept: {left_out(imported)[0]}"
                    raise WireError(-1, ", ".join(map(str, key_files)) or "lab", reason, "lab_empty")
        devices_made = issue(devices, now)
        repository.refresh()
        door = RepositoryDoor(repository, clock, system_random, api_keys(), key_archive(credentials))
        yield Lab(door, imported, devices_made, issue_one, certificate, seal)


@contextmanager
def beside_lab(folder: Path) -> Iterator[tuple[Repository, Callable[[bytes], bytes]]]:
    """The repository of a lab that another process has opened in ``folder``, to be read; and what signs audit heads."""
    key = audit_key(folder)

    def seal(octets: bytes) -> bytes:
        return gbcs.sign(key, octets)

    with _repository(folder, seal) as repository:
        yield repository, seal


@contextmanager
def _repository(folder: Path, seal: Callable[[bytes], bytes]) -> Iterator[Repository]:
    facts = kept_facts(folder)
    environment = _environment(facts)
    anchors = {name: (certs.spki_of(point),) for name, point in facts.authorities.items()}
    anchors[DEVICE_AUTHORITY] = (certs.spki_of(_authority_point()),)
    url = f"sqlite:///{(folder / 'lab.db').absolute()}"
    store = open_store(url, environment.identifier, seal=seal, head_file=None)
    try:
        yield Repository(store, environment, anchors)
    finally:
        store.close()


def broker_in(repository: Repository, at: datetime) -> Eui64:
    """Whose the ACB certificates of a repository are. ``Unavailable`` (``broker_missing``) when it has none."""
    query = Query(family=Family.ORGANISATION, role=RemotePartyRole.ACCESS_CONTROL_BROKER, limit=1)
    for record in repository.search(query, at).records:
        if record.entity_id is not None:
            return record.entity_id
    raise Unavailable("the repository has no certificate of an ACB [broker_missing]")


def _environment(facts: LabFacts) -> Environment:
    return Environment(facts.environment, facts.title, facts.made)


def lab_devices(lab: Path) -> tuple[Eui64, ...]:
    """The devices of a lab file; ``WireError`` (``lab_format``) when one has no EUI-64."""
    try:
        return tuple(Eui64.parse(device["id"]) for device in read_lab(lab)["devices"])
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(
            -1, f"{lab}: devices", f"a list of devices with id was expected: {error}", "lab_format"
        ) from None


def left_out(imported: Imported) -> list[str]:
    """A sentence for each item of the key files that is not served."""
    gone = [verdict for verdict in imported.verdicts if verdict.outcome is Outcome.LEFT_OUT]
    return ["; ".join(str(finding) for finding in verdict.findings) for verdict in gone]


def _authority_point() -> bytes:
    private = derive_private_key(LAB_SEED, _NOBODY, KeyUsage.KEY_CERT_SIGN)
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _device_certificate(device: Eui64, usage: KeyUsage, begins: datetime, policy: str) -> bytes:
    """A Device Certificate over the key the virtual device of this seed has; equal octets every time."""
    authority = derive_private_key(LAB_SEED, _NOBODY, KeyUsage.KEY_CERT_SIGN)
    point = derive_private_key(LAB_SEED, device, usage).public_key()
    serial = hashlib.sha256(b"serial" + LAB_SEED + device + bytes((usage,))).digest()[:16]
    template = certs.DeviceTemplate(
        int.from_bytes(serial, "big") >> 1 | 1 << 124,
        certs.authority_name(DEVICE_AUTHORITY),
        begins,
        device,
        usage,
        point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        policy,
        certs.method2_ski(_authority_point()),
    )
    return certs.issue(template, lambda octets: gbcs.sign(authority, octets)).der
