"""Writing attempts down. They belong to the deployment: most of a scanner's reach no workspace."""

from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.attempts.models import AttemptRow


async def add(session: AsyncSession, row: AttemptRow) -> None:
    """One more row."""
    session.add(row)
    await session.flush()
