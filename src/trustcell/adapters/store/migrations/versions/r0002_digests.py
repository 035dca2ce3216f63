"""No table changes. Decisions and the items of batches are hashed into the audit chain from here on.

A chain cannot be told afterwards what it should have held: a store with decisions or batches is refused.
"""

import sqlalchemy as sa
from alembic import op

from trustcell.adapters.store.failures import unavailable

revision = "0002"
down_revision = "0001"

_OLDER = ("SELECT count(*) FROM decision", "SELECT count(*) FROM document WHERE kind = 'batch'")


def upgrade() -> None:
    """Refuse with ``storage_without_digests``, or do nothing."""
    if any(op.get_bind().execute(sa.text(query)).scalar_one() for query in _OLDER):
        message = "its decisions and batches are not in its audit chain, and cannot be put there: begin a new store"
        raise unavailable("storage_without_digests", message)
