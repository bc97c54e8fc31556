"""Registrations, changes and releases as operations, on a media plane that goes wrong: over HTTP, and resumed."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from tests.api.conftest import TRIO, Api, Deployed
from tests.media.trunks_process import TrunksProcess, trunks_process

from oneinbox.adapters.media.scripted import ScriptedTrunks
from oneinbox.adapters.media.scripted.wire import Fault, FaultKind
from oneinbox.app.jobs.tasks import remaking
from oneinbox.app.settings import Address
from oneinbox.app.steps import Remake
from oneinbox.app.wiring import ports_of, steps_of
from oneinbox.features.audit_events import service as audit_events
from oneinbox.features.phone_numbers import service as phone_numbers
from oneinbox.features.phone_numbers.errors import RegisteredMeanwhile
from oneinbox.features.phone_numbers.schemas import PhoneNumberCreate
from oneinbox.features.phone_numbers.steps import Hands, registering
from oneinbox.kit.clock import SystemClock
from oneinbox.kit.db import Database
from oneinbox.kit.sealing import MasterKeys, Sealer

NUMBER = "+15550100001"
NAMES = ["reserve", "inbound_trunk", "outbound_trunk", "dispatch_rule", "activate"]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[TrunksProcess]:
    with trunks_process(tmp_path) as running:
        yield running


class Place:
    """A deployment on the scripted media plane, and what tests do behind its back."""

    def __init__(self, deployed: Deployed, process: TrunksProcess) -> None:
        self.deployed = deployed
        self.api: Api = deployed.workspace("default")
        self.plane = ScriptedTrunks("127.0.0.1", process.port)

    def run(self, work: Awaitable[Any]) -> Any:
        async def awaited() -> Any:
            return await work

        return self.deployed.runner.run(awaited())

    def goes_wrong(self, place: str, *kinds: FaultKind) -> None:
        self.run(self.plane.script(place, [Fault(kind=kind) for kind in kinds]))

    def things(self) -> dict[str, dict[str, Any]]:
        return dict(self.run(self.plane.things()))

    def counts(self) -> list[int]:
        return [len(things) for things in self.things().values()]

    def sql(self, statement: str) -> list[Any]:
        async def execute() -> list[Any]:
            async with self.deployed.database.transaction() as session:
                result = await session.execute(text(statement))
                return list(result.all()) if result.returns_rows else []

        return list(self.run(execute()))

    def body(self, number: str = NUMBER, **fields: Any) -> dict[str, Any]:
        made = {"phone_number": number, "provider": "twilio", "provider_config": TRIO} | fields
        return made if "agent_id" in made else made | {"agent_id": self.api.agent()}

    def operation(self, phone_id: str) -> dict[str, Any]:
        """The newest one on a number."""
        return dict(self.api("GET", f"/v1/phone-numbers/{phone_id}/operations").json()["items"][0])

    def orphan(self) -> None:
        """The lease of every open operation is over, as it is some seconds after its runner died."""
        self.sql("UPDATE operations SET leased_until = now() - interval '1 second'")

    def resume(self, operation_id: str) -> bool:
        return bool(self.run(self.resumed(operation_id)))

    async def resumed(self, operation_id: str) -> bool:
        runner = steps_of(self.deployed.database, SystemClock(), self.deployed.sealer)
        return await runner.resume(operation_id, await self.remake())

    async def remake(self) -> Remake:
        place = self.deployed
        async with place.database.transaction() as session:
            ports = await ports_of(place.settings, session, place.database, place.sealer, SystemClock())
        return remaking(ports, SystemClock(), place.deployment.audit_key)


@pytest.fixture
def place(deploy: Callable[..., Deployed], process: TrunksProcess) -> Place:
    trunks = Address("127.0.0.1", process.port)
    deployed = deploy(scripted_providers=True, scripted_trunks=trunks, media_plane="scripted")
    return Place(deployed, process)


def names_and_states(operation: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step["name"], step["state"]) for step in operation["steps"]]


def test_a_registration_is_shown_step_by_step(place: Place) -> None:
    number = place.api.number()
    operation = place.operation(number["id"])
    assert (operation["kind"], operation["state"], operation["error"]) == ("register", "done", None)
    assert operation["resource_id"] == number["id"]
    assert names_and_states(operation) == [(name, "done") for name in NAMES]
    told = {step["name"]: step["external_id"] for step in operation["steps"]}
    assert told["inbound_trunk"] == number["inbound_trunk_id"]
    assert told["dispatch_rule"] == number["dispatch_rule_id"]
    assert all(step["started_at"] <= step["finished_at"] for step in operation["steps"])
    assert place.api("GET", f"/v1/operations/{operation['id']}").json() == operation


def test_operations_of_others_are_a_404_like_unknown_ones(place: Place) -> None:
    number = place.api.number()
    operation_id = place.operation(number["id"])["id"]
    other = place.deployed.workspace("other")
    for path in (f"/v1/operations/{operation_id}", f"/v1/operations/{uuid.uuid4()}"):
        response = other("GET", path)
        assert (response.status_code, response.json()["code"]) == (404, "OPERATION_NOT_FOUND")
    for path in (number["id"], str(uuid.uuid4())):
        response = other("GET", f"/v1/phone-numbers/{path}/operations")
        assert (response.status_code, response.json()["code"]) == (404, "PHONE_NUMBER_NOT_FOUND")


@pytest.mark.parametrize("kind", [FaultKind.ERROR, FaultKind.DENIED])
@pytest.mark.parametrize("step", ["inbound_trunk", "outbound_trunk", "dispatch_rule"])
def test_a_refusal_undoes_everything_and_names_its_operation(place: Place, step: str, kind: FaultKind) -> None:
    place.goes_wrong(f"create_{step}", kind)
    response = place.api("POST", "/v1/phone-numbers", json=place.body())
    assert (response.status_code, response.json()["code"]) == (502, "MEDIA_PLANE_UNAVAILABLE")
    assert place.counts() == [0, 0, 0]
    assert place.sql("SELECT id FROM phone_numbers") == []
    ((operation_id, state),) = place.sql("SELECT id, state FROM operations")
    assert state == "undone"
    assert operation_id in response.json()["detail"]
    operation = place.api("GET", f"/v1/operations/{operation_id}").json()
    assert operation["error"]["code"] == "MEDIA_PLANE_UNAVAILABLE"
    failed = operation["steps"][-1]
    assert (failed["name"], failed["error"]["code"]) == (step, "MEDIA_PLANE_UNAVAILABLE")
    assert failed["state"] == ("undone" if kind is FaultKind.DENIED else "failed")
    assert [step["state"] for step in operation["steps"][:-1]] == ["undone"] * (len(operation["steps"]) - 1)
    assert place.api.number()["status"] == "active"


@pytest.mark.parametrize("kind", [FaultKind.LOST, FaultKind.CUT, FaultKind.MUTE, FaultKind.SILENT])
def test_a_lost_answer_is_looked_for_and_nothing_is_made_twice(place: Place, kind: FaultKind) -> None:
    place.goes_wrong("create_outbound_trunk", kind)
    number = place.api.number()
    assert number["status"] == "active"
    assert place.counts() == [1, 1, 1]
    assert list(place.things()["outbound_trunk"]) == [number["outbound_trunk_id"]]


def test_who_cannot_undo_goes_on_later(place: Place) -> None:
    place.goes_wrong("create_dispatch_rule", FaultKind.ERROR)
    place.goes_wrong("remove_inbound_trunk", *[FaultKind.ERROR] * 3)
    assert place.api("POST", "/v1/phone-numbers", json=place.body()).status_code == 502
    ((operation_id, state),) = place.sql("SELECT id, state FROM operations")
    assert (state, place.counts()) == ("undoing", [1, 0, 0])
    assert not place.resume(operation_id), "its lease is not over"
    place.orphan()
    assert place.resume(operation_id)
    assert place.counts() == [0, 0, 0]
    assert place.sql("SELECT id FROM phone_numbers") == []
    assert place.api("GET", f"/v1/operations/{operation_id}").json()["state"] == "undone"


@pytest.fixture
def abandoned(place: Place) -> Callable[[str, FaultKind], str]:
    """Has a registration's runner die at a step, and gives its operation's id."""

    def die(step: str, kind: FaultKind) -> str:
        body, agent_id = place.body(), place.api.agent()
        place.goes_wrong(f"create_{step}", kind)
        place.run(_die_registering(place, PhoneNumberCreate.model_validate(body | {"agent_id": agent_id}), step))
        ((operation_id, state),) = place.sql("SELECT id, state FROM operations")
        assert state == "running"
        return str(operation_id)

    return die


async def _die_registering(place: Place, body: PhoneNumberCreate, step: str) -> None:
    deployed = place.deployed
    runner = steps_of(deployed.database, SystemClock(), deployed.sealer)
    async with deployed.database.transaction() as session:
        workspace_id = str(await session.scalar(text("SELECT id FROM workspaces WHERE name = 'default'")))
        ports = await ports_of(deployed.settings, session, deployed.database, deployed.sealer, SystemClock())
    work = phone_numbers.resumption(
        workspace_id, ports, SystemClock(), "register", str(uuid.uuid4()), body.model_dump_json(exclude_none=True)
    )
    running = asyncio.create_task(runner.run(work))
    while not any(f"create_{step}" in seen for seen in await place.plane.seen()):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    for task in asyncio.all_tasks():
        if task.get_name() == f"register {work.resource_id}":
            task.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("kind", [FaultKind.SILENT, FaultKind.MUTE])
@pytest.mark.parametrize("step", ["inbound_trunk", "outbound_trunk", "dispatch_rule"])
def test_an_abandoned_registration_is_finished_once(
    place: Place, abandoned: Callable[[str, FaultKind], str], step: str, kind: FaultKind
) -> None:
    operation_id = abandoned(step, kind)
    assert not place.resume(operation_id), "somebody may still work on it"
    place.orphan()

    async def several() -> list[bool]:
        return await asyncio.gather(*(place.resumed(operation_id) for _ in range(4)))

    finished = place.run(several())
    assert any(finished)
    assert place.resume(operation_id), "what is over is over"
    (number,) = place.api("GET", "/v1/phone-numbers").json()["items"]
    assert place.sql("SELECT status FROM phone_numbers") == [("active",)]
    assert place.counts() == [1, 1, 1]
    assert list(place.things()["dispatch_rule"]) == [number["dispatch_rule_id"]]
    assert [seen.split()[0] for seen in place.run(place.plane.seen())].count(f"create_{step}") == (
        2 if kind is FaultKind.SILENT else 1
    )


def test_a_number_whose_registration_is_open_is_not_changed_meanwhile(
    place: Place, abandoned: Callable[[str, FaultKind], str]
) -> None:
    abandoned("outbound_trunk", FaultKind.SILENT)
    (number,) = place.api("GET", "/v1/phone-numbers").json()["items"]
    assert number["status"] == "provisioning"
    response = place.api("DELETE", f"/v1/phone-numbers/{number['id']}")
    assert (response.status_code, response.json()["code"]) == (409, "OPERATION_IN_PROGRESS")


def test_what_was_asked_for_is_sealed_and_forgotten_at_the_end(
    place: Place, abandoned: Callable[[str, FaultKind], str]
) -> None:
    def everything() -> str:
        names = place.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return "\n".join(str(place.sql(f'SELECT * FROM "{name}"')) for (name,) in names)

    operation_id = abandoned("outbound_trunk", FaultKind.SILENT)
    assert TRIO["auth_password"] not in everything()
    ((sealed,),) = place.sql("SELECT request FROM operations")
    assert len(sealed) > 100
    shown = place.api("GET", f"/v1/operations/{operation_id}")
    assert TRIO["auth_password"] not in shown.text
    place.orphan()
    assert place.resume(operation_id)
    assert place.sql("SELECT request, runner, leased_until FROM operations") == [(None, None, None)]
    assert place.sql("SELECT count(*) FROM procrastinate_jobs")[0][0] >= 1


def test_an_operation_that_ends_leaves_no_job(place: Place) -> None:
    number = place.api.number()
    place.api("PATCH", f"/v1/phone-numbers/{number['id']}", json={"friendly_name": "Desk"})
    place.api("DELETE", f"/v1/phone-numbers/{number['id']}")
    assert place.sql("SELECT count(*) FROM procrastinate_jobs") == [(0,)]
    kinds = place.api("GET", f"/v1/phone-numbers/{number['id']}/operations").json()["items"]
    assert [operation["kind"] for operation in kinds] == ["delete", "update", "register"]


def test_changed_credentials_roll_over_in_place(place: Place) -> None:
    config = TRIO | {"inbound_username": "gate", "inbound_password": "old-gate", "messaging_service_sid": "MG1"}
    number = place.api.number(provider_config=config)
    path = f"/v1/phone-numbers/{number['id']}"
    before = place.things()
    change = {"auth_password": "new-password", "inbound_password": "new-gate", "allowed_addresses": ["198.51.100.7"]}
    response = place.api("PATCH", path, json={"provider_config": change, "friendly_name": "Desk"})
    assert response.status_code == 200, response.text
    after = place.things()
    assert [list(things) for things in after.values()] == [list(things) for things in before.values()]
    inbound, outbound = after["inbound_trunk"][number["inbound_trunk_id"]], after["outbound_trunk"]
    assert (inbound["auth_username"], inbound["auth_password"]) == ("gate", "new-gate")
    assert "198.51.100.7/32" in inbound["allowed_addresses"]
    assert outbound[number["outbound_trunk_id"]]["auth_password"] == "new-password"
    assert outbound[number["outbound_trunk_id"]]["address"] == TRIO["trunk_address"]
    assert names_and_states(place.operation(number["id"])) == [
        (name, "done") for name in ("check", "inbound_trunk", "outbound_trunk", "change")
    ]
    again = place.api("PATCH", path, json={"provider_config": {"inbound_username": None, "inbound_password": None}})
    assert again.status_code == 200
    inbound = place.things()["inbound_trunk"][number["inbound_trunk_id"]]
    assert (inbound["auth_username"], inbound["auth_password"]) == (None, None)
    assert "198.51.100.7/32" in inbound["allowed_addresses"]
    assert "password" not in again.text


def test_a_change_that_fails_leaves_everything_as_it_was(place: Place) -> None:
    number = place.api.number()
    path = f"/v1/phone-numbers/{number['id']}"
    before, shown = place.things(), place.api("GET", path).json()
    place.goes_wrong("update_outbound_trunk", FaultKind.DENIED)
    change = {"provider_config": {"auth_username": "other", "inbound_username": "g", "inbound_password": "p"}}
    response = place.api("PATCH", path, json=change | {"friendly_name": "Desk"})
    assert (response.status_code, response.json()["code"]) == (502, "MEDIA_PLANE_UNAVAILABLE")
    assert place.things() == before
    assert place.api("GET", path).json() == shown
    assert place.operation(number["id"])["state"] == "undone"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"provider_config": {"auth_password": None}}, 400, "SIP_TRUNK_PROVISION_FAILED"),
        ({"provider_config": {"inbound_username": "gate"}}, 422, None),
        ({"provider_config": {"trunk_address": "http://x/"}}, 422, None),
        ({"agent_id": str(uuid.uuid4()), "provider_config": {"auth_username": "x"}}, 404, "AGENT_NOT_FOUND"),
    ],
)
def test_a_change_that_cannot_be_is_refused_before_anything_happens(
    place: Place, change: dict[str, Any], status: int, code: str | None
) -> None:
    number = place.api.number()
    path = f"/v1/phone-numbers/{number['id']}"
    before, shown = place.things(), place.api("GET", path).json()
    response = place.api("PATCH", path, json=change)
    assert response.status_code == status, response.text
    assert code is None or response.json()["code"] == code
    assert place.things() == before
    assert place.api("GET", path).json() == shown


def test_a_release_that_fails_goes_on_later(place: Place) -> None:
    number = place.api.number()
    place.goes_wrong("remove_inbound_trunk", FaultKind.ERROR)
    response = place.api("DELETE", f"/v1/phone-numbers/{number['id']}")
    assert (response.status_code, response.json()["code"]) == (502, "MEDIA_PLANE_UNAVAILABLE")
    assert place.api("GET", f"/v1/phone-numbers/{number['id']}").json()["status"] == "inactive"
    operation = place.operation(number["id"])
    assert (operation["state"], operation["steps"][-1]["error"]["code"]) == ("running", "MEDIA_PLANE_UNAVAILABLE")
    assert place.resume(operation["id"]), "its runner has let go of it"
    assert place.counts() == [0, 0, 0]
    assert place.api("GET", f"/v1/phone-numbers/{number['id']}").status_code == 404
    assert place.operation(number["id"])["state"] == "done"


def test_what_can_never_be_finished_is_given_up_after_a_day(place: Place) -> None:
    number = place.api.number()
    place.goes_wrong("remove_dispatch_rule", *[FaultKind.ERROR] * 3)
    place.api("DELETE", f"/v1/phone-numbers/{number['id']}")
    operation_id = place.operation(number["id"])["id"]
    assert not place.resume(operation_id)
    place.sql("UPDATE operations SET created_at = now() - interval '25 hours'")
    assert place.resume(operation_id)
    assert place.operation(number["id"])["state"] == "failed"
    assert place.api("GET", f"/v1/phone-numbers/{number['id']}").json()["status"] == "failed"
    assert place.sql("SELECT request FROM operations WHERE state = 'failed'") == [(None,)]


def test_forty_registrations_at_once_do_not_wait_for_one_another_for_ever(place: Place) -> None:
    agent_id = place.api.agent()
    bodies = [place.body(f"+155501{index:05d}", agent_id=agent_id) for index in range(40)]
    answers = place.api.at_once([("POST", "/v1/phone-numbers", body) for body in bodies])
    assert {answer.status_code for answer in answers} == {201}
    assert place.counts() == [40, 40, 40]


def test_changes_at_once_follow_one_another(place: Place) -> None:
    path = f"/v1/phone-numbers/{place.api.number()['id']}"
    changes = [{"provider_config": {"auth_username": f"user-{index}"}} for index in range(8)]
    answers = place.api.at_once([("PATCH", path, change) for change in changes])
    assert {answer.status_code for answer in answers} == {200}
    ((stored,),) = place.sql("SELECT provider_config FROM phone_numbers")
    (trunk,) = place.things()["outbound_trunk"].values()
    assert trunk["auth_username"] == stored["auth_username"]


@pytest.mark.parametrize("wrong", ["nothing", "taken", "agent", "trio", "plane", "integration", "body"])
def test_a_rehearsal_checks_everything_and_writes_nothing(place: Place, wrong: str) -> None:
    body = place.body(friendly_name="Desk")
    if wrong == "taken":
        place.api.number()
    if wrong == "plane":
        place.goes_wrong("find_inbound_trunk", FaultKind.ERROR)
    change = {
        "agent": {"agent_id": str(uuid.uuid4())},
        "trio": {"provider_config": {}},
        "integration": {"credential_id": str(uuid.uuid4())},
        "body": {"phone_number": "1"},
    }
    before = place.sql("SELECT (SELECT count(*) FROM operations), (SELECT count(*) FROM phone_numbers)")
    counts = place.counts()
    response = place.api("POST", "/v1/phone-numbers?dry_run=true", json=body | change.get(wrong, {}))
    statuses = {"nothing": 200, "taken": 409, "agent": 404, "trio": 400, "plane": 502, "integration": 404, "body": 422}
    assert response.status_code == statuses[wrong], response.text
    if wrong == "nothing":
        told = response.json()
        assert (told["id"], told["status"]) == ("00000000-0000-0000-0000-000000000000", "provisioning")
        assert (told["friendly_name"], told["inbound_trunk_id"]) == ("Desk", None)
    assert place.sql("SELECT (SELECT count(*) FROM operations), (SELECT count(*) FROM phone_numbers)") == before
    assert place.counts() == counts


@pytest.mark.parametrize("wrong", ["key", "form"])
@pytest.mark.parametrize("kind", ["register", "update", "delete"])
def test_what_can_not_be_read_any_more_is_given_up_after_a_day(place: Place, kind: str, wrong: str) -> None:
    phone_id = place.api.number()["id"]
    path = f"/v1/phone-numbers/{phone_id}"
    sealer = place.deployed.sealer if wrong == "form" else Sealer(MasterKeys("k", {"k": bytes(32)}))
    request = '{"phone_number": 1, "status": "from another version"}'
    operation_id = str(uuid.uuid4())
    ((workspace_id,),) = place.sql("SELECT workspace_id FROM phone_numbers")
    blob = sealer.seal(request, workspace_id=workspace_id, row_id=operation_id, field="request").hex()
    place.sql(
        "INSERT INTO operations (id, workspace_id, kind, resource_id, state, request, leased_until) VALUES "
        f"('{operation_id}', '{workspace_id}', '{kind}', '{phone_id}', 'running', '\\x{blob}', now() - interval '1 s')"
    )
    place.sql(
        f"INSERT INTO operation_steps (operation_id, seq, name, state) VALUES ('{operation_id}', 0, 'x', 'sending')"
    )
    if (kind, wrong) == ("delete", "form"):
        assert place.resume(operation_id), "nothing was asked for but its end"
        return
    assert not place.resume(operation_id)
    place.sql("UPDATE operations SET created_at = now() - interval '25 hours'")
    assert place.resume(operation_id)
    assert place.api("GET", path).json()["status"] == "failed"
    assert place.api("GET", f"/v1/operations/{operation_id}").json()["state"] == "failed"
    assert place.api("DELETE", path).status_code == 204
    assert place.counts() == [0, 0, 0]


async def _die_asking(place: Place, fault: str, method: str, path: str, body: Any) -> None:
    """Send a request, and have its process end as soon as the media plane has been asked for that."""
    asking = asyncio.create_task(place.api.send(method, path, json=body, headers={"X-Request-Id": "the-lost-one"}))
    before = len(await place.plane.seen())
    while not any(fault in seen for seen in (await place.plane.seen())[before:]):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    for task in asyncio.all_tasks():
        if task.get_name().partition(" ")[0] in {"register", "update", "delete"}:
            task.cancel()
    assert isinstance((await asyncio.gather(asking, return_exceptions=True))[0], asyncio.CancelledError)


def trail(place: Place) -> list[tuple[str, str | None, int]]:
    """What the audit trail says of numbers, oldest first."""
    found = place.api("GET", "/v1/audit-events", params={"resource_type": "phone_number"}).json()["items"]
    return [(one["action"], one["resource_id"], one["status"]) for one in found[::-1]]


def resume_all(place: Place) -> None:
    place.orphan()
    for (operation_id,) in place.sql("SELECT id FROM operations WHERE state IN ('running', 'undoing')"):
        assert place.resume(operation_id)


@pytest.mark.parametrize(
    ("method", "fault", "body", "action", "status"),
    [
        ("POST", "create_outbound_trunk", {}, "phone_number.create", 201),
        ("PATCH", "update_outbound_trunk", {"provider_config": {"auth_username": "x"}}, "phone_number.update", 200),
        ("DELETE", "remove_inbound_trunk", None, "phone_number.delete", 204),
    ],
)
@pytest.mark.parametrize("ends_well", [True, False])
def test_what_is_ended_after_a_crash_is_audited_once(
    place: Place, method: str, fault: str, body: Any, action: str, status: int, ends_well: bool
) -> None:
    body = place.body() if method == "POST" else body
    phone_id = None if method == "POST" else place.api.number()["id"]
    path = f"/v1/phone-numbers/{phone_id}" if phone_id else "/v1/phone-numbers"
    before = len(trail(place))
    place.goes_wrong(fault, FaultKind.SILENT, *([] if ends_well else [FaultKind.ERROR] * 2))
    place.run(_die_asking(place, fault, method, path, body))
    ((phone_id,),) = place.sql("SELECT id FROM phone_numbers")
    assert trail(place)[before:] == []
    if method == "DELETE" and not ends_well:
        place.sql("UPDATE operations SET created_at = now() - interval '25 hours'")
    resume_all(place)
    assert trail(place)[before:] == [(action, phone_id, status if ends_well else 500)]
    told = place.api("GET", "/v1/audit-events", params={"actor": "me", "action": action}).json()["items"][0]
    assert (told["request_id"], told["ip"]) == ("the-lost-one", "127.0.0.1")
    assert told["payload_hash"]
    assert place.run(_broken(place)) == []
    assert place.sql("SELECT deed FROM operations WHERE deed IS NOT NULL") == []


async def _broken(place: Place) -> list[Any]:
    async with place.deployed.database.transaction() as session:
        return list(await audit_events.verify(session, place.deployed.deployment.audit_key))


def test_what_its_caller_was_told_of_is_audited_again_only_when_it_is_done_after_all(place: Place) -> None:
    place.goes_wrong("create_dispatch_rule", FaultKind.ERROR)
    place.goes_wrong("remove_inbound_trunk", *[FaultKind.ERROR] * 3)
    place.api("POST", "/v1/phone-numbers", json=place.body())
    resume_all(place)
    assert trail(place) == [("phone_number.create", None, 502)]
    phone_id = place.api.number()["id"]
    place.goes_wrong("remove_inbound_trunk", FaultKind.ERROR)
    place.api("DELETE", f"/v1/phone-numbers/{phone_id}")
    resume_all(place)
    assert trail(place)[2:] == [("phone_number.delete", phone_id, 502), ("phone_number.delete", phone_id, 204)]


KEY = {"headers": {"Idempotency-Key": "k"}}


@pytest.mark.parametrize("since", ["nothing", "a change that failed", "a release"])
def test_a_registration_that_is_sent_again_finds_its_number_whatever_has_become_of_it(place: Place, since: str) -> None:
    """Its answer was lost; meanwhile somebody else has worked on the number."""
    body = place.body()
    made = place.api("POST", "/v1/phone-numbers", json=body, **KEY).json()
    place.sql("UPDATE idempotency_keys SET status = NULL, sealed = NULL")
    path = f"/v1/phone-numbers/{made['id']}"
    if since == "a change that failed":
        place.goes_wrong("update_outbound_trunk", FaultKind.DENIED)
        assert place.api("PATCH", path, json={"provider_config": {"auth_username": "x"}}).status_code == 502
    if since == "a release":
        assert place.api("DELETE", path).status_code == 204
    again = place.api("POST", "/v1/phone-numbers", json=body, **KEY)
    if since == "a release":
        assert (again.status_code, again.json()["code"]) == (404, "PHONE_NUMBER_NOT_FOUND")
        assert place.counts() == [0, 0, 0]
        return
    assert (again.status_code, again.json()) == (201, made)
    assert place.api("GET", path).json() == made
    assert place.counts() == [1, 1, 1]


def test_what_was_done_is_audited_even_if_its_answer_can_not_be_kept(place: Place, database_urls: Any) -> None:
    owner = Database(database_urls.owner, pool_size=1)

    async def as_owner(statement: str) -> None:
        async with owner.transaction() as session:
            await session.execute(text(statement))

    place.run(as_owner("REVOKE UPDATE ON idempotency_keys FROM oneinbox_app"))
    assert place.api("POST", "/v1/phone-numbers", json=place.body(), **KEY).status_code == 500
    place.run(as_owner("GRANT UPDATE ON idempotency_keys TO oneinbox_app"))
    place.run(owner.close())
    ((phone_id,),) = place.sql("SELECT id FROM phone_numbers")
    assert trail(place) == [("phone_number.create", phone_id, 201), ("phone_number.create", None, 500)]


def test_a_twin_that_comes_late_takes_nothing_back(place: Place) -> None:
    """Two processes register the same id, each not knowing of the other: the lock of their key was lost."""
    made = place.api.number()
    runner = place.deployed.deployment.ports.steps
    body = PhoneNumberCreate.model_validate(place.body(agent_id=made["agent_id"]))
    ((workspace_id,),) = place.sql("SELECT workspace_id FROM phone_numbers")
    hands = Hands(workspace_id, place.deployed.deployment.ports, SystemClock())
    with pytest.raises(RegisteredMeanwhile):
        place.run(runner.run(registering(hands, made["id"], body)))
    assert place.api("GET", f"/v1/phone-numbers/{made['id']}").json() == made
    assert place.counts() == [1, 1, 1]


@pytest.mark.parametrize("other", ["DELETE", "PATCH"])
def test_two_at_once_on_one_number_follow_one_another(place: Place, other: str) -> None:
    """Each is answered as what it found, and the trail tells of both."""
    path = f"/v1/phone-numbers/{place.api.number()['id']}"
    change = {"provider_config": {"auth_username": "x"}} if other == "PATCH" else None
    first, second = place.api.at_once([("DELETE", path, None), (other, path, change)])
    statuses = {first.status_code, second.status_code}
    assert statuses in ({204, 404}, {204, 200}) if other == "PATCH" else statuses == {204, 404}
    assert place.counts() == [0, 0, 0]
    told = [status for action, _, status in trail(place) if action != "phone_number.create"]
    assert sorted(told) == sorted([first.status_code, second.status_code])
