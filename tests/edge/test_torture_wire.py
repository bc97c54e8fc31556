"""The 49 messages of RFC 4475 on the wire, over UDP and TCP, while calls go on."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.edge.test_server import Served, free_port, needs_sipp, served, sipp
from tests.edge.test_torture import CORPUS, VERDICTS

from oneinbox.contracts.admission import Admitted, Decision, InviteFacts, Login, WorkerRoute
from oneinbox.edge.message import read

HERE = Path(__file__).parent
OTHER_PORTS = {"mpart01": 5070, "quotbal": 5050}
"""Where answers go without `rport`: to the port in Via (RFC 3261, section 18.2.2)."""
OVER_TCP = {"clerr": "400"}  # the body that doesn't come: answered when the stream ends
CALLER, SENDER = "127.0.0.1", "127.0.0.9"

pytestmark = pytest.mark.skipif(
    not CORPUS.is_dir() and os.environ.get("CI") != "true", reason="the RFC 4475 messages are not here"
)


def admission(worker: int):
    async def admit(facts: InviteFacts, login: Login | None) -> Decision:
        return Admitted("c", "+15551234567", (WorkerRoute("w1", "127.0.0.1", worker, {"X-OI-Ticket": "t"}),))

    return admit


def first_word(said: bytes) -> str:
    return said.split(b" ")[1].decode() if said else ""


async def answer_to(data: bytes, sock: socket.socket) -> bytes:
    """The first answer to this message: later ones to earlier messages come to the same port."""
    while True:
        said = await asyncio.get_running_loop().sock_recv(sock, 65535)
        call_id = read(said).first("call-id")
        if call_id is not None and call_id.encode("latin-1") in data:
            return said


@contextlib.asynccontextmanager
async def calls_beside(folder: Path) -> AsyncIterator[tuple[Served, "asyncio.Task[int]"]]:
    """An edge, and real calls through it for as long as the block lasts; the task counts those that succeeded."""
    worker, done = free_port(), asyncio.Event()
    uas = ("-sf", str(HERE / "uas.xml"), "-p", str(worker), "-m", "1000")
    async with sipp(folder, *uas), served(admission(worker)) as edge:

        async def call_and_call() -> int:
            succeeded = 0
            while not done.is_set():
                uac = ("-sf", str(HERE / "uac.xml"), "-p", str(free_port()), "-s", "15551234567")
                async with sipp(folder, *uac, f"127.0.0.1:{edge.address[1]}") as caller:
                    assert await caller.wait() == 0
                    succeeded += 1
            return succeeded

        calls = asyncio.create_task(call_and_call())
        try:
            yield edge, calls
        finally:
            done.set()
            await calls


@needs_sipp
def test_over_udp(tmp_path: Path) -> None:
    async def answer(name: str, edge: int) -> str:
        data, port = (CORPUS / f"{name}.dat").read_bytes(), OTHER_PORTS.get(name, 5060)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.bind((SENDER, port))
            sock.sendto(data, (CALLER, edge))
            try:
                async with asyncio.timeout(2 if VERDICTS[name][1] else 0.3):
                    return first_word(await answer_to(data, sock))
            except TimeoutError:
                return ""

    async def scene() -> tuple[dict[str, str], int]:
        async with calls_beside(tmp_path) as (edge, calls):
            answers = {name: await answer(name, edge.address[1]) for name in sorted(VERDICTS)}
        return answers, await calls

    answers, calls = asyncio.run(scene())
    assert answers == {name: verdict for name, (_, verdict) in VERDICTS.items()}
    assert len(answers) == 49
    assert calls > 0


@needs_sipp
def test_over_tcp(tmp_path: Path) -> None:
    async def answer(name: str, edge: int) -> str:
        reader, writer = await asyncio.open_connection(CALLER, edge)
        writer.write((CORPUS / f"{name}.dat").read_bytes())
        writer.write_eof()
        try:
            return first_word(await asyncio.wait_for(reader.read(65536), 3))
        finally:
            writer.close()

    async def scene() -> tuple[dict[str, str], int]:
        async with calls_beside(tmp_path) as (edge, calls):
            names = sorted(VERDICTS)
            said = await asyncio.gather(*(answer(name, edge.address[1]) for name in names))
        return dict(zip(names, said, strict=True)), await calls

    answers, calls = asyncio.run(scene())
    assert answers == {name: OVER_TCP.get(name, verdict) for name, (_, verdict) in VERDICTS.items()}
    assert calls > 0
