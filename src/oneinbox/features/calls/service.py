"""Calls from admission to their end: created, carried by one worker, ended exactly once, shown to their workspace."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.contracts.events import CallAnswered, CallEnded, EndReason
from oneinbox.contracts.plan import CallPlan
from oneinbox.features.calls import repository
from oneinbox.features.calls.errors import CallNotFound
from oneinbox.features.calls.events import (
    TERMINAL,
    CallStatus,
    Fact,
    advance,
    ending_of,
    from_payload,
    messages_of,
    to_payload,
)
from oneinbox.features.calls.models import Call
from oneinbox.features.calls.repository import CallRepository
from oneinbox.features.calls.schemas import CallResponse, NewCall
from oneinbox.features.context import Context
from oneinbox.features.workers import service as workers
from oneinbox.kit.db import notify
from oneinbox.kit.paging import Cursors, Page

CURSOR = "calls"
STOP_CHANNEL = "call_stop"
NEVER_STARTED_AFTER = timedelta(seconds=30)
OFFERED_FOR = timedelta(seconds=4)
"""The edge gives each of at most three workers a second to take a call."""
SECONDS_PER_CREDIT = 60
VOICEMAIL_OUTCOME = "Voicemail"

_PLAN: TypeAdapter[CallPlan] = TypeAdapter(CallPlan)


async def admit(session: AsyncSession, new: NewCall) -> None:
    """Write a call's row; its worker's capacity is claimed already."""
    plan = new.plan
    call = Call(
        id=plan.call_id,
        workspace_id=plan.workspace_id,
        agent_id=new.agent_id,
        phone_id=new.phone_id,
        type=plan.direction,
        status="initiated",
        direction=plan.direction,
        from_number=plan.from_number,
        to_number=plan.to_number,
        variables=new.variables,
        call_metadata=_notes(new),
        plan=_PLAN.dump_python(plan, mode="json"),
        worker_id=new.worker_id,
        weight=new.weight,
    )
    await repository.add(session, call)


async def start(session: AsyncSession, call_id: str, worker_id: str) -> CallPlan | None:
    """A worker takes the call: its plan, or None when the call is not waiting for anyone any more."""
    call = await repository.lock(session, call_id)
    if call is None or call.status != "initiated":
        return None
    if call.worker_id != worker_id:
        await workers.move_claim(session, call.worker_id, worker_id, call.weight)
        call.worker_id = worker_id
    await session.flush()
    return _PLAN.validate_python(call.plan)


async def append(session: AsyncSession, call_id: str, facts: Sequence[Fact]) -> bool:
    """Write a batch of events and what follows from them. Repeating a batch changes nothing.

    False when the call has ended already: nothing is written any more.
    """
    call = await repository.lock(session, call_id)
    if call is None or call.status in TERMINAL:
        return False
    await repository.add_events(session, [_row(call_id, fact) for fact in facts])
    for fact in facts:
        if isinstance(fact.event, CallAnswered) and (after := advance(call.status, "answered")):
            call.status, call.started_at, call.updated_at = after, fact.at, fact.at
        elif isinstance(fact.event, CallEnded):
            await _fold(session, call, fact.event, fact.at)
    await session.flush()
    return True


async def end(
    session: AsyncSession, call_id: str, reason: EndReason, detail: str, at: datetime, *, unanswered_only: bool = False
) -> bool:
    """End a call from outside as failed, unless it has ended: True for the one who ended it."""
    call = await repository.lock(session, call_id)
    if call is None or call.status in TERMINAL or (unanswered_only and call.status != "initiated"):
        return False
    at_ms = 0 if call.started_at is None else max(0, round((at - call.started_at).total_seconds() * 1000))
    ended = CallEnded(at_ms=at_ms, reason=reason, failed=True, detail=detail)
    seq = await repository.next_seq(session, call_id)
    await repository.add_events(session, [_row(call_id, Fact(seq, at, ended))])
    await _fold(session, call, ended, at)
    await session.flush()
    return True


async def held_by(session: AsyncSession, worker_ids: Collection[str]) -> Sequence[str]:
    """Ids of the calls that these workers hold; of those not answered yet only such as no other worker is offered now.

    End each in a transaction of its own: locks go call, then worker.
    """
    return await repository.live_of(session, worker_ids, OFFERED_FOR)


async def never_started(session: AsyncSession) -> Sequence[str]:
    """Ids of calls that were admitted and then not answered in time."""
    return await repository.never_started(session, NEVER_STARTED_AFTER)


async def answered_of(session: AsyncSession, worker_id: str) -> Sequence[str]:
    """Ids of the calls that this worker is talking on, as the record has it."""
    return await repository.answered_of(session, worker_id)


async def live_among(session: AsyncSession, call_ids: Collection[str]) -> frozenset[str]:
    """Those of these calls that have not ended."""
    return frozenset(await repository.live_among(session, call_ids))


async def stop_requested(session: AsyncSession, worker_id: str) -> Sequence[str]:
    """Ids of this worker's calls that someone asked to stop."""
    return await repository.stop_requested(session, worker_id)


async def live_counts(
    session: AsyncSession, workspace_id: str, phone_id: str, crowded: Callable[[int, int], bool]
) -> tuple[int, int]:
    """How many calls of the number, and of its workspace, are not over.

    When these are `crowded`, what other transactions are adding is waited for and counted too.
    """
    counts = await repository.live_counts(session, workspace_id, phone_id)
    if crowded(*counts):
        await repository.one_at_a_time(session, workspace_id)
        counts = await repository.live_counts(session, workspace_id, phone_id)
    return counts


async def list_calls(
    ctx: Context, *, agent_id: str | None, status: CallStatus | None, limit: int, offset: int
) -> Page[Call]:
    """The workspace's calls, newest first."""
    own = CallRepository(ctx.session, ctx.workspace_id)
    return await own.page(agent_id=agent_id, status=status, limit=limit, offset=offset)


async def list_behind(
    ctx: Context, cursor: str | None, *, agent_id: str | None, status: CallStatus | None, limit: int
) -> tuple[Sequence[Call], str | None]:
    """The calls behind the cursor, newest first, and the next cursor when there are more. Raises CursorInvalid."""
    cursors = Cursors(ctx.ports.links.key, CURSOR, ctx.workspace_id)
    own = CallRepository(ctx.session, ctx.workspace_id)
    found = await own.behind(cursors.read(cursor), agent_id=agent_id, status=status, most=limit + 1)
    return cursors.cut(found, limit)


async def get(ctx: Context, call_id: str) -> Call:
    """One call of the workspace; raises CallNotFound."""
    call = await CallRepository(ctx.session, ctx.workspace_id).get(call_id)
    if call is None:
        raise CallNotFound(f"There is no call {call_id} in this workspace.")
    return call


async def stop(ctx: Context, call_id: str) -> Call:
    """Ask the worker that carries the call to hang up; nothing happens when it has ended."""
    call = await get(ctx, call_id)
    if call.status not in TERMINAL:
        await repository.mark_stop(ctx.session, call_id, ctx.clock.now())
        await notify(ctx.session, STOP_CHANNEL, call_id)
    return call


async def messages_so_far(session: AsyncSession, call: Call) -> list[dict[str, object]]:
    """The turns of a call: from its events while it runs, from its row afterwards."""
    if call.status in TERMINAL:
        return call.messages
    rows = await repository.events(session, call.id)
    return [dict(one) for one in messages_of([from_payload(row.payload) for row in rows])]


async def last_inbound_at(session: AsyncSession, workspace_id: str, phone_id: str) -> datetime | None:
    """When the last call to a number of the workspace came."""
    return await repository.last_inbound_at(session, workspace_id, phone_id)


def to_response(call: Call, messages: list[dict[str, object]], recording_url: str | None) -> CallResponse:
    """The call as the API shows it."""
    stored = {name: getattr(call, name) for name in CallResponse.model_fields if hasattr(call, name)}
    lines = [f"{message['role']}: {message['content']}" for message in messages]
    stored |= {
        "metadata": call.call_metadata,
        "messages": messages,
        "transcript": "\n".join(lines) or None,
        "recording_url": recording_url,
    }
    return CallResponse.model_validate(stored)


def _notes(new: NewCall) -> dict[str, object]:
    notes = {"unknown_variables": list(new.plan.unknown_variables), "routing_note": new.routing_note}
    return {name: note for name, note in notes.items() if note}


def _row(call_id: str, fact: Fact) -> dict[str, object]:
    return {
        "call_id": call_id,
        "seq": fact.seq,
        "at": fact.at,
        "at_ms": fact.event.at_ms,
        "type": fact.event.type,
        "payload": to_payload(fact.event),
    }


async def _fold(session: AsyncSession, call: Call, ended: CallEnded, at: datetime) -> None:
    rows = await repository.events(session, call.id)
    ending = ending_of(call.status, [from_payload(row.payload) for row in rows], ended)
    if ending is None:
        return
    call.status, call.end_reason = ending.status, ending.end_reason.value
    call.ended_at = call.updated_at = max(at, call.started_at or at)  # the clock may have been set back meanwhile
    call.duration_seconds = ending.duration_seconds
    call.credits_used = round(ending.duration_seconds / SECONDS_PER_CREDIT, 4)
    call.messages = [dict(message) for message in ending.messages]
    call.latency = dict(ending.latency)
    call.recording_path = ending.recording_path
    if ending.recording_note is not None:
        call.call_metadata = call.call_metadata | {"recording_note": ending.recording_note}
    if ending.end_reason is EndReason.VOICEMAIL:
        call.outcome = VOICEMAIL_OUTCOME
        call.analysis = {"outcome": VOICEMAIL_OUTCOME}
    if call.worker_id is not None:
        await session.flush()
        await workers.release(session, call.worker_id, call.weight)
