"""SIP over TCP and TLS: connections with limits on their number, size and idleness, used both ways."""

import asyncio
import resource
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from oneinbox.edge.actions import Address, Send
from oneinbox.edge.agenda import Buckets
from oneinbox.edge.framing import PING, Framer, Signal
from oneinbox.kit.errors import OneInboxError

CHUNK_BYTES = 64 * 1024
CONNECT_SECONDS = 5.0
HANDSHAKE_SECONDS = 5.0
"""For TLS; ten times what the farthest peer needs."""
IDLE_SECONDS = 600.0
"""Between messages; a ping counts as one (RFC 5626, section 4.4.1)."""
UNFINISHED_SECONDS = 10.0
"""For a message that has begun, and for the first one of a connection."""
MOST_UNSENT_BYTES = 256 * 1024
LINGER_SECONDS = 1.0
FILES = 8192
SPARE_FILES = 200
"""For the database, logs, and what the libraries open."""
BREATH_SECONDS = 0.2

_log = structlog.get_logger(__name__)


class TlsUnusable(OneInboxError):
    """The certificate or its key can't be used."""

    code = "TLS_UNUSABLE"


@dataclass(frozen=True, slots=True)
class Room:
    """How many connections there may be, in all, of all strangers, and of one host."""

    in_all: int = 2_000
    of_strangers: int = 400
    of_known_host: int = 500
    of_stranger: int = 10
    strangers_a_second: float = 50.0
    """New ones of all strangers together: what they can make TLS cost."""
    of_stranger_a_second: float = 2.0


def room_for(files: int = FILES) -> Room:
    """The usual room, or what is left of the files that this process may open, of which it asks for `files`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < files:
        soft = files if hard == resource.RLIM_INFINITY else min(files, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    usual = Room()
    most = usual.in_all if soft == resource.RLIM_INFINITY else max(SPARE_FILES // 2, soft - SPARE_FILES)
    return replace(usual, in_all=min(usual.in_all, most), of_strangers=min(usual.of_strangers, most // 2))


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """For TLS 1.2 and newer. Raises TlsUnusable naming the settings."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or type(error).__name__
        raise TlsUnusable(
            f"ONEINBOX_SIP_TLS_CERT, ONEINBOX_SIP_TLS_KEY: {certificate} and {key} can't be used: {reason}."
        ) from error
    return context


class Streams:
    """All connections. `heard` gets each message with the other end's address."""

    def __init__(
        self, heard: Callable[[bytes, Address], None], is_known: Callable[[str], bool], room: Room | None = None
    ) -> None:
        self._heard = heard
        self._is_known = is_known
        self._room = room or room_for()
        together, each = self._room.strangers_a_second, self._room.of_stranger_a_second
        self._newcomers = Buckets(2 * together, together, 1)
        self._of_stranger = Buckets(2 * self._room.of_stranger, each, self._room.of_strangers * 10)
        self._open: dict[Address, asyncio.StreamWriter] = {}
        self._hosts: Counter[str] = Counter()
        self._strangers = 0
        self._admitted = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._open)

    def listen(self, sock: socket.socket, context: ssl.SSLContext | None = None) -> None:
        """Accept connections on a socket that listens, until `close`."""
        self._start(self._accept(sock, context))

    def send(self, action: Send) -> None:
        """On the open connection; a closed one is opened anew where that is possible (RFC 3261, section 18.1.1)."""
        writer = self._open.get(action.dest)
        if writer is not None and not writer.is_closing():
            self._write(writer, action.data)
        elif action.otherwise is not None and action.otherwise.transport == "tcp":
            self._start(self._connect(action.otherwise, action.data))
        else:
            _log.info("sip_send_failed", dest=_name(action.dest), reason="the connection is closed")

    async def close(self) -> None:
        """Close every connection and accept no more."""
        for task in self._tasks:
            task.cancel()
        for writer in list(self._open.values()):
            writer.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connect(self, dest: Address, data: bytes) -> None:
        writer = self._open.get(dest)
        if writer is not None:
            self._write(writer, data)
            return
        known = self._is_known(dest.host)
        if not self._admit(dest, known):
            _log.info("sip_send_failed", dest=_name(dest), reason="there are too many connections")
            return
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(dest.host, dest.port)
            self._write(writer, data)
            await self._serve(reader, writer, dest)
        except (OSError, TimeoutError) as error:
            _log.info("sip_send_failed", dest=_name(dest), reason=type(error).__name__)
        finally:
            self._leave(dest, known)

    async def _accept(self, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                one, address = await loop.sock_accept(sock)
            except OSError as error:
                _log.warning("sip_accept_failed", reason=error.strerror)
                await asyncio.sleep(BREATH_SECONDS)
                continue
            host, port = address[:2]
            peer = Address(host.removeprefix("::ffff:") if "." in host else host, port, "tls" if context else "tcp")
            known = self._is_known(peer.host)
            if (known or self._may_come(peer, loop.time())) and self._admit(peer, known):
                self._start(self._welcome(one, peer, context, known))
            else:
                one.close()
            await asyncio.sleep(0)  # sock_accept does not wait while there are more

    async def _welcome(self, sock: socket.socket, peer: Address, context: ssl.SSLContext | None, known: bool) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(CHUNK_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        patience = HANDSHAKE_SECONDS if context else None
        try:
            sock.setblocking(False)
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, sock, ssl=context, ssl_handshake_timeout=patience
            )
            await self._serve(reader, asyncio.StreamWriter(transport, protocol, reader, loop), peer)
        except OSError as error:
            _log.debug("sip_handshake_failed", peer=_name(peer), reason=type(error).__name__)
        finally:
            self._leave(peer, known)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Address) -> None:
        self._open[peer] = writer
        try:
            await self._read(reader, writer, peer)
        except (OSError, TimeoutError, ssl.SSLError) as error:
            _log.debug("sip_connection_ended", peer=_name(peer), reason=type(error).__name__)
        finally:
            self._open.pop(peer, None)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Address) -> None:
        framer, clock = Framer(), asyncio.get_running_loop().time
        deadline = clock() + UNFINISHED_SECONDS
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    data = await reader.read(CHUNK_BYTES)
            except TimeoutError:
                data = b""
            begun = not framer.is_empty
            found = framer.feed(data)
            for one in found:
                self._take(one, peer)
            if not data or Signal.LOST in found:
                self._take(framer.rest(), peer)
                await asyncio.sleep(LINGER_SECONDS)  # for the answer, which admission may have to give
                return
            if framer.is_empty:
                deadline = clock() + IDLE_SECONDS
            elif found or not begun:
                deadline = clock() + UNFINISHED_SECONDS

    def _take(self, one: bytes | Signal, peer: Address) -> None:
        if one is Signal.PING:
            self._heard(PING, peer)
        elif isinstance(one, bytes) and one:
            self._heard(one, peer)

    def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if writer.transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
            writer.transport.abort()  # it doesn't read
        else:
            writer.write(data)

    def _admit(self, peer: Address, known: bool) -> bool:
        room = self._room
        of_host = self._hosts[peer.host] < (room.of_known_host if known else room.of_stranger)
        crowded = self._admitted >= room.in_all or (not known and self._strangers >= room.of_strangers)
        if crowded or not of_host:
            return False
        self._admitted += 1
        self._hosts[peer.host] += 1
        self._strangers += not known
        return True

    def _may_come(self, peer: Address, now: float) -> bool:
        """Strangers that come again and again don't use up what there is for all of them."""
        return self._of_stranger.take(peer.host, now) and self._newcomers.take("", now)

    def _leave(self, peer: Address, known: bool) -> None:
        self._admitted -= 1
        self._strangers -= not known
        self._hosts[peer.host] -= 1
        if not self._hosts[peer.host]:
            del self._hosts[peer.host]

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work, name="sip connection")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _name(address: Address) -> str:
    return f"{address.transport}:{address.host}:{address.port}"
