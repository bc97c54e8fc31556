"""A number's health: what a caller would find, who must act, and what to do."""

from typing import Any

import pytest
from sqlalchemy import text
from tests.api.conftest import TRIO, Api, Deployed

from oneinbox.contracts.admission import Attempt, Cause, InviteFacts
from oneinbox.features.attempts import service as attempts
from oneinbox.features.attempts.schemas import Reached


def health(api: Api, number: dict[str, Any]) -> dict[str, Any]:
    return dict(api("GET", f"/v1/phone-numbers/{number['id']}/health").json())


def failing(seen: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    return {c["name"]: (c["who"], c["cause"], c["fix"]) for c in seen["checks"] if not c["ok"]}


def sql(deployed: Deployed, statement: str, **values: Any) -> None:
    async def execute() -> None:
        async with deployed.database.transaction() as session:
            await session.execute(text(statement), values)

    deployed.runner.run(execute())


@pytest.fixture
def staffed(deployed: Deployed, api: Api) -> Api:
    """With a voice worker that is ready."""
    sql(
        deployed,
        "INSERT INTO workers (id, host, sip_port, capacity, pid, state) VALUES ('w','127.0.0.1',1,1,1,'ready')",
    )
    return api


def attempt(deployed: Deployed, number: dict[str, Any], cause: str) -> None:
    """As the edge writes one."""
    facts = InviteFacts("192.0.2.1", 5060, number["phone_number"], None, "a call")

    async def write() -> None:
        async with deployed.database.transaction() as session:
            workspace = await session.scalar(text("SELECT workspace_id FROM phone_numbers"))
            reached = Reached(number["phone_number"], number["id"], str(workspace))
            await attempts.record(session, Attempt(facts, 403, Cause(cause), "Because.", None, ()), reached)

    deployed.runner.run(write())


def test_a_number_that_nobody_has_called_waits_for_its_carrier(staffed: Api) -> None:
    seen = health(staffed, staffed.number())
    assert (seen["status"], seen["answered_by"], seen["last_attempt"]) == ("active", "agent", None)
    assert seen["last_inbound_call_at"] is None
    ((name, (who, _, fix)),) = failing(seen).items()
    assert (name, who) == ("last_attempt", "your carrier")
    assert "ONEINBOX_SIP_LISTEN" in fix


def test_without_a_worker_the_deployment_must_act(api: Api) -> None:
    seen = health(api, api.number())
    assert failing(seen)["voice_workers"][0] == "us"


@pytest.mark.parametrize("how", ["deleted", "paused", "provider"])
def test_an_agent_that_can_not_serve_is_named_and_so_is_who_answers_instead(staffed: Api, how: str) -> None:
    agent_id, fallback = staffed.agent(), staffed.agent()
    routing: dict[str, Any] = {"agent_id": agent_id, "fallback": {"agent_id": fallback}, "voicemail_message": "Later."}
    number = staffed.number(agent_id=agent_id, inbound_routing=routing)

    def break_(one: str) -> None:
        if how == "deleted":
            staffed("DELETE", f"/v1/agents/{one}")
        elif how == "paused":
            staffed("PATCH", f"/v1/agents/{one}", json={"status": "paused"})
        else:
            staffed("PATCH", f"/v1/agents/{one}", json={"transcriber": {"provider": "deepgram"}})

    answered = [health(staffed, number)["answered_by"]]
    for one in (agent_id, fallback):
        break_(one)
        answered.append(health(staffed, number)["answered_by"])
    assert answered == ["agent", "fallback_agent", "voicemail"]
    wrong = failing(health(staffed, number))
    assert {wrong[name][0] for name in ("agent", "fallback_agent")} == {"you"}
    staffed("PATCH", f"/v1/phone-numbers/{number['id']}", json={"inbound_routing": {"voicemail_message": None}})
    assert health(staffed, number)["answered_by"] == "nobody"


def test_a_number_that_is_switched_off_says_how_to_switch_it_on(staffed: Api) -> None:
    number = staffed.number()
    staffed("PATCH", f"/v1/phone-numbers/{number['id']}", json={"status": "inactive"})
    seen = health(staffed, number)
    assert (seen["status"], seen["answered_by"]) == ("inactive", "nobody")
    assert "active" in failing(seen)["status"][2]


@pytest.mark.parametrize("table", ["dispatch_rules", "inbound_trunks"])
def test_a_rule_or_trunk_that_is_gone_is_seen(staffed: Api, deployed: Deployed, table: str) -> None:
    number = staffed.number()
    sql(deployed, "DELETE FROM dispatch_rules")
    if table == "inbound_trunks":
        sql(deployed, "DELETE FROM inbound_trunks")
    seen = health(staffed, number)
    assert failing(seen)["dispatch_rule"][0] == "us"
    assert ("inbound_trunk" in failing(seen)) is (table == "inbound_trunks")


@pytest.mark.parametrize(
    ("cause", "who"),
    [
        ("source_not_allowed", "you"),
        ("wrong_password", "your carrier"),
        ("media_refused", "your carrier"),
        ("overload", "us"),
        ("worker_gone", "us"),
    ],
)
def test_the_last_attempt_tells_who_must_act(staffed: Api, deployed: Deployed, cause: str, who: str) -> None:
    number = staffed.number()
    attempt(deployed, number, cause)
    seen = health(staffed, number)
    assert failing(seen)["last_attempt"][0] == who
    assert (seen["last_attempt"]["cause"], seen["status"]) == (cause, "active")


def test_after_a_call_everything_is_well(staffed: Api, deployed: Deployed) -> None:
    number = staffed.number(provider_config=TRIO)
    attempt(deployed, number, "admitted")
    sql(
        deployed,
        "INSERT INTO calls (id, workspace_id, agent_id, phone_id, type, status, direction, plan) SELECT 'c', "
        "workspace_id, agent_id, id, 'inbound', 'completed', 'inbound', '{}'::jsonb FROM phone_numbers",
    )
    seen = health(staffed, number)
    assert failing(seen) == {}
    assert seen["status"] == "active"
    assert seen["last_inbound_call_at"] is not None


def test_a_number_that_nobody_would_answer_is_degraded_wherever_it_is_shown(tenant: Api) -> None:
    number = tenant.number("+15550109001")
    path = f"/v1/phone-numbers/{number['id']}"

    def statuses() -> set[str]:
        return {
            tenant("GET", path).json()["status"],
            tenant("GET", "/v1/phone-numbers").json()["items"][0]["status"],
            tenant("PATCH", path, json={}).json()["status"],
            tenant("GET", f"{path}/health").json()["status"],
        }

    assert statuses() == {"active"}
    tenant("PATCH", f"/v1/agents/{number['agent_id']}", json={"status": "paused"})
    assert statuses() == {"degraded"}
    tenant("PATCH", path, json={"inbound_routing": {"voicemail_message": "Later."}})
    assert statuses() == {"active"}
    tenant("DELETE", f"/v1/agents/{number['agent_id']}")
    tenant("PATCH", path, json={"inbound_routing": None})
    assert statuses() == {"degraded"}
    tenant("PATCH", path, json={"agent_id": tenant.agent()})
    assert statuses() == {"active"}
