"""A caller behind a NAT of its own (nftables, three network namespaces) that names its private address.

The NAT keeps ports, as most do for the first who uses one.
"""

from collections.abc import Iterator, Mapping

import pytest
from tests.edge.namespaces import Side, call_across, networks

MACHINE, CALLER = "198.51.100.1", "10.7.0.2"
RULES = """
table ip nat {
  chain post { type nat hook postrouting priority 100; oifname "wan0" masquerade; }
}
"""
SIDES = {
    "caller": Side("lan0", "10.7.0.1", CALLER),
    "machine": Side("wan0", "198.51.100.7", MACHINE, routed=False),
}


@pytest.fixture
def nat() -> Iterator[Mapping[str, str]]:
    with networks(SIDES, RULES) as names:
        yield names


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_caller_behind_its_own_nat_hears_the_agent(nat: Mapping[str, str], transport: str) -> None:
    told = call_across(nat["machine"], (MACHINE,), nat["caller"], (CALLER, MACHINE, transport))
    assert told["heard"], "audio went to an address that only the caller's network knows"
    assert told["c"] == [f"IN IP4 {MACHINE}"]
    assert told["bye"].startswith(f"sip:caller@{CALLER}:5070")
