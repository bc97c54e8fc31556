"""The rows of agents."""

from datetime import datetime

from sqlalchemy import Boolean, DateTime, Float, ForeignKey, Index, Integer, String, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from oneinbox.kit.db import Base


class Agent(Base):
    """An agent; a deleted one stays, without its model, so that calls and numbers can name it."""

    __tablename__ = "agents"
    __table_args__ = (Index("ix_agents_workspace", "workspace_id", "id"), Index("ix_agents_llm", "llm_id"))

    id: Mapped[str] = mapped_column(String, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String, ForeignKey("workspaces.id"))
    name: Mapped[str] = mapped_column(String)
    status: Mapped[str] = mapped_column(String)
    llm_id: Mapped[str | None] = mapped_column(String, ForeignKey("llm_models.id", name="fk_agents_llm"))
    transcriber: Mapped[dict[str, object]] = mapped_column(JSONB)
    tts: Mapped[dict[str, object]] = mapped_column(JSONB)
    first_message: Mapped[str | None] = mapped_column(Text)
    end_call_phrases: Mapped[list[str]] = mapped_column(JSONB)
    max_duration_seconds: Mapped[int] = mapped_column(Integer)
    interruption_sensitivity: Mapped[float] = mapped_column(Float)
    silence_timeout_seconds: Mapped[int] = mapped_column(Integer)
    enable_recording: Mapped[bool] = mapped_column(Boolean)
    language: Mapped[str] = mapped_column(String)
    dynamic_variables: Mapped[dict[str, object]] = mapped_column(JSONB)
    voicemail_detection: Mapped[bool] = mapped_column(Boolean)
    voicemail_message: Mapped[str | None] = mapped_column(Text)
    responsiveness: Mapped[float] = mapped_column(Float)
    speed: Mapped[float] = mapped_column(Float)
    background_sound: Mapped[str | None] = mapped_column(String)
    emotions: Mapped[bool] = mapped_column(Boolean)
    job_description: Mapped[str | None] = mapped_column(Text)
    agent_metadata: Mapped[dict[str, object]] = mapped_column("metadata", JSONB)
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
