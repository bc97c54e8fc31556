"""The database that commands work on: the one that is set, the embedded one that runs, or one started for a moment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from oneinbox.app.migrate import migrate
from oneinbox.app.settings import Settings
from oneinbox.kit.errors import OneInboxError
from oneinbox.kit.postgres import EmbeddedPostgres
from oneinbox.kit.processes import FolderLock

WAIT_SECONDS = 60.0
POLL_SECONDS = 0.2


class DataFolderBusy(OneInboxError):
    """Another process holds the data folder."""

    code = "DATA_FOLDER_BUSY"


def hold(settings: Settings) -> FolderLock | None:
    """The data folder, made when it isn't there, which others can't list; None when another process holds it."""
    mode = 0o711 if os.geteuid() == 0 else 0o700
    settings.data_dir.mkdir(mode=mode, parents=True, exist_ok=True)
    lock = FolderLock(settings.data_dir)
    return lock if lock.acquire() else None


def server_of(settings: Settings) -> EmbeddedPostgres:
    """The embedded database of the data folder, not started."""
    return EmbeddedPostgres(settings.data_dir)


def with_urls(settings: Settings, server: EmbeddedPostgres) -> Settings:
    """The settings of whoever works on this server."""
    urls = {"database_url": SecretStr(server.app_url), "database_owner_url": SecretStr(server.owner_url)}
    return settings.model_copy(update=urls)


def migrate_as(settings: Settings) -> None:
    """Bring the database of the settings to the newest revision. Raises MigrationFailed."""
    assert settings.database_url is not None
    owner = settings.database_owner_url or settings.database_url
    migrate(owner.get_secret_value(), settings.database_url.get_secret_value())


@contextmanager
def reached(settings: Settings) -> Iterator[Settings]:
    """The settings with a database that answers, whether the product runs, is stopped or never ran.

    A database of the user's own is taken as it is: only `oneinbox up` and `oneinbox migrate` migrate that.
    Raises DataFolderBusy when another process holds the folder and its database doesn't come up.
    """
    if settings.database_url is not None:
        yield settings
        return
    server, lock = _running_or_held(settings)
    if lock is None:
        yield with_urls(settings, server)
        return
    try:
        server.start()
        complete = with_urls(settings, server)
        migrate_as(complete)
        yield complete
    finally:
        server.stop()
        lock.release()


def _running_or_held(settings: Settings) -> tuple[EmbeddedPostgres, FolderLock | None]:
    """The server with the lock that allows us to start it, or without when it answers already."""
    server = server_of(settings)

    def look() -> tuple[EmbeddedPostgres, FolderLock | None] | None:
        lock = hold(settings)
        return (server, lock) if lock is not None or server.is_up() else None

    waiting = Retrying(
        stop=stop_after_delay(WAIT_SECONDS), wait=wait_fixed(POLL_SECONDS), retry=retry_if_result(lambda it: it is None)
    )
    try:
        found = waiting(look)
    except RetryError:
        raise DataFolderBusy(f"{settings.data_dir} is held by another process whose database doesn't answer.") from None
    assert found is not None
    return found
