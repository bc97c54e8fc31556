"""How fast a call is set up: INVITE to 200 OK, 200 OK to the first sound of the greeting, and the edge's part of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.e2e.product import Product

from bench import machine
from bench.callers import Call, Exchange, Script, pause, until
from bench.figures import Figure, Target
from bench.statistics import mean, percentile
from bench.world import World

GREETING = "Hello, this is the shop. How can I help you?"
SECONDS = 5.0
WARM_UPS, HEARD_OUT = 2, 5.0
"""Calls before, in which the greeting is said to its end, so that it is kept."""
_STEP = re.compile(r"(\d+) ms (\S+) \S+ (.*)")


@dataclass(slots=True)
class SetUps:
    """What the callers saw; seconds."""

    answers: list[float] = field(default_factory=list)
    sounds: list[float] = field(default_factory=list)
    failed: int = 0


def measure(world: World) -> list[Figure]:
    """Calls one after the other, hung up when the greeting has begun."""
    with world.deployed() as product:
        agent = product.agent("We are open.", brain="builtin", ears="builtin", first_message=GREETING)
        number = product.number(agent)
        ring(product, number, WARM_UPS, HEARD_OUT)
        before = machine.cpu_seconds(machine.supervisor())
        seen = ring(product, number, world.times(100, 10))
        used = machine.cpu_seconds(machine.supervisor())["edge"] - before["edge"]
        edge = _edge_share(product, WARM_UPS)
    answers, sounds = [1000 * one for one in seen.answers], [1000 * one for one in seen.sounds]
    note = f"one call at a time, builtin models; {seen.failed} failed"
    return [
        Figure("INVITE → 200 OK, p50", percentile(answers, 0.5), "ms", len(answers), note=note),
        Figure("INVITE → 200 OK, p95", percentile(answers, 0.95), "ms", len(answers), Target(100), note=note),
        Figure("200 OK → agent's first sound, p50", percentile(sounds, 0.5), "ms", len(sounds)),
        Figure(
            "200 OK → agent's first sound, p95",
            percentile(sounds, 0.95),
            "ms",
            len(sounds),
            Target(250),
            note="greeting said before",
        ),
        *edge,
        Figure("calls that one core's edge can set up and end", len(answers) / used, "per s·core", len(answers)),
    ]


def ring(product: Product, number: str, count: int, stay: float = 0.3) -> SetUps:
    """Call so many times, one call after the other; hang up so many seconds after the first sound."""
    seen = SetUps()
    exchange = Exchange(product.sip)
    try:
        exchange.add(_caller(exchange, number, count, stay, seen))
        exchange.run(count * (2 * SECONDS + stay) + 10)
    finally:
        exchange.close()
    return seen


def _caller(exchange: Exchange, number: str, count: int, stay: float, seen: SetUps) -> Script:
    for _ in range(count):
        yield from _ring_once(exchange, exchange.call(number), stay, seen)


def _ring_once(exchange: Exchange, call: Call, stay: float, seen: SetUps) -> Script:
    yield from until(lambda: call.status > 0, SECONDS)
    if call.answered is None:
        seen.failed += 1
        return
    seen.answers.append(call.answered - call.invited)
    yield from until(lambda: call.onset(0) is not None, SECONDS)
    if (onset := call.onset(0)) is not None:
        seen.sounds.append(onset - call.answered)
    else:
        seen.failed += 1
    yield from pause(stay)
    exchange.hang_up(call)
    yield from pause(0.2)
    exchange.forget(call)


def _edge_share(product: Product, leave: int) -> list[Figure]:
    """What of the set-up passed in the edge, admission included: by the ladder of each attempt, whole ms."""
    ladders = [ladder for (ladder,) in product.rows("SELECT ladder FROM attempts WHERE status = 200 ORDER BY id")]
    times = [found for ladder in ladders[leave:] if (found := edge_ms(ladder)) is not None]
    inside, total = mean([mine for mine, _ in times]), mean([all_ for _, all_ in times])
    note = f"INVITE in to INVITE out with admission, 200 in to 200 out; of {total:.1f} ms"
    return [
        Figure("the edge's part of INVITE → 200 OK, mean", inside, "ms", len(times), note=note),
        Figure("the same as a share", inside / total if total else 0.0, "", len(times)),
    ]


def edge_ms(ladder: Sequence[str]) -> tuple[float, float] | None:
    """Milliseconds that an answered INVITE spent in the edge, and in all; None when its ladder doesn't tell."""
    steps = [(int(found[1]), found[3]) for line in ladder if (found := _STEP.match(line))]
    invites = [at for at, start in steps if start.startswith("INVITE")]
    answers = [at for at, start in steps if start.startswith("SIP/2.0 200")]
    if len(invites) < 2 or not answers:
        return None
    return invites[1] - invites[0] + answers[-1] - answers[0], answers[-1] - invites[0]
