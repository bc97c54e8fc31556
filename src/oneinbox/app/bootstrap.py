"""The first key of a deployment, and every further one that is made on the machine itself."""

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from oneinbox.app.migrate import WrongDatabaseVersion, require_newest
from oneinbox.app.settings import Settings
from oneinbox.app.wiring import database_of, sealer_of
from oneinbox.features.api_keys import service as api_keys
from oneinbox.features.api_keys.schemas import ApiKeyCreate
from oneinbox.features.workspaces import service as workspaces

DEFAULT_WORKSPACE = "default"
MIGRATION_SECONDS = 30.0


async def issue_key(settings: Settings, name: str, workspace: str = DEFAULT_WORKSPACE) -> str:
    """A new API key of that workspace, which is made when it isn't there. Raises WrongDatabaseVersion.

    A product that is just being started is waited for until it has migrated.
    """
    database, sealer = database_of(settings), sealer_of(settings)
    patience = AsyncRetrying(
        stop=stop_after_delay(MIGRATION_SECONDS),
        wait=wait_fixed(0.5),
        retry=retry_if_exception_type(WrongDatabaseVersion),
        reraise=True,
    )
    try:
        async for attempt in patience:
            with attempt:
                async with database.transaction() as session:
                    await require_newest(session)
        async with database.transaction() as session:
            workspace_id = await workspaces.ensure(session, workspace)
            return (await api_keys.issue(session, sealer, workspace_id, ApiKeyCreate(name=name)))[1]
    finally:
        await database.close()
