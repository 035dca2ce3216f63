"""Records for tests of the store, and a way to write with the audit entry every write needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from trustcell.adapters.store import SqlBooks, SqlStore, open_store
from trustcell.governance.rules.statements import SignedStatement, Statement
from trustcell.smki.rules.records import (
    CertificateRecord,
    DecisionRecord,
    Family,
    IntentRecord,
    ListRecord,
    RequestRecord,
    RequestState,
)
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
FOREVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
MAX_SERIAL = 2**159 - 1
ENVIRONMENT = "test-environment"


def seal(octets: bytes) -> bytes:
    """Not a signature, and yet it depends on every octet."""
    return sha256(octets).digest() * 2


def opened(url: str, head_file: Path | None = None, environment: str = ENVIRONMENT) -> SqlStore:
    return open_store(url, environment, seal=seal, head_file=head_file)


@contextmanager
def writing(store: SqlStore, now: datetime = NOW) -> Iterator[SqlBooks]:
    with store.transaction(now) as books:
        yield books
        books.audit.append("test", "test", {}, now)


def digest(number: int | str) -> bytes:
    return sha256(str(number).encode()).digest()


def certificate(serial: int, **changes: Any) -> CertificateRecord:
    """A device certificate with a key of its own; the serial decides everything else."""
    values: dict[str, Any] = {
        "issuer": "D001", "serial": serial, "family": Family.DEVICE, "kind": "device", "subject": "", "role": None,
        "entity_id": Eui64(digest(serial)[:8]), "key_usage": KeyUsage.DIGITAL_SIGNATURE, "ski": digest(serial)[:20],
        "key": digest(serial), "not_before": NOW, "not_after": FOREVER, "der": b"der" + digest(serial),
        "issued_at": NOW,
    }  # fmt: skip
    return CertificateRecord(**{**values, **changes})


def organisation(serial: int, **changes: Any) -> CertificateRecord:
    """An organisation certificate for ten years."""
    values: dict[str, Any] = {
        "issuer": "T1", "family": Family.ORGANISATION, "kind": "organisation", "subject": "a supplier",
        "role": RemotePartyRole.SUPPLIER, "not_after": NOW + timedelta(days=3650), "lodged_at": NOW,
        "request": "ab" * 32, "purpose": "pack", "approvals": ("A-1", "A-2"),
    }  # fmt: skip
    return certificate(serial, **{**values, **changes})


def request(name: str = "ab" * 32, **changes: Any) -> RequestRecord:
    values: dict[str, Any] = {
        "name": name, "csr": b"csr", "family": Family.ORGANISATION, "party": "Supplier", "role": 2,
        "entity_id": Eui64(bytes(8)), "key_usage": KeyUsage.KEY_AGREEMENT, "key": digest(name), "requester": "sam",
        "statement": "cd" * 32, "at": NOW, "state": RequestState.SUBMITTED, "ask": {"years": 10, "purpose": "é"},
    }  # fmt: skip
    return RequestRecord(**{**values, **changes})


def decision(name: str = "ab" * 32, **changes: Any) -> DecisionRecord:
    values: dict[str, Any] = {
        "request": name, "number": 0, "at": NOW, "rule_set": "MP261", "granted": True,
        "checks": ({"check": "C1", "findings": []},), "approvals": ("A-1",), "decider": "ian", "statement": "ef" * 32,
        "certificate": ("T1", MAX_SERIAL),
    }  # fmt: skip
    return DecisionRecord(**{**values, **changes})


def intent(serial: int, **changes: Any) -> IntentRecord:
    values: dict[str, Any] = {
        "issuer": "T1", "serial": serial, "request": "ab" * 32, "tbs": b"tbs", "twin": b"twin", "at": NOW,
    }  # fmt: skip
    return IntentRecord(**{**values, **changes})


def revocation_list(number: int, **changes: Any) -> ListRecord:
    values: dict[str, Any] = {
        "issuer": "T1", "number": number, "this_update": NOW, "next_update": NOW + timedelta(hours=48),
        "der": b"list", "served": False,
    }  # fmt: skip
    return ListRecord(**{**values, **changes})


def statement(number: int, kind: str = "party.add", subject: str = "a") -> SignedStatement:
    return SignedStatement(
        Statement(ENVIRONMENT, kind, subject, "ada", NOW + timedelta(seconds=number), {"é": [1, None, True, "x"]}),
        b"signature", b"certificate",
    )  # fmt: skip
