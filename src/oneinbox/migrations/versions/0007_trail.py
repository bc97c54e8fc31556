"""Answers kept under idempotency keys, the audit trail, and calls of a number."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _text(name: str, *, required: bool = True) -> "sa.Column[str]":
    return sa.Column(name, sa.String, nullable=not required)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "idempotency_keys",
        sa.Column("workspace_id", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        _text("resource_id"),
        sa.Column("status", sa.Integer),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now(), index=True),
    )
    op.create_table(
        "audit_events",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("workspace_id", sa.String, sa.ForeignKey("workspaces.id"), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        *(_text(name, required=False) for name in ("user_id", "api_key_id")),
        *(_text(name) for name in ("action", "resource_type")),
        _text("resource_id", required=False),
        sa.Column("status", sa.Integer, nullable=False),
        _text("request_id"),
        *(_text(name, required=False) for name in ("ip", "user_agent")),
        _text("payload_hash"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("chain", sa.LargeBinary, nullable=False),
    )
    op.create_index("uq_audit_events_seq", "audit_events", ["workspace_id", "seq"], unique=True)
    op.create_index("ix_audit_events_resource", "audit_events", ["workspace_id", "resource_type", "id"])
    op.create_table(
        "audit_chains",
        sa.Column("workspace_id", sa.String, sa.ForeignKey("workspaces.id"), primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("chain", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_calls_phone", "calls", ["workspace_id", "phone_id", "id"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_index("ix_calls_phone", "calls")
    for table in ("audit_chains", "audit_events", "idempotency_keys"):
        op.drop_table(table)
