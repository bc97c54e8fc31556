"""Conversations with the builtin models: how long a caller waits for an answer, by the waveform on the line."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.e2e.product import Product

from bench.callers import Call, Exchange, Script, pause, until
from bench.figures import Figure, Target
from bench.statistics import mean, percentile
from bench.world import World

HOURS = ("seven", "eight", "nine", "ten")
STREETS = ("Harbour", "Garden", "Church", "Market", "Station", "Orchard", "Castle", "Mill", "Bridge", "Forest")
PRICES = (
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
)
QUESTIONS = (
    "Hi there. When are you open?",
    "How much is it to rent a bicycle?",
    "Where can I find you?",
    "How long does a repair take?",
    "Can I pay by card?",
)
QUIET_SECONDS = 0.9
ANSWER_SECONDS = 10.0


@dataclass(slots=True)
class Heard:
    """What the callers of one run lived through; seconds."""

    waits: list[float] = field(default_factory=list)
    cut: int = 0
    """Questions that the agent spoke into."""
    missed: int = 0
    """Questions without an answer, and calls that were not answered."""


def measure(world: World) -> list[Figure]:
    """One call at a time, then six at once."""
    questions = world.spoken(*QUESTIONS)
    with world.deployed() as product:
        talk(product, _shops(product, 100, 1), questions, Heard())
        alone = Heard()
        for number in _shops(product, 0, world.times(5)):
            talk(product, [number], questions, alone)
        together, before = Heard(), time.time()
        for round_ in range(world.times(2)):
            talk(product, _shops(product, 20 + 6 * round_, 6), questions, together)
        parts = _parts(product, before)
    return [*_figures("1 call", alone, 700), *_figures("6 calls at once", together, 900), *parts]


def talk(product: Product, numbers: Sequence[str], questions: Sequence[bytes], heard: Heard) -> None:
    """Call the numbers at about the same time and ask each all the questions."""
    exchange = Exchange(product.sip)
    try:
        for index, number in enumerate(numbers):
            exchange.add(_caller(exchange, number, questions, heard, 0.7 * index))
        exchange.run(60 + 20 * len(questions))
    finally:
        exchange.close()


def _caller(exchange: Exchange, number: str, questions: Sequence[bytes], heard: Heard, after: float) -> Script:
    yield from pause(after)
    call = exchange.call(number)
    if not (yield from until(lambda: call.last_sound > 0, ANSWER_SECONDS)):
        heard.missed += len(questions)
        return
    for question in questions:
        yield from until(lambda: _quiet(call), 30)
        yield from _ask(call, question, heard)
    yield from until(lambda: _quiet(call), 30)
    exchange.hang_up(call)
    yield from pause(0.5)


def _ask(call: Call, question: bytes, heard: Heard) -> Script:
    began = time.time()
    call.say(question)
    yield from until(lambda: not call.speaking, 60)
    ended = call.said_until
    if call.onset(began) is not None:
        heard.cut += 1
        return
    if not (yield from until(lambda: call.last_sound > ended and call.onset(ended) is not None, ANSWER_SECONDS)):
        heard.missed += 1
    elif (onset := call.onset(ended)) is not None:
        heard.waits.append(onset - ended)


def _quiet(call: Call) -> bool:
    return call.over or time.time() - call.last_sound > QUIET_SECONDS


def _shops(product: Product, first: int, count: int) -> list[str]:
    """Numbers of shops whose every answer differs from the others', so that none of it has been spoken before."""
    return [product.number(_shop(product, index)) for index in range(first, first + count)]


def _shop(product: Product, index: int) -> str:
    street, price, hour = STREETS[index % 10], PRICES[index // 10 % 10], HOURS[index % 4]
    facts = (
        f"We are open from {hour} thirty to {price} past four.",
        f"Our shop is at {index + 10} {street} Street.",
        f"A repair usually takes {price} hours.",
        f"Renting a bicycle costs {index + 100} dollars a week.",
        f"You can pay by card from {price} dollars.",
    )
    greeting = "Hello, this is the bicycle shop. How can I help you?"
    return product.agent(*facts, brain="builtin", ears="builtin", first_message=greeting)


def _figures(what: str, heard: Heard, target: float) -> list[Figure]:
    asked = len(heard.waits) + heard.cut + heard.missed
    note = f"{heard.cut} of {asked} questions spoken into, {heard.missed} unanswered"
    name = f"end of caller's speech → agent's sound, {what}"
    waits = [1000 * wait for wait in heard.waits]
    return [
        Figure(f"{name}, p50", percentile(waits, 0.5), "ms", len(waits), Target(target), note=note),
        Figure(f"{name}, p90", percentile(waits, 0.9), "ms", len(waits)),
    ]


def _parts(product: Product, since: float) -> list[Figure]:
    """What the product itself says of the turns, by part."""
    query = "SELECT payload FROM call_events WHERE type = 'turn_measured'"
    turns = [payload for (payload,) in product.rows(query)]
    figures = []
    for name in ("perceived_ms", "eou_delay_ms", "llm_ttft_ms", "tts_ttfb_ms"):
        values = [float(turn[name]) for turn in turns if turn[name] is not None]
        note = f"as the worker measures it; p90 {percentile(values, 0.9):.0f}, mean {mean(values):.0f}"
        figures.append(Figure(f"of a turn: {name}, p50", percentile(values, 0.5), "ms", len(values), note=note))
    return figures
