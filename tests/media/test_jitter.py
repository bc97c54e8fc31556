"""Audio that arrives late and out of order, as over a bad line."""

import asyncio
import heapq
import random
import struct
from pathlib import Path

import av
import numpy as np
from tests.media.line import Ear, needs_sipp, plane, sipp, tone, until
from tests.ports import free_port

from oneinbox.contracts.media import BLOCK_BYTES, BLOCK_MS, BLOCK_SAMPLES, CallLeg

PORTS = (24200, 24201)
BLOCKS = 300
JITTER_SECONDS = 0.06


def mu_law(pcm: bytes) -> bytes:
    encoder = av.CodecContext.create("pcm_mulaw", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 8000, "mono", "s16"
    frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, "<i2").reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = 8000
    return b"".join(bytes(packet) for packet in encoder.encode(frame))


async def send(port: int) -> None:
    """A tone from `port`, each packet up to JITTER_SECONDS late."""
    loop, chance, sound = asyncio.get_running_loop(), random.Random(1), mu_law(tone(500, BLOCKS))
    transport, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, ("127.0.0.1", port), ("127.0.0.1", PORTS[0])
    )
    start = loop.time()
    queue = []
    for number in range(BLOCKS):
        header = struct.pack("!BBHII", 0x80, 0, number, number * BLOCK_SAMPLES, 7)
        payload = sound[number * BLOCK_SAMPLES : (number + 1) * BLOCK_SAMPLES]
        late = number * BLOCK_MS / 1000 + chance.random() * JITTER_SECONDS
        heapq.heappush(queue, (late, number, header + payload))
    while queue:
        late, _, packet = heapq.heappop(queue)
        await asyncio.sleep(max(0.0, start + late - loop.time()))
        transport.sendto(packet)
    transport.close()


@needs_sipp
def test_late_packets_are_heard(tmp_path: Path) -> None:
    ear = Ear()

    async def scene() -> None:
        established = asyncio.Event()

        async def on_call(leg: CallLeg) -> None:
            leg.attach(ear)
            await leg.answer()
            await until(leg, "established")
            established.set()
            await until(leg, "closed", 30)

        port = free_port()
        async with (
            plane(on_call, PORTS) as (_, (_, sip)),
            sipp(tmp_path, "stays.xml", "-key", "rtp", str(port), f"127.0.0.1:{sip}"),
        ):
            await asyncio.wait_for(established.wait(), 10)
            await send(port)
            await asyncio.sleep(0.4)

    asyncio.run(scene())
    samples = np.abs(np.frombuffer(bytes(ear.heard), "<i2").astype(int))
    loud = samples[: len(samples) // BLOCK_SAMPLES * BLOCK_SAMPLES].reshape(-1, BLOCK_SAMPLES).max(axis=1) > 2000
    assert int(loud.sum()) >= BLOCKS * 9 // 10
    assert len(ear.heard) < 10 * 50 * BLOCK_BYTES
