"""`oneinbox call`: a real SIP call to one of this deployment's numbers, from this machine."""

import asyncio
import json
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated

import typer

from oneinbox.adapters.speech.builtin.listening import Utterance
from oneinbox.app import caller, settings
from oneinbox.contracts.media import MediaError
from oneinbox.kit import logs
from oneinbox.kit.clock import SystemClock


def call(
    number: Annotated[str, typer.Argument(help="The number to ring.")],
    wav: Annotated[list[Path] | None, typer.Option(help="Say this sound file; may be given again.")] = None,
    say: Annotated[list[str] | None, typer.Option(help="Say this text; may be given again.")] = None,
    out: Annotated[Path | None, typer.Option(help="Keep the audio: WAV, caller left, far side right.")] = None,
    silence: Annotated[float, typer.Option(help="Seconds to wait for the far side to speak.")] = 15.0,
    stay: Annotated[float, typer.Option(help="Seconds to listen on after the last answer.")] = 0.0,
) -> None:
    """Ring a number, speak when the far side is done, and print what it says: a JSON line for each utterance.

    Times are milliseconds since the answer. Exits with 0 when the call was answered, else with 1.
    """
    if wav and say:
        raise typer.BadParameter("give --wav or --say, not both")
    if out is not None and not out.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {out.parent}", param_hint="--out")
    sound = _read(wav or [])
    loaded = settings.load()
    logs.configure("error", "call")
    host = media_host(loaded.sip_listen.host, loaded.media_address)
    limits = caller.Limits(silence=silence, stay=stay)
    try:
        sound += asyncio.run(caller.speech_of(say, loaded.voice_dir)) if say else []
        report = asyncio.run(_call(number, sound, (host, loaded.sip_listen.port), out, limits))
    except MediaError as error:
        report = caller.CallReport(answered=False, status=None, reason=str(error))
    typer.echo(json.dumps(summary(report)), err=True)
    raise typer.Exit(0 if report.answered else 1)


def media_host(listen: str, media: IPv4Address) -> str:
    """Where on this machine the SIP edge is rung, and audio flows: where it listens, if that is one address."""
    return str(media) if IPv4Address(listen).is_unspecified else listen


def summary(report: caller.CallReport) -> dict[str, object]:
    """The line that ends a call: how it went, and the time from the end of each spoken line to its answer."""
    if not report.answered:
        return {"answered": False, "status": report.status, "reason": report.reason}
    return {
        "answered": True,
        "answered_after_ms": report.answered_after_ms,
        "first_audio_after_ms": report.first_audio_after_ms,
        "latencies_ms": [turn.latency_ms for turn in report.turns[1:]],
    }


def _read(paths: list[Path]) -> list[bytes]:
    try:
        return [caller.read_audio(path) for path in paths]
    except caller.AudioUnreadable as error:
        raise typer.BadParameter(str(error), param_hint="--wav") from None


async def _call(
    number: str, sound: list[bytes], target: tuple[str, int], out: Path | None, limits: caller.Limits
) -> caller.CallReport:
    return await caller.call(
        number,
        speak=sound,
        target=target,
        host=target[0],
        clock=SystemClock(),
        out=out,
        on_utterance=_print,
        limits=limits,
    )


def _print(utterance: Utterance) -> None:
    line = {"text": utterance.text, "start": utterance.start_ms, "end": utterance.end_ms}
    print(json.dumps(line, ensure_ascii=False), flush=True)
