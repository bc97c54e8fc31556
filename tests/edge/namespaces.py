"""Networks of their own for a test: namespaces of which one, the router, has a NAT (nftables), and a call across it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


@contextmanager
def networks(names: Mapping[str, str], steps: str, rules: str) -> Iterator[None]:
    """Namespaces of these names while the block lasts; `steps` are arguments of `ip`, `rules` those of the router.

    Skips the test where they can't be had.
    """
    if shutil.which("nft") is None or not _ip("netns", "add", names["router"]):
        pytest.skip("a NAT needs root, iproute2 and nftables")
    try:
        made = [_ip("netns", "add", name) for role, name in names.items() if role != "router"]
        made += [_ip(*step.split()) for step in steps.strip().splitlines()]
        made.append(_ip("netns", "exec", names["router"], "nft", "-f", "-", said=rules))
        if not all(made):
            pytest.skip("this kernel has no veth pairs or no NAT")
        yield
    finally:
        for name in names.values():
            _ip("netns", "delete", name)


def call_across(machine: str, addresses: tuple[str, ...], caller: str, words: tuple[str, ...]) -> Any:
    """What `beyond_nat.py` is told in the caller's namespace by `behind_nat.py` in the machine's."""
    with subprocess.Popen([*_in(machine, "behind_nat.py"), *addresses], stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == "ready\n"
            beyond = [*_in(caller, "beyond_nat.py"), *words]
            said = subprocess.run(beyond, capture_output=True, text=True, timeout=30, check=False)
        finally:
            running.terminate()
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def _in(namespace: str, script: str) -> list[str]:
    return ["ip", "netns", "exec", namespace, sys.executable, str(HERE / script)]


def _ip(*arguments: str, said: str | None = None) -> bool:
    """Whether `ip` could do it."""
    return subprocess.run(["ip", *arguments], input=said, text=True, capture_output=True, check=False).returncode == 0
