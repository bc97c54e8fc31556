"""The disk of the recordings is full: calls go on, their records say why there is no recording, and no file is left."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.calling import sipp
from tests.e2e.product import Product
from tests.e2e.scenarios import TALK
from tests.faults.checks import require_sound
from tests.faults.traffic import greeted, require_whole, talk, talker

pytestmark = pytest.mark.e2e

SIZE = "8k"
"""Room for a second of recording."""


@pytest.fixture
def small_disk(product: Product) -> Iterator[Path]:
    """The recordings lie on a disk that has hardly any room."""
    folder = product.data_dir / "recordings"
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "small", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode and os.environ.get("CI") != "true":
        pytest.skip(f"no small disk could be mounted (that takes root): {mounted.stderr.strip()}")
    assert mounted.returncode == 0, mounted.stderr
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_costs_the_recording_and_not_the_call(product: Product, small_disk: Path, tmp_path: Path) -> None:
    number = product.number(talker(product, enable_recording=True))

    async def scene() -> None:
        async with sipp(tmp_path, product, TALK, number) as caller:
            await greeted(caller.phone)
            await talk(caller.phone)
            await talk(caller.phone)
            await caller.hang_up()

    asyncio.run(scene())
    call = product.ended_call(number, within=5)
    require_whole(call)
    assert call["recording_url"] is None
    assert call["metadata"] == {
        "recording_note": "The recording could not be written to disk: No space left on device."
    }
    assert [path for path in small_disk.rglob("*") if path.is_file()] == []
    require_sound(product)


def test_once_there_is_room_again_calls_are_recorded(product: Product, tmp_path: Path) -> None:
    number = product.number(talker(product, enable_recording=True))

    async def scene() -> None:
        async with sipp(tmp_path, product, TALK, number) as caller:
            await greeted(caller.phone)
            await caller.hang_up()

    asyncio.run(scene())
    call = product.ended_call(number, within=5)
    assert call["recording_url"] is not None
    assert call["metadata"] == {}
