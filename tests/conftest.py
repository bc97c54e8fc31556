"""What tests share: one real PostgreSQL a session, migrated once, and a fresh database of it for each test."""

import asyncio
import io
import itertools
import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import structlog

from oneinbox.app.migrate import migrate
from oneinbox.kit import logs
from oneinbox.kit.db import Database, libpq_url
from oneinbox.kit.postgres import EmbeddedPostgres

_numbers = itertools.count(1)


@dataclass(frozen=True)
class DatabaseUrls:
    """A migrated database as its owner and as the application sees it."""

    owner: str
    app: str

    def sibling(self, name: str) -> "DatabaseUrls":
        """The same for another database of this server."""
        return DatabaseUrls(*(url.rpartition("/")[0] + "/" + name for url in (self.owner, self.app)))


@pytest.fixture(scope="session")
def template() -> Iterator[DatabaseUrls]:
    """A server whose database is migrated and that nobody connects to: what tests' databases are copied from."""
    with tempfile.TemporaryDirectory(prefix="oneinbox-test-") as folder:
        server = EmbeddedPostgres(Path(folder), fsync=False)
        server.start()
        try:
            migrate(server.owner_url, server.app_url)
            yield DatabaseUrls(server.owner_url, server.app_url)
        finally:
            server.stop()


@pytest.fixture
def database_urls(template: DatabaseUrls) -> Iterator[DatabaseUrls]:
    """A database of this test's own."""
    with fresh_database(template) as urls:
        yield urls


@contextmanager
def fresh_database(template: DatabaseUrls) -> Iterator[DatabaseUrls]:
    """A migrated database for as long as the block lasts."""
    fresh = template.sibling(f"test_{next(_numbers)}")
    name, source = (urls.owner.rpartition("/")[2] for urls in (fresh, template))
    maintenance = libpq_url(template.sibling("postgres").owner)
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY FILE_COPY')
    yield fresh
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def logged() -> Iterator[Callable[[], str]]:
    """What the product logs from here on, at its most talkative, as it would stand on stderr."""
    root, written = logging.getLogger(), io.StringIO()
    before = root.handlers[:]
    logs.configure("debug", "test")
    for handler in root.handlers:
        handler.setStream(written)
    yield written.getvalue
    root.handlers[:] = before
    structlog.reset_defaults()


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[Database]:
    """The application's way to this test's database; for use inside one event loop."""
    made = Database(database_urls.app)
    yield made
    asyncio.run(made.close())
