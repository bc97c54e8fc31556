"""A deployment's speech: which adapter makes the recogniser, the brain and the voice of an agent, by provider."""

from collections.abc import Mapping

from livekit.agents import llm, stt, tts

from oneinbox.adapters.speech.builtin.brain import BuiltinBrain
from oneinbox.adapters.speech.builtin.recogniser import BuiltinRecogniser
from oneinbox.adapters.speech.builtin.synthesis import Synthesiser
from oneinbox.adapters.speech.builtin.voice import BuiltinVoice
from oneinbox.adapters.speech.hosted.brain import HostedBrain
from oneinbox.adapters.speech.scripted import ScriptedBrain, ScriptedRecogniser, ScriptedVoice
from oneinbox.app.settings import Settings
from oneinbox.app.wiring import COMPATIBLE, HOSTED, OFFLINE, SCRIPTED
from oneinbox.contracts.plan import CallPlan, LlmChoice, SttChoice, TtsChoice
from oneinbox.contracts.speech import Brain, ProviderNotConfigured, Recogniser, Voice

NO_KEY = "none"
"""What is sent to an API that wants no key."""


class DeploymentSpeech:
    """The `Speech` port over everything that the settings allow."""

    def __init__(self, settings: Settings, synthesiser: Synthesiser) -> None:
        recognisers: dict[str, Recogniser] = {OFFLINE: BuiltinRecogniser()}
        own = BuiltinBrain()
        brains: dict[str, Brain] = {OFFLINE: own}
        voices: dict[str, Voice] = {OFFLINE: BuiltinVoice(synthesiser)}
        if settings.scripted_providers:
            recognisers[SCRIPTED] = ScriptedRecogniser()
            brains[SCRIPTED] = ScriptedBrain()
            voices[SCRIPTED] = ScriptedVoice()
        self._learning: Mapping[str, BuiltinBrain] = {OFFLINE: own}
        self._hosted = _hosted(settings)
        if self._hosted is not None:
            brains |= dict.fromkeys(HOSTED, self._hosted)
        self._recognisers: Mapping[str, Recogniser] = recognisers
        self._brains: Mapping[str, Brain] = brains
        self._voices: Mapping[str, Voice] = voices

    def recogniser(self, choice: SttChoice, *, responsiveness: float) -> stt.STT[str]:
        """The recogniser of one agent on one call."""
        maker = self._recognisers.get(choice.provider)
        if maker is None:
            raise _not_configured("speech recognition", choice.provider, self._recognisers)
        return maker(choice, responsiveness=responsiveness)

    def brain(self, choice: LlmChoice) -> llm.LLM[str]:
        """The brain of one agent on one call."""
        maker = self._brains.get(choice.provider)
        if maker is None:
            raise _not_configured("language model", choice.provider, self._brains)
        return maker(choice)

    def voice(self, choice: TtsChoice) -> tts.TTS[str]:
        """The voice of one agent on one call."""
        maker = self._voices.get(choice.provider)
        if maker is None:
            raise _not_configured("voice", choice.provider, self._voices)
        return maker(choice)

    async def prepare(self, plan: CallPlan) -> None:
        """Learn the agents' prompts where brains learn them, ahead of the caller's first turn."""
        for agent in plan.agents:
            if (brain := self._learning.get(agent.llm.provider)) is not None:
                await brain.prepare(agent.system_prompt)

    async def aclose(self) -> None:
        """End the threads of our own brain and the connections to hosted ones."""
        for brain in self._learning.values():
            brain.close()
        if self._hosted is not None:
            await self._hosted.aclose()


def _hosted(settings: Settings) -> HostedBrain | None:
    if settings.llm_base_url is None:
        return None
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else NO_KEY
    return HostedBrain(base_url=settings.llm_base_url, api_key=key, model=settings.llm_model or "", provider=COMPATIBLE)


def _not_configured(what: str, provider: str, there: Mapping[str, object]) -> ProviderNotConfigured:
    message = f"This deployment has no {what} of the provider {provider}; it has: {', '.join(sorted(there))}."
    return ProviderNotConfigured(provider, message, retryable=False)
