"""Bringing the database to the version of this program, and refusing to work with another one."""

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.kit.db import WAITS, conninfo, database_url
from oneinbox.kit.errors import OneInboxError

LOCK_SECONDS = 30
ONE_AT_A_TIME = 7_611_203
"""The advisory lock that migrators take, so that two started at once do not get in each other's way."""

_SCRIPTS = Path(__file__).parents[1] / "migrations"


class WrongDatabaseVersion(OneInboxError):
    """The database was migrated by another version of this program, or by none."""

    code = "WRONG_DATABASE_VERSION"


class MigrationFailed(OneInboxError):
    """The database can't be reached or changed; the message says which."""

    code = "MIGRATION_FAILED"


def newest() -> str:
    """The revision that this program works with."""
    head = ScriptDirectory(str(_SCRIPTS)).get_current_head()
    assert head is not None
    return head


def alembic(connection: Connection) -> Config:
    """Alembic's configuration for our migrations on this connection."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config


def migrate(owner_url: str, app_url: str) -> None:
    """Migrate as the owner, then let the application's role read and write. Raises MigrationFailed.

    The application's role is the user of `app_url`; it gets no right to change the schema.
    """
    limits = f"-c lock_timeout={LOCK_SECONDS}s"
    engine = create_engine(
        database_url(owner_url),
        hide_parameters=True,
        connect_args={**WAITS, "options": limits},
    )
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ONE_AT_A_TIME})
            connection.commit()
            command.upgrade(alembic(connection), "head")
            connection.commit()
        _grant(owner_url, make_url(app_url).username)
    except (DBAPIError, psycopg.Error, OSError) as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()
        raise MigrationFailed(
            f"The database could not be migrated: {reason[0] if reason else 'no reason given'}"
        ) from None
    finally:
        engine.dispose()


async def require_newest(session: AsyncSession) -> None:
    """Raises WrongDatabaseVersion when the database isn't at the revision of this program."""
    found = None
    if await session.scalar(text("SELECT to_regclass('alembic_version')::text")):
        found = await session.scalar(text("SELECT version_num FROM alembic_version"))
    if found != newest():
        raise WrongDatabaseVersion(
            f"The database is at revision {found or 'none'}, this program needs {newest()}. Run: oneinbox migrate"
        )


def _grant(owner_url: str, role: str | None) -> None:
    if role is None or role == make_url(owner_url).username:
        return
    name = sql.Identifier(role)
    with psycopg.connect(conninfo(owner_url)) as connection:
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(name))
        tables = sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}")
        connection.execute(tables.format(name))
        connection.execute(sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(name))
        connection.execute(sql.SQL("REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {}").format(name))
        connection.execute(sql.SQL("REVOKE UPDATE, DELETE ON audit_events FROM {}").format(name))
