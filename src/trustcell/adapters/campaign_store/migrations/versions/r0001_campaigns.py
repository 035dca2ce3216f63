"""The first tables of campaigns."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Campaigns and their targets."""
    op.create_table(
        "campaign",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.LargeBinary, nullable=False),
        sa.Column("goal", sa.LargeBinary, nullable=False),
        sa.Column("asks", sa.LargeBinary, nullable=False),
        sa.Column("reads", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("began", sa.BigInteger, nullable=False),
        sa.Column("notice", sa.Text, nullable=False),
        sa.Column("limits", sa.Text, nullable=False),
        sa.Column("override", sa.Text),
    )
    op.create_table(
        "target",
        sa.Column("campaign", sa.Integer, sa.ForeignKey("campaign.number"), primary_key=True),
        sa.Column("device", sa.LargeBinary, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("counter", sa.LargeBinary, nullable=False),
        sa.Column("not_before", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
    )
    op.create_index("target_state", "target", ["campaign", "state", "device"])
    op.create_index("target_changed", "target", ["campaign", "changed"])
