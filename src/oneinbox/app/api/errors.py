"""Every answer that is not a success: a sentence, a stable code, the request's id; no secret and no traceback."""

from collections.abc import Awaitable, Callable
from typing import cast

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from oneinbox.app.api.idempotency import Replay
from oneinbox.kit.bodies import InvalidField
from oneinbox.kit.errors import OneInboxError, TooManyRequests
from oneinbox.kit.redaction import redact_errors

RETRY_AFTER_SECONDS = 2
CODES = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 400: "BAD_REQUEST", 413: "BODY_TOO_LARGE"}
SENTENCES = {404: "There is nothing at this path.", 405: "This path does not answer that method."}

_log = structlog.get_logger(__name__)

Handler = Callable[[Request, Exception], Awaitable[Response]]


def install(app: FastAPI) -> None:
    """Give the application its answers to errors."""
    app.add_exception_handler(OneInboxError, cast("Handler", _ours))
    app.add_exception_handler(Replay, cast("Handler", _replay))
    app.add_exception_handler(InvalidField, cast("Handler", _invalid_field))
    app.add_exception_handler(RequestValidationError, cast("Handler", _invalid))
    app.add_exception_handler(HTTPException, cast("Handler", _of_the_framework))
    for away in (OperationalError, InterfaceError, PoolTimeout, OSError):
        app.add_exception_handler(away, _database_away)
    app.add_exception_handler(DBAPIError, _unexpected)


def answer(request_id: str, status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The body of every error except 422's."""
    body = {"detail": detail, "code": code, "request_id": request_id}
    return JSONResponse(body, status_code=status, headers=headers)


def unexpected(request_id: str, error: Exception) -> JSONResponse:
    """The answer to what should not happen; what it was is in the log, under the request's id."""
    _log.error("request_failed", reason=type(error).__name__, exc_info=error)
    return answer(request_id, 500, OneInboxError.code, "Something went wrong on our side; the log has the details.")


async def _ours(request: Request, error: OneInboxError) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    if error.status in (429, 503):
        headers["Retry-After"] = str(error.retry_after if isinstance(error, TooManyRequests) else RETRY_AFTER_SECONDS)
    if error.status >= 500:
        _log.warning("request_refused", code=error.code, detail=str(error))
    return answer(_id(request), error.status, error.code, str(error), headers)


async def _replay(_request: Request, error: Replay) -> Response:
    return error.response


async def _invalid(_request: Request, error: RequestValidationError) -> Response:
    return JSONResponse({"detail": redact_errors(error.errors())}, status_code=422)


async def _invalid_field(request: Request, error: InvalidField) -> Response:
    detail = {"loc": list(error.place), "msg": str(error), "type": error.code.lower()}
    return JSONResponse({"detail": [detail], "code": error.code, "request_id": _id(request)}, status_code=422)


async def _of_the_framework(request: Request, error: HTTPException) -> Response:
    code = CODES.get(error.status_code, "BAD_REQUEST" if error.status_code < 500 else OneInboxError.code)
    detail = SENTENCES.get(error.status_code, str(error.detail))
    return answer(_id(request), error.status_code, code, detail, dict(error.headers or {}))


async def _database_away(request: Request, error: Exception) -> Response:
    _log.error("database_away", reason=type(error).__name__)
    detail = "The database does not answer at the moment; try again in a few seconds."
    return answer(_id(request), 503, "DATABASE_UNAVAILABLE", detail, {"Retry-After": str(RETRY_AFTER_SECONDS)})


async def _unexpected(request: Request, error: Exception) -> Response:
    return unexpected(_id(request), error)


def _id(request: Request) -> str:
    request_id: str = request.state.request_id
    return request_id
