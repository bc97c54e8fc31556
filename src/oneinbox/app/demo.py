"""The demo: a small shop's agent and number, made through the public API, and a real call to it that is judged."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from oneinbox.app import caller
from oneinbox.app.caller import Conversation, Turn
from oneinbox.app.settings import Settings
from oneinbox.kit.clock import Clock
from oneinbox.kit.errors import OneInboxError

NUMBER = "+15550100100"
KEY_FILE = "demo.key"
AGENT_NAME = "Harbour Bikes (demo)"
GREETING = "Hello, this is Harbour Bikes. How can I help you?"
GOODBYE = "goodbye"
PROMPT = """You answer the telephone of Harbour Bikes, a small bicycle shop.

We are open Monday to Friday from nine to six, and on Saturday from ten to two.
Our shop is at twelve Harbour Street, next to the old lighthouse.
A repair usually takes two days.
Renting a bicycle costs fifteen dollars a day.
You can pay in cash or by card.
"""
HTTP_SECONDS = 15.0

Show = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Line:
    """What the demo's caller says, and a word that a right answer holds."""

    say: str
    expect: re.Pattern[str]


SCRIPT = (
    Line("Hi there. When are you open?", re.compile(r"\bmonday\b|\bnine\b|\bsaturday\b|\b9\b", re.IGNORECASE)),
    Line("How much is it to rent a bicycle?", re.compile(r"\bfifteen\b|\b15\b|\bdollars\b", re.IGNORECASE)),
    Line("Where can I find you?", re.compile(r"\bharbou?r\b|\bstreet\b|\blighthouse\b", re.IGNORECASE)),
)
"""The last question shares no word with the sentence of the prompt that answers it."""


class DemoFailed(OneInboxError):
    """The demo could not be set up, or its call was not answered as it should be."""

    code = "DEMO_FAILED"


def key_file(settings: Settings) -> Path:
    """Where the demo's API key lies; that it is there says that the demo was set up."""
    return settings.data_dir / KEY_FILE


def kept_key(settings: Settings) -> str | None:
    """The demo's key, if there is one."""
    path = key_file(settings)
    return path.read_text(encoding="utf-8").strip() if path.exists() else None


def keep_key(settings: Settings, key: str) -> None:
    """Write the key for its owner only."""
    path = key_file(settings)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(key + "\n")
    draft.rename(path)


async def is_served(settings: Settings) -> bool:
    """Whether a deployment answers where these settings have the API."""
    async with _http(settings) as http:
        try:
            return (await http.get("/v1/health")).is_success
        except httpx.HTTPError:
            return False


async def is_valid(settings: Settings, key: str) -> bool:
    """Whether the API takes this key."""
    async with _http(settings, key) as http:
        return (await http.get("/v1/phone-numbers")).is_success


async def set_up(settings: Settings, key: str) -> None:
    """The demo's agent and number, over HTTP, as any client would make them; what is there is brought up to date.

    Raises DemoFailed.
    """
    async with _http(settings, key) as http:
        client = _Client(http)
        there = await client.call("GET", "/v1/phone-numbers", params={"limit": 100})
        number = next((one for one in there["items"] if one["phone_number"] == NUMBER), None)
        if number is None:
            agent = await client.call("POST", "/v1/agents", json={"name": AGENT_NAME})
        else:
            agent = await client.call("GET", f"/v1/agents/{number['agent_id']}")
        model = {"system_prompt": PROMPT}
        await client.call("PATCH", f"/v1/models/{agent['llm_id']}", json=model)
        behaviour = {"first_message": GREETING, "end_call_phrases": [GOODBYE], "enable_recording": True}
        await client.call("PATCH", f"/v1/agents/{agent['id']}", json=behaviour)
        if number is None:
            await client.call("POST", "/v1/phone-numbers", json=_registration(agent["id"]))


async def talk(settings: Settings, clock: Clock, target: tuple[str, int], show: Show) -> bool:
    """Place the demo's call and show it as it happens. True when every answer was right, by what the caller heard.

    Raises NotAnswered.
    """
    spoken = await caller.speech_of([line.say for line in SCRIPT], settings.voice_dir)
    right = 0
    async with caller.calling(NUMBER, target=target, host=target[0], clock=clock) as conversation:
        show(f"answered after {conversation.answered_after_ms} ms")
        greeting = await conversation.listen()
        _show_answer(show, greeting)
        greeted = "bikes" in greeting.text.lower() or "help" in greeting.text.lower()
        for line, pcm in zip(SCRIPT, spoken, strict=True):
            right += await _ask(conversation, line, pcm, show)
    show(f"{right} of {len(SCRIPT)} answers held what was asked for")
    return greeted and right == len(SCRIPT)


async def recording_of(settings: Settings, key: str) -> str | None:
    """Where the recording of the newest call to the demo's number lies, once it is stored."""
    async with _http(settings, key) as http:
        calls = await _Client(http).call("GET", "/v1/calls", params={"limit": 20})
    newest = next((call for call in calls["items"] if call["to_number"] == NUMBER and call["recording_url"]), None)
    if newest is None:
        return None
    return next((str(path) for path in settings.recordings_dir.glob(f"*/{newest['id']}.ogg")), None)


def how_to_call(settings: Settings, target: tuple[str, int]) -> str:
    """What to try next, for whoever has just seen the demo."""
    host, port = target
    api = f"http://{settings.api_listen}"
    return f"""
   Call it yourself  with a softphone on this machine, no account needed: sip:{NUMBER}@{host}:{port}
                     or from here: .venv/bin/oneinbox call {NUMBER} --say "Can I pay by card?"
   See the calls     curl -H "Authorization: Bearer $(cat {key_file(settings)})" {api}/v1/calls
   The API's pages   {api}/docs
"""


async def _ask(conversation: Conversation, line: Line, pcm: bytes, show: Show) -> bool:
    show(f"caller: {line.say}")
    turn = await conversation.say(pcm)
    _show_answer(show, turn)
    return line.expect.search(turn.text) is not None


def _show_answer(show: Show, turn: Turn) -> None:
    said = turn.text or "(nothing was heard)"
    show(f"agent:  {said}" + (f"   [{turn.latency_ms} ms]" if turn.latency_ms is not None else ""))


def _registration(agent_id: str) -> dict[str, object]:
    """The demo has no carrier: calls come from this machine only, and calls out would not get anywhere."""
    nowhere = {"trunk_address": "demo.invalid", "auth_username": "demo", "auth_password": "demo"}
    return {
        "phone_number": NUMBER,
        "friendly_name": "Demo",
        "provider": "twilio",
        "agent_id": agent_id,
        "provider_config": nowhere,
    }


def _http(settings: Settings, key: str | None = None) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    base_url = f"http://{settings.api_listen}"
    return httpx.AsyncClient(base_url=base_url, headers=headers, timeout=HTTP_SECONDS, trust_env=False)


class _Client:
    """The public API, with its errors as ours."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def call(
        self, method: str, path: str, *, params: dict[str, int] | None = None, json: Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        try:
            response = await self._http.request(method, path, params=params, json=json)
        except httpx.HTTPError as error:
            raise DemoFailed(f"{method} {path}: the API did not answer ({type(error).__name__}).") from None
        if response.is_error:
            raise DemoFailed(f"{method} {path}: {response.status_code} {response.text}")
        answer: dict[str, Any] = response.json()
        return answer
