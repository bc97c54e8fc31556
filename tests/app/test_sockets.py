"""Listening sockets: what is accepted on them answers at once, instead of waiting for the other side's delayed ACK."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from oneinbox.app.api import serve
from oneinbox.app.edge import server
from oneinbox.app.settings import Address


@pytest.mark.parametrize(
    "listen",
    [
        lambda: serve._listen(Address("127.0.0.1", 0)),
        lambda: server.listening_socket(("127.0.0.1", 0), "ONEINBOX_SIP_LISTEN"),
    ],
    ids=["api", "sip"],
)
def test_accepted_connections_do_not_wait_for_acknowledgements(listen: Callable[[], socket.socket]) -> None:
    async def accepted() -> int:
        seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def come(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there = writer.get_extra_info("socket")
            seen.set_result(there.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with listen() as listening:
            async with await asyncio.start_server(come, sock=listening):
                _, writer = await asyncio.open_connection(*listening.getsockname())
                nodelay = await seen
                writer.close()
                return nodelay

    assert asyncio.run(accepted()) == 1
