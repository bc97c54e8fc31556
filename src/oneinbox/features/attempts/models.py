"""The rows of attempts."""

from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Index, Integer, String, Text, func
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
    unmatched: Mapped[str | None] = mapped_column(String)
    count: Mapped[int] = mapped_column(Integer, server_default="1")


class AttemptNumber(Base):
    """A registered number that an attempt has to do with: it was called, it might be meant, or it is the nearest."""

    __tablename__ = "attempt_numbers"
    __table_args__ = (Index("ix_attempt_numbers_attempt", "attempt_id"),)

    phone_id: Mapped[str] = mapped_column(String, primary_key=True)
    attempt_id: Mapped[str] = mapped_column(String, ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String)
    number: Mapped[str] = mapped_column(String)
    tie: Mapped[str] = mapped_column(String)
