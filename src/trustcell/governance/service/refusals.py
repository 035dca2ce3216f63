"""A refusal is one entry of the audit chain and changes nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from trustcell.governance.ports import Store
from trustcell.vocab import Refused


@contextmanager
def audited(store: Store, kind: str, subject: str, actor: str, now: datetime) -> Iterator[None]:
    """Write a refusal down, after the transaction it ended was rolled back, and let it pass on."""
    try:
        yield
    except Refused as refusal:
        findings = [{"clause": f.clause, "code": f.code, "field": f.field} for f in refusal.findings]
        with store.transaction(now) as books:
            books.audit.append(kind, subject, {"actor": actor, "findings": findings}, now)
        raise
