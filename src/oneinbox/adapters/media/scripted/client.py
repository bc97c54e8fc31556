"""Trunks and rules in another process, reached as any engine outside would be: with time-outs and lost answers."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict

from pydantic import JsonValue, ValidationError

from oneinbox.adapters.media.scripted.wire import MOST_LINE_BYTES, Ask, Fault, Kind, Reply, plain
from oneinbox.contracts.media import DispatchRule, InboundTrunk, MediaError, OutboundTrunk

ANSWER_SECONDS = 3.0


class ScriptedTrunks:
    """See contracts.media.TrunkPlane; every operation raises MediaError."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    async def create_inbound_trunk(self, trunk: InboundTrunk) -> str:
        """The new trunk's id."""
        return await self._create("inbound_trunk", trunk)

    async def create_outbound_trunk(self, trunk: OutboundTrunk) -> str:
        """The new trunk's id."""
        return await self._create("outbound_trunk", trunk)

    async def create_dispatch_rule(self, rule: DispatchRule) -> str:
        """The new rule's id."""
        return await self._create("dispatch_rule", rule)

    async def update_inbound_trunk(self, trunk_id: str, trunk: InboundTrunk) -> None:
        """Replace what the trunk says."""
        await self._update("inbound_trunk", trunk_id, trunk)

    async def update_outbound_trunk(self, trunk_id: str, trunk: OutboundTrunk) -> None:
        """Replace what the trunk says."""
        await self._update("outbound_trunk", trunk_id, trunk)

    async def find(self, kind: Kind, marker: str) -> str | None:
        """The id of what carries the marker."""
        found = await self._ask(Ask(do="find", kind=kind, marker=marker))
        return None if found is None else str(found)

    async def remove(self, kind: Kind, external_id: str) -> None:
        """Remove it; what is gone already is fine."""
        await self._ask(Ask(do="remove", kind=kind, external_id=external_id))

    async def script(self, place: str, faults: Sequence[Fault]) -> None:
        """The next operations at this place go wrong like this, one after the other.

        A place is as in `create_inbound_trunk`, or, for one phone number only, `create_inbound_trunk +15550100001`.
        """
        await self._ask(Ask(do="script", place=place, faults=tuple(faults)))

    async def seen(self) -> list[str]:
        """The operations that were asked for so far, in order, each with its phone number where that can be told."""
        value = await self._ask(Ask(do="seen"))
        assert isinstance(value, list)
        return [str(place) for place in value]

    async def things(self) -> dict[str, JsonValue]:
        """Everything in the store: kind → id → members."""
        value = await self._ask(Ask(do="things"))
        assert isinstance(value, dict)
        return value

    async def _create(self, kind: Kind, thing: InboundTrunk | OutboundTrunk | DispatchRule) -> str:
        return str(await self._ask(Ask(do="create", kind=kind, thing=plain(asdict(thing)))))

    async def _update(self, kind: Kind, external_id: str, thing: InboundTrunk | OutboundTrunk) -> None:
        await self._ask(Ask(do="update", kind=kind, external_id=external_id, thing=plain(asdict(thing))))

    async def _ask(self, ask: Ask) -> JsonValue:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                line = await self._exchange(ask)
        except TimeoutError:
            raise MediaError("scripted", "The media plane did not answer in time.", retryable=True) from None
        except (OSError, EOFError, ValueError):
            raise MediaError("scripted", "The connection to the media plane broke.", retryable=True) from None
        return _value(line)

    async def _exchange(self, ask: Ask) -> bytes:
        reader, writer = await asyncio.open_connection(self._host, self._port, limit=MOST_LINE_BYTES)
        try:
            writer.write(ask.model_dump_json().encode() + b"\n")
            await writer.drain()
            return await reader.readuntil(b"\n")
        finally:
            writer.close()


def _value(line: bytes) -> JsonValue:
    try:
        reply = Reply.model_validate_json(line)
    except ValidationError:
        raise MediaError("scripted", "The media plane's answer can't be read.", retryable=False) from None
    if reply.error is not None:
        raise MediaError("scripted", reply.error, retryable=reply.retryable)
    return reply.value
