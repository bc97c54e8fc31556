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


class Line:
    """A recogniser's stream and what it has said so far."""

    def __init__(self) -> None:
        self.events: list[stt.SpeechEvent] = []
        self._stream = BuiltinRecogniser()(SttChoice("builtin", "default"), responsiveness=0.5).stream()
        self._reading = asyncio.ensure_future(self._read())

    @property
    def kinds(self) -> list[stt.SpeechEventType]:
        return [event.type for event in self.events]

    async def hear(self, audio: bytes) -> None:
        for at in range(0, len(audio) - BLOCK_BYTES, BLOCK_BYTES):
            self._stream.push_frame(rtc.AudioFrame(audio[at : at + BLOCK_BYTES], SAMPLE_RATE, 1, BLOCK_SAMPLES))
        await asyncio.sleep(0)

    async def finish(self) -> list[stt.SpeechEvent]:
        self._stream.end_input()
        await self._reading
        return self.events

    async def _read(self) -> None:
        async for event in self._stream:
            self.events.append(event)


def test_an_answer_may_be_begun_in_the_pause_and_is_called_off_when_the_caller_goes_on(
    synthesiser: Synthesiser,
) -> None:
    async def scene() -> tuple[list[stt.SpeechEventType], list[stt.SpeechEventType]]:
        question = await synthesiser.synthesise(QUESTION)
        line = Line()
        await line.hear(SECOND + question)
        for _ in range(20):
            if stt.SpeechEventType.PREFLIGHT_TRANSCRIPT in line.kinds:
                break
            await line.hear(SECOND[: 2 * BLOCK_BYTES])
            await asyncio.sleep(0.2)
        before = line.kinds
        await line.hear(question + SECOND * 2)
        await line.finish()
        return before, line.kinds[len(before) :]

    before, after = asyncio.run(scene())
    assert before[-1] is stt.SpeechEventType.PREFLIGHT_TRANSCRIPT
    assert after[0] is stt.SpeechEventType.INTERIM_TRANSCRIPT
    assert after.count(stt.SpeechEventType.FINAL_TRANSCRIPT) == 1


def test_a_session_gets_the_events_of_a_turn_in_order(synthesiser: Synthesiser) -> None:
    async def scene() -> list[stt.SpeechEvent]:
        line = Line()
        await line.hear(SECOND + await synthesiser.synthesise(QUESTION) + SECOND * 2)
        return await line.finish()

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
