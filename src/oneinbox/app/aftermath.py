"""Audit events of requests that died before their operation ended: told by whoever ends it."""

from dataclasses import replace

from pydantic import TypeAdapter
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.audit_events import service as audit_events
from oneinbox.features.audit_events.schemas import Deed
from oneinbox.kit.clock import Clock
from oneinbox.kit.errors import OneInboxError
from oneinbox.kit.steps import OPEN, Ended, Operation, OperationState

_DEED = TypeAdapter(Deed)


def written(deed: Deed) -> str:
    """A deed as an operation carries it; its status is that of success."""
    return _DEED.dump_json(deed).decode()


async def answered(session: AsyncSession, workspace_id: str, deed: str) -> None:
    """The request of this deed has been answered with an error, and told of: its undoing needs no event of its own.

    Whoever holds the operation at this moment isn't waited for.
    """
    mine = select(Operation.id).where(
        Operation.workspace_id == workspace_id, Operation.state.in_(OPEN), Operation.deed == deed
    )
    told = update(Operation).where(Operation.id.in_(mine.with_for_update(skip_locked=True)))
    await session.execute(told.values(answered=True).execution_options(synchronize_session=False))


def teller(operation: Operation, audit_key: bytes, clock: Clock) -> Ended:
    """Appends, in the transaction that closes the operation, the event that its request couldn't write any more.

    What was answered with an error and is done nevertheless gets one too: it has happened.
    """

    async def tell(session: AsyncSession, state: OperationState) -> None:
        kept = select(Operation.deed, Operation.answered).where(Operation.id == operation.id)
        text, was_answered = (await session.execute(kept)).one()
        done = state is OperationState.DONE
        if text is None or (was_answered and not done):
            return
        deed = replace(_DEED.validate_json(text), resource_id=operation.resource_id)
        deed = deed if done else replace(deed, status=OneInboxError.status)
        await audit_events.append(session, audit_key, operation.workspace_id, deed, clock.now())

    return tell
