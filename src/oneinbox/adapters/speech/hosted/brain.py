"""A streaming brain over an OpenAI-compatible HTTP API, with bounded patience and errors that hold no secret.

Time-outs: 5 s to connect, 10 s to the first token, 60 s for the whole answer. One retry, only before the first token
and never after a time-out.
"""

import asyncio
from typing import Any

import httpx2
import openai
from livekit.agents import NOT_GIVEN, APIConnectOptions, APIError, APIStatusError, APITimeoutError, NotGivenOr, llm
from livekit.agents.inference.llm import LLMStream
from livekit.agents.llm.utils import ThinkingTokenFilter
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from openai.types.chat.chat_completion_chunk import Choice

from oneinbox.contracts.plan import LlmChoice
from oneinbox.kit.errors import ProviderError

CONNECT_SECONDS = 5.0
FIRST_TOKEN_SECONDS = 10.0
TOTAL_SECONDS = 60.0
_RETRY = APIConnectOptions(max_retry=1, retry_interval=0.3, timeout=FIRST_TOKEN_SECONDS)
_CAUSES = {401: "refuses the key", 403: "refuses the key", 404: "has no such model", 429: "has no capacity for us now"}


class BrainError(ProviderError, APIError):
    """The LLM failed: a ProviderError for us, an APIError for the session that retries it."""

    code = "LLM_ERROR"


class HostedBrain:
    """Makes brains that share one connection pool. An empty model or `default` in the plan means `model`."""

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        model: str,
        provider: str = "hosted",
        first_token_seconds: float = FIRST_TOKEN_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._model = model
        self._provider = provider
        self._patience = (first_token_seconds, total_seconds)
        self._client = openai.AsyncClient(
            api_key=api_key,
            base_url=base_url,
            max_retries=0,
            http_client=httpx2.AsyncClient(
                follow_redirects=False, trust_env=False, event_hooks={"request": [_bound_connect]}
            ),
        )

    def __call__(self, choice: LlmChoice) -> llm.LLM[str]:
        model = self._model if choice.model in ("", "default") else choice.model
        return _HostedLLM(self._client, self._provider, model, choice, self._patience)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()


class _HostedLLM(llm.LLM[str]):
    def __init__(
        self,
        client: openai.AsyncClient,
        provider: str,
        model: str,
        choice: LlmChoice,
        patience: tuple[float, float],
    ) -> None:
        super().__init__()
        self._client = client
        self._provider = provider
        self._model = model
        self._choice = choice
        self._patience = patience

    @property
    def model(self) -> str:
        """The model's name as the server knows it."""
        return self._model

    @property
    def provider(self) -> str:
        """Whose model it is."""
        return self._provider

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
        """A streamed answer. Time-outs and retries are the brain's own, whatever `conn_options` says."""
        extra: dict[str, Any] = {"temperature": self._choice.temperature}
        if self._choice.max_tokens is not None:
            extra["max_completion_tokens"] = self._choice.max_tokens
        return _HostedStream(
            self,
            self._patience,
            model=self._model,
            strict_tool_schema=False,
            client=self._client,
            chat_ctx=chat_ctx,
            tools=tools or [],
            conn_options=_RETRY,
            extra_kwargs=extra,
        )


class _HostedStream(LLMStream):
    """Adds the two deadlines, sees cut streams, and lets only BrainError out."""

    def __init__(self, owner: _HostedLLM, patience: tuple[float, float], **options: Any) -> None:
        self._first_token_seconds, self._total_seconds = patience
        self._provider_name = owner.provider
        self._limit: asyncio.Timeout | None = None
        self._spoke = False
        self._finished = False
        super().__init__(owner, **options)

    async def _run(self) -> None:
        self._spoke = self._finished = False
        try:
            async with asyncio.timeout(self._first_token_seconds) as self._limit:
                await super()._run()
        except APIStatusError as error:
            raise self._status_error(error) from None
        except (TimeoutError, APITimeoutError):
            raise self._error("did not answer in time", retryable=False) from None
        except APIError:
            raise self._error("could not be reached or broke off", retryable=not self._spoke) from None
        if not self._finished:
            raise self._error("broke off its answer", retryable=not self._spoke)
        if not self._spoke:
            raise self._error("gave an empty answer", retryable=True)

    def _parse_choice(self, id: str, choice: Choice, thinking_filter: ThinkingTokenFilter) -> llm.ChatChunk | None:
        chunk = super()._parse_choice(id, choice, thinking_filter)
        self._finished = self._finished or choice.finish_reason is not None
        if not self._spoke and chunk is not None and chunk.has_response() and self._limit is not None:
            self._spoke = True
            self._limit.reschedule(asyncio.get_running_loop().time() + self._total_seconds)
        return chunk

    def _status_error(self, error: APIStatusError) -> BrainError:
        cause = _CAUSES.get(error.status_code, "answered with an error")
        retryable = not self._spoke and (error.status_code == 429 or error.status_code >= 500)
        return self._error(f"{cause} (HTTP {error.status_code})", retryable=retryable, status_code=error.status_code)

    def _error(self, what: str, *, retryable: bool, status_code: int | None = None) -> BrainError:
        return BrainError(self._provider_name, f"The LLM server {what}.", retryable=retryable, status_code=status_code)


async def _bound_connect(request: httpx2.Request) -> None:
    """The session's library sets one time-out for everything; connecting gets its own, shorter one."""
    request.extensions["timeout"] = {**request.extensions.get("timeout", {}), "connect": CONNECT_SECONDS}
