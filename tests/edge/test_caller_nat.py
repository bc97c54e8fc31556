"""A caller behind a NAT of its own (nftables, three network namespaces) that names its private address.

The NAT keeps ports, as most do for the first who uses one.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.edge.test_nat import ip

HERE = Path(__file__).parent
MACHINE, CALLER = "198.51.100.1", "10.7.0.2"
NAMES = {name: f"oi-own-{name}-{os.getpid()}" for name in ("machine", "router", "caller")}
RULES = """
table ip nat {
  chain post { type nat hook postrouting priority 100; oifname "wan0" masquerade; }
}
"""
STEPS = """
-n {router} link add lan0 type veth peer name eth0 netns {caller}
-n {router} link add wan0 type veth peer name eth0 netns {machine}
-n {router} address add 10.7.0.1/24 dev lan0
-n {router} address add 198.51.100.7/24 dev wan0
-n {caller} address add 10.7.0.2/24 dev eth0
-n {machine} address add 198.51.100.1/24 dev eth0
-n {router} link set lan0 up
-n {router} link set wan0 up
-n {caller} link set eth0 up
-n {machine} link set lo up
-n {machine} link set eth0 up
-n {caller} route add default via 10.7.0.1
netns exec {router} sysctl -qw net.ipv4.ip_forward=1
""".format(**NAMES)


@pytest.fixture
def nat() -> Iterator[None]:
    if shutil.which("nft") is None or not ip("netns", "add", NAMES["router"]):
        pytest.skip("a NAT needs root, iproute2 and nftables")
    try:
        made = [ip("netns", "add", NAMES[name]) for name in ("machine", "caller")]
        made += [ip(*step.split()) for step in STEPS.strip().splitlines()]
        made.append(ip("netns", "exec", NAMES["router"], "nft", "-f", "-", said=RULES))
        if not all(made):
            pytest.skip("this kernel has no veth pairs or no NAT")
        yield
    finally:
        for name in NAMES.values():
            ip("netns", "delete", name)


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_caller_behind_its_own_nat_hears_the_agent(nat: None, transport: str) -> None:
    there = ["ip", "netns", "exec", NAMES["machine"], sys.executable, str(HERE / "behind_nat.py"), MACHINE]
    with subprocess.Popen(there, stdout=subprocess.PIPE, text=True) as machine:
        try:
            assert machine.stdout is not None
            assert machine.stdout.readline() == "ready\n"
            here = ["ip", "netns", "exec", NAMES["caller"], sys.executable, str(HERE / "beyond_nat.py")]
            said = subprocess.run([*here, CALLER, MACHINE, transport], capture_output=True, text=True, timeout=30)
        finally:
            machine.terminate()
    assert said.returncode == 0, said.stderr
    told = json.loads(said.stdout)
    assert told["heard"], "audio went to an address that only the caller's network knows"
    assert told["c"] == [f"IN IP4 {MACHINE}"]
    assert told["bye"].startswith(f"sip:caller@{CALLER}:5070")
