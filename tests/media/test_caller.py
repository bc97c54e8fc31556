"""The caller against a far side in another process, and the command around it."""

import asyncio
import json
import os
import re
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import typer
from tests.media import shop as far
from tests.media.line import bound, needs_sipp, share_of, sipp, tone
from tests.ports import free_port
from typer.testing import CliRunner

from oneinbox.adapters.speech.builtin.listening import Utterance
from oneinbox.app.caller import AudioUnreadable, CallReport, Limits, call, calling, read_audio
from oneinbox.cli.call import call as command
from oneinbox.contracts.media import MediaError
from oneinbox.kit.clock import SystemClock

NUMBER = "+15551234567"
SAID = ({"calling", "bicycle", "shop"}, {"nine", "saturday", "morning"}, {"yellow", "window"})
COMMAND = "import typer; from oneinbox.cli.call import call; typer.run(call)"


@pytest.fixture(scope="module")
def shop() -> Iterator[tuple[str, int]]:
    command = [sys.executable, far.__file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield "127.0.0.1", int(process.stdout.readline())
        process.communicate(timeout=10)


def words(text: str) -> set[str]:
    return set(re.findall("[a-z]+", text.lower()))


def test_each_line_is_said_after_the_answer_to_the_one_before(shop: tuple[str, int], tmp_path: Path) -> None:
    live: list[Utterance] = []
    lines = [tone(400, 50), tone(400, 50)]
    out = tmp_path / "call.wav"
    report = asyncio.run(
        call(
            NUMBER,
            speak=lines,
            target=shop,
            host="127.0.0.1",
            clock=SystemClock(),
            out=out,
            on_utterance=live.append,
        )
    )
    assert (report.answered, report.status) == (True, 200)
    assert [words(turn.text) >= said for turn, said in zip(report.turns, SAID, strict=True)] == [True] * 3
    assert tuple(live) == report.utterances
    greeting, first, second = report.turns
    assert greeting.utterances[-1].end_ms + 700 < first.said_until_ms - 1000
    assert first.utterances[-1].end_ms + 700 < second.said_until_ms - 1000
    assert all(turn.latency_ms is not None and 400 <= turn.latency_ms < 2000 for turn in report.turns[1:])
    assert report.first_audio_after_ms is not None
    check_recording(out, first.said_until_ms, first.answer_from_ms or 0)


def check_recording(path: Path, said_until_ms: int, answer_from_ms: int) -> None:
    """The caller's tone is on the left and ends where it was said to; between it and the answer both are silent."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 8000)
        sides = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    left, right = sides[:, 0].tobytes(), sides[:, 1].tobytes()
    assert share_of(400, left) > 0.9 > 0.2 > share_of(400, right)
    assert np.abs(sides[(said_until_ms - 100) * 8 : said_until_ms * 8, 0]).max() > 4000
    assert np.abs(sides[(said_until_ms + 2) * 8 : (answer_from_ms - 2) * 8]).max() < 200


def test_silence_is_given_up_on(shop: tuple[str, int]) -> None:
    async def scene() -> tuple[float, CallReport]:
        clock = SystemClock()
        began = clock.monotonic()
        report = await call(
            NUMBER,
            speak=[tone(400, 25)] * 3,
            target=shop,
            host="127.0.0.1",
            clock=clock,
            limits=Limits(silence=3),
        )
        return clock.monotonic() - began, report

    took, report = asyncio.run(scene())
    assert [turn.latency_ms is None for turn in report.turns] == [False, False, False, True]
    assert took < 60


def test_one_can_hang_up_in_the_middle(shop: tuple[str, int]) -> None:
    async def scene() -> str:
        async with calling(NUMBER, target=shop, host="127.0.0.1", clock=SystemClock()) as conversation:
            await conversation.listen()
        assert conversation.over
        return conversation.utterances[0].text

    assert words(asyncio.run(scene())) >= SAID[0]


def run_command(target: tuple[str, int], *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"ONEINBOX_SIP_LISTEN": f"{target[0]}:{target[1]}"}
    command = [sys.executable, "-c", COMMAND, NUMBER, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90, check=False)


def test_the_command_prints_nothing_but_utterances(shop: tuple[str, int]) -> None:
    done = run_command(shop, "--say", "When do you open on Saturday?")
    assert done.returncode == 0
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [set(line) for line in lines] == [{"text", "start", "end"}] * 2
    assert [words(line["text"]) >= said for line, said in zip(lines, SAID[:2], strict=True)] == [True] * 2
    assert 0 < lines[0]["start"] < lines[0]["end"] < lines[1]["start"]
    ending = json.loads(done.stderr.splitlines()[-1])
    assert ending["answered"]
    assert len(ending["latencies_ms"]) == 1


@needs_sipp
def test_the_command_says_why_nobody_answered(tmp_path: Path) -> None:
    async def scene() -> subprocess.CompletedProcess[str]:
        port = free_port()
        async with sipp(tmp_path, "refuses.xml", "-p", str(port)):
            await bound(port)
            return await asyncio.to_thread(run_command, ("127.0.0.1", port))

    done = asyncio.run(scene())
    assert (done.returncode, done.stdout) == (1, "")
    assert json.loads(done.stderr.splitlines()[-1]) == {"answered": False, "status": 404, "reason": "Not Found"}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--wav", "missing.wav"), "missing.wav"),
        (("--out", "missing/out.wav"), "missing"),
        (("--say", "hello", "--wav", "missing.wav"), "not both"),
    ],
)
def test_a_wrong_argument_is_named_and_no_call_placed(arguments: tuple[str, ...], why: str) -> None:
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, [NUMBER, *arguments])
    assert (done.exit_code, done.stdout) == (2, "")
    assert why in done.stderr


def test_a_number_that_cannot_be_dialled_is_not_answered() -> None:
    target = ("127.0.0.1", free_port())
    report = call("not a number", speak=[], target=target, host="127.0.0.1", clock=SystemClock())
    with pytest.raises(MediaError, match="can be dialled"):
        asyncio.run(report)


def test_nobody_at_home_is_given_up_on() -> None:
    report = asyncio.run(
        call(
            NUMBER,
            speak=[],
            target=("127.0.0.1", free_port()),
            host="127.0.0.1",
            clock=SystemClock(),
            limits=Limits(ring=1),
        )
    )
    assert report == CallReport(False, None, "Nobody answered within 1 s.")


def test_any_sound_file_can_be_said(tmp_path: Path) -> None:
    samples = (8000 * np.sin(2 * np.pi * 400 * np.arange(44100) / 44100)).astype("<i2")
    with wave.open(str(tmp_path / "wide.wav"), "wb") as file:
        file.setparams((2, 2, 44100, 0, "NONE", ""))
        file.writeframes(np.repeat(samples, 2).tobytes())
    pcm = read_audio(tmp_path / "wide.wav")
    assert abs(len(pcm) - 16000) < 100
    assert share_of(400, pcm) > 0.99


def test_what_is_no_sound_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "words.wav").write_text("not audio")
    with pytest.raises(AudioUnreadable, match=r"words\.wav"):
        read_audio(tmp_path / "words.wav")
