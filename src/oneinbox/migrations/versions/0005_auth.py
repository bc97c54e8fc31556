"""Users and their sign-ins; keys that were rotated and work for a while longer."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import BYTEA

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _moment(name: str, *, set_here: bool = False) -> "sa.Column[object]":
    default = sa.func.now() if set_here else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=default)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "users",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("workspace_id", sa.String, sa.ForeignKey("workspaces.id"), nullable=False, index=True),
        sa.Column("email", sa.String, nullable=False, unique=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("password_hash", sa.String, nullable=False),
        _moment("created_at", set_here=True),
    )
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("user_id", sa.String, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
        _moment("began_at"),
        _moment("expires_at"),
    )
    op.create_table(
        "retired_api_keys",
        sa.Column("key_hash", BYTEA, primary_key=True),
        sa.Column("key_id", sa.String, sa.ForeignKey("api_keys.id", ondelete="CASCADE"), nullable=False, index=True),
        _moment("valid_until"),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("retired_api_keys", "sign_ins", "users"):
        op.drop_table(table)
