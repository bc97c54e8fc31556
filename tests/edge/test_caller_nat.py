"""A caller behind a NAT of its own (nftables, three network namespaces) that names its private address.

The NAT keeps ports, as most do for the first who uses one.
"""

import os
from collections.abc import Iterator

import pytest
from tests.edge.namespaces import call_across, networks

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
    with networks(NAMES, STEPS, RULES):
        yield


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_caller_behind_its_own_nat_hears_the_agent(nat: None, transport: str) -> None:
    told = call_across(NAMES["machine"], (MACHINE,), NAMES["caller"], (CALLER, MACHINE, transport))
    assert told["heard"], "audio went to an address that only the caller's network knows"
    assert told["c"] == [f"IN IP4 {MACHINE}"]
    assert told["bye"].startswith(f"sip:caller@{CALLER}:5070")
