"""The audit trail: complete, its own workspace's only, and a chain that shows where it was tampered with."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from tests.api.conftest import TRIO, Api, Deployed

from oneinbox.features.audit_events import service as audit_events
from oneinbox.features.audit_events.schemas import Deed
from oneinbox.kit.db import Database

DEED = Deed(None, None, "agent.create", "agent", None, 201, "request", None, None, "")
TRUNCATED = (
    "DELETE FROM audit_events WHERE seq > 3;"
    "UPDATE audit_chains SET seq = 3, chain = (SELECT chain FROM audit_events WHERE seq = 3)"
)
"""What whoever owns the database would do to have the last events never have been."""


def events(api: Api, **filters: Any) -> list[dict[str, Any]]:
    """All of them, oldest first, by cursor."""
    found, cursor = [], None
    while True:
        page = api("GET", "/v1/audit-events", params=filters | ({"cursor": cursor} if cursor else {})).json()
        found += page["items"]
        cursor = page["next_cursor"]
        assert page["has_more"] is (cursor is not None)
        if cursor is None:
            return found[::-1]


def test_every_mutating_request_leaves_one_event(tenant: Api) -> None:
    agent = tenant("POST", "/v1/agents", json={"name": "Front desk"}, headers={"User-Agent": "curl/8"}).json()
    tenant("PATCH", f"/v1/agents/{agent['id']}", json={"name": "Desk"})
    tenant("PATCH", f"/v1/agents/{agent['id']}", json={"name": ""})
    tenant("DELETE", f"/v1/models/{agent['llm_id']}")
    tenant("GET", "/v1/agents")
    key = tenant("POST", "/v1/api-keys", json={"name": "CI"}).json()
    tenant("DELETE", f"/v1/api-keys/{key['id']}")
    body = {"phone_number": "+15550108001", "provider": "twilio", "agent_id": agent["id"], "provider_config": TRIO}
    number = tenant("POST", "/v1/phone-numbers", json=body).json()
    tenant("POST", "/v1/phone-numbers", json=body)
    tenant("DELETE", f"/v1/phone-numbers/{number['id']}", headers={"X-Request-Id": "the-last"})
    written = events(tenant)
    assert [(one["action"], one["resource_id"], one["status"]) for one in written] == [
        ("agent.create", agent["id"], 201),
        ("agent.update", agent["id"], 200),
        ("agent.update", agent["id"], 422),
        ("model.delete", agent["llm_id"], 409),
        ("api_key.create", key["id"], 201),
        ("api_key.delete", key["id"], 204),
        ("phone_number.create", number["id"], 201),
        ("phone_number.create", None, 409),
        ("phone_number.delete", number["id"], 204),
    ]
    assert written[0]["user_agent"] == "curl/8"
    assert written[-1]["request_id"] == "the-last"
    assert {one["api_key_id"] for one in written} == {written[0]["api_key_id"]}
    assert written[6]["payload_hash"] == written[7]["payload_hash"] != written[0]["payload_hash"]
    assert [one["id"] for one in written] == sorted(one["id"] for one in written)


def test_events_can_be_filtered(tenant: Api) -> None:
    agent_id = tenant.agent()
    tenant("PATCH", f"/v1/agents/{agent_id}", json={"name": "Desk"})
    tenant("POST", "/v1/api-keys", json={"name": "CI"})
    middle = events(tenant)[1]["created_at"]
    assert [one["action"] for one in events(tenant, action="agent.update")] == ["agent.update"]
    assert len(events(tenant, resource_type="agent")) == 2
    assert len(events(tenant, actor="me")) == 3
    assert events(tenant, actor="somebody-else") == []
    assert [one["action"] for one in events(tenant, since=middle)] == ["agent.update", "api_key.create"]
    assert [one["action"] for one in events(tenant, until=middle)] == ["agent.create"]
    assert tenant("GET", "/v1/audit-events", params={"since": "yesterday"}).status_code == 422


def test_pages_are_stable_while_events_are_added(tenant: Api) -> None:
    for _ in range(5):
        tenant.agent()
    first = tenant("GET", "/v1/audit-events", params={"limit": 2}).json()
    tenant.agent()
    second = tenant("GET", "/v1/audit-events", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    ids = [one["id"] for one in first["items"] + second["items"]]
    assert len(set(ids)) == 4
    assert ids == sorted(ids, reverse=True)


def test_a_cursor_of_another_workspace_is_refused(shared: Deployed, tenant: Api) -> None:
    other = shared.workspace("audit-other")
    for api in (tenant, other):
        api.agent()
        api.agent()
    cursor = other("GET", "/v1/audit-events", params={"limit": 1}).json()["next_cursor"]
    refused = tenant("GET", "/v1/audit-events", params={"cursor": cursor})
    assert (refused.status_code, refused.json()["code"]) == (400, "CURSOR_INVALID")
    ours = {one["id"] for one in events(tenant)}
    assert not ours & {one["id"] for one in events(other)}


def test_signing_in_is_written(deployed: Deployed) -> None:
    person = {"email": "ann@example.org", "password": "a long enough password", "name": "Ann"}
    visitor = deployed.stranger()
    token = visitor("POST", "/v1/auth/signup", json=person).json()["access_token"]
    visitor("POST", "/v1/auth/login", json=person)
    ann = Api(deployed.runner, deployed.app, token)
    ann("POST", "/v1/agents", json={"name": "Desk"})
    written = events(ann)
    assert [one["action"] for one in written] == ["auth.signup", "auth.login", "agent.create"]
    assert len({one["user_id"] for one in written}) == 1
    assert written[2]["api_key_id"] is None


def test_what_a_key_may_not_do_is_written_too(tenant: Api) -> None:
    agent_id = tenant.agent()
    made = tenant("POST", "/v1/api-keys", json={"name": "reader", "scopes": ["agents:read"]}).json()
    reader = Api(tenant.runner, tenant.app, made["api_key"])
    assert reader("DELETE", f"/v1/agents/{agent_id}").json()["code"] == "SCOPE_MISSING"
    last = events(tenant)[-1]
    assert (last["action"], last["resource_id"], last["status"]) == ("agent.delete", agent_id, 403)
    assert last["api_key_id"] == made["id"]


def test_parallel_requests_make_one_unbroken_chain(api: Api, deployed: Deployed) -> None:
    api.at_once([("POST", "/v1/agents", {"name": f"Agent {n}"}) for n in range(60)])
    assert len(events(api)) == 60
    assert verified(deployed) == []


@pytest.mark.parametrize(
    ("tampering", "seq", "reason"),
    [
        ("UPDATE audit_events SET action = 'agent.read' WHERE seq = 3", 3, "not as it was written"),
        ("UPDATE audit_events SET created_at = created_at + interval '1 s' WHERE seq = 2", 2, "not as it was"),
        ("UPDATE audit_events SET chain = sha256(chain) WHERE seq = 4", 4, "not as it was written"),
        ("DELETE FROM audit_events WHERE seq = 1", 1, "gone"),
        ("DELETE FROM audit_events WHERE seq = 5", 5, "gone"),
        ("DELETE FROM audit_events", 1, "gone"),
        ("UPDATE audit_chains SET chain = sha256(chain)", 6, "end of the chain"),
        ("UPDATE audit_chains SET seal = sha256(seal)", 6, "end of the chain"),
        ("DELETE FROM audit_chains", 6, "end of the chain is gone"),
        (TRUNCATED, 4, "end of the chain is not as it was written"),
    ],
)
def test_tampering_is_found_at_the_first_row_that_is_not_right(
    api: Api, deployed: Deployed, database_urls: Any, tampering: str, seq: int, reason: str
) -> None:
    for _ in range(5):
        api.agent()
    assert verified(deployed) == []

    deployed.runner.run(as_owner(database_urls, tampering))
    (found,) = verified(deployed)
    assert (found.seq, reason in found.reason) == (seq, True)


WIPED = "DELETE FROM audit_events WHERE workspace_id = '{0}'; DELETE FROM audit_chains WHERE workspace_id = '{0}'"
"""What has a workspace never have been written of."""


@pytest.mark.parametrize(
    ("also", "reason"),
    [
        ("", "Of 2 workspaces' chains 1 are there."),
        ("; UPDATE audit_counts SET chains = 1", "The count of the chains is not as it was written"),
        ("; DELETE FROM audit_counts", "not on record"),
    ],
)
def test_a_chain_that_is_gone_altogether_is_missed(
    api: Api, deployed: Deployed, database_urls: Any, also: str, reason: str
) -> None:
    other = deployed.workspace("other")
    for one in (api, other):
        one.agent()
    assert verified(deployed) == []
    workspace_id = other("GET", "/v1/audit-events").json()["items"][0]["org_id"]
    deployed.runner.run(as_owner(database_urls, WIPED.format(workspace_id) + also))
    (found,) = verified(deployed)
    assert (found.workspace_id, reason in found.reason) == (None, True)
    deployed.workspace("a third").agent()
    other.agent()
    found = verified(deployed)[-1]
    assert found.workspace_id is None, "nothing makes it good again"


def test_chains_begun_at_once_are_all_counted(deployed: Deployed) -> None:
    tenants = [deployed.workspace(f"tenant {n}") for n in range(12)]

    async def at_once() -> None:
        await asyncio.gather(*(one.send("POST", "/v1/agents", json={"name": "Desk"}) for one in tenants))

    deployed.runner.run(at_once())
    assert verified(deployed) == []


def test_what_is_added_while_chains_are_verified_is_no_break(api: Api, deployed: Deployed, database_urls: Any) -> None:
    """The ends of the chains are read before the events: both must be of one moment."""
    api.agent()
    other = deployed.workspace("other")
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'audit_events'::regclass"

    async def scene() -> list[Any]:
        async with Database(database_urls.owner, pool_size=2) as owner, owner.transaction() as blocking:
            await blocking.execute(text("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE"))
            verifying = asyncio.create_task(verify(deployed))
            async with owner.transaction() as watching:
                while not await watching.scalar(text(waiting)):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            for workspace_id in await blocking.scalars(text("SELECT id FROM workspaces")):
                await audit_events.append(
                    blocking, deployed.deployment.audit_key, workspace_id, DEED, datetime.now(UTC)
                )
        return await verifying

    assert deployed.runner.run(scene()) == []
    assert [len(events(one)) for one in (api, other)] == [2, 1]


@pytest.mark.parametrize("tampering", [TRUNCATED, f"{TRUNCATED}; DELETE FROM audit_chains"])
def test_a_chain_that_was_cut_goes_on_and_is_never_whole_again(
    api: Api, deployed: Deployed, database_urls: Any, tampering: str
) -> None:
    for _ in range(5):
        api.agent()
    deployed.runner.run(as_owner(database_urls, tampering))
    for _ in range(3):
        api.agent()
    assert [one["status"] for one in events(api)] == [201] * 6
    (found,) = verified(deployed)
    assert (found.seq, "end of the chain" in found.reason) == (7, True)


@pytest.mark.parametrize("statement", ["UPDATE audit_events SET action = 'x'", "DELETE FROM audit_events"])
def test_the_application_can_not_change_what_is_written(api: Api, deployed: Deployed, statement: str) -> None:
    api.agent()

    async def change() -> None:
        async with deployed.database.transaction() as session:
            await session.execute(text(statement))

    with pytest.raises(ProgrammingError, match="permission denied"):
        deployed.runner.run(change())


async def as_owner(database_urls: Any, statements: str) -> None:
    owner = Database(database_urls.owner, pool_size=1)
    async with owner.transaction() as session:
        for statement in statements.split(";"):
            await session.execute(text(statement))
    await owner.close()


async def verify(deployed: Deployed) -> list[Any]:
    async with deployed.database.transaction() as session:
        return await audit_events.verify(session, deployed.deployment.audit_key)


def verified(deployed: Deployed) -> list[Any]:
    return list(deployed.runner.run(verify(deployed)))
