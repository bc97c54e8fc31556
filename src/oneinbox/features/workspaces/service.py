"""Finding and making workspaces."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.workspaces.models import Workspace
from oneinbox.kit.ids import new_id


async def ensure(session: AsyncSession, name: str) -> str:
    """The id of the workspace of that name, which is made when it isn't there."""
    await session.execute(insert(Workspace).values(id=new_id(), name=name).on_conflict_do_nothing())
    return (await session.scalars(select(Workspace.id).where(Workspace.name == name))).one()
