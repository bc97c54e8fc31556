"""Other people's SIP clients on the embedded plane: Debian's baresip and sipp."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from tests.media.line import Ear, needs_sipp, plane, share_of, sipp, tone, until
from tests.media.softphone import HOLD, RESUME, needs_softphone, softphone

from oneinbox.contracts.media import BLOCK_BYTES, CallLeg, LegEvent


@needs_softphone
@pytest.mark.parametrize("codec", ["pcmu", "pcma"])
def test_a_softphone_talks_and_presses_keys(tmp_path: Path, codec: str) -> None:
    ear = Ear()
    events: list[LegEvent] = []

    async def scene() -> bytes:
        established = asyncio.Event()

        async def on_call(leg: CallLeg) -> None:
            leg.attach(ear)
            await leg.answer()
            leg.play(tone(700, 100))
            async for event in leg.events():
                events.append(event)
                established.set()

        async with plane(on_call) as (_, address), softphone(tmp_path, address, tone(500, 300), codec=codec) as phone:
            await asyncio.wait_for(established.wait(), 10)
            await asyncio.sleep(1.5)
            await phone.press("15#")
            await phone.hang_up()
            return phone.heard()

    heard = asyncio.run(scene())
    assert share_of(700, heard) > 0.9
    assert share_of(500, bytes(ear.heard[: 60 * BLOCK_BYTES])) > 0.9
    assert events == [
        LegEvent("established"),
        *(LegEvent("dtmf", digit) for digit in "15#"),
        LegEvent("closed", "The far side hung up."),
    ]


@needs_softphone
def test_a_softphone_holds_and_resumes(tmp_path: Path) -> None:
    ear = Ear()
    events: list[str] = []
    on_hold: list[bytes] = []

    async def scene() -> None:
        established = asyncio.Event()

        async def on_call(leg: CallLeg) -> None:
            leg.attach(ear)
            await leg.answer()
            async for event in leg.events():
                events.append(event.kind)
                established.set()
                if event.kind == "held":
                    ear.heard.clear()
                    leg.play(tone(900, 50))
                if event.kind == "resumed":
                    on_hold.extend((bytes(ear.said), bytes(ear.heard[10 * BLOCK_BYTES :])))
                    ear.heard.clear()

        async with plane(on_call) as (_, address), softphone(tmp_path, address, tone(500, 400)) as phone:
            await asyncio.wait_for(established.wait(), 10)
            await asyncio.sleep(0.5)
            await phone.press(HOLD, 1.0)
            await phone.press(RESUME, 1.5)
            await phone.hang_up()

    asyncio.run(scene())
    assert events == ["established", "held", "resumed", "closed"]
    assert [np.abs(np.frombuffer(pcm, "<i2").astype(int)).max(initial=0) > 500 for pcm in on_hold] == [False, False]
    assert share_of(900, bytes(ear.said)) > 0.9
    assert share_of(500, bytes(ear.heard)) > 0.9


@needs_sipp
def test_a_caller_who_gives_up_is_let_go(tmp_path: Path) -> None:
    async def scene() -> tuple[LegEvent, int]:
        arrived: asyncio.Future[CallLeg] = asyncio.get_running_loop().create_future()

        async def on_call(leg: CallLeg) -> None:
            arrived.set_result(leg)
            await asyncio.sleep(5)

        async with plane(on_call) as (_, (_, port)), sipp(tmp_path, "gives_up.xml", f"127.0.0.1:{port}") as caller:
            leg = await asyncio.wait_for(arrived, 10)
            closed = await until(leg, "closed")
            return closed, await asyncio.wait_for(caller.wait(), 10)

    closed, code = asyncio.run(scene())
    assert closed.kind == "closed"
    assert code == 0


@needs_sipp
def test_six_callers_each_hear_their_own(tmp_path: Path) -> None:
    ears: list[tuple[int, Ear]] = []

    async def on_call(leg: CallLeg) -> None:
        hertz = 400 + 150 * len(ears)
        ear = Ear()
        ears.append((hertz, ear))
        leg.attach(ear)
        await leg.answer()
        leg.play(tone(hertz, 100))
        await until(leg, "closed")

    async def scene() -> int:
        async with (
            plane(on_call) as (_, (_, port)),
            sipp(tmp_path, "echoes.xml", "-rtp_echo", f"127.0.0.1:{port}", calls=6) as callers,
        ):
            return await asyncio.wait_for(callers.wait(), 20)

    assert asyncio.run(scene()) == 0
    assert len(ears) == 6
    assert [share_of(hertz, bytes(ear.heard)) > 0.9 for hertz, ear in ears] == [True] * 6
    assert all(len(ear.said) > 120 * BLOCK_BYTES for _, ear in ears)
