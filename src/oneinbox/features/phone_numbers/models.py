"""The rows of registered numbers."""

from datetime import datetime

from sqlalchemy import Boolean, DateTime, ForeignKey, Index, String, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from oneinbox.kit.db import Base

ONE_LIVE_REGISTRATION = "uq_phone_numbers_live"


class PhoneNumber(Base):
    """A registration. `provider_config` holds what may be read, `sealed_config` the rest, sealed and base64."""

    __tablename__ = "phone_numbers"
    __table_args__ = (
        Index(ONE_LIVE_REGISTRATION, "phone_number", unique=True, postgresql_where=text("deleted_at IS NULL")),
        Index("ix_phone_numbers_workspace", "workspace_id", "id"),
        Index("ix_phone_numbers_released", "phone_number", postgresql_where=text("deleted_at IS NOT NULL")),
    )

    id: Mapped[str] = mapped_column(String, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String, ForeignKey("workspaces.id"))
    phone_number: Mapped[str] = mapped_column(String)
    friendly_name: Mapped[str | None] = mapped_column(String)
    provider: Mapped[str] = mapped_column(String)
    agent_id: Mapped[str] = mapped_column(String, ForeignKey("agents.id"))
    status: Mapped[str] = mapped_column(String)
    inbound_trunk_id: Mapped[str | None] = mapped_column(String)
    outbound_trunk_id: Mapped[str | None] = mapped_column(String)
    dispatch_rule_id: Mapped[str | None] = mapped_column(String)
    inbound_routing: Mapped[dict[str, object] | None] = mapped_column(JSONB(none_as_null=True))
    sms_capable: Mapped[bool | None] = mapped_column(Boolean)
    provider_config: Mapped[dict[str, object]] = mapped_column(JSONB)
    sealed_config: Mapped[dict[str, str]] = mapped_column(JSONB)
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
