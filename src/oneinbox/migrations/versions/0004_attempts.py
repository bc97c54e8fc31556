"""Attempts name every number that they have to do with, what didn't match, and how many messages they stand for."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, the table and the index on deleted numbers."""
    op.add_column("attempts", sa.Column("unmatched", sa.String))
    op.add_column("attempts", sa.Column("count", sa.Integer, nullable=False, server_default="1"))
    op.create_table(
        "attempt_numbers",
        sa.Column("phone_id", sa.String, primary_key=True),
        sa.Column("attempt_id", sa.String, sa.ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("workspace_id", sa.String, nullable=False),
        sa.Column("number", sa.String, nullable=False),
        sa.Column("tie", sa.String, nullable=False),
    )
    op.create_index("ix_attempt_numbers_attempt", "attempt_numbers", ["attempt_id"])
    op.execute(
        "INSERT INTO attempt_numbers (phone_id, attempt_id, workspace_id, number, tie) "
        "SELECT phone_id, id, workspace_id, number, 'called' FROM attempts WHERE phone_id IS NOT NULL"
    )
    op.create_index(
        "ix_phone_numbers_released",
        "phone_numbers",
        ["phone_number"],
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_index("ix_phone_numbers_released", "phone_numbers")
    op.drop_table("attempt_numbers")
    op.drop_column("attempts", "count")
    op.drop_column("attempts", "unmatched")
