"""Attempts: every INVITE leaves a record that says in plain words what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.contracts.admission import Attempt, Cause
from oneinbox.features.attempts import repository
from oneinbox.features.attempts.models import AttemptNumber, AttemptRow
from oneinbox.features.attempts.schemas import AttemptResponse, Reached, Related, Tie
from oneinbox.kit.ids import new_id
from oneinbox.kit.paging import Page

VERDICTS = {Cause.ADMITTED: "admitted", Cause.CHALLENGED: "challenged"}


@dataclass(frozen=True, slots=True)
class Told:
    """An attempt with the numbers of all workspaces that it has to do with: for the operator only."""

    attempt: AttemptResponse
    numbers: Sequence[str]


async def record(
    session: AsyncSession, attempt: Attempt, reached: Reached | None, related: Sequence[Related] = ()
) -> str:
    """Store one attempt, once. `related` are further numbers that it has to do with. Returns its id."""
    attempt_id = attempt.id or new_id()
    called = [Related(reached, Tie.CALLED)] if reached else []
    numbers = {one.number.phone_id: _tie(attempt_id, one) for one in [*related, *called]}
    await repository.add(session, _values(attempt_id, attempt, reached), list(numbers.values()))
    return attempt_id


async def of_number(
    session: AsyncSession, workspace_id: str, phone_id: str, limit: int, offset: int
) -> Page[AttemptResponse]:
    """What reached, or meant to reach, a number of this workspace, newest first; nothing of other workspaces in it."""
    rows, total = await repository.of_number(session, workspace_id, phone_id, limit, offset)
    ties = await repository.numbers(session, [row.id for row in rows])
    own = [tie for tie in ties if tie.workspace_id == workspace_id]
    return Page([_shown(row, own) for row in rows], total)


async def newest(session: AsyncSession, limit: int, *, unowned: bool) -> Sequence[Told]:
    """The newest of the whole deployment, whoever's they are; with `unowned` those that reached no number."""
    rows = await repository.newest(session, limit, unowned=unowned)
    ties = await repository.numbers(session, [row.id for row in rows])
    return [Told(_shown(row, ties), _named(row, ties)) for row in rows]


async def forget(session: AsyncSession, before: datetime, most: int, *, unowned: bool) -> int:
    """Delete the oldest from before that moment that reached a number, or with `unowned` those that did not.

    At most `most`; returns how many.
    """
    return await repository.forget(session, before, most, unowned=unowned)


def _values(attempt_id: str, attempt: Attempt, reached: Reached | None) -> dict[str, object]:
    facts = attempt.facts
    values = {
        "id": attempt_id,
        "verdict": VERDICTS.get(attempt.cause, "refused"),
        "status": attempt.status,
        "cause": attempt.cause.value,
        "reason": attempt.reason,
        "source": f"{facts.source_host}:{facts.source_port}",
        "dialled": facts.dialled,
        "caller": facts.caller,
        "sip_call_id": facts.sip_call_id,
        "user_agent": facts.user_agent,
        "number": reached.number if reached else None,
        "phone_id": reached.phone_id if reached else None,
        "workspace_id": reached.workspace_id if reached else None,
        "call_id": attempt.call_id,
        "ladder": list(attempt.ladder),
        "unmatched": attempt.unmatched,
        "count": attempt.count,
    }
    return values | ({"at": attempt.at} if attempt.at else {})


def _tie(attempt_id: str, related: Related) -> AttemptNumber:
    number = related.number
    return AttemptNumber(
        phone_id=number.phone_id,
        attempt_id=attempt_id,
        workspace_id=number.workspace_id,
        number=number.number,
        tie=related.tie.value,
    )


def _shown(row: AttemptRow, ties: Sequence[AttemptNumber]) -> AttemptResponse:
    nearest = [tie.number for tie in ties if tie.attempt_id == row.id and tie.tie == Tie.NEAREST]
    candidates = [tie.number for tie in ties if tie.attempt_id == row.id and tie.tie == Tie.CANDIDATE]
    return AttemptResponse(
        id=row.id,
        at=row.at,
        verdict=row.verdict,
        status=row.status,
        cause=row.cause,
        reason=row.reason,
        unmatched_value=row.unmatched,
        nearest_number=nearest[0] if nearest else None,
        candidates=sorted(candidates),
        source=row.source,
        dialled=row.dialled,
        caller_number=row.caller,
        user_agent=row.user_agent,
        sip_call_id=row.sip_call_id,
        call_id=row.call_id,
        count=row.count,
        ladder=row.ladder,
    )


def _named(row: AttemptRow, ties: Sequence[AttemptNumber]) -> list[str]:
    return sorted(f"{tie.number} ({tie.tie})" for tie in ties if tie.attempt_id == row.id)
