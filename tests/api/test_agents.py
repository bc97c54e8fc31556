"""Agents and models over HTTP."""

import uuid
from typing import Any

import pytest
from sqlalchemy import text
from tests.api.conftest import Api, Deployed

ALL_FIELDS: dict[str, Any] = {
    "name": "Front desk",
    "status": "active",
    "transcriber": {"provider": "deepgram", "model": "nova-3", "language": "de"},
    "tts": {"provider": "cartesia", "speed": 1.2, "stability": 0.7},
    "first_message": "Hello {{name}}",
    "end_call_phrases": ["goodbye"],
    "max_duration_seconds": 300,
    "interruption_sensitivity": 0.2,
    "silence_timeout_seconds": 0,
    "enable_recording": True,
    "language": "de",
    "dynamic_variables": {"name": "you", "count": 3},
    "voicemail_detection": True,
    "voicemail_message": "Call back later.",
    "responsiveness": 0.9,
    "speed": 0.8,
    "background_sound": "office",
    "emotions": True,
    "job_description": "You sell bicycles.",
    "metadata": {"team": {"id": 7}},
}


def test_only_a_name_is_needed(tenant: Api) -> None:
    agent = tenant("POST", "/v1/agents", json={"name": "Front desk"}).json()
    assert agent["transcriber"] == {"provider": "builtin", "model": "default", "language": "en"}
    assert agent["tts"]["provider"] == "builtin"
    assert (agent["max_duration_seconds"], agent["silence_timeout_seconds"]) == (600, 10)
    assert (agent["interruption_sensitivity"], agent["responsiveness"], agent["speed"]) == (0.5, 0.5, 1.0)
    model = tenant("GET", f"/v1/models/{agent['llm_id']}").json()
    assert (model["provider"], model["name"]) == ("builtin", "Front desk")
    assert agent["effective_system_prompt"] == model["system_prompt"]


def test_a_configured_model_is_what_new_agents_get(deploy: Any) -> None:
    api = deploy(llm_base_url="http://127.0.0.1:1/v1", llm_model="qwen3:8b").workspace("default")
    agent = api("POST", "/v1/agents", json={"name": "Front desk"}).json()
    model = api("GET", f"/v1/models/{agent['llm_id']}").json()
    assert (model["provider"], model["model"]) == ("openai", "qwen3:8b")


def test_every_field_comes_back(tenant: Api) -> None:
    created = tenant("POST", "/v1/agents", json=ALL_FIELDS).json()
    for name, value in ALL_FIELDS.items():
        if isinstance(value, dict) and name in ("tts", "transcriber"):
            assert value.items() <= created[name].items()
        else:
            assert created[name] == value, name
    assert tenant("GET", f"/v1/agents/{created['id']}").json() == created
    assert created["effective_system_prompt"].startswith("# Role\nYou sell bicycles.\n\n")
    listed = tenant("GET", "/v1/agents").json()["items"]
    assert [one["effective_system_prompt"] for one in listed] == [None]


@pytest.mark.parametrize("name", sorted(ALL_FIELDS))
def test_every_field_can_be_changed_alone(tenant: Api, name: str) -> None:
    before = tenant("POST", "/v1/agents", json={"name": "Other"}).json()
    if name == "language":
        tenant("PATCH", f"/v1/agents/{before['id']}", json={"transcriber": {"provider": "deepgram"}})
    changed = tenant("PATCH", f"/v1/agents/{before['id']}", json={name: ALL_FIELDS[name]}).json()
    value = changed[name]
    assert ALL_FIELDS[name].items() <= value.items() if name in ("tts", "transcriber") else value == ALL_FIELDS[name]
    same = set(before) - {name, "updated_at", "effective_system_prompt", "transcriber", "tts"}
    assert {k: changed[k] for k in same} == {k: before[k] for k in same}


def test_null_clears_what_may_be_empty_and_nothing_else(tenant: Api) -> None:
    agent = tenant("POST", "/v1/agents", json=ALL_FIELDS).json()
    nulls = dict.fromkeys(ALL_FIELDS)
    changed = tenant("PATCH", f"/v1/agents/{agent['id']}", json=nulls).json()
    cleared = {name for name in ALL_FIELDS if changed[name] is None}
    assert cleared == {"first_message", "voicemail_message", "background_sound", "job_description"}
    assert {n: changed[n] for n in set(ALL_FIELDS) - cleared} == {n: agent[n] for n in set(ALL_FIELDS) - cleared}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"name": ""}, ["name"]),
        ({"name": None}, ["name"]),
        ({"name": "a\x00b"}, []),
        ({"max_duration_seconds": 29}, ["max_duration_seconds"]),
        ({"max_duration_seconds": 7201}, ["max_duration_seconds"]),
        ({"silence_timeout_seconds": 301}, ["silence_timeout_seconds"]),
        ({"interruption_sensitivity": 1.1}, ["interruption_sensitivity"]),
        ({"responsiveness": -0.1}, ["responsiveness"]),
        ({"speed": 2.5}, ["speed"]),
        ({"tts": {"speed": 0.4}}, ["tts", "speed"]),
        ({"background_sound": "rain"}, ["background_sound"]),
        ({"end_call_phrases": ["..."]}, ["end_call_phrases", 0]),
        ({"status": "asleep"}, ["status"]),
        ({"llm_id": "gpt"}, ["llm_id"]),
        ({"language": "de"}, ["language"]),
        ({"transcriber": {"language": "fr"}}, ["transcriber", "language"]),
        ({"transcriber": {"provider": "vosk"}}, ["transcriber", "provider"]),
        ({"tts": {"provider": "espeak"}}, ["tts", "provider"]),
        ({"tts": {"provider": "scripted"}}, ["tts", "provider"]),
    ],
)
def test_a_wrong_value_is_told_with_its_place(tenant: Api, change: dict[str, Any], place: list[Any]) -> None:
    response = tenant("POST", "/v1/agents", json={"name": "Front desk"} | change)
    assert response.status_code == 422, response.text
    assert ["body", *place] in [error["loc"] for error in response.json()["detail"]]


def test_scripted_providers_are_taken_where_they_are_allowed(deploy: Any) -> None:
    api = deploy(scripted_providers=True).workspace("default")
    scripted = {"transcriber": {"provider": "scripted"}, "tts": {"provider": "scripted"}}
    assert api("POST", "/v1/agents", json={"name": "Test"} | scripted).status_code == 201


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ({"llm_id": str(uuid.uuid4())}, "MODEL_NOT_FOUND"),
        ({"webhook_id": str(uuid.uuid4())}, "WEBHOOK_NOT_FOUND"),
        ({"tts": {"credential_id": str(uuid.uuid4())}}, "INTEGRATION_NOT_FOUND"),
        ({"tts": {"voice_id": "joe"}}, "VOICE_NOT_FOUND"),
    ],
)
def test_a_reference_to_what_is_not_there_is_a_404(tenant: Api, field: dict[str, Any], code: str) -> None:
    created = tenant("POST", "/v1/agents", json={"name": "Front desk"} | field)
    changed = tenant("PATCH", f"/v1/agents/{tenant.agent()}", json=field)
    assert [(r.status_code, r.json()["code"]) for r in (created, changed)] == [(404, code)] * 2
    assert tenant("GET", "/v1/agents").json()["total"] == 1


def test_agents_share_a_model_and_a_change_of_it_is_seen_by_all(tenant: Api) -> None:
    model = tenant("POST", "/v1/models", json={"name": "Brain", "provider": "openai", "model": "gpt-5"}).json()
    first, second = tenant.agent(llm_id=model["id"]), tenant.agent(llm_id=model["id"], job_description="Be kind.")
    tenant("PATCH", f"/v1/models/{model['id']}", json={"system_prompt": "Say less."})
    assert tenant("GET", f"/v1/agents/{first}").json()["effective_system_prompt"] == "Say less."
    assert tenant("GET", f"/v1/agents/{second}").json()["effective_system_prompt"] == "# Role\nBe kind.\n\nSay less."


def test_a_model_in_use_can_not_be_deleted_until_its_agents_are(tenant: Api) -> None:
    agent = tenant("POST", "/v1/agents", json={"name": "Front desk"}).json()
    path = f"/v1/models/{agent['llm_id']}"
    refused = tenant("DELETE", path)
    assert (refused.status_code, refused.json()["code"]) == (409, "MODEL_IN_USE")
    assert agent["id"] in refused.json()["detail"]
    assert tenant("DELETE", f"/v1/agents/{agent['id']}").status_code == 204
    assert tenant("DELETE", path).status_code == 204
    assert tenant("GET", path).json()["code"] == "MODEL_NOT_FOUND"


def test_a_deleted_agent_is_gone_and_its_number_stays(tenant: Api) -> None:
    number = tenant.number()
    path = f"/v1/agents/{number['agent_id']}"
    assert tenant("DELETE", path).status_code == 204
    assert [tenant(method, path).status_code for method in ("GET", "DELETE")] == [404, 404]
    assert tenant("PATCH", path, json={"name": "Back"}).status_code == 404
    assert tenant("GET", f"/v1/phone-numbers/{number['id']}").json()["agent_id"] == number["agent_id"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"name": "x" * 256}, "name"),
        ({"provider": "acme"}, "provider"),
        ({"temperature": 2.1}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 128_001}, "max_tokens"),
        ({"system_prompt": 5}, "system_prompt"),
    ],
)
def test_a_model_with_a_wrong_value_is_refused(tenant: Api, change: dict[str, Any], place: str) -> None:
    body = {"name": "Brain", "provider": "openai", "model": "gpt-5"}
    path = f"/v1/models/{tenant('POST', '/v1/models', json=body).json()['id']}"
    for response in (tenant("POST", "/v1/models", json=body | change), tenant("PATCH", path, json=change)):
        assert response.status_code == 422
        assert [error["loc"] for error in response.json()["detail"]] == [["body", place]]


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("tool_ids", "TOOL_NOT_FOUND"),
        ("knowledge_base_ids", "KNOWLEDGE_BASE_NOT_FOUND"),
        ("credential_id", "INTEGRATION_NOT_FOUND"),
    ],
)
def test_a_model_with_what_is_not_there_is_a_404(tenant: Api, field: str, code: str) -> None:
    value = str(uuid.uuid4()) if field == "credential_id" else [str(uuid.uuid4())]
    body = {"name": "Brain", "provider": "openai", "model": "gpt-5", field: value}
    assert tenant("POST", "/v1/models", json=body).json()["code"] == code


def test_parallel_changes_of_one_agent_do_not_undo_one_another(tenant: Api) -> None:
    path = f"/v1/agents/{tenant.agent()}"
    changes = [{"first_message": "Hello"}, {"tts": {"stability": 0.1}}, {"tts": {"speed": 1.5}}, {"name": "New"}]
    answers = tenant.at_once([("PATCH", path, change) for change in changes * 5])
    assert {answer.status_code for answer in answers} == {200}
    agent = tenant("GET", path).json()
    assert (agent["first_message"], agent["name"]) == ("Hello", "New")
    assert (agent["tts"]["stability"], agent["tts"]["speed"]) == (0.1, 1.5)


def test_a_model_of_another_workspace_is_not_read_even_if_an_agent_points_to_it(deployed: Deployed) -> None:
    """No request can bring that about; it is put into the row here."""
    one, other = deployed.workspace("one"), deployed.workspace("other")
    secret = other("POST", "/v1/agents", json={"name": "Theirs"}).json()
    agent_id = one.number()["agent_id"]

    async def swap() -> None:
        async with deployed.database.transaction() as session:
            values = {"llm_id": secret["llm_id"], "agent_id": agent_id}
            await session.execute(text("UPDATE agents SET llm_id = :llm_id WHERE id = :agent_id"), values)

    assert [phone["status"] for phone in one("GET", "/v1/phone-numbers").json()["items"]] == ["active"]
    deployed.runner.run(swap())
    assert one("GET", f"/v1/agents/{agent_id}").json()["effective_system_prompt"] is None
    assert [phone["status"] for phone in one("GET", "/v1/phone-numbers").json()["items"]] == ["degraded"]
