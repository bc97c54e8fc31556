"""The API as tests use it: the real application on a real database, every answer compared with its OpenAPI document."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from tests.conftest import fresh_database

from oneinbox.app.api.application import create_app
from oneinbox.app.api.deployment import deployment_of
from oneinbox.app.settings import Settings
from oneinbox.app.wiring import sealer_of
from oneinbox.features.api_keys import service as api_keys
from oneinbox.features.api_keys.schemas import ApiKeyCreate
from oneinbox.features.workspaces import service as workspaces
from oneinbox.kit.clock import Clock, SystemClock
from oneinbox.kit.db import Database

ERROR = {
    "type": "object",
    "required": ["detail", "code", "request_id"],
    "additionalProperties": False,
    "properties": {
        "detail": {"type": "string", "minLength": 1},
        "code": {"type": "string", "pattern": "^[A-Z][A-Z0-9_]+$"},
        "request_id": {"type": "string", "minLength": 1},
    },
}
TRIO = {"trunk_address": "acme.pstn.twilio.com", "auth_username": "acme", "auth_password": "correct-horse-battery"}


REHEARSED = ("POST", "/v1/phone-numbers", 200)
"""`?dry_run=true`, which the contract's document has no place for, answers in the form of a registration."""

_tenants = itertools.count(1)


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.passed = 0.0
        self._began = datetime.now(UTC)

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed


class Api:
    """A client of one deployment, with the key of one workspace."""

    def __init__(self, runner: asyncio.Runner, app: Any, key: str | None, source: str = "127.0.0.1") -> None:
        self.runner, self.app, self.key = runner, app, key
        transport = httpx.ASGITransport(app=app, client=(source, 40000))
        self._http = httpx.AsyncClient(transport=transport, base_url="https://api.test")

    def __call__(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request; its answer must be one that the document, or the error form, allows."""
        return self.runner.run(self.send(method, path, **more))

    def at_once(self, requests: list[tuple[str, str, Any]]) -> list[httpx.Response]:
        """Requests in parallel: method, path, JSON body."""

        async def all_of_them() -> list[httpx.Response]:
            return await asyncio.gather(*(self.send(method, path, json=body) for method, path, body in requests))

        return self.runner.run(all_of_them())

    async def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        response = await self._http.request(method, path, headers=headers | more.pop("headers", {}), **more)
        check(self.app.openapi(), method, path.partition("?")[0], response)
        if self.app.state.deployment.rate_limit:
            assert response.headers.get("ratelimit"), "every answer says what is left"
        return response

    def agent(self, **fields: Any) -> str:
        """A new agent's id."""
        response = self("POST", "/v1/agents", json={"name": "Front desk"} | fields)
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    def number(self, number: str = "+15550100001", **fields: Any) -> dict[str, Any]:
        """A registered number."""
        body = {"phone_number": number, "provider": "twilio", "provider_config": TRIO} | fields
        if "agent_id" not in body:
            body["agent_id"] = self.agent()
        response = self("POST", "/v1/phone-numbers", json=body)
        assert response.status_code == 201, response.text
        return dict(response.json())


class Deployed:
    """One deployment on a database of its own; workspaces get keys as they are named."""

    def __init__(
        self, runner: asyncio.Runner, database: Database, folder: Path, clock: Clock | None = None, **settings: Any
    ) -> None:
        self.runner, self.database, self.clock = runner, database, clock or SystemClock()
        self.settings = Settings(data_dir=folder, database_url=database.url, **settings)
        self.sealer = sealer_of(self.settings)
        self.deployment = runner.run(deployment_of(self.settings, database, self.clock))
        self.app = create_app(self.deployment)

    def close(self) -> None:
        """Close every connection."""
        self.runner.run(self.deployment.close())
        self.runner.run(self.database.close())

    def workspace(self, name: str) -> Api:
        """A client with a new key of that workspace."""

        async def issue() -> str:
            async with self.database.transaction() as session:
                workspace_id = await workspaces.ensure(session, name)
                return (await api_keys.issue(session, self.sealer, workspace_id, ApiKeyCreate(name="test")))[1]

        return Api(self.runner, self.app, self.runner.run(issue()))

    def stranger(self, source: str = "127.0.0.1") -> Api:
        """A client without a key."""
        return Api(self.runner, self.app, None, source)


@pytest.fixture
def deploy(database_urls: Any, tmp_path: Path) -> Iterator[Callable[..., Deployed]]:
    """Makes deployments with other settings than the default ones, on a database of this test's own."""
    with asyncio.Runner() as runner, ExitStack() as opened:

        def make(**settings: Any) -> Deployed:
            made = Deployed(runner, Database(database_urls.app, pool_size=10), tmp_path, **settings)
            opened.callback(made.close)
            return made

        yield make


@pytest.fixture
def deployed(deploy: Callable[..., Deployed]) -> Deployed:
    """A deployment of this test's own, with nothing set."""
    return deploy()


@pytest.fixture
def api(deployed: Deployed) -> Api:
    """A client of the workspace `default` of this test's own deployment."""
    return deployed.workspace("default")


@pytest.fixture(scope="session")
def shared(template: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """A deployment for tests that need no more of one than a workspace."""
    folder = tmp_path_factory.mktemp("shared")
    with fresh_database(template) as urls, asyncio.Runner() as runner:
        made = Deployed(runner, Database(urls.app, pool_size=10), folder)
        yield made
        made.close()


@pytest.fixture
def tenant(shared: Deployed) -> Api:
    """A client of a workspace of this test's own."""
    return shared.workspace(f"tenant-{next(_tenants)}")


def check(document: dict[str, Any], method: str, path: str, response: httpx.Response) -> None:
    """The answer is what the document says of it; errors have the one form that all have."""
    assert response.headers.get("x-request-id"), "every answer carries its request's id"
    operation = _operation(document, method, path)
    declared = operation["responses"].get(str(response.status_code)) if operation else None
    if operation and (method, path, response.status_code) == REHEARSED:
        declared = operation["responses"]["201"]
    if response.status_code == 204:
        assert declared is not None
        assert response.content == b""
        return
    if declared is None:
        assert response.status_code >= 400, f"{response.status_code} is not declared for {method} {path}"
        jsonschema.validate(response.json(), ERROR)
        return
    content = declared.get("content", {}).get("application/json")
    if content is not None:
        schema = content["schema"] | {"components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(response.json())


def _operation(document: dict[str, Any], method: str, path: str) -> dict[str, Any] | None:
    parts = path.strip("/").split("/")
    for template, operations in document["paths"].items():
        named = template.strip("/").split("/")
        if len(named) == len(parts) and all(n.startswith("{") or n == p for n, p in zip(named, parts, strict=True)):
            found: dict[str, Any] | None = operations.get(method.lower())
            return found
    return None
