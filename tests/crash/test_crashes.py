"""A slice of the crash matrix; `make test-crash` plays all of it."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.crash.deployment import Crashable, crashable
from tests.crash.matrix import ANSWER, CHANGES_NOTHING, MATRIX, Fault, Point, Scenario
from tests.crash.scenes import OLD, Stage, agent_of, of_number

from oneinbox.adapters.media.scripted.wire import Fault as PlaneFault
from oneinbox.adapters.media.scripted.wire import FaultKind
from oneinbox.features.phone_numbers.steps import KINDS

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
EMBEDDED = ("register outbound_trunk", "register activate", "update inbound_trunk", "delete dispatch_rule")
SET_BACK = (
    "UPDATE operations SET leased_until = leased_until + interval '1 hour' WHERE leased_until IS NOT NULL RETURNING id",
    "UPDATE procrastinate_jobs SET scheduled_at = scheduled_at + interval '1 hour' RETURNING id",
    "UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat + interval '1 hour' RETURNING id",
)
REGISTERING = ("reserve", "inbound_trunk", "outbound_trunk", "dispatch_rule", "activate")
UNDONE = """
SELECT state FROM operations JOIN idempotency_keys USING (resource_id) WHERE key = 'undone' ORDER BY id
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashable]:
    with crashable(tmp_path_factory.mktemp("crash")) as made:
        yield made


@pytest.fixture
def deployment(shared: Crashable) -> Crashable:
    """All of it runs, also if the test before was broken off."""
    for name in ("jobs", "api"):
        if name not in shared.processes:
            shared.start(name)
    return shared


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
def test_what_is_broken_off_is_finished_or_undone(deployment: Crashable) -> None:
    sudden = [[chosen(Fault.KILL)], [chosen(Fault.DATABASE)]]
    harmless = [chosen(fault) for fault in (Fault.LOST, Fault.TIMEOUT, Fault.ERROR)]
    assert asyncio.run(play(deployment, [*sudden, harmless])) == {}


@pytest.mark.timeout(300)
def test_so_it_is_on_the_embedded_plane(tmp_path: Path) -> None:
    wanted = (Point.UNSTORED, Fault.KILL)
    group = [one for one in MATRIX if f"{one.kind} {one.step}" in EMBEDDED and (one.point, one.fault) == wanted]
    assert len(group) == len(EMBEDDED)
    with crashable(tmp_path, "embedded") as deployment:
        assert asyncio.run(play(deployment, [[group]])) == {}


@pytest.mark.timeout(300)
def test_what_else_is_posted_under_a_key_is_done_once(deployment: Crashable) -> None:
    """Killed when everything is written and nothing committed."""

    async def scene() -> None:
        spare = await deployment.ask("POST", "/v1/api-keys", {"name": "spare"})
        assert spare is not None
        posts = {"/v1/agents": {"name": "Once"}, "/v1/api-keys": {"name": "Once"}}
        posts[f"/v1/api-keys/{spare.json()['id']}/rotate"] = {}
        before = _events(deployment)
        for path, body in posts.items():
            await _killed_posting(deployment, path, body)
            first, second = [await deployment.ask("POST", path, body, Idempotency_Key=path) for _ in range(2)]
            assert first is not None
            assert second is not None
            assert first.status_code in {200, 201}, first.text
            assert (second.status_code, second.text) == (first.status_code, first.text)
        for table in ("agents", "api_keys"):
            assert deployment.sql(f"SELECT count(*) FROM {table} WHERE name = 'Once'") == [{"count": 1}], table
        assert _events(deployment) - before == len(posts)

    asyncio.run(scene())


@pytest.mark.timeout(300)
def test_who_resumes_may_be_killed_too(deployment: Crashable) -> None:
    scenario = _killed_before("outbound_trunk")

    async def scene() -> dict[Scenario, str]:
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

    assert asyncio.run(scene()) == {}


@pytest.mark.timeout(300)
def test_who_takes_back_may_be_killed_too(deployment: Crashable) -> None:
    """The undoing goes on to its end; sent again under its key, the registration then comes about."""
    number, key = "+15559990001", {"Idempotency_Key": "undone"}

    async def scene() -> None:
        body = {"phone_number": number, "provider": "twilio", "agent_id": await agent_of(deployment)}
        body |= {"provider_config": OLD}
        await deployment.plane.script(f"create_dispatch_rule {number}", [PlaneFault(kind=FaultKind.DENIED)])
        await deployment.plane.script(f"remove_outbound_trunk {number}", [PlaneFault(kind=FaultKind.MUTE)])
        asking = asyncio.create_task(
            deployment.ask("POST", "/v1/phone-numbers", body, X_Request_Id="undone-first", **key)
        )
        await _seen(deployment, f"remove_outbound_trunk {number}", 1)
        deployment.kill("api")
        await asyncio.to_thread(deployment.start, "api")
        assert await asking is None
        again = await deployment.ask("POST", "/v1/phone-numbers", body, X_Request_Id="undone-second", **key)
        assert again is not None
        assert again.status_code == 201, again.text
        made = of_number(await deployment.things(), number, {again.json()["id"]})
        assert {kind: list(things) for kind, things in made.items()} == {
            kind: [again.json()[f"{kind}_id"]] for kind in KINDS
        }
        assert [row["state"] for row in deployment.sql(UNDONE)] == ["undone", "done"]
        events = deployment.sql("SELECT request_id, status FROM audit_events WHERE request_id LIKE 'undone-%%'", [])
        assert [(one["request_id"], one["status"]) for one in events] == [("undone-first", 500), ("undone-second", 201)]

    asyncio.run(scene())


@pytest.mark.timeout(300)
def test_a_clock_that_is_set_back_holds_nothing_up(deployment: Crashable) -> None:
    """Who carries an operation on is killed, and who does so after that: leases, jobs and heartbeats are of later."""
    scenario = _killed_before("dispatch_rule")
    place = f"create_dispatch_rule {scenario.number}"

    async def scene() -> dict[Scenario, str]:
        stage = Stage(deployment, await agent_of(deployment))
        playing = asyncio.create_task(stage.play([scenario]))
        await _seen(deployment, place, 1)
        await deployment.plane.script(place, [PlaneFault(kind=FaultKind.SILENT)])
        await _set_back(deployment)
        await _seen(deployment, place, 2)
        deployment.kill("jobs")
        await _set_back(deployment)
        await asyncio.to_thread(deployment.start, "jobs")
        await playing
        return stage.failures

    assert asyncio.run(scene()) == {}


async def _set_back(deployment: Crashable) -> None:
    """What is written down of times is an hour late then."""
    for statement in SET_BACK:
        assert await asyncio.to_thread(deployment.sql, statement)


def _killed_before(step: str) -> Scenario:
    """The registration whose process is killed before that step has an effect."""
    where = ("register", step, Point.BEFORE, Fault.KILL)
    return next(one for one in MATRIX if (one.kind, one.step, one.point, one.fault) == where)


def _events(deployment: Crashable) -> int:
    return int(deployment.sql("SELECT count(*) FROM audit_events")[0]["count"])


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


async def play(deployment: Crashable, acts: Sequence[Sequence[Sequence[Scenario]]]) -> dict[Scenario, str]:
    """What was wrong in acts of groups that are played at once."""
    stage = Stage(deployment, await agent_of(deployment))
    for groups in acts:
        await asyncio.gather(*(stage.play(group) for group in groups))
    return stage.failures
