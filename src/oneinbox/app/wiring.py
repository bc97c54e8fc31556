"""Which implementation stands behind each port, as the settings have it."""

from importlib.metadata import version

from sqlalchemy.ext.asyncio import AsyncSession

from oneinbox.adapters.carriers import telnyx, twilio
from oneinbox.adapters.media.scripted.client import ScriptedTrunks
from oneinbox.app.queue import JobQueue
from oneinbox.app.settings import Settings
from oneinbox.app.steps import StepRunner
from oneinbox.app.tables import metadata
from oneinbox.app.trunk_store import DatabaseTrunks
from oneinbox.contracts.media import TrunkPlane
from oneinbox.features.context import Defaults, Links, Ports, SignIn, SipDefaults
from oneinbox.kit.clock import Clock
from oneinbox.kit.db import Database
from oneinbox.kit.errors import OneInboxError
from oneinbox.kit.passwords import Passwords
from oneinbox.kit.sealing import KeyFile, MasterKeys, Sealer
from oneinbox.kit.signing import SIGN_IN, URL_SIGNING, deployment_key

CARRIERS = {spec.provider: spec for spec in (twilio.SPEC, telnyx.SPEC)}
OFFLINE = "builtin"
SCRIPTED = "scripted"
COMPATIBLE = "openai"
"""The provider of the API at ONEINBOX_LLM_BASE_URL: whoever speaks OpenAI's protocol."""
HOSTED = frozenset({COMPATIBLE, "custom"})
"""The providers of models that are asked for there."""


class NoDatabase(OneInboxError):
    """This process needs to be told where the database is."""

    code = "NO_DATABASE"


def database_of(settings: Settings, *, pool_size: int = 10) -> Database:
    """The database of the settings. Raises NoDatabase: only `oneinbox up` runs one of its own."""
    if settings.database_url is None:
        raise NoDatabase("ONEINBOX_DATABASE_URL is not set; `oneinbox up` sets it for the processes it starts.")
    metadata()
    return Database(settings.database_url.get_secret_value(), pool_size=pool_size)


def sealer_of(settings: Settings) -> Sealer:
    """What opens and seals secrets here."""
    if settings.master_key is not None:
        return Sealer(MasterKeys.load_or_create(settings.master_key_file, settings.master_key))
    return Sealer(KeyFile(settings.master_key_file))


def defaults_of(settings: Settings) -> Defaults:
    """What new agents and numbers get when they don't say."""
    hosted = settings.llm_base_url is not None
    here = frozenset({OFFLINE, SCRIPTED} if settings.scripted_providers else {OFFLINE})
    return Defaults(
        llm_provider=COMPATIBLE if hosted else OFFLINE,
        llm_model=settings.llm_model or "default" if hosted else "default",
        switched_off=frozenset({SCRIPTED}) - here,
        reachable={"llm": here | HOSTED if hosted else here, "transcriber": here, "tts": here},
        sip={provider: SipDefaults(**settings.sip_defaults(provider)) for provider in CARRIERS},
    )


def trunks_of(settings: Settings, database: Database, sealer: Sealer) -> TrunkPlane:
    """Who keeps the trunks and rules."""
    if settings.media_plane == SCRIPTED and settings.scripted_trunks is not None:
        return ScriptedTrunks(settings.scripted_trunks.host, settings.scripted_trunks.port)
    return DatabaseTrunks(database, sealer)


def steps_of(database: Database, clock: Clock, sealer: Sealer) -> StepRunner:
    """Who runs operations, and defers them to the job queue for the case that it dies."""
    return StepRunner(database, clock, sealer, JobQueue())


async def ports_of(
    settings: Settings, session: AsyncSession, database: Database, sealer: Sealer, clock: Clock
) -> Ports:
    """Everything that services may reach besides their transaction."""
    return Ports(
        trunks=trunks_of(settings, database, sealer),
        steps=steps_of(database, clock, sealer),
        sealer=sealer,
        carriers=CARRIERS,
        defaults=defaults_of(settings),
        links=Links(await deployment_key(session, sealer, URL_SIGNING), settings.public_url, settings.recordings_dir),
        sign_in=SignIn(await deployment_key(session, sealer, SIGN_IN), Passwords(), settings.open_signup),
        version=version("oneinbox"),
    )
