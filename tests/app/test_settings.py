"""Settings: their defaults, what is refused and how, and what a child process is given."""

from pathlib import Path

import pytest

from oneinbox.app.settings import Settings, SettingsError, child_environment, load, variable


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)


def test_defaults_that_others_script_against(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEINBOX_SIP_LISTEN", "127.0.0.1:5070")
    settings = load()
    assert str(settings.api_listen) == "127.0.0.1:8000"
    assert str(settings.rtp_ports) == "10000-10199"
    assert str(settings.media_address) == "127.0.0.1"
    assert [str(network) for network in settings.trusted_sources] == ["127.0.0.1/32"]
    assert settings.voice_workers == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ONEINBOX_SIP_LISTEN", "somewhere"),
        ("ONEINBOX_API_LISTEN", "127.0.0.1:99999"),
        ("ONEINBOX_RTP_PORTS", "20-10"),
        ("ONEINBOX_TRUSTED_SOURCES", "10.0.0.0/99"),
        ("ONEINBOX_VOICE_WORKERS", "0"),
        ("ONEINBOX_LOG_LEVEL", "loud"),
    ],
)
def test_a_bad_value_is_named_with_a_right_one(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load()
    assert str(refused.value).startswith(f"{name}: ")
    assert "A right value would be " in str(refused.value)


def test_a_bad_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEINBOX_DATABASE_URL", "mysql://user:s3cret-canary@host/db")
    with pytest.raises(SettingsError) as refused:
        load()
    assert "s3cret-canary" not in str(refused.value)


def test_trusted_sources_may_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEINBOX_TRUSTED_SOURCES", "")
    assert load().trusted_sources == ()


def test_a_child_gets_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ONEINBOX_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ONEINBOX_SIP_LISTEN", "127.0.0.1:5070")
    monkeypatch.setenv("TWILIO_SIP_PASSWORD", "s3cret-canary")
    settings = load()
    assert "s3cret-canary" not in repr(settings)
    for name, value in child_environment(settings).items():
        monkeypatch.setenv(name, value)
    assert load() == settings
    assert settings.sip_defaults("twilio")["auth_password"] == "s3cret-canary"


def test_the_scripted_media_plane_is_taken_only_on_purpose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEINBOX_MEDIA_PLANE", "scripted")
    with pytest.raises(SettingsError, match="ONEINBOX_MEDIA_PLANE: scripted needs ONEINBOX_SCRIPTED_PROVIDERS=true"):
        load()
    monkeypatch.setenv("ONEINBOX_SCRIPTED_PROVIDERS", "true")
    with pytest.raises(SettingsError, match="ONEINBOX_SCRIPTED_TRUNKS"):
        load()
    monkeypatch.setenv("ONEINBOX_SCRIPTED_TRUNKS", "127.0.0.1:4455")
    assert str(load().scripted_trunks) == "127.0.0.1:4455"
