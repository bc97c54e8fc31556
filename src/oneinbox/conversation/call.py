"""One call from its answer to its terminal event, along the chain: agents in order, voicemail, a last sentence."""

import asyncio
from collections.abc import Callable

import structlog

from oneinbox.contracts.events import (
    AgentFailed,
    CallAnswered,
    CallEnded,
    CallEvent,
    EndReason,
    RecordingLost,
    RecordingStored,
)
from oneinbox.contracts.media import CallLeg
from oneinbox.contracts.plan import AgentPlan, CallPlan, TtsChoice
from oneinbox.contracts.speech import Recorder, Speech
from oneinbox.conversation.agent import AgentOnCall
from oneinbox.conversation.announcement import Announcer, synthesise
from oneinbox.conversation.line import Ending, Line
from oneinbox.conversation.voicemail import VoicemailBox
from oneinbox.kit.clock import Clock
from oneinbox.kit.errors import OneInboxError, ProviderError

SORRY = "I am sorry, we can't take your call right now. Please try again later. Goodbye."
OWN_VOICE = TtsChoice(provider="builtin")
"""The voice that needs no vendor."""
HANG_UP_SECONDS = 2.0
KEEP_SECONDS = 10.0
"""Encoding the last second and closing the file take milliseconds, unless the disk hangs."""

_log = structlog.get_logger(__name__)


async def run(
    plan: CallPlan,
    leg: CallLeg,
    speech: Speech,
    *,
    recorder: Recorder | None,
    emit: Callable[[CallEvent], None],
    stop: asyncio.Event,
    clock: Clock,
) -> CallEnded:
    """Carry the call: answer, talk, hang up. Emits every event, exactly one `CallEnded` and that last, and returns it.

    `recorder` is fed while an agent with `enable_recording` serves and during voicemail; it is finished when it was fed
    at all, else discarded. `stop` ends the call with `api_stop`. Raises nothing for what happens on a call; when it is
    cancelled, the call is closed all the same (`worker_error`).
    """
    line = Line(leg, recorder, emit)
    watchers = (
        asyncio.create_task(line.watch_leg(), name=f"leg {plan.call_id}"),
        asyncio.create_task(line.watch_stop(stop), name=f"stop {plan.call_id}"),
    )
    watchers[0].add_done_callback(lambda task: _watched(line, task))
    ending = Ending(EndReason.WORKER_ERROR, failed=True, detail="The worker stopped in the middle of the call.")
    ended: CallEnded | None = None
    try:
        ending = await _converse(plan, line, speech, clock)
    except Exception as error:  # noqa: BLE001 (whatever breaks in a call, the call must end properly)
        _log.error("conversation_broke", call_id=plan.call_id, exc_info=error)
        ending = Ending(EndReason.WORKER_ERROR, failed=True, detail=f"The conversation broke: {type(error).__name__}.")
    finally:
        ended = await _close(line, recorder, ending)
        for watcher in watchers:
            watcher.cancel()
    return ended


async def _converse(plan: CallPlan, line: Line, speech: Speech, clock: Clock) -> Ending:
    line.leg.attach(line)
    if not await _answer(line):
        return line.over.result()
    for agent in plan.agents:
        reason = await _serve(agent, line, speech, clock)
        if line.over.done():
            return line.over.result()
        line.emit(AgentFailed(at_ms=line.now_ms, agent_id=agent.agent_id, reason=reason))
    if (ending := await _voicemail(plan, line, speech)) is not None:
        return ending
    if not line.over.done():
        await line.until_over(_apologise(plan, line, speech))
    if line.over.done():
        return line.over.result()
    return Ending(EndReason.WORKER_ERROR, failed=True, detail="No agent could serve the call.")


async def _answer(line: Line) -> bool:
    try:
        await line.until_over(line.leg.answer())
    except ProviderError as error:
        line.end(Ending(EndReason.CANCELLED, failed=True, detail=str(error)))
    if line.over.done():
        return False
    line.answered = True
    line.emit(CallAnswered())
    return True


async def _serve(plan: AgentPlan, line: Line, speech: Speech, clock: Clock) -> str:
    """Let an agent serve; why it could not go on, in plain words."""
    try:
        return await line.until_over(AgentOnCall(plan, line, speech, clock).serve()) or ""
    except ProviderError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 (an agent that breaks is followed by the next of the chain)
        _log.error("agent_broke", agent_id=plan.agent_id, exc_info=error)
        return f"The agent broke: {type(error).__name__}."


async def _voicemail(plan: CallPlan, line: Line, speech: Speech) -> Ending | None:
    """Take a message; None when there is no voicemail or its message can't be spoken."""
    if plan.voicemail is None or line.over.done():
        return None
    pcm = await line.until_over(synthesise(plan.voicemail.message, (plan.voicemail.tts, OWN_VOICE), speech))
    if pcm is None:
        return None
    box = VoicemailBox(plan.voicemail, line, speech)
    await line.until_over(box.greet(pcm))
    if line.over.done():
        return line.over.result()
    return await box.record()


async def _apologise(plan: CallPlan, line: Line, speech: Speech) -> None:
    choices = (OWN_VOICE, *(agent.tts for agent in plan.agents))
    if pcm := await synthesise(SORRY, choices, speech):
        await Announcer(line).say(SORRY, pcm)


def _watched(line: Line, task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        line.end(Ending(EndReason.WORKER_ERROR, failed=True, detail=f"The leg broke: {type(error).__name__}."))


async def _close(line: Line, recorder: Recorder | None, ending: Ending) -> CallEnded:
    line.ear = None
    line.recording = False
    ended = CallEnded(at_ms=line.now_ms, reason=ending.reason, failed=ending.failed, detail=ending.detail)
    try:
        await _hang_up(line)
        if recorder is not None:
            await _keep(line, recorder, ended.at_ms)
    finally:
        line.emit(ended)
    return ended


async def _hang_up(line: Line) -> None:
    try:
        async with asyncio.timeout(HANG_UP_SECONDS):
            if line.answered:
                await line.leg.hang_up()
            elif not line.closed:
                await line.leg.reject()
    except Exception as error:  # noqa: BLE001 (a leg that can't be hung up is over, or its plane is)
        _log.warning("hang_up_failed", reason=type(error).__name__)


async def _keep(line: Line, recorder: Recorder, at_ms: int) -> None:
    try:
        async with asyncio.timeout(KEEP_SECONDS):
            if line.recorded:
                path, duration_ms = await recorder.finish()
                line.emit(RecordingStored(at_ms=at_ms, path=path, duration_ms=duration_ms))
            else:
                await recorder.discard()
    except Exception as error:  # noqa: BLE001 (a lost recording must not lose the call's end)
        _log.error("recording_failed", exc_info=error)
        if line.recorded:
            line.emit(RecordingLost(at_ms=at_ms, reason=_why_lost(error)))


def _why_lost(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"The recording could not be completed within {KEEP_SECONDS:.0f} s."
    return str(error) if isinstance(error, OneInboxError) else "The recording could not be completed."
