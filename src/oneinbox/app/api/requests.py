"""What every request passes through: its id, a limit on its body, a line in the log, and a last answer to errors."""

import re

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oneinbox.app.api.errors import unexpected
from oneinbox.app.api.gate import holds_key
from oneinbox.app.api.limits import Limits, Ticket
from oneinbox.kit.clock import Clock
from oneinbox.kit.ids import new_id
from oneinbox.kit.logs import HIDDEN

MOST_BODY_BYTES = 1024 * 1024
ID_HEADER = "X-Request-Id"

_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_log = structlog.get_logger(__name__)


class Requests:
    """Pure ASGI, so that a client that goes away does not cancel what it asked for."""

    def __init__(self, app: ASGIApp, clock: Clock, limits: Limits) -> None:
        self._app = app
        self._clock = clock
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        source = scope["client"][0] if scope.get("client") else ""
        ticket = Ticket(self._limits, source, Headers(scope=scope).get("Authorization", ""))
        await _Exchange(self._app, self._clock, ticket, scope, receive, send).run()


class _Exchange:
    """One request and its answer."""

    def __init__(self, app: ASGIApp, clock: Clock, ticket: Ticket, scope: Scope, receive: Receive, send: Send) -> None:
        self._app, self._clock, self._scope, self._receive, self._send = app, clock, scope, receive, send
        self._ticket = ticket
        self._key_in_url = holds_key(scope)
        given = Headers(scope=scope).get(ID_HEADER, "")
        self._id = given if _WELL_FORMED.fullmatch(given) else new_id()
        self._status: int | None = None
        self._received = 0
        state = {"request_id": self._id, "ticket": ticket, "key_in_url": self._key_in_url}
        scope.setdefault("state", {}).update(state)

    async def run(self) -> None:
        began = self._clock.monotonic()
        with structlog.contextvars.bound_contextvars(request_id=self._id):
            try:
                await self._app(self._scope, self._read, self._write)
            except Exception as error:  # noqa: BLE001 - the last place where a request can still be answered
                await self._answer(error)
            took_ms = round((self._clock.monotonic() - began) * 1000, 1)
            method, path = self._scope["method"], HIDDEN if self._key_in_url else self._scope["path"]
            _log.info("request", method=method, path=path, status=self._status, took_ms=took_ms)

    async def _answer(self, error: Exception) -> None:
        if self._status is not None:
            _log.error("answer_broke_off", reason=type(error).__name__)
            return
        await unexpected(self._id, error)(self._scope, self._receive, self._write)

    async def _read(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            if self._received > MOST_BODY_BYTES:
                raise HTTPException(413, f"The body is larger than {MOST_BODY_BYTES} bytes.", {"Connection": "close"})
        return message

    async def _write(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[ID_HEADER] = self._id
            for name, value in self._ticket.fields():
                headers[name] = value
        await self._send(message)
