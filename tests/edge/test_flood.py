"""Strangers flood the edge over a real socket: known sources still get their calls set up, and memory is bounded."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.edge.test_server import admitting, needs_sipp, served, sipp
from tests.ports import free_port

from oneinbox.contracts.admission import Cause

HERE = Path(__file__).parent
A_SECOND, STRANGER, CALLS = 5_000, "127.0.0.66", 8


@contextmanager
def flood(edge: int) -> Iterator[list[int]]:
    """INVITEs and noise from one stranger, at about that rate; the number sent so far."""
    ends, sent = threading.Event(), [0]

    def send() -> None:
        begun = time.monotonic()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((STRANGER, 0))
            while not ends.is_set():
                while sent[0] < (time.monotonic() - begun) * A_SECOND:
                    invite = b"INVITE sip:%d@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK%d\r\n\r\n" % (
                        sent[0],
                        sent[0],
                    )
                    sock.sendto(invite if sent[0] % 2 else b"\x00noise" * 50, ("127.0.0.1", edge))
                    sent[0] += 1
                ends.wait(0.005)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield sent
    finally:
        ends.set()
        sender.join()


@needs_sipp
def test_calls_are_set_up_while_strangers_send_junk(tmp_path: Path) -> None:
    async def scene() -> tuple[int | None, list[Cause], int, int]:
        worker, calls = free_port(), str(CALLS)
        uas = ("-sf", str(HERE / "uas.xml"), "-p", str(worker), "-m", calls)
        async with sipp(tmp_path, *uas), served(admitting(worker), known="127.0.0.1/32") as edge:
            uac = ("-sf", str(HERE / "uac.xml"), "-p", str(free_port()), "-s", "15551234567", "-m", calls, "-r", "4")
            with flood(edge.address[1]) as sent:
                async with sipp(tmp_path, *uac, f"127.0.0.1:{edge.address[1]}") as caller:
                    code = await caller.wait()
            found = [await edge.attempt() for _ in range(CALLS)]
            while not any(one.cause is Cause.LIMIT for one in found):
                found.append(await asyncio.wait_for(edge.attempts.get(), 15))
            silenced = sum(one.count for one in found if one.cause is Cause.LIMIT)
        return code, [one.cause for one in found], silenced, sent[0]

    code, causes, silenced, sent = asyncio.run(scene())
    assert code == 0, "a call failed"
    assert causes.count(Cause.ADMITTED) == CALLS
    assert sent > 2_000
    assert silenced > sent // 4, "the flood was read"
    assert len(causes) < 200, "each junk message left a record"
