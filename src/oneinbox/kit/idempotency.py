"""Answers that are kept under the key a client gave its request, so that asking again does nothing again."""

from datetime import datetime

from sqlalchemy import DateTime, Integer, String, func
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from oneinbox.kit.db import Base


class KeptAnswer(Base):
    """One request, and its answer once it has one. `fingerprint` is a keyed hash of the request.

    `resource_id` is the id of what the request makes, chosen before it begins, so that a retry after a crash finds it.
    """

    __tablename__ = "idempotency_keys"

    workspace_id: Mapped[str] = mapped_column(String, primary_key=True)
    key: Mapped[str] = mapped_column(String, primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(BYTEA)
    resource_id: Mapped[str] = mapped_column(String)
    status: Mapped[int | None] = mapped_column(Integer)
    sealed: Mapped[bytes | None] = mapped_column(BYTEA)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), index=True)
