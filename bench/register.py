"""How long a registration takes, and how many there can be a second."""

from collections.abc import Iterator
from itertools import count

from tests.e2e.product import TRUNK, Product

from bench import http
from bench.figures import Figure, Target
from bench.statistics import percentile
from bench.world import World

TOGETHER = 32
_NUMBERS = count(15_551_000_000)


def measure(world: World) -> list[Figure]:
    """One after the other, then 32 at a time; every one with another number."""
    with world.deployed() as product:
        agent = product.agent("We are open.")
        _register(product, agent, 20, 1)
        alone = _register(product, agent, world.times(300, 20), 1)
        together = _register(product, agent, world.times(1000, 64), TOGETHER)
    waits = [1000 * one for one in alone.seconds]
    crowded = [1000 * one for one in together.seconds]
    return [
        Figure("register, one at a time, p50", percentile(waits, 0.5), "ms", len(waits), Target(30), note=_all(alone)),
        Figure("register, one at a time, p95", percentile(waits, 0.95), "ms", len(waits)),
        Figure(
            f"registrations at concurrency {TOGETHER}",
            together.per_second,
            "per s",
            len(crowded),
            note=f"{_all(together)}; p50 {percentile(crowded, 0.5):.0f} ms, p95 {percentile(crowded, 0.95):.0f} ms",
        ),
    ]


def _all(answers: http.Answers) -> str:
    return "all 201" if answers.only(201) else f"STATUSES {answers.statuses}"


def _register(product: Product, agent: str, times: int, together: int) -> http.Answers:
    return http.ask(address_of(product), _requests(product, agent, times), together)


def _requests(product: Product, agent: str, times: int) -> Iterator[bytes]:
    for _ in range(times):
        number = f"+{next(_NUMBERS)}"
        body = {"phone_number": number, "provider": "twilio", "agent_id": agent, "provider_config": TRUNK}
        yield http.request("POST", "/v1/phone-numbers", headers=authorization(product), body=body)


def authorization(product: Product) -> dict[str, str]:
    """The header that a deployment's key goes into."""
    return {"Authorization": product.api.headers["authorization"]}


def address_of(product: Product) -> tuple[str, int]:
    """Where the API listens."""
    host, port = product.environment["ONEINBOX_API_LISTEN"].split(":")
    return host, int(port)
