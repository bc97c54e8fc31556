"""Trunks and dispatch rules of the embedded media plane, which keeps them in our own database."""

from collections.abc import Collection, Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.contracts.media import DispatchRule, InboundTrunk, OutboundTrunk
from oneinbox.features.trunks import repository
from oneinbox.features.trunks.errors import TrunkNotFound
from oneinbox.features.trunks.models import DispatchRuleRow, InboundTrunkRow, OutboundTrunkRow
from oneinbox.features.trunks.schemas import Entrance, InboundLogin, Kind
from oneinbox.kit.db import notify
from oneinbox.kit.ids import prefixed_id
from oneinbox.kit.sealing import Sealer

CHANNEL = "trunks"
PASSWORD = "auth_password"

_ROWS: Mapping[Kind, type[repository.Row]] = {
    "inbound_trunk": InboundTrunkRow,
    "outbound_trunk": OutboundTrunkRow,
    "dispatch_rule": DispatchRuleRow,
}


async def create_inbound(session: AsyncSession, sealer: Sealer, trunk: InboundTrunk) -> str:
    """A new inbound trunk's id."""
    row = InboundTrunkRow(id=prefixed_id("ST"), marker=trunk.marker, workspace_id=trunk.workspace_id)
    _write_inbound(row, sealer, trunk)
    await repository.add(session, row)
    await notify(session, CHANNEL, row.id)
    return row.id


async def create_outbound(session: AsyncSession, sealer: Sealer, trunk: OutboundTrunk) -> str:
    """A new outbound trunk's id."""
    row = OutboundTrunkRow(id=prefixed_id("ST"), marker=trunk.marker, workspace_id=trunk.workspace_id)
    _write_outbound(row, sealer, trunk)
    await repository.add(session, row)
    return row.id


async def create_rule(session: AsyncSession, rule: DispatchRule) -> str:
    """A new dispatch rule's id."""
    row = DispatchRuleRow(
        id=prefixed_id("SDR"),
        marker=rule.marker,
        workspace_id=rule.workspace_id,
        trunk_id=rule.trunk_id,
        phone_id=rule.phone_id,
    )
    await repository.add(session, row)
    return row.id


async def update_inbound(session: AsyncSession, sealer: Sealer, trunk_id: str, trunk: InboundTrunk) -> None:
    """Replace what the trunk says; raises TrunkNotFound."""
    row = await repository.get(session, InboundTrunkRow, trunk_id)
    if not isinstance(row, InboundTrunkRow):
        raise TrunkNotFound(f"There is no inbound trunk {trunk_id}.")
    _write_inbound(row, sealer, trunk)
    await session.flush()
    await notify(session, CHANNEL, trunk_id)


async def update_outbound(session: AsyncSession, sealer: Sealer, trunk_id: str, trunk: OutboundTrunk) -> None:
    """Replace what the trunk says; raises TrunkNotFound."""
    row = await repository.get(session, OutboundTrunkRow, trunk_id)
    if not isinstance(row, OutboundTrunkRow):
        raise TrunkNotFound(f"There is no outbound trunk {trunk_id}.")
    _write_outbound(row, sealer, trunk)
    await session.flush()


async def find(session: AsyncSession, kind: Kind, marker: str) -> str | None:
    """The id of what carries the marker."""
    return await repository.find(session, _ROWS[kind], marker)


async def remove(session: AsyncSession, kind: Kind, external_id: str) -> None:
    """Remove it; what is gone already is fine."""
    await repository.remove(session, _ROWS[kind], external_id)
    await notify(session, CHANNEL, external_id)


async def entrances(session: AsyncSession, phone_ids: Collection[str]) -> dict[str, Entrance]:
    """Who may send calls for these numbers, by the number's id; one without trunk or rule is missing."""
    return {
        phone_id: Entrance(tuple(trunk.allowed_addresses), trunk.auth_username is not None)
        for phone_id, trunk in await repository.of_phones(session, phone_ids)
    }


async def inbound_logins(session: AsyncSession, sealer: Sealer, phone_ids: Collection[str]) -> dict[str, InboundLogin]:
    """User name and password that callers of these numbers need, by the number's id."""
    return {
        phone_id: InboundLogin(trunk.auth_username, _opened(trunk, sealer, trunk.auth_password))
        for phone_id, trunk in await repository.of_phones(session, phone_ids)
        if trunk.auth_username is not None and trunk.auth_password is not None
    }


async def any_login(session: AsyncSession) -> bool:
    """Does some number have an inbound user name?"""
    return await repository.any_login(session)


async def all_sources(session: AsyncSession) -> tuple[str, ...]:
    """Every network (CIDR) that may send calls for some number, in order."""
    return tuple(sorted(await repository.addresses(session)))


def _write_inbound(row: InboundTrunkRow, sealer: Sealer, trunk: InboundTrunk) -> None:
    row.number, row.provider = trunk.number, trunk.provider
    row.allowed_addresses = list(trunk.allowed_addresses)
    row.auth_username = trunk.auth_username
    row.auth_password = None if trunk.auth_password is None else _sealed(row, sealer, trunk.auth_password)


def _write_outbound(row: OutboundTrunkRow, sealer: Sealer, trunk: OutboundTrunk) -> None:
    row.number, row.provider, row.address, row.transport = trunk.number, trunk.provider, trunk.address, trunk.transport
    row.auth_username = trunk.auth_username
    row.auth_password = _sealed(row, sealer, trunk.auth_password)


def _sealed(row: InboundTrunkRow | OutboundTrunkRow, sealer: Sealer, password: str) -> bytes:
    return sealer.seal(password, workspace_id=row.workspace_id, row_id=row.id, field=PASSWORD)


def _opened(row: InboundTrunkRow, sealer: Sealer, sealed: bytes) -> str:
    return sealer.open(sealed, workspace_id=row.workspace_id, row_id=row.id, field=PASSWORD)
