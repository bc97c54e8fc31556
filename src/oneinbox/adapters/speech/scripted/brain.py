"""A brain that answers the nth turn with the nth line of its script."""

import asyncio
from typing import Any

from livekit.agents import NOT_GIVEN, APIConnectionError, APIConnectOptions, NotGivenOr, llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.utils import shortuuid

from oneinbox.contracts.plan import LlmChoice

MARK = "SCRIPT:"


def script(system_prompt: str) -> list[str]:
    """The lines of a system prompt that begin with `SCRIPT:`, without it."""
    lines = (line.strip() for line in system_prompt.splitlines())
    return [line.removeprefix(MARK).strip() for line in lines if line.startswith(MARK)]


class ScriptedBrain:
    """Makes brains. The script stands in the system prompt, one line per turn of the caller, the last repeats.

    `SCRIPT: text` says the text, `SCRIPT: !delay 2 text` after 2 seconds, `SCRIPT: !error` fails, `SCRIPT: !hang` never
    answers. Without a script the caller's words come back as `You said: …`.
    """

    def __call__(self, choice: LlmChoice) -> llm.LLM[str]:
        return _ScriptedLLM()


class _ScriptedLLM(llm.LLM[str]):
    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> llm.LLMStream:
        return _ScriptedReply(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class _ScriptedReply(llm.LLMStream):
    async def _run(self) -> None:
        messages = self._chat_ctx.messages()
        lines = [
            line for message in messages if message.role == "system" for line in script(message.text_content or "")
        ]
        turns = [message.text_content or "" for message in messages if message.role == "user"]
        line = lines[min(len(turns), len(lines)) - 1 if turns else 0] if lines else f"You said: {(turns or [''])[-1]}"
        command, _, rest = line.partition(" ")
        if command == "!error":
            raise APIConnectionError("The script says that the brain breaks.", retryable=False)
        if command == "!hang":
            await asyncio.Event().wait()
        if command == "!delay":
            seconds, _, line = rest.partition(" ")
            await asyncio.sleep(float(seconds))
        reply = llm.ChatChunk(id=shortuuid(), delta=llm.ChoiceDelta(role="assistant", content=line))
        self._event_ch.send_nowait(reply)
