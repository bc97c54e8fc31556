"""The rows of calls and of their events."""

from datetime import datetime

from sqlalchemy import DateTime, Float, ForeignKey, Index, Integer, String, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from oneinbox.kit.db import Base


class Call(Base):
    """One call. Everything after the answer is a fold over its events, written once when it ends."""

    __tablename__ = "calls"
    __table_args__ = (
        Index("ix_calls_workspace", "workspace_id", "id"),
        Index("ix_calls_agent", "workspace_id", "agent_id", "id"),
        Index("ix_calls_phone", "workspace_id", "phone_id", "id"),
        Index("ix_calls_live", "worker_id", postgresql_where=text("status IN ('initiated', 'in_progress')")),
    )

    id: Mapped[str] = mapped_column(String, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String, ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(String)
    phone_id: Mapped[str | None] = mapped_column(String)
    type: Mapped[str] = mapped_column(String)
    status: Mapped[str] = mapped_column(String)
    direction: Mapped[str] = mapped_column(String)
    from_number: Mapped[str | None] = mapped_column(String)
    to_number: Mapped[str | None] = mapped_column(String)
    room_name: Mapped[str | None] = mapped_column(String)
    twilio_call_sid: Mapped[str | None] = mapped_column(String)
    scheduled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    stop_requested_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    variables: Mapped[dict[str, object]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    call_metadata: Mapped[dict[str, object]] = mapped_column("metadata", JSONB, server_default=text("'{}'::jsonb"))
    plan: Mapped[dict[str, object]] = mapped_column(JSONB)
    worker_id: Mapped[str | None] = mapped_column(String)
    weight: Mapped[int] = mapped_column(Integer, server_default="1")
    duration_seconds: Mapped[float | None] = mapped_column(Float)
    end_reason: Mapped[str | None] = mapped_column(String)
    messages: Mapped[list[dict[str, object]]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    latency: Mapped[dict[str, object]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    analysis: Mapped[dict[str, object]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    outcome: Mapped[str | None] = mapped_column(String)
    ai_summary: Mapped[str | None] = mapped_column(String)
    recording_path: Mapped[str | None] = mapped_column(String)
    cost_cents: Mapped[float | None] = mapped_column(Float)
    credits_used: Mapped[float] = mapped_column(Float, server_default="0")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class CallEventRow(Base):
    """One fact of a call. `seq` counts from 0 for each call; `at` is the wall clock, `at_ms` audio time."""

    __tablename__ = "call_events"
    __table_args__ = (
        Index("uq_call_events_terminal", "call_id", unique=True, postgresql_where=text("type = 'ended'")),
    )

    call_id: Mapped[str] = mapped_column(String, ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    at_ms: Mapped[int] = mapped_column(Integer)
    type: Mapped[str] = mapped_column(String)
    payload: Mapped[dict[str, object]] = mapped_column(JSONB)
