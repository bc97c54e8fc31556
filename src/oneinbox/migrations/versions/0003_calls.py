"""Workers, attempts, calls and their events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _moment(name: str, *, required: bool = False) -> "sa.Column[object]":
    default = sa.func.now() if required else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not required, server_default=default)


def _json(name: str, default: str | None = None) -> "sa.Column[object]":
    return sa.Column(name, JSONB, nullable=False, server_default=sa.text(f"'{default}'::jsonb") if default else None)


def upgrade() -> None:
    """Make the tables."""
    _workers()
    _attempts()
    _calls()
    _call_events()


def downgrade() -> None:
    """Drop the tables."""
    for table in ("call_events", "calls", "attempts", "workers"):
        op.drop_table(table)


def _workers() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("sip_port", sa.Integer, nullable=False),
        sa.Column("capacity", sa.Integer, nullable=False),
        sa.Column("live", sa.Integer, nullable=False, server_default="0"),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        _moment("started_at", required=True),
        _moment("heartbeat_at", required=True),
        sa.CheckConstraint("state IN ('ready', 'draining', 'gone')", name="ck_workers_state"),
    )


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", sa.String, primary_key=True),
        _moment("at", required=True),
        sa.Column("verdict", sa.String, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("cause", sa.String, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("dialled", sa.String, nullable=False),
        sa.Column("caller", sa.String),
        sa.Column("sip_call_id", sa.String, nullable=False),
        sa.Column("user_agent", sa.String),
        sa.Column("number", sa.String),
        sa.Column("phone_id", sa.String),
        sa.Column("workspace_id", sa.String),
        sa.Column("call_id", sa.String),
        _json("ladder"),
    )
    op.create_index("ix_attempts_workspace", "attempts", ["workspace_id", "id"])
    op.create_index("ix_attempts_call", "attempts", ["call_id"])


def _calls() -> None:
    op.create_table(
        "calls",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("workspace_id", sa.String, sa.ForeignKey("workspaces.id"), nullable=False),
        sa.Column("agent_id", sa.String, nullable=False),
        sa.Column("phone_id", sa.String),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("direction", sa.String, nullable=False),
        sa.Column("from_number", sa.String),
        sa.Column("to_number", sa.String),
        sa.Column("room_name", sa.String),
        sa.Column("twilio_call_sid", sa.String),
        *(_moment(name) for name in ("scheduled_at", "started_at", "ended_at", "stop_requested_at")),
        _json("variables", "{}"),
        _json("metadata", "{}"),
        _json("plan"),
        sa.Column("worker_id", sa.String),
        sa.Column("weight", sa.Integer, nullable=False, server_default="1"),
        sa.Column("duration_seconds", sa.Float),
        sa.Column("end_reason", sa.String),
        _json("messages", "[]"),
        _json("latency", "{}"),
        _json("analysis", "{}"),
        sa.Column("outcome", sa.String),
        sa.Column("ai_summary", sa.String),
        sa.Column("recording_path", sa.String),
        sa.Column("cost_cents", sa.Float),
        sa.Column("credits_used", sa.Float, nullable=False, server_default="0"),
        _moment("created_at", required=True),
        _moment("updated_at", required=True),
    )
    op.create_index("ix_calls_workspace", "calls", ["workspace_id", "id"])
    op.create_index("ix_calls_agent", "calls", ["workspace_id", "agent_id", "id"])
    live = sa.text("status IN ('initiated', 'in_progress')")
    op.create_index("ix_calls_live", "calls", ["worker_id"], postgresql_where=live)


def _call_events() -> None:
    op.create_table(
        "call_events",
        sa.Column("call_id", sa.String, sa.ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at_ms", sa.Integer, nullable=False),
        sa.Column("type", sa.String, nullable=False),
        _json("payload"),
    )
    ended = sa.text("type = 'ended'")
    op.create_index("uq_call_events_terminal", "call_events", ["call_id"], unique=True, postgresql_where=ended)
