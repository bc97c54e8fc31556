"""The rows of the embedded plane's trunks and dispatch rules; passwords are sealed."""

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from oneinbox.kit.db import Base


class InboundTrunkRow(Base):
    """Who may send calls for a number."""

    __tablename__ = "inbound_trunks"

    id: Mapped[str] = mapped_column(String, primary_key=True)
    marker: Mapped[str] = mapped_column(String, unique=True)
    workspace_id: Mapped[str] = mapped_column(String, ForeignKey("workspaces.id"))
    number: Mapped[str] = mapped_column(String)
    provider: Mapped[str] = mapped_column(String)
    allowed_addresses: Mapped[list[str]] = mapped_column(ARRAY(String))
    auth_username: Mapped[str | None] = mapped_column(String)
    auth_password: Mapped[bytes | None] = mapped_column(BYTEA)


class OutboundTrunkRow(Base):
    """How calls leave from a number."""

    __tablename__ = "outbound_trunks"

    id: Mapped[str] = mapped_column(String, primary_key=True)
    marker: Mapped[str] = mapped_column(String, unique=True)
    workspace_id: Mapped[str] = mapped_column(String, ForeignKey("workspaces.id"))
    number: Mapped[str] = mapped_column(String)
    provider: Mapped[str] = mapped_column(String)
    address: Mapped[str] = mapped_column(String)
    auth_username: Mapped[str] = mapped_column(String)
    auth_password: Mapped[bytes] = mapped_column(BYTEA)
    transport: Mapped[str] = mapped_column(String)


class DispatchRuleRow(Base):
    """Calls of a trunk are served under a phone number's routing."""

    __tablename__ = "dispatch_rules"
    __table_args__ = (Index("ix_dispatch_rules_phone", "phone_id"),)

    id: Mapped[str] = mapped_column(String, primary_key=True)
    marker: Mapped[str] = mapped_column(String, unique=True)
    workspace_id: Mapped[str] = mapped_column(String, ForeignKey("workspaces.id"))
    trunk_id: Mapped[str] = mapped_column(String, ForeignKey("inbound_trunks.id"))
    phone_id: Mapped[str] = mapped_column(String)
