"""The migrations make what the models say, and other revisions are refused."""

import asyncio

import psycopg
import pytest
from alembic import command
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from oneinbox.app.migrate import MigrationFailed, WrongDatabaseVersion, alembic, migrate, require_newest
from oneinbox.kit.db import Database, libpq_url


def test_the_migrated_schema_is_that_of_the_models(database_urls) -> None:
    engine = create_engine(database_urls.owner)
    with engine.connect() as connection:
        command.check(alembic(connection))
    engine.dispose()


def test_every_migration_can_be_taken_back(database_urls) -> None:
    engine = create_engine(database_urls.owner)
    with engine.connect() as connection:
        command.downgrade(alembic(connection), "base")
        left = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
    engine.dispose()
    assert set(left) <= {"alembic_version"}


def test_migrating_twice_changes_nothing(database_urls) -> None:
    migrate(database_urls.owner, database_urls.app)


def test_another_revision_is_refused_with_what_to_do(database: Database, database_urls) -> None:
    with psycopg.connect(libpq_url(database_urls.owner)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")

    async def ask() -> None:
        async with database.transaction() as session:
            await require_newest(session)

    with pytest.raises(WrongDatabaseVersion, match="oneinbox migrate"):
        asyncio.run(ask())


def test_the_application_may_not_change_the_schema(database: Database) -> None:
    async def drop() -> None:
        async with database.transaction() as session:
            await session.execute(text("DROP TABLE calls"))

    with pytest.raises(ProgrammingError, match="must be owner"):
        asyncio.run(drop())


def test_a_database_that_is_not_there_is_said_without_its_password() -> None:
    url = "postgresql://someone:hunter2hunter2@127.0.0.1:1/none"
    with pytest.raises(MigrationFailed) as failure:
        migrate(url, url)
    assert "hunter2" not in str(failure.value)
