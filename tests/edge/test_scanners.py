"""Sipvicious, as Debian has it, against the edge: it learns nothing about numbers."""

import asyncio
import shutil
from pathlib import Path

import pytest
from tests.edge.test_server import served

from oneinbox.app.edge.server import Admit
from oneinbox.contracts.admission import Cause, Decision, InviteFacts, Login, Refused

pytestmark = pytest.mark.skipif(shutil.which("svwar") is None, reason="sipvicious is not installed")

NUMBERS = "15551234560-15551234569"


def admission(asks: bool) -> Admit:
    """One of the numbers exists; it is for other sources, or for those who know its password."""

    async def admit(facts: InviteFacts, login: Login | None) -> Decision:
        if asks and facts.dialled == "15551234567":
            return Refused(401, Cause.CHALLENGED, "Asked.")
        return Refused(401 if asks else 403, Cause.SOURCE_NOT_ALLOWED, "No.")

    return admit


async def run(folder: Path, *command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), 30)
    finally:
        if process.returncode is None:
            process.kill()
    return said.decode()


@pytest.mark.parametrize("method", ["INVITE", "REGISTER", "OPTIONS"])
@pytest.mark.parametrize("asks", [True, False])
def test_svwar_finds_no_extension(tmp_path: Path, method: str, asks: bool) -> None:
    async def scene() -> str:
        async with served(admission(asks), known="192.0.2.0/24", asks=asks) as edge:
            return await run(
                tmp_path,
                *("svwar", "-p", str(edge.address[1]), "-e", NUMBERS, "-m", method, "--force", "--maximumtime", "5"),
                "127.0.0.1",
            )

    assert "found nothing" in asyncio.run(scene())
