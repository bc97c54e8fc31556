"""The embedded PostgreSQL: a real server, killed and started again, in a folder whose parent is closed to others."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from oneinbox.kit.postgres import EmbeddedPostgres


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "data")
    server.start()
    yield server
    server.stop()


def connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), connect_timeout=5, autocommit=True)


def superuser(server: EmbeddedPostgres) -> bool:
    with connect(server.owner_url) as connection:
        row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = 'oneinbox_app'").fetchone()
    return row is not None and bool(row[0])


def test_the_application_is_not_a_superuser(server: EmbeddedPostgres) -> None:
    assert not superuser(server)


def test_without_the_password_nobody_gets_in(server: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(
            host="127.0.0.1",
            port=server.port,
            user="oneinbox_app",
            password="wrong",
            dbname="oneinbox",
            connect_timeout=5,
        )


def test_what_was_committed_is_there_after_a_kill(tmp_path: Path, server: EmbeddedPostgres) -> None:
    with connect(server.owner_url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (42)")
    pid_file = next((tmp_path / "closed" / "data").rglob("postmaster.pid"))
    os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)
    again = EmbeddedPostgres(tmp_path / "closed" / "data")
    again.start()
    try:
        with connect(again.owner_url) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (42,)
    finally:
        again.stop()


def test_a_pid_file_of_a_process_that_is_not_ours_does_not_count(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    first = EmbeddedPostgres(folder)
    first.start()
    pid_file = next(folder.rglob("postmaster.pid"))
    lines = pid_file.read_text().splitlines()
    first.stop()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    second = EmbeddedPostgres(folder)
    second.start()
    try:
        assert second.is_up()
    finally:
        second.stop()
