"""What every request passes through: its id, a limit on its body, a line in the log, and a last answer to errors."""

import re

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oneinbox.app.api.errors import unexpected
from oneinbox.kit.clock import Clock
from oneinbox.kit.ids import new_id

MOST_BODY_BYTES = 1024 * 1024
ID_HEADER = "X-Request-Id"

_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_log = structlog.get_logger(__name__)


class Requests:
    """Pure ASGI, so that a client that goes away does not cancel what it asked for."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await _Exchange(self._app, self._clock, scope, receive, send).run()


class _Exchange:
    """One request and its answer."""

    def __init__(self, app: ASGIApp, clock: Clock, scope: Scope, receive: Receive, send: Send) -> None:
        self._app, self._clock, self._scope, self._receive, self._send = app, clock, scope, receive, send
        given = Headers(scope=scope).get(ID_HEADER, "")
        self._id = given if _WELL_FORMED.fullmatch(given) else new_id()
        self._status: int | None = None
        self._received = 0
        scope.setdefault("state", {})["request_id"] = self._id

    async def run(self) -> None:
        began = self._clock.monotonic()
        with structlog.contextvars.bound_contextvars(request_id=self._id):
            try:
                await self._app(self._scope, self._read, self._write)
            except Exception as error:  # noqa: BLE001 - the last place where a request can still be answered
                await self._answer(error)
            took_ms = round((self._clock.monotonic() - began) * 1000, 1)
            method, path = self._scope["method"], self._scope["path"]
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
            MutableHeaders(scope=message)[ID_HEADER] = self._id
        await self._send(message)
