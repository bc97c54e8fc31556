"""A slice of the crash matrix; `make test-crash` plays all of it."""

import asyncio
from pathlib import Path

import pytest
from tests.crash.deployment import Crashable, crashable
from tests.crash.matrix import ANSWER, CHANGES_NOTHING, MATRIX, Fault, Point, Scenario
from tests.crash.scenes import OLD, Stage, agent_of

from oneinbox.adapters.media.scripted.wire import Fault as PlaneFault
from oneinbox.adapters.media.scripted.wire import FaultKind

CHOSEN = {
    Fault.KILL: (
        "register activate",
        "register answer",
        "register inbound_trunk",
        "update outbound_trunk",
        "delete forget",
    ),
    Fault.DATABASE: ("update change", "register dispatch_rule", "delete dispatch_rule"),
    Fault.LOST: ("update check", "register outbound_trunk", "register answer", "delete withdraw"),
    Fault.TIMEOUT: ("register reserve", "delete inbound_trunk"),
    Fault.ERROR: ("register activate", "update change", "delete outbound_trunk"),
}


MODEL = {"name": "Once, too", "provider": "builtin", "model": "default"}
SET_BACK = (
    "UPDATE operations SET leased_until = leased_until + interval '1 hour' WHERE leased_until IS NOT NULL RETURNING id",
    "UPDATE procrastinate_jobs SET scheduled_at = scheduled_at + interval '1 hour' RETURNING id",
)
REGISTERING = ("reserve", "inbound_trunk", "outbound_trunk", "dispatch_rule", "activate")


def chosen(fault: Fault) -> list[Scenario]:
    """One point of each step: another one for each, as far as there are several."""
    found = []
    for turn, step in enumerate(CHOSEN[fault]):
        points = [one for one in MATRIX if (f"{one.kind} {one.step}", one.fault) == (step, fault)]
        found.append(points[turn % len(points)])
    return found


def test_the_matrix_is_whole() -> None:
    steps = {(one.kind, one.step) for one in MATRIX}
    assert {kind for kind, _ in steps} == {"register", "update", "delete"}
    assert len({str(one) for one in MATRIX}) == len(MATRIX) == len({one.number for one in MATRIX})
    effects = [step for step in steps if step[1] not in CHANGES_NOTHING]
    assert len(MATRIX) == len(Fault) * (len(Point) * len(effects) + len(steps) - len(effects))
    assert {step for kind, step in steps if kind == "register"} == {*REGISTERING, ANSWER}


@pytest.mark.timeout(300)
def test_what_is_broken_off_is_finished_or_undone(tmp_path: Path) -> None:
    with crashable(tmp_path) as deployment:
        assert asyncio.run(play(deployment, [chosen(fault) for fault in Fault])) == {}


EMBEDDED = ("register outbound_trunk", "register activate", "update inbound_trunk", "delete dispatch_rule")


@pytest.mark.timeout(300)
def test_so_it_is_on_the_embedded_plane(tmp_path: Path) -> None:
    groups = [
        [one for one in MATRIX if f"{one.kind} {one.step}" in EMBEDDED and (one.point, one.fault) == (point, fault)]
        for point, fault in ((Point.UNSTORED, Fault.KILL), (Point.UNSTORED, Fault.DATABASE))
    ]
    with crashable(tmp_path, "embedded") as deployment:
        assert asyncio.run(play(deployment, groups)) == {}
    assert [len(group) for group in groups] == [len(EMBEDDED)] * 2


@pytest.mark.timeout(300)
def test_what_else_is_posted_under_a_key_is_done_once(tmp_path: Path) -> None:
    """Killed when everything is written and nothing committed."""

    async def scene(deployment: Crashable) -> None:
        spare = await deployment.ask("POST", "/v1/api-keys", {"name": "spare"})
        assert spare is not None
        posts = {"/v1/agents": {"name": "Once"}, "/v1/models": MODEL, "/v1/api-keys": {"name": "Once"}}
        posts[f"/v1/api-keys/{spare.json()['id']}/rotate"] = {}
        for path, body in posts.items():
            await _killed_posting(deployment, path, body)
            first, second = [await deployment.ask("POST", path, body, Idempotency_Key=path) for _ in range(2)]
            assert first is not None
            assert second is not None
            assert first.status_code in {200, 201}, first.text
            assert (second.status_code, second.text) == (first.status_code, first.text)
        for table, name in (("agents", "Once"), ("llm_models", "Once, too"), ("api_keys", "Once")):
            assert deployment.sql(f"SELECT count(*) FROM {table} WHERE name = %s", [name]) == [{"count": 1}], table
        assert deployment.sql("SELECT count(*) FROM audit_events") == [{"count": len(posts) + 1}]

    with crashable(tmp_path) as deployment:
        asyncio.run(scene(deployment))


@pytest.mark.timeout(300)
def test_who_resumes_may_be_killed_too(tmp_path: Path) -> None:
    scenario = next(one for one in MATRIX if (one.kind, one.step) == ("register", "outbound_trunk"))

    async def scene(deployment: Crashable) -> dict[Scenario, str]:
        stage = Stage(deployment, await agent_of(deployment))
        playing = asyncio.create_task(stage.play([scenario]))
        place = f"create_outbound_trunk {scenario.number}"
        await _seen(deployment, place, 1)
        await deployment.plane.script(place, [PlaneFault(kind=FaultKind.MUTE)])
        await _seen(deployment, place, 2)
        deployment.kill("jobs")
        await asyncio.to_thread(deployment.start, "jobs")
        await playing
        assert (await deployment.plane.seen()).count(place) == 2, "what was made unheard was found, not made again"
        return stage.failures

    with crashable(tmp_path) as deployment:
        assert asyncio.run(scene(deployment)) == {}


@pytest.mark.timeout(300)
def test_who_takes_back_may_be_killed_too(tmp_path: Path) -> None:
    """The undoing goes on to its end; sent again under its key, the registration then comes about."""
    number, headers = "+15559990001", {"Idempotency_Key": "undone", "X_Request_Id": "the-first"}

    async def scene(deployment: Crashable) -> None:
        body = {"phone_number": number, "provider": "twilio", "agent_id": await agent_of(deployment)}
        body |= {"provider_config": OLD}
        await deployment.plane.script(f"create_dispatch_rule {number}", [PlaneFault(kind=FaultKind.DENIED)])
        await deployment.plane.script(f"remove_outbound_trunk {number}", [PlaneFault(kind=FaultKind.MUTE)])
        asking = asyncio.create_task(deployment.ask("POST", "/v1/phone-numbers", body, **headers))
        await _seen(deployment, f"remove_outbound_trunk {number}", 1)
        deployment.kill("api")
        await asyncio.to_thread(deployment.start, "api")
        assert await asking is None
        again = await deployment.ask("POST", "/v1/phone-numbers", body, **(headers | {"X_Request_Id": "the-second"}))
        assert again is not None
        assert again.status_code == 201, again.text
        assert [list(one) for one in (await deployment.things()).values()] == [
            [again.json()[f"{name}_id"]] for name in ("inbound_trunk", "outbound_trunk", "dispatch_rule")
        ]
        states = deployment.sql("SELECT state FROM operations ORDER BY id")
        assert [row["state"] for row in states] == ["undone", "done"]
        events = deployment.sql("SELECT request_id, status FROM audit_events WHERE action = 'phone_number.create'")
        assert [(one["request_id"], one["status"]) for one in events] == [("the-first", 500), ("the-second", 201)]

    with crashable(tmp_path) as deployment:
        asyncio.run(scene(deployment))


@pytest.mark.timeout(300)
def test_a_clock_that_is_set_back_holds_nothing_up(tmp_path: Path) -> None:
    """The lease and the job of an operation whose runner is killed are for an hour that won't come for an hour."""
    scenario = next(one for one in MATRIX if (one.kind, one.step) == ("register", "outbound_trunk"))

    async def scene(deployment: Crashable) -> dict[Scenario, str]:
        stage = Stage(deployment, await agent_of(deployment))
        playing = asyncio.create_task(stage.play([scenario]))
        await _seen(deployment, f"create_outbound_trunk {scenario.number}", 1)
        for statement in SET_BACK:
            await asyncio.to_thread(deployment.sql, statement)
        await playing
        return stage.failures

    with crashable(tmp_path) as deployment:
        assert asyncio.run(scene(deployment)) == {}


async def _killed_posting(deployment: Crashable, path: str, body: dict[str, str]) -> None:
    """The API is killed with the answer written and not committed."""
    plan = deployment.points.plan(path, ANSWER, Point.UNSTORED, "wait")
    with deployment.points.barred([plan]):
        asking = asyncio.create_task(deployment.ask("POST", path, body, Idempotency_Key=path))
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(deployment.points.reached, plan):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        deployment.kill("api")
        await asyncio.to_thread(deployment.start, "api")
    assert await asking is None


async def _seen(deployment: Crashable, place: str, times: int) -> None:
    async with asyncio.timeout(60):
        while (await deployment.plane.seen()).count(place) < times:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def play(deployment: Crashable, groups: list[list[Scenario]]) -> dict[Scenario, str]:
    """What was wrong."""
    stage = Stage(deployment, await agent_of(deployment))
    for group in groups:
        await stage.play(group)
    return stage.failures
