"""Which providers a deployment's settings allow, and what is said of the others."""

from pathlib import Path

import pytest

from oneinbox.adapters.speech.builtin.synthesis import Synthesiser, load
from oneinbox.app.settings import Settings
from oneinbox.app.voice.speech import DeploymentSpeech
from oneinbox.contracts.plan import LlmChoice, SttChoice, TtsChoice
from oneinbox.contracts.speech import ProviderNotConfigured


@pytest.fixture(scope="module")
def synthesiser(tmp_path_factory: pytest.TempPathFactory) -> Synthesiser:
    return load(tmp_path_factory.mktemp("voice"))


def speech(synthesiser: Synthesiser, folder: Path, **settings: object) -> DeploymentSpeech:
    return DeploymentSpeech(Settings(data_dir=folder, **settings), synthesiser)  # type: ignore[arg-type]


def test_the_builtin_ones_are_always_there(synthesiser: Synthesiser, tmp_path: Path) -> None:
    one = speech(synthesiser, tmp_path)
    assert one.recogniser(SttChoice("builtin", "default"), responsiveness=0.5).provider == "builtin"
    assert one.voice(TtsChoice("builtin")).sample_rate == 8000
    assert one.brain(LlmChoice("builtin", "default")).provider == "builtin"


@pytest.mark.parametrize("provider", ["scripted", "deepgram", "custom", "openai", ""])
def test_what_is_not_configured_is_named_with_what_is(synthesiser: Synthesiser, tmp_path: Path, provider: str) -> None:
    one = speech(synthesiser, tmp_path)
    for ask in (
        lambda: one.recogniser(SttChoice(provider, "m"), responsiveness=0.5),
        lambda: one.brain(LlmChoice(provider, "m")),
        lambda: one.voice(TtsChoice(provider)),
    ):
        with pytest.raises(ProviderNotConfigured, match="it has: builtin") as caught:
            ask()
        assert not caught.value.retryable


def test_scripted_ones_come_by_a_setting(synthesiser: Synthesiser, tmp_path: Path) -> None:
    one = speech(synthesiser, tmp_path, scripted_providers=True)
    one.recogniser(SttChoice("scripted", "default"), responsiveness=0.5)
    one.brain(LlmChoice("scripted", "default"))
    one.voice(TtsChoice("scripted"))


@pytest.mark.parametrize("provider", ["custom", "openai"])
@pytest.mark.parametrize(("asked", "model"), [("default", "qwen"), ("", "qwen"), ("gpt", "gpt")])
def test_a_hosted_brain_comes_by_its_address(
    synthesiser: Synthesiser, tmp_path: Path, provider: str, asked: str, model: str
) -> None:
    one = speech(synthesiser, tmp_path, llm_base_url="http://127.0.0.1:9/v1", llm_model="qwen")
    assert one.brain(LlmChoice(provider, asked)).model == model
