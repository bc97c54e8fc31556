"""What an attempt has to do with registered numbers, found when it is recorded: the caller doesn't wait for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.app.edge.spelling import candidates, digits_of, distance, near
from oneinbox.contracts.admission import Attempt, Cause
from oneinbox.features.attempts.schemas import Reached, Related, Tie
from oneinbox.features.phone_numbers import service as phone_numbers
from oneinbox.features.phone_numbers.schemas import Line

SLIPS = 2
"""A number that is this near was meant, however many workspaces there are."""

Admits = Callable[[Line], bool]
"""Do this line's sources admit the sender?"""


@dataclass(frozen=True, slots=True)
class Findings:
    """The attempt, its reason completed, and the numbers that it has to do with."""

    attempt: Attempt
    reached: Reached | None = None
    related: tuple[Related, ...] = ()


async def explain(session: AsyncSession, attempt: Attempt, admits: Admits) -> Findings:
    """Find out what number the caller wanted: the one dialled, those that it may mean, or the nearest."""
    spellings = candidates(attempt.facts.dialled)
    lines = await phone_numbers.find_lines(session, spellings) if spellings else []
    if len(lines) == 1:
        return Findings(attempt, reached(lines[0]))
    if named := [line for line in lines if line.number in attempt.reason]:
        chosen = max(named, key=lambda line: len(line.number))
        return Findings(attempt, reached(chosen))  # by admission: the reason is for its workspace alone
    if lines:
        meant = [line for line in lines if admits(line)] or lines
        return Findings(attempt, None, tuple(Related(reached(line), Tie.CANDIDATE) for line in meant))
    if attempt.cause is not Cause.NO_SUCH_NUMBER:
        return Findings(attempt)
    if gone := await phone_numbers.released(session, spellings):
        reason = f"{gone.number} was deleted on {gone.at:%d %B %Y at %H:%M} UTC."
        return Findings(replace(attempt, reason=reason))
    nearest = await _nearest(session, attempt.facts.dialled, admits)
    return Findings(attempt, None, (Related(reached(nearest), Tie.NEAREST),) if nearest else ())


def reached(line: Line) -> Reached:
    """The line as attempts name it."""
    return Reached(line.number, line.phone_id, line.workspace_id)


async def _nearest(session: AsyncSession, dialled: str, admits: Admits) -> Line | None:
    """The likest number, told to its workspace only when it was surely meant or nobody else has numbers."""
    digits = digits_of(dialled)
    if not digits:
        return None
    lines = await phone_numbers.find_near(session, near(dialled), f"+{digits}")
    ranked = sorted((_difference(digits, line), line.number, line.phone_id, line) for line in lines if admits(line))
    if not ranked:
        return None
    difference, *_, line = ranked[0]
    return line if difference <= SLIPS or await _alone(session, lines) else None


def _difference(digits: str, line: Line) -> int:
    number = line.number.removeprefix("+")
    return min(distance(digits, number), distance(digits, number[-len(digits) :]))


async def _alone(session: AsyncSession, lines: Sequence[Line]) -> bool:
    return len({line.workspace_id for line in lines}) == 1 and not await phone_numbers.several_owners(session)
