"""The process of the scripted trunks: keeps them in a file of its own and goes wrong as it is told."""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, Field, JsonValue, ValidationError

from oneinbox.adapters.media.scripted.wire import KINDS, MOST_LINE_BYTES, Ask, Fault, FaultKind, Kind, Reply
from oneinbox.kit.ids import prefixed_id

PREFIXES: dict[Kind, str] = {"inbound_trunk": "ST", "outbound_trunk": "ST", "dispatch_rule": "SDR"}
REFUSED = Reply(error="The media plane refuses, as the script says.", retryable=False)
UNKNOWN = Reply(error="This is not a request.")


Things = dict[Kind, dict[str, dict[str, JsonValue]]]


def _nothing() -> Things:
    return {kind: {} for kind in KINDS}


class Contents(BaseModel):
    """What the file holds. Passwords are in it: the file is of mode 0600."""

    things: Things = Field(default_factory=_nothing)


class TrunkFile:
    """Trunks and rules in a file, which is always whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.contents = Contents.model_validate_json(path.read_bytes()) if path.exists() else Contents()

    def create(self, kind: Kind, thing: dict[str, JsonValue]) -> str:
        """The new thing's id. As on a real engine, a second of the same marker is made too."""
        external_id = prefixed_id(PREFIXES[kind])
        self.contents.things[kind][external_id] = thing
        self._write()
        return external_id

    def update(self, kind: Kind, external_id: str, thing: dict[str, JsonValue]) -> bool:
        """Replace it; False when it isn't there."""
        if external_id not in self.contents.things[kind]:
            return False
        self.contents.things[kind][external_id] = thing
        self._write()
        return True

    def find(self, kind: Kind, marker: str) -> str | None:
        """The id of what carries the marker."""
        things = self.contents.things[kind].items()
        return next((external_id for external_id, thing in things if thing.get("marker") == marker), None)

    def remove(self, kind: Kind, external_id: str) -> None:
        """Remove it, if it is there."""
        if self.contents.things[kind].pop(external_id, None) is not None:
            self._write()

    def number_of(self, ask: Ask) -> str:
        """The phone number that a request is about; empty when that can't be told."""
        thing = ask.thing or self.contents.things[ask.kind].get(ask.external_id, {})
        trunk = self.contents.things["inbound_trunk"].get(str(thing.get("trunk_id")), {})
        return str(thing.get("number") or trunk.get("number") or "")

    def _write(self) -> None:
        draft = self._path.with_suffix(".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(self.contents.model_dump_json())
        draft.replace(self._path)


class TrunkServer:
    """Serves a file to ScriptedTrunks on a TCP port of `host`; a free one when `port` is 0."""

    def __init__(self, path: Path) -> None:
        self._file = TrunkFile(path)
        self._faults: dict[str, list[Fault]] = {}
        self._seen: list[str] = []

    async def serve(self, host: str, port: int) -> tuple[asyncio.Server, int]:
        """The running server and its port."""
        server = await asyncio.start_server(self._connected, host, port, limit=MOST_LINE_BYTES)
        found: int = server.sockets[0].getsockname()[1]
        return server, found

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            reply = await self._reply(await reader.readuntil(b"\n"), reader)
            if reply is not None:
                writer.write(reply.model_dump_json().encode() + b"\n")
                await writer.drain()
        except (OSError, EOFError, asyncio.LimitOverrunError):
            return
        finally:
            writer.close()

    async def _reply(self, line: bytes, reader: asyncio.StreamReader) -> Reply | None:
        try:
            ask = Ask.model_validate_json(line)
        except ValidationError:
            return UNKNOWN
        match ask.do:
            case "script":
                self._faults.setdefault(ask.place, []).extend(ask.faults)
                return Reply()
            case "seen":
                return Reply(value=_listed(self._seen))
            case "things":
                return Reply(value=self._file.contents.model_dump(mode="json")["things"])
            case _:
                return await self._go_wrong(ask, reader)

    async def _go_wrong(self, ask: Ask, reader: asyncio.StreamReader) -> Reply | None:
        """Do it, with the fault that is next for it. None breaks the connection."""
        place = ask.named()
        here = f"{place} {self._file.number_of(ask)}"
        self._seen.append(here)
        waiting = self._faults.get(here) or self._faults.get(place)
        fault = waiting.pop(0) if waiting else None
        match fault and fault.kind:
            case None:
                return self._do(ask)
            case FaultKind.ERROR:
                return REFUSED
            case FaultKind.DENIED:
                self._do(ask)
                return REFUSED
            case FaultKind.CUT:
                return None
            case FaultKind.LOST:
                self._do(ask)
            case FaultKind.SILENT:
                await reader.read()
            case FaultKind.MUTE:
                self._do(ask)
                await reader.read()
            case FaultKind.DELAY:
                assert fault is not None
                await asyncio.sleep(fault.seconds)
                return self._do(ask)
        return None

    def _do(self, ask: Ask) -> Reply:
        match ask.do:
            case "create":
                return Reply(value=self._file.create(ask.kind, ask.thing))
            case "update" if not self._file.update(ask.kind, ask.external_id, ask.thing):
                return Reply(error=f"There is no {ask.kind.replace('_', ' ')} {ask.external_id}.")
            case "find":
                return Reply(value=self._file.find(ask.kind, ask.marker))
            case "remove":
                self._file.remove(ask.kind, ask.external_id)
        return Reply()


def _listed(texts: Iterable[str]) -> JsonValue:
    return list(texts)
