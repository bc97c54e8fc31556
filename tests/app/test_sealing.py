"""Secrets at rest: bound to their place, and carried over to a new master key while requests run."""

import asyncio
import base64
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from tests.api.conftest import Api, Deployed

from oneinbox.app import rotation
from oneinbox.app.trunk_store import DatabaseTrunks
from oneinbox.contracts.media import OutboundTrunk
from oneinbox.kit.db import Database
from oneinbox.kit.sealing import KeyFile, MasterKeys, Sealer, SealingError, kid_of

PLACE = {"workspace_id": "w", "row_id": "r", "field": "f"}


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "master.key")


@pytest.mark.parametrize("moved", ["workspace_id", "row_id", "field"])
def test_a_sealed_value_opens_only_where_it_was_sealed_for(file: KeyFile, moved: str) -> None:
    sealer = Sealer(file)
    blob = sealer.seal("secret", **PLACE)
    assert sealer.open(blob, **PLACE) == "secret"
    with pytest.raises(SealingError):
        sealer.open(blob, **(PLACE | {moved: "other"}))


@pytest.mark.parametrize("at", range(0, 60, 7))
def test_a_changed_value_does_not_open(file: KeyFile, at: int) -> None:
    sealer = Sealer(file)
    blob = bytearray(sealer.seal("a secret that is long enough", **PLACE))
    blob[at] ^= 1
    with pytest.raises(SealingError) as failure:
        sealer.open(bytes(blob), **PLACE)
    assert "secret that" not in str(failure.value)


def test_the_file_is_its_owners_only(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    KeyFile(path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(SealingError, match="chmod 600"):
        KeyFile(path)


def test_running_processes_follow_a_rotation(tmp_path: Path) -> None:
    running, turning = Sealer(KeyFile(tmp_path / "master.key")), KeyFile(tmp_path / "master.key")
    before = running.seal("old", **PLACE)
    kid = turning.add_newest()
    after = running.seal("new", **PLACE)
    assert (kid_of(after), running.newest) == (kid, kid)
    assert (running.open(before, **PLACE), running.open(after, **PLACE)) == ("old", "new")
    turning.keep_only({kid})
    assert running.open(after, **PLACE) == "new"
    with pytest.raises(SealingError, match="master key"):
        running.open(before, **PLACE)


def test_keys_added_at_once_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    files = [KeyFile(path) for _ in range(8)]
    with ThreadPoolExecutor(len(files)) as threads:
        added = list(threads.map(lambda file: [file.add_newest() for _ in range(5)], files))
    assert set(chain.from_iterable(added)) < set(MasterKeys.load_or_create(path, None).keys)


def test_who_forgets_old_keys_leaves_those_of_a_rotation_that_began_meanwhile(file: KeyFile) -> None:
    first, second = file.add_newest(), file.add_newest()
    file.keep_only({first})
    assert list(file().keys) == [second, first]
    file.keep_only({second})
    file.keep_only({first})
    assert list(file().keys) == [second], "the one that is used by everybody now"


def test_a_new_key_is_on_the_disk_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    sync = os.fsync

    def watched(descriptor: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    file = KeyFile(tmp_path / "master.key")
    kid = file.add_newest()
    file.keep_only({kid})
    assert synced == [False, True] * 3, "the file, and then the folder that names it"


def test_it_is_known_of_every_column_of_bytes_whether_it_is_sealed() -> None:
    assert rotation.unknown_columns() == set()


@pytest.fixture
def deployed(database_urls: Any, tmp_path: Path) -> Iterator[Deployed]:
    with asyncio.Runner() as runner:
        made = Deployed(runner, Database(database_urls.app, pool_size=10), tmp_path)
        yield made
        made.close()


def test_the_key_is_turned_while_requests_run(deployed: Deployed) -> None:
    api = deployed.workspace("default")
    agent_id = api.agent()
    numbers = [f"+155501{n:05}" for n in range(30)]
    config = {"trunk_address": "a.example", "auth_username": "a", "auth_password": "p", "extra": "x"}

    def registration(number: str) -> dict[str, Any]:
        return {"phone_number": number, "provider": "twilio", "agent_id": agent_id, "provider_config": config}

    async def turn() -> tuple[list[int], int]:
        for number in numbers[:10]:
            await api.send("POST", "/v1/phone-numbers", json=registration(number))
        file = KeyFile(deployed.settings.master_key_file)

        async def register() -> list[int]:
            bodies = [registration(number) for number in numbers[10:]]
            return [(await api.send("POST", "/v1/phone-numbers", json=body)).status_code for body in bodies]

        requests = asyncio.create_task(register())
        await asyncio.sleep(0.1)
        kid = file.add_newest()
        await rotation.reseal(deployed.database, deployed.sealer)
        statuses = await requests
        left = await rotation.left_behind(deployed.database, deployed.sealer)
        file.keep_only({kid})
        return statuses, left

    statuses, left = deployed.runner.run(turn())
    assert statuses == [201] * 20
    assert left == 0
    assert api("GET", "/v1/phone-numbers").json()["total"] == 30
    assert opened(deployed, api) == {"p", "x"}


def test_what_was_sealed_and_waits_for_a_connection_is_carried_over_too(deployed: Deployed, database_urls: Any) -> None:
    deployed.workspace("default")

    async def turn() -> int:
        async with deployed.database.transaction() as session:
            workspace_id = str(await session.scalar(text("SELECT id FROM workspaces")))
        async with Database(database_urls.app, pool_size=1) as crowded:
            trunk = OutboundTrunk("m", workspace_id, "+15550100001", "twilio", "a.example", "a", "p")
            async with crowded.engine.connect():
                waiting = asyncio.create_task(DatabaseTrunks(crowded, deployed.sealer).create_outbound_trunk(trunk))
                await asyncio.sleep(0.2)
                KeyFile(deployed.settings.master_key_file).add_newest()
                turning = asyncio.create_task(rotation.reseal(deployed.database, deployed.sealer))
                await asyncio.sleep(2.5)
            await waiting
            await turning
        return await rotation.left_behind(deployed.database, deployed.sealer)

    assert deployed.runner.run(turn()) == 0


def opened(deployed: Deployed, api: Api) -> set[str]:
    """Every sealed password and extra value, opened with the key that is left."""

    async def read() -> set[str]:
        async with deployed.database.transaction() as session:
            trunks = await session.execute(text("SELECT id, workspace_id, auth_password FROM outbound_trunks"))
            numbers = await session.execute(text("SELECT id, workspace_id, sealed_config FROM phone_numbers"))
            found = {
                deployed.sealer.open(blob, workspace_id=workspace, row_id=row, field="auth_password")
                for row, workspace, blob in trunks
            }
            for row, workspace, config in numbers:
                blob = base64.b64decode(config["extra"])
                found.add(deployed.sealer.open(blob, workspace_id=workspace, row_id=row, field="extra").strip('"'))
        return found

    return deployed.runner.run(read())
