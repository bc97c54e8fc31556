"""Audit events of operations: told in the transaction that ends one, by its request or by whoever ends it instead."""

from dataclasses import replace

from pydantic import TypeAdapter
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.app.running import DATABASE_AWAY
from oneinbox.features.audit_events import service as audit_events
from oneinbox.features.audit_events.schemas import Deed
from oneinbox.kit.clock import Clock
from oneinbox.kit.errors import OneInboxError, Unavailable
from oneinbox.kit.steps import OPEN, Ended, Ending, Operation, OperationState

_DEED = TypeAdapter(Deed)


class Telling:
    """What a request has its operation tell the audit trail, so that its process may die right after.

    `deed` is that of success, `written` the same as an operation carries it; `told` is how the operation ended.
    """

    def __init__(self, deed: Deed, workspace_id: str, audit_key: bytes, clock: Clock) -> None:
        self.deed, self.written = deed, _DEED.dump_json(deed).decode()
        self.told: OperationState | None = None
        self._workspace_id, self._audit_key, self._clock = workspace_id, audit_key, clock

    async def ended(self, session: AsyncSession, ending: Ending) -> None:
        """Append the event. If the transaction fails, the operation stays open: whoever ends it then tells of it."""
        deed = replace(self.deed, resource_id=ending.resource_id)
        if ending.state is not OperationState.DONE:
            deed = replace(self.deed, status=status_of(ending.error))
        await audit_events.append(session, self._audit_key, self._workspace_id, deed, self._clock.now())
        self.told = ending.state


def status_of(error: Exception | None) -> int:
    """The status that a request with this error is answered with."""
    if isinstance(error, DATABASE_AWAY):
        return Unavailable.status
    return error.status if isinstance(error, OneInboxError) else OneInboxError.status


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

    async def tell(session: AsyncSession, ending: Ending) -> None:
        kept = select(Operation.deed, Operation.answered).where(Operation.id == operation.id)
        text, was_answered = (await session.execute(kept)).one()
        done = ending.state is OperationState.DONE
        if text is None or (was_answered and not done):
            return
        deed = replace(_DEED.validate_json(text), resource_id=operation.resource_id)
        deed = deed if done else replace(deed, status=OneInboxError.status)
        await audit_events.append(session, audit_key, operation.workspace_id, deed, clock.now())

    return tell
