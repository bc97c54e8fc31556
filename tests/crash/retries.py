"""What a client that asks again is told, and what the audit trail tells of it: once, and the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass
class Request:
    """One request by its id, and its answer, if there was one."""

    id: str
    answer: httpx.Response | None = None

    @property
    def status(self) -> int | None:
        return self.answer.status_code if self.answer else None

    @property
    def replayed(self) -> bool:
        """Whether it was answered with what another one was answered."""
        return self.answer is not None and self.answer.headers.get("Idempotency-Replayed") == "true"


def unlike(requests: Sequence[Request], states: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """What differs in the answers to a registration that was sent again and again; empty when there is one number.

    `states` are those of its operations, `rows` the number's registrations.
    """
    answers = [one.answer for one in requests[1:]]
    told = {one.text if one else None for one in answers}
    statuses = [one.status for one in requests]
    if set(statuses[1:]) != {201} or len(told) != 1 or not requests[-1].replayed:
        return f"repeated, but answered {statuses}: {told}"
    first = requests[0].answer
    if first is not None and first.status_code == 201 and first.text not in told:
        return f"answered otherwise the first time: {first.text}"
    if [row["id"] for row in rows] != [answers[-1].json()["id"] if answers[-1] else None]:
        return f"another number, or several: {rows}"
    return "" if list(states).count("done") == 1 else f"registered more than once: {states}"


def untold(requests: Sequence[Request], states: Sequence[str], events: Sequence[Mapping[str, Any]]) -> str:
    """What the trail doesn't tell as it was; empty when it does.

    The first request's operation is the first of `states`. If it was done, the trail tells so once, whatever the
    request was answered; a refusal is told once at most, and something is told at all.
    """
    told = {one.id: [row["status"] for row in events if row["request_id"] == one.id] for one in requests}
    first = told[requests[0].id]
    done = [status for status in first if status < 300]
    if len(done) != states[:1].count("done") or len(first) - len(done) > 1 or not first:
        return f"the first request is told of as {first}, its operation is {states[:1]}"
    for one in requests[1:]:
        if told[one.id] != ([] if one.replayed else [one.status]):
            return f"request {one.id}, answered {one.status}, is told of as {told[one.id]}"
    return ""
