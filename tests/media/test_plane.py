"""A plane on calls with itself: stalls of its loop, hold, broken sinks, and the death of its engine."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from tests.media.line import Ear, plane, tone, until

from oneinbox.app.voice.ports import calls_within
from oneinbox.contracts.media import BLOCK_BYTES, BLOCK_SAMPLES, CallLeg, OutboundTrunk

HERE = Path(__file__).parent
PERIOD_BLOCKS = 25
PULSES = tone(500, 5) + bytes(BLOCK_BYTES * (PERIOD_BLOCKS - 5))


def trunk(port: int) -> OutboundTrunk:
    return OutboundTrunk("m", "w", "+15550001111", "custom", f"127.0.0.1:{port}", "", "")


def onsets(pcm: bytes) -> list[int]:
    """Where each pulse begins, in ms."""
    at = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2").astype(int)) > 2000)
    return [int(first) // 8 for first, gap in zip(at, np.diff(at, prepend=-9999), strict=True) if gap > 1600]


def test_a_stall_of_the_loop_leaves_no_lasting_delay() -> None:
    far, near = Ear(), Ear()

    async def on_call(leg: CallLeg) -> None:
        leg.attach(far)
        await leg.answer()
        await until(leg, "closed", 30)

    async def scene() -> None:
        async with plane(on_call) as (ours, (_, port)):
            leg = await ours.dial(trunk(port), "+15551234567", {})
            leg.attach(near)
            await until(leg, "established")
            leg.play(PULSES * 10)
            await asyncio.sleep(2)
            for seconds in (0.1, 0.15, 0.3):
                time.sleep(seconds)  # noqa: ASYNC251 (the stall is the test)
                await asyncio.sleep(0.3)
            await asyncio.sleep(2)
            await leg.hang_up()

    asyncio.run(scene())
    said, heard = onsets(bytes(near.said)), onsets(bytes(far.heard))
    assert len(said) == len(heard) >= 9
    delays = [there - here for here, there in zip(said, heard, strict=True)]
    assert abs(np.mean(delays[-2:]) - np.mean(delays[:2])) <= 45, delays


def test_on_hold_what_is_to_be_said_waits() -> None:
    near, far = Ear(), Ear()
    kinds: list[str] = []
    answered: list[CallLeg] = []

    async def on_call(leg: CallLeg) -> None:
        answered.append(leg)
        leg.attach(far)
        await leg.answer()
        async for event in leg.events():
            kinds.append(event.kind)
            if event.kind == "held":
                leg.play(tone(600, 50))

    async def scene() -> int:
        async with plane(on_call) as (ours, (_, port)):
            leg = await ours.dial(trunk(port), "+15551234567", {})
            leg.attach(near)
            await until(leg, "established")
            await asyncio.sleep(0.4)
            await leg._call.hold()
            await asyncio.sleep(0.8)
            waiting = answered[0].queued_samples
            assert not onsets(bytes(near.heard))
            await leg._call.resume()
            await asyncio.sleep(1.5)
            await leg.hang_up()
            await asyncio.sleep(0.2)
            return waiting

    assert asyncio.run(scene()) == 8000
    assert kinds == ["established", "held", "resumed", "closed"]
    assert int(np.sum(np.abs(np.frombuffer(bytes(near.heard), "<i2").astype(int)) > 2000)) > 5000


def test_a_flush_counts_what_the_far_side_never_hears() -> None:
    far = Ear()

    async def on_call(leg: CallLeg) -> None:
        leg.attach(far)
        await leg.answer()
        await until(leg, "closed", 30)

    async def scene() -> int:
        async with plane(on_call) as (ours, (_, port)):
            leg = await ours.dial(trunk(port), "+15551234567", {})
            await until(leg, "established")
            leg.play(tone(400, 150))
            await asyncio.sleep(1.2)
            dropped = leg.flush()
            await asyncio.sleep(0.5)
            return 150 * BLOCK_SAMPLES - dropped

    played = asyncio.run(scene())
    loud = np.flatnonzero(np.abs(np.frombuffer(bytes(far.heard), "<i2").astype(int)) > 2000)
    heard = int(loud[-1] - loud[0])
    assert abs(heard - played) <= 1.5 * BLOCK_SAMPLES


def test_a_broken_sink_ends_its_own_call_only() -> None:
    class Broken:
        def block(self, heard: bytes, said: bytes) -> None:
            raise RuntimeError("broken")

    good = Ear()

    async def on_call(leg: CallLeg) -> None:
        await leg.answer()
        await until(leg, "closed", 30)

    async def scene() -> tuple[str, int]:
        async with plane(on_call) as (ours, (_, port)):
            broken, sound = [await ours.dial(trunk(port), "+15551234567", {}) for _ in range(2)]
            broken.attach(Broken())
            sound.attach(good)
            ended = (await until(broken, "closed")).kind
            before = len(good.heard)
            await asyncio.sleep(0.3)
            return ended, len(good.heard) - before

    ended, grown = asyncio.run(scene())
    assert ended == "closed"
    assert grown > 5 * BLOCK_BYTES


def test_a_dead_engine_is_made_known_and_its_calls_are_closed() -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "dies.py")], capture_output=True, text=True, timeout=40, check=False
    )
    assert done.stdout.splitlines()[-3:] == ["The media engine died."] * 2 + ["no more calls"], done.stderr
    assert done.returncode == 0


def taken_udp_ports() -> list[int]:
    lines = Path("/proc/self/net/udp").read_text(encoding="ascii").splitlines()[1:]
    return [int(line.split()[1].partition(":")[2], 16) for line in lines]


def test_a_call_takes_two_ports() -> None:
    async def on_call(leg: CallLeg) -> None:
        await leg.answer()
        await until(leg, "closed", 30)

    async def scene() -> list[int]:
        async with plane(on_call, (24210, 24249)) as (ours, (_, port)):
            leg = await ours.dial(trunk(port), "+15551234567", {})
            await until(leg, "established")
            return taken_udp_ports()

    assert len([port for port in asyncio.run(scene()) if 24210 <= port <= 24249]) == 2 * 2


def test_a_share_of_ports_carries_as_many_calls_as_its_worker_says() -> None:
    first, last, calls = 24260, 24299, calls_within(24260, 24299)
    established: list[str] = []

    async def on_call(leg: CallLeg) -> None:
        await leg.answer()
        await until(leg, "closed", 30)

    async def scene() -> list[int]:
        async with plane(on_call, (first, last)) as (ours, (_, port)):
            for _ in range(calls // 2):  # each has both its ends here
                leg = await ours.dial(trunk(port), "+15551234567", {})
                established.append((await until(leg, "established")).kind)
            return [port for port in taken_udp_ports() if first <= port <= last]

    assert len(asyncio.run(scene())) == calls * 2
    assert len(established) == calls // 2 == 8
