"""What is made on the machine itself: the first key of a deployment and every further one, and its users."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from oneinbox.app.migrate import WrongDatabaseVersion, require_newest
from oneinbox.app.settings import Settings
from oneinbox.app.wiring import database_of, sealer_of
from oneinbox.features.api_keys import service as api_keys
from oneinbox.features.api_keys.schemas import ApiKeyCreate
from oneinbox.features.auth import service as auth
from oneinbox.features.auth.schemas import SignupRequest
from oneinbox.features.workspaces import service as workspaces
from oneinbox.kit.bodies import InvalidField
from oneinbox.kit.db import Database
from oneinbox.kit.passwords import Passwords

DEFAULT_WORKSPACE = workspaces.DEFAULT
MIGRATION_SECONDS = 30.0


async def issue_key(settings: Settings, name: str, workspace: str = DEFAULT_WORKSPACE) -> str:
    """A new API key of that workspace, which is made when it isn't there. Raises WrongDatabaseVersion.

    A product that is just being started is waited for until it has migrated.
    """
    sealer = sealer_of(settings)
    async with _migrated(settings) as session:
        workspace_id = await workspaces.ensure(session, workspace)
        return (await api_keys.issue(session, sealer, workspace_id, ApiKeyCreate(name=name)))[1]


async def add_user(settings: Settings, email: str, name: str, password: str, workspace: str = DEFAULT_WORKSPACE) -> str:
    """The id of a new user of that workspace, which is made when it isn't there.

    Raises InvalidField, EmailTaken, WrongDatabaseVersion.
    """
    try:
        body = SignupRequest.model_validate({"email": email, "name": name, "password": password})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise InvalidField(first["loc"], f"The {first['loc'][0]} can't be taken: {first['msg']}.") from None
    hashed = await Passwords().hash(password)
    async with _migrated(settings) as session:
        workspace_id = await workspaces.ensure(session, workspace)
        return (await auth.add_user(session, workspace_id, body.email, body.name, hashed)).id


@asynccontextmanager
async def _migrated(settings: Settings) -> AsyncIterator[AsyncSession]:
    async with database_of(settings) as database:
        await _wait(database)
        async with database.transaction() as session:
            yield session


async def _wait(database: Database) -> None:
    patience = AsyncRetrying(
        stop=stop_after_delay(MIGRATION_SECONDS),
        wait=wait_fixed(0.5),
        retry=retry_if_exception_type(WrongDatabaseVersion),
        reraise=True,
    )
    async for attempt in patience:
        with attempt:
            async with database.transaction() as session:
                await require_newest(session)
