"""Connections to a database that goes silent: nobody waits for it for ever."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from oneinbox.kit.db import Database, conninfo

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
