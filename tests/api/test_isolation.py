"""Tenant isolation, generated from the OpenAPI document: every operation, every foreign id, every place for one."""

import itertools
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from tests.api.conftest import TRIO, Api, Deployed
from tests.api.test_calls import add_call

from oneinbox.app.api.application import routes
from oneinbox.kit.clock import SystemClock

DOCUMENT = routes(SystemClock()).openapi()
NUMBER = {"phone_number": "+15550103777", "provider": "twilio", "agent_id": "{agent_id}", "provider_config": TRIO}
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("/v1/agents", "post"): {"name": "x"},
    ("/v1/models", "post"): {"name": "x", "provider": "builtin", "model": "default"},
    ("/v1/phone-numbers", "post"): NUMBER,
    ("/v1/api-keys", "post"): {"name": "x"},
}
"""What is right of each body that has something required, with our own ids; a PATCH needs nothing."""

Place = tuple[str | int, ...]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def places(schema: dict[str, Any], so_far: Place = ()) -> Iterator[Place]:
    """Where in a body a UUID may stand; 0 is the first of a list."""
    schema = resolved(schema)
    if schema.get("format") == "uuid":
        yield so_far
    for option in schema.get("anyOf", []):
        yield from places(option, so_far)
    if "items" in schema:
        yield from places(schema["items"], (*so_far, 0))
    for name, member in schema.get("properties", {}).items():
        yield from places(member, (*so_far, name))


def cases() -> Iterator[tuple[str, str, str, Place]]:
    """Operation, and where an id goes: in its path, its query or its body."""
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            if not operation.get("security"):
                continue
            for parameter in operation.get("parameters", []):
                options = [parameter["schema"], *parameter["schema"].get("anyOf", [])]
                if any(option.get("format") == "uuid" for option in options):
                    yield path, method, parameter["in"], (parameter["name"],)
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            for place in places(body) if body else ():
                yield path, method, "body", place


CASES = sorted(set(cases()), key=str)


@pytest.fixture(scope="module")
def world(shared: Deployed) -> tuple[Api, dict[str, str], dict[str, str]]:
    """A client, the ids of its own things, and those of another workspace's."""
    mine, other = shared.workspace("isolation-mine"), shared.workspace("isolation-other")
    return mine, things(shared, mine, "+15550103001"), things(shared, other, "+15550103002")


def things(shared: Deployed, api: Api, number: str) -> dict[str, str]:
    phone = api.number(number)
    agent = api("GET", f"/v1/agents/{phone['agent_id']}").json()
    operations = api("GET", f"/v1/phone-numbers/{phone['id']}/operations").json()["items"]
    return {
        "agent_id": agent["id"],
        "llm_id": agent["llm_id"],
        "model_id": agent["llm_id"],
        "phone_id": phone["id"],
        "operation_id": operations[0]["id"],
        "key_id": api("POST", "/v1/api-keys", json={"name": "x"}).json()["id"],
        "call_id": add_call(shared, phone),
    }


def test_there_is_something_to_try() -> None:
    kinds = {kind for _, _, kind, _ in CASES}
    assert kinds == {"path", "query", "body"}
    assert any(len(place) > 2 for _, _, kind, place in CASES if kind == "body"), "nested ids are among them"


@pytest.mark.parametrize(("path", "method", "kind", "place"), CASES)
def test_a_foreign_id_is_answered_like_one_that_nobody_has(
    world: tuple[Api, dict[str, str], dict[str, str]], path: str, method: str, kind: str, place: Place
) -> None:
    mine, own, theirs = world
    nobodys = answer(mine, own, path, method, kind, place, str(uuid.uuid4()))
    for name, foreign in theirs.items():
        assert answer(mine, own, path, method, kind, place, foreign) == nobodys, name
    if kind == "path":
        assert nobodys[0] == 404
    for listed in ("/v1/agents", "/v1/models", "/v1/phone-numbers", "/v1/calls"):
        assert not any(foreign in mine("GET", listed).text for foreign in theirs.values())


def answer(
    mine: Api, own: dict[str, str], path: str, method: str, kind: str, place: Place, an_id: str
) -> tuple[int, str]:
    """Status and body, with the id and what differs between any two requests taken out."""
    names = {name: own[name] for name in own if "{" + name + "}" in path}
    target = path.format(**(names | ({str(place[0]): an_id} if kind == "path" else {})))
    query = {str(place[0]): an_id} if kind == "query" else None
    body = filled(BODIES.get((path, method), {}), own) if "requestBody" in DOCUMENT["paths"][path][method] else None
    if kind == "body":
        put(body, place, an_id, own)
    response = mine(method.upper(), target, params=query, json=body)
    said = response.text.replace(an_id, "ID").replace(response.headers["x-request-id"], "REQUEST")
    return response.status_code, said


def filled(body: dict[str, Any], own: dict[str, str]) -> dict[str, Any]:
    return {name: value.format(**own) if isinstance(value, str) else value for name, value in body.items()}


def put(body: Any, place: Place, an_id: str, own: dict[str, str]) -> None:
    """Set the id at its place, with what must stand beside it on the way."""
    for step, following in itertools.pairwise(place):
        beside: Any = [None] if following == 0 else {"agent_id": own["agent_id"]}
        if isinstance(body, list):
            body[0] = beside
            body = body[0]
        else:
            body = body.setdefault(str(step), beside)
    if isinstance(body, list):
        body[0] = an_id
    else:
        body[str(place[-1])] = an_id
