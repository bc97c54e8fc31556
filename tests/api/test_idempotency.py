"""`Idempotency-Key`: one effect and equal answers, whatever is sent how often and whoever dies meanwhile."""

import asyncio
import contextlib
from typing import Any

import pytest
from fastapi import Request
from sqlalchemy import text
from tests.api.conftest import TRIO, Api, Deployed

from oneinbox.app.steps import OperationInProgress
from oneinbox.kit.db import Database
from oneinbox.kit.errors import Conflict, OneInboxError, Unavailable

AGENT = {"name": "Front desk"}


def keyed(key: str) -> dict[str, Any]:
    return {"headers": {"Idempotency-Key": key}}


def at_once(api: Api, count: int, key: str, path: str, body: dict[str, Any]) -> list[Any]:
    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(api.send("POST", path, json=body, **keyed(key)) for _ in range(count)))

    return list(api.runner.run(all_of_them()))


def test_a_hundred_at_once_make_one_and_are_answered_alike(api: Api) -> None:
    answers = at_once(api, 100, "one", "/v1/agents", AGENT)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert api("GET", "/v1/agents").json()["total"] == 1
    assert sorted(answer.headers.get("idempotency-replayed", "") for answer in answers) == [""] + ["true"] * 99


def test_a_hundred_registrations_at_once_make_one_number(api: Api) -> None:
    body = {"phone_number": "+15550100009", "provider": "twilio", "agent_id": api.agent(), "provider_config": TRIO}
    answers = at_once(api, 100, "number", "/v1/phone-numbers", body)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert api("GET", "/v1/phone-numbers").json()["total"] == 1


def test_an_answer_that_holds_a_secret_is_replayed_and_not_readable_in_the_database(
    api: Api, deployed: Deployed
) -> None:
    first, second = (api("POST", "/v1/api-keys", json={"name": "CI"}, **keyed("k")) for _ in range(2))
    assert first.json() == second.json()

    async def stored() -> str:
        async with deployed.database.transaction() as session:
            return str((await session.execute(text("SELECT * FROM idempotency_keys"))).all())

    assert first.json()["api_key"] not in deployed.runner.run(stored())


@pytest.mark.parametrize("other", [AGENT | {"language": "en-GB"}, {"name": "Back office"}])
def test_another_body_under_the_same_key_is_refused(tenant: Api, other: dict[str, Any]) -> None:
    assert tenant("POST", "/v1/agents", json=AGENT, **keyed("same")).status_code == 201
    refused = tenant("POST", "/v1/agents", json=other, **keyed("same"))
    assert (refused.status_code, refused.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    elsewhere = tenant("POST", "/v1/models", json=AGENT, **keyed("same"))
    assert elsewhere.json()["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert tenant("GET", "/v1/agents").json()["total"] == 1


def test_keys_belong_to_a_workspace(shared: Deployed) -> None:
    first, second = shared.workspace("keys-1"), shared.workspace("keys-2")
    made = [one("POST", "/v1/agents", json=AGENT, **keyed("same")).json()["id"] for one in (first, second)]
    assert made[0] != made[1]


def test_what_was_refused_may_be_asked_again(tenant: Api) -> None:
    body = {"phone_number": "+15550100777", "provider": "twilio", "agent_id": tenant.agent()}
    assert tenant("POST", "/v1/phone-numbers", json=body, **keyed("r")).status_code == 400
    better = body | {"provider_config": TRIO}
    assert tenant("POST", "/v1/phone-numbers", json=better, **keyed("r")).status_code == 201


@pytest.mark.parametrize("key", ["", " ", "ä", "x" * 256, "a b", "a\x7f"])
def test_a_malformed_key_is_a_422(tenant: Api, key: str) -> None:
    answer = tenant("POST", "/v1/agents", json=AGENT, headers={"Idempotency-Key": key.encode()})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["header", "Idempotency-Key"]


def test_a_twin_waits_for_the_first_whatever_process_it_is_in(deploy: Any) -> None:
    """Two API processes on one database."""
    one, other = deploy(), deploy()
    first = one.workspace("default")
    second = Api(other.runner, other.app, first.key)

    async def both() -> list[Any]:
        return await asyncio.gather(
            *(api.send("POST", "/v1/agents", json=AGENT, **keyed("twins")) for api in (first, second) * 10)
        )

    answers = one.runner.run(both())
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert first("GET", "/v1/agents").json()["total"] == 1


def test_a_first_that_died_before_its_effect_leaves_the_key_free(api: Api, deployed: Deployed) -> None:
    """Its claim is there, but its lock is gone with its connection, and nothing it wrote was committed."""
    assert api("POST", "/v1/agents", json=AGENT, **keyed("dead")).status_code == 201

    async def as_if_killed() -> None:
        async with deployed.database.transaction() as session:
            await session.execute(text("UPDATE idempotency_keys SET status = NULL, sealed = NULL"))
            await session.execute(text("DELETE FROM agents"))

    deployed.runner.run(as_if_killed())
    again = api("POST", "/v1/agents", json=AGENT, **keyed("dead"))
    assert (again.status_code, again.headers.get("idempotency-replayed")) == (201, None)
    assert api("POST", "/v1/agents", json=AGENT, **keyed("dead")).json() == again.json()
    assert api("GET", "/v1/agents").json()["total"] == 1


def test_a_registration_whose_answer_was_lost_is_found_again(api: Api, deployed: Deployed) -> None:
    """Killed between the last step and the answer: the retry gives the number that is there."""
    body = {"phone_number": "+15550100010", "provider": "twilio", "agent_id": api.agent(), "provider_config": TRIO}
    made = api("POST", "/v1/phone-numbers", json=body, **keyed("lost")).json()

    async def as_if_killed() -> None:
        async with deployed.database.transaction() as session:
            await session.execute(text("UPDATE idempotency_keys SET status = NULL, sealed = NULL"))

    deployed.runner.run(as_if_killed())
    again = api("POST", "/v1/phone-numbers", json=body, **keyed("lost"))
    assert (again.status_code, again.json()) == (201, made)


def test_a_failure_on_our_side_keeps_the_key_for_the_retry(api: Api, deployed: Deployed, database_urls: Any) -> None:
    """The number is made, but its answer can't be stored: the retry gives that number, not a conflict with it."""
    body = {"phone_number": "+15550100011", "provider": "twilio", "agent_id": api.agent(), "provider_config": TRIO}

    async def owner(statement: str) -> None:
        database = Database(database_urls.owner, pool_size=1)
        async with database.transaction() as session:
            await session.execute(text(statement))
        await database.close()

    deployed.runner.run(owner("REVOKE UPDATE ON idempotency_keys FROM oneinbox_app"))
    assert api("POST", "/v1/phone-numbers", json=body, **keyed("half")).status_code == 500
    deployed.runner.run(owner("GRANT UPDATE ON idempotency_keys TO oneinbox_app"))
    again = api("POST", "/v1/phone-numbers", json=body, **keyed("half"))
    assert again.status_code == 201, again.text
    assert api("GET", "/v1/phone-numbers").json()["items"] == [again.json()]


def test_many_keys_at_once_wait_for_their_turn(api: Api) -> None:
    async def all_of_them() -> list[Any]:
        bodies = [{"name": f"Agent {n}"} for n in range(60)]
        return await asyncio.gather(*(api.send("POST", "/v1/agents", json=b, **keyed(b["name"][6:])) for b in bodies))

    assert {answer.status_code for answer in api.runner.run(all_of_them())} == {201}


def test_answers_are_kept_for_a_day(api: Api, deployed: Deployed) -> None:
    first = api("POST", "/v1/agents", json=AGENT, **keyed("old")).json()

    async def age(hours: int) -> None:
        async with deployed.database.transaction() as session:
            await session.execute(text(f"UPDATE idempotency_keys SET created_at = now() - interval '{hours} hours'"))

    deployed.runner.run(age(23))
    assert api("POST", "/v1/agents", json=AGENT, **keyed("old")).json() == first
    deployed.runner.run(age(25))
    assert api("POST", "/v1/agents", json=AGENT, **keyed("old")).json() != first


def test_twins_whose_lock_was_lost_make_one(deploy: Any) -> None:
    """The server ends the connection that holds the lock while the first is still at work."""
    one, other = deploy(), deploy()
    first = one.workspace("default")
    second = Api(other.runner, other.app, first.key)

    async def sql(statement: str) -> Any:
        async with one.database.transaction() as session:
            return (await session.execute(text(statement))).scalar()

    async def come(count: int, which: str) -> None:
        async with asyncio.timeout(20):
            while await sql(f"SELECT count(*) {which}") < count:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def scene() -> list[Any]:
        here = "FROM pg_locks JOIN pg_database ON pg_database.oid = database AND datname = current_database()"
        holder = f"{here} WHERE locktype = 'advisory' AND granted"
        at_work = f"{here} WHERE relation = 'llm_models'::regclass AND NOT granted"
        async with one.database.transaction() as blocking:
            await blocking.execute(text("LOCK TABLE llm_models IN EXCLUSIVE MODE"))
            asked = [asyncio.create_task(first.send("POST", "/v1/agents", json=AGENT, **keyed("lost")))]
            await come(1, at_work)
            await sql(f"SELECT pg_terminate_backend(pid) {holder}")
            asked.append(asyncio.create_task(second.send("POST", "/v1/agents", json=AGENT, **keyed("lost"))))
            await come(2, at_work)
        return await asyncio.gather(*asked)

    answers = one.runner.run(scene())
    assert {answer.status_code for answer in answers} == {201, 409}
    assert first("GET", "/v1/agents").json()["total"] == 1
    again = first("POST", "/v1/agents", json=AGENT, **keyed("lost"))
    assert (again.status_code, again.headers.get("idempotency-replayed")) == (201, "true")
    assert first("GET", "/v1/agents").json()["total"] == 1


@pytest.mark.parametrize(
    ("error", "kept"), [(OperationInProgress("Still at it."), True), (Conflict("No."), False), (Unavailable("?"), True)]
)
def test_only_a_refusal_gives_the_key_back(deployed: Deployed, error: OneInboxError, kept: bool) -> None:
    """A retry of what still goes on must find it: the same id, and known to be a retry."""
    headers = [(b"idempotency-key", b"k")]
    scope = {"type": "http", "method": "POST", "path": "/v1/things", "query_string": b"", "headers": headers}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}"}

    async def asked(failing: OneInboxError | None) -> tuple[str, bool]:
        claimed = []
        with contextlib.suppress(OneInboxError):
            async with deployed.deployment.idempotency.once(Request(scope, receive), "a workspace") as claim:
                claimed.append((claim.resource_id, claim.again))
                if failing is not None:
                    raise failing
        return claimed[0]

    first = deployed.runner.run(asked(error))
    second = deployed.runner.run(asked(None))
    assert first[1] is False
    assert (second[0] == first[0], second[1]) == (kept, kept)
