"""The UDP server with SIPp on both sides, on loopback and free ports."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from tests.ports import free_port

from oneinbox.app.edge.server import Admit, Doors, SipPortTaken, run_edge
from oneinbox.contracts.admission import Admitted, Attempt, Cause, Decision, InviteFacts, Login, Refused, WorkerRoute
from oneinbox.edge.digest import proves
from oneinbox.kit.clock import SystemClock

KEY = b"k" * 32
HERE = Path(__file__).parent

needs_sipp = pytest.mark.skipif(shutil.which("sipp") is None, reason="sipp is not installed")


class Served:
    """A running edge."""

    def __init__(self) -> None:
        self.address = ("", 0)
        self.attempts: asyncio.Queue[Attempt] = asyncio.Queue()
        self.gone: asyncio.Queue[tuple[str, int]] = asyncio.Queue()

    async def attempt(self) -> Attempt:
        return await asyncio.wait_for(self.attempts.get(), 10)


@contextlib.asynccontextmanager
async def served(
    admit: Admit,
    host: str = "127.0.0.1",
    known: str = "127.0.0.0/8",
    asks: bool = False,
    doors: Doors | None = None,
) -> AsyncIterator[Served]:
    one, ready = Served(), asyncio.Event()

    def started(address: tuple[str, int]) -> None:
        one.address = address
        ready.set()

    networks = (ip_network(known),)
    task = asyncio.create_task(
        run_edge(
            listen=(host, 0),
            advertised=("127.0.0.1", 0),
            route_key=KEY,
            admit=admit,
            record=one.attempts.put,
            known_sources=lambda: networks,
            worker_gone=one.gone,
            clock=SystemClock(),
            asks=lambda: asks,
            doors=doors or Doors(),
            ready=started,
        ),
        name="edge under test",
    )
    try:
        await asyncio.wait_for(ready.wait(), 5)
        yield one
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def sipp(folder: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    command = ("sipp", "-m", "1", "-nostdin", "-timeout", "20s", "-timeout_error", "-i", "127.0.0.1", *arguments)
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def admitting(port: int) -> Admit:
    async def admit(facts: InviteFacts, login: Login | None) -> Decision:
        headers = {"X-OI-Call-Id": "call-1", "X-OI-Ticket": "t"}
        return Admitted("call-1", "+15551234567", (WorkerRoute("w1", "127.0.0.1", port, headers),))

    return admit


@needs_sipp
@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_sipp_calls_a_stub_worker_through_the_edge(tmp_path: Path, transport: str) -> None:
    async def scene() -> tuple[int | None, int | None, Attempt]:
        worker = free_port()
        uas = ("-sf", str(HERE / "uas.xml"), "-p", str(worker))
        async with sipp(tmp_path, *uas) as callee, served(admitting(worker)) as edge:
            uac = ("-sf", str(HERE / "uac.xml"), "-p", str(free_port()), "-s", "15551234567", "-t", transport)
            async with sipp(tmp_path, *uac, f"127.0.0.1:{edge.address[1]}") as caller:
                attempt = await edge.attempt()
                return await caller.wait(), await callee.wait(), attempt

    caller, callee, attempt = asyncio.run(scene())
    assert (caller, callee) == (0, 0)
    assert (attempt.status, attempt.cause, attempt.facts.dialled) == (200, Cause.ADMITTED, "15551234567")


async def ask_once(admit: Admit, host: str = "127.0.0.1") -> tuple[bytes, Attempt]:
    """Send one INVITE over a socket; returns the final answer and the record."""
    loop = asyncio.get_running_loop()
    async with served(admit, host) as edge:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.bind(("127.0.0.1", 0))
            port = sock.getsockname()[1]
            data = (
                f"INVITE sip:1@h SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bKa\r\n"
                "From: <sip:b@c>;tag=1\r\nTo: <sip:1@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
            )
            sock.sendto(data.encode(), ("127.0.0.1", edge.address[1]))
            final = b"SIP/2.0 100"
            while final.startswith(b"SIP/2.0 100"):
                final = await asyncio.wait_for(loop.sock_recv(sock, 65535), 10)
            return final, await edge.attempt()


async def failing(facts: InviteFacts, login: Login | None) -> Decision:
    raise RuntimeError("secret detail")


async def hanging(facts: InviteFacts, login: Login | None) -> Decision:
    await asyncio.Event().wait()
    raise AssertionError("never set")


async def refusing(facts: InviteFacts, login: Login | None) -> Decision:
    return Refused(480, Cause.NO_AGENT, "No agent.")


@pytest.mark.parametrize(
    ("admit", "status", "cause"),
    [(failing, 503, Cause.UNAVAILABLE), (hanging, 503, Cause.UNAVAILABLE), (refusing, 480, Cause.NO_AGENT)],
)
def test_whatever_admission_does_the_caller_gets_an_answer(admit: Admit, status: int, cause: Cause) -> None:
    final, attempt = asyncio.run(ask_once(admit))
    assert final.startswith(f"SIP/2.0 {status} ".encode())
    assert (attempt.status, attempt.cause) == (status, cause)
    assert "secret" not in attempt.reason


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_ipv6_socket_serves_ipv4_callers() -> None:
    final, attempt = asyncio.run(ask_once(refusing, "::ffff:127.0.0.1"))
    assert final.startswith(b"SIP/2.0 480 ")
    assert attempt.facts.source_host == "127.0.0.1"


def asking(then: Decision) -> Admit:
    """Admission of a number whose user name is `carrier` and whose password is `right`."""

    async def admit(facts: InviteFacts, login: Login | None) -> Decision:
        if login is None:
            return Refused(401, Cause.CHALLENGED, "Asked.")
        return then if proves(login, "carrier", "right") else Refused(401, Cause.WRONG_PASSWORD, "Wrong.")

    return admit


@needs_sipp
@pytest.mark.parametrize(
    ("password", "through", "causes"),
    [("right", True, [Cause.CHALLENGED, Cause.ADMITTED]), ("wrong", False, [Cause.CHALLENGED, Cause.WRONG_PASSWORD])],
)
def test_sipp_proves_its_password(tmp_path: Path, password: str, through: bool, causes: list[Cause]) -> None:
    async def scene() -> tuple[bool, list[Cause]]:
        worker = free_port()
        then = Admitted("call-1", "+15551234567", (WorkerRoute("w1", "127.0.0.1", worker, {"X-OI-Ticket": "t"}),))
        uas = ("-sf", str(HERE / "uas.xml"), "-p", str(worker))
        async with sipp(tmp_path, *uas), served(asking(then), known="192.0.2.0/24", asks=True) as edge:
            uac = ("-sf", str(HERE / "uac_auth.xml"), "-p", str(free_port()), "-s", "15551234567")
            login = ("-au", "carrier", "-ap", password, f"127.0.0.1:{edge.address[1]}")
            async with sipp(tmp_path, *uac, *login) as process:
                recorded = [(await edge.attempt()).cause for _ in causes]
                return await process.wait() == 0, recorded

    assert asyncio.run(scene()) == (through, causes)


@pytest.mark.skipif(shutil.which("baresip") is None, reason="baresip is not installed")
@pytest.mark.parametrize(("password", "last"), [("right", Cause.NO_AGENT), ("wrong", Cause.WRONG_PASSWORD)])
def test_baresip_proves_its_password(tmp_path: Path, password: str, last: Cause) -> None:
    config = "sip_listen 127.0.0.1:0\nnet_interface 127.0.0.1\nmodule_path /usr/lib/baresip/modules\n"
    config += "module g711.so\nmodule_app account.so\nmodule_app menu.so\n"
    (tmp_path / "config").write_text(config)
    (tmp_path / "contacts").touch()
    account = f"<sip:+15550105678@127.0.0.1>;regint=0;auth_user=carrier;auth_pass={password}\n"
    (tmp_path / "accounts").write_text(account)

    async def scene() -> list[Cause]:
        async with served(asking(Refused(480, Cause.NO_AGENT, "No.")), known="192.0.2.0/24", asks=True) as edge:
            dial = f"d sip:+15551234567@127.0.0.1:{edge.address[1]}"
            process = await asyncio.create_subprocess_exec(
                *("baresip", "-4", "-f", str(tmp_path), "-e", dial, "-t", "20"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                return [(await edge.attempt()).cause for _ in range(2)]
            finally:
                process.kill()
                await process.wait()

    assert asyncio.run(scene()) == [Cause.CHALLENGED, last]


def test_a_taken_port_names_the_setting() -> None:
    async def scene(port: int) -> None:
        await run_edge(
            listen=("127.0.0.1", port),
            advertised=None,
            route_key=KEY,
            admit=refusing,
            record=lambda attempt: asyncio.sleep(0),
            known_sources=tuple,
            worker_gone=asyncio.Queue(),
            clock=SystemClock(),
        )

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(SipPortTaken, match="ONEINBOX_SIP_LISTEN"):
            asyncio.run(scene(taken.getsockname()[1]))
