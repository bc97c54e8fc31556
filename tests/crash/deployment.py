"""A deployment to kill: PostgreSQL, the scripted trunks, `oneinbox api` and `oneinbox jobs`, each a process."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx
import psycopg
from psycopg.rows import dict_row
from pydantic import SecretStr
from tests.crash.points import CrashPoints
from tests.media.trunks_process import trunks_process

from oneinbox.adapters.media.scripted import ScriptedTrunks
from oneinbox.app.migrate import migrate
from oneinbox.app.settings import Address, Settings, child_environment
from oneinbox.app.wiring import sealer_of
from oneinbox.features.api_keys import service as api_keys
from oneinbox.features.api_keys.schemas import ApiKeyCreate
from oneinbox.features.workspaces import service as workspaces
from oneinbox.kit.db import Database, libpq_url
from oneinbox.kit.postgres import EmbeddedPostgres
from oneinbox.kit.processes import free_port
from oneinbox.kit.sealing import Sealer

ASK_SECONDS = 40.0


@dataclass
class Crashable:
    """All of it, and what is asked of it."""

    settings: Settings
    server: EmbeddedPostgres
    plane: ScriptedTrunks
    points: CrashPoints
    sealer: Sealer
    key: str
    owner_url: str
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """`oneinbox NAME`; returns when it serves."""
        command = [sys.executable, "-m", "oneinbox", name]
        log = (self.settings.data_dir / f"{name}.log").open("a")
        process = subprocess.Popen(
            command, env=child_environment(self.settings), stdout=subprocess.PIPE, stderr=log, text=True
        )
        log.close()
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready", f"oneinbox {name} did not start: see its log"
        self.processes[name] = process

    def kill(self, name: str) -> None:
        """kill -9."""
        process = self.processes.pop(name)
        process.kill()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()

    def restart_database(self) -> None:
        """kill -9 of its first process, and the start after it."""
        port = self.server.port
        pid = int((self.settings.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        self.server.stop()
        self.server.start(port=port)

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response | None:
        """The API's answer; None when there was none. Headers are written with `_` for `-`."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers |= {"Authorization": f"Bearer {self.key}"}
        base = f"http://{self.settings.api_listen}"
        try:
            async with httpx.AsyncClient(base_url=base, headers=headers, timeout=ASK_SECONDS) as client:
                return await client.request(method, path, json=body)
        except httpx.TransportError:
            return None

    async def things(self) -> dict[str, Any]:
        """What the media plane has: kind → id → members."""
        if self.settings.media_plane == "scripted":
            return dict(await self.plane.things())
        return {kind: self._rows(kind) for kind in ("inbound_trunk", "outbound_trunk", "dispatch_rule")}

    def _rows(self, kind: str) -> dict[str, Any]:
        return {row["id"]: self._readable(row) for row in self.sql(f"SELECT * FROM {kind}s")}

    def _readable(self, row: dict[str, Any]) -> dict[str, Any]:
        if row.get("auth_password") is None:
            return row
        place = {"workspace_id": row["workspace_id"], "row_id": row["id"], "field": "auth_password"}
        return row | {"auth_password": self.sealer.open(row["auth_password"], **place)}

    def sql(self, statement: str, parameters: list[Any] | None = None) -> list[dict[str, Any]]:
        """Rows, read as the owner."""
        with psycopg.connect(self.owner_url, row_factory=dict_row, autocommit=True) as connection:
            return connection.execute(statement.encode(), parameters).fetchall()


@contextlib.contextmanager
def crashable(folder: Path, media_plane: Literal["embedded", "scripted"] = "scripted") -> Iterator[Crashable]:
    """One for as long as the block lasts."""
    server = EmbeddedPostgres(folder, fsync=False)
    server.start()
    with contextlib.ExitStack() as ending:
        ending.callback(lambda: server.stop())
        migrate(server.owner_url, server.app_url)
        process = ending.enter_context(trunks_process(folder))
        settings = Settings(
            data_dir=folder,
            database_url=SecretStr(server.app_url),
            api_listen=Address("127.0.0.1", free_port()),
            scripted_providers=True,
            scripted_trunks=Address("127.0.0.1", process.port),
            media_plane=media_plane,
            rate_limit=0,
        )
        sealer, owner_url = sealer_of(settings), libpq_url(server.owner_url)
        points = CrashPoints(owner_url)
        points.install()
        plane, key = ScriptedTrunks("127.0.0.1", process.port), asyncio.run(_key(server.app_url, sealer))
        made = Crashable(settings, server, plane, points, sealer, key, owner_url)
        ending.callback(lambda: [made.kill(name) for name in list(made.processes)])
        for name in ("jobs", "api"):
            made.start(name)
        yield made


async def _key(url: str, sealer: Sealer) -> str:
    database = Database(url)
    try:
        async with database.transaction() as session:
            workspace_id = await workspaces.ensure(session, "default")
            return (await api_keys.issue(session, sealer, workspace_id, ApiKeyCreate(name="test")))[1]
    finally:
        await database.close()
