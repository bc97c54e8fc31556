"""The rows of voice workers."""

from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, Integer, String, func
from sqlalchemy.orm import Mapped, mapped_column

from oneinbox.kit.db import Base


class Worker(Base):
    """One voice worker process. `live` counts capacity units held by calls that have not ended."""

    __tablename__ = "workers"
    __table_args__ = (CheckConstraint("state IN ('ready', 'draining', 'gone')", name="ck_workers_state"),)

    id: Mapped[str] = mapped_column(String, primary_key=True)
    host: Mapped[str] = mapped_column(String)
    sip_port: Mapped[int] = mapped_column(Integer)
    capacity: Mapped[int] = mapped_column(Integer)
    live: Mapped[int] = mapped_column(Integer, server_default="0")
    pid: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String)
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    heartbeat_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
