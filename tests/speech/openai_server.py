"""A small OpenAI-compatible HTTP server on a real socket, whose next answers the test decides."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any


def chunk(text: str | None, finish: str | None = None) -> bytes:
    """One server-sent event of a streamed completion."""
    delta = {} if text is None else {"role": "assistant", "content": text}
    body = {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return f"data: {json.dumps(body)}\n\n".encode()


@dataclass
class Answer:
    """What the server does with one request: status, events with a pause before each, then a proper end or not."""

    status: int = 200
    events: tuple[tuple[float, bytes], ...] = ()
    body: bytes = b"{}"
    complete: bool = True


def spoken(*words: str) -> Answer:
    """A complete streamed answer."""
    return Answer(
        events=(*((0.0, chunk(word)) for word in words), (0.0, chunk(None, "stop")), (0.0, b"data: [DONE]\n\n"))
    )


@dataclass
class Server:
    """Gives `answers` in order and keeps the requests."""

    answers: list[Answer]
    requests: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    url: str = ""

    async def __aenter__(self) -> "Server":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = json.loads(await reader.readexactly(int(headers["content-length"])))
            self.requests.append((headers, body))
            await self._answer(self.answers.pop(0), writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _answer(self, answer: Answer, writer: asyncio.StreamWriter) -> None:
        kind = "text/event-stream" if answer.status == 200 else "application/json"
        writer.write(f"HTTP/1.1 {answer.status} X\r\nContent-Type: {kind}\r\nConnection: close\r\n".encode())
        if answer.status != 200:
            writer.write(f"Content-Length: {len(answer.body)}\r\n\r\n".encode() + answer.body)
            await writer.drain()
            return
        writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
        for pause, event in answer.events:
            await writer.drain()
            await asyncio.sleep(pause)
            writer.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
        if answer.complete:
            writer.write(b"0\r\n\r\n")
        await writer.drain()
