"""Models, agents, trunks, phone numbers, and the operations that register them."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _of_workspace() -> "list[sa.Column[object]]":
    return [
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("workspace_id", sa.String, sa.ForeignKey("workspaces.id"), nullable=False),
    ]


def _required(names: str, kind: Any) -> "list[sa.Column[object]]":
    return [sa.Column(name, kind, nullable=False) for name in names.split()]


def _optional(names: str, kind: Any) -> "list[sa.Column[object]]":
    return [sa.Column(name, kind) for name in names.split()]


def _times() -> "list[sa.Column[object]]":
    moment = sa.DateTime(timezone=True)
    return [
        sa.Column(name, moment, nullable=False, server_default=sa.func.now()) for name in ("created_at", "updated_at")
    ]


def upgrade() -> None:
    """Make the tables."""
    _llm_models()
    _agents()
    _trunks()
    _phone_numbers()
    _operations()


def downgrade() -> None:
    """Drop the tables."""
    tables = "operation_steps operations phone_numbers dispatch_rules outbound_trunks inbound_trunks agents llm_models"
    for table in tables.split():
        op.drop_table(table)


def _llm_models() -> None:
    op.create_table(
        "llm_models",
        *_of_workspace(),
        *_required("name provider model", sa.String),
        sa.Column("system_prompt", sa.Text, nullable=False),
        sa.Column("temperature", sa.Float, nullable=False),
        sa.Column("max_tokens", sa.Integer),
        sa.Column("custom_websocket_url", sa.String),
        *_times(),
    )
    op.create_index("ix_llm_models_workspace", "llm_models", ["workspace_id", "id"])


def _agents() -> None:
    op.create_table(
        "agents",
        *_of_workspace(),
        *_required("name status", sa.String),
        sa.Column("llm_id", sa.String, sa.ForeignKey("llm_models.id", name="fk_agents_llm")),
        *_required("transcriber tts", JSONB),
        *_optional("first_message voicemail_message job_description", sa.Text),
        *_required("end_call_phrases dynamic_variables metadata", JSONB),
        *_required("max_duration_seconds silence_timeout_seconds", sa.Integer),
        *_required("interruption_sensitivity responsiveness speed", sa.Float),
        *_required("enable_recording voicemail_detection emotions", sa.Boolean),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("background_sound", sa.String),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        *_times(),
    )
    op.create_index("ix_agents_workspace", "agents", ["workspace_id", "id"])
    op.create_index("ix_agents_llm", "agents", ["llm_id"])


def _trunks() -> None:
    op.create_table(
        "inbound_trunks",
        *_of_workspace(),
        sa.Column("marker", sa.String, nullable=False, unique=True),
        *_required("number provider", sa.String),
        sa.Column("allowed_addresses", ARRAY(sa.String), nullable=False),
        sa.Column("auth_username", sa.String),
        sa.Column("auth_password", sa.LargeBinary),
    )
    op.create_table(
        "outbound_trunks",
        *_of_workspace(),
        sa.Column("marker", sa.String, nullable=False, unique=True),
        *_required("number provider address auth_username transport", sa.String),
        sa.Column("auth_password", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "dispatch_rules",
        *_of_workspace(),
        sa.Column("marker", sa.String, nullable=False, unique=True),
        sa.Column("trunk_id", sa.String, sa.ForeignKey("inbound_trunks.id"), nullable=False),
        sa.Column("phone_id", sa.String, nullable=False),
    )
    op.create_index("ix_dispatch_rules_phone", "dispatch_rules", ["phone_id"])


def _phone_numbers() -> None:
    op.create_table(
        "phone_numbers",
        *_of_workspace(),
        sa.Column("phone_number", sa.String, nullable=False),
        sa.Column("friendly_name", sa.String),
        *_required("provider status", sa.String),
        sa.Column("agent_id", sa.String, sa.ForeignKey("agents.id"), nullable=False),
        *_optional("inbound_trunk_id outbound_trunk_id dispatch_rule_id", sa.String),
        sa.Column("inbound_routing", JSONB),
        sa.Column("sms_capable", sa.Boolean),
        *_required("provider_config sealed_config", JSONB),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        *_times(),
    )
    live = sa.text("deleted_at IS NULL")
    op.create_index("uq_phone_numbers_live", "phone_numbers", ["phone_number"], unique=True, postgresql_where=live)
    op.create_index("ix_phone_numbers_workspace", "phone_numbers", ["workspace_id", "id"])


def _operations() -> None:
    op.create_table(
        "operations",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("workspace_id", sa.String, nullable=False, index=True),
        *_required("kind resource_id state", sa.String),
        sa.Column("error_code", sa.String),
        *_times(),
    )
    op.create_table(
        "operation_steps",
        sa.Column("operation_id", sa.String, sa.ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        *_required("name state", sa.String),
        sa.Column("external_id", sa.String),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
