"""Whether strangers who flood the edge with junk slow down the calls that are allowed."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.product import Product

from bench import machine
from bench.calls import SetUps, ring
from bench.figures import Figure, Target
from bench.statistics import mean, percentile
from bench.world import World

A_SECOND, SOURCES = 5_000, 200
CALLS, ROUNDS = 100, 5
"""Of each kind; quiet and flooded stretches take turns, so that whatever else the machine does meets both."""
STAY = 0.02
WARM_UPS = 3
KNOWN = "127.0.0.1/32"
SETTLE_SECONDS = 1.0
"""After which the junk comes as fast as it is going to."""
_SENDER = Path(__file__).with_name("junk.py")


@dataclass(slots=True)
class Flood:
    """What was sent, and what it cost."""

    sent: int = 0
    sender_seconds: float = 0.0
    seconds: float = 0.0
    edge_seconds: float = 0.0
    resident: list[int] = field(default_factory=list)
    """The edge's memory at the end of each stretch, bytes."""


def measure(world: World) -> list[Figure]:
    """Calls one after the other, without and with junk from 200 addresses that may not call."""
    each = world.times(CALLS, 2 * ROUNDS) // ROUNDS
    quiet, flooded, flood = SetUps(), SetUps(), Flood()
    with world.deployed(trusted_sources=KNOWN) as product:
        number = product.number(product.agent("We are open.", first_message="Hello.", tts={"provider": "scripted"}))
        ring(product, number, WARM_UPS)
        before = machine.resident_bytes(machine.supervisor(), "edge")
        for _ in range(ROUNDS):
            _more(quiet, ring(product, number, each, STAY))
            with _flooding(product, flood):
                _more(flooded, ring(product, number, each, STAY))
    return _figures(quiet, flooded, flood, before)


def _figures(quiet: SetUps, flooded: SetUps, flood: Flood, before: int) -> list[Figure]:
    count = len(quiet.answers) + quiet.failed
    rate = flood.sent / flood.seconds
    sender, edge = flood.sender_seconds / flood.seconds, flood.edge_seconds / flood.seconds
    note = f"{rate:,.0f} junk packets a second from {SOURCES} addresses; their sender took {sender:.0%} of a core"
    mine, theirs = _ms(quiet), _ms(flooded)
    p95 = percentile(mine, 0.95), percentile(theirs, 0.95)
    p50 = percentile(mine, 0.5), percentile(theirs, 0.5)
    grown = max(flood.resident) / before
    memory = (
        f"{before / 2**20:.0f} MB before, {', '.join(f'{one / 2**20:.0f}' for one in flood.resident)} after each flood"
    )
    return [
        Figure("INVITE → 200 OK without junk, p50", p50[0], "ms", len(mine)),
        Figure("INVITE → 200 OK without junk, p95", p95[0], "ms", len(mine)),
        Figure("INVITE → 200 OK under a flood, p50", p50[1], "ms", len(theirs), note=note),
        Figure("INVITE → 200 OK under a flood, p95", p95[1], "ms", len(theirs), note=note),
        Figure("set-up under a flood, p95 against without", p95[1] / p95[0], "×", len(theirs), Target(1.2)),
        Figure("set-up under a flood, mean against without", mean(theirs) / mean(mine), "×", len(theirs)),
        Figure("calls that failed, of both kinds", quiet.failed + flooded.failed, "calls", 2 * count, Target(0)),
        Figure("the edge's CPU under a flood", edge, "cores", flood.sent),
        Figure("the edge's memory after floods", grown, "×", flood.sent, Target(1.5), note=memory),
    ]


@contextmanager
def _flooding(product: Product, flood: Flood) -> Iterator[None]:
    host, port = product.sip
    supervisor = machine.supervisor()
    command = [sys.executable, "-S", str(_SENDER), host, str(port), str(A_SECOND), str(SOURCES)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdin is not None
        assert sender.stdout is not None
        sender.stdout.readline()
        time.sleep(SETTLE_SECONDS)
        used, began = machine.cpu_seconds(supervisor)["edge"], time.monotonic()
        try:
            yield
        finally:
            share = (machine.cpu_seconds(supervisor)["edge"] - used) / (time.monotonic() - began)
            sender.stdin.close()
            sent, cost, lasted = map(float, sender.stdout.readline().split())
    flood.sent += int(sent)
    flood.sender_seconds += cost
    flood.seconds += lasted
    flood.edge_seconds += share * lasted
    flood.resident.append(machine.resident_bytes(supervisor, "edge"))


def _more(all_of: SetUps, some: SetUps) -> None:
    all_of.answers += some.answers
    all_of.sounds += some.sounds
    all_of.failed += some.failed


def _ms(seen: SetUps) -> list[float]:
    return [1000 * one for one in seen.answers]
