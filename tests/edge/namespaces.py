"""Networks of their own for a test: namespaces of which one, the router, has a NAT (nftables), and a call across it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Side:
    """A machine in a namespace of its own: its address, and the router's on the device that leads to it."""

    device: str
    router: str
    here: str
    routed: bool = True
    """Does it reach the other sides through the router?"""


@contextmanager
def networks(sides: Mapping[str, Side], rules: str) -> Iterator[Mapping[str, str]]:
    """The namespaces of the sides, by their roles, while the block lasts; the router between them has these rules.

    Skips the test where they can't be had.
    """
    names = {role: f"oi-{role}-{os.getpid()}" for role in sides}
    router = f"oi-router-{os.getpid()}"
    if shutil.which("nft") is None or not _ip("netns", "add", router):
        pytest.skip("a NAT needs root, iproute2 and nftables")
    try:
        made = [_ip("netns", "add", name) for name in names.values()]
        made += [_ip(*step.split()) for role, side in sides.items() for step in _steps(side, names[role], router)]
        made.append(_ip("netns", "exec", router, "sysctl", "-qw", "net.ipv4.ip_forward=1"))
        made.append(_ip("netns", "exec", router, "nft", "-f", "-", said=rules))
        if not all(made):
            pytest.skip("this kernel has no veth pairs or no NAT")
        yield names
    finally:
        for name in (router, *names.values()):
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


def _steps(side: Side, name: str, router: str) -> list[str]:
    """What `ip` is asked to do for a side."""
    steps = [
        f"-n {router} link add {side.device} type veth peer name eth0 netns {name}",
        f"-n {router} address add {side.router}/24 dev {side.device}",
        f"-n {name} address add {side.here}/24 dev eth0",
        f"-n {router} link set {side.device} up",
        f"-n {name} link set lo up",
        f"-n {name} link set eth0 up",
    ]
    return [*steps, f"-n {name} route add default via {side.router}"] if side.routed else steps


def _in(namespace: str, script: str) -> list[str]:
    return ["ip", "netns", "exec", namespace, sys.executable, str(HERE / script)]


def _ip(*arguments: str, said: str | None = None) -> bool:
    """Whether `ip` could do it."""
    return subprocess.run(["ip", *arguments], input=said, text=True, capture_output=True, check=False).returncode == 0
