"""A real SIP client calls through the edge, the agent on the embedded media plane greets, and the caller hears it."""

import asyncio
import contextlib
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import av
import numpy as np
import pytest
import soxr
from livekit.agents import llm, stt, tts
from tests.ports import free_port

from oneinbox.adapters.media.embedded import EmbeddedPlane
from oneinbox.adapters.speech.builtin.models import moonshine_pool
from oneinbox.adapters.speech.builtin.recogniser import BuiltinRecogniser
from oneinbox.adapters.speech.builtin.synthesis import Synthesiser, load
from oneinbox.adapters.speech.builtin.voice import BuiltinVoice
from oneinbox.adapters.speech.scripted import ScriptedBrain
from oneinbox.app.edge.server import run_edge
from oneinbox.contracts.admission import Admitted, Attempt, Cause, Decision, InviteFacts, Login, WorkerRoute
from oneinbox.contracts.events import CallAnswered, CallEnded, CallEvent, EndReason, Said
from oneinbox.contracts.media import CALL_ID_HEADER, CallLeg
from oneinbox.contracts.plan import AgentPlan, CallPlan, LlmChoice, SttChoice, TtsChoice
from oneinbox.conversation import run
from oneinbox.kit.clock import SystemClock

GREETING = "Thank you for calling the bicycle shop. How can I help you today?"
HEARD = {"calling", "bicycle", "shop", "help", "today"}
CALLER = Path(__file__).parent / "caller.xml"

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(shutil.which("sipp") is None, reason="sipp is not installed")]


class OfflineSpeech:
    """The offline voice and ears with a scripted brain."""

    def __init__(self, synthesiser: Synthesiser) -> None:
        self._voice = BuiltinVoice(synthesiser)

    def recogniser(self, choice: SttChoice, *, responsiveness: float) -> stt.STT[str]:
        return BuiltinRecogniser()(choice, responsiveness=responsiveness)

    def brain(self, choice: LlmChoice) -> llm.LLM[str]:
        return ScriptedBrain()(choice)

    def voice(self, choice: TtsChoice) -> tts.TTS[str]:
        return self._voice(choice)


class Ear(asyncio.DatagramProtocol):
    """The caller's RTP port: keeps the mu-law payload of every packet."""

    def __init__(self) -> None:
        self.payload = bytearray()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if len(data) > 12 and data[1] & 0x7F == 0:
            self.payload += data[12:]

    def pcm(self) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
        decoder = av.CodecContext.create("pcm_mulaw", "r")
        decoder.sample_rate, decoder.layout = 8000, "mono"
        frames = decoder.decode(av.Packet(bytes(self.payload)))
        return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])


def plan() -> CallPlan:
    agent = AgentPlan(
        "a",
        "Shop",
        "SCRIPT: We are open.",
        GREETING,
        LlmChoice("scripted", "s"),
        SttChoice("builtin", "default"),
        TtsChoice("builtin"),
    )
    return CallPlan("call-1", "w", "inbound", "+15550105678", "+15551234567", (agent,))


def admitting(worker: tuple[str, int]) -> Callable[[InviteFacts, Login | None], Awaitable[Decision]]:
    async def admit(facts: InviteFacts, login: Login | None) -> Decision:
        return Admitted("call-1", "+15551234567", (WorkerRoute("w1", *worker, {CALL_ID_HEADER: "call-1"}),))

    return admit


@contextlib.asynccontextmanager
async def edge(worker: tuple[str, int], attempts: asyncio.Queue[Attempt]) -> AsyncIterator[tuple[str, int]]:
    ready: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(
        run_edge(
            listen=("127.0.0.1", 0),
            advertised=None,
            route_key=b"k" * 32,
            admit=admitting(worker),
            record=attempts.put,
            known_sources=tuple,
            worker_gone=asyncio.Queue(),
            clock=SystemClock(),
            ready=ready.set_result,
        )
    )
    try:
        yield await asyncio.wait_for(ready, 5)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def place_call(folder: Path, port: int, rtp: int) -> int:
    process = await asyncio.create_subprocess_exec(
        *("sipp", "-m", "1", "-nostdin", "-timeout", "20s", "-timeout_error", "-i", "127.0.0.1", "-sf", str(CALLER)),
        *("-p", str(free_port()), "-s", "15551234567", "-key", "rtp", str(rtp), f"127.0.0.1:{port}"),
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()


async def scene(folder: Path, synthesiser: Synthesiser) -> tuple[int, Ear, list[CallEvent], Attempt]:
    events: list[CallEvent] = []
    ended, attempts = asyncio.Event(), asyncio.Queue[Attempt]()

    async def on_call(leg: CallLeg) -> None:
        assert leg.headers[CALL_ID_HEADER] == "call-1"
        clock, stop = SystemClock(), asyncio.Event()
        await run(plan(), leg, OfflineSpeech(synthesiser), recorder=None, emit=events.append, stop=stop, clock=clock)
        ended.set()

    plane = EmbeddedPlane("127.0.0.1", (21000, 21098), SystemClock().monotonic)
    worker = await plane.start(on_call)
    rtp = free_port()
    transport, ear = await asyncio.get_running_loop().create_datagram_endpoint(Ear, local_addr=("127.0.0.1", rtp))
    try:
        async with edge(worker, attempts) as address:
            code = await place_call(folder, address[1], rtp)
            await asyncio.wait_for(ended.wait(), 10)
            return code, ear, events, await asyncio.wait_for(attempts.get(), 5)
    finally:
        transport.close()
        await plane.close()


def test_a_sip_client_hears_the_greeting(tmp_path: Path) -> None:
    synthesiser = load(tmp_path)
    try:
        code, ear, events, attempt = asyncio.run(scene(tmp_path, synthesiser))
    finally:
        synthesiser.close()
    assert code == 0
    assert (attempt.status, attempt.cause) == (200, Cause.ADMITTED)
    sound = np.asarray(soxr.resample(ear.pcm() / 32768, 8000, 16000), np.float32)
    assert set(re.findall("[a-z]+", moonshine_pool().run(sound).lower())) >= HEARD
    assert isinstance(events[0], CallAnswered)
    assert [event.text for event in events if isinstance(event, Said)] == [GREETING]
    assert [event.reason for event in events if isinstance(event, CallEnded)] == [EndReason.CALLER_HANGUP]


def test_a_call_whose_task_fails_is_hung_up(tmp_path: Path) -> None:
    async def failing(leg: CallLeg) -> None:
        await leg.answer()
        raise RuntimeError("broken")

    async def broken_scene() -> int:
        plane = EmbeddedPlane("127.0.0.1", (21000, 21098), SystemClock().monotonic)
        worker = await plane.start(failing)
        try:
            async with edge(worker, asyncio.Queue()) as address:
                return await place_call(tmp_path, address[1], free_port())
        finally:
            await plane.close()

    assert asyncio.run(broken_scene()) != 0, "the caller stayed on a dead call for all of its 6 seconds"
