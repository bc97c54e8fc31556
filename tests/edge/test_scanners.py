"""Sipvicious, as Debian has it, against the edge: it learns nothing about numbers."""

import asyncio
import re
import shutil
import socket
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest
from tests.app.deployment import AgentRow, NumberRow, add_agent, add_number, add_worker
from tests.edge.test_server import served

from oneinbox.app.edge.admission import Admission
from oneinbox.kit.clock import SystemClock
from oneinbox.kit.db import Database
from oneinbox.kit.sealing import MasterKeys, Sealer

pytestmark = pytest.mark.skipif(shutil.which("svwar") is None, reason="sipvicious is not installed")

NUMBERS = "15551234560-15551234569"
DIALLED = ("15551234561", "15551234562", "15551234567", "5551234562", "+15551234567", "5551234599", "alice")
REGISTERED = ("+15551234562", "+15551234567")
LOGINS = {"no": (), "one": REGISTERED[:1], "all": REGISTERED}
"""Which numbers are for those who know a password; the others are for their carrier's network."""


async def register(database: Database, with_login: Sequence[str], *others: NumberRow) -> Admission:
    """Numbers of two workspaces, and who decides about calls to them."""
    async with database.transaction() as session:
        await add_worker(session)
        agent_id = await add_agent(session, AgentRow())
        for number in REGISTERED:
            login = "carrier" if number in with_login else None
            await add_number(session, agent_id, NumberRow(number, sources=("203.0.113.0/24",), inbound_username=login))
        other_id = await add_agent(session, AgentRow(), "other")
        for row in others:
            await add_number(session, other_id, row)
    return Admission(database, SystemClock(), b"t" * 32, (), Sealer(MasterKeys("k1", {"k1": b"m" * 32})))


async def run(folder: Path, *command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), 30)
    finally:
        if process.returncode is None:
            process.kill()
    return said.decode()


async def svwar(folder: Path, port: int, method: str) -> str:
    numbers = ("-e", NUMBERS, "-m", method, "--force", "--maximumtime", "5")
    return await run(folder, "svwar", "-p", str(port), *numbers, "127.0.0.1")


@pytest.mark.parametrize("method", ["INVITE", "REGISTER", "OPTIONS"])
@pytest.mark.parametrize("logins", LOGINS)
def test_svwar_finds_no_extension(tmp_path: Path, database: Database, method: str, logins: str) -> None:
    async def scene() -> str:
        admission = await register(database, LOGINS[logins])
        async with served(admission.admit, known="203.0.113.0/24", asks=bool(LOGINS[logins])) as edge:
            return await svwar(tmp_path, edge.address[1], method)

    assert "found nothing" in asyncio.run(scene())


@pytest.mark.parametrize("method", ["INVITE", "REGISTER", "OPTIONS"])
@pytest.mark.parametrize("logins", LOGINS)
def test_every_number_gets_the_same_answer(database: Database, method: str, logins: str) -> None:
    """Svwar gives up when all it hears is 401: whoever does not hears no difference in any byte."""

    async def scene() -> set[bytes]:
        admission = await register(database, LOGINS[logins])
        async with served(admission.admit, known="203.0.113.0/24", asks=bool(LOGINS[logins])) as edge:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                sock.bind(("127.0.0.1", 0))
                sock.connect(edge.address)
                return {await answer(sock, method, user) for user in DIALLED}

    assert len(asyncio.run(scene())) == 1


async def answer(sock: socket.socket, method: str, user: str) -> bytes:
    """The final answer to one request, without what is made anew for each."""
    loop, name = asyncio.get_running_loop(), f"{method}-{DIALLED.index(user)}"
    port = sock.getsockname()[1]
    head = (
        f"{method} sip:{user}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-{name}\r\n"
        f"From: <sip:scan@127.0.0.1>;tag=1\r\nTo: <sip:scan@127.0.0.1>\r\nCall-ID: {name}\r\nCSeq: 1 {method}\r\n"
        f"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
    await loop.sock_sendall(sock, head.encode())
    said = b""
    async with asyncio.timeout(10):
        while said.startswith(b"SIP/2.0 100") or name.encode() not in said:
            said = await loop.sock_recv(sock, 65535)
    return re.sub(rb'%s|(?<=;tag=)[0-9a-f]{16}|(?<=nonce=")[0-9a-f]+' % name.encode(), b"", said)


def test_a_tenants_own_source_finds_no_number_of_another(tmp_path: Path, database: Database) -> None:
    async def scene() -> str:
        own = NumberRow("+15557654321", sources=("127.0.0.1/32",))
        admission = await register(database, (), own)
        async with served(admission.admit, known="127.0.0.1/32") as edge:
            return await svwar(tmp_path, edge.address[1], "INVITE")

    assert "found nothing" in asyncio.run(scene())


def test_svwar_would_find_what_admission_gave_away(tmp_path: Path, database: Database) -> None:
    async def scene() -> str:
        await register(database, REGISTERED)
        leaky = Admission(database, SystemClock(), b"t" * 32, (ip_network("127.0.0.1/32"),))
        async with served(leaky.admit, known="127.0.0.1/32") as edge:
            return await svwar(tmp_path, edge.address[1], "INVITE")

    assert "15551234567" in asyncio.run(scene())
