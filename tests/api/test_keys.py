"""API keys over HTTP: rotated with grace, held to their scopes, refused in URLs, revoked everywhere at once."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import event
from tests.api.conftest import Api, Deployed, Hands

from oneinbox.app.api.remembered import MOMENT_SECONDS, Remembered
from oneinbox.features.api_keys.scopes import Scope, needed
from oneinbox.features.context import Caller
from oneinbox.kit.db import Database
from oneinbox.kit.signing import new_api_key


def made(api: Api, deployed: Deployed, *scopes: str) -> tuple[Api, dict[str, Any]]:
    """A key with these scopes: as a client, and as it was shown."""
    answer = api("POST", "/v1/api-keys", json={"name": "one", "scopes": list(scopes)})
    assert answer.status_code == 201, answer.text
    return Api(deployed.runner, deployed.app, answer.json()["api_key"]), answer.json()


@contextmanager
def queries(database: Database) -> Iterator[list[str]]:
    """What is asked of the database in the block."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    engines = (database.engine.sync_engine, database.autocommit.sync_engine)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield asked
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


def test_a_rotated_key_works_until_its_grace_is_over(deploy: Callable[..., Deployed]) -> None:
    clock = Hands()
    deployed = deploy(clock=clock)
    api = deployed.workspace("default")
    first, shown = made(api, deployed, "agents:read", "api-keys:write")
    answer = first("POST", f"/v1/api-keys/{shown['id']}/rotate", json={"rotate_grace_seconds": 600})
    rotated = answer.json()
    assert answer.status_code == 200, answer.text
    assert rotated["rotate_grace_seconds"] == 600
    assert rotated["api_key"].startswith(rotated["key_prefix"])
    assert rotated["api_key"] != shown["api_key"]
    same = ("id", "name", "scopes", "is_active", "created_at")
    assert {name: rotated[name] for name in same} == {name: shown[name] for name in same}
    second = Api(deployed.runner, deployed.app, rotated["api_key"])
    clock.passed += 300
    third = Api(deployed.runner, deployed.app, second("POST", f"/v1/api-keys/{shown['id']}/rotate").json()["api_key"])
    clock.passed += 299
    assert [client("GET", "/v1/agents").status_code for client in (first, second, third)] == [200, 200, 200]
    clock.passed += 1
    assert [client("GET", "/v1/agents").status_code for client in (first, second, third)] == [401, 200, 200]
    clock.passed += 3300
    assert [client("GET", "/v1/agents").status_code for client in (first, second, third)] == [401, 401, 200]
    assert len(api("GET", "/v1/api-keys").json()) == 2


def test_without_grace_the_old_key_ends_at_once(tenant: Api, shared: Deployed) -> None:
    old, shown = made(tenant, shared)
    answer = tenant("POST", f"/v1/api-keys/{shown['id']}/rotate", json={"rotate_grace_seconds": 0})
    assert old("GET", "/v1/agents").json()["code"] == "INVALID_API_KEY"
    assert Api(shared.runner, shared.app, answer.json()["api_key"])("GET", "/v1/agents").status_code == 200


def test_revoking_ends_the_old_key_too(tenant: Api, shared: Deployed) -> None:
    old, shown = made(tenant, shared)
    new = Api(shared.runner, shared.app, tenant("POST", f"/v1/api-keys/{shown['id']}/rotate").json()["api_key"])
    assert (old("GET", "/v1/agents").status_code, new("GET", "/v1/agents").status_code) == (200, 200)
    assert tenant("DELETE", f"/v1/api-keys/{shown['id']}").status_code == 204
    assert (old("GET", "/v1/agents").status_code, new("GET", "/v1/agents").status_code) == (401, 401)
    assert tenant("POST", f"/v1/api-keys/{shown['id']}/rotate").json()["code"] == "API_KEY_NOT_FOUND"


def test_rotations_at_once_all_keep_their_promise(tenant: Api, shared: Deployed) -> None:
    old, shown = made(tenant, shared)
    answers = tenant.at_once([("POST", f"/v1/api-keys/{shown['id']}/rotate", None) for _ in range(5)])
    keys = [answer.json()["api_key"] for answer in answers]
    assert len(set(keys)) == 5
    for client in (old, *(Api(shared.runner, shared.app, key) for key in keys)):
        assert client("GET", "/v1/agents").status_code == 200


@pytest.mark.parametrize("grace", [-1, 7 * 24 * 3600 + 1, "an hour", 1.5])
def test_grace_has_bounds(tenant: Api, shared: Deployed, grace: Any) -> None:
    _, shown = made(tenant, shared)
    answer = tenant("POST", f"/v1/api-keys/{shown['id']}/rotate", json={"rotate_grace_seconds": grace})
    assert answer.status_code == 422


def test_a_revoked_key_is_refused_by_every_process_within_a_moment(deploy: Callable[..., Deployed]) -> None:
    here, there = deploy(), deploy()
    api = here.workspace("default")
    _, shown = made(api, here)
    elsewhere = Api(there.runner, there.app, shown["api_key"])
    assert elsewhere("GET", "/v1/agents").status_code == 200
    assert api("DELETE", f"/v1/api-keys/{shown['id']}").status_code == 204
    assert Api(here.runner, here.app, shown["api_key"])("GET", "/v1/agents").status_code == 401
    time.sleep(MOMENT_SECONDS)
    assert elsewhere("GET", "/v1/agents").json()["code"] == "INVALID_API_KEY"


def test_a_key_is_looked_up_once_in_a_moment(deploy: Callable[..., Deployed]) -> None:
    clock = Hands()
    deployed = deploy(clock=clock)
    api = deployed.workspace("default")

    def looked_up() -> bool:
        with queries(deployed.database) as asked:
            assert api("GET", "/v1/agents").status_code == 200
        return any("api_keys" in statement for statement in asked)

    assert [looked_up() for _ in range(3)] == [True, False, False]
    clock.passed += MOMENT_SECONDS
    assert [looked_up() for _ in range(2)] == [True, False]
    made(api, deployed)
    assert looked_up(), "whoever changes keys forgets all of them"


def test_what_was_read_before_a_change_is_not_remembered_after_it() -> None:
    clock, caller = Hands(), Caller("workspace", "key", "api_key", "key")
    remembered = Remembered(clock)
    asked_at = clock.monotonic()
    remembered.forget()
    remembered.keep(b"hash", caller, asked_at)
    assert remembered.find(b"hash") is None
    clock.passed += 0.01
    remembered.keep(b"hash", caller, clock.monotonic())
    assert remembered.find(b"hash") == caller


def test_what_is_remembered_ends_with_its_grace(deploy: Callable[..., Deployed]) -> None:
    clock = Hands()
    deployed = deploy(clock=clock)
    old, shown = made(deployed.workspace("default"), deployed)
    assert old("POST", f"/v1/api-keys/{shown['id']}/rotate", json={"rotate_grace_seconds": 60}).status_code == 200
    clock.passed += 60 - MOMENT_SECONDS / 2
    assert old("GET", "/v1/agents").status_code == 200
    clock.passed += MOMENT_SECONDS / 2
    assert old("GET", "/v1/agents").status_code == 401


def test_a_typing_error_costs_no_query(api: Api, deployed: Deployed) -> None:
    assert api.key is not None
    wrong = [api.key[:-1], api.key + "0", api.key[:10] + ("x" if api.key[10] != "x" else "y") + api.key[11:], "oi_sk_"]
    with queries(deployed.database) as asked:
        for key in wrong:
            answer = Api(deployed.runner, deployed.app, key)("GET", "/v1/agents")
            assert answer.json()["code"] == "INVALID_API_KEY"
    assert asked == []
    with queries(deployed.database) as asked:
        assert Api(deployed.runner, deployed.app, new_api_key())("GET", "/v1/agents").status_code == 401
    assert len(asked) == 1, "the right form is looked up, so that the count above means something"


def operations(app: Any) -> list[tuple[str, str]]:
    """Every operation that keys may do."""
    return [
        (method.upper(), path)
        for path, found in app.openapi()["paths"].items()
        for method, operation in found.items()
        if operation.get("security") and not path.startswith("/v1/auth/")
    ]


def test_every_operation_has_a_scope_that_can_be_given(shared: Deployed) -> None:
    wanted = {needed(method, path) for method, path in operations(shared.app)}
    assert wanted <= set(Scope)


def test_a_key_may_do_what_its_scopes_say_and_nothing_else(tenant: Api, shared: Deployed) -> None:
    """Every operation, with every other scope and with its own."""
    everything = operations(shared.app)
    assert len(everything) > 20
    for method, path in everything:
        scope = needed(method, path)
        others = [one for one in Scope if one not in (scope, Scope.EVERYTHING)]
        for scopes, allowed in ((others, False), ([scope], True)):
            client, _ = made(tenant, shared, *scopes)
            target = path
            for name in ("agent_id", "model_id", "phone_id", "call_id", "key_id", "operation_id"):
                target = target.replace("{" + name + "}", "00000000-0000-7000-8000-000000000000")
            answer = client(method, target, json={} if method in ("POST", "PATCH") else None)
            missing = answer.status_code == 403 and answer.json()["code"] == "SCOPE_MISSING"
            assert missing is not allowed, (method, path, scopes, answer.text)
            assert allowed or scope in answer.json()["detail"]


def test_the_scope_for_everything_is_no_limit(tenant: Api, shared: Deployed) -> None:
    client, _ = made(tenant, shared, "*")
    assert client("GET", f"/v1/agents/{client.agent()}").status_code == 200


def test_an_unknown_scope_is_refused_with_those_there_are(tenant: Api) -> None:
    answer = tenant("POST", "/v1/api-keys", json={"name": "x", "scopes": ["agents:fly"]})
    assert answer.status_code == 422
    error = answer.json()["detail"][0]
    assert error["loc"] == ["body", "scopes", 0]
    assert all(f"'{scope}'" in error["msg"] for scope in Scope)


def test_a_key_hands_out_no_more_than_it_has(tenant: Api, shared: Deployed) -> None:
    limited, _ = made(tenant, shared, "api-keys:write", "agents:read")
    for scopes in ([], None, ["*"], ["agents:write"], ["agents:read", "calls:read"]):
        answer = limited("POST", "/v1/api-keys", json={"name": "more", "scopes": scopes})
        assert (answer.status_code, answer.json()["code"]) == (403, "SCOPE_MISSING"), scopes
    less = limited("POST", "/v1/api-keys", json={"name": "less", "scopes": ["agents:read", "agents:read"]})
    assert (less.status_code, less.json()["scopes"]) == (201, ["agents:read"])
    _, unlimited = made(tenant, shared)
    answer = limited("POST", f"/v1/api-keys/{unlimited['id']}/rotate")
    assert (answer.status_code, answer.json()["code"]) == (403, "SCOPE_MISSING")
    assert limited("POST", f"/v1/api-keys/{less.json()['id']}/rotate").status_code == 200


@pytest.mark.parametrize(
    "place",
    [
        "/v1/agents?api_key={key}",
        "/v1/agents?limit=5&x={key}",
        "/v1/agents?{key}=1",
        "/v1/agents/{key}",
        "/v1/{key}/agents",
        "/{key}",
        "/v1/health?key={key}",
        "/v1/agents?key={encoded}",
        "/v1/agents?key={twice}",
        "/v1/agents/{encoded}",
        "/v1/agents/{twice}",
    ],
)
@pytest.mark.parametrize("with_header", [True, False])
def test_a_key_in_a_url_is_refused_and_not_logged(
    tenant: Api, shared: Deployed, logged: Callable[[], str], place: str, with_header: bool
) -> None:
    key = new_api_key()
    once = "".join(f"%{ord(letter):02X}" for letter in key)
    url = place.format(key=key, encoded=once, twice=quote(once))
    answer = (tenant if with_header else shared.stranger())("GET", url)
    assert (answer.status_code, answer.json()["code"]) == (400, "KEY_IN_URL")
    line = logged()
    assert '"event": "request"' in line
    for form in (key, once, quote(once), key[6:30]):
        assert form not in answer.text
        assert form not in line


def test_what_only_begins_like_a_key_is_none(tenant: Api) -> None:
    assert tenant("GET", "/v1/agents?note=oi_sk_").status_code == 200


def test_a_browser_can_read_why_it_was_refused(shared: Deployed) -> None:
    answer = shared.stranger()("GET", f"/v1/agents?key={new_api_key()}", headers={"Origin": "https://example.org"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "RateLimit" in answer.headers["access-control-expose-headers"]
