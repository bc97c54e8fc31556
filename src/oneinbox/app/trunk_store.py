"""The embedded media plane's trunks and rules, kept in our database: its side of the TrunkPlane port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.contracts.media import DispatchRule, InboundTrunk, MediaError, OutboundTrunk
from oneinbox.features.trunks import service as trunks
from oneinbox.features.trunks.errors import TrunkNotFound
from oneinbox.features.trunks.schemas import Kind
from oneinbox.kit.db import Database
from oneinbox.kit.sealing import Sealer


class DatabaseTrunks:
    """See contracts.media.TrunkPlane. Each call is a transaction of its own."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def create_inbound_trunk(self, trunk: InboundTrunk) -> str:
        async with self._transaction() as session:
            return await trunks.create_inbound(session, self._sealer, trunk)

    async def create_outbound_trunk(self, trunk: OutboundTrunk) -> str:
        async with self._transaction() as session:
            return await trunks.create_outbound(session, self._sealer, trunk)

    async def create_dispatch_rule(self, rule: DispatchRule) -> str:
        async with self._transaction() as session:
            return await trunks.create_rule(session, rule)

    async def update_inbound_trunk(self, trunk_id: str, trunk: InboundTrunk) -> None:
        async with self._transaction() as session:
            await trunks.update_inbound(session, self._sealer, trunk_id, trunk)

    async def update_outbound_trunk(self, trunk_id: str, trunk: OutboundTrunk) -> None:
        async with self._transaction() as session:
            await trunks.update_outbound(session, self._sealer, trunk_id, trunk)

    async def find(self, kind: Kind, marker: str) -> str | None:
        async with self._transaction() as session:
            return await trunks.find(session, kind, marker)

    async def remove(self, kind: Kind, external_id: str) -> None:
        async with self._transaction() as session:
            await trunks.remove(session, kind, external_id)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncSession]:
        try:
            async with self._database.transaction() as session:
                yield session
        except (DBAPIError, PoolTimeout, OSError) as error:
            reason = type(error).__name__
            raise MediaError(
                "embedded", f"The media plane's store did not answer ({reason}).", retryable=True
            ) from None
        except TrunkNotFound as error:
            raise MediaError("embedded", str(error), retryable=False) from None
