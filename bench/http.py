"""An HTTP client that costs little: prepared bytes on kept connections in one thread, every answer timed."""

import json
import selectors
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass(slots=True)
class Answers:
    """What came of the requests: seconds each took, in the order of their ends, and how many of each status."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    lasted: float = 0.0

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.lasted if self.lasted else 0.0

    def only(self, status: int) -> bool:
        """Whether every answer had this status."""
        return set(self.statuses) == {status}


def request(method: str, path: str, *, headers: Mapping[str, str], body: object = None) -> bytes:
    """A request on a connection that is kept."""
    payload = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", *(f"{name}: {value}" for name, value in headers.items())]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(payload)}"]
    return "\r\n".join(lines).encode() + _HEAD_END + payload


def ask(address: tuple[str, int], requests: Iterable[bytes], connections: int) -> Answers:
    """Send every request, so many at a time, each as soon as a connection has its last answer. Raises OSError."""
    answers, waiting = Answers(), iter(requests)
    with selectors.DefaultSelector() as selector:
        began = time.perf_counter()
        for _ in range(connections):
            connection = _Connection(socket.create_connection(address, timeout=30))
            if connection.send(waiting):
                selector.register(connection.sock, selectors.EVENT_READ, connection)
            else:
                connection.sock.close()
        while selector.get_map():
            for key, _ in selector.select(30) or _silent():
                _take(key.data, waiting, answers, selector)
        answers.lasted = time.perf_counter() - began
    return answers


class _Connection:
    """One connection and the answer that is coming in on it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self._coming = b""

    def send(self, waiting: Iterator[bytes]) -> bool:
        """Send the next request; False when there is none."""
        data = next(waiting, None)
        if data is None:
            return False
        self.sent_at = time.perf_counter()
        self.sock.sendall(data)
        return True

    def read(self) -> int | None:
        """Take what has come; the status when the answer is whole."""
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionError("The server closed a kept connection.")
        self._coming += data
        head, found, rest = self._coming.partition(_HEAD_END)
        if not found:
            return None
        length = next(
            (int(line[len(_LENGTH) :]) for line in head.lower().split(b"\r\n") if line.startswith(_LENGTH)), 0
        )
        if len(rest) < length:
            return None
        self._coming = rest[length:]
        return int(head.split(b" ", 2)[1])


def _take(
    connection: _Connection, waiting: Iterator[bytes], answers: Answers, selector: selectors.BaseSelector
) -> None:
    status = connection.read()
    if status is None:
        return
    answers.seconds.append(time.perf_counter() - connection.sent_at)
    answers.statuses[status] = answers.statuses.get(status, 0) + 1
    if not connection.send(waiting):
        selector.unregister(connection.sock)
        connection.sock.close()


def _silent() -> list[tuple[selectors.SelectorKey, int]]:
    raise TimeoutError("No answer came for 30 s.")
