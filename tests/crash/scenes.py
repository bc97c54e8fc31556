"""Plays scenarios and judges what is left: fully active or fully gone, stores equal, nothing pending, told once."""

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.crash.deployment import Crashable
from tests.crash.matrix import Fault, Point, Scenario
from tests.crash.retries import Request, unlike, untold

from oneinbox.adapters.media.scripted.wire import Fault as PlaneFault
from oneinbox.adapters.media.scripted.wire import FaultKind

AT_ONCE = 4
"""Scenarios that are played together, on different numbers."""
REACH_SECONDS = 20.0
SETTLE_SECONDS = 30.0
"""The promise: from the restart on."""

OLD = {"trunk_address": "old.example", "auth_username": "old", "auth_password": "old-password"}
NEW = {"trunk_address": "new.example", "auth_username": "new", "auth_password": "new-password"}
VERBS = {"register": "create", "update": "update", "delete": "remove"}
ON_PLANE = {
    (Point.BEFORE, Fault.KILL): FaultKind.SILENT,
    (Point.BEFORE, Fault.DATABASE): FaultKind.SILENT,
    (Point.BEFORE, Fault.TIMEOUT): FaultKind.SILENT,
    (Point.BEFORE, Fault.LOST): FaultKind.CUT,
    (Point.BEFORE, Fault.ERROR): FaultKind.ERROR,
    (Point.UNANSWERED, Fault.KILL): FaultKind.MUTE,
    (Point.UNANSWERED, Fault.DATABASE): FaultKind.MUTE,
    (Point.UNANSWERED, Fault.TIMEOUT): FaultKind.MUTE,
    (Point.UNANSWERED, Fault.LOST): FaultKind.LOST,
    (Point.UNANSWERED, Fault.ERROR): FaultKind.DENIED,
}
SUDDEN = (Fault.KILL, Fault.DATABASE)
"""After these a client asks again at once, and twice, while its first request's operation is still open."""
IN_DATABASE = {
    Fault.KILL: "wait",
    Fault.DATABASE: "wait",
    Fault.TIMEOUT: "wait",
    Fault.LOST: "cut",
    Fault.ERROR: "error",
}


@dataclass
class Played:
    """A scenario under way."""

    scenario: Scenario
    place: str
    plan: int | None
    before: int
    """How often its place was seen before."""
    phone_id: str | None = None
    requests: list[Request] = field(default_factory=list)
    """The one that was broken off, and its repetitions."""

    @property
    def key(self) -> str:
        """What its registration is sent under."""
        return f"crash-{self.scenario.number}"


class Stage:
    """Plays on one deployment. `failures` collects what was wrong, by scenario."""

    def __init__(self, deployment: Crashable, agent_id: str) -> None:
        self._deployment = deployment
        self._agent_id = agent_id
        self.failures: dict[Scenario, str] = {}

    async def play(self, scenarios: Sequence[Scenario]) -> None:
        """Together: they have one fault in common."""
        faults = {scenario.fault for scenario in scenarios}
        assert len(faults) == 1
        played = list(await asyncio.gather(*(self._prepare(scenario) for scenario in scenarios)))
        plans = [one.plan for one in played if one.plan is not None]
        with self._deployment.points.barred(plans):
            asking = [asyncio.create_task(self._ask(one)) for one in played]
            await asyncio.gather(*(self._reached(one) for one in played))
            await self._strike(scenarios[0].fault, asking)
        await asyncio.gather(*asking)
        registered = [one for one in played if one.scenario.kind == "register"]
        if scenarios[0].fault in SUDDEN:
            await asyncio.gather(*(self._ask(one) for one in registered * 2))
        await asyncio.gather(*(self._judge(one) for one in played))
        for _ in range(2):
            await asyncio.gather(*(self._ask(one) for one in registered))
        await asyncio.gather(*(self._judge(one, repeated=True) for one in registered))

    async def _prepare(self, scenario: Scenario) -> Played:
        phone_id = None
        if scenario.kind != "register":
            answer = await self._deployment.ask("POST", "/v1/phone-numbers", self._registration(scenario))
            assert answer is not None
            assert answer.status_code == 201, answer.text
            phone_id = answer.json()["id"]
        place = f"{VERBS[scenario.kind]}_{scenario.step} {scenario.number}"
        plan = None
        if scenario.on_plane:
            kind = ON_PLANE[scenario.point, scenario.fault]
            await self._deployment.plane.script(place, [PlaneFault(kind=kind)])
        else:
            action = IN_DATABASE[scenario.fault]
            plan = self._deployment.points.plan(scenario.number, scenario.step, scenario.point, action)
        before = (await self._deployment.plane.seen()).count(place)
        return Played(scenario, place, plan, before, phone_id)

    def _registration(self, scenario: Scenario) -> dict[str, Any]:
        own = {"phone_number": scenario.number, "provider": "twilio", "agent_id": self._agent_id}
        return own | {"provider_config": OLD}

    async def _ask(self, one: Played) -> None:
        path = f"/v1/phone-numbers/{one.phone_id}"
        sent = Request(f"{one.scenario.number[1:]}-{len(one.requests)}")
        one.requests.append(sent)
        headers = {"X_Request_Id": sent.id}
        match one.scenario.kind:
            case "register":
                body = self._registration(one.scenario)
                headers |= {"Idempotency_Key": one.key}
                asked = self._deployment.ask("POST", "/v1/phone-numbers", body, **headers)
            case "update":
                asked = self._deployment.ask("PATCH", path, {"provider_config": NEW, "friendly_name": "new"}, **headers)
            case _:
                asked = self._deployment.ask("DELETE", path, **headers)
        sent.answer = await asked

    async def _reached(self, one: Played) -> None:
        """Wait until the operation has come to its crash point."""
        try:
            async with asyncio.timeout(REACH_SECONDS):
                while not await self._is_there(one):  # noqa: ASYNC110 (others' processes tell nobody)
                    await asyncio.sleep(0.02)
        except TimeoutError:
            self.failures[one.scenario] = "never came to its crash point"

    async def _is_there(self, one: Played) -> bool:
        if one.plan is not None:
            return await asyncio.to_thread(self._deployment.points.reached, one.plan)
        return (await self._deployment.plane.seen()).count(one.place) > one.before

    async def _strike(self, fault: Fault, asking: list[asyncio.Task[None]]) -> None:
        match fault:
            case Fault.KILL:
                self._deployment.kill("api")
                await asyncio.to_thread(self._deployment.start, "api")
            case Fault.DATABASE:
                # From the main thread: a server ends with the thread that started it.
                self._deployment.restart_database()
            case _:
                await asyncio.wait(asking)

    async def _judge(self, one: Played, *, repeated: bool = False) -> None:
        wrong = "nothing was looked at"
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                while wrong := await self._wrong(one, repeated):  # noqa: ASYNC110
                    await asyncio.sleep(0.25)
        except TimeoutError:
            self.failures.setdefault(one.scenario, f"after {SETTLE_SECONDS:.0f} s: {wrong}")

    async def _wrong(self, one: Played, repeated: bool) -> str:
        """What is not as it should be; empty when everything is."""
        number = one.scenario.number
        found = await asyncio.to_thread(self._deployment.sql, ROWS, [number])
        rows = [row for row in found if row["deleted_at"] is None]
        claimed = await asyncio.to_thread(self._deployment.sql, CLAIMED, [one.key])
        ids = {row["id"] for row in found + claimed} | ({one.phone_id} if one.phone_id else set())
        things = of_number(await self._deployment.things(), number, ids)
        if pending := await asyncio.to_thread(self._deployment.sql, PENDING, [list(ids)]):
            return f"pending: {pending}"
        if not rows:
            wrong = f"gone, but left on the media plane: {things}" if any(things.values()) else ""
        else:
            wrong = self._unequal(rows[0], things)
        operations = await asyncio.to_thread(self._deployment.sql, OPERATIONS, [list(ids), one.scenario.kind])
        events = await asyncio.to_thread(self._deployment.sql, EVENTS, [f"{number[1:]}-%"])
        states = [row["state"] for row in operations]
        wrong = wrong or _contradicted(one, rows) or untold(one.requests, states, events)
        return wrong or (unlike(one.requests, states, rows) if repeated else "")

    def _unequal(self, row: dict[str, Any], things: dict[str, dict[str, Any]]) -> str:
        """How the number and what the media plane has of it differ."""
        if row["status"] != "active":
            return f"neither active nor gone: {row['status']}"
        ids = {kind: list(members) for kind, members in things.items()}
        if ids != {kind: [row[f"{kind}_id"]] for kind in things}:
            return f"other ids: {ids}"
        (rule,), (trunk,) = things["dispatch_rule"].values(), things["outbound_trunk"].values()
        if (rule["phone_id"], rule["trunk_id"]) != (row["id"], row["inbound_trunk_id"]):
            return f"another rule: {rule}"
        config = row["provider_config"] | {"auth_password": self._password(row)}
        told = {"address": "trunk_address", "auth_username": "auth_username", "auth_password": "auth_password"}
        if config not in (OLD, NEW) or any(trunk[name] != config[member] for name, member in told.items()):
            return f"another trunk: {trunk['address']} for {config['trunk_address']}"
        return ""

    def _password(self, row: dict[str, Any]) -> str:
        blob = base64.b64decode(row["sealed_config"]["auth_password"])
        place = {"workspace_id": row["workspace_id"], "row_id": row["id"], "field": "auth_password"}
        return str(json.loads(self._deployment.sealer.open(blob, **place)))


ROWS = "SELECT * FROM phone_numbers WHERE phone_number = %s"
CLAIMED = "SELECT resource_id AS id FROM idempotency_keys WHERE key = %s"
OPERATIONS = "SELECT state FROM operations WHERE resource_id = ANY(%s) AND kind = %s ORDER BY id"
EVENTS = "SELECT request_id, status FROM audit_events WHERE request_id LIKE %s"
PENDING = """
SELECT o.id, o.kind, o.state, j.status::text AS job FROM operations o
  LEFT JOIN procrastinate_jobs j ON j.args ->> 'operation_id' = o.id
 WHERE o.resource_id = ANY(%s) AND (o.state IN ('running', 'undoing', 'failed') OR o.request IS NOT NULL
       OR j.status IN ('todo', 'doing'))
"""


def of_number(everything: dict[str, Any], number: str, ids: set[str]) -> dict[str, dict[str, Any]]:
    """What the media plane has of a number, by kind and id."""
    trunks = {
        kind: {key: thing for key, thing in everything[kind].items() if thing["number"] == number}
        for kind in ("inbound_trunk", "outbound_trunk")
    }
    rules = {
        key: rule
        for key, rule in everything["dispatch_rule"].items()
        if rule["phone_id"] in ids or rule["trunk_id"] in trunks["inbound_trunk"]
    }
    return trunks | {"dispatch_rule": rules}


def _contradicted(one: Played, rows: list[dict[str, Any]]) -> str:
    """A success that was told must be one."""
    answer = one.requests[0].answer
    if answer is None or answer.status_code >= 300:
        return ""
    told = {"register": bool(rows), "delete": not rows}
    if not told.get(one.scenario.kind, bool(rows) and rows[0]["friendly_name"] == "new"):
        return f"answered {answer.status_code}, which is not so"
    return ""


async def agent_of(deployment: Crashable) -> str:
    """A new agent's id."""
    answer = await deployment.ask("POST", "/v1/agents", {"name": "Front desk"})
    assert answer is not None
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def batches(scenarios: Sequence[Scenario]) -> list[list[Scenario]]:
    """Those with the same fault in groups of AT_ONCE."""
    found: list[list[Scenario]] = []
    for fault in Fault:
        same = [scenario for scenario in scenarios if scenario.fault is fault]
        found += [same[start : start + AT_ONCE] for start in range(0, len(same), AT_ONCE)]
    return found
