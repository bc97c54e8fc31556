"""Connections to a database that goes silent: nobody waits for it for ever."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from oneinbox.kit.db import Database, conninfo
from oneinbox.kit.postgres import EmbeddedPostgres

NAME = f"oi-db-{os.getpid()}"
ENDED_SECONDS = 120


def ip(*arguments: str) -> bool:
    return subprocess.run(["ip", *arguments], capture_output=True, check=False).returncode == 0


@pytest.fixture
def namespace() -> Iterator[str]:
    if shutil.which("ip") is None or shutil.which("nft") is None or not ip("netns", "add", NAME):
        pytest.skip("network namespaces need root, iproute2 and nftables")
    try:
        if not ip("netns", "exec", NAME, "nft", "add", "table", "inet", "probe"):
            pytest.skip("this kernel has no nftables")
        ip("-n", NAME, "link", "set", "lo", "up")
        yield NAME
    finally:
        ip("netns", "delete", NAME)


def test_a_server_that_has_gone_silent_is_given_up_and_found_again(namespace: str, tmp_path: Path) -> None:
    script = Path(__file__).with_name("cut_off.py")
    command = ["ip", "netns", "exec", namespace, sys.executable, str(script), str(tmp_path / "data")]
    told = subprocess.run(command, capture_output=True, text=True, timeout=ENDED_SECONDS, check=False)
    assert told.returncode == 0, told.stderr[-2000:]
    assert told.stdout.count("query_given_up") == 1
    assert told.stdout.count("heard_again") == 1
    assert "listening_broke" in told.stdout


def test_every_way_to_connect_carries_the_limits(database: Database) -> None:
    limits = {"keepalives": "1", "keepalives_idle": "5", "keepalives_interval": "2", "keepalives_count": "3"}
    for name, value in (limits | {"tcp_user_timeout": "10000", "connect_timeout": "5"}).items():
        assert f"{name}={value}" in conninfo(database.url).split()


def test_connections_that_a_restarted_server_has_closed_are_not_used_again(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, fsync=False)

    async def ask_before_and_after() -> list[int]:
        async with Database(server.app_url) as database:
            before = await asyncio.gather(*(backend(database) for _ in range(3)))
            port = server.port
            server.stop()
            server.start(port=port)
            after = [await backend(database) for _ in range(3)]
            return [*before, *after]

    server.start()
    try:
        processes = asyncio.run(ask_before_and_after())
    finally:
        server.stop()
    assert len(set(processes[:3])) == 3
    assert not {*processes[:3]} & {*processes[3:]}


async def backend(database: Database) -> int:
    """The process of the server that answers, after a moment."""
    async with database.transaction() as session:
        return int((await session.scalar(text("SELECT pg_backend_pid() FROM pg_sleep(0.1)"))) or 0)
