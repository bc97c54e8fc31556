"""How many calls a number and a workspace may have at a time, and how many of them may begin in a second."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.contracts.admission import Cause, Refused
from oneinbox.edge.agenda import Buckets
from oneinbox.features.calls import service as calls
from oneinbox.features.phone_numbers.schemas import Line
from oneinbox.kit.clock import Clock

RETRY_AFTER_SECONDS = 5
BURST_SECONDS = 2
MOST_KEPT = 20_000
IN_FLIGHT = 64
"""More than the transactions that all edges together have open."""


@dataclass(frozen=True, slots=True)
class Most:
    """The limits: calls at a time of a number and of a workspace, and new ones a second of either."""

    of_number: int = 100
    of_workspace: int = 200
    a_second: int = 100


class Limits:
    """What begins in a second is counted in this process, what goes on at a time in the database."""

    def __init__(self, most: Most, clock: Clock) -> None:
        self._most = most
        self._clock = clock
        self._new = Buckets(most.a_second * BURST_SECONDS, most.a_second, MOST_KEPT)

    def too_fast(self, line: Line) -> Refused | None:
        """The refusal of one call more this second."""
        now = self._clock.monotonic()
        for key, whose in ((line.phone_id, line.number), (line.workspace_id, f"The workspace of {line.number}")):
            if not self._new.take(key, now):
                return _refused(f"{whose} gets more than {self._most.a_second} calls a second.")
        return None

    async def too_many(self, session: AsyncSession, line: Line) -> Refused | None:
        """The refusal of one call more at a time; near the limit, calls of a workspace are let in one by one."""
        number, workspace = await calls.live_counts(session, line.workspace_id, line.phone_id, self._full)
        if number >= self._most.of_number:
            return _refused(f"{line.number} has {number} calls, and no more than {self._most.of_number} at a time.")
        if workspace >= self._most.of_workspace:
            whose = f"The workspace of {line.number}"
            return _refused(f"{whose} has {workspace} calls, and no more than {self._most.of_workspace} at a time.")
        return None

    def _full(self, number: int, workspace: int) -> bool:
        """Might calls that are being admitted just now fill it up?"""
        return number + IN_FLIGHT >= self._most.of_number or workspace + IN_FLIGHT >= self._most.of_workspace


def _refused(reason: str) -> Refused:
    return Refused(503, Cause.LIMIT, reason, retry_after=RETRY_AFTER_SECONDS)
