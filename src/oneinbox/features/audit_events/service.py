"""Adding to the audit trail, reading it, and finding where it was tampered with.

Each event's link is an HMAC-SHA256 over the link before it and the event itself, and the end of the chain carries one
of its own, under a key that is sealed outside the reach of whoever can write to the tables. An end that was tampered
with is never sealed again: the trail goes on, and verifying goes on to tell. So does the count of all chains.
"""

import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.features.audit_events import repository
from oneinbox.features.audit_events.models import AuditChain, AuditEvent
from oneinbox.features.audit_events.repository import START, AuditRepository
from oneinbox.features.audit_events.schemas import AuditEventResponse, Break, Deed, Filters
from oneinbox.features.context import Context
from oneinbox.kit.ids import new_id
from oneinbox.kit.paging import Cursors

CURSOR = "audit_events"
FIELDS = (
    "id",
    "workspace_id",
    "seq",
    "user_id",
    "api_key_id",
    "action",
    "resource_type",
    "resource_id",
    "status",
    "request_id",
    "ip",
    "user_agent",
    "payload_hash",
)
"""What the chain covers, besides the time."""


async def append(session: AsyncSession, key: bytes, workspace_id: str, deed: Deed, now: datetime) -> None:
    """One more event, in the transaction of what it tells of. Waits for others that add to the same workspace's."""
    own = AuditRepository(session, workspace_id)
    end, new = await own.lock_end(_seal(key, workspace_id, 0, START))
    if new:
        await _count_one_more(own, key)
    authentic = _is_sealed(key, end)
    event = AuditEvent(
        id=new_id(),
        workspace_id=workspace_id,
        seq=end.seq + 1,
        user_id=deed.user_id,
        api_key_id=deed.api_key_id,
        action=deed.action,
        resource_type=deed.resource_type,
        resource_id=deed.resource_id,
        status=deed.status,
        request_id=deed.request_id,
        ip=deed.ip,
        user_agent=deed.user_agent,
        payload_hash=deed.payload_hash,
        created_at=now,
    )
    event.chain = _link(key, end.chain, event)
    await own.add(event)
    end.seq, end.chain = event.seq, event.chain
    if authentic:
        end.seal = _seal(key, workspace_id, end.seq, end.chain)
    await session.flush()


async def list_behind(
    ctx: Context, cursor: str | None, filters: Filters, limit: int
) -> tuple[Sequence[AuditEvent], str | None]:
    """The events behind the cursor, newest first, and the next cursor when there are more. Raises CursorInvalid."""
    cursors = Cursors(ctx.ports.links.key, CURSOR, ctx.workspace_id)
    own = AuditRepository(ctx.session, ctx.workspace_id)
    return cursors.cut(await own.after(cursors.read(cursor), filters, limit + 1), limit)


async def verify(session: AsyncSession, key: bytes) -> list[Break]:
    """The first break of each workspace's chain, and whether chains are missing; empty when all are whole.

    The session's transaction must be fresh: what others add meanwhile is no break, and is not looked at.
    """
    await repository.look_at_one_moment(session)
    ends = await repository.chains(session)
    found = [await _first_break(session, key, workspace_id, end) for workspace_id, end in ends.items()]
    found.append(await _miscounted(session, key, len(ends)))
    return [one for one in found if one is not None]


def to_response(event: AuditEvent) -> AuditEventResponse:
    """The event as the API shows it."""
    shown = {name: getattr(event, name) for name in AuditEventResponse.model_fields if hasattr(event, name)}
    return AuditEventResponse.model_validate(shown | {"org_id": event.workspace_id})


async def _count_one_more(own: AuditRepository, key: bytes) -> None:
    """A chain is begun. A count that was tampered with is never sealed again."""
    count = await own.lock_count()
    first = count.chains == 0 and not count.seal
    authentic = first or hmac.compare_digest(count.seal, _seal_of_count(key, count.chains))
    count.chains += 1
    count.seal = _seal_of_count(key, count.chains) if authentic else b""


async def _miscounted(session: AsyncSession, key: bytes, there: int) -> Break | None:
    count = await repository.count(session)
    if count is None:
        return Break(None, 0, None, "How many chains there were is not on record.") if there else None
    if not hmac.compare_digest(count.seal, _seal_of_count(key, count.chains)):
        return Break(None, 0, None, "The count of the chains is not as it was written: whole chains may be gone.")
    if count.chains != there:
        return Break(None, 0, None, f"Of {count.chains} workspaces' chains {there} are there.")
    return None


async def _first_break(session: AsyncSession, key: bytes, workspace_id: str, end: AuditChain | None) -> Break | None:
    seq, chain = 0, START
    async for event in AuditRepository(session, workspace_id).in_order():
        if event.seq != seq + 1:
            return Break(workspace_id, seq + 1, None, "The row is gone.")
        if not hmac.compare_digest(event.chain, _link(key, chain, event)):
            return Break(workspace_id, event.seq, event.id, "The row is not as it was written.")
        seq, chain = event.seq, event.chain
    if end is None:
        return Break(workspace_id, seq + 1, None, "The end of the chain is gone, and rows may be with it.")
    if seq != end.seq or not hmac.compare_digest(chain, end.chain):
        return Break(workspace_id, seq + 1, None, "The row is gone, or the end of the chain was changed.")
    if not _is_sealed(key, end):
        return Break(workspace_id, seq + 1, None, "The end of the chain is not as it was written: rows may be gone.")
    return None


def _is_sealed(key: bytes, end: AuditChain) -> bool:
    return hmac.compare_digest(end.seal, _seal(key, end.workspace_id, end.seq, end.chain))


def _seal(key: bytes, workspace_id: str, seq: int, chain: bytes) -> bytes:
    return hmac.digest(key, json.dumps(["end", workspace_id, seq, chain.hex()]).encode(), "sha256")


def _seal_of_count(key: bytes, chains: int) -> bytes:
    return hmac.digest(key, json.dumps(["chains", chains]).encode(), "sha256")


def _link(key: bytes, before: bytes, event: AuditEvent) -> bytes:
    said = [getattr(event, name) for name in FIELDS]
    said.append(event.created_at.astimezone(UTC).isoformat())
    return hmac.digest(key, before + json.dumps(said, ensure_ascii=True).encode(), "sha256")
