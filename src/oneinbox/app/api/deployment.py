"""What the API process works with: database, ports, keys, and who may ask how often."""

from dataclasses import dataclass, field

from oneinbox.app.api.idempotency import Idempotency
from oneinbox.app.api.remembered import Remembered
from oneinbox.app.settings import Settings
from oneinbox.app.wiring import database_of, ports_of, sealer_of
from oneinbox.features.context import Ports
from oneinbox.kit.clock import Clock
from oneinbox.kit.db import Database
from oneinbox.kit.signing import API_KEY_PEPPER, AUDIT, IDEMPOTENCY, deployment_key

LOCKS = 16
"""How many requests with an Idempotency-Key are carried out at once by one process."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """`pepper` is the key under which API keys are hashed, `audit_key` that of the audit trail's chains.

    `rate_limit` is a key's requests per minute, 0 for no limit.
    """

    database: Database
    locks: Database
    clock: Clock
    ports: Ports
    idempotency: Idempotency
    remembered: Remembered
    pepper: bytes = field(repr=False)
    audit_key: bytes = field(repr=False)
    rate_limit: int = 0

    async def close(self) -> None:
        """Close what was opened for it besides the database."""
        await self.locks.close()


async def deployment_of(settings: Settings, database: Database, clock: Clock) -> Deployment:
    """The deployment of these settings; its keys are made when they aren't there yet."""
    sealer = sealer_of(settings)
    locks = database_of(settings, pool_size=LOCKS)
    async with database.transaction() as session:
        idempotency_key = await deployment_key(session, sealer, IDEMPOTENCY)
        return Deployment(
            database=database,
            locks=locks,
            clock=clock,
            ports=await ports_of(settings, session, database, sealer, clock),
            idempotency=Idempotency(database, locks, clock, sealer, idempotency_key),
            remembered=Remembered(clock),
            pepper=await deployment_key(session, sealer, API_KEY_PEPPER),
            audit_key=await deployment_key(session, sealer, AUDIT),
            rate_limit=settings.rate_limit,
        )
