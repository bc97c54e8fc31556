"""The rows of attempts."""

from datetime import datetime

from sqlalchemy import DateTime, Index, Integer, String, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from oneinbox.kit.db import Base


class AttemptRow(Base):
    """One INVITE. What it reached is nullable: a stranger's reaches nothing."""

    __tablename__ = "attempts"
    __table_args__ = (
        Index("ix_attempts_workspace", "workspace_id", "id"),
        Index("ix_attempts_call", "call_id"),
    )

    id: Mapped[str] = mapped_column(String, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    verdict: Mapped[str] = mapped_column(String)
    status: Mapped[int] = mapped_column(Integer)
    cause: Mapped[str] = mapped_column(String)
    reason: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String)
    dialled: Mapped[str] = mapped_column(String)
    caller: Mapped[str | None] = mapped_column(String)
    sip_call_id: Mapped[str] = mapped_column(String)
    user_agent: Mapped[str | None] = mapped_column(String)
    number: Mapped[str | None] = mapped_column(String)
    phone_id: Mapped[str | None] = mapped_column(String)
    workspace_id: Mapped[str | None] = mapped_column(String)
    call_id: Mapped[str | None] = mapped_column(String)
    ladder: Mapped[list[str]] = mapped_column(JSONB)
