"""Batches of Device CSRs: what one is, its name, and what each of its items comes to (smki.md 3.10; SEC Appendix M)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from trustcell.certs import DeviceRequest
from trustcell.governance.rules.canonical import canonical, digest
from trustcell.governance.rules.parties import Party, PartyKind, Person
from trustcell.smki.rules.clauses import COMPROMISE, DUTIES, L3, L11_4_A, L11_4_B, L11_4_C
from trustcell.smki.rules.environment import Environment
from trustcell.smki.rules.records import Family
from trustcell.vocab import Clause, Finding, Refused, Severity

BATCH = Clause("SEC Appendix M, Batched Device CSR", "SMKI Interface Design Specification; SEC L8.2 for the size")
_AD_HOC = frozenset({PartyKind.SUPPLIER, PartyKind.DCC})
MAX_CSR_OCTETS = 65_536
MAX_BATCH_OCTETS = 64 * 1024 * 1024
_MOST_NAME = 255


class ItemStatus(StrEnum):
    """The statuses of SEC Appendix M for one CSR."""

    SUCCESS = "SUCCESS"
    ISSUANCE_ANOMALY = "ISSUANCE_ANOMALY"
    INELIGIBLE = "INELIGIBLE"
    CSR_ERROR = "CSR_ERROR"
    CA_ERROR = "CA_ERROR"
    WORKFLOW_ERROR = "WORKFLOW_ERROR"
    UNKNOWN_DEVICE = "UNKNOWN_DEVICE"
    """Of ad hoc requests only."""


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One CSR as it came, and the name of its file."""

    name: str
    csr: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BatchAsk:
    """What is asked for all items: ``purpose`` for example of a pack; ``ad_hoc`` marks the service for single CSRs."""

    purpose: str = ""
    ad_hoc: bool = False


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """What a chunk of items is judged by. ``organisations`` are the EUI-64s that belong to parties.

    ``holders`` says of a key in which families it stands and for which request; ``issued`` how many certificates a
    device has had; ``barred`` why a key is barred.
    """

    environment: Environment
    batch: str
    ad_hoc: bool
    party: Party | None
    requester: Person | None
    organisations: frozenset[bytes]
    holders: Mapping[bytes, Sequence[tuple[Family, str]]]
    issued: Mapping[bytes, int]
    barred: Mapping[bytes, str]


def pack_items(items: Sequence[BatchItem]) -> bytes:
    """All items in one piece: length and name, length and CSR, one after the other."""
    parts = []
    for item in items:
        name = item.name.encode()
        parts += [len(name).to_bytes(2, "big"), name, len(item.csr).to_bytes(4, "big"), item.csr]
    return b"".join(parts)


def unpack_items(octets: bytes) -> list[BatchItem]:
    """What ``pack_items`` wrote; raises ``ValueError`` for anything else."""
    items, place = [], 0
    while place < len(octets):
        middle = place + 2 + int.from_bytes(octets[place : place + 2], "big")
        end = middle + 4 + int.from_bytes(octets[middle : middle + 4], "big")
        if end > len(octets):
            raise ValueError("the items of a batch end too early")
        items.append(BatchItem(octets[place + 2 : middle].decode(), octets[middle + 4 : end]))
        place = end
    return items


def batch_name(packed: bytes, ask: BatchAsk) -> str:
    """SHA-256 (hex) of all CSRs and of what is asked: the same file twice is one batch."""
    return digest(canonical({"ad_hoc": ask.ad_hoc, "csrs": digest(packed), "purpose": ask.purpose}))


def item_name(batch: str, number: int) -> str:
    """What intents and certificates call an item: the batch and the number from 1."""
    return f"{batch}/{number}"


def check_items(items: Sequence[BatchItem], environment: Environment) -> None:
    """``Refused`` as a whole: ``batch_too_large``, ``batch_empty``, ``batch_too_long``, ``batch_name_repeated``."""
    if not items:
        raise Refused([BATCH.breach("batch_empty", "batch", "it holds no CSR", "one CSR or more")])
    if len(items) > environment.batch_limit:
        message = f"it holds {len(items)} CSRs"
        raise Refused([BATCH.breach("batch_too_large", "batch", message, f"{environment.batch_limit} at most")])
    if max(len(item.csr) for item in items) > 2 * MAX_CSR_OCTETS or sum(len(i.csr) for i in items) > MAX_BATCH_OCTETS:
        raise Refused([BATCH.breach("batch_too_long", "batch", "its octets are too many", "64 MiB, 128 KiB a CSR")])
    names = [item.name for item in items]
    if len(set(names)) != len(names):
        raise Refused([BATCH.breach("batch_name_repeated", "batch", "two CSRs have one name", "a name for each")])
    if max(len(name.encode()) for name in names) > _MOST_NAME:
        raise Refused([BATCH.breach("batch_name_too_long", "batch", "a name is too long", f"{_MOST_NAME} octets")])


def ineligible(facts: BatchFacts) -> Iterator[Finding]:
    """Why nobody of this party gets a Device Certificate at all (smki.md 1.4, 3.1)."""
    party, person = facts.party, facts.requester
    if party is None or person is None or party.name not in person.acts_for:
        message = "who asks acts for no party that is known"
        yield L3.breach("subscriber_not_eligible", "subscriber", message, "an ARO of the subscriber")
    elif Family.DEVICE.value not in party.subscribes:
        message = f"{party.title} is no Authorised Subscriber for Device Certificates"
        yield L3.breach("subscriber_not_eligible", "subscriber", message, "become one first")
    elif facts.ad_hoc and party.kind not in _AD_HOC:
        message = f"{party.title} is neither a supplier nor the DCC"
        yield L3.breach("ad_hoc_not_allowed", "subscriber", message, "send a batch")


def judge_item(
    number: int, request: DeviceRequest, facts: BatchFacts, earlier: Mapping[bytes, int], more: Mapping[bytes, int]
) -> tuple[ItemStatus, Finding] | None:
    """The status and finding that keep an item from being issued, or ``None``.

    ``earlier`` names the item of the same chunk that has a key already, ``more`` counts those of a device.
    """
    if (error := request.error) is not None:
        return ItemStatus.CSR_ERROR, error
    key, entity = request.key, request.entity_id
    if entity in facts.organisations:
        message = f"{entity.hex('-').upper()} is the EUI-64 of an organisation"
        return ItemStatus.INELIGIBLE, L3.breach("entity_of_organisation", "entity", message, "that of a device")
    if key in earlier:
        message = f"item {earlier[key]} of this batch has it"
        return ItemStatus.CSR_ERROR, in_use(message)
    held = facts.holders.get(key)
    if held is not None:
        own = item_name(facts.batch, number)
        for family, of_request in held:
            if family is Family.DEVICE and of_request != own:
                return ItemStatus.CSR_ERROR, in_use("another certificate of the Device family holds it")
    if key in facts.barred:
        message = f"it is barred: {facts.barred[key]}"
        return ItemStatus.CSR_ERROR, COMPROMISE.breach("public_key_barred", "publicKey", message, "a new key pair")
    count, limit = facts.issued.get(entity, 0) + more.get(entity, 0), facts.environment.certificates_per_device
    if count >= limit:
        message = f"it has had {count} certificates"
        found = BATCH.breach("device_certificate_limit", "entity", message, f"{limit} at most: ask the Service Desk")
        return ItemStatus.ISSUANCE_ANOMALY, found
    if facts.ad_hoc and count == 0:
        found = BATCH.breach("device_unknown", "entity", "the device has no certificate yet", "send a batch")
        return ItemStatus.UNKNOWN_DEVICE, found
    return None


def warnings(request: DeviceRequest, facts: BatchFacts) -> list[dict[str, Any]]:
    """What is recorded of an item that is issued all the same: its key in another family (smki.md 9, A12)."""
    found = []
    for family, _ in facts.holders.get(request.key, ()):
        if family is not Family.DEVICE:
            clause = L11_4_B if family is Family.ORGANISATION else L11_4_C
            message = f"it stands in a certificate of the {family} family"
            code = "public_key_in_other_family"
            found.append(clause.breach(code, "publicKey", message, "a key of its own", Severity.WARNING).as_json())
    return found


def in_use(message: str) -> Finding:
    """L11.4(a): no CSR for a key that is contained in any other Device Certificate or DCA Certificate."""
    return L11_4_A.breach("public_key_in_use", "publicKey", message, "a new key pair")


def separated(requester: Person, operator: Person, people: Mapping[str, Person]) -> Iterator[Finding]:
    """Who asks and who issues are different human beings, whatever their accounts are called (hostile A3)."""
    if _humans(requester, people) & _humans(operator, people):
        message = f"{requester.name} asked and {operator.name} issues: they act as one person"
        yield DUTIES.breach("separation_of_duties", "people", message, "another person")


def _humans(person: Person, people: Mapping[str, Person]) -> frozenset[str]:
    found, here = {person.identity}, person
    while (principal := people.get(here.delegate_of)) is not None and principal.identity not in found:
        found.add(principal.identity)
        here = principal
    return frozenset(found)
