"""The rows of API keys; of a key only its keyed hash is stored."""

from datetime import datetime

from sqlalchemy import Boolean, DateTime, ForeignKey, Index, String, func
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from oneinbox.kit.db import Base


class ApiKey(Base):
    """A key of a workspace."""

    __tablename__ = "api_keys"
    __table_args__ = (Index("ix_api_keys_workspace", "workspace_id", "id"),)

    id: Mapped[str] = mapped_column(String, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String, ForeignKey("workspaces.id"))
    name: Mapped[str] = mapped_column(String)
    key_hash: Mapped[bytes] = mapped_column(BYTEA, unique=True)
    key_prefix: Mapped[str] = mapped_column(String)
    is_active: Mapped[bool] = mapped_column(Boolean)
    scopes: Mapped[list[str]] = mapped_column(JSONB)
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class RetiredKey(Base):
    """What a key was before it was rotated: it goes on working until its grace is over."""

    __tablename__ = "retired_api_keys"

    key_hash: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)
    key_id: Mapped[str] = mapped_column(String, ForeignKey("api_keys.id", ondelete="CASCADE"), index=True)
    valid_until: Mapped[datetime] = mapped_column(DateTime(timezone=True))
