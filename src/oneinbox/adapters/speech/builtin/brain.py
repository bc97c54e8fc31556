"""The brain without a key: it says sentences that the owner wrote in the prompt, asks back, or takes a message."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from livekit.agents import NOT_GIVEN, APIConnectOptions, NotGivenOr, llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.utils import shortuuid

from oneinbox.adapters.speech.builtin.dialogue import Dialogue
from oneinbox.adapters.speech.builtin.knowledge import Knowledge
from oneinbox.adapters.speech.builtin.models import embedder
from oneinbox.contracts.plan import LlmChoice

PROMPTS = 64
"""So many prompts stay learnt, about 150 KB each."""
THREADS = 2


class BuiltinBrain:
    """Makes brains that share two threads and what they have learnt; loads the model at the first use."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="brain")
        self._learn = lru_cache(maxsize=PROMPTS)(_learn)

    def __call__(self, choice: LlmChoice) -> llm.LLM[str]:
        return _BuiltinLLM(self._threads, self._learn)

    async def prepare(self, system_prompt: str) -> None:
        """Learn a prompt ahead of the first turn: about 10 ms a sentence, nothing for one already learnt."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._learn, system_prompt)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()


class _BuiltinLLM(llm.LLM[str]):
    def __init__(self, threads: ThreadPoolExecutor, learn: Callable[[str], Knowledge]) -> None:
        super().__init__()
        self.threads = threads
        self.learn = learn

    @property
    def model(self) -> str:
        """The model's name."""
        return "extractive"

    @property
    def provider(self) -> str:
        """Whose model it is."""
        return "builtin"

    async def _prewarm_impl(self) -> None:
        """The session calls this when it is made: loads the model and what is the same for all prompts."""
        await asyncio.get_running_loop().run_in_executor(self.threads, self.learn, "")

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
        """The answer to the last turn of the context, as one chunk."""
        return _BuiltinReply(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class _BuiltinReply(llm.LLMStream):
    async def _run(self) -> None:
        owner = self._llm
        assert isinstance(owner, _BuiltinLLM)
        turns = [(message.role, message.text_content or "") for message in self._chat_ctx.messages()]
        text = await asyncio.get_running_loop().run_in_executor(owner.threads, reply, owner.learn, turns)
        if text:
            self._event_ch.send_nowait(
                llm.ChatChunk(id=shortuuid(), delta=llm.ChoiceDelta(role="assistant", content=text))
            )


def reply(learn: Callable[[str], Knowledge], turns: Sequence[tuple[llm.ChatRole, str]]) -> str:
    """What to say at the end of `turns`, the messages of a context with their roles; blocks."""
    prompt = "\n\n".join(text for role, text in turns if role in ("system", "developer"))
    dialogue = Dialogue(learn(prompt))
    said = ""
    for role, text in turns:
        if role == "assistant":
            dialogue.spoke(text)
            said = ""
        elif role == "user":
            if said:
                dialogue.unheard()
            said = dialogue.heard(text)
    return said


def _learn(system_prompt: str) -> Knowledge:
    return Knowledge(system_prompt, embedder().embed)
