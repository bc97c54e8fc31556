"""The scripted media plane, in virtual time: what its far side does when, and what it heard."""

import asyncio

import pytest
from tests.conversation.virtual import run_virtually
from tests.media.line import Ear, tone

from oneinbox.adapters.media.scripted import Hold, LegScript, Press, Resume, ScriptedPlane, Speak, Stop
from oneinbox.contracts.media import BLOCK_BYTES, BLOCK_MS, CallLeg, LegEvent, MediaError, OutboundTrunk

TRUNK = OutboundTrunk("m", "w", "+15550001111", "twilio", "sip.example", "", "")
HELLO, REPLY = tone(500, 10), tone(700, 5)


def test_a_call_that_arrives_does_what_its_script_says_when_it_says_so() -> None:
    ear = Ear()
    happened: list[tuple[str, str, int]] = []

    async def on_call(leg: CallLeg) -> None:
        leg.attach(ear)
        await leg.answer()
        leg.play(REPLY)
        async for event in leg.events():
            happened.append((event.kind, event.detail, len(ear.said) // BLOCK_BYTES * BLOCK_MS))

    async def scene() -> tuple[list[bytes], str]:
        plane = ScriptedPlane()
        await plane.start(on_call)
        acts = (Stop(3000), Press(1000, "5"), Speak(200, HELLO), Hold(1500), Resume(2000))
        leg = plane.call(LegScript(acts), {"X-OI-Call-Id": "c"})
        await asyncio.sleep(10)
        await plane.close()
        return leg.said, leg.headers["X-OI-Call-Id"]

    said, call_id = run_virtually(scene())
    assert call_id == "c"
    assert [(kind, detail) for kind, detail, _ in happened] == [
        ("established", ""),
        ("dtmf", "5"),
        ("held", ""),
        ("resumed", ""),
        ("closed", "The far side hung up."),
    ]
    assert [at for _, _, at in happened[1:]] == pytest.approx([1000, 1500, 2000, 3000], abs=2 * BLOCK_MS)
    assert bytes(ear.heard).find(HELLO) == 200 // BLOCK_MS * BLOCK_BYTES
    assert b"".join(said).startswith(REPLY)
    assert b"".join(said) == bytes(ear.said)


def test_a_dialled_call_is_taken_or_refused() -> None:
    async def first_event(script: LegScript) -> LegEvent:
        leg = await ScriptedPlane(script).dial(TRUNK, "+15550002222", {})
        event = await anext(aiter(leg.events()))
        await leg.hang_up()
        return event

    assert run_virtually(first_event(LegScript())) == LegEvent("established")
    assert run_virtually(first_event(LegScript(refusal="486 Busy Here"))) == LegEvent("closed", "486 Busy Here")


def test_a_failure_in_one_call_ends_that_call_only() -> None:
    served: list[CallLeg] = []

    async def on_call(leg: CallLeg) -> None:
        served.append(leg)
        if len(served) == 1:
            raise RuntimeError("broken")
        await leg.answer()
        await asyncio.sleep(60)

    async def scene() -> list[list[str]]:
        plane = ScriptedPlane()
        await plane.start(on_call)
        plane.call()
        plane.call()
        await asyncio.sleep(1)
        logs = [list(leg.log) for leg in plane.legs]
        await plane.close()
        return logs

    assert run_virtually(scene()) == [["hang_up"], ["answer"]]


def test_before_it_is_started_no_call_arrives() -> None:
    with pytest.raises(MediaError):
        ScriptedPlane().call()
