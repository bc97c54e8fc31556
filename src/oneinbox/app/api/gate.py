"""What is refused before the application sees it: keys in URLs, and more requests than are allowed."""

import re
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from oneinbox.app.api.errors import answer
from oneinbox.app.api.limits import Ticket
from oneinbox.kit.errors import BadRequest, OneInboxError, TooManyRequests

MOST_ENCODINGS = 3
_SECRET = re.compile(rb"oi_sk_[0-9A-Za-z]{8}")


class KeyInUrl(BadRequest):
    """URLs end in logs and histories: a key that was in one should be rotated."""

    code = "KEY_IN_URL"


def holds_key(scope: Scope) -> bool:
    """Whether the path or the query holds something like a secret API key, however encoded."""
    url: bytes = (scope.get("raw_path") or scope["path"].encode()) + b"?" + scope["query_string"]
    for _ in range(MOST_ENCODINGS):
        if _SECRET.search(url):
            return True
        url = unquote_to_bytes(url)
    return _SECRET.search(url) is not None


class Gate:
    """Stands inside CORS, so that browsers can read why they were refused."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (refusal := _refusal(scope)):
            headers = {"Retry-After": str(refusal.retry_after)} if isinstance(refusal, TooManyRequests) else None
            reply = answer(scope["state"]["request_id"], refusal.status, refusal.code, str(refusal), headers)
            await reply(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _refusal(scope: Scope) -> OneInboxError | None:
    ticket: Ticket = scope["state"]["ticket"]
    if scope["state"]["key_in_url"]:
        return KeyInUrl("A secret key is in this URL, where logs keep it: send it as a header, and rotate this one.")
    return ticket.refusal
