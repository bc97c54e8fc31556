"""The built-in voice with its real models: sound, speed, memory of what was said, and its face to a session."""

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest
from livekit.agents import tts

from oneinbox.adapters.speech.builtin.synthesis import LONGEST_HELD, Held, Synthesiser
from oneinbox.adapters.speech.builtin.voice import BuiltinVoice
from oneinbox.contracts.plan import TtsChoice

GREETING = "Thanks for calling Harbor Dental. How can I help you today?"


@pytest.fixture(scope="module")
def synthesiser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synthesiser]:
    made = Synthesiser(tmp_path_factory.mktemp("voice"))
    yield made
    made.close()


def test_loudness_suits_a_phone_and_nothing_clips(synthesiser: Synthesiser) -> None:
    sound = np.frombuffer(asyncio.run(synthesiser.synthesise(GREETING)), "<i2") / 32768
    assert 2 < len(sound) / 8000 < 7
    assert np.abs(sound).max() < 0.99
    frames = np.sqrt((sound[: len(sound) // 160 * 160].reshape(-1, 160) ** 2).mean(axis=1))
    level = 20 * np.log10(np.sqrt((frames[frames > 0.01] ** 2).mean()))
    assert -24 < level < -16


@pytest.mark.parametrize("text", [GREETING, "We are open from nine to six.", "She said so."])
def test_a_caller_does_not_wait_for_silence(synthesiser: Synthesiser, text: str) -> None:
    sound = np.abs(np.frombuffer(asyncio.run(synthesiser.synthesise(text)), "<i2").astype(int))
    assert np.flatnonzero(sound >= 64)[0] / 8 <= 20


def test_half_speed_takes_longer_than_double(synthesiser: Synthesiser) -> None:
    slow, fast = (len(asyncio.run(synthesiser.synthesise(GREETING, speed))) for speed in (0.5, 2.0))
    assert slow > 2 * fast


def test_what_was_said_before_comes_whole_and_alike(synthesiser: Synthesiser) -> None:
    async def twice() -> tuple[list[bytes], list[bytes]]:
        await synthesiser.synthesise("Please hold the line.")
        first = [sound async for sound in synthesiser.stream("Please hold the line.")]
        return first, [sound async for sound in synthesiser.stream("Please hold the line.")]

    first, second = asyncio.run(twice())
    assert len(first) == 1
    assert first == second


def test_the_store_forgets_the_oldest_first(synthesiser: Synthesiser) -> None:
    small = Synthesiser(kept_bytes=20_000)

    async def say(text: str) -> int:
        return len([sound async for sound in small.stream(text)])

    for text in ("Good morning to you.", "Good evening to you."):
        asyncio.run(small.synthesise(text))
    assert asyncio.run(say("Good evening to you.")) == 1
    assert asyncio.run(say("Good morning to you.")) > 1
    small.close()


QUICK, SLOW = 0.05, 0.3
TENTH = bytes(1600)


@pytest.mark.parametrize(
    ("took", "heard"),
    [
        ((QUICK,), [1]),
        ((QUICK, SLOW, SLOW), [1, 1, 1]),
        ((SLOW, SLOW, SLOW, SLOW, SLOW, SLOW), [0, 0, 0, 0, 5, 1]),
        ((SLOW, SLOW, QUICK), [0, 0, 3]),
        ((9.0,) * 6, [0, 0, 0, 0, 5, 1]),
    ],
)
def test_a_sentence_begins_when_its_rest_will_come_in_time(took: tuple[float, ...], heard: list[int]) -> None:
    held = Held()
    assert [len(held.until_it_flows(TENTH, seconds)) // len(TENTH) for seconds in took] == heard
    assert held.rest() == b""


def test_what_is_held_at_the_end_is_heard() -> None:
    held = Held()
    assert held.until_it_flows(TENTH, LONGEST_HELD) == b""
    assert held.rest() == TENTH


def test_text_without_words_is_silent(synthesiser: Synthesiser) -> None:
    assert asyncio.run(synthesiser.synthesise("…—🙂")) == b""


def test_a_session_gets_frames_and_may_stop_early(synthesiser: Synthesiser) -> None:
    async def listen() -> tuple[float, float, set[int]]:
        voice = BuiltinVoice(synthesiser)(TtsChoice(provider="builtin"))
        whole, rates = 0.0, set()
        async with voice.synthesize("This sentence is said to its very end.") as stream:
            async for event in stream:
                whole += event.frame.duration
                rates.add(event.frame.sample_rate)
        async with voice.synthesize("A much longer sentence is broken off " * 6) as stream:
            first = (await anext(stream)).frame.duration
        return whole, first, rates

    whole, first, rates = asyncio.run(listen())
    assert whole > 1
    assert first < 0.5
    assert rates == {8000}


def test_a_stopped_sentence_is_not_kept(synthesiser: Synthesiser) -> None:
    async def broken_off() -> int:
        text = "The caller interrupts before this rather long sentence has come to its end."
        stream = synthesiser.stream(text)
        await anext(stream)
        await stream.aclose()
        return len([sound async for sound in synthesiser.stream(text)])

    assert asyncio.run(broken_off()) > 1


def test_a_session_can_wrap_it(synthesiser: Synthesiser) -> None:
    voice = BuiltinVoice(synthesiser)(TtsChoice(provider="builtin", speed=1.5))
    assert isinstance(voice, tts.TTS)
    assert not voice.capabilities.streaming
