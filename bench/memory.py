"""Whether a voice worker grows: its memory after many short calls against what it was after a few."""

from collections import Counter
from collections.abc import Iterator
from itertools import cycle

from tests.e2e.product import Product

from bench import machine
from bench.callers import Call, Exchange, Script, pause, until
from bench.figures import Figure, Target
from bench.world import World

FEW, MANY = 200, 2000
TOGETHER = 10
CALL_SECONDS = 0.5
MOST_SILENT_SECONDS = 2.0
"""Waited for longer than that, the first packet counts as missing."""
AGENTS = 10


def measure(world: World) -> list[Figure]:
    """Calls of half a second, ten at a time."""
    few, many = world.times(FEW, 20), world.times(MANY, 60)
    with world.deployed() as product:
        numbers = [_number(product, index) for index in range(AGENTS)]
        failures = _ring(product, numbers, few)
        early = machine.resident_bytes(machine.supervisor(), "voice")
        failures += _ring(product, numbers, many - few)
        late = machine.resident_bytes(machine.supervisor(), "voice")
    why = ", ".join(f"{times} × {what}" for what, times in failures.most_common())
    note = f"{late / 2**20:.0f} MB against {early / 2**20:.0f} MB; {failures.total()} of {many} calls failed"
    note += f": {why}" if why else ""
    name = f"memory of the voice worker after {many:,} calls, against {few:,}"
    return [Figure(name, late / early, "×", many, Target(1.1), note=note)]


def _number(product: Product, index: int) -> str:
    greeting = f"Hello, this is shop number {index}."
    return product.number(product.agent("We are open.", first_message=greeting, tts={"provider": "scripted"}))


def _ring(product: Product, numbers: list[str], count: int) -> Counter[str]:
    """Place so many calls; how many failed, by what went wrong."""
    exchange = Exchange(product.sip)
    left, failed = zip(range(count), cycle(numbers), strict=False), Counter[str]()

    try:
        for _ in range(TOGETHER):
            exchange.add(_caller(exchange, left, failed))
        exchange.run(count * 2 + 60)
    finally:
        exchange.close()
    return failed


def _caller(exchange: Exchange, left: Iterator[tuple[int, str]], failed: Counter[str]) -> Script:
    for _, number in left:
        yield from _ring_once(exchange, exchange.call(number), failed)


def _ring_once(exchange: Exchange, call: Call, failed: Counter[str]) -> Script:
    yield from until(lambda: call.status > 0, 5)
    if call.answered is not None:
        yield from pause(CALL_SECONDS)
        yield from until(lambda: bool(call.heard), MOST_SILENT_SECONDS)
    if (what := _failure(call)) is not None:
        failed[what] += 1
    exchange.hang_up(call)
    yield from pause(0.1)
    exchange.forget(call)


def _failure(call: Call) -> str | None:
    """What went wrong with a call that is being hung up."""
    if call.answered is None:
        return f"refused with {call.status}" if call.status else "no answer in time"
    return None if call.heard else "nothing heard"
