"""Scripted speech: what the script says, when the audio says so."""

import asyncio

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import APIConnectionError, APIConnectOptions, llm, stt

from oneinbox.adapters.speech.scripted import ScriptedBrain, ScriptedRecogniser, ScriptedVoice
from oneinbox.adapters.speech.scripted.voice import speak, tone
from oneinbox.contracts.plan import LlmChoice, SttChoice, TtsChoice

LOUD = (np.sin(np.arange(160) * 0.3) * 8000).astype(np.int16).tobytes()
QUIET = bytes(320)
NO_RETRY = APIConnectOptions(max_retry=0)


async def hear(blocks: list[bytes], model: str, responsiveness: float = 0.5) -> list[stt.SpeechEvent]:
    recogniser = ScriptedRecogniser()(SttChoice("scripted", model), responsiveness=responsiveness)
    stream = recogniser.stream(conn_options=NO_RETRY)
    for block in blocks:
        stream.push_frame(rtc.AudioFrame(block, 8000, 1, 160))
    stream.end_input()
    events = [event async for event in stream]
    await stream.aclose()
    return events


async def answer(prompt: str, *turns: str) -> str:
    ctx = llm.ChatContext()
    ctx.add_message(role="system", content=prompt)
    for turn in turns:
        ctx.add_message(role="user", content=turn)
    async with ScriptedBrain()(LlmChoice("scripted", "")).chat(chat_ctx=ctx, conn_options=NO_RETRY) as stream:
        return "".join([part.delta.content async for part in stream if part.delta and part.delta.content])


def test_utterances_get_their_transcripts_and_times() -> None:
    blocks = [QUIET] * 50 + [LOUD] * 50 + [QUIET] * 50 + [LOUD] * 25 + [QUIET] * 50 + [LOUD] * 25
    events = asyncio.run(hear(blocks, "one|two"))
    kinds = [event.type for event in events]
    assert (
        kinds
        == [
            stt.SpeechEventType.START_OF_SPEECH,
            stt.SpeechEventType.FINAL_TRANSCRIPT,
            stt.SpeechEventType.END_OF_SPEECH,
        ]
        * 3
    )
    finals = [event.alternatives[0] for event in events[1::3]]
    assert [data.text for data in finals] == ["one", "two", "two"]
    assert (finals[0].start_time, finals[0].end_time) == pytest.approx((1.0, 2.0))
    assert (finals[1].start_time, finals[1].end_time) == pytest.approx((3.0, 3.5))


@pytest.mark.parametrize(("pause_blocks", "turns"), [(20, 1), (28, 1), (32, 2)])
def test_only_a_long_pause_ends_a_turn(pause_blocks: int, turns: int) -> None:
    blocks = [LOUD] * 25 + [QUIET] * pause_blocks + [LOUD] * 25
    events = asyncio.run(hear(blocks, "default"))
    assert sum(event.type is stt.SpeechEventType.FINAL_TRANSCRIPT for event in events) == turns


def test_a_click_is_no_speech() -> None:
    assert asyncio.run(hear([QUIET, LOUD, LOUD, QUIET] * 20, "default")) == []


def test_a_broken_recogniser_raises() -> None:
    with pytest.raises(APIConnectionError):
        asyncio.run(hear([LOUD] * 20 + [QUIET] * 40, "!error"))


def test_the_brain_follows_its_script() -> None:
    prompt = "You are a shop.\n  SCRIPT: One.\nSCRIPT: Two.\nNot a line."
    assert asyncio.run(answer(prompt, "a")) == "One."
    assert asyncio.run(answer(prompt, "a", "b")) == "Two."
    assert asyncio.run(answer(prompt, "a", "b", "c")) == "Two."
    assert asyncio.run(answer("No script.", "a", "hello there")) == "You said: hello there"
    assert asyncio.run(answer("SCRIPT: !delay 0.01 Late.", "a")) == "Late."
    with pytest.raises(APIConnectionError):
        asyncio.run(answer("SCRIPT: !error", "a"))


def test_the_voice_is_the_same_in_one_piece_and_streamed() -> None:
    async def scenario() -> None:
        voice = ScriptedVoice()(TtsChoice("scripted"))
        whole = await voice.synthesize("Hello my dear caller").collect()
        expected = speak("Hello my dear caller")
        assert bytes(whole.data).startswith(expected)
        async with voice.stream(conn_options=NO_RETRY) as stream:
            for piece in ("Hel", "lo my d", "ear", " caller"):
                stream.push_text(piece)
            stream.end_input()
            parts = [bytes(event.frame.data) async for event in stream]
        streamed = b"".join(parts)
        assert streamed.startswith(expected)
        assert not any(streamed[len(expected) :])

    asyncio.run(scenario())


def test_speed_changes_the_length_and_words_differ() -> None:
    assert len(tone("word", 2.0)) * 2 == len(tone("word", 1.0))
    assert len({tone(word, 1.0) for word in ("one", "two", "three", "four")}) == 4


def test_a_broken_voice_raises() -> None:
    async def scenario() -> None:
        await ScriptedVoice()(TtsChoice("scripted", "!error")).synthesize("Hello", conn_options=NO_RETRY).collect()

    with pytest.raises(APIConnectionError):
        asyncio.run(scenario())
