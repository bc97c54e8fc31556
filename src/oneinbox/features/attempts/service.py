"""Attempts: every INVITE leaves a record that says in plain words what became of it."""

from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.contracts.admission import Attempt, Cause
from oneinbox.features.attempts import repository
from oneinbox.features.attempts.models import AttemptRow
from oneinbox.features.attempts.schemas import Reached
from oneinbox.kit.ids import new_id


async def record(session: AsyncSession, attempt: Attempt, reached: Reached | None) -> str:
    """Store one attempt. Returns its id."""
    facts = attempt.facts
    row = AttemptRow(
        id=new_id(),
        verdict="admitted" if attempt.cause is Cause.ADMITTED else "refused",
        status=attempt.status,
        cause=attempt.cause.value,
        reason=attempt.reason,
        source=f"{facts.source_host}:{facts.source_port}",
        dialled=facts.dialled,
        caller=facts.caller,
        sip_call_id=facts.sip_call_id,
        user_agent=facts.user_agent,
        number=reached.number if reached else None,
        phone_id=reached.phone_id if reached else None,
        workspace_id=reached.workspace_id if reached else None,
        call_id=attempt.call_id,
        ladder=list(attempt.ladder),
    )
    await repository.add(session, row)
    return row.id
