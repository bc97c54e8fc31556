"""What went wrong for other people's APIs: secrets in 422s, PATCHes that forget, lists that skip (group P)."""

import json
from typing import Any

import pytest
from sqlalchemy import text
from tests.api.conftest import TRIO, Api, Deployed

CANARY = "canary-4f1c9e27"


def hidden(answer: Any, log: str) -> None:
    """The canary is nowhere in the answer, its headers or the log."""
    assert CANARY not in answer.text
    assert CANARY not in str(answer.headers)
    assert CANARY not in log


@pytest.mark.parametrize(
    "change",
    [
        {"agent_id": None},
        {"agent_id": ...},
        {"provider": "vonage"},
        {"phone_number": "5550101234"},
        {"provider_config": [CANARY]},
        {"provider_config": CANARY},
        {"provider_config": TRIO | {"auth_password": CANARY * 20}},
        {"provider_config": TRIO | {"auth_password": {CANARY: CANARY}}},
        {"provider_config": TRIO | {"auth_username": [CANARY], "token": CANARY}, "provider": "vonage"},
        {"provider_config": TRIO | {CANARY: CANARY}, "provider": "vonage"},
        {"inbound_routing": {"agent_id": CANARY}},
        {"inbound_routing": {"agent_id": CANARY, CANARY: CANARY}},
        {"agent_id": CANARY},
        {"credential_id": CANARY},
        {"phone_number": CANARY},
        {"provider": CANARY},
        {"friendly_name": [CANARY]},
        {CANARY: CANARY, "provider": "vonage"},
    ],
)
def test_p01_a_422_hands_no_secret_back(tenant: Api, logged: Any, change: dict[str, Any]) -> None:
    config = TRIO | {"auth_password": CANARY}
    body = {"phone_number": "+15550102001", "provider": "twilio", "agent_id": tenant.agent(), "provider_config": config}
    sent = {name: value for name, value in (body | change).items() if value is not ...}
    answer = tenant("POST", "/v1/phone-numbers", json=sent)
    assert answer.status_code == 422
    assert all({"loc", "msg", "type"} <= set(fault) for fault in answer.json()["detail"])
    hidden(answer, logged())


@pytest.mark.parametrize("body", [[{"auth_password": CANARY}], CANARY, {"auth_password": CANARY}])
@pytest.mark.parametrize("cut", [0, 1])
def test_p01_nor_when_the_body_is_no_object_or_broken(tenant: Api, logged: Any, body: Any, cut: int) -> None:
    content = json.dumps(body)
    sent = content[: len(content) - cut].encode()
    answer = tenant("POST", "/v1/phone-numbers", content=sent, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    hidden(answer, logged())


@pytest.mark.parametrize("path", ["/v1/auth/signup", "/v1/auth/login"])
@pytest.mark.parametrize("change", [{"email": 7}, {"email": ...}, {"password": [CANARY]}, {"name": [CANARY]}])
def test_p01_nor_at_the_sign_in(shared: Deployed, logged: Any, path: str, change: dict[str, Any]) -> None:
    body = {"email": "ann@example.org", "password": CANARY, "name": "Ann"} | change
    sent = {name: value for name, value in body.items() if value is not ...}
    answer = shared.stranger()("POST", path, json=sent)
    assert answer.status_code in (401, 403, 422, 429)
    hidden(answer, logged())


def test_p03_an_empty_patch_changes_nothing(tenant: Api) -> None:
    agent_id = tenant.agent()
    routing = {"agent_id": agent_id, "fallback": {"agent_id": tenant.agent()}, "voicemail_message": "Later."}
    number = tenant.number("+15550102002", agent_id=agent_id, inbound_routing=routing)
    path = f"/v1/phone-numbers/{number['id']}"
    before = tenant("GET", path).json()
    answer = tenant("PATCH", path, json={})
    assert answer.status_code == 200
    assert answer.json() | {"updated_at": ""} == before | {"updated_at": ""}
    agent = tenant("PATCH", f"/v1/agents/{agent_id}", json={"tts": {"speed": 1.1}}).json()
    assert (agent["tts"]["provider"], agent["tts"]["stability"], agent["tts"]["speed"]) == ("builtin", 0.5, 1.1)
    assert tenant("GET", path).json()["inbound_trunk_id"] == number["inbound_trunk_id"]


def test_p05_deleted_and_registered_again_is_a_new_number(tenant: Api) -> None:
    first = tenant.number("+15550102003")
    assert tenant("DELETE", f"/v1/phone-numbers/{first['id']}").status_code == 204
    second = tenant.number("+15550102003")
    assert second["id"] != first["id"]
    assert {second[kind] for kind in ("inbound_trunk_id", "dispatch_rule_id")}.isdisjoint(first.values())
    assert tenant("DELETE", f"/v1/phone-numbers/{first['id']}").status_code == 404
    assert tenant("GET", f"/v1/phone-numbers/{second['id']}").json()["status"] == "active"


def test_p07_lists_by_cursor_repeat_and_miss_nothing(tenant: Api, shared: Deployed) -> None:
    """Fifty calls of one moment; others are added and removed while they are listed."""
    number = tenant.number("+15550102004")

    def sql(statement: str) -> None:
        async def execute() -> None:
            async with shared.database.transaction() as session:
                await session.execute(text(statement), {"phone": number["id"]})

        shared.runner.run(execute())

    def add(name: str, count: int) -> None:
        sql(
            "INSERT INTO calls (id, workspace_id, agent_id, phone_id, type, status, direction, plan, created_at) "
            f"SELECT '{name}-' || lpad(n::text, 3, '0'), workspace_id, agent_id, id, 'inbound', 'completed', "
            "'inbound', '{}'::jsonb, '2026-01-01T00:00:00Z' FROM phone_numbers, "
            f"generate_series(1, {count}) n WHERE id = :phone"
        )

    add(f"b{number['id'][:13]}", 50)
    seen: list[str] = []
    cursor = None
    for page_number in range(20):
        params = {"limit": 7} | ({"cursor": cursor} if cursor else {})
        page = tenant("GET", "/v1/calls/cursor", params=params).json()
        seen += [call["id"] for call in page["items"]]
        cursor = page["next_cursor"]
        if page_number == 1:
            add(f"c{number['id'][:13]}", 5)
        if page_number == 2:
            sql(f"DELETE FROM calls WHERE id = '{seen[0]}'")
        if not page["has_more"]:
            break
        assert page["items"], "has_more promises a page that isn't empty"
    old = [call_id for call_id in seen if call_id.startswith("b")]
    assert len(old) == len(set(old)) == 50
    for wrong in ("garbage", "a.b", seen[0]):
        assert tenant("GET", "/v1/calls/cursor", params={"cursor": wrong}).status_code in (400, 422)
    for path in ("/v1/calls", "/v1/calls/cursor", "/v1/audit-events", "/v1/phone-numbers"):
        assert {tenant("GET", path, params={"limit": limit}).status_code for limit in (0, 101)} == {422}
    beyond = tenant("GET", "/v1/calls", params={"offset": 10_000}).json()
    assert (beyond["items"], beyond["total"]) == ([], 54)
