"""What holds for every request: keys, workspaces, ids, errors, sizes, and the database being away."""

from typing import Any

import pytest
from sqlalchemy import text
from tests.api.conftest import Api, Deployed

from oneinbox.kit.db import Database
from oneinbox.kit.signing import new_api_key

SECURED = [
    ("GET", "/v1/agents"),
    ("POST", "/v1/agents"),
    ("GET", "/v1/models"),
    ("GET", "/v1/phone-numbers"),
    ("POST", "/v1/phone-numbers"),
    ("GET", "/v1/calls"),
    ("GET", "/v1/api-keys"),
    ("POST", "/v1/api-keys"),
]


@pytest.mark.parametrize(("method", "path"), SECURED)
@pytest.mark.parametrize(
    "header",
    [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer oi_sk_wrong"},
        {"Authorization": f"Bearer {new_api_key()}"},
        {"Authorization": f"Basic {new_api_key()}"},
        {"X-API-Key": new_api_key()},
    ],
)
def test_without_a_valid_key_nothing_is_told(shared: Deployed, method: str, path: str, header: Any) -> None:
    response = shared.stranger()(method, path, headers=header, json={} if method == "POST" else None)
    assert (response.status_code, response.json()["code"]) == (401, "INVALID_API_KEY")
    assert response.headers["www-authenticate"] == "Bearer"


def test_every_operation_but_health_recordings_and_signing_in_wants_a_key(shared: Deployed) -> None:
    document = shared.app.openapi()
    open_to_all = [
        path for path, operations in document["paths"].items() for it in operations.values() if not it.get("security")
    ]
    signing_in = ["/v1/auth/login", "/v1/auth/signup"]
    assert sorted(open_to_all) == [*signing_in, "/v1/calls/{call_id}/recording", "/v1/health"]


def test_a_new_key_works_until_it_is_deleted(tenant: Api, shared: Deployed) -> None:
    made = tenant("POST", "/v1/api-keys", json={"name": "CI", "scopes": ["agents:read"]}).json()
    assert made["api_key"].startswith(made["key_prefix"])
    other = Api(shared.runner, shared.app, made["api_key"])
    assert other("GET", "/v1/agents").status_code == 200
    listed = tenant("GET", "/v1/api-keys")
    assert made["api_key"] not in listed.text
    entry = next(one for one in listed.json() if one["id"] == made["id"])
    assert (entry["name"], entry["scopes"], entry["is_active"]) == ("CI", ["agents:read"], True)
    assert entry["last_used_at"] is not None
    assert tenant("DELETE", f"/v1/api-keys/{made['id']}").status_code == 204
    assert other("GET", "/v1/agents").json()["code"] == "INVALID_API_KEY"
    assert tenant("DELETE", f"/v1/api-keys/{made['id']}").json()["code"] == "API_KEY_NOT_FOUND"
    assert made["id"] not in [one["id"] for one in tenant("GET", "/v1/api-keys").json()]


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x", "scopes": "all"}, {"name": "x", "scopes": [""]}])
def test_a_key_needs_a_name(tenant: Api, body: dict[str, Any]) -> None:
    assert tenant("POST", "/v1/api-keys", json=body).status_code == 422


@pytest.mark.parametrize("given", ["abc-123", "x" * 128])
def test_a_well_formed_request_id_is_kept(tenant: Api, given: str) -> None:
    response = tenant("GET", "/v1/agents/nonsense", headers={"X-Request-Id": given})
    assert response.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "<script>", "-x"])
def test_any_other_request_id_is_replaced(tenant: Api, given: str) -> None:
    response = tenant("GET", "/v1/nothing", headers={"X-Request-Id": given})
    assert response.headers["x-request-id"] not in ("", given)
    assert response.json()["request_id"] == response.headers["x-request-id"]


def test_a_body_that_is_too_large_is_refused(tenant: Api) -> None:
    response = tenant("POST", "/v1/agents", json={"name": "x" * 1_100_000})
    assert (response.status_code, response.json()["code"]) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(tenant: Api, content: bytes) -> None:
    response = tenant("POST", "/v1/agents", content=content, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422)


def test_paths_and_methods_that_are_not_there(tenant: Api) -> None:
    assert (tenant("GET", "/v1/nothing").status_code, tenant("GET", "/v1/nothing").json()["code"]) == (404, "NOT_FOUND")
    assert tenant("PUT", "/v1/agents").json()["code"] == "METHOD_NOT_ALLOWED"


def test_a_browser_may_ask_from_anywhere(tenant: Api) -> None:
    response = tenant("GET", "/v1/health", headers={"Origin": "https://example.org"})
    assert response.headers["access-control-allow-origin"] == "*"


def test_health_needs_no_key_and_tells_whether_calls_are_answered(deployed: Deployed) -> None:
    stranger = deployed.stranger()
    assert stranger("GET", "/v1/health").json()["status"] == "degraded"

    async def add_worker() -> None:
        async with deployed.database.transaction() as session:
            columns = "id, host, sip_port, capacity, pid, state"
            await session.execute(text(f"INSERT INTO workers ({columns}) VALUES ('w', '127.0.0.1', 1, 1, 1, 'ready')"))

    deployed.runner.run(add_worker())
    assert stranger("GET", "/v1/health").json()["status"] == "ok"


def test_a_database_that_is_away_is_a_503_until_it_is_back(deployed: Deployed, api: Api, database_urls: Any) -> None:
    async def limit(connections: int) -> None:
        owner = Database(database_urls.owner, pool_size=1)
        try:
            async with owner.transaction() as session:
                await session.execute(text(f"ALTER ROLE oneinbox_app CONNECTION LIMIT {connections}"))
                await session.execute(
                    text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'oneinbox_app'")
                )
        finally:
            await owner.close()

    deployed.runner.run(limit(0))
    try:
        for method, path in (("GET", "/v1/agents"), ("GET", "/v1/health")):
            response = api(method, path)
            assert (response.status_code, response.json()["code"]) == (503, "DATABASE_UNAVAILABLE")
            assert int(response.headers["retry-after"]) > 0
    finally:
        deployed.runner.run(limit(-1))
    assert api("GET", "/v1/agents").status_code == 200
