"""A call over a veth pair between two network namespaces: addresses that aren't loopback."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.media import shop
from tests.media.line import tone
from tests.media.softphone import needs_softphone, softphone

from oneinbox.adapters.speech.builtin.listening import transcribe_file

AGENT, CALLER = "198.51.100.1", "198.51.100.2"  # RFC 5737: nobody's
NAMES = (f"oi-agent-{os.getpid()}", f"oi-caller-{os.getpid()}")


def ip(*arguments: str) -> bool:
    """Whether `ip` could do it."""
    return subprocess.run(["ip", *arguments], capture_output=True, check=False).returncode == 0


@pytest.fixture
def namespaces() -> Iterator[tuple[str, str]]:
    if shutil.which("ip") is None or not ip("netns", "add", NAMES[0]):
        pytest.skip("network namespaces need root and iproute2")
    agent, caller = NAMES
    try:
        steps = [
            f"netns add {caller}",
            f"-n {agent} link add oi-a type veth peer name oi-c netns {caller}",
            f"-n {agent} address add {AGENT}/30 dev oi-a",
            f"-n {caller} address add {CALLER}/30 dev oi-c",
            f"-n {agent} link set lo up",
            f"-n {caller} link set lo up",
            f"-n {agent} link set oi-a up",
            f"-n {caller} link set oi-c up",
        ]
        if not all(ip(*step.split()) for step in steps):
            pytest.skip("this kernel has no veth pairs")
        yield NAMES
    finally:
        for name in NAMES:
            ip("netns", "delete", name)


@needs_softphone
def test_a_call_over_a_veth_pair_is_heard_both_ways(namespaces: tuple[str, str], tmp_path: Path) -> None:
    agent, caller = (["ip", "netns", "exec", name] for name in namespaces)
    says = bytes(16000 * 4) + tone(500, 50) + bytes(16000 * 5)

    async def scene(port: int) -> str:
        async with softphone(tmp_path, (AGENT, port), says, host=CALLER, codec="pcmu", before=caller) as phone:
            await asyncio.sleep(10)
            await phone.hang_up()
        return " ".join(said.text for said in await transcribe_file(phone.heard()))

    command = [*agent, sys.executable, shop.__file__, AGENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as far:
        assert far.stdout is not None
        heard = asyncio.run(scene(int(far.stdout.readline())))
        far.communicate(timeout=10)
    # The answer comes only when the agent's side has heard the caller.
    assert set(re.findall("[a-z]+", heard.lower())) >= {"calling", "bicycle", "shop", "nine", "saturday", "morning"}
