"""The offline recogniser on the offline voice's speech, through a telephone line."""

import asyncio
import re
from collections.abc import Iterator

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import stt

from oneinbox.adapters.speech.builtin.listening import transcribe_file
from oneinbox.adapters.speech.builtin.recogniser import BuiltinRecogniser
from oneinbox.adapters.speech.builtin.synthesis import Synthesiser, load
from oneinbox.contracts.media import BLOCK_BYTES, BLOCK_SAMPLES, SAMPLE_RATE
from oneinbox.contracts.plan import SttChoice

QUESTION = "When do you open on Saturday morning?"
REQUEST = "I would like to speak with the manager, please."
SECOND = bytes(2 * SAMPLE_RATE)


@pytest.fixture(scope="module")
def synthesiser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synthesiser]:
    made = load(tmp_path_factory.mktemp("voice"))
    yield made
    made.close()


def words(text: str) -> set[str]:
    return set(re.findall("[a-z]+", text.lower()))


def test_two_utterances_with_their_times(synthesiser: Synthesiser) -> None:
    async def scene() -> tuple[bytes, bytes]:
        return await synthesiser.synthesise(QUESTION), await synthesiser.synthesise(REQUEST)

    first, second = asyncio.run(scene())
    said = asyncio.run(transcribe_file(SECOND + first + SECOND * 2 + second + SECOND * 2))
    assert len(said) == 2
    assert words(said[0].text) >= {"open", "saturday", "morning"}
    assert words(said[1].text) >= {"speak", "manager"}
    assert abs(said[0].start_ms - 1000) < 300
    assert abs(said[1].start_ms - (3000 + len(first) // 16)) < 300
    assert all(one.start_ms < one.end_ms < one.decided_ms for one in said)


def test_noise_is_no_turn() -> None:
    noise = np.random.default_rng(1).normal(0, 300, 5 * SAMPLE_RATE).astype("<i2").tobytes()
    assert asyncio.run(transcribe_file(noise)) == []


def test_a_session_gets_the_events_of_a_turn_in_order(synthesiser: Synthesiser) -> None:
    async def scene() -> list[stt.SpeechEvent]:
        audio = SECOND + await synthesiser.synthesise(QUESTION) + SECOND * 2
        stream = BuiltinRecogniser()(SttChoice("builtin", "default"), responsiveness=0.5).stream()
        for at in range(0, len(audio) - BLOCK_BYTES, BLOCK_BYTES):
            stream.push_frame(rtc.AudioFrame(audio[at : at + BLOCK_BYTES], SAMPLE_RATE, 1, BLOCK_SAMPLES))
        stream.end_input()
        return [event async for event in stream]

    events = asyncio.run(scene())
    kinds = [event.type for event in events if event.type is not stt.SpeechEventType.INTERIM_TRANSCRIPT]
    wanted = [
        stt.SpeechEventType.START_OF_SPEECH,
        stt.SpeechEventType.FINAL_TRANSCRIPT,
        stt.SpeechEventType.END_OF_SPEECH,
    ]
    assert [kind for kind in kinds if kind in wanted] == wanted
    final = next(event for event in events if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT).alternatives[0]
    assert words(final.text) >= {"open", "saturday", "morning"}
    assert 0.7 < final.start_time < 1.3 < final.end_time
