"""Fifty calls at once with scripted brains: what they cost each process, and whether their audio stays even."""

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from tests.e2e.product import Product

from bench import g711, machine
from bench.callers import Call, Exchange, Script, pause, until
from bench.figures import Figure, Target
from bench.statistics import jitter_ms, mean, percentile
from bench.world import World

CALLS = 50
SECONDS = 45.0
RAMP_SECONDS = 5.0
ROLES = ("voice", "edge", "api", "jobs", "postgres")
TURN_SECONDS = 6.0


@dataclass(slots=True)
class Outcome:
    """What one run of calls has shown. CPU in cores while all calls ran, and in seconds after their end."""

    cores: dict[str, float] = field(default_factory=dict)
    after: float = 0.0
    jitters: list[float] = field(default_factory=list)
    gaps_ms: list[float] = field(default_factory=list)
    lost: int = 0
    failed: int = 0
    answers: int = 0


def measure(world: World) -> list[Figure]:
    """The same calls with recording and without."""
    count, seconds = world.times(CALLS, 2), max(10.0, SECONDS * world.scale)
    with world.deployed() as product:
        recorded = run(product, _numbers(product, count, record=True), seconds)
        plain = run(product, _numbers(product, count, record=False), seconds)
    return [*_figures(f"{count} recorded calls", recorded, count), *_comparison(count, recorded, plain)]


def run(product: Product, numbers: Sequence[str], seconds: float) -> Outcome:
    """Call all the numbers, talk for so many seconds, hang up, and wait until all is stored."""
    outcome = Outcome()
    exchange = Exchange(product.sip)
    supervisor = machine.supervisor()
    calls: list[Call] = []
    question = g711.encode(_tone(1.5))
    for index, number in enumerate(numbers):
        exchange.add(_caller(exchange, number, index * RAMP_SECONDS / len(numbers), seconds, question, calls))
    exchange.add(_watch(supervisor, seconds, outcome))
    try:
        exchange.run(seconds + 30)
        ended = machine.cpu_seconds(supervisor)
        _until_settled(product)
        outcome.after = sum(machine.cpu_seconds(supervisor).values()) - sum(ended.values())
        for call in calls:
            _judge(call, seconds, outcome)
        outcome.failed += len(numbers) - len(calls)
    finally:
        exchange.close()
    return outcome


def _caller(
    exchange: Exchange, number: str, after: float, seconds: float, question: bytes, calls: list[Call]
) -> Script:
    yield from pause(after)
    call = exchange.call(number)
    calls.append(call)
    yield from until(lambda: call.status > 0, 5)
    left = until(lambda: call.over, seconds + RAMP_SECONDS - after)
    next_question = time.time() + 3
    for _ in left:
        if call.answered and time.time() >= next_question:
            call.say(question)
            next_question += TURN_SECONDS
        yield
    call.cut_off = call.over
    exchange.hang_up(call)
    yield from pause(0.5)


def _watch(supervisor: int, seconds: float, outcome: Outcome) -> Script:
    """Take the CPU time of the stretch in which every call is up."""
    yield from pause(RAMP_SECONDS + 1)
    before, began = machine.cpu_seconds(supervisor), time.monotonic()
    yield from pause(seconds - 3)
    after, lasted = machine.cpu_seconds(supervisor), time.monotonic() - began
    outcome.cores = {role: (after.get(role, 0.0) - before.get(role, 0.0)) / lasted for role in (*ROLES, "supervisor")}


def _judge(call: Call, seconds: float, outcome: Outcome) -> None:
    arrivals = [(packet.came, packet.stamp) for packet in call.heard]
    answered = [at for at in call.asked if (onset := call.onset(at)) is not None and onset - at < TURN_SECONDS]
    if call.answered is None or call.cut_off or len(arrivals) < 40 * seconds or len(answered) < len(call.asked) - 1:
        outcome.failed += 1
        return
    outcome.answers += len(answered)
    outcome.jitters.append(mean(jitter_ms(arrivals)))
    outcome.gaps_ms.append(1000 * max(later - earlier for (earlier, _), (later, _) in itertools.pairwise(arrivals)))
    numbers = [packet.sequence for packet in call.heard]
    outcome.lost += (numbers[-1] - numbers[0] & 0xFFFF) + 1 - len(set(numbers))


def _figures(what: str, seen: Outcome, count: int) -> list[Figure]:
    total = sum(seen.cores.values())
    note = f"{seen.answers} answers heard, {seen.lost} packets lost; a tone, scripted ear, brain and voice"
    parts = [Figure(f"{what}: CPU of {role}", seen.cores.get(role, 0.0), "cores", count) for role in ROLES]
    return [
        Figure(f"{what}: CPU of all processes", total, "cores", count, Target(1), note=note),
        *parts,
        Figure(f"{what}: jitter, mean of the calls' means", mean(seen.jitters), "ms", len(seen.jitters), Target(3)),
        Figure(f"{what}: jitter, the worst call's mean", max(seen.jitters, default=float("nan")), "ms", count),
        Figure(f"{what}: longest gap of a call, p95", percentile(seen.gaps_ms, 0.95), "ms", len(seen.gaps_ms)),
        Figure(f"{what}: failed", seen.failed, "calls", count, Target(0)),
    ]


def _comparison(count: int, recorded: Outcome, plain: Outcome) -> list[Figure]:
    off = ("recording off", sum(plain.cores.values()))
    encoded = f"encoding goes on after the call: {recorded.after:.2f} CPU s in all, {plain.after:.2f} without"
    return [
        Figure("recording on: CPU of all processes", sum(recorded.cores.values()), "cores", count, None, off, encoded),
        Figure("recording off: failed", plain.failed, "calls", count, Target(0)),
    ]


def _numbers(product: Product, count: int, *, record: bool) -> list[str]:
    agent = product.agent(
        "We are open from nine to six, and on Saturdays from ten to two.",
        first_message="Hello, this is the shop.",
        tts={"provider": "scripted"},
        enable_recording=record,
        silence_timeout_seconds=0,
    )
    return [product.number(agent) for _ in range(count)]


def _tone(seconds: float) -> bytes:
    wave = np.sin(np.arange(int(seconds * g711.RATE)) * 2 * np.pi * 440 / g711.RATE) * 8000
    return wave.astype("<i2").tobytes()


def _until_settled(product: Product) -> None:
    """Until every call has its terminal event."""
    latest = time.monotonic() + 60
    while time.monotonic() < latest:
        ((left,),) = product.rows("SELECT count(*) FROM calls WHERE status NOT IN ('completed', 'failed')")
        if not left:
            return
        time.sleep(0.5)
