"""Calling out on the embedded plane: to itself over loopback, and to a carrier played by sipp."""

import asyncio
from pathlib import Path

import pytest
from tests.media.line import Ear, bound, needs_sipp, plane, share_of, sipp, tone, until
from tests.ports import free_port

from oneinbox.contracts.media import CALL_ID_HEADER, CallLeg, MediaError, OutboundTrunk

NUMBER = "+15551234567"


def trunk(port: int, username: str = "", password: str = "") -> OutboundTrunk:
    return OutboundTrunk("m", "w", "+15550001111", "custom", f"127.0.0.1:{port}", username, password)


def test_both_sides_hear_each_other_and_the_header_arrives() -> None:
    far, near = Ear(), Ear()
    headers = []

    async def on_call(leg: CallLeg) -> None:
        headers.append(dict(leg.headers))
        leg.attach(far)
        await leg.answer()
        leg.play(tone(700, 75))
        await until(leg, "closed")

    async def scene() -> str:
        async with plane(on_call) as (ours, (_, port)):
            leg = await ours.dial(trunk(port), NUMBER, {CALL_ID_HEADER: "call-7"})
            leg.attach(near)
            leg.play(tone(400, 75))
            await until(leg, "established")
            await asyncio.sleep(2)
            await leg.hang_up()
            return (await until(leg, "closed")).kind

    assert asyncio.run(scene()) == "closed"
    assert headers == [{CALL_ID_HEADER: "call-7"}]
    assert share_of(400, bytes(far.heard)) > 0.9
    assert share_of(700, bytes(near.heard)) > 0.9


def test_a_number_called_out_from_can_still_be_called() -> None:
    arrived = []

    async def on_call(leg: CallLeg) -> None:
        arrived.append(leg)
        await leg.reject()

    async def scene() -> list[str]:
        async with plane(on_call) as (ours, (_, port)):
            out = trunk(port)
            legs = [await ours.dial(out, out.number, {}) for _ in range(2)]
            return [(await until(leg, "closed")).detail for leg in legs]

    assert asyncio.run(scene()) == ["486 Busy Here"] * 2
    assert len(arrived) == 2


@needs_sipp
def test_a_refusal_says_its_status(tmp_path: Path) -> None:
    async def scene() -> str:
        port = free_port()
        async with sipp(tmp_path, "refuses.xml", "-p", str(port)), plane(_nobody) as (ours, _):
            await bound(port)
            return (await until(await ours.dial(trunk(port), NUMBER, {}), "closed")).detail

    assert asyncio.run(scene()) == "404 Not Found"


@needs_sipp
@pytest.mark.parametrize(("password", "outcome"), [("s3cret", "established"), ("wrong", "closed")])
def test_a_challenge_is_answered_for_the_trunks_user(tmp_path: Path, password: str, outcome: str) -> None:
    async def scene() -> tuple[str, int | None]:
        port = free_port()
        async with sipp(tmp_path, "challenges.xml", "-p", str(port)) as carrier, plane(_nobody) as (ours, _):
            await bound(port)
            leg = await ours.dial(trunk(port, "trunkuser", password), NUMBER, {CALL_ID_HEADER: "call-7"})
            event = await anext(aiter(leg.events()))
            await leg.hang_up()
            return event.kind, await asyncio.wait_for(carrier.wait(), 10)

    assert asyncio.run(scene()) == (outcome, 0)


def test_what_is_no_number_is_not_dialled() -> None:
    async def scene() -> None:
        async with plane(_nobody) as (ours, (_, port)):
            await ours.dial(trunk(port), "1@elsewhere", {})

    with pytest.raises(MediaError, match="can be dialled"):
        asyncio.run(scene())


async def _nobody(leg: CallLeg) -> None:
    await leg.reject()
