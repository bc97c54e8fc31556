"""One suite for the trunk plane's port, run on every implementation, and what only the scripted one can do."""

import asyncio
import json
import stat
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.conftest import DatabaseUrls
from tests.media.trunks_process import TrunksProcess, trunks_process

from oneinbox.adapters.media.scripted import ScriptedTrunks
from oneinbox.adapters.media.scripted.wire import Fault, FaultKind
from oneinbox.app.trunk_store import DatabaseTrunks
from oneinbox.contracts.media import DispatchRule, InboundTrunk, MediaError, OutboundTrunk, TrunkPlane
from oneinbox.features.workspaces import service as workspaces
from oneinbox.kit.db import Database
from oneinbox.kit.sealing import MasterKeys, Sealer

Use = Callable[[TrunkPlane, str], Awaitable[None]]
SECRET = "correct-horse-battery"


@dataclass(frozen=True)
class Bench:
    """Runs a scene on one implementation."""

    run: Callable[[Use], None]


@pytest.fixture(params=["embedded", "scripted"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "embedded":
        urls: DatabaseUrls = request.getfixturevalue("database_urls")
        yield Bench(lambda use: asyncio.run(on_database(urls, tmp_path, use)))
        return
    with trunks_process(tmp_path) as process:
        yield Bench(lambda use: asyncio.run(as_coroutine(use, process)))


async def on_database(urls: DatabaseUrls, folder: Path, use: Use) -> None:
    database = Database(urls.app)
    try:
        async with database.transaction() as session:
            workspace_id = await workspaces.ensure(session, "default")
        await use(DatabaseTrunks(database, Sealer(MasterKeys.load_or_create(folder / "key", None))), workspace_id)
    finally:
        await database.close()


async def as_coroutine(use: Use, process: TrunksProcess) -> None:
    await use(ScriptedTrunks("127.0.0.1", process.port), "w")


def inbound(workspace_id: str) -> InboundTrunk:
    return InboundTrunk("p:inbound_trunk", workspace_id, "+15550100001", "twilio", ("203.0.113.0/24",), "gate", SECRET)


def outbound(workspace_id: str) -> OutboundTrunk:
    return OutboundTrunk("p:outbound_trunk", workspace_id, "+15550100001", "twilio", "sip.example", "acme", SECRET)


def test_what_is_made_is_found_by_its_marker_until_it_is_removed(bench: Bench) -> None:
    async def use(plane: TrunkPlane, workspace_id: str) -> None:
        assert await plane.find("inbound_trunk", "p:inbound_trunk") is None
        trunk_id = await plane.create_inbound_trunk(inbound(workspace_id))
        other_id = await plane.create_outbound_trunk(outbound(workspace_id))
        rule_id = await plane.create_dispatch_rule(DispatchRule("p:dispatch_rule", workspace_id, trunk_id, "p"))
        assert trunk_id.startswith("ST_")
        assert other_id.startswith("ST_")
        assert rule_id.startswith("SDR_")
        assert trunk_id != other_id
        assert await plane.find("inbound_trunk", "p:inbound_trunk") == trunk_id
        assert await plane.find("outbound_trunk", "p:outbound_trunk") == other_id
        assert await plane.find("dispatch_rule", "p:dispatch_rule") == rule_id
        assert await plane.find("inbound_trunk", "p:outbound_trunk") is None
        await plane.remove("dispatch_rule", rule_id)
        await plane.remove("inbound_trunk", trunk_id)
        assert await plane.find("inbound_trunk", "p:inbound_trunk") is None
        assert await plane.find("outbound_trunk", "p:outbound_trunk") == other_id

    bench.run(use)


def test_removing_what_is_gone_is_fine(bench: Bench) -> None:
    async def use(plane: TrunkPlane, workspace_id: str) -> None:
        trunk_id = await plane.create_inbound_trunk(inbound(workspace_id))
        for external_id in (trunk_id, trunk_id, "ST_unknown"):
            await plane.remove("inbound_trunk", external_id)

    bench.run(use)


def test_an_update_keeps_id_and_marker(bench: Bench) -> None:
    async def use(plane: TrunkPlane, workspace_id: str) -> None:
        trunk_id = await plane.create_inbound_trunk(inbound(workspace_id))
        other_id = await plane.create_outbound_trunk(outbound(workspace_id))
        await plane.update_inbound_trunk(trunk_id, replace(inbound(workspace_id), auth_username=None))
        await plane.update_outbound_trunk(other_id, replace(outbound(workspace_id), address="sip2.example"))
        assert await plane.find("inbound_trunk", "p:inbound_trunk") == trunk_id
        assert await plane.find("outbound_trunk", "p:outbound_trunk") == other_id

    bench.run(use)


def test_updating_what_is_gone_is_an_error(bench: Bench) -> None:
    async def use(plane: TrunkPlane, workspace_id: str) -> None:
        with pytest.raises(MediaError) as missing:
            await plane.update_inbound_trunk("ST_unknown", inbound(workspace_id))
        assert not missing.value.retryable
        with pytest.raises(MediaError):
            await plane.update_outbound_trunk("ST_unknown", outbound(workspace_id))

    bench.run(use)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[TrunksProcess]:
    with trunks_process(tmp_path) as running:
        yield running


def scripted(process: TrunksProcess) -> ScriptedTrunks:
    return ScriptedTrunks("127.0.0.1", process.port)


DONE = {
    FaultKind.ERROR: 0,
    FaultKind.CUT: 0,
    FaultKind.SILENT: 0,
    FaultKind.DENIED: 1,
    FaultKind.LOST: 1,
    FaultKind.MUTE: 1,
}
REFUSALS = (FaultKind.ERROR, FaultKind.DENIED)


@pytest.mark.parametrize("kind", DONE)
def test_a_fault_is_a_media_error_whether_the_trunk_was_made_or_not(process: TrunksProcess, kind: FaultKind) -> None:
    async def scene() -> int:
        plane = scripted(process)
        await plane.script("create_inbound_trunk", [Fault(kind=kind)])
        with pytest.raises(MediaError) as failure:
            await plane.create_inbound_trunk(inbound("w"))
        assert failure.value.retryable is (kind not in REFUSALS)
        assert SECRET not in str(failure.value)
        made = (await plane.things())["inbound_trunk"]
        await plane.create_inbound_trunk(inbound("w"))
        assert await plane.seen() == ["create_inbound_trunk +15550100001"] * 2
        return len(made)  # type: ignore[arg-type]

    assert asyncio.run(scene()) == DONE[kind]


def test_a_fault_can_be_meant_for_one_number(process: TrunksProcess) -> None:
    async def scene() -> None:
        plane = scripted(process)
        trunk_id = await plane.create_inbound_trunk(inbound("w"))
        await plane.script("create_dispatch_rule +15550100001", [Fault(kind=FaultKind.ERROR)])
        await plane.script("remove_inbound_trunk +15550100002", [Fault(kind=FaultKind.ERROR)])
        with pytest.raises(MediaError):
            await plane.create_dispatch_rule(DispatchRule("p:dispatch_rule", "w", trunk_id, "p"))
        await plane.remove("inbound_trunk", trunk_id)

    asyncio.run(scene())


def test_a_delay_is_only_that(process: TrunksProcess) -> None:
    async def scene() -> str:
        plane = scripted(process)
        await plane.script("create_outbound_trunk", [Fault(kind=FaultKind.DELAY, seconds=0.05)])
        return await plane.create_outbound_trunk(outbound("w"))

    assert asyncio.run(scene()).startswith("ST_")


def test_what_was_made_outlives_its_process(process: TrunksProcess) -> None:
    async def scene() -> None:
        trunk_id = await scripted(process).create_inbound_trunk(inbound("w"))
        process.restart()
        assert await scripted(process).find("inbound_trunk", "p:inbound_trunk") == trunk_id

    asyncio.run(scene())
    assert stat.S_IMODE(process.path.stat().st_mode) == 0o600


def test_a_process_that_is_away_is_a_media_error(process: TrunksProcess) -> None:
    process.process.kill()
    process.process.wait(10)
    with pytest.raises(MediaError) as failure:
        asyncio.run(scripted(process).find("inbound_trunk", "p"))
    assert failure.value.retryable


def test_nonsense_is_refused_and_the_process_goes_on(process: TrunksProcess) -> None:
    async def scene() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
        writer.write(b"{nonsense}\n")
        answer = await reader.readline()
        writer.close()
        assert await scripted(process).find("dispatch_rule", "p") is None
        return answer

    assert json.loads(asyncio.run(scene()))["error"]


def test_the_embedded_plane_seals_what_it_is_given(database_urls: DatabaseUrls, tmp_path: Path) -> None:
    async def use(plane: TrunkPlane, workspace_id: str) -> None:
        await plane.create_inbound_trunk(inbound(workspace_id))
        await plane.create_outbound_trunk(outbound(workspace_id))

    async def scene() -> str:
        await on_database(database_urls, tmp_path, use)
        database = Database(database_urls.app)
        try:
            async with database.transaction() as session:
                tables = [text("SELECT * FROM inbound_trunks"), text("SELECT * FROM outbound_trunks")]
                return str([(await session.execute(table)).all() for table in tables])
        finally:
            await database.close()

    stored = asyncio.run(scene())
    assert "gate" in stored
    assert SECRET not in stored
