"""Finding and making workspaces."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.workspaces.models import Workspace
from oneinbox.kit.ids import new_id, random_base62

DEFAULT = "default"
TELLING_APART = 8


async def ensure(session: AsyncSession, name: str) -> str:
    """The id of the workspace of that name, which is made when it isn't there."""
    await session.execute(insert(Workspace).values(id=new_id(), name=name).on_conflict_do_nothing())
    return (await session.scalars(select(Workspace.id).where(Workspace.name == name))).one()


async def create(session: AsyncSession, title: str, *, first: bool) -> str:
    """The id of a workspace that was not there before; for the `first` of a deployment `default`, when that is free.

    Others' names end in something random: nobody finds out which names are taken, and nobody takes one that
    the operator will use on the machine.
    """
    if first:
        made: str | None = await session.scalar(
            insert(Workspace).values(id=new_id(), name=DEFAULT).on_conflict_do_nothing().returning(Workspace.id)
        )
        if made is not None:
            return made
    workspace = Workspace(id=new_id(), name=f"{title} {random_base62(TELLING_APART)}")
    session.add(workspace)
    await session.flush()
    return workspace.id


async def name_of(session: AsyncSession, workspace_id: str) -> str:
    """The name of a workspace that is there."""
    return (await session.scalars(select(Workspace.name).where(Workspace.id == workspace_id))).one()
