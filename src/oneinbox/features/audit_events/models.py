"""The rows of audit events, which the application may add and read but not change; chains' ends, and their count."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Integer, String
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from oneinbox.kit.db import Base


class AuditEvent(Base):
    """One mutating request or sign-in. `seq` counts from 1 in each workspace."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("uq_audit_events_seq", "workspace_id", "seq", unique=True),
        Index("ix_audit_events_resource", "workspace_id", "resource_type", "id"),
    )

    id: Mapped[str] = mapped_column(String, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(String, ForeignKey("workspaces.id"))
    seq: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[str | None] = mapped_column(String)
    api_key_id: Mapped[str | None] = mapped_column(String)
    action: Mapped[str] = mapped_column(String)
    resource_type: Mapped[str] = mapped_column(String)
    resource_id: Mapped[str | None] = mapped_column(String)
    status: Mapped[int] = mapped_column(Integer)
    request_id: Mapped[str] = mapped_column(String)
    ip: Mapped[str | None] = mapped_column(String)
    user_agent: Mapped[str | None] = mapped_column(String)
    payload_hash: Mapped[str] = mapped_column(String)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    chain: Mapped[bytes] = mapped_column(BYTEA)


class AuditChain(Base):
    """The last link of a workspace's chain; locked by whoever adds the next. `seal` is an HMAC over all the rest."""

    __tablename__ = "audit_chains"

    workspace_id: Mapped[str] = mapped_column(String, ForeignKey("workspaces.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    chain: Mapped[bytes] = mapped_column(BYTEA)
    seal: Mapped[bytes] = mapped_column(BYTEA)


class AuditCount(Base):
    """How many chains have been begun in the deployment: a single row. `seal` is an HMAC over it."""

    __tablename__ = "audit_counts"

    name: Mapped[str] = mapped_column(String, primary_key=True)
    chains: Mapped[int] = mapped_column(BigInteger)
    seal: Mapped[bytes] = mapped_column(BYTEA)
