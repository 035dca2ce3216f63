"""What tests of issuing share: approvals all the way through governance, dumps of a store, refusals by code."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from authority_world import BROKER, DS, NOW, SUPPLIER
from trustcell import certs
from trustcell.governance.rules.approvals import ApprovalKind, Position, Scope
from trustcell.governance.rules.canonical import digest
from trustcell.smki.rules.ask import Ask, request_name
from trustcell.vocab import Refused, RemotePartyRole

ACB = RemotePartyRole.ACCESS_CONTROL_BROKER
MONTH = timedelta(days=30)
OF_A_REFUSAL = {"audit_entry", "audit_head", "decision"}
"""What a refusal writes, besides the request itself while it is new."""


def issue(world, csr=None, ask=None, person="ada", operator="ian", now=None):
    """One certificate from a CSR to the repository."""
    now = now or world.now
    request = world.authority.submit(csr or world.csr(ACB, BROKER), ask or Ask(), world[person], now)
    return world.authority.issue(request.name, world[operator], now)


def scope_for(csr, ask, **changes):
    """The scope of an approval for exactly this request."""
    request = certs.load_csr(csr)
    given = {
        "roles": frozenset({RemotePartyRole(request.role)}),
        "keys": frozenset({digest(request.spki)}),
        "requests": frozenset({request_name(request.der, ask)}),
    }
    return Scope(**{**given, **changes})


def draft(world, name, kind, scope, now, expires=None):
    with world.store.transaction(now) as books:
        return world.governance.draft_approval(
            books, world["ada"], name, kind=kind, scope=scope, effective_from=now, expires=expires or now + 24 * MONTH,
            rationale="for a test", now=now,
        )  # fmt: skip


def view(world, approval, now):
    with world.store.transaction(now) as books:
        world.governance.ssc_view(
            books, world["sue"], approval.name, digest=approval.digest, date=now, reference="SSC 1",
            position=Position.NO_VIEW, text="none", now=now,
        )  # fmt: skip


def decide(world, approval, now):
    with world.store.transaction(now) as books:
        world.governance.decide(
            books, world["pat"], approval.name, digest=approval.digest, date=now, meeting="PMA 1", minute="1.1",
            approved=True, quorum="six of six", considered=True, considered_text="the SSC's view was read", now=now,
        )  # fmt: skip


def approve(world, name, kind, scope, now=NOW):
    """Drafted, viewed and decided at once; the approval may be cited from ``now`` on."""
    drafted = draft(world, name, kind, scope, now)
    view(world, drafted, now)
    decide(world, drafted, now)
    return name


def reuse(world, csr, ask, name="reuse", now=NOW, **changes):
    return approve(world, name, ApprovalKind.KEY_REUSE, scope_for(csr, ask, **changes), now)


def longer(world, csr, ask, name="longer", now=NOW, **changes):
    return approve(world, name, ApprovalKind.VALIDITY, scope_for(csr, ask, keys=frozenset(), **changes), now)


def supplier_csr(world, label="supplier", **more):
    return world.csr(RemotePartyRole.SUPPLIER, SUPPLIER, DS, label, **more)


def dump(store, leaving_out=OF_A_REFUSAL):
    """Every row of every table; of new requests that were refused, and of a refusal's log, nothing."""
    found = {}
    with store._engine.connect() as connection:
        for name in sorted(sa.inspect(connection).get_table_names()):
            if name in leaving_out or name == "alembic_version":
                continue
            rows = connection.execute(sa.text(f"SELECT * FROM {name}")).mappings()
            found[name] = sorted(
                str(
                    sorted(
                        (key, bytes(value) if isinstance(value, memoryview) else value) for key, value in row.items()
                    )
                )
                for row in rows
                if not str(row.get("state", "")).startswith("REJECTED_")
            )
    return found


def count(store, table):
    with store._engine.connect() as connection:
        return connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one()


def refused(act, store=None):
    """The refusal of ``act``: one audit entry more and, with a store, nothing else; and the same verdict twice."""
    before = dump(store) if store else None
    entries = count(store, "audit_entry") if store else 0
    with pytest.raises(Refused) as raised:
        act()
    if store:
        assert count(store, "audit_entry") == entries + 1
        assert dump(store) == before
        with pytest.raises(Refused) as again:
            act()
        assert [each.code for each in again.value.findings] == [each.code for each in raised.value.findings]
    return raised.value


def codes(refusal):
    return [each.code for each in refusal.findings]
